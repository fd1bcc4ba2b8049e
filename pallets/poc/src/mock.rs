//! A runtime with panels, a register of operators, money and hashes of blocks.

#![allow(missing_docs, clippy::arithmetic_side_effects)]

use codec::{Decode, Encode};
use noesis_primitives::{
	Balance, BlockNumber, BlockRandomness, CheckpointFacts, CheckpointId, CheckpointRegistry, Conduct,
	ContentHash, Disputable, DisputedSubject, Fault, GenerateParams, InputFormat, JobId, JobKind,
	NotDisputable, OperatorFault, OperatorRegistry, Panels, Payload, Profile, Reputation, Role, Root,
	Slashed, Subject, SubjectHandler, Verdicts,
};
use polkadot_sdk::*;
use sp_core::{crypto::Pair as _, H256};
use sp_runtime::{BuildStorage, Permill};
use std::collections::{BTreeMap, BTreeSet};

use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, Mutate},
		tokens::Preservation,
		ConstU128, Hooks,
	},
};

mod play;

pub use noesis_support::Wait;
pub use play::*;

pub type AccountId = u64;

pub const CHECKPOINT: CheckpointId = CheckpointId(7);
pub const JOB: Subject = Subject::Job(JobId(3));
pub const WORKER: AccountId = 1;
pub const REQUESTER: AccountId = 2;
/// Who proposes canaries.
pub const PROPOSER: AccountId = 3;
/// Where the money of the chain is.
pub const POT: AccountId = 4;
/// The first of the validators, who are numbered on from here.
pub const FIRST: AccountId = 10;
/// The block of the answer.
pub const ANSWERED: BlockNumber = 20;
/// What everybody has at the beginning.
pub const ENDOWMENT: Balance = 10_000;
/// What a validator loses for approving a canary.
pub const SLASH: Balance = 1_000;

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
	pub type Poc = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountData = pallet_balances::AccountData<Balance>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = Balance;
	type ExistentialDeposit = ConstU128<10>;
	type AccountStore = System;
}

#[derive(Clone, Copy, Debug, Decode, Encode)]
pub struct Registered {
	pub role: Role,
	pub checkpoint: CheckpointId,
	pub since: BlockNumber,
	pub draw_key: [u8; 32],
	pub fault: Option<OperatorFault>,
}

parameter_types! {
	pub storage Register: BTreeMap<AccountId, Registered> = BTreeMap::new();
	/// Subjects that were decided.
	pub storage Decided: BTreeSet<Subject> = BTreeSet::new();
	/// What was noted of whom, in order.
	pub storage Notes: Vec<(AccountId, Conduct)> = Vec::new();
	/// Who was slashed for what, with which reward account.
	pub storage Slashes: Vec<(AccountId, Fault, Option<AccountId>)> = Vec::new();
	/// Accounts of other operators than themselves.
	pub storage Owners: BTreeMap<AccountId, AccountId> = BTreeMap::new();
	/// Reputation of the worker.
	pub storage WorkerReputation: u16 = 0;
	/// Blocks until there is randomness after one.
	pub storage Lag: BlockNumber = 1;
	/// Whether there is no randomness.
	pub storage Mute: bool = false;
	pub storage PanelSize: u32 = 3;
	pub storage Quorum: u32 = 2;
	pub storage Openings: u32 = 4;
	pub storage Window: u32 = 5;
	pub storage MaxWindows: u32 = 3;
	pub storage AuditFloor: Permill = Permill::from_percent(1);
	pub storage ExposureFactor: Permill = Permill::from_percent(5);
	pub storage RewardShare: Permill = Permill::from_percent(50);
	pub storage CanaryBond: Balance = 2_000;
	pub storage CanaryFee: Balance = 300;
	pub storage CanaryPrize: Balance = 600;
	pub storage CanaryShare: Permill = Permill::from_percent(50);
	pub storage CanaryPeriod: BlockNumber = 100;
	pub storage CanaryReveal: BlockNumber = 30;
	pub storage MaxCanaries: u32 = 2;
	pub const Pot: AccountId = POT;
}

pub struct Operators;

impl OperatorRegistry<AccountId> for Operators {
	fn ensure_worker(_: &AccountId, _: CheckpointId) -> Result<(), OperatorFault> {
		Err(OperatorFault::WrongRole)
	}

