//! Balances and transaction fees.

use crate::*;
use frame_support::{
	parameter_types,
	traits::{tokens::imbalance::ResolveTo, ConstU32, ConstU8, VariantCountOf},
	weights::{constants::ExtrinsicBaseWeight, ConstantMultiplier, Weight},
};
use polkadot_runtime_common::SlowAdjustingFeeUpdate;

parameter_types! {
	/// Least balance of an account.
	pub const ExistentialDeposit: Balance = EXISTENTIAL_DEPOSIT;
	/// Fee per byte of an extrinsic.
	pub const TransactionByteFee: Balance = MILLICENTS / 100;
	/// Where fees go: the collators' pot.
	pub StakingPot: AccountId = CollatorSelection::account_id();
}

impl pallet_balances::Config for Runtime {
	type AccountStore = System;
	type Balance = Balance;
	type DoneSlashHandler = ();
	type DustRemoval = ResolveTo<StakingPot, Balances>;
	type ExistentialDeposit = ExistentialDeposit;
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type ReserveIdentifier = [u8; 8];
	type RuntimeEvent = RuntimeEvent;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
}

/// Price of weight: an extrinsic's base weight costs a hundredth of a cent, and so do 10 kB of proof; the dearer
/// of the two counts. That keeps a verdict cheaper than what it earns (see `tests::costs`).
pub struct WeightToFee;

impl WeightToFee {
	const PRICE: Balance = CENTS / 100;
	const PROOF_BYTES: Balance = 10_000;
}

impl frame_support::weights::WeightToFee for WeightToFee {
	type Balance = Balance;

	fn weight_to_fee(weight: &Weight) -> Balance {
		let base = Balance::from(ExtrinsicBaseWeight::get().ref_time()).max(1);
		let time = Balance::from(weight.ref_time()).saturating_mul(Self::PRICE).saturating_div(base);
		let proof =
			Balance::from(weight.proof_size()).saturating_mul(Self::PRICE).saturating_div(Self::PROOF_BYTES);
		time.max(proof)
	}
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction =
		pallet_transaction_payment::FungibleAdapter<Balances, ResolveTo<StakingPot, Balances>>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightToFee = WeightToFee;
	type LengthToFee = ConstantMultiplier<Balance, TransactionByteFee>;
	type FeeMultiplierUpdate = SlowAdjustingFeeUpdate<Self>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
