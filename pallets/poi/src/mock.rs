//! A runtime with jobs and balances; checkpoints, operators and panels that do as a test says.

#![allow(missing_docs, clippy::arithmetic_side_effects)]

use crate::HoldReason;
use codec::{Decode, Encode};
use noesis_primitives::{
	Balance, BlockNumber, CheckpointFacts, CheckpointId, CheckpointRegistry, Claim, GenerateParams,
	InputFormat, JobId, JobKind, JobSpec, Lane, OperatorFault, OperatorRegistry, PanelClose, PanelExists,
	PanelOutcome, Panels, Payload, Profile, Root, Subject, SubjectHandler, Tier, Usage,
};
use polkadot_sdk::*;
use sp_runtime::{BuildStorage, Permill};
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
pub const RICH: Balance = 1_000_000;
pub const EXISTENTIAL: Balance = 10;
pub const STAKE: Balance = 5_000;
/// Blocks of a window of the mock's panels.
pub const PANEL_WINDOW: BlockNumber = 5;
/// Fee of [`spec`]: 100, and 3 for each of 2 units of 64 + 3 * 5 + 10 tokens.
pub const FEE: Balance = 100 + 3 * 2 * 89;

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

/// A panel that does as it is told.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Told {
	pub claim: Claim,
	pub excluded: [AccountId; 2],
	pub opened: BlockNumber,
	pub outcome: PanelOutcome,
	pub verdicts: Vec<(AccountId, bool)>,
}

parameter_types! {
	pub storage Known: BTreeMap<CheckpointId, CheckpointFacts> = BTreeMap::from([(CHECKPOINT, FACTS)]);
	pub storage Faults: BTreeMap<AccountId, OperatorFault> = BTreeMap::new();
	pub storage Stake: Balance = STAKE;
	pub storage Exposed: BTreeMap<AccountId, Balance> = BTreeMap::new();
	pub storage Marks: BTreeMap<AccountId, u32> = BTreeMap::new();
	pub storage Book: BTreeMap<Subject, Told> = BTreeMap::new();
	pub storage BaseFee: Balance = 100;
	pub storage UnitPrice: Balance = 3;
	pub storage WorkerShare: Permill = Permill::from_percent(70);
	pub storage PanelShare: Permill = Permill::from_percent(20);
	pub storage OpenPeriod: u32 = 50;
	pub storage MaxDeadline: u32 = 30;
	pub storage KeepPeriod: u32 = 40;
	pub storage RankBlocks: u32 = 0;
	pub const Pot: AccountId = POT;
}

pub const FACTS: CheckpointFacts = CheckpointFacts {
	active: true,
	profile: Profile::Exact,
	width: 130,
	layers: 2,
	context: 8192,
	units_per_token: 2,
};

pub struct Checkpoints;

impl CheckpointRegistry for Checkpoints {
	fn facts(id: CheckpointId) -> Option<CheckpointFacts> {
		Known::get().get(&id).copied()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(facts: CheckpointFacts) -> CheckpointId {
		change(Known::get, Known::set, |known| known.extend([(CHECKPOINT, facts)]));
		CHECKPOINT
	}
}

pub struct Operators;

impl OperatorRegistry<AccountId> for Operators {
	fn ensure_worker(who: &AccountId, _: CheckpointId) -> Result<(), OperatorFault> {
		Faults::get().get(who).map_or(Ok(()), |fault| Err(*fault))
	}

	fn ensure_validator(_: &AccountId, _: CheckpointId, _: BlockNumber) -> Result<[u8; 32], OperatorFault> {
		Err(OperatorFault::WrongRole)
	}

	fn validators(_: CheckpointId) -> u32 {
		VALIDATORS.len() as u32
	}

	fn expose(who: &AccountId, price: Balance) -> Result<(), OperatorFault> {
		let exposed = Exposed::get().get(who).copied().unwrap_or_default() + price;
		if exposed > Stake::get() {
			return Err(OperatorFault::OverExposed);
		}
		change(Exposed::get, Exposed::set, |book| *book.entry(*who).or_default() = exposed);
		Ok(())
	}

	fn relieve(who: &AccountId, price: Balance) {
		change(Exposed::get, Exposed::set, |book| *book.get_mut(who).unwrap() -= price);
	}

