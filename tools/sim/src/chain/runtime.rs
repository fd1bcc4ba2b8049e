//! The runtime of a run: the real pallets, joined as the chain joins them, with the numbers that governance begins with
//! (`runtime/src/parameters.rs`). The audit floor is chosen for each run.

// The macros that make a runtime write items without documentation.
#![allow(missing_docs)]

use noesis_primitives::{Balance, BlockNumber, BlockRandomness, ReputationSteps};
use polkadot_sdk::*;
use sp_runtime::Permill;

use frame_support::{derive_impl, parameter_types};

/// An account: the public key of its owner.
pub type AccountId = sp_runtime::AccountId32;

/// A DOT.
pub const UNIT: Balance = 10_000_000_000;
const CENTS: Balance = UNIT / 100;

#[frame_support::runtime]
mod construct {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Operators = pallet_operators;
	#[runtime::pallet_index(3)]
	pub type Checkpoints = pallet_checkpoints;
	#[runtime::pallet_index(4)]
	pub type Poc = pallet_poc;
	#[runtime::pallet_index(5)]
	pub type Poi = pallet_poi;
	#[runtime::pallet_index(6)]
	pub type Disputes = pallet_dispute;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = UNIT / 100;
	pub PotAccount: AccountId = AccountId::new([0x70; 32]);
	pub PanelFundAccount: AccountId = AccountId::new([0x76; 32]);

	pub const MinStake: Balance = 100 * UNIT;
	pub const UnbondingPeriod: BlockNumber = 100_800;
	pub const LongestDispute: BlockNumber = 450;
	pub const MaxMarks: u32 = 5;
	pub const ExclusionPeriod: BlockNumber = 14_400;
	pub const WrongAnswerSlash: Permill = Permill::from_percent(20);
	pub const WrongVerdictSlash: Permill = Permill::from_percent(10);
	pub const RewardShare: Permill = Permill::from_percent(50);
	pub const ExposureFactor: Permill = Permill::from_percent(5);
	/// Raised while the operators of a run are given the reputation with which they begin.
	pub static Steps: ReputationSteps = ReputationSteps::default();
	pub const HalfLife: BlockNumber = 432_000;
	pub const RatingBound: u16 = 50;
	pub const RateFactor: u32 = 4;
	pub const MillisPerBlock: u64 = 6_000;
	/// Nobody is asked for heartbeats: runs are short.
	pub const HeartbeatPeriod: BlockNumber = 0;
	pub const HeartbeatGrace: u32 = 3;

	pub const PanelSize: u32 = 3;
	pub const Quorum: u32 = 2;
	pub const Openings: u32 = 8;
	pub const PanelWindow: u32 = 20;
	pub const MaxWindows: u32 = 3;
	/// Chosen on the command line.
	pub static AuditFloor: Permill = Permill::zero();
	pub const CanaryBond: Balance = 100 * UNIT;
	pub const CanaryFee: Balance = UNIT;
	pub const CanaryPrize: Balance = 3 * UNIT;
	pub const CanaryShare: Permill = Permill::from_percent(1);
	pub const CanaryPeriod: BlockNumber = 14_400;
	pub const CanaryReveal: BlockNumber = 100;
	pub const MaxCanaries: u32 = 4;

	pub const BaseFee: Balance = 5 * CENTS;
	pub const UnitPrice: Balance = 1_000;
	pub const WorkerShare: Permill = Permill::from_percent(70);
	pub const PanelShare: Permill = Permill::from_percent(20);
	pub const OpenPeriod: u32 = 100;
	pub const MaxDeadline: u32 = 600;
	pub const KeepPeriod: u32 = 100_800;
	pub const RankBlocks: u32 = 3;
	pub const ChallengeWindow: u32 = 50;
	pub const SeatSurcharge: Permill = Permill::from_percent(7);
	pub const PrioritySurcharge: Permill = Permill::from_percent(25);
	pub const PremiumSurcharge: Permill = Permill::from_percent(100);
	pub const PriorityPromise: u32 = 20;
	pub const PremiumPromise: u32 = 10;
	pub const AuditedEntries: u32 = 2;
	pub const ShowPeriod: u32 = 50;
	pub const ShowDeposit: Balance = UNIT;
	pub const ContestPeriod: u32 = 100;
	pub const MaxLifetime: u32 = 432_000;

