//! A runtime of System, Balances and this pallet.

use crate as pallet_operators;
use frame_support::{
	assert_ok, derive_impl, ord_parameter_types, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128,
	},
};
use frame_system::{mocking::MockBlockU32, EnsureRoot, EnsureSignedBy};
use noesis_primitives::{
	Balance, BlockNumber, Capability, CheckpointId, Fault, OperatorRecord, OperatorRegistry, OperatorStatus,
	ReputationSteps, Role, Slashed, MAX_RUNNABLE,
};
pub use noesis_support::{Lack, Wait};
use polkadot_sdk::*;
use sp_runtime::{BuildStorage, Permill};
use std::{cell::RefCell, collections::BTreeMap};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
pub const DAVE: AccountId = 4;
pub const EVERYBODY: [AccountId; 4] = [ALICE, BOB, CHARLIE, DAVE];
/// Who decides appeals.
pub const JUDGE: AccountId = 90;
/// Where slashes go.
pub const POT: AccountId = 91;
/// An account that does not exist.
pub const NOBODY: AccountId = 92;
pub const ENDOWMENT: Balance = 10_000;
/// Existential deposit.
pub const ED: Balance = 10;
pub const STAKE: Balance = 1_000;

#[frame_support::runtime]
mod runtime {
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
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Operators = pallet_operators;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = MockBlockU32<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<ED>;
	type AccountStore = System;
}

parameter_types! {
	pub static MinWorkerStake: Balance = 500;
	pub static MinValidatorStake: Balance = 800;
	pub static UnbondingPeriod: BlockNumber = 100;
	pub static LongestDispute: BlockNumber = 0;
	pub static MaxMarks: u32 = 3;
	pub static ExclusionPeriod: BlockNumber = 50;
	pub static WrongAnswerSlash: Permill = Permill::from_percent(20);
	pub static WrongVerdictSlash: Permill = Permill::from_percent(10);
	pub static ApprovedCanarySlash: Permill = Permill::from_percent(10);
	pub static RewardShare: Permill = Permill::from_percent(50);
	pub static ExposureFactor: Permill = Permill::from_percent(100);
	pub static Steps: ReputationSteps = ReputationSteps::default();
	pub static ReputationHalfLife: BlockNumber = 10_000;
	pub static RatingBound: u16 = 50;
	pub static RateFactor: u32 = 4;
	pub static HeartbeatPeriod: BlockNumber = 0;
	pub static HeartbeatGrace: u32 = 3;
	pub const MillisPerBlock: u64 = 6_000;
	pub const Pot: AccountId = POT;
}

impl pallet_operators::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type AppealOrigin = EnsureSignedBy<JudgeOnly, AccountId>;
	type Pot = Pot;
	type MinWorkerStake = MinWorkerStake;
	type MinValidatorStake = MinValidatorStake;
	type UnbondingPeriod = UnbondingPeriod;
	type LongestDispute = LongestDispute;
	type MaxMarks = MaxMarks;
	type ExclusionPeriod = ExclusionPeriod;
	type WrongAnswerSlash = WrongAnswerSlash;
	type WrongVerdictSlash = WrongVerdictSlash;
	type ApprovedCanarySlash = ApprovedCanarySlash;
	type RewardShare = RewardShare;
	type ExposureFactor = ExposureFactor;
	type ReputationSteps = Steps;
	type ReputationHalfLife = ReputationHalfLife;
	type RatingBound = RatingBound;
	type RateFactor = RateFactor;
	type MillisPerBlock = MillisPerBlock;
	type HeartbeatPeriod = HeartbeatPeriod;
	type HeartbeatGrace = HeartbeatGrace;
	type WeightInfo = ();
}

ord_parameter_types! {
	pub const JudgeOnly: AccountId = JUDGE;
}

thread_local! {
	/// What each account should own in all, as the slashes say that moved it.
	static BOOKS: RefCell<BTreeMap<AccountId, Balance>> = const { RefCell::new(BTreeMap::new()) };
}

