//! The worker's side of answered batches: it shows the items that are drawn.

use super::{Inputs, Results};
use crate::{
	bundle::awaited,
	chain::{BlockRef, Call, ChainError},
	service::Service,
	steps::Steps,
	AccountId,
};
use noesis_primitives::{BlockNumber, BundleId, JobId, JobState, JobView};
use std::{collections::BTreeSet, sync::Arc};

/// Jobs before the newest that are looked at when a worker starts: it may have answered them before.
const BACK: u64 = 256;

/// The answered batches of a worker.
pub struct Keeper {
	service: Arc<Service>,
	/// Whether the jobs from before the start were looked at.
	looked_back: bool,
	/// Batches that may have to be shown.
	watched: BTreeSet<JobId>,
	steps: Steps<JobId>,
}

impl Keeper {
	/// Looks after `service`'s batches.
	pub fn new(service: Arc<Service>) -> Self {
		Self { service, looked_back: false, watched: BTreeSet::new(), steps: Steps::new("batch") }
	}

	/// Looks after a batch of this worker from now on.
	pub fn watch(&mut self, batch: JobId) {
		self.watched.insert(batch);
	}

	/// Takes note of what was shown.
	pub fn reap(&mut self, now: BlockNumber) {
		self.steps.reap(now);
	}

	/// Shows an item of every batch that waits for one.
	pub async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		if !self.looked_back {
			let newest = self.service.chain.next_job(best.hash).await?.0;
			self.watched.extend((newest.saturating_sub(BACK)..newest).map(JobId));
			self.looked_back = true;
		}
		let ready: Vec<JobId> = self.watched.iter().filter(|id| self.steps.is_ready(id)).copied().collect();
		let me = self.service.keys.account();
		for id in ready {
			let view = self.service.chain.job(best.hash, id).await?;
			// One that nobody has may still become ours.
			let ours = |view: &JobView<AccountId>| view.state.worker().is_none_or(|worker| *worker == me);
			let alive = |view: &JobView<AccountId>| view.batch.is_some() && !view.state.is_terminal();
			match view.filter(|view| alive(view) && ours(view)) {
				Some(view) if view.state == JobState::Answered { worker: me } => {
					self.look(best, view).await?
				},
				Some(_) => {},
				None => {
					self.watched.remove(&id);
				},
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
				self.steps.take(batch, format!("item {index} shown"), submitter, call);
			},
			Err(error) => {
				tracing::error!(%batch, index, error, "a drawn item can't be shown: the batch will not be paid");
				self.steps.leave(batch, best.number);
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
