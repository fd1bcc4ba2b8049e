//! Signs of life. An operator that gives none for too long gets no work, and loses nothing else.

use crate::{standing::Move, Config, Error, Event, Operators, Pallet};
use frame_support::{
	dispatch::{DispatchResultWithPostInfo, Pays},
	ensure,
	traits::Get,
};
use noesis_primitives::{BlockNumber, OperatorRecord, OperatorStatus};
use noesis_support::Wait;
use polkadot_sdk::frame_support;

impl<T: Config> Pallet<T> {
	/// First block at which an operator that was last seen at `seen` counts as absent: more than `HeartbeatGrace`
	/// periods later. `None` when no heartbeats are asked for.
	pub(crate) fn absent_from(seen: BlockNumber) -> Option<BlockNumber> {
		let period = T::HeartbeatPeriod::get();
		let silence = period.saturating_mul(T::HeartbeatGrace::get().max(1));
		(period > 0).then(|| seen.saturating_add(silence).saturating_add(1))
	}

	/// First block at which an active operator that was last seen at `seen` may send a heartbeat. `None` when none
	/// are asked for.
	pub(crate) fn heartbeat_from(seen: BlockNumber) -> Option<BlockNumber> {
		let period = T::HeartbeatPeriod::get();
		(period > 0).then(|| seen.saturating_add(period))
	}

	/// Whether nothing was heard of an operator for too long.
	pub(crate) fn is_silent(record: &OperatorRecord) -> bool {
		Self::absent_from(record.seen).is_some_and(|from| Self::now() >= from)
	}

	/// A heartbeat that is due is free: the call is refused to anybody for whom it is not.
	pub(crate) fn do_heartbeat(who: T::AccountId) -> DispatchResultWithPostInfo {
		let old = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		match old.status {
			OperatorStatus::Active => {
				let (now, from) = (Self::now(), Self::heartbeat_from(old.seen).unwrap_or(BlockNumber::MAX));
				ensure!(now >= from, Error::<T>::HeartbeatTooSoon { opens_in: Wait::until(from, now) });
				let new = OperatorRecord { seen: now, ..old.clone() };
				Self::replace(&who, Some(&old), Some(new));
				Self::deposit_event(Event::Heartbeat { who });
			},
			OperatorStatus::Absent { .. } => Self::apply_move(who, &old, old.clone(), Move::Return)?,
			OperatorStatus::Unbonding { .. } | OperatorStatus::Excluded { .. } => {
				return Err(Error::<T>::NotTakingPart.into());
			},
		}
		Ok(Pays::No.into())
	}

	/// Sweeping out who is silent is free too: each such operator can be swept once.
	pub(crate) fn do_sweep(who: T::AccountId) -> DispatchResultWithPostInfo {
		let old = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		if !Self::is_silent(&old) {
			let from = Self::absent_from(old.seen).unwrap_or(BlockNumber::MAX);
			return Err(Error::<T>::NotSilent { opens_in: Wait::until(from, Self::now()) }.into());
		}
		Self::apply_move(who, &old, old.clone(), Move::Vanish)?;
		Ok(Pays::No.into())
	}
}
