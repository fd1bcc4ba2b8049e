//! Payments out of what is held.

use noesis_primitives::Balance;
use polkadot_sdk::frame_support::{
	storage::with_storage_layer,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision, Restriction},
	},
};

/// Moves `amount` of what is held on `from` for `reason` to the free balance of `to`. Returns what was moved: all, or
/// nothing, as where an account that does not exist would get less than the existential deposit. Money is never lost.
pub fn pay_from_hold<AccountId, Currency: MutateHold<AccountId, Balance = Balance>>(
	reason: impl Into<Currency::Reason>,
	from: &AccountId,
	to: &AccountId,
	amount: Balance,
) -> Balance {
	if amount == 0 {
		return 0;
	}
	let (exact, free, force) = (Precision::Exact, Restriction::Free, Fortitude::Force);
	with_storage_layer(|| Currency::transfer_on_hold(&reason.into(), from, to, amount, exact, free, force))
		.unwrap_or(0)
}
