//! What falls due when: disputes and dockets by block.
//!
//! A block's list is served after its transactions, in the weight that they left, or from the next block on in a
//! small slice that every block gives. An entry is only a reminder: the dispute or docket itself says what is due.

use crate::{Agenda, Config, Cursor, Disputes, Dockets, Due, Error, Event, Pallet, WeightInfo};
use noesis_primitives::{BlockNumber, DisputeId, Subject};
use polkadot_sdk::{
	frame_support::{
		dispatch::PostDispatchInfo,
		storage::with_storage_layer,
		traits::Get,
		weights::{Weight, WeightMeter},
	},
	sp_runtime::DispatchError,
};

/// The pallet's agenda.
pub(crate) type Dates<T> = noesis_support::Agenda<Due, Agenda<T>, Cursor<T>>;

/// Entries that every block serves, however full it is.
const SLICE: u64 = 2;

impl<T: Config> Pallet<T> {
	/// Has something looked at at block `at`, or soon after if much is.
	pub(crate) fn schedule(what: Due, at: BlockNumber) -> Result<(), Error<T>> {
		Dates::<T>::schedule(&what, at, Self::now()).ok_or(Error::<T>::AgendaFull)
	}

	/// Serves a few entries of blocks up to `last`.
	pub(crate) fn serve_slice(meter: &mut WeightMeter, last: BlockNumber) {
		let each = T::WeightInfo::service_block().saturating_add(Self::service_weight());
		let mut slice = WeightMeter::with_limit(each.saturating_mul(SLICE).min(meter.remaining()));
		Self::serve_agenda(&mut slice, last);
		meter.consume(slice.consumed());
	}

	/// The most that follows when a claim falls: who made it is convicted, and the subject ends with all that hangs on it.
	pub(crate) fn convict_weight() -> Weight {
		T::WeightInfo::convict().saturating_add(T::OverturnWeight::get())
	}

	/// What a move weighed that takes `step` where the game goes on, and all that it was charged where the game ended.
	pub(crate) fn weight_of_move(dispute: DisputeId, step: Weight) -> PostDispatchInfo {
		Disputes::<T>::contains_key(dispute).then_some(step).into()
	}

	/// The most that an entry takes.
	fn service_weight() -> Weight {
		T::WeightInfo::timeout().saturating_add(Self::convict_weight())
	}

	/// Takes the weight of an entry, if there is enough: of looking at it, and of all that may follow if a dispute ends.
	fn takes(meter: &mut WeightMeter, entry: Due, last: BlockNumber) -> bool {
		if meter.try_consume(T::WeightInfo::timeout()).is_err() {
			return false;
		}
		let ends = match entry {
			Due::Move(id) => Disputes::<T>::get(id).is_some_and(|dispute| dispute.due <= last),
			Due::Docket(_) => false,
		};
		!ends || meter.try_consume(Self::convict_weight()).is_ok()
	}

	/// Serves entries of blocks up to `last`, as far as the weight reaches.
	pub(crate) fn serve_agenda(meter: &mut WeightMeter, last: BlockNumber) {
		let takes = |meter: &mut WeightMeter, entry: &Due| Self::takes(meter, *entry, last);
		Dates::<T>::serve(meter, T::WeightInfo::service_block(), last, takes, |entry| {
			Self::serve(entry, last)
		});
	}

	/// Does what is due at the end of block `last`. What fails leaves all as it is, for anybody to try again.
	pub(crate) fn serve(entry: Due, last: BlockNumber) {
		match entry {
			Due::Move(id) => {
				let _ = with_storage_layer::<_, DispatchError, _>(|| Self::end_by_silence(id, last));
			},
			Due::Docket(subject) => Self::forget(subject, last),
		}
	}

	/// Forgets a docket whose time is over.
	fn forget(subject: Subject, last: BlockNumber) {
		let over = |docket: &crate::Docket<_>| docket.open.is_empty() && docket.until <= last;
		if Dockets::<T>::get(subject).is_some_and(|docket| over(&docket)) {
			Dockets::<T>::remove(subject);
			Self::deposit_event(Event::Forgotten { subject });
		}
	}
}