	pub const DisputeBond: Balance = 10 * UNIT;
	pub const WinnerShare: Permill = Permill::from_percent(50);
	pub const Arity: u32 = 16;
	pub const ResponseWindow: u32 = 10;
	pub const MovesPerWindow: u32 = 2;
	pub const UnitsPerMove: u64 = 50_000;
	pub const DisputeWindows: u32 = 32;
	pub const LiabilityPeriod: u32 = 14_400;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Runtime {
	type AccountId = AccountId;
	type Lookup = sp_runtime::traits::IdentityLookup<AccountId>;
	type Block = frame_system::mocking::MockBlockU32<Runtime>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Runtime {
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
	type RuntimeHoldReason = RuntimeHoldReason;
}

/// The hash of a block, which is known from the next block on.
pub struct BlockHashes;

impl BlockRandomness for BlockHashes {
	fn after(block: BlockNumber) -> Option<[u8; 32]> {
		let hash = System::block_hash(block);
		(block < System::block_number() && hash != Default::default()).then_some(hash.0)
	}
}

impl pallet_operators::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type AppealOrigin = frame_system::EnsureRoot<AccountId>;
	type Pot = PotAccount;
	type MinWorkerStake = MinStake;
	type MinValidatorStake = MinStake;
	type UnbondingPeriod = UnbondingPeriod;
	type LongestDispute = LongestDispute;
	type MaxMarks = MaxMarks;
	type ExclusionPeriod = ExclusionPeriod;
	type WrongAnswerSlash = WrongAnswerSlash;
	type WrongVerdictSlash = WrongVerdictSlash;
	type ApprovedCanarySlash = WrongVerdictSlash;
	type RewardShare = RewardShare;
	type ExposureFactor = ExposureFactor;
	type ReputationSteps = Steps;
	type ReputationHalfLife = HalfLife;
	type RatingBound = RatingBound;
	type RateFactor = RateFactor;
	type MillisPerBlock = MillisPerBlock;
	type HeartbeatPeriod = HeartbeatPeriod;
	type HeartbeatGrace = HeartbeatGrace;
	type WeightInfo = ();
}

impl pallet_checkpoints::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = frame_system::EnsureRoot<AccountId>;
	type DepositBase = ExistentialDeposit;
	type DepositPerByte = frame_support::traits::ConstU128<1>;
	type WeightInfo = ();
}

impl pallet_poc::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Operators = Operators;
	type Checkpoints = Checkpoints;
	type Answers = Poi;
	type Randomness = BlockHashes;
	type Subjects = Poi;
	type HandlerWeight = pallet_poi::HandlerWeight<Runtime>;
	type Pot = PotAccount;
	type PanelSize = PanelSize;
	type Quorum = Quorum;
	type Openings = Openings;
	type Window = PanelWindow;
	type MaxWindows = MaxWindows;
	type AuditFloor = AuditFloor;
	type ExposureFactor = ExposureFactor;
	type RewardShare = RewardShare;
	type CanaryBond = CanaryBond;
	type CanaryFee = CanaryFee;
	type CanaryPrize = CanaryPrize;
	type CanaryShare = CanaryShare;
	type CanaryPeriod = CanaryPeriod;
	type CanaryReveal = CanaryReveal;
	type MaxCanaries = MaxCanaries;
	type WeightInfo = ();
}

