//! Answers: what they must fit, and what a late one costs its worker.

use crate::{bundle::Bundle, Config, Error, Event, Job, Outputs, Pallet};
use noesis_primitives::{
	BlockNumber, BundleId, CheckpointRegistry, Claim, JobEvent, JobId, OperatorRegistry, Panels, Payload,
	Root, Subject, Usage,
};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure},
	sp_runtime::Permill,
};

impl<T: Config> Pallet<T> {
	pub(crate) fn take_answer(
		worker: T::AccountId,
		id: JobId,
		output: Payload,
		root: Root,
		leaves: u32,
		usage: Usage,
	) -> DispatchResult {
		let mut job = Self::assigned_to(&worker, id)?;
		ensure!(job.is_plausible(usage), Error::<T>::BadUsage);
		let facts = T::Checkpoints::facts(job.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		let expected = match job.batch {
			None => facts.trace_leaves(usage.positions()),
			Some(batch) => Some(batch.count),
		};
		ensure!(expected == Some(leaves), Error::<T>::BadTrace);

		let claim = Claim { root, leaves, output: output.content_hash(), usage };
		Self::open_to_verdicts(id, &job, claim, &worker)?;
		let late = Self::count_lateness(&mut job, usage);
		job.claim = Some(claim);
		Self::advance(id, &mut job, JobEvent::Answer)?;
		Outputs::<T>::insert(id, &output);
		if let Some((blocks, refund)) = late {
			Self::deposit_event(Event::Late { job: id, blocks, refund });
		}
		Self::deposit_event(Event::Answered { job: id, worker, output, root });
		Ok(())
	}

	/// Opens the panel over the answer of a single job; fixes the bundle that answers a batch, of which items are
	/// drawn later.
	fn open_to_verdicts(
		id: JobId,
		job: &Job<T::AccountId>,
		claim: Claim,
		worker: &T::AccountId,
	) -> Result<(), Error<T>> {
		if job.batch.is_some() {
			Self::fix_bundle(
				BundleId::Batch(id),
				Bundle::new(
					claim.root,
					claim.leaves,
					job.checkpoint,
					worker.clone(),
					job.requester.clone(),
					job.verification,
				),
			);
			return Ok(());
		}
		let requester = job.requester.clone();
		T::Panels::open(Subject::Job(id), claim, job.checkpoint, worker.clone(), requester, job.verification)
			.map_err(|_| Error::<T>::PanelExists)
	}

	/// Fixes the share of the tier's surcharge that an answer of now has earned, and returns by how many blocks it
	/// broke the promise and what of the surcharge the requester will get back.
	fn count_lateness(job: &mut Job<T::AccountId>, usage: Usage) -> Option<(BlockNumber, u128)> {
		let taken = Self::now().saturating_sub(job.due.saturating_sub(job.deadline));
		if let Some(worker) = job.state.worker() {
			T::Operators::measured(worker, usage.tokens(), taken);
		}
		job.kept = job.price.kept(taken, job.deadline);
		let surcharge = job.price.surcharge(job.price.plain(usage.tokens()));
		let refund = surcharge.saturating_sub(job.kept.mul_floor(surcharge));
		let blocks = taken.saturating_sub(job.price.promise);
		(job.kept < Permill::one() && surcharge > 0).then_some((blocks, refund))
	}
}
