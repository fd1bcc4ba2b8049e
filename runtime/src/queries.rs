//! Reads that join several pallets, for `NoesisApi`. Never called in a block.

use crate::*;
use noesis_primitives::{CheckpointId, CheckpointView, JobId, OperatorRegistry, OperatorView};

/// Jobs that `worker` may claim now and has the stake for: those directed to it, then the open ones of the checkpoints it
/// offers. Looks through whole queues, so that jobs that it can't take hide none that it can.
pub fn open_jobs(worker: &AccountId, limit: u32) -> Vec<JobId> {
	let Some(record) = Operators::record(worker) else { return Vec::new() };
	let (now, room) = (System::block_number(), Operators::free_exposure(worker));
	let is_affordable =
		|job: &JobId| pallet_poi::Jobs::<Runtime>::get(job).is_some_and(|job| job.escrow <= room);
	let directed = Poi::directed_jobs(worker);
	let open = record
		.capability
		.checkpoints
		.iter()
		.filter(|checkpoint| Operators::ensure_worker(worker, **checkpoint).is_ok())
		.flat_map(|checkpoint| Poi::waiting_jobs(*checkpoint));
	directed
		.into_iter()
		.chain(open)
		.filter(|job| Poi::claimable_at(*job, worker).is_some_and(|opens| opens <= now.saturating_add(1)))
		.filter(is_affordable)
		.take(limit as usize)
		.collect()
}

/// The checkpoint `id`.
pub fn checkpoint(id: CheckpointId) -> Option<CheckpointView<AccountId>> {
	Checkpoints::view(id)
}

/// Checkpoints from number `from` on.
pub fn checkpoints(from: CheckpointId, limit: u32) -> Vec<CheckpointView<AccountId>> {
	(from.0..from.0.saturating_add(limit)).map_while(|id| checkpoint(CheckpointId(id))).collect()
}

/// Active workers that offer `checkpoint` and take sealed jobs. Walks the map of operators.
pub fn sealed_workers(checkpoint: CheckpointId, limit: u32) -> Vec<AccountId> {
	pallet_operators::Operators::<Runtime>::iter_keys()
		.filter(|who| Operators::seal_key(who).is_some() && Operators::ensure_worker(who, checkpoint).is_ok())
		.take(limit as usize)
		.collect()
}

/// The operator `who`.
pub fn operator(who: &AccountId) -> Option<OperatorView> {
	Operators::view(who)
}
