//! Bonds of challengers.

use crate::{Config, Dispute, HoldReason, Pallet};
use noesis_primitives::{Balance, Verdict};
use noesis_support::pay_from_hold;
use polkadot_sdk::frame_support::{
	dispatch::DispatchResult,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};

/// Where a bond went.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Spent {
	pub defender: Balance,
	pub pot: Balance,
	pub returned: Balance,
}

impl<T: Config> Pallet<T> {
	/// Holds the bond of a challenger.
	pub(crate) fn hold(challenger: &T::AccountId, bond: Balance) -> DispatchResult {
		T::Currency::hold(&HoldReason::DisputeBond.into(), challenger, bond)
	}

	/// Spends the bond of a dispute that ended. What the accused can't take, as an account that does not exist can't
	/// take less than the existential deposit, goes to the pot; what the pot can't take, to the challenger.
	pub(crate) fn spend_bond(dispute: &Dispute<T::AccountId>, verdict: Verdict) -> Spent {
		let mut spent = Spent::default();
		let pay = |to: &T::AccountId, amount| {
			let reason = HoldReason::DisputeBond;
			pay_from_hold::<_, T::Currency>(reason, &dispute.challenger, to, amount)
		};
		if verdict == Verdict::Stands {
			let share = T::WinnerShare::get().mul_floor(dispute.bond);
			spent.defender = pay(&dispute.defender, share);
			let rest = dispute.bond.saturating_sub(spent.defender);
			spent.pot = pay(&T::Pot::get(), rest);
		}
		let left = dispute.bond.saturating_sub(spent.defender).saturating_sub(spent.pot);
		if left > 0 {
			let reason = HoldReason::DisputeBond.into();
			let released = T::Currency::release(&reason, &dispute.challenger, left, Precision::BestEffort);
			spent.returned = released.unwrap_or(0);
		}
		spent
	}
}
