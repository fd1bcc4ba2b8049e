//! A job's whole life over the real pallets, with real draws and openings.

use super::preset;
use crate::{configs::PotAccount, *};
use cumulus_pallet_parachain_system::OnSystemEvent;
use cumulus_primitives_core::PersistedValidationData;
use frame_support::{
	assert_noop, assert_ok,
	traits::fungible::{Inspect, InspectHold},
};
use noesis_primitives::*;
use noesis_support::Wait;
use sp_core::{
	crypto::VrfSecret,
	sr25519,
	sr25519::vrf::{VrfInput, VrfSignature},
	Pair,
};
use sp_keyring::Sr25519Keyring::{self, Alice, Bob, Charlie, Dave, Eve, Ferdie};

const VALIDATORS: [Sr25519Keyring; 3] = [Charlie, Dave, Eve];
const LAYERS: u32 = 2;
const WIDTH: u32 = 128;

fn origin(who: Sr25519Keyring) -> RuntimeOrigin {
	RuntimeOrigin::signed(who.to_account_id())
}

fn draw_pair(who: Sr25519Keyring) -> sr25519::Pair {
	sr25519::Pair::from_string(&format!("//{who:?}//draw"), None).unwrap()
}

/// A made-up execution: what matters to the chain is that everybody makes the same.
struct Trace {
	values: Vec<Vec<i32>>,
	leaves: Vec<merkle::Node>,
	claim: Claim,
	output: Payload,
}

fn trace(text: &[u8], usage: Usage, salt: i32) -> Trace {
	let shape = TraceShape { positions: usage.positions() as u32, layers: LAYERS, width: WIDTH };
	let count = shape.leaves().unwrap();
	let leaf = |index: u32| {
		let values = shape.values(shape.leaf(index).unwrap()) as i32;
		(0..values).map(|i| index as i32 * 1000 + i + salt).collect()
	};
	let values: Vec<Vec<i32>> = (0..count).map(leaf).collect();
	let leaves: Vec<_> = values.iter().map(|v| merkle::leaf_hash(&Opening::leaf_bytes(v))).collect();
	let output = Payload::Inline(text.to_vec().try_into().unwrap());
	let claim =
		Claim { root: Root(merkle::root(&leaves)), leaves: count, output: output.content_hash(), usage };
	Trace { values, leaves, claim, output }
}

impl Trace {
	fn openings(&self, who: Sr25519Keyring, seed: &[u8; 32]) -> Vec<Opening> {
		use codec::Encode;
		opening_positions(&self.claim, &who.to_account_id().encode(), seed, 8)
			.into_iter()
			.map(|at| Opening {
				values: self.values[at as usize].clone().try_into().unwrap(),
				path: merkle::path(&self.leaves, at).unwrap().try_into().unwrap(),
			})
			.collect()
	}
}

fn draw(who: Sr25519Keyring, seed: &[u8; 32]) -> Draw {
	let input = VrfInput::new(DRAW_LABEL, &[(DRAW_LABEL, &draw_message(seed))]);
	let signature: VrfSignature = draw_pair(who).vrf_sign(&input.into_sign_data());
	let encoded = codec::Encode::encode(&signature);
	Draw { pre_output: encoded[..32].try_into().unwrap(), proof: encoded[32..].try_into().unwrap() }
}

fn capability(checkpoints: &[CheckpointId], draw_key: [u8; 32]) -> Capability {
	Capability {
		checkpoints: checkpoints.to_vec().try_into().unwrap(),
		memory_mib: 1024,
		tokens_per_second: 10,
		region: b"EU".to_vec().try_into().unwrap(),
		endpoint: b"http://127.0.0.1:7000".to_vec().try_into().unwrap(),
		draw_key,
		owner: None,
		seal_key: None,
	}
}

/// A block ends: what is due is served, and its hash becomes known.
fn next_block() {
	use frame_support::traits::OnIdle;
	let now = System::block_number();
	for serve in [Poc::on_idle, Poi::on_idle, Dispute::on_idle] {
		serve(now, configs::MAXIMUM_BLOCK_WEIGHT);
	}
	System::initialize(&(now + 1), &Hash::repeat_byte(now as u8 + 1), &Default::default());
	let data = PersistedValidationData { relay_parent_number: now + 1, ..Default::default() };
	Beacon::on_validation_data(&data);
}

