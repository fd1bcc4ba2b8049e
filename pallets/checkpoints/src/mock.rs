//! A runtime of System, Balances and this pallet.

use crate as pallet_checkpoints;
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128,
	},
};
use frame_system::{mocking::MockBlockU32, EnsureRoot};
use noesis_primitives::{
	merkle, Balance, CheckpointId, CheckpointRecord, ContentHash, Locators, Profile, Root,
};
use polkadot_sdk::*;
use sp_runtime::BuildStorage;

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CHARLIE: AccountId = 3;
pub const ENDOWMENT: Balance = 1_000_000;

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
	pub type Checkpoints = pallet_checkpoints;
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
	pub static DepositBase: Balance = 1_000;
	pub static DepositPerByte: Balance = 2;
}

impl pallet_checkpoints::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId>;
	type DepositBase = DepositBase;
	type DepositPerByte = DepositPerByte;
	type WeightInfo = ();
}

/// Three endowed accounts, at block 1, at the usual prices.
pub fn new_test_ext() -> sp_io::TestExternalities {
	DepositBase::set(1_000);
	DepositPerByte::set(2);
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: [ALICE, BOB, CHARLIE].map(|who| (who, ENDOWMENT)).to_vec(),
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

/// The invariants, and that no planck came or went.
pub fn check() {
	Checkpoints::do_try_state().unwrap();
	let total: Balance = [ALICE, BOB, CHARLIE].iter().map(Balances::total_balance).sum();
	assert_eq!(total, 3 * ENDOWMENT);
}

/// A small valid record; different seeds make different models.
pub fn record(seed: u8) -> CheckpointRecord {
	let layer_roots = vec![Root([seed; 32]), Root([seed ^ 0x55; 32]), Root([seed ^ 0xaa; 32])];
	let record = CheckpointRecord {
		parent: None,
		profile: Profile::Exact,
		architecture: ContentHash([1; 32]),
		tokenizer: ContentHash([2; 32]),
		weights: Root::default(),
		layer_roots: layer_roots.try_into().unwrap(),
		width: 64,
		layers: 2,
		context: 128,
		vocabulary: 256,
		units_per_token: 1,
		locators: locators(1),
	};
	sealed(record)
}

/// The record with its weights computed from its layers.
pub fn sealed(mut record: CheckpointRecord) -> CheckpointRecord {
	let roots: Vec<_> = record.layer_roots.iter().map(|root| root.0).collect();
	record.weights = Root(merkle::root(&roots));
	record
}

pub fn locators(count: usize) -> Locators {
	let one: Vec<_> = b"http://127.0.0.1:8100".to_vec();
	vec![one.try_into().unwrap(); count].try_into().unwrap()
}

/// Registers `record(seed)` for `who` and returns its id.
pub fn registered(who: AccountId, seed: u8) -> CheckpointId {
	let id = Checkpoints::next_id();
	assert_ok!(Checkpoints::register(RuntimeOrigin::signed(who), record(seed)));
	id
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&pallet_checkpoints::HoldReason::CheckpointDeposit.into(), &who)
}
