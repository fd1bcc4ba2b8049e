//! A runtime with jobs and balances; checkpoints, operators and panels that do as a test says.

#![allow(missing_docs, clippy::arithmetic_side_effects)]

use crate::HoldReason;
use codec::{Decode, Encode};
use noesis_primitives::{
	merkle, Balance, BatchInputs, BatchSpec, BlockNumber, BlockRandomness, BundleId, ChannelId, ChannelSpec,
	ChannelState, CheckpointFacts, CheckpointId, CheckpointRegistry, Claim, ClaimHash, Conduct, ContentHash,
	Fault, GenerateParams, InputFormat, Item, ItemInput, JobId, JobKind, JobSpec, Lane, OperatorFault,
	OperatorRegistry, PanelClose, PanelExists, PanelOutcome, Panels, Payload, Profile, Receipt, Receipts,
	Reputation, Root, Slashed, Subject, SubjectHandler, Tally, Tier, Turn, Usage, Verdicts, Verification,
};
use polkadot_sdk::*;
use sp_runtime::{testing::TestSignature, BuildStorage, Permill};
use std::collections::BTreeMap;

use frame_support::{
	derive_impl,
	dispatch::DispatchResult,
	parameter_types,
	traits::{fungible::InspectHold, Hooks},
	weights::Weight,
};

pub type AccountId = u64;

pub const CHECKPOINT: CheckpointId = CheckpointId(7);
pub const REQUESTER: AccountId = 1;
pub const OTHER: AccountId = 2;
/// The first of three workers.
pub const WORKER: AccountId = 11;
pub const VALIDATORS: [AccountId; 4] = [21, 22, 23, 24];
pub const POT: AccountId = 99;
/// Where the shares of panels that did not speak are put by.
pub const FUND: AccountId = 98;
pub const RICH: Balance = 1_000_000;
pub const EXISTENTIAL: Balance = 10;
pub const STAKE: Balance = 5_000;
/// Blocks of a window of the mock's panels.
pub const PANEL_WINDOW: BlockNumber = 5;
/// Fee of [`spec`]: 100, and 3 for each of 2 units of 64 + 3 * 5 + 10 tokens.
pub const FEE: Balance = 100 + 3 * 2 * 89;

mod doubles;
mod scenes;

pub use doubles::*;
pub use noesis_support::{Lack, Wait};
pub use scenes::*;

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
	pub type Poi = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

parameter_types! {
	pub const ExistentialDeposit: Balance = EXISTENTIAL;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
	type RuntimeHoldReason = RuntimeHoldReason;
}

impl crate::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = ToldPanels;
	type BaseFee = BaseFee;
	type UnitPrice = UnitPrice;
	type WorkerShare = WorkerShare;
	type PanelShare = PanelShare;
	type PanelFund = PanelFund;
	type Pot = Pot;
	type OpenPeriod = OpenPeriod;
	type MaxDeadline = MaxDeadline;
	type KeepPeriod = KeepPeriod;
	type RankBlocks = RankBlocks;
	type Receipts = Archive;
	type Randomness = Randomness;
	type Signature = TestSignature;
	type Signer = sp_runtime::testing::UintAuthorityId;
	type ChallengeWindow = ChallengeWindow;
	type StandardPanel = StandardPanel;
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
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSigner = TestSigner;
}

#[cfg(feature = "runtime-benchmarks")]
pub struct TestSigner;

#[cfg(feature = "runtime-benchmarks")]
impl crate::benchmarking::BenchmarkSigner<AccountId, sp_runtime::testing::TestSignature> for TestSigner {
	fn account(index: u32) -> AccountId {
		1_000_000 + u64::from(index)
	}

	fn sign(who: &AccountId, message: &[u8]) -> sp_runtime::testing::TestSignature {
		sp_runtime::testing::TestSignature(*who, message.to_vec())
	}
}

/// Changes a value in the mock's storage.
pub fn change<V>(get: impl Fn() -> V, set: impl Fn(&V), change: impl FnOnce(&mut V)) {
	let mut value = get();
	change(&mut value);
	set(&value);
}

pub fn tell(subject: Subject, outcome: PanelOutcome, verdicts: Vec<(AccountId, bool)>) {
	change(Book::get, Book::set, |book| {
		let told = book.get_mut(&subject).expect("the subject is answered");
		if !verdicts.is_empty() {
			told.spoke = System::block_number();
		}
		(told.outcome, told.verdicts) = (outcome, verdicts);
	});
}

/// Lets the panel over a job end at the end of its window.
pub fn decide(job: JobId, outcome: PanelOutcome, verdicts: &[(AccountId, bool)]) {
	tell(Subject::Job(job), outcome, verdicts.to_vec());
}

/// Lets the panel over a job end now, as when its last seat is taken.
pub fn decide_in_full(job: JobId, outcome: PanelOutcome, verdicts: &[(AccountId, bool)]) {
	decide(job, outcome, verdicts);
	Poi::on_decided(Subject::Job(job));
}

/// Moves to block `now` without serving anything.
pub fn at_block(now: BlockNumber) {
	System::set_block_number(now);
}

/// Ends this block and goes on to the next ones until `now`, serving the agenda in each.
pub fn run_to(now: BlockNumber) {
	while System::block_number() < now {
		Poi::on_idle(System::block_number(), Weight::MAX);
		System::set_block_number(System::block_number() + 1);
		let mut meter = frame_support::weights::WeightMeter::new();
		Poi::on_poll(System::block_number(), &mut meter);
	}
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let mut balances = vec![(REQUESTER, RICH), (OTHER, RICH), (POT, EXISTENTIAL), (FUND, EXISTENTIAL)];
	balances.extend((WORKER..WORKER + 3).map(|worker| (worker, EXISTENTIAL)));
	balances.extend(VALIDATORS.map(|validator| (validator, EXISTENTIAL)));
	pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
		.assimilate_storage(&mut storage)
		.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Checks what must hold, in the pallet and between it and the mock's operators.
pub fn check() {
	Poi::do_try_state().unwrap();
	let mut exposed = BTreeMap::<AccountId, Balance>::new();
	for job in crate::Jobs::<Test>::iter_values().filter(|job| !job.state.is_terminal()) {
		if let Some(worker) = job.state.worker() {
			*exposed.entry(*worker).or_default() += job.escrow;
		}
	}
	for channel in crate::Channels::<Test>::iter_values() {
		let is_counted = channel.state != ChannelState::Offered && !channel.state.is_terminal();
		if is_counted {
			*exposed.entry(channel.spec.worker).or_default() += channel.spec.escrow;
		}
	}
	exposed.retain(|_, sum| *sum > 0);
	let counted: BTreeMap<_, _> = Exposed::get().into_iter().filter(|(_, sum)| *sum > 0).collect();
	assert_eq!(counted, exposed, "exposure is not the escrows of the workers' live jobs");
}

/// Runs `test` and checks what must hold after it.
pub fn run(test: impl FnOnce()) {
	new_test_ext().execute_with(|| {
		test();
		check();
	});
}
