//! Our own pallets, and how they meet.

use super::NftReceipts;
use crate::{parameters::dynamic_params::*, *};
use frame_support::{
	parameter_types,
	traits::{ConstU64, Get},
	PalletId,
};
use frame_system::EnsureRoot;
use sp_runtime::traits::{AccountIdConversion, Verify};

parameter_types! {
	/// The account in which panels' shares are put by of answers that were not audited.
	pub PanelFundAccount: AccountId = PalletId(*b"noesis/v").into_account_truncating();
	/// The account that the pot's share of every job goes to.
	pub PotAccount: AccountId = PalletId(*b"noesis/p").into_account_truncating();
}

/// From an answer to the end of the last dispute that can be had over it: the panel, and then the window and a game with
/// every move at its slowest, down two trees of 2^32 leaves, again and again; then the time in which validators answer for
/// what they found, and a game that begins at its end. Whoever takes all places of the docket to sit that time out lengthens
/// it, until the bond grows no more: by a game, and the time to take the place that it leaves.
///
/// Whoever loses a dispute on purpose can begin another one, to win time for a validator that unbonds. Each takes a bond,
/// and the bond grows; what is reckoned with is that somebody does it until the bond grows no more. A worker can't leave
/// before its answer has ended.
pub struct LongestDispute;

impl LongestDispute {
	/// Blocks of a game at its slowest.
	fn game() -> BlockNumber {
		let levels = dispute::Arity::get().clamp(2, noesis_primitives::MAX_ARITY).ilog2();
		// Down each tree two moves for each descent; one to show a token, one to open the second tree, one to prove its
		// leaf.
		let moves = 32u32.div_ceil(levels).saturating_mul(4).saturating_add(3);
		// Each by a player who plays in as many others as give it the most time.
		let windows = dispute::MaxWindows::get().max(1).saturating_mul(moves);
		dispute::ResponseWindow::get().max(1).saturating_mul(windows)
	}

	/// Blocks from the fall of a claim to the end of the last game about who found it.
	fn liability() -> BlockNumber {
		let games = Self::game().saturating_mul(2);
		LiabilityPeriod::get().saturating_add(Dispute::respite()).saturating_add(games)
	}
}

impl Get<BlockNumber> for LongestDispute {
	fn get() -> BlockNumber {
		let panel = poc::Window::get().saturating_mul(poc::MaxWindows::get());
		let round = poi::ChallengeWindow::get().saturating_add(Self::game());
		let rounds = pallet_dispute::MAX_DOUBLINGS.saturating_add(1);
		let answer = panel.saturating_add(round.saturating_mul(rounds));
		answer.saturating_add(Self::liability())
	}
}

/// How long validators answer for a claim that fell: at least a block.
pub struct LiabilityPeriod;

impl Get<BlockNumber> for LiabilityPeriod {
	fn get() -> BlockNumber {
		dispute::LiabilityPeriod::get().max(1)
	}
}

/// How long what ended is kept: the governed time, but never less than somebody may have to answer for it, and to defend
/// himself in a game that begins at the end of that, also where that is lengthened.
pub struct KeepPeriod;

impl Get<BlockNumber> for KeepPeriod {
	fn get() -> BlockNumber {
		poi::KeepPeriod::get().max(LongestDispute::liability())
	}
}

parameter_types! {
	/// Relay blocks that a collator may know of and not build on: how far back a relay parent may lie, and one.
	pub const RelayLag: u32 = 4;
}

impl pallet_beacon::Config for Runtime {
	type RelayLag = RelayLag;
}

