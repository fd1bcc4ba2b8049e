//! What those who take part do: validators with keys and traces, workers and requesters with canaries.

use super::*;
use crate::draw_input;
use noesis_primitives::{
	canary_commitment, canary_mark, draw_number, merkle, opening_positions, plant, Claim, Draw, Opening,
	Usage, Verification, DRAW_CONTEXT,
};
use sp_core::{crypto::VrfSecret, sr25519::Pair};

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

	/// The same trace with a mark in one of its leaves: a canary.
	pub fn planted(mut self, index: u32, mark: &[u8; 32]) -> Self {
		let slice = &mut self.slices[index as usize];
		plant(slice, mark);
		self.hashes[index as usize] = merkle::leaf_hash(&Opening::leaf_bytes(slice));
		self.claim.root = Root(merkle::root(&self.hashes));
		self
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

/// What decides for `who` on the panel of `seed`.
pub fn number_of(who: AccountId, seed: &[u8; 32]) -> u64 {
	draw_number(draw_with(&key_of(who), seed).1, &who.encode())
}

/// What `key` draws on `seed`: the proof, and the output.
pub fn draw_with(key: &Pair, seed: &[u8; 32]) -> (Draw, u64) {
	let signature = key.vrf_sign(&draw_input(seed).into());
	let draw = Draw {
		pre_output: signature.pre_output.encode().try_into().unwrap(),
		proof: signature.proof.encode().try_into().unwrap(),
	};
	(draw, u64::from_le_bytes(key.make_bytes(DRAW_CONTEXT, &draw_input(seed))))
}

/// The verdict of `who` on `subject`, having found `trace`.
pub fn verdict_on(subject: Subject, who: AccountId, trace: &Trace) -> Verdict {
	let seed = Poc::seed(subject).expect("the seed is known from the block after the answer");
	let count = crate::Panels::<Test>::get(subject).unwrap().terms.openings;
	let positions = opening_positions(&trace.claim, &who.encode(), &seed, count);
	Verdict {
		claim: trace.claim,
		draw: draw_with(&key_of(who), &seed).0,
		openings: positions.into_iter().map(|index| trace.open(index)).collect(),
	}
}

/// The same on [`JOB`].
pub fn verdict_of(who: AccountId, trace: &Trace) -> Verdict {
	verdict_on(JOB, who, trace)
}

/// Sends a verdict on `subject`.
pub fn send_on(
	subject: Subject,
	who: AccountId,
	verdict: Verdict,
) -> frame_support::dispatch::DispatchResult {
	let Verdict { claim, draw, openings } = verdict;
	Poc::verdict(RuntimeOrigin::signed(who), subject, claim, draw, openings.try_into().unwrap())
}

/// Sends a verdict on [`JOB`].
pub fn send(who: AccountId, verdict: Verdict) -> frame_support::dispatch::DispatchResult {
	send_on(JOB, who, verdict)
}

/// Makes a verdict on [`JOB`] and sends it.
pub fn speak(who: AccountId, trace: &Trace) -> frame_support::dispatch::DispatchResult {
	send(who, verdict_of(who, trace))
}

/// Leaves the place of `who` on `subject` to others.
pub fn abstain(subject: Subject, who: AccountId) -> frame_support::dispatch::DispatchResult {
	let seed = Poc::seed(subject).expect("the seed is known from the block after the answer");
	Poc::abstain(RuntimeOrigin::signed(who), subject, draw_with(&key_of(who), &seed).0)
}

/// All the money there is.
pub fn money() -> Balance {
	Balances::total_issuance()
}

/// Opens a panel over `claim` now.
pub fn open_over(subject: Subject, claim: Claim, verification: Verification) {
	<Poc as Panels<AccountId>>::open(subject, claim, CHECKPOINT, WORKER, REQUESTER, verification).unwrap();
}

/// Opens the panel over the worker's claim at block [`ANSWERED`] and moves to the next block.
pub fn open_panel_as(verification: Verification) {
	at_block(ANSWERED);
	open_over(JOB, honest().claim, verification);
	at_block(ANSWERED + 1);
}

/// The same for a worker without reputation: the answer is audited.
pub fn open_panel() {
	open_panel_as(Verification::Sampled);
}

/// A canary on [`JOB`], as its proposer knows it.
pub struct Arranged {
	pub salt: [u8; 32],
	pub index: u32,
	pub trace: Trace,
	pub truth: Trace,
}

/// What a proposer commits to with `salt`.
pub fn commitment(salt: u8) -> [u8; 32] {
	canary_commitment(&PROPOSER, &REQUESTER, &WORKER, &honest().claim.hash(), &[salt; 32])
}

/// What the worker claims instead of the truth after a commitment of block `committed`, whose randomness must be
/// there.
pub fn arrange(salt: u8, committed: BlockNumber) -> Arranged {
	let randomness = Poc::entropy(committed).expect("the block after the commitment is there");
	let mark = canary_mark(&[salt; 32], &randomness, CHECKPOINT, &kind(), input().content_hash());
	let index = 5;
	Arranged { salt: [salt; 32], index, trace: honest().planted(index, &mark), truth: honest() }
}
