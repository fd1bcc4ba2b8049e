//! What falls due when: jobs and channels by block.
//!
//! A block's list is served after its transactions, in the weight that they left, or from the next block on in a
//! small slice that every block gives. An entry is only a reminder: the job or channel itself says what is due.

use crate::{Agenda, Bundles, Config, Cursor, Error, Jobs, Pallet, WeightInfo};
use core::marker::PhantomData;
use noesis_primitives::{
	BlockNumber, BundleId, Engagement, JobId, JobState, PanelOutcome, Panels, Subject, SubjectHandler,
};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult, storage::with_storage_layer, weights::Weight, weights::WeightMeter,
	},
	sp_runtime::{traits::Convert, DispatchError},
};

/// The pallet's agenda.
pub(crate) type Dates<T> = noesis_support::Agenda<Engagement, Agenda<T>, Cursor<T>>;

/// Entries that every block serves, however full it is.
const SLICE: u64 = 4;

impl<T: Config> Pallet<T> {
	/// Has a job or channel looked at at block `at`, or soon after if many are.
	pub(crate) fn schedule(what: Engagement, at: BlockNumber) -> Result<(), Error<T>> {
		Dates::<T>::schedule(&what, at, Self::now()).ok_or(Error::<T>::AgendaFull)
	}

	/// Serves a few entries of blocks up to `last`.
	pub(crate) fn serve_slice(meter: &mut WeightMeter, last: BlockNumber) {
		let dearest = T::WeightInfo::service_job().max(T::WeightInfo::service_bundle());
		let entries = dearest.saturating_mul(SLICE);
		let limit = T::WeightInfo::service_block().saturating_mul(SLICE).saturating_add(entries);
		let mut slice = WeightMeter::with_limit(limit.min(meter.remaining()));
		Self::serve_up_to(&mut slice, last, SLICE);
		meter.consume(slice.consumed());
	}

	/// Serves entries of blocks up to `last`, as far as the weight reaches.
	pub(crate) fn serve_agenda(meter: &mut WeightMeter, last: BlockNumber) {
		Self::serve_up_to(meter, last, u64::MAX);
	}

	fn serve_up_to(meter: &mut WeightMeter, last: BlockNumber, mut entries: u64) {
		let takes = |meter: &mut WeightMeter, next: &Engagement| {
			let goes = entries > 0 && meter.try_consume(Self::weight_of(next)).is_ok();
			entries = entries.saturating_sub(goes.into());
			goes
		};
		Dates::<T>::serve(meter, T::WeightInfo::service_block(), last, takes, |what| Self::serve(what, last));
	}

	/// What serving an entry weighs at most.
	pub(crate) fn weight_of(what: &Engagement) -> Weight {
		match what {
			Engagement::Job(_) => T::WeightInfo::service_job(),
			Engagement::Bundle(_) => T::WeightInfo::service_bundle(),
		}
	}

	/// Does what is due for a job or channel at the end of block `last`. What fails leaves it as it is, for anybody to
	/// try again.
	pub(crate) fn serve(what: Engagement, last: BlockNumber) {
		let _ = with_storage_layer::<_, DispatchError, _>(|| match what {
			Engagement::Job(id) | Engagement::Bundle(BundleId::Batch(id)) => Self::serve_job(id, last),
			Engagement::Bundle(BundleId::Channel(id)) => Self::serve_channel(id, last),
		});
	}

	fn serve_job(id: JobId, last: BlockNumber) -> DispatchResult {
		let Ok(mut job) = Self::job(id) else { return Ok(()) };
		if job.due > last {
			return Ok(());
		}
		if !matches!(job.state, JobState::Answered { .. }) {
			return Self::move_on(id, last);
		}
		if job.batch.is_some() {
			Self::draw_audits(BundleId::Batch(id));
		}
		if Self::is_answer_ripe(id, &job) {
			return Self::settle_answer(id);
		}
		job.due = Self::answer_due(id, &job).max(Self::now().saturating_add(1));
		let _ = Self::schedule(job.engagement(id), job.due);
		Jobs::<T>::insert(id, job);
		Ok(())
	}

	/// Whether an answered job can be settled now.
	pub(crate) fn is_answer_ripe(id: JobId, job: &crate::Job<T::AccountId>) -> bool {
		if job.batch.is_some() {
			return Self::is_bundle_ripe(BundleId::Batch(id));
		}
		let subject = Subject::Job(id);
		let pending =
			T::Panels::outcome(subject) == PanelOutcome::Pending && T::Panels::due(subject).is_some();
		!pending && Self::now() >= Self::window_end(subject, job.answered)
	}

	/// Looks at a job or a channel again as soon as it may be settled.
	fn hasten(subject: Subject) {
		let now = Self::now();
		match BundleId::of(subject) {
			None => {
				let Subject::Job(id) = subject else { return };
				Jobs::<T>::mutate_extant(id, |job| {
					if matches!(job.state, JobState::Answered { .. }) {
						job.due = Self::answer_due(id, job).max(now);
						let _ = Self::schedule(job.engagement(id), job.due);
					}
				});
			},
			Some((id, _)) if Bundles::<T>::contains_key(id) => Self::reconsider(id, now),
			Some(_) => {},
		}
	}
}

/// What it weighs to hear of a panel that is decided.
pub struct HandlerWeight<T>(PhantomData<T>);

impl<T: Config> Convert<Subject, Weight> for HandlerWeight<T> {
	fn convert(subject: Subject) -> Weight {
		match BundleId::of(subject) {
			None => T::WeightInfo::hasten_job(),
			Some(_) => T::WeightInfo::hasten_bundle(),
		}
	}
}

impl<T: Config> SubjectHandler for Pallet<T> {
	/// Has the job settled as soon as nobody can dispute it any more: at the end of this block, or later.
	fn on_decided(subject: Subject) {
		Self::hasten(subject);
	}
}
