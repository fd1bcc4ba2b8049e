//! What must hold between blocks.

use crate::*;
use {
	alloc::collections::BTreeMap,
	noesis_primitives::{Balance, JobId, JobState, Panels, Subject},
	polkadot_sdk::{
		frame_support::{ensure, traits::fungible::InspectHold},
		sp_runtime::TryRuntimeError,
	},
};

impl<T: Config> Pallet<T> {
	/// - What is held on a requester is the sum of the escrows of its live jobs.
	/// - The queues, the lists of named and of active workers hold the jobs that they should, and no others.
	/// - An answered job has an output, a claim and a panel; an ended one a settlement.
	/// - Timelines begin with `Open` and end where the job stands.
	/// - A job that is due later is in the agenda, unless there was no place around its block.
	/// - Nothing is left of a job that was pruned.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		Self::check_escrows()?;
		Self::check_lists()?;
		for (id, job) in Jobs::<T>::iter() {
			Self::check_job(id, &job)?;
		}
		let jobs = Jobs::<T>::iter_keys().count();
		ensure!(Inputs::<T>::iter_keys().count() == jobs, "an input outlived its job");
		ensure!(Timelines::<T>::iter_keys().count() == jobs, "a timeline outlived its job");
		ensure!(Outputs::<T>::iter_keys().all(Jobs::<T>::contains_key), "an output outlived its job");
		let settled = Jobs::<T>::iter_values().filter(|job| job.state.is_terminal()).count();
		ensure!(Settlements::<T>::iter_keys().count() == settled, "settlements and ended jobs differ");
		Ok(())
	}

	fn check_escrows() -> Result<(), TryRuntimeError> {
		let mut escrows = BTreeMap::<T::AccountId, Balance>::new();
		for job in Jobs::<T>::iter_values() {
			let escrow = if job.state.is_terminal() { 0 } else { job.escrow };
			let sum = escrows.entry(job.requester).or_default();
			*sum = sum.saturating_add(escrow);
		}
		let reason = HoldReason::JobEscrow.into();
		for (requester, sum) in escrows {
			let held = T::Currency::balance_on_hold(&reason, &requester);
			ensure!(held == sum, "what is held on a requester is not the escrows of its live jobs");
		}
		Ok(())
	}

	fn check_lists() -> Result<(), TryRuntimeError> {
		let count =
			|wanted: &dyn Fn(&Job<T::AccountId>) -> bool| Jobs::<T>::iter_values().filter(wanted).count();
		let queued = count(&|job| job.slot.is_some());
		ensure!(Queue::<T>::iter_keys().count() == queued, "a queue has a job that is not open to all");
		for (checkpoint, slot, _) in Queue::<T>::iter() {
			let ring = Rings::<T>::get(checkpoint);
			ensure!((ring.head..ring.tail).contains(&slot), "a job waits outside of its queue");
		}
		let named = count(&|job| job.worker.is_some() && is_unanswered(&job.state));
		let listed: usize = Directed::<T>::iter_values().map(|jobs| jobs.len()).sum();
		ensure!(listed == named, "a list of named workers has a job too many");
		let assigned = count(&|job| matches!(job.state, JobState::Assigned { .. }));
		let active: usize = Active::<T>::iter_values().map(|jobs| jobs.len()).sum();
		ensure!(active == assigned, "a list of active workers has a job too many");
		Ok(())
	}

	fn check_job(id: JobId, job: &Job<T::AccountId>) -> Result<(), TryRuntimeError> {
		ensure!(id < NextJob::<T>::get(), "a job has a number that was not given yet");
		let open_to_all = job.state == JobState::Open && job.worker.is_none();
		ensure!(job.slot.is_some() == open_to_all, "a job has a slot, or has none, against its state");
		if let Some(slot) = job.slot {
			ensure!(Queue::<T>::get(job.checkpoint, slot) == Some(id), "a job is not in its slot");
		}
		if let Some(worker) = job.worker.as_ref().filter(|_| is_unanswered(&job.state)) {
			ensure!(Directed::<T>::get(worker).contains(&id), "a job is not on its worker's list");
		}
		match &job.state {
			JobState::Assigned { worker } => {
				ensure!(Active::<T>::get(worker).contains(&id), "a job is not among its worker's active ones")
			},
			JobState::Answered { .. } => {
				ensure!(T::Panels::due(Subject::Job(id)).is_some(), "an answered job has no panel");
				ensure!(
					Outputs::<T>::contains_key(id) && job.claim.is_some(),
					"an answered job has no answer"
				);
			},
			JobState::Final { .. } | JobState::Refunded { .. } => {
				ensure!(Settlements::<T>::contains_key(id), "an ended job has no settlement")
			},
			JobState::Open => {},
		}
		let timeline = Timelines::<T>::get(id);
		ensure!(
			timeline.first().is_some_and(|entry| entry.state == JobState::Open),
			"a timeline has no beginning"
		);
		ensure!(timeline.last().is_some_and(|entry| entry.state == job.state), "a timeline has another end");
		Self::check_agenda(id, job)
	}

	fn check_agenda(id: JobId, job: &Job<T::AccountId>) -> Result<(), TryRuntimeError> {
		if job.due <= Self::now() {
			return Ok(());
		}
		ensure!(Cursor::<T>::get().is_some_and(|cursor| cursor <= job.due), "the agenda is ahead of a job");
		let around = |probe| Agenda::<T>::get(job.due.saturating_add(probe));
		let listed = (0..AGENDA_PROBES).any(|probe| around(probe).contains(&id));
		let full = (0..AGENDA_PROBES).all(|probe| around(probe).is_full());
		ensure!(listed || full, "a job is not in the agenda");
		Ok(())
	}
}

fn is_unanswered<AccountId>(state: &JobState<AccountId>) -> bool {
	matches!(state, JobState::Open | JobState::Assigned { .. })
}
