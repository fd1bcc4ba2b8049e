//! A runtime with panels, a register of operators and hashes of blocks; validators with keys and traces.

#![allow(missing_docs, clippy::arithmetic_side_effects)]

use crate::draw_input;
use codec::{Decode, Encode};
use noesis_primitives::{
	merkle, opening_positions, BlockNumber, BlockRandomness, CheckpointId, Claim, ContentHash, Draw, JobId,
	Opening, OperatorFault, OperatorRegistry, Panels, Role, Root, Subject, SubjectHandler, Usage,
	DRAW_CONTEXT,
};
use polkadot_sdk::*;
use sp_core::{
	crypto::{Pair as _, VrfSecret},
	sr25519::Pair,
	H256,
};
use sp_runtime::BuildStorage;
use std::collections::{BTreeMap, BTreeSet};

use frame_support::{derive_impl, parameter_types};

pub type AccountId = u64;

pub const CHECKPOINT: CheckpointId = CheckpointId(7);
pub const JOB: Subject = Subject::Job(JobId(3));
pub const WORKER: AccountId = 1;
pub const REQUESTER: AccountId = 2;
/// The first of the validators, who are numbered on from here.
pub const FIRST: AccountId = 10;
/// The block of the answer.
pub const ANSWERED: BlockNumber = 20;

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
	pub type Poc = crate;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
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
	pub storage Decided: BTreeSet<Subject> = BTreeSet::new();
	pub storage PanelSize: u32 = 3;
	pub storage Quorum: u32 = 2;
	pub storage Openings: u32 = 4;
	pub storage Window: u32 = 5;
	pub storage MaxWindows: u32 = 3;
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

	fn validators(checkpoint: CheckpointId) -> u32 {
		let validates = |r: &&Registered| r.role == Role::Validator && r.checkpoint == checkpoint;
		Register::get().values().filter(validates).count() as u32
	}

	fn expose(_: &AccountId, _: u128) -> Result<(), OperatorFault> {
		Ok(())
	}

	fn relieve(_: &AccountId, _: u128) {}

	fn mark(_: &AccountId) {}

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
		let known = block < System::block_number() && frame_system::BlockHash::<Test>::contains_key(block);
		known.then(|| System::block_hash(block).0)
	}
}

pub struct Hears;

impl SubjectHandler for Hears {
	fn on_decided(subject: Subject) {
		let mut decided = Decided::get();
		assert!(decided.insert(subject), "{subject:?} was decided twice");
		Decided::set(&decided);
	}
}

impl crate::Config for Test {
	type Operators = Operators;
	type Randomness = Hashes;
	type Subjects = Hears;
	type PanelSize = PanelSize;
	type Quorum = Quorum;
	type Openings = Openings;
	type Window = Window;
	type MaxWindows = MaxWindows;
	type WeightInfo = ();
}

pub fn change_register(change: impl FnOnce(&mut BTreeMap<AccountId, Registered>)) {
	let mut register = Register::get();
	change(&mut register);
	Register::set(&register);
}

/// Moves to block `now`; the blocks before it have hashes.
pub fn at_block(now: BlockNumber) {
	for block in System::block_number()..now {
		frame_system::BlockHash::<Test>::insert(
			block,
			H256::from(sp_io::hashing::blake2_256(&block.to_le_bytes())),
		);
	}
	System::set_block_number(now);
}

/// The key that validator `who` draws with.
pub fn key_of(who: AccountId) -> Pair {
	Pair::from_seed(&sp_io::hashing::blake2_256(&who.to_le_bytes()))
}

/// The trace of a job, and what it makes one claim.
pub struct Trace {
	pub claim: Claim,
	slices: Vec<Vec<i32>>,
	hashes: Vec<merkle::Node>,
}

impl Trace {
	/// A trace of `leaves` leaves that differs with `content`.
	pub fn new(content: i32, leaves: u32) -> Self {
		let slice = |leaf| (0..64).map(|i| content * 1_000_003 + leaf * 64 + i).collect::<Vec<i32>>();
		let slices: Vec<_> = (0..leaves as i32).map(slice).collect();
		let hashes: Vec<_> = slices.iter().map(|s| merkle::leaf_hash(&Opening::leaf_bytes(s))).collect();
		let claim = Claim {
			root: Root(merkle::root(&hashes)),
			leaves,
			output: ContentHash::of(&content.to_le_bytes()),
			usage: Usage { input_tokens: 3, output_tokens: 5 },
		};
		Self { claim, slices, hashes }
	}

	/// Leaf `index` with its path.
	pub fn open(&self, index: u32) -> Opening {
		Opening {
			values: self.slices[index as usize].clone().try_into().unwrap(),
			path: merkle::path(&self.hashes, index).unwrap().try_into().unwrap(),
		}
	}
}

/// The worker's trace.
pub fn honest() -> Trace {
	Trace::new(1, 37)
}

/// A verdict before it is sent.
#[derive(Clone)]
pub struct Verdict {
	pub claim: Claim,
	pub draw: Draw,
	pub openings: Vec<Opening>,
}

/// What `key` draws on `seed`: the proof, and the number.
pub fn draw_with(key: &Pair, seed: &[u8; 32]) -> (Draw, u64) {
	let signature = key.vrf_sign(&draw_input(seed).into());
	let draw = Draw {
		pre_output: signature.pre_output.encode().try_into().unwrap(),
		proof: signature.proof.encode().try_into().unwrap(),
	};
	(draw, u64::from_le_bytes(key.make_bytes(DRAW_CONTEXT, &draw_input(seed))))
}

/// The verdict of `who` on [`JOB`], having found `trace`.
pub fn verdict_of(who: AccountId, trace: &Trace) -> Verdict {
	let seed = Poc::seed(JOB).expect("the seed is known from the block after the answer");
	let count = crate::Panels::<Test>::get(JOB).unwrap().terms.openings;
	let positions = opening_positions(&trace.claim, &who.encode(), &seed, count);
	Verdict {
		claim: trace.claim,
		draw: draw_with(&key_of(who), &seed).0,
		openings: positions.into_iter().map(|index| trace.open(index)).collect(),
	}
}

/// Sends a verdict.
pub fn send(who: AccountId, verdict: Verdict) -> frame_support::dispatch::DispatchResult {
	let Verdict { claim, draw, openings } = verdict;
	Poc::verdict(RuntimeOrigin::signed(who), JOB, claim, draw, openings.try_into().unwrap())
}

/// Makes a verdict and sends it.
pub fn speak(who: AccountId, trace: &Trace) -> frame_support::dispatch::DispatchResult {
	send(who, verdict_of(who, trace))
}

/// Opens the panel over the worker's claim at block [`ANSWERED`] and moves to the next block.
pub fn open_panel() {
	at_block(ANSWERED);
	<Poc as Panels<AccountId>>::open(JOB, honest().claim, CHECKPOINT, [WORKER, REQUESTER]).unwrap();
	at_block(ANSWERED + 1);
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
		let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
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