/// Four endowed accounts, at block 1, under the usual parameters. No heartbeats are asked for.
pub fn new_test_ext() -> sp_io::TestExternalities {
	MinWorkerStake::set(500);
	MinValidatorStake::set(800);
	UnbondingPeriod::set(100);
	LongestDispute::set(0);
	MaxMarks::set(3);
	ExclusionPeriod::set(50);
	WrongAnswerSlash::set(Permill::from_percent(20));
	WrongVerdictSlash::set(Permill::from_percent(10));
	ApprovedCanarySlash::set(Permill::from_percent(10));
	RewardShare::set(Permill::from_percent(50));
	ExposureFactor::set(Permill::from_percent(100));
	Steps::set(ReputationSteps::default());
	ReputationHalfLife::set(10_000);
	RatingBound::set(50);
	RateFactor::set(4);
	HeartbeatPeriod::set(0);
	HeartbeatGrace::set(3);
	BOOKS.with_borrow_mut(|books| *books = EVERYBODY.map(|who| (who, ENDOWMENT)).into());
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: EVERYBODY.map(|who| (who, ENDOWMENT)).to_vec(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut ext: sp_io::TestExternalities = storage.into();
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Runs a test on a fresh chain and checks the invariants after it.
pub fn execute(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		check();
	});
}

/// The invariants, and that no account gained or lost a planck but by a slash, and none was made or burned.
pub fn check() {
	Operators::do_try_state().unwrap();
	let total: Balance = BOOKS.with_borrow(|books| {
		for (who, owns) in books {
			assert_eq!(Balances::total_balance(who), *owns, "account {who}");
		}
		books.values().sum()
	});
	assert_eq!(Balances::total_issuance(), total);
	assert_eq!(total, ENDOWMENT * EVERYBODY.len() as Balance);
}

/// Slashes, and books what it says that it moved.
pub fn slash(who: AccountId, fault: Fault, reward: Option<AccountId>) -> Slashed {
	let slashed = Operators::slash(&who, fault, reward.as_ref());
	assert!(slashed.rewarded <= slashed.taken);
	BOOKS.with_borrow_mut(|books| {
		*books.entry(who).or_default() -= slashed.taken;
		*books.entry(POT).or_default() += slashed.taken - slashed.rewarded;
		if let Some(reward) = reward {
			*books.entry(reward).or_default() += slashed.rewarded;
		}
	});
	slashed
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// A capability on these checkpoints, with a draw key of the account's own.
pub fn capability(who: AccountId, checkpoints: &[u32]) -> Capability {
	let checkpoints: Vec<_> = checkpoints.iter().copied().map(CheckpointId).collect();
	Capability {
		checkpoints: checkpoints.try_into().unwrap(),
		memory_mib: 2048,
		tokens_per_second: 20,
		region: b"PT".to_vec().try_into().unwrap(),
		endpoint: b"http://127.0.0.1:8100".to_vec().try_into().unwrap(),
		draw_key: [who as u8; 32],
		owner: None,
		seal_key: None,
	}
}

/// The same, for an account that names `owner`.
pub fn owned_by(owner: AccountId, who: AccountId, checkpoints: &[u32]) -> Capability {
	let mut name = [0; 32];
	name[..8].copy_from_slice(&owner.to_le_bytes());
	Capability { owner: Some(name), ..capability(who, checkpoints) }
}

pub fn worker(who: AccountId, checkpoints: &[u32]) {
	assert_ok!(Operators::register(signed(who), Role::Worker, STAKE, capability(who, checkpoints)));
}

pub fn validator(who: AccountId, checkpoints: &[u32]) {
	assert_ok!(Operators::register(signed(who), Role::Validator, STAKE, capability(who, checkpoints)));
}

/// As many checkpoints as an operator can offer.
pub fn all_slots(from: u32) -> Vec<u32> {
	(from..from + MAX_RUNNABLE).collect()
}

pub fn record(who: AccountId) -> OperatorRecord {
	Operators::record(&who).unwrap()
}

pub fn status(who: AccountId) -> OperatorStatus {
	record(who).status
}

pub fn reputation(who: AccountId) -> u16 {
	Operators::reputation(&who).0
}

pub fn marks(who: AccountId) -> u32 {
	Operators::marks(&who)
}

/// Lets an account earn so many thousandths at once.
pub fn earn(who: AccountId, thousandths: u16) {
	let steps = Steps::get();
	Steps::set(ReputationSteps { served: thousandths, ..steps });
	Operators::note(&who, noesis_primitives::Conduct::Served);
	Steps::set(steps);
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&pallet_operators::HoldReason::Stake.into(), &who)
}

pub fn at(block: BlockNumber) {
	System::set_block_number(block);
}

/// The last event, which must be this pallet's.
pub fn assert_event(event: pallet_operators::Event<Test>) {
	System::assert_last_event(event.into());
}