	fn ensure_validator(
		who: &AccountId,
		checkpoint: CheckpointId,
		before: BlockNumber,
	) -> Result<[u8; 32], OperatorFault> {
		let record = *Register::get().get(who).ok_or(OperatorFault::Unknown)?;
		match record {
			Registered { fault: Some(fault), .. } => Err(fault),
			_ if record.role != Role::Validator => Err(OperatorFault::WrongRole),
			_ if record.checkpoint != checkpoint => Err(OperatorFault::CannotRun),
			_ if record.since >= before => Err(OperatorFault::TooNew),
			_ => Ok(record.draw_key),
		}
	}

	fn seal_key(_: &AccountId) -> Option<[u8; 32]> {
		None
	}

	fn validators(checkpoint: CheckpointId) -> u32 {
		let validates = |r: &&Registered| r.role == Role::Validator && r.checkpoint == checkpoint;
		Register::get().values().filter(validates).count() as u32
	}

	fn expose(_: &AccountId, _: u128) -> Result<(), OperatorFault> {
		Ok(())
	}

	fn relieve(_: &AccountId, _: u128) {}

	fn note(who: &AccountId, conduct: Conduct) {
		let mut notes = Notes::get();
		notes.push((*who, conduct));
		Notes::set(&notes);
	}

	/// Half to the reward account, half to the pot.
	fn slash(who: &AccountId, fault: Fault, reward: Option<&AccountId>) -> Slashed {
		let mut slashes = Slashes::get();
		slashes.push((*who, fault, reward.copied()));
		Slashes::set(&slashes);
		let taken = SLASH.min(Balances::balance(who));
		for to in [*reward.unwrap_or(&POT), POT] {
			Balances::transfer(who, &to, taken / 2, Preservation::Expendable).unwrap();
		}
		Slashed { taken, rewarded: taken / 2 }
	}

	fn reputation(who: &AccountId) -> Reputation {
		Reputation(if *who == WORKER { WorkerReputation::get() } else { 0 })
	}

	fn same_operator(a: &AccountId, b: &AccountId) -> bool {
		let owners = Owners::get();
		let owner = |who| owners.get(who).copied().unwrap_or(*who);
		owner(a) == owner(b)
	}

	fn rate(_: &AccountId, _: u8) {}

	fn measured(_: &AccountId, _: u64, _: BlockNumber) {}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(who: &AccountId, role: Role, checkpoint: CheckpointId, draw_key: [u8; 32]) {
		change_register(|register| {
			let since = System::block_number();
			register.insert(*who, Registered { role, checkpoint, since, draw_key, fault: None });
		});
	}
}

/// The hash of a block, once it is built.
pub struct Hashes;

impl BlockRandomness for Hashes {
	fn after(block: BlockNumber) -> Option<[u8; 32]> {
		let known = !Mute::get()
			&& block + Lag::get() <= System::block_number()
			&& frame_system::BlockHash::<Test>::contains_key(block);
		known.then(|| System::block_hash(block).0)
	}
}

pub struct Hears;

impl SubjectHandler for Hears {
	fn on_decided(subject: Subject) {
		let mut decided = Decided::get();
		let again = !decided.insert(subject);
		let canary = crate::Panels::<Test>::get(subject).is_some_and(|panel| panel.canary.is_some());
		assert!(canary || !again || was_struck(subject), "{subject:?} was decided twice");
		Decided::set(&decided);
	}
}

fn was_struck(subject: Subject) -> bool {
	crate::Panels::<Test>::get(subject).is_some_and(|panel| !panel.struck.is_empty())
}

/// One checkpoint.
pub struct Checkpoints;

impl CheckpointRegistry for Checkpoints {
	fn facts(id: CheckpointId) -> Option<CheckpointFacts> {
		let facts = CheckpointFacts {
			active: true,
			profile: Profile::Exact,
			width: 64,
			layers: 2,
			context: 128,
			units_per_token: 1,
		};
		(id == CHECKPOINT).then_some(facts)
	}

	fn group_root(_: CheckpointId, _: u32) -> Option<Root> {
		None
	}

	fn architecture(_: CheckpointId) -> Option<ContentHash> {
		None
	}

	fn tokenizer(_: CheckpointId) -> Option<ContentHash> {
		None
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(_: CheckpointFacts) -> CheckpointId {
		CHECKPOINT
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_model_for_benchmark(
		_: &noesis_primitives::Architecture,
		_: ContentHash,
		_: Vec<Root>,
	) -> CheckpointId {
		CHECKPOINT
	}
}

/// What was asked in every job.
pub fn kind() -> JobKind {
	JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 5))
}