/// Blocks pass until a job has ended.
fn end_of(job: JobId) -> JobView<AccountId> {
	for _ in 0..200 {
		let view = Poi::job_view(job).unwrap();
		if view.state.is_terminal() {
			return view;
		}
		next_block();
	}
	panic!("the job does not end");
}

pub(super) fn setup() -> CheckpointId {
	let layer_roots: Vec<Root> = (0..=LAYERS as u8).map(|i| Root([i + 1; 32])).collect();
	let weights = Root(merkle::root(&layer_roots.iter().map(|r| r.0).collect::<Vec<_>>()));
	let record = CheckpointRecord {
		parent: None,
		profile: Profile::Exact,
		architecture: ContentHash([1; 32]),
		tokenizer: ContentHash([2; 32]),
		weights,
		layer_roots: layer_roots.try_into().unwrap(),
		width: WIDTH,
		layers: LAYERS,
		context: 2048,
		vocabulary: 1000,
		units_per_token: 135,
		locators: Default::default(),
	};
	assert_ok!(Checkpoints::register(origin(Alice), record));
	let id = CheckpointId(0);
	assert_ok!(Operators::register(origin(Bob), Role::Worker, 1_000 * UNIT, capability(&[id], [0; 32])));
	for validator in VALIDATORS {
		let key = draw_pair(validator).public().0;
		assert_ok!(Operators::register(
			origin(validator),
			Role::Validator,
			1_000 * UNIT,
			capability(&[id], key)
		));
	}
	next_block();
	id
}

fn submit(checkpoint: CheckpointId) -> JobId {
	let id = pallet_poi::NextJob::<Runtime>::get();
	let spec = JobSpec {
		checkpoint,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 16)),
		input: Payload::Inline(b"What is the capital of France?".to_vec().try_into().unwrap()),
		worker: Some(Bob.to_account_id()),
		deadline: 20,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Sampled,
		sealed: None,
	};
	assert_ok!(Poi::submit(origin(Ferdie), spec, UNIT));
	id
}

fn money() -> Balance {
	Balances::total_issuance()
}

/// Answers the job and lets every validator speak; `honest` says whether the worker's answer is the true one.
fn answer_and_check(job: JobId, honest: bool) -> Claim {
	let usage = Usage { input_tokens: 40, output_tokens: 8 };
	let truth = trace(b"The capital of France is Paris.", usage, 0);
	let told =
		if honest { trace(b"The capital of France is Paris.", usage, 0) } else { trace(b"Lyon.", usage, 7) };
	assert_ok!(Poi::claim(origin(Bob), job));
	assert_ok!(Poi::answer(origin(Bob), job, told.output.clone(), told.claim.root, told.claim.leaves, usage));
	next_block();
	let subject = Subject::Job(job);
	let seed = Poc::seed(subject).unwrap();
	for validator in VALIDATORS {
		assert_ok!(Poc::verdict(
			origin(validator),
			subject,
			truth.claim,
			draw(validator, &seed),
			truth.openings(validator, &seed).try_into().unwrap(),
		));
	}
	told.claim
}

#[test]
fn job_should_pay_worker_and_panel_when_the_answer_is_right() {
	preset("development").execute_with(|| {
		let checkpoint = setup();
		let issued = money();
		let before = |who: Sr25519Keyring| Balances::total_balance(&who.to_account_id());
		let (worker, requester, validator) = (before(Bob), before(Ferdie), before(Dave));
		let pot = Balances::total_balance(&PotAccount::get());
		let job = submit(checkpoint);
		answer_and_check(job, true);
		let opens_in = Wait::until(Poi::job_view(job).unwrap().due, System::block_number());
		assert_noop!(Poi::settle(origin(Ferdie), job), pallet_poi::Error::<Runtime>::WindowOpen { opens_in });
		let view = end_of(job);
		assert_eq!(view.state, JobState::Final { worker: Bob.to_account_id() });
		let settled = view.settlement.clone().unwrap();
		assert_eq!(settled.verdicts.len(), 3);
		assert_eq!(before(Bob), worker + settled.worker);
		assert_eq!(before(Dave), validator + settled.per_validator);
		assert_eq!(Balances::total_balance(&PotAccount::get()), pot + settled.pot);
		let cost = settled.worker + 3 * settled.per_validator + settled.pot;
		assert_eq!(before(Ferdie), requester - cost);
		assert_eq!(view.escrow, cost + settled.refund);
		assert!(settled.worker > 3 * settled.per_validator);
		receipt_should_bind(&view);
		assert_eq!(money(), issued);
		assert_eq!(Balances::total_balance_on_hold(&Ferdie.to_account_id()), 0);
		check_state();
	});
}

