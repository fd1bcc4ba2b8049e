//! Our own pallets, and how they meet.

use crate::{parameters::dynamic_params::*, *};
use frame_support::{parameter_types, PalletId};
use frame_system::EnsureRoot;
use noesis_primitives::BlockRandomness;
use sp_runtime::traits::AccountIdConversion;

parameter_types! {
	/// The account that the pot's share of every job goes to.
	pub PotAccount: AccountId = PalletId(*b"noesis/p").into_account_truncating();
}

/// The hash of a block, which is known only once everything in it is fixed.
///
/// A worker can't foresee it when it answers. A collator that builds the block can choose among a few; the
/// draws stay secret all the same, because each validator's comes from its own key.
pub struct ChainRandomness;

impl BlockRandomness for ChainRandomness {
	fn after(block: BlockNumber) -> Option<[u8; 32]> {
		if block >= System::block_number() {
			return None;
		}
		let hash = System::block_hash(block);
		(hash != Hash::default()).then_some(hash.0)
	}
}

impl pallet_operators::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type MinWorkerStake = operators::MinWorkerStake;
	type MinValidatorStake = operators::MinValidatorStake;
	type UnbondingPeriod = operators::UnbondingPeriod;
	type MaxMarks = operators::MaxMarks;
	type ExclusionPeriod = operators::ExclusionPeriod;
	type WeightInfo = pallet_operators::weights::SubstrateWeight<Runtime>;
}

impl pallet_checkpoints::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type DepositBase = checkpoints::DepositBase;
	type DepositPerByte = checkpoints::DepositPerByte;
	type WeightInfo = pallet_checkpoints::weights::SubstrateWeight<Runtime>;
}

impl pallet_poi::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = Poc;
	type BaseFee = poi::BaseFee;
	type UnitPrice = poi::UnitPrice;
	type WorkerShare = poi::WorkerShare;
	type PanelShare = poi::PanelShare;
	type Pot = PotAccount;
	type OpenPeriod = poi::OpenPeriod;
	type MaxDeadline = poi::MaxDeadline;
	type KeepPeriod = poi::KeepPeriod;
	type RankBlocks = poi::RankBlocks;
	type WeightInfo = pallet_poi::weights::SubstrateWeight<Runtime>;
}

impl pallet_poc::Config for Runtime {
	type Operators = Operators;
	type Randomness = ChainRandomness;
	type Subjects = Poi;
	type PanelSize = poc::PanelSize;
	type Quorum = poc::Quorum;
	type Openings = poc::Openings;
	type Window = poc::Window;
	type MaxWindows = poc::MaxWindows;
	type WeightInfo = pallet_poc::weights::SubstrateWeight<Runtime>;
}
