//! What the runtime API reads. Not for calls.

use crate::{Active, Config, Inputs, Jobs, Outputs, Pallet, Settlements, Timelines};
use alloc::vec::Vec;
use noesis_primitives::{JobId, JobSpec, JobView, TimelineEntry};

impl<T: Config> Pallet<T> {
	/// A job as it stands, until it is pruned.
	pub fn job_view(id: JobId) -> Option<JobView<T::AccountId>> {
		let job = Jobs::<T>::get(id)?;
		Some(JobView {
			id,
			requester: job.requester,
			spec: JobSpec {
				checkpoint: job.checkpoint,
				kind: job.kind,
				input: Inputs::<T>::get(id)?,
				worker: job.worker,
				deadline: job.deadline,
				lane: job.lane,
				tier: job.tier,
			},
			state: job.state,
			escrow: job.escrow,
			due: job.due,
			reassignments: job.reassignments,
			claim: job.claim,
			output: Outputs::<T>::get(id),
			settlement: Settlements::<T>::get(id),
		})
	}

	/// How a job came to where it is, its submission first.
	pub fn timeline(id: JobId) -> Vec<TimelineEntry<T::AccountId>> {
		Timelines::<T>::get(id).into_inner()
	}

	/// Jobs that `worker` has claimed and not answered, longest held first.
	pub fn active_jobs(worker: &T::AccountId) -> Vec<JobId> {
		Active::<T>::get(worker).into_inner()
	}
}
