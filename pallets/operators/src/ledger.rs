//! Records, stakes, and what is counted of them.

use crate::{Appeals, Barred, Config, Error, Event, HoldReason, Operators, Pallet, ValidatorsFor};
use frame_support::{
	ensure,
	pallet_prelude::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use noesis_primitives::{Balance, Capability, CheckpointId, OperatorRecord, OperatorStatus, Pace, Role};
use noesis_support::{Lack, Wait};
use polkadot_sdk::{frame_support, sp_runtime::ArithmeticError};

/// The checkpoints under which an operator is counted.
pub(crate) fn counted(record: &OperatorRecord) -> &[CheckpointId] {
	if record.role == Role::Validator && record.status == OperatorStatus::Active {
		&record.capability.checkpoints
	} else {
		&[]
	}
}

impl<T: Config> Pallet<T> {
	/// What the chain knows of an operator.
	pub fn record(who: &T::AccountId) -> Option<OperatorRecord> {
		Operators::<T>::get(who)
	}

	/// Least stake with which an operator of this role comes in.
	pub fn min_stake(role: Role) -> Balance {
		match role {
			Role::Worker => T::MinWorkerStake::get(),
			Role::Validator => T::MinValidatorStake::get(),
		}
	}

	/// Refuses a stake below that.
	pub(crate) fn ensure_stake(role: Role, stake: Balance) -> Result<(), Error<T>> {
		let least = Self::min_stake(role);
		ensure!(stake >= least, Error::StakeTooLow { short_by: Lack::of(least, stake) });
		Ok(())
	}

	/// The only way a record is written: counters and owners follow. At most `MAX_RUNNABLE` counters go down
	/// and as many go up.
	pub(crate) fn replace(who: &T::AccountId, old: Option<&OperatorRecord>, new: Option<OperatorRecord>) {
		let was = old.map(counted).unwrap_or_default();
		let is = new.as_ref().map(counted).unwrap_or_default();
		for id in was.iter().filter(|id| !is.contains(id)) {
			ValidatorsFor::<T>::mutate_exists(id, |count| {
				*count = count.map(|count| count.saturating_sub(1)).filter(|count| *count > 0);
			});
		}
		for id in is.iter().filter(|id| !was.contains(id)) {
			ValidatorsFor::<T>::mutate(id, |count| *count = count.saturating_add(1));
		}
		Self::forget_owner(who, old.map(|old| &old.capability), new.as_ref().map(|new| &new.capability));
		Operators::<T>::set(who, new);
	}

	pub(crate) fn do_register(
		who: T::AccountId,
		role: Role,
		stake: Balance,
		capability: Capability,
	) -> DispatchResult {
		ensure!(!Operators::<T>::contains_key(&who), Error::<T>::AlreadyRegistered);
		Self::ensure_stake(role, stake)?;
		Self::check_capability(&who, role, &capability)?;
		T::Currency::hold(&HoldReason::Stake.into(), &who, stake)?;
		let record = OperatorRecord {
			role,
			stake,
			exposure: 0,
			capability,
			status: OperatorStatus::Active,
			since: Self::now(),
			added: 0,
			added_at: Self::now(),
			seen: Self::now(),
			pace: Pace::default(),
		};
		Self::replace(&who, None, Some(record));
		Self::deposit_event(Event::Registered { who, role, stake });
		Ok(())
	}

	pub(crate) fn do_add_stake(who: T::AccountId, amount: Balance) -> DispatchResult {
		ensure!(amount > 0, Error::<T>::NothingToAdd);
		let old = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		let stake = old.stake.checked_add(amount).ok_or(ArithmeticError::Overflow)?;
		T::Currency::hold(&HoldReason::Stake.into(), &who, amount)?;
		let new = OperatorRecord { stake, seen: Self::now(), ..old.clone() };
		Self::replace(&who, Some(&old), Some(new));
		Self::deposit_event(Event::StakeAdded { who, amount, stake });
		Ok(())
	}

	pub(crate) fn do_update_capability(who: T::AccountId, capability: Capability) -> DispatchResult {
		let old = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		Self::check_capability(&who, old.role, &capability)?;
		let new = old.with_capability(capability, Self::now());
		Self::replace(&who, Some(&old), Some(new));
		Self::deposit_event(Event::CapabilityUpdated { who });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId) -> DispatchResult {
		let old = Operators::<T>::get(&who).ok_or(Error::<T>::NotRegistered)?;
		let OperatorStatus::Unbonding { until } = old.status else {
			return Err(Error::<T>::NotUnbonding.into());
		};
		let now = Self::now();
		ensure!(now >= until, Error::<T>::StillBound { opens_in: Wait::until(until, now) });
		// All that is held under this reason is the stake: nothing may stay behind without a record.
		let amount = T::Currency::release_all(&HoldReason::Stake.into(), &who, Precision::BestEffort)?;
		// Its stake is free, so a bar is over: it came back from its exclusion as by rejoining.
		if Barred::<T>::take(&who).is_some() {
			Self::forgive(&who);
		}
		Appeals::<T>::remove(&who);
		Self::replace(&who, Some(&old), None);
		Self::deposit_event(Event::Withdrawn { who, amount });
		Ok(())
	}
}
