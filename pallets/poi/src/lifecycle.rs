//! Every move of a job, and all that a move brings with it.

use crate::{
	Active, Config, Directed, Error, Event, Inputs, Job, Jobs, NextJob, Outputs, Pallet, Settlements,
	Timelines,
};
use noesis_primitives::{
	Balance, BlockNumber, JobEvent, JobId, JobSpec, JobState, OperatorRegistry, Panels, Settlement, Subject,
	TimelineEntry, MAX_PANEL,
};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult,
		ensure,
		traits::{ConstU32, Get},
		BoundedVec,
	},
	frame_system,
	sp_runtime::{DispatchError, SaturatedConversion},
};

/// Who spoke on a job, and whether they found the worker's claim.
pub(crate) type Verdicts<AccountId> = BoundedVec<(AccountId, bool), ConstU32<MAX_PANEL>>;

impl<T: Config> Pallet<T> {
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	pub(crate) fn job(id: JobId) -> Result<Job<T::AccountId>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::NoJob)
	}

	/// Takes in a new job.
	pub(crate) fn take_in(
		requester: T::AccountId,
		spec: JobSpec<T::AccountId>,
		max_fee: Balance,
	) -> DispatchResult {
		let (quote, price) = Self::appraise(&spec).map_err(Error::<T>::from)?;
		ensure!(quote.fee <= max_fee, Error::<T>::FeeTooHigh);
		Self::hold(&requester, quote.fee)?;

		let id = NextJob::<T>::get();
		NextJob::<T>::put(JobId(id.0.saturating_add(1)));
		if let Some(worker) = &spec.worker {
			Directed::<T>::try_append(worker, id).map_err(|_| Error::<T>::DirectedFull)?;
		}
		let mut job = Job {
			requester: requester.clone(),
			checkpoint: spec.checkpoint,
			kind: spec.kind,
			input_bytes: spec.input.len(),
			worker: spec.worker,
			deadline: spec.deadline,
			lane: spec.lane,
			tier: spec.tier,
			price,
			escrow: quote.fee,
			state: JobState::Open,
			due: 0,
			opened: 0,
			slot: None,
			reassignments: 0,
			claim: None,
		};
		Self::open(id, &mut job);
		Self::schedule(id, job.due)?;
		Self::note(id, &job.state);
		Inputs::<T>::insert(id, spec.input);
		Self::deposit_event(Event::Submitted {
			job: id,
			requester,
			checkpoint: job.checkpoint,
			fee: job.escrow,
		});
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// Gives an unclaimed job back to its requester.
	pub(crate) fn take_back(requester: &T::AccountId, id: JobId) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.requester == *requester, Error::<T>::NotRequester);
		ensure!(job.state == JobState::Open, Error::<T>::NotOpen);
		Self::advance(id, &mut job, JobEvent::Cancel)
	}

	/// Moves a job on that was due at block `last` or before.
	pub(crate) fn move_on(id: JobId, last: BlockNumber) -> DispatchResult {
		let mut job = Self::job(id)?;
		ensure!(job.due <= last, Error::<T>::NotDue);
		match job.state {
			JobState::Open => Self::advance(id, &mut job, JobEvent::Expire),
			JobState::Assigned { .. } => Self::advance(id, &mut job, JobEvent::Miss),
			JobState::Answered { .. } => Err(Error::<T>::NotDue.into()),
			JobState::Final { .. } | JobState::Refunded { .. } => {
				Self::prune(id);
				Ok(())
			},
		}
	}

	/// Moves a job on which nobody spoke.
	pub(crate) fn advance(
		id: JobId,
		job: &mut Job<T::AccountId>,
		event: JobEvent<T::AccountId>,
	) -> DispatchResult {
		Self::advance_with(id, job, event, BoundedVec::new())
	}

	/// Moves a job. The only place where a state changes.
	pub(crate) fn advance_with(
		id: JobId,
		job: &mut Job<T::AccountId>,
		event: JobEvent<T::AccountId>,
		verdicts: Verdicts<T::AccountId>,
	) -> DispatchResult {
		let at_fault = matches!(event, JobEvent::Miss | JobEvent::Reject);
		let to = job.state.transition(event, job.reassignments).map_err(|_| Error::<T>::WrongState)?;
		Self::leave(id, job, &to);
		let from = core::mem::replace(&mut job.state, to);
		let settlement = Self::enter(id, job, verdicts)?;
		if let Some(worker) = from.worker().filter(|_| at_fault) {
			T::Operators::mark(worker);
		}

		Self::note(id, &job.state);
		Self::deposit_event(Event::Moved { job: id, from, to: job.state.clone() });
		if let Some(Settlement { worker, per_validator, pot, refund, .. }) = settlement {
			Self::deposit_event(Event::Settled { job: id, worker_paid: worker, per_validator, pot, refund });
		}
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// What ends with the state that a job leaves for `to`.
	fn leave(id: JobId, job: &mut Job<T::AccountId>, to: &JobState<T::AccountId>) {
		match &job.state {
			JobState::Open => Self::dequeue(job),
			JobState::Assigned { worker } => {
				Active::<T>::mutate(worker, |jobs| jobs.retain(|active| *active != id));
				if !matches!(to, JobState::Answered { .. }) {
					T::Operators::relieve(worker, job.escrow);
				}
			},
			JobState::Answered { worker } => T::Operators::relieve(worker, job.escrow),
			JobState::Final { .. } | JobState::Refunded { .. } => {},
		}
		let unanswered = |state: &JobState<_>| matches!(state, JobState::Open | JobState::Assigned { .. });
		if let Some(worker) = job.worker.as_ref().filter(|_| unanswered(&job.state) && !unanswered(to)) {
			Directed::<T>::mutate(worker, |jobs| jobs.retain(|directed| *directed != id));
		}
	}

	/// What begins with the state that a job has come to. It does not fail for want of a place in the agenda:
	/// anybody can move the job on without one.
	fn enter(
		id: JobId,
		job: &mut Job<T::AccountId>,
		verdicts: Verdicts<T::AccountId>,
	) -> Result<Option<Settlement<T::AccountId>>, DispatchError> {
		let now = Self::now();
		let mut settlement = None;
		match &job.state {
			JobState::Open => {
				job.reassignments = job.reassignments.saturating_add(1);
				Self::open(id, job);
			},
			JobState::Assigned { worker } => {
				Active::<T>::try_append(worker, id).map_err(|_| Error::<T>::TooManyJobs)?;
				T::Operators::expose(worker, job.escrow).map_err(Error::<T>::from)?;
				job.due = now.saturating_add(job.deadline);
			},
			JobState::Answered { .. } => job.due = Self::panel_due(id),
			JobState::Final { .. } | JobState::Refunded { .. } => {
				let spent = Self::spend_escrow(job, verdicts)?;
				Settlements::<T>::insert(id, &spent);
				settlement = Some(spent);
				job.due = now.saturating_add(T::KeepPeriod::get().max(1));
			},
		}
		let _ = Self::schedule(id, job.due);
		Ok(settlement)
	}

	/// Opens a job to workers from this block on.
	fn open(id: JobId, job: &mut Job<T::AccountId>) {
		let now = Self::now();
		job.opened = now;
		job.due = now.saturating_add(T::OpenPeriod::get().max(1));
		if job.worker.is_none() {
			job.slot = Some(Self::enqueue(job.checkpoint, id));
		}
	}

	/// The block at which the panel over a job may be over; always to come.
	pub(crate) fn panel_due(id: JobId) -> BlockNumber {
		let next = Self::now().saturating_add(1);
		T::Panels::due(Subject::Job(id)).unwrap_or(next).max(next)
	}

	/// Writes where a job stands on its timeline. There is room for every move that a job can make.
	fn note(id: JobId, state: &JobState<T::AccountId>) {
		let _ = Timelines::<T>::try_append(id, TimelineEntry { at: Self::now(), state: state.clone() });
	}

	/// Forgets a job.
	fn prune(id: JobId) {
		Jobs::<T>::remove(id);
		Inputs::<T>::remove(id);
		Outputs::<T>::remove(id);
		Timelines::<T>::remove(id);
		Settlements::<T>::remove(id);
		Self::deposit_event(Event::Pruned { job: id });
	}
}