	fn mark(who: &AccountId) {
		change(Marks::get, Marks::set, |marks| *marks.entry(*who).or_default() += 1);
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(_: &AccountId, _: noesis_primitives::Role, _: CheckpointId, _: [u8; 32]) {
		Stake::set(&Balance::MAX);
	}
}

pub struct ToldPanels;

impl Panels<AccountId> for ToldPanels {
	fn open(
		subject: Subject,
		claim: Claim,
		_: CheckpointId,
		excluded: [AccountId; 2],
	) -> Result<(), PanelExists> {
		if Book::get().contains_key(&subject) {
			return Err(PanelExists);
		}
		let opened = System::block_number();
		let told = Told { claim, excluded, opened, outcome: PanelOutcome::Pending, verdicts: vec![] };
		change(Book::get, Book::set, |book| book.extend([(subject, told)]));
		Ok(())
	}

	fn outcome(subject: Subject) -> PanelOutcome {
		Book::get().get(&subject).map_or(PanelOutcome::Pending, |told| told.outcome)
	}

	fn due(subject: Subject) -> Option<BlockNumber> {
		let told = Book::get().get(&subject)?.clone();
		let now = System::block_number();
		let ended = now.saturating_sub(told.opened + 1) / PANEL_WINDOW;
		let end = told.opened + 1 + (ended + 1) * PANEL_WINDOW;
		Some(if told.outcome == PanelOutcome::Pending { end } else { now })
	}

	fn close(subject: Subject) -> Option<PanelClose<AccountId>> {
		let Told { outcome, verdicts, .. } = Book::get().get(&subject)?.clone();
		if outcome == PanelOutcome::Pending {
			return None;
		}
		change(Book::get, Book::set, |book| drop(book.remove(&subject)));
		Some(PanelClose { outcome, verdicts: verdicts.try_into().unwrap() })
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(subject: Subject, agree: bool) {
		use frame_benchmarking::account;
		let verdicts = (0..noesis_primitives::MAX_PANEL).map(|i| (account("validator", i, 0), agree));
		let outcome = if agree { PanelOutcome::Confirmed } else { PanelOutcome::Rejected };
		tell(subject, outcome, verdicts.collect());
	}
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
	type Pot = Pot;
	type OpenPeriod = OpenPeriod;
	type MaxDeadline = MaxDeadline;
	type KeepPeriod = KeepPeriod;
	type RankBlocks = RankBlocks;
	type WeightInfo = ();
}

/// Changes a value in the mock's storage.
pub fn change<V>(get: impl Fn() -> V, set: impl Fn(&V), change: impl FnOnce(&mut V)) {
	let mut value = get();
	change(&mut value);
	set(&value);
}

fn tell(subject: Subject, outcome: PanelOutcome, verdicts: Vec<(AccountId, bool)>) {
	change(Book::get, Book::set, |book| {
		let told = book.get_mut(&subject).expect("the job is answered");
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

/// A job that five bytes of text and at most ten tokens make.
pub fn spec() -> JobSpec<AccountId> {
	JobSpec {
		checkpoint: CHECKPOINT,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 10)),
		input: Payload::Inline(b"hello".to_vec().try_into().unwrap()),
		worker: None,
		deadline: 8,
		lane: Lane::Dot,
		tier: Tier::Standard,
	}
}

/// The same for one worker only.
pub fn spec_for(worker: AccountId) -> JobSpec<AccountId> {
	JobSpec { worker: Some(worker), ..spec() }
}

/// What an honest worker says that it took: 30 tokens.
pub const USAGE: Usage = Usage { input_tokens: 21, output_tokens: 9 };
/// Leaves of its trace: 29 positions through 2 layers of 3 slices.
pub const LEAVES: u32 = 29 * 2 * 3;
/// What it costs.
pub const COST: Balance = 100 + 3 * 2 * 30;

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Submits and returns the job's number.
pub fn submit(spec: JobSpec<AccountId>) -> JobId {
	let id = crate::NextJob::<Test>::get();
	Poi::submit(signed(REQUESTER), spec, RICH).unwrap();
	id
}

pub fn output() -> Payload {
	Payload::Inline(b"world".to_vec().try_into().unwrap())
}

pub fn answer(worker: AccountId, job: JobId) -> DispatchResult {
	Poi::answer(signed(worker), job, output(), Root([5; 32]), LEAVES, USAGE)
}

/// A job that [`WORKER`] has answered.
pub fn answered() -> JobId {
	let job = submit(spec());
	Poi::claim(signed(WORKER), job).unwrap();
	answer(WORKER, job).unwrap();
	job
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::JobEscrow.into(), &who)
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
	let mut balances = vec![(REQUESTER, RICH), (OTHER, RICH), (POT, EXISTENTIAL)];
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