/// The requester owns a receipt that says what was asked and answered, and nobody can change it.
fn receipt_should_bind(view: &JobView<AccountId>) {
	use codec::Decode;
	let item = u128::from(view.id.0);
	assert_eq!(Nfts::owner(configs::RECEIPTS, item), Some(view.requester.clone()));
	let metadata = pallet_nfts::ItemMetadataOf::<Runtime>::get(configs::RECEIPTS, item).unwrap();
	let receipt = Receipt::<AccountId>::decode(&mut metadata.data.as_slice()).unwrap();
	assert_eq!(receipt.subject, Subject::Job(view.id));
	assert_eq!((receipt.checkpoint, receipt.kind), (view.spec.checkpoint, view.spec.kind));
	assert_eq!(receipt.input, view.spec.input.content_hash());
	assert_eq!(Some(receipt.claim), view.claim);
	assert_eq!(receipt.worker, Bob.to_account_id());
	assert_eq!(receipt.verdicts.len(), 3);
	let change =
		Nfts::set_metadata(origin(Ferdie), configs::RECEIPTS, item, b"forged".to_vec().try_into().unwrap());
	assert!(change.is_err());
}

#[test]
fn requester_should_get_everything_back_when_the_answer_is_wrong() {
	preset("development").execute_with(|| {
		let checkpoint = setup();
		let requester = Balances::total_balance(&Ferdie.to_account_id());
		let worker = Balances::total_balance(&Bob.to_account_id());
		let job = submit(checkpoint);
		answer_and_check(job, false);
		let view = end_of(job);
		assert_eq!(view.state, JobState::Refunded { reason: RefundReason::Rejected });
		assert_eq!(Balances::total_balance(&Ferdie.to_account_id()), requester);
		assert_eq!(Balances::total_balance(&Bob.to_account_id()), worker);
		assert_eq!(Operators::marks(&Bob.to_account_id()), 1);
		check_state();
	});
}

#[test]
fn copied_verdict_should_be_refused_when_its_openings_are_another_validators() {
	preset("development").execute_with(|| {
		let checkpoint = setup();
		let job = submit(checkpoint);
		let usage = Usage { input_tokens: 40, output_tokens: 8 };
		let truth = trace(b"Paris.", usage, 0);
		assert_ok!(Poi::claim(origin(Bob), job));
		assert_ok!(Poi::answer(
			origin(Bob),
			job,
			truth.output.clone(),
			truth.claim.root,
			truth.claim.leaves,
			usage
		));
		next_block();
		let subject = Subject::Job(job);
		let seed = Poc::seed(subject).unwrap();
		let honest = truth.openings(Charlie, &seed);
		assert_ok!(Poc::verdict(
			origin(Charlie),
			subject,
			truth.claim,
			draw(Charlie, &seed),
			honest.clone().try_into().unwrap()
		));
		assert_noop!(
			Poc::verdict(origin(Dave), subject, truth.claim, draw(Dave, &seed), honest.try_into().unwrap()),
			pallet_poc::Error::<Runtime>::WrongOpening
		);
	});
}

fn check_state() {
	Poi::do_try_state().unwrap();
	Poc::do_try_state().unwrap();
	Operators::do_try_state().unwrap();
	Dispute::do_try_state().unwrap();
	Beacon::do_try_state().unwrap();
	Checkpoints::do_try_state().unwrap();
}