impl pallet_operators::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type AppealOrigin = EnsureRoot<AccountId>;
	type Pot = PotAccount;
	type MinWorkerStake = operators::MinWorkerStake;
	type MinValidatorStake = operators::MinValidatorStake;
	type UnbondingPeriod = operators::UnbondingPeriod;
	type LongestDispute = LongestDispute;
	type MaxMarks = operators::MaxMarks;
	type ExclusionPeriod = operators::ExclusionPeriod;
	type WrongAnswerSlash = operators::WrongAnswerSlash;
	type WrongVerdictSlash = operators::WrongVerdictSlash;
	type ApprovedCanarySlash = operators::ApprovedCanarySlash;
	type RewardShare = operators::RewardShare;
	type ExposureFactor = operators::ExposureFactor;
	type ReputationSteps = operators::ReputationSteps;
	type ReputationHalfLife = operators::ReputationHalfLife;
	type RatingBound = operators::RatingBound;
	type RateFactor = operators::RateFactor;
	type MillisPerBlock = ConstU64<SLOT_DURATION>;
	type HeartbeatPeriod = operators::HeartbeatPeriod;
	type HeartbeatGrace = operators::HeartbeatGrace;
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
	type Receipts = NftReceipts;
	type Randomness = Beacon;
	type Signature = Signature;
	type Signer = <Signature as Verify>::Signer;
	type BaseFee = poi::BaseFee;
	type UnitPrice = poi::UnitPrice;
	type WorkerShare = poi::WorkerShare;
	type PanelShare = poi::PanelShare;
	type PanelFund = PanelFundAccount;
	type Pot = PotAccount;
	type OpenPeriod = poi::OpenPeriod;
	type MaxDeadline = poi::MaxDeadline;
	type KeepPeriod = KeepPeriod;
	type RankBlocks = poi::RankBlocks;
	type ChallengeWindow = poi::ChallengeWindow;
	type StandardPanel = poi::StandardPanel;
	type SeatSurcharge = poi::SeatSurcharge;
	type PrioritySurcharge = poi::PrioritySurcharge;
	type PremiumSurcharge = poi::PremiumSurcharge;
	type PriorityPromise = poi::PriorityPromise;
	type PremiumPromise = poi::PremiumPromise;
	type AuditedEntries = poi::AuditedEntries;
	type ShowPeriod = poi::ShowPeriod;
	type ShowDeposit = poi::ShowDeposit;
	type ContestPeriod = poi::ContestPeriod;
	type MaxLifetime = poi::MaxLifetime;
	type WeightInfo = pallet_poi::weights::SubstrateWeight<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSigner = BenchmarkSigner;
}

impl pallet_poc::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Operators = Operators;
	type Checkpoints = Checkpoints;
	type Answers = Poi;
	type Randomness = Beacon;
	type Subjects = Poi;
	type HandlerWeight = pallet_poi::HandlerWeight<Runtime>;
	type PanelSize = poc::PanelSize;
	type Quorum = poc::Quorum;
	type Openings = poc::Openings;
	type Window = poc::Window;
	type MaxWindows = poc::MaxWindows;
	type Pot = PotAccount;
	type AuditFloor = poc::AuditFloor;
	type ExposureFactor = operators::ExposureFactor;
	type RewardShare = operators::RewardShare;
	type CanaryBond = poc::CanaryBond;
	type CanaryFee = poc::CanaryFee;
	type CanaryPrize = poc::CanaryPrize;
	type CanaryShare = poc::CanaryShare;
	type CanaryPeriod = poc::CanaryPeriod;
	type CanaryReveal = poc::CanaryReveal;
	type MaxCanaries = poc::MaxCanaries;
	type WeightInfo = pallet_poc::weights::SubstrateWeight<Runtime>;
}

impl pallet_dispute::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = Poc;
	type Subjects = Poi;
	type OverturnWeight = pallet_poi::OverturnWeight<Runtime>;
	type Bond = dispute::Bond;
	type WinnerShare = dispute::WinnerShare;
	type Arity = dispute::Arity;
	type ResponseWindow = dispute::ResponseWindow;
	type MovesPerWindow = dispute::MovesPerWindow;
	type UnitsPerMove = dispute::UnitsPerMove;
	type MaxWindows = dispute::MaxWindows;
	type LiabilityPeriod = LiabilityPeriod;
	type Pot = PotAccount;
	type WeightInfo = pallet_dispute::weights::SubstrateWeight<Runtime>;
}

/// Signs for accounts of benchmarks.
#[cfg(feature = "runtime-benchmarks")]
pub struct BenchmarkSigner;

#[cfg(feature = "runtime-benchmarks")]
const BENCHMARK_KEYS: sp_core::crypto::KeyTypeId = sp_core::crypto::KeyTypeId(*b"bnch");

#[cfg(feature = "runtime-benchmarks")]
#[allow(clippy::expect_used, reason = "a benchmark's keystore has the keys that it made")]
impl pallet_poi::benchmarking::BenchmarkSigner<AccountId, Signature> for BenchmarkSigner {
	fn account(index: u32) -> AccountId {
		let seed = alloc::format!("//benchmark//{index}").into_bytes();
		AccountId::from(sp_io::crypto::sr25519_generate(BENCHMARK_KEYS, Some(seed)).0)
	}

	fn sign(who: &AccountId, message: &[u8]) -> Signature {
		let public = sp_core::sr25519::Public::from_raw(*who.as_ref());
		let signature = sp_io::crypto::sr25519_sign(BENCHMARK_KEYS, &public, message);
		Signature::Sr25519(signature.expect("the key was made by `account`"))
	}
}
