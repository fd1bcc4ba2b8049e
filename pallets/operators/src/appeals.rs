//! What an operator can say against its exclusion.

use crate::{Appeals, Barred, Config, Error, Event, Operators, Pallet};
use frame_support::{ensure, pallet_prelude::DispatchResult};
use noesis_primitives::{Appeal, BlockNumber, OperatorStatus, MAX_APPEAL_BYTES};
use polkadot_sdk::{
	frame_support,
	sp_runtime::{traits::ConstU32, BoundedVec},
};

impl<T: Config> Pallet<T> {
	/// The end of the exclusion in force or past that an operator has not come back from, if there is one.
	fn excluded_until(who: &T::AccountId) -> Result<Option<BlockNumber>, Error<T>> {
		let record = Operators::<T>::get(who).ok_or(Error::<T>::NotRegistered)?;
		Ok(match record.status {
			OperatorStatus::Excluded { until } => Some(until),
			OperatorStatus::Unbonding { .. } => Barred::<T>::get(who),
			OperatorStatus::Active | OperatorStatus::Absent { .. } => None,
		})
	}

	pub(crate) fn do_appeal(
		who: T::AccountId,
		reason: BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>>,
	) -> DispatchResult {
		let until = Self::excluded_until(&who)?.ok_or(Error::<T>::NotExcluded)?;
		let at = Self::now();
		ensure!(at < until, Error::<T>::ExclusionOver);
		ensure!(!Appeals::<T>::contains_key(&who), Error::<T>::AlreadyAppealed);
		Appeals::<T>::insert(&who, Appeal::Filed { at, reason: reason.clone() });
		Self::deposit_event(Event::Appealed { who, until, reason });
		Ok(())
	}

	pub(crate) fn do_confirm(who: T::AccountId) -> DispatchResult {
		let until = Self::excluded_until(&who)?.ok_or(Error::<T>::NotExcluded)?;
		let appeal = Appeals::<T>::get(&who);
		ensure!(matches!(appeal, Some(Appeal::Filed { .. })), Error::<T>::NoAppeal);
		Appeals::<T>::insert(&who, Appeal::Dismissed { at: Self::now() });
		Self::deposit_event(Event::ExclusionConfirmed { who, until });
		Ok(())
	}
}
