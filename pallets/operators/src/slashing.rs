//! What a fault costs, and where it goes.

use crate::{standing::Move, Config, Event, HoldReason, Operators, Pallet};
use frame_support::traits::Get;
use noesis_primitives::{Fault, OperatorRecord, Slashed};
use noesis_support::pay_from_hold;
use polkadot_sdk::{frame_support, sp_runtime::Permill};

impl<T: Config> Pallet<T> {
	/// Share of a stake that a fault costs.
	pub fn slash_share(fault: Fault) -> Permill {
		match fault {
			Fault::WrongAnswer => T::WrongAnswerSlash::get(),
			Fault::WrongVerdict => T::WrongVerdictSlash::get(),
			Fault::ApprovedCanary => T::ApprovedCanarySlash::get(),
		}
	}

	/// Takes what `fault` costs, whatever the status, and with it the whole reputation. An operator that is left with
	/// less than the least stake is shut out. What nobody can take stays with the operator: money is never lost.
	///
	/// Nobody is rewarded for its own fault, nor for that of an account that belongs to the same operator: the pot
	/// gets it all.
	pub(crate) fn do_slash(who: &T::AccountId, fault: Fault, reward: Option<&T::AccountId>) -> Slashed {
		let Some(old) = Operators::<T>::get(who) else { return Slashed::default() };
		let due = Self::slash_share(fault).mul_floor(old.stake);
		let reward = reward.filter(|rewarded| !Self::belong_together(who, rewarded));
		let pay =
			|to: &T::AccountId, amount| pay_from_hold::<_, T::Currency>(HoldReason::Stake, who, to, amount);
		let wanted = reward.map_or(0, |_| T::RewardShare::get().mul_floor(due));
		let rewarded = reward.map_or(0, |to| pay(to, wanted));
		let kept = pay(&T::Pot::get(), due.saturating_sub(rewarded));
		let taken = rewarded.saturating_add(kept);

		Self::remember(who, |repute| repute.forfeit(Self::now(), T::ReputationHalfLife::get()));
		let stake = old.stake.saturating_sub(taken);
		let new = OperatorRecord { stake, ..old.clone() };
		let event =
			Event::Slashed { who: who.clone(), fault, taken, rewarded, reward: reward.cloned(), stake };
		Self::deposit_event(event);
		let fall = Move::Fall { blocks: T::ExclusionPeriod::get() };
		let falls = stake < Self::min_stake(old.role);
		if !falls || Self::apply_move(who.clone(), &old, new.clone(), fall).is_err() {
			Self::replace(who, Some(&old), Some(new));
		}
		Slashed { taken, rewarded }
	}
}
