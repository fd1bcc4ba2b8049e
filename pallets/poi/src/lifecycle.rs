//! Every move of a job, and all that a move brings with it.

use crate::{
	pricing::Appraisal,
	settlement::{Closed, Finding},
	Active, Config, Directed, Error, Event, HoldReason, Inputs, Job, Jobs, NextJob, Outputs, Pallet,
	Settlements, Timelines,
};
use noesis_primitives::{
	Balance, BatchInputs, BatchSpec, BlockNumber, BundleId, Conduct, JobEvent, JobId, JobSpec, JobState,
	OperatorRegistry, Panels, Receipt, Receipts, Settlement, Subject, TimelineEntry,
};
use noesis_support::{Lack, Wait};
use polkadot_sdk::{
	frame_support::{dispatch::DispatchResult, ensure, traits::Get, BoundedVec},
	frame_system,
	sp_runtime::{DispatchError, Permill, SaturatedConversion},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	pub(crate) fn job(id: JobId) -> Result<Job<T::AccountId>, Error<T>> {
		Jobs::<T>::get(id).ok_or(Error::<T>::NoJob)
	}

	/// Takes in a new batch.
	pub(crate) fn take_in_batch(
		requester: T::AccountId,
		spec: BatchSpec<T::AccountId>,
		max_fee: Balance,
	) -> DispatchResult {
		let (spec, inputs) = crate::pricing::split(spec);
		Self::take_in(requester, spec, Some(inputs), max_fee)
	}

	/// Takes in a new job.
	pub(crate) fn take_in(
		requester: T::AccountId,
		spec: JobSpec<T::AccountId>,
		batch: Option<BatchInputs>,
		max_fee: Balance,
	) -> DispatchResult {
		let Appraisal { quote, price, bytes } =
			Self::appraise(&spec, batch.as_ref()).map_err(Error::<T>::from)?;
		let fits = quote.fee <= max_fee;
		ensure!(fits, Error::<T>::FeeTooHigh { short_by: Lack::of(quote.fee, max_fee) });
		Self::hold(HoldReason::JobEscrow, &requester, quote.fee)?;

		let id = NextJob::<T>::get();
		NextJob::<T>::put(JobId(id.0.saturating_add(1)));
		if let Some(worker) = &spec.worker {
			Directed::<T>::try_append(worker, id).map_err(|_| Error::<T>::DirectedFull)?;
		}
		let mut job = Job {
			requester: requester.clone(),
			checkpoint: spec.checkpoint,
			kind: spec.kind,
			input: spec.input.content_hash(),
			input_bytes: bytes,
			batch,
			worker: spec.worker,
			deadline: spec.deadline,
			lane: spec.lane,
			tier: spec.tier,
			verification: spec.verification,
			price,
			escrow: quote.fee,
			state: JobState::Open,
			due: 0,
			opened: 0,
			answered: 0,
			kept: Permill::one(),
			slot: None,
			reassignments: 0,
			claim: None,
			rating: None,
			sealed: spec.sealed,
		};
		Self::open(id, &mut job);
		Self::schedule(job.engagement(id), job.due)?;
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
		match job.state {
			JobState::Disputed { .. } => Err(Error::<T>::Disputed.into()),
			_ if job.due > last => Err(Error::<T>::NotDue { opens_in: Wait::until(job.due, last) }.into()),
			JobState::Open => Self::advance(id, &mut job, JobEvent::Expire),
			JobState::Assigned { .. } => Self::advance(id, &mut job, JobEvent::Miss),
			JobState::Answered { .. } => Err(Error::<T>::WrongState.into()),
			JobState::Final { .. } | JobState::Refunded { .. } => {
				Self::prune(id, job);
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
		Self::advance_with(id, job, event, Closed::unheard(Finding::Unverified))
	}

	/// Moves a job. The only place where a state changes.
	pub(crate) fn advance_with(
		id: JobId,
		job: &mut Job<T::AccountId>,
		event: JobEvent<T::AccountId>,
		closed: Closed<T::AccountId>,
	) -> DispatchResult {
		let conduct = conduct(&event);
		let to = job.state.transition(event, job.reassignments).map_err(|_| Error::<T>::WrongState)?;
		Self::leave(id, job, &to);
		let from = core::mem::replace(&mut job.state, to);
		let settlement = Self::enter(id, job, closed)?;
		if let Some((worker, conduct)) = from.worker().zip(conduct) {
			T::Operators::note(worker, conduct);
		}

		let at = Self::note(id, &job.state);
		Self::deposit_event(Event::Moved { job: id, from, to: job.state.clone(), at });
		if let Some(Settlement { worker, per_validator, pot, saved, bonus, refund, .. }) = settlement {
			let (job, worker_paid) = (id, worker);
			Self::deposit_event(Event::Settled {
				job,
				worker_paid,
				per_validator,
				pot,
				saved,
				bonus,
				refund,
			});
		}
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// What ends with the state that a job leaves for `to`.
	fn leave(id: JobId, job: &mut Job<T::AccountId>, to: &JobState<T::AccountId>) {
		match &job.state {
			JobState::Open => Self::dequeue(job),
			JobState::Assigned { worker } => {
				Active::<T>::mutate(worker, |jobs| jobs.retain(|active| *active != id))
			},
			_ => {},
		}
		// A worker answers for a job with its stake from the claim to the end.
		if let Some(worker) = job.state.worker().filter(|_| to.is_terminal() || *to == JobState::Open) {
			T::Operators::relieve(worker, job.escrow);
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
		closed: Closed<T::AccountId>,
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
			JobState::Answered { .. } => {
				job.answered = now;
				job.due = Self::answer_due(id, job).max(now.saturating_add(1));
			},
			JobState::Disputed { .. } => {
				job.due = BlockNumber::MAX;
				return Ok(None);
			},
			JobState::Final { .. } | JobState::Refunded { .. } => {
				Self::issue_receipt(id, job, &closed);
				let spent = Self::spend_escrow(job, closed)?;
				Settlements::<T>::insert(id, &spent);
				settlement = Some(spent);
				job.due = now.saturating_add(T::KeepPeriod::get().max(1));
			},
		}
		let _ = Self::schedule(job.engagement(id), job.due);
		Ok(settlement)
	}

	/// Opens a job to workers from this block on.
	fn open(id: JobId, job: &mut Job<T::AccountId>) {
		let now = Self::now();
		job.opened = now;
		job.due = now.saturating_add(T::OpenPeriod::get().max(1));
		if job.worker.is_none() {
			job.slot = Some(Self::enqueue(job.checkpoint, job.tier, id));
		}
	}

	/// First block at which an answered job may be settled, if nobody else speaks or disputes.
	pub(crate) fn answer_due(id: JobId, job: &Job<T::AccountId>) -> BlockNumber {
		if job.batch.is_some() {
			return Self::bundle_due(BundleId::Batch(id));
		}
		let subject = Subject::Job(id);
		T::Panels::due(subject).unwrap_or_default().max(Self::window_end(subject, job.answered))
	}

	fn issue_receipt(id: JobId, job: &Job<T::AccountId>, closed: &Closed<T::AccountId>) {
		let (JobState::Final { worker }, Some(claim)) = (&job.state, job.claim) else { return };
		let receipt = Receipt {
			subject: Subject::Job(id),
			checkpoint: job.checkpoint,
			kind: job.kind,
			input: job.input,
			claim,
			worker: worker.clone(),
			verdicts: BoundedVec::truncate_from(closed.verdicts.to_vec()),
		};
		T::Receipts::issue(&job.requester, &receipt);
	}

	/// Writes where a job stands on its timeline, and returns when. When there is no room, the oldest entry but the
	/// first makes it.
	pub(crate) fn note(id: JobId, state: &JobState<T::AccountId>) -> BlockNumber {
		let at = Self::now();
		Timelines::<T>::mutate(id, |timeline| {
			if timeline.is_full() {
				timeline.remove(1);
			}
			let _ = timeline.try_push(TimelineEntry { at, state: state.clone() });
		});
		at
	}

	/// Forgets a job; of a batch with many shown items, as many as can be forgotten at a time.
	fn prune(id: JobId, mut job: Job<T::AccountId>) {
		if job.batch.is_some() && !Self::forget_bundle(BundleId::Batch(id)) {
			job.due = Self::now().saturating_add(1);
			let _ = Self::schedule(job.engagement(id), job.due);
			Jobs::<T>::insert(id, job);
			return;
		}
		Jobs::<T>::remove(id);
		Inputs::<T>::remove(id);
		Outputs::<T>::remove(id);
		Timelines::<T>::remove(id);
		Settlements::<T>::remove(id);
		Self::deposit_event(Event::Pruned { job: id });
	}
}

/// How the worker behaved that an event is about, if it says anything of it. A dispute speaks for itself.
fn conduct<AccountId>(event: &JobEvent<AccountId>) -> Option<Conduct> {
	match event {
		JobEvent::Confirm => Some(Conduct::Served),
		JobEvent::Miss | JobEvent::Withhold => Some(Conduct::Missed),
		JobEvent::Reject => Some(Conduct::Rejected),
		_ => None,
	}
}