impl pallet_poi::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = Poc;
	type Receipts = ();
	type Randomness = BlockHashes;
	type Signature = sp_runtime::MultiSignature;
	type Signer = sp_runtime::MultiSigner;
	type BaseFee = BaseFee;
	type UnitPrice = UnitPrice;
	type WorkerShare = WorkerShare;
	type PanelShare = PanelShare;
	type PanelFund = PanelFundAccount;
	type Pot = PotAccount;
	type OpenPeriod = OpenPeriod;
	type MaxDeadline = MaxDeadline;
	type KeepPeriod = KeepPeriod;
	type RankBlocks = RankBlocks;
	type ChallengeWindow = ChallengeWindow;
	type StandardPanel = PanelSize;
	type SeatSurcharge = SeatSurcharge;
	type PrioritySurcharge = PrioritySurcharge;
	type PremiumSurcharge = PremiumSurcharge;
	type PriorityPromise = PriorityPromise;
	type PremiumPromise = PremiumPromise;
	type AuditedEntries = AuditedEntries;
	type ShowPeriod = ShowPeriod;
	type ShowDeposit = ShowDeposit;
	type ContestPeriod = ContestPeriod;
	type MaxLifetime = MaxLifetime;
	type WeightInfo = ();
}

impl pallet_dispute::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = Poc;
	type Subjects = Poi;
	type OverturnWeight = pallet_poi::OverturnWeight<Runtime>;
	type Bond = DisputeBond;
	type WinnerShare = WinnerShare;
	type Arity = Arity;
	type ResponseWindow = ResponseWindow;
	type MovesPerWindow = MovesPerWindow;
	type UnitsPerMove = UnitsPerMove;
	type MaxWindows = DisputeWindows;
	type LiabilityPeriod = LiabilityPeriod;
	type Pot = PotAccount;
	type WeightInfo = ();
}

#[cfg(test)]
mod tests {
	use super::*;

	/// The chain's own parameters, as they are written.
	const WRITTEN: &str = include_str!("../../../../runtime/src/parameters.rs");
	const MINUTES: u32 = 10;

	#[test]
	fn numbers_should_be_those_of_the_chain() {
		let percent = |share: Permill| format!("Permill::from_percent({})", share.deconstruct() / 10_000);
		let minutes = |blocks: u32| format!("{} * MINUTES", blocks / MINUTES);
		let units = |amount: Balance| format!("{} * UNIT", amount / UNIT);
		let written = [
			("BaseFee: Balance", format!("{} * CENTS", BaseFee::get() / CENTS)),
			("UnitPrice: Balance", "1_000".to_owned()),
			("WorkerShare: Permill", percent(WorkerShare::get())),
			("PanelShare: Permill", percent(PanelShare::get())),
			("RankBlocks: BlockNumber", RankBlocks::get().to_string()),
			("ChallengeWindow: BlockNumber", minutes(ChallengeWindow::get())),
			("PanelSize: u32", PanelSize::get().to_string()),
			("Quorum: u32", Quorum::get().to_string()),
			("AuditFloor: Permill", format!("Permill::from_percent({})", super::super::AUDIT_FLOOR)),
			("Openings: u32", Openings::get().to_string()),
			("Window: BlockNumber", minutes(PanelWindow::get())),
			("MaxWindows: u32", MaxWindows::get().to_string()),
			("MinWorkerStake: Balance", units(MinStake::get())),
			("MinValidatorStake: Balance", units(MinStake::get())),
			("MaxMarks: u32", MaxMarks::get().to_string()),
			("WrongAnswerSlash: Permill", percent(WrongAnswerSlash::get())),
			("WrongVerdictSlash: Permill", percent(WrongVerdictSlash::get())),
			("RewardShare: Permill", percent(RewardShare::get())),
			("ExposureFactor: Permill", percent(ExposureFactor::get())),
			("Bond: Balance", units(DisputeBond::get())),
			("WinnerShare: Permill", percent(WinnerShare::get())),
			("Arity: u32", Arity::get().to_string()),
			("MovesPerWindow: u32", MovesPerWindow::get().to_string()),
			("MaxWindows: u32", DisputeWindows::get().to_string()),
			("UnitsPerMove: u64", "50_000".to_owned()),
		];
		for (name, value) in written {
			let line = format!("pub static {name} = {value};");
			assert!(WRITTEN.contains(&line), "the chain's parameters do not have `{line}`");
		}
		assert!(
			WRITTEN.contains("ResponseWindow: BlockNumber = MINUTES;") && ResponseWindow::get() == MINUTES
		);
	}
}
