//! A runtime of System, Balances and this pallet.

use crate as pallet_operators;
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128,
	},
};
use frame_system::{mocking::MockBlockU32, EnsureRoot};
use noesis_primitives::{
	Balance, BlockNumber, Capability, CheckpointId, OperatorRecord, OperatorStatus, Role, MAX_RUNNABLE,
};
use polkadot_sdk::*;
use sp_runtime::BuildStorage;

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
pub const DAVE: AccountId = 4;
pub const EVERYBODY: [AccountId; 4] = [ALICE, BOB, CHARLIE, DAVE];
pub const ENDOWMENT: Balance = 10_000;
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
	type ExistentialDeposit = ConstU128<1>;
	type AccountStore = System;
}

parameter_types! {
	pub static MinWorkerStake: Balance = 500;
	pub static MinValidatorStake: Balance = 800;
	pub static UnbondingPeriod: BlockNumber = 100;
	pub static MaxMarks: u32 = 3;
	pub static ExclusionPeriod: BlockNumber = 50;
}

impl pallet_operators::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type MinWorkerStake = MinWorkerStake;
	type MinValidatorStake = MinValidatorStake;
	type UnbondingPeriod = UnbondingPeriod;
	type MaxMarks = MaxMarks;
	type ExclusionPeriod = ExclusionPeriod;
	type WeightInfo = ();
}

/// Four endowed accounts, at block 1, under the usual parameters.
pub fn new_test_ext() -> sp_io::TestExternalities {
	MinWorkerStake::set(500);
	MinValidatorStake::set(800);
	UnbondingPeriod::set(100);
	MaxMarks::set(3);
	ExclusionPeriod::set(50);
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

/// The invariants, and that no account gained or lost a planck.
pub fn check() {
	Operators::do_try_state().unwrap();
	for who in EVERYBODY {
		assert_eq!(Balances::total_balance(&who), ENDOWMENT);
	}
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
	}
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
