//! A runtime with disputes and balances; subjects, panels, operators and checkpoints that do as a test says.

#![allow(missing_docs, clippy::arithmetic_side_effects)]

use crate::HoldReason;
use codec::{Decode, Encode};
use noesis_primitives::{
	Architecture, Balance, BlockNumber, CheckpointFacts, CheckpointId, CheckpointRegistry, Claim, ClaimHash,
	Conduct, ContentHash, Disputable, DisputedSubject, Fault, JobId, NotDisputable, OperatorFault,
	OperatorRegistry, PanelClose, PanelExists, PanelOutcome, Panels, Profile, Reputation, Root, Slashed,
	Subject, Verdicts, Verification, Vouchers,
};
pub use noesis_support::Wait;
use polkadot_sdk::*;
use sp_runtime::{BuildStorage, Permill};
use std::collections::BTreeMap;

use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		Hooks,
	},
	weights::Weight,
};

pub type AccountId = u64;

pub const CHECKPOINT: CheckpointId = CheckpointId(7);
pub const REQUESTER: AccountId = 1;
pub const WORKER: AccountId = 11;
pub const VALIDATORS: [AccountId; 4] = [21, 22, 23, 24];
/// The first of many challengers.
pub const CHALLENGER: AccountId = 31;
pub const CHALLENGERS: u64 = 40;
pub const POT: AccountId = 99;
pub const RICH: Balance = 1_000_000_000;
pub const EXISTENTIAL: Balance = 10;
pub const STAKE: Balance = 50_000;
pub const BOND: Balance = 1_001;
pub const WINDOW: BlockNumber = 5;
pub const LIABILITY: BlockNumber = 100;

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
	pub type Dispute = crate;
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

/// How a subject of the mock stands.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub enum State {
	Answered,
	Suspended,
	Overturned,
	Settled,
}

/// A subject and its panel.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct Told {
	pub disputed: DisputedSubject<AccountId>,
	pub state: State,
	pub upheld: u32,
	pub found: Vec<(AccountId, Claim)>,
	/// Who vouched for it, if it ended with another.
	pub vouchers: Option<Vouchers<AccountId>>,
}

parameter_types! {
	pub storage Models: BTreeMap<CheckpointId, (Architecture, ContentHash, Vec<Root>)> = BTreeMap::new();
	pub storage Book: BTreeMap<Subject, Told> = BTreeMap::new();
	pub storage Slashes: Vec<(AccountId, Fault, Option<AccountId>)> = Vec::new();
	pub storage Bond: Balance = BOND;
	pub storage WinnerShare: Permill = Permill::from_percent(50);
	pub storage Arity: u32 = 4;
	pub storage ResponseWindow: u32 = WINDOW;
	pub storage MovesPerWindow: u32 = 100;
	pub storage UnitsPerMove: u64 = 1000;
	pub storage MaxWindows: u32 = 3;
	pub const LiabilityPeriod: u32 = LIABILITY;
	pub const Pot: AccountId = POT;
}

pub struct Checkpoints;

impl CheckpointRegistry for Checkpoints {
	fn facts(id: CheckpointId) -> Option<CheckpointFacts> {
		Models::get().get(&id).map(|(architecture, ..)| CheckpointFacts {
			active: true,
			profile: Profile::Exact,
			width: architecture.width,
			layers: architecture.layers,
			context: architecture.context,
			units_per_token: 1,
		})
	}

	fn group_root(id: CheckpointId, group: u32) -> Option<Root> {
		Models::get().get(&id)?.2.get(group as usize).copied()
	}

	fn architecture(id: CheckpointId) -> Option<ContentHash> {
		Models::get().get(&id).map(|(architecture, ..)| architecture.hash())
	}

