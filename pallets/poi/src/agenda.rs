//! What falls due when: a list of jobs for each block, and a cursor over the blocks.
//!
//! A block's list is served after its transactions, in the weight that they left, or from the next block on in a
//! small slice that every block gives. An entry is only a reminder: the job itself says what is due.

use crate::{Agenda, Config, Cursor, Error, Jobs, Pallet, WeightInfo, AGENDA_PROBES};
use noesis_primitives::{BlockNumber, JobId, JobState, PanelOutcome, Panels, Subject, SubjectHandler};
use polkadot_sdk::{
	frame_support::{
		dispatch::DispatchResult, storage::with_storage_layer, weights::WeightMeter, BoundedVec,
	},
	sp_runtime::DispatchError,
};

/// Jobs that every block serves, however full it is.
const SLICE_JOBS: u64 = 4;

impl<T: Config> Pallet<T> {
	/// Has a job looked at at block `at`, or soon after if many are.
	pub(crate) fn schedule(id: JobId, at: BlockNumber) -> Result<(), Error<T>> {
		if !Cursor::<T>::exists() {
			Cursor::<T>::put(Self::now());
		}
		(0..AGENDA_PROBES)
			.find_map(|probe| Agenda::<T>::try_append(at.saturating_add(probe), id).ok())
			.ok_or(Error::<T>::AgendaFull)
	}

	/// Serves a few entries of blocks up to `last`.
	pub(crate) fn serve_slice(meter: &mut WeightMeter, last: BlockNumber) {
		let jobs = T::WeightInfo::service_job().saturating_mul(SLICE_JOBS);
		let limit = T::WeightInfo::service_block().saturating_mul(SLICE_JOBS).saturating_add(jobs);
		let mut slice = WeightMeter::with_limit(limit.min(meter.remaining()));
		Self::serve_agenda(&mut slice, last);
		meter.consume(slice.consumed());
	}

	/// Serves entries of blocks up to `last`, as far as the weight reaches.
	pub(crate) fn serve_agenda(meter: &mut WeightMeter, last: BlockNumber) {
		if !meter.can_consume(T::WeightInfo::service_block()) {
			return;
		}
		let Some(first) = Cursor::<T>::get() else { return };
		let mut block = first;
		while block <= last && meter.try_consume(T::WeightInfo::service_block()).is_ok() {
			let mut jobs = Agenda::<T>::take(block).into_iter();
			while jobs.len() > 0 && meter.try_consume(T::WeightInfo::service_job()).is_ok() {
				if let Some(id) = jobs.next() {
					Self::serve(id, last);
				}
			}
			if jobs.len() > 0 {
				Agenda::<T>::insert(block, BoundedVec::truncate_from(jobs.collect()));
				break;
			}
			block = block.saturating_add(1);
		}
		if block != first {
			Cursor::<T>::put(block);
		}
	}

	/// Does what is due for a job at the end of block `last`. What fails leaves the job as it is, for anybody to
	/// try again.
	pub(crate) fn serve(id: JobId, last: BlockNumber) {
		let _ = with_storage_layer::<_, DispatchError, _>(|| Self::try_serve(id, last));
	}

	fn try_serve(id: JobId, last: BlockNumber) -> DispatchResult {
		let Ok(mut job) = Self::job(id) else { return Ok(()) };
		if job.due > last {
			return Ok(());
		}
		if !matches!(job.state, JobState::Answered { .. }) {
			return Self::move_on(id, last);
		}
		let subject = Subject::Job(id);
		let pending =
			T::Panels::outcome(subject) == PanelOutcome::Pending && T::Panels::due(subject).is_some();
		if !pending {
			return Self::settle_by_panel(id);
		}
		job.due = Self::panel_due(id);
		let _ = Self::schedule(id, job.due);
		Jobs::<T>::insert(id, job);
		Ok(())
	}
}

impl<T: Config> SubjectHandler for Pallet<T> {
	/// Has the job settled at the end of this block, or from the next one on.
	fn on_decided(subject: Subject) {
		let Subject::Job(id) = subject;
		Jobs::<T>::mutate_extant(id, |job| {
			if matches!(job.state, JobState::Answered { .. }) {
				job.due = Self::now();
				let _ = Self::schedule(id, job.due);
			}
		});
	}
}
