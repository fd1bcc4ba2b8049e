//! Computing a batch.

use super::{fits, Inputs, InputsError, Results, ResultsError};
use crate::{
	executor::{ExecuteError, Executor, Finding, Task},
	service::Service,
	store::{FetchError, Origin, StoreError, MAX_OWN_BLOB},
	AccountId,
};
use noesis_primitives::{BatchInputs, Claim, JobKind, JobView, Payload};
use std::{
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Time between two reports of how far a batch is.
const REPORT: Duration = Duration::from_secs(5);

/// Why a batch is not computed.
#[derive(Debug, thiserror::Error)]
pub enum WorkError {
	/// It is none.
	#[error("it is no batch")]
	Single,
	/// The list can't be had.
	#[error("the list of inputs can't be had: {0}")]
	Fetch(#[from] FetchError),
	/// The list is none.
	#[error(transparent)]
	Inputs(#[from] InputsError),
	/// The results would not fit.
	#[error("the results of {0} items of this length do not fit in a blob")]
	TooMany(u32),
	/// The results do not fit.
	#[error("the results take {0} bytes, more than the {MAX_OWN_BLOB} of a blob")]
	TooLong(usize),
	/// The results can't be put together.
	#[error(transparent)]
	Results(#[from] ResultsError),
	/// An item did not run.
	#[error(transparent)]
	Execute(#[from] ExecuteError),
	/// The blobs can't be kept.
	#[error(transparent)]
	Store(#[from] StoreError),
	/// The endpoint is too long.
	#[error("the output's endpoint is too long")]
	Endpoint,
	/// The computation broke off.
	#[error("the computation broke off: {0}")]
	Broken(#[from] tokio::task::JoinError),
	/// The process ends.
	#[error("no more work is taken")]
	Closed(#[from] tokio::sync::AcquireError),
}

impl WorkError {
	/// Whether no worker can do better, or this one never will: the batch is given back.
	pub fn is_hopeless(&self) -> bool {
		matches!(
			self,
			Self::Fetch(_) | Self::Inputs(_) | Self::TooMany(_) | Self::TooLong(_) | Self::Results(_)
		)
	}
}

/// A batch to compute.
pub(crate) struct Work {
	pub service: Arc<Service>,
	pub executor: Arc<dyn Executor>,
	/// Lets one input be computed at a time; between two, jobs of others come in.
	pub turn: Arc<Semaphore>,
	pub cancelled: Arc<AtomicBool>,
	pub view: Arc<JobView<AccountId>>,
}

/// The list of a batch, if this worker could answer it: a batch whose list is not what the chain knows, or has an item that
/// the chain does not take, can't be shown, and is not paid.
pub(crate) async fn prepare(service: &Service, view: &JobView<AccountId>) -> Result<Inputs, WorkError> {
	let known: BatchInputs = view.batch.ok_or(WorkError::Single)?;
	if !fits(&view.spec.kind, known.count) {
		return Err(WorkError::TooMany(known.count));
	}
	let list = service.payload(&view.spec.input, &[]).await?;
	Ok(Inputs::read_for(&list, &known, &view.spec.kind)?)
}

impl Work {
	/// Computes every item and keeps inputs and outputs in the store. Returns what answers the batch.
	pub async fn compute(self) -> Result<(Payload, Claim), WorkError> {
		let job = self.view.id;
		let inputs = prepare(&self.service, &self.view).await?;
		let all = inputs.texts().len();
		let (mut results, mut bytes) = (Results::default(), 0usize);
		let (started, mut reported) = (Instant::now(), Instant::now());
		self.service.live.begin(job);
		for (text, index) in inputs.texts().iter().zip(1usize..) {
			let found = self.item(text).await.inspect_err(|_| self.service.live.end(job))?;
			bytes = bytes.saturating_add(found.output.len());
			if bytes > MAX_OWN_BLOB {
				self.service.live.end(job);
				return Err(WorkError::TooLong(bytes));
			}
			self.service.store.put(Origin::Own, text)?;
			self.service.store.put(Origin::Own, &found.output)?;
			results.push(text, found.output, found.claim)?;
			self.service.live.push(job, format!("{index}\n").as_bytes());
			if reported.elapsed() >= REPORT {
				reported = Instant::now();
				tracing::info!(%job, items = index, of = all, "computing a batch");
			}
		}
		self.service.live.end(job);
		let blob = results.encode();
		let claim = results.claim();
		let seconds = started.elapsed().as_secs();
		tracing::info!(%job, items = all, bytes = blob.len(), seconds, "batch computed");
		Ok((self.payload(blob)?, claim))
	}

	async fn item(&self, text: &[u8]) -> Result<Finding, WorkError> {
		let _turn = self.turn.clone().acquire_owned().await?;
		let (executor, cancelled) = (self.executor.clone(), self.cancelled.clone());
		let (checkpoint, kind, input) = (self.view.spec.checkpoint, self.view.spec.kind, text.to_vec());
		let found = tokio::task::spawn_blocking(move || {
			let mut on_output = |_: &[u8]| !cancelled.load(Ordering::Relaxed);
			let kind: &JobKind = &kind;
			let on_output = &mut on_output;
			executor.execute(Task { checkpoint, kind, input: &input, draft: None, open: &[], on_output })
		});
		Ok(found.await??)
	}

	fn payload(&self, blob: Vec<u8>) -> Result<Payload, WorkError> {
		if blob.len() > MAX_OWN_BLOB {
			return Err(WorkError::TooLong(blob.len()));
		}
		// In the store in any case: drawn items are shown out of it.
		let hash = self.service.store.put(Origin::Own, &blob)?;
		let len = u32::try_from(blob.len()).unwrap_or(u32::MAX);
		match blob.try_into() {
			Ok(bytes) => Ok(Payload::Inline(bytes)),
			Err(_) => {
				let locator = self.service.profile.locator().map_err(|_| WorkError::Endpoint)?;
				Ok(Payload::Stored { hash, len, locator })
			},
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn batch_should_be_given_back_when_an_item_can_not_be_shown() {
		for error in [InputsError::Empty(3), InputsError::Ragged { index: 3, bytes: 5 }] {
			assert!(WorkError::from(error).is_hopeless());
		}
	}
}
