//! The worker's side of answered batches: it shows the items that are drawn.

use super::{Inputs, Results};
use crate::{
	bundle::awaited,
	chain::{BlockRef, Call, ChainError, SubmitError},
	service::Service,
	AccountId,
};
use noesis_primitives::{BlockNumber, BundleId, JobId, JobState, JobView};
use std::{
	collections::{BTreeSet, HashMap, HashSet},
	sync::Arc,
};
use tokio::task::JoinSet;

/// Jobs before the newest that are looked at when a worker starts.
const BACK: u64 = 256;
/// Batches that are looked at in a block.
const LISTED: usize = 64;
/// Blocks for which a batch is left alone after something failed.
const COOL_DOWN: BlockNumber = 10;
/// Blocks after an item was shown until the next is thought of: the chain has to show the first.
const PAUSE: BlockNumber = 1;

/// The answered batches of a worker.
pub struct Keeper {
	service: Arc<Service>,
	/// The first job that was not looked at yet.
	next: Option<JobId>,
	/// Batches that may have to be shown.
	watched: BTreeSet<JobId>,
	calls: JoinSet<(JobId, u32, Result<(), SubmitError>)>,
	/// Batches of which an item is being shown.
	busy: HashSet<JobId>,
	/// Batches that are left alone until a block.
	cooling: HashMap<JobId, BlockNumber>,
}

impl Keeper {
	/// Looks after `service`'s batches.
	pub fn new(service: Arc<Service>) -> Self {
		Self {
			service,
			next: None,
			watched: BTreeSet::new(),
			calls: JoinSet::new(),
			busy: HashSet::new(),
			cooling: HashMap::new(),
		}
	}

	/// Takes note of what was shown.
	pub fn reap(&mut self, now: BlockNumber) {
		while let Some(done) = self.calls.try_join_next() {
			let Ok((batch, item, result)) = done else { continue };
			self.busy.remove(&batch);
			let pause = match result {
				Ok(()) => {
					tracing::info!(%batch, item, "item shown");
					PAUSE
				},
				Err(error) => {
					tracing::warn!(%batch, item, %error, "item not shown");
					COOL_DOWN
				},
			};
			self.cooling.insert(batch, now.saturating_add(pause));
		}
		self.cooling.retain(|_, until| *until > now);
	}

	/// Shows an item of every batch that waits for one.
	pub async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		let chain = self.service.chain.clone();
		let newest = chain.next_job(best.hash).await?;
		let from = self.next.unwrap_or(JobId(newest.0.saturating_sub(BACK)));
		for job in (from.0..newest.0).map(JobId) {
			if chain.job(best.hash, job).await?.is_some_and(|view| view.batch.is_some()) {
				self.watched.insert(job);
			}
			self.next = Some(JobId(job.0.saturating_add(1)));
		}
		let ready = |id: &&JobId| !self.busy.contains(id) && !self.cooling.contains_key(id);
		let ready: Vec<JobId> = self.watched.iter().filter(ready).copied().take(LISTED).collect();
		for id in ready {
			let Some(view) = chain.job(best.hash, id).await?.filter(|view| !view.state.is_terminal()) else {
				self.watched.remove(&id);
				continue;
			};
			if view.state == (JobState::Answered { worker: self.service.keys.account() }) {
				self.look(best, view).await?;
			}
		}
		Ok(())
	}

	async fn look(&mut self, best: BlockRef, view: JobView<AccountId>) -> Result<(), ChainError> {
		let bundle = self.service.chain.bundle(best.hash, BundleId::Batch(view.id)).await?;
		let Some(index) = bundle.and_then(|bundle| awaited(&bundle, best.number).next()) else {
			return Ok(());
		};
		let batch = view.id;
		match self.show(&view, index).await {
			Ok(call) => {
				let submitter = self.service.submitter.clone();
				self.busy.insert(batch);
				self.calls.spawn(async move { (batch, index, submitter.submit(call).await.map(|_| ())) });
			},
			Err(error) => {
				tracing::error!(%batch, index, error, "a drawn item can't be shown: the batch will not be paid");
				self.cooling.insert(batch, best.number.saturating_add(COOL_DOWN));
			},
		}
		Ok(())
	}

	/// The call that shows an item, out of the store.
	async fn show(&self, view: &JobView<AccountId>, index: u32) -> Result<Call, String> {
		let (batch, claim, output) = match (view.batch, view.claim, &view.output) {
			(Some(batch), Some(claim), Some(output)) => (batch, claim, output),
			_ => return Err("it has no answer".to_owned()),
		};
		let text = |error: &dyn std::fmt::Display| error.to_string();
		let blob = self.service.payload(output, &[]).await.map_err(|error| text(&error))?;
		let list = self.service.payload(&view.spec.input, &[]).await.map_err(|error| text(&error))?;
		let results = Results::read(&blob, &claim).map_err(|error| text(&error))?;
		let inputs = Inputs::read(&list, &batch).map_err(|error| text(&error))?;
		results.show(view.id, &inputs, index).ok_or_else(|| "there is no such item".to_owned())
	}
}
