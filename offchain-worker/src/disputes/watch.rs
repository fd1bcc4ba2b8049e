//! The outsider: runs every answered job again, and disputes what is wrong. One honest one is enough.

use super::{bundles::Bundles, Disputes, DisputesError, WatchOptions};
use crate::{
	chain::{BlockRef, ChainError},
	service::{follow, EveryBlock, Service},
	AccountId,
};
use noesis_primitives::{BlockNumber, JobId, JobState, Subject};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::Arc,
};
use tokio::task::JoinHandle;

/// Jobs before the newest that are looked at when watching begins.
const BACK: u64 = 4096;

/// Watches until the process ends.
pub async fn run(service: Arc<Service>, options: WatchOptions) {
	let watcher = Watcher {
		disputes: Disputes::new(service.clone(), None),
		bundles: Bundles::new(service.clone(), options),
		service: service.clone(),
		next: None,
		waiting: BTreeSet::new(),
		examining: BTreeMap::new(),
	};
	follow(&service, watcher).await;
}

struct Watcher {
	service: Arc<Service>,
	disputes: Disputes,
	bundles: Bundles,
	/// The first job that was not seen yet.
	next: Option<JobId>,
	/// Jobs without an answer.
	waiting: BTreeSet<JobId>,
	examining: BTreeMap<JobId, JoinHandle<Result<bool, DisputesError>>>,
}

impl EveryBlock for Watcher {
	async fn reap(&mut self, now: BlockNumber) {
		self.disputes.reap(now).await;
		self.bundles.reap(now, &mut self.disputes).await;
		let done: Vec<JobId> =
			self.examining.iter().filter(|(_, task)| task.is_finished()).map(|(job, _)| *job).collect();
		for job in done {
			let Some(task) = self.examining.remove(&job) else { continue };
			match task.await.map_err(DisputesError::from).and_then(|result| result) {
				Ok(true) => tracing::info!(%job, "the answer is right"),
				Ok(false) => {
					tracing::warn!(%job, "the answer is wrong: disputing it");
					self.disputes.challenge(Subject::Job(job));
				},
				Err(DisputesError::Gone) => {},
				Err(DisputesError::Read(error)) => tracing::info!(%job, %error, "not examined"),
				Err(error) => tracing::warn!(%job, %error, "not examined"),
			}
		}
	}

	async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		self.disputes.step(best).await?;
		self.bundles.step(best, &self.disputes).await?;
		let newest = self.service.chain.next_job(best.hash).await?;
		let from = self.next.unwrap_or(JobId(newest.0.saturating_sub(BACK)));
		self.waiting.extend((from.0..newest.0).map(JobId));
		self.next = Some(newest);
		let waiting: Vec<JobId> = self.waiting.iter().copied().collect();
		let states = self.service.chain.job_states(best.hash, &waiting).await?;
		for (job, state) in waiting.into_iter().zip(states) {
			match state {
				Some(JobState::Answered { worker } | JobState::Disputed { worker }) => {
					self.answered(best, job, worker).await?
				},
				Some(state) if !state.is_terminal() => continue,
				_ => {},
			}
			self.waiting.remove(&job);
		}
		Ok(())
	}
}

impl Watcher {
	/// Has an answer looked at, if it is somebody else's and can be computed here.
	async fn answered(&mut self, best: BlockRef, job: JobId, worker: AccountId) -> Result<(), ChainError> {
		if worker == self.service.keys.account() {
			return Ok(());
		}
		let Some(view) = self.service.chain.job(best.hash, job).await? else { return Ok(()) };
		if view.batch.is_some() {
			self.bundles.answered(job);
		} else if self.service.models.has(view.spec.checkpoint) {
			let examine = self.disputes.examine(Subject::Job(job));
			self.examining.insert(job, tokio::spawn(examine));
		}
		Ok(())
	}
}