	fn tokenizer(id: CheckpointId) -> Option<ContentHash> {
		Models::get().get(&id).map(|(_, tokenizer, _)| *tokenizer)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(_: CheckpointFacts) -> CheckpointId {
		unreachable!("disputes need a model")
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_model_for_benchmark(
		architecture: &Architecture,
		tokenizer: ContentHash,
		groups: Vec<Root>,
	) -> CheckpointId {
		register(*architecture, tokenizer, groups);
		CHECKPOINT
	}
}

/// Registers a model.
pub fn register(architecture: Architecture, tokenizer: ContentHash, groups: Vec<Root>) {
	let model = (architecture, tokenizer, groups);
	change(Models::get, Models::set, |models| drop(models.insert(CHECKPOINT, model)));
}

pub struct Operators;

impl OperatorRegistry<AccountId> for Operators {
	fn ensure_worker(_: &AccountId, _: CheckpointId) -> Result<(), OperatorFault> {
		Ok(())
	}

	fn ensure_validator(who: &AccountId, _: CheckpointId, _: BlockNumber) -> Result<[u8; 32], OperatorFault> {
		VALIDATORS.contains(who).then_some([0; 32]).ok_or(OperatorFault::WrongRole)
	}

	fn seal_key(_: &AccountId) -> Option<[u8; 32]> {
		None
	}

	fn validators(_: CheckpointId) -> u32 {
		VALIDATORS.len() as u32
	}

	fn expose(_: &AccountId, _: Balance) -> Result<(), OperatorFault> {
		Ok(())
	}

	fn relieve(_: &AccountId, _: Balance) {}

	fn note(_: &AccountId, _: Conduct) {}

	fn rate(_: &AccountId, _: u8) {}

	fn measured(_: &AccountId, _: u64, _: u32) {}

	fn slash(who: &AccountId, fault: Fault, reward: Option<&AccountId>) -> Slashed {
		change(Slashes::get, Slashes::set, |slashes| slashes.push((*who, fault, reward.copied())));
		Slashed { taken: STAKE / 5, rewarded: STAKE / 10 }
	}

	fn reputation(_: &AccountId) -> Reputation {
		Reputation::default()
	}

	fn same_operator(a: &AccountId, b: &AccountId) -> bool {
		a == b
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(_: &AccountId, _: noesis_primitives::Role, _: CheckpointId, _: [u8; 32]) {}
}

pub struct ToldPanels;

impl Panels<AccountId> for ToldPanels {
	fn open(
		_: Subject,
		_: Claim,
		_: CheckpointId,
		_: AccountId,
		_: AccountId,
		_: Verification,
	) -> Result<(), PanelExists> {
		Err(PanelExists)
	}

	fn outcome(_: Subject) -> PanelOutcome {
		PanelOutcome::Pending
	}

	fn due(_: Subject) -> Option<BlockNumber> {
		None
	}

	fn last_spoke(_: Subject) -> Option<BlockNumber> {
		None
	}

	fn claim_of(subject: Subject, validator: &AccountId) -> Option<ClaimHash> {
		let told = Book::get().get(&subject)?.clone();
		told.found.iter().find(|(who, _)| who == validator).map(|(_, claim)| claim.hash())
	}

	fn strike(subject: Subject, validator: &AccountId) {
		change(Book::get, Book::set, |book| {
			book.get_mut(&subject).unwrap().found.retain(|(who, _)| who != validator);
		});
	}

	fn close(_: Subject) -> Option<PanelClose<AccountId>> {
		None
	}

	fn dissolve(_: Subject) -> Verdicts<AccountId> {
		Verdicts::new()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn fill_for_benchmark(_: Subject, _: bool) {}
}

pub struct Subjects;

impl Disputable<AccountId> for Subjects {
	fn disputed(subject: Subject) -> Option<DisputedSubject<AccountId>> {
		Book::get().get(&subject).map(|told| told.disputed.clone())
	}

	fn suspend(subject: Subject) -> Result<(), NotDisputable> {
		let mut book = Book::get();
		let told = book.get_mut(&subject).ok_or(NotDisputable::Unknown)?;
		match told.state {
			State::Answered => told.state = State::Suspended,
			State::Suspended => panic!("a subject is suspended twice"),
			State::Overturned | State::Settled => return Err(NotDisputable::Settled),
		}
		Book::set(&book);
		Ok(())
	}

	fn uphold(subject: Subject) {
		change(Book::get, Book::set, |book| {
			let told = book.get_mut(&subject).unwrap();
			assert_eq!(told.state, State::Suspended);
			told.state = State::Answered;
			told.upheld += 1;
		});
	}

	fn overturn(subject: Subject) -> Verdicts<AccountId> {
		let mut verdicts = Vec::new();
		change(Book::get, Book::set, |book| {
			let told = book.get_mut(&subject).unwrap();
			assert_eq!(told.state, State::Suspended);
			told.state = State::Overturned;
			let claim = told.disputed.claim;
			verdicts = told.found.drain(..).map(|(who, found)| (who, found == claim)).collect();
		});
		verdicts.try_into().unwrap()
	}

	fn vouchers(subject: Subject) -> Option<Vouchers<AccountId>> {
		Book::get().get(&subject)?.vouchers.clone()
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn answered_for_benchmark(disputed: DisputedSubject<AccountId>, spoke: u32) -> Subject {
		let found = (0..spoke).map(|i| (frame_benchmarking::account("validator", i, 0), disputed.claim));
		answer(disputed.clone(), found.collect())
	}
}

/// Adds a subject that a worker answered and on which validators spoke.
pub fn answer(disputed: DisputedSubject<AccountId>, found: Vec<(AccountId, Claim)>) -> Subject {
	let mut book = Book::get();
	let subject = Subject::Job(JobId(book.len() as u64));
	book.insert(subject, Told { disputed, state: State::Answered, upheld: 0, found, vouchers: None });
	Book::set(&book);
	subject
}

pub fn told(subject: Subject) -> Told {
	Book::get().get(&subject).unwrap().clone()
}

impl crate::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Checkpoints = Checkpoints;
	type Operators = Operators;
	type Panels = ToldPanels;
	type Subjects = Subjects;
	type OverturnWeight = ();
	type Bond = Bond;
	type WinnerShare = WinnerShare;
	type Arity = Arity;
	type ResponseWindow = ResponseWindow;
	type MovesPerWindow = MovesPerWindow;
	type UnitsPerMove = UnitsPerMove;
	type MaxWindows = MaxWindows;
	type LiabilityPeriod = LiabilityPeriod;
	type Pot = Pot;
	type WeightInfo = ();
}

/// Changes a value in the mock's storage.
pub fn change<V>(get: impl Fn() -> V, set: impl Fn(&V), change: impl FnOnce(&mut V)) {
	let mut value = get();
	change(&mut value);
	set(&value);
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn held(who: AccountId) -> Balance {
	Balances::balance_on_hold(&HoldReason::DisputeBond.into(), &who)
}

pub fn wealth(who: AccountId) -> Balance {
	Balances::total_balance(&who)
}

/// Moves to block `now` without serving anything.
pub fn at_block(now: BlockNumber) {
	System::set_block_number(now);
}

pub fn now() -> BlockNumber {
	System::block_number()
}

/// Ends this block and goes on to the next ones until `now`, serving the agenda in each.
pub fn run_to(now: BlockNumber) {
	while System::block_number() < now {
		Dispute::on_idle(System::block_number(), Weight::MAX);
		System::set_block_number(System::block_number() + 1);
		let mut meter = frame_support::weights::WeightMeter::new();
		Dispute::on_poll(System::block_number(), &mut meter);
	}
}

pub fn new_test_ext() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let mut balances = vec![(REQUESTER, RICH), (WORKER, RICH), (POT, EXISTENTIAL)];
	balances.extend(VALIDATORS.map(|validator| (validator, RICH)));
	balances.extend((CHALLENGER..CHALLENGER + CHALLENGERS).map(|challenger| (challenger, RICH)));
	pallet_balances::GenesisConfig::<Test> { balances, ..Default::default() }
		.assimilate_storage(&mut storage)
		.unwrap();
	let mut ext = sp_io::TestExternalities::from(storage);
	ext.execute_with(|| System::set_block_number(1));
	ext
}

/// Checks what must hold, in the pallet and between it and the mock's subjects.
pub fn check() {
	Dispute::do_try_state().unwrap();
	for (subject, told) in Book::get() {
		let suspends = crate::Dockets::<Test>::get(subject).is_some_and(|docket| docket.suspends());
		assert_eq!(told.state == State::Suspended, suspends, "a subject is suspended by no dispute");
	}
}

/// Runs `test` and checks what must hold after it; no planck is made or lost.
pub fn run<R>(test: impl FnOnce() -> R) -> R {
	new_test_ext().execute_with(|| {
		let all = Balances::total_issuance();
		let result = test();
		check();
		assert_eq!(Balances::total_issuance(), all, "money was made or lost");
		result
	})
}