pub fn input() -> Payload {
	Payload::Inline(b"three tokens".to_vec().try_into().unwrap())
}

/// The jobs behind the panels.
pub struct Answers;

#[cfg(feature = "runtime-benchmarks")]
parameter_types! {
	/// A job that is not like the others.
	pub storage Special: Option<(JobKind, Payload)> = None;
}

/// What was asked in a job.
fn asked() -> (JobKind, Payload) {
	#[cfg(feature = "runtime-benchmarks")]
	if let Some(special) = Special::get() {
		return special;
	}
	(kind(), input())
}

impl Disputable<AccountId> for Answers {
	fn disputed(subject: Subject) -> Option<DisputedSubject<AccountId>> {
		crate::Panels::<Test>::get(subject).map(|panel| DisputedSubject {
			worker: panel.worker,
			requester: panel.requester,
			checkpoint: panel.checkpoint,
			kind: asked().0,
			input: asked().1,
			sealed: None,
			output: input(),
			claim: panel.claim,
		})
	}

	fn suspend(_: Subject) -> Result<(), NotDisputable> {
		Err(NotDisputable::Settled)
	}

	fn uphold(_: Subject) {}

	fn overturn(subject: Subject) -> Verdicts<AccountId> {
		Poc::dissolve(subject)
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn answered_for_benchmark(subject: DisputedSubject<AccountId>, _: u32) -> Subject {
		Special::set(&Some((subject.kind, subject.input)));
		let DisputedSubject { claim, checkpoint, worker, requester, .. } = subject;
		Poc::open(JOB, claim, checkpoint, worker, requester, Default::default()).unwrap();
		JOB
	}
}

impl crate::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Operators = Operators;
	type Checkpoints = Checkpoints;
	type Answers = Answers;
	type Randomness = Hashes;
	type Subjects = Hears;
	type HandlerWeight = ();
	type Pot = Pot;
	type PanelSize = PanelSize;
	type Quorum = Quorum;
	type Openings = Openings;
	type Window = Window;
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

pub fn change_register(change: impl FnOnce(&mut BTreeMap<AccountId, Registered>)) {
	let mut register = Register::get();
	change(&mut register);
	Register::set(&register);
}

/// Builds the blocks up to `now`; those before it have hashes.
pub fn at_block(now: BlockNumber) {
	for block in System::block_number()..now {
		Poc::on_finalize(block);
		frame_system::BlockHash::<Test>::insert(
			block,
			H256::from(sp_io::hashing::blake2_256(&block.to_le_bytes())),
		);
		System::set_block_number(block + 1);
		Poc::on_initialize(block + 1);
	}
}

pub struct ExtBuilder {
	validators: u64,
}

impl Default for ExtBuilder {
	fn default() -> Self {
		Self { validators: 3 }
	}
}

impl ExtBuilder {
	/// So many validators, from [`FIRST`] on.
	pub fn validators(mut self, validators: u64) -> Self {
		self.validators = validators;
		self
	}

	pub fn build(self) -> sp_io::TestExternalities {
		let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
		let rich = (1..5).chain(FIRST..FIRST + self.validators.max(10));
		pallet_balances::GenesisConfig::<Test> {
			balances: rich.map(|who| (who, ENDOWMENT)).collect(),
			..Default::default()
		}
		.assimilate_storage(&mut storage)
		.unwrap();
		let mut ext = sp_io::TestExternalities::from(storage);
		ext.execute_with(|| {
			System::set_block_number(1);
			change_register(|register| {
				for who in FIRST..FIRST + self.validators {
					let draw_key = key_of(who).public().0;
					let role = Role::Validator;
					register.insert(
						who,
						Registered { role, checkpoint: CHECKPOINT, since: 1, draw_key, fault: None },
					);
				}
			});
		});
		ext
	}

	/// Runs `test` and checks what must hold after it.
	pub fn run(self, test: impl FnOnce()) {
		self.build().execute_with(|| {
			test();
			Poc::do_try_state().unwrap();
		});
	}
}

#[cfg(feature = "runtime-benchmarks")]
pub fn new_test_ext() -> sp_io::TestExternalities {
	ExtBuilder { validators: 0 }.build()
}
