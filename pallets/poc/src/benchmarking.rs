//! What the calls cost, and what the two ways to draw do.
//!
//! Signing a draw needs randomness that a runtime does not have, so the draw is a fixture: made once over a fixed
//! subject, claim and randomness, and checked by the test below.

use crate::{
	draw::draw_output, Call, Canaries, Canary, Config, Entropies, Entropy, HoldReason, NextEntropy,
	OpenCanaries, Pallet, Panels,
};
use alloc::{vec, vec::Vec};
use noesis_primitives::{
	canary_commitment, canary_mark, merkle, panel_seed, plant, seed_chain_end, seed_draw_output,
	CheckpointFacts, CheckpointId, CheckpointRegistry, Claim, ContentHash, Disputable, DisputedSubject, Draw,
	GenerateParams, InputFormat, JobId, JobKind, Opening, OperatorRegistry, Panels as _, Payload, Profile,
	Role, Root, Subject, Usage, Verification, MAX_INLINE_BYTES, MAX_OPENINGS, MAX_PANEL, SLICE,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{
			fungible::{Inspect, Mutate, MutateHold},
			Get,
		},
		BoundedVec,
	},
	frame_system::{self, RawOrigin},
	sp_runtime::Permill,
};

const SUBJECT: Subject = Subject::Job(JobId(u64::MAX));
const CHECKPOINT: CheckpointId = CheckpointId(0);
const RANDOMNESS: [u8; 32] = [7; 32];
/// Public key of the draw below; its secret is of no use to anybody.
const DRAW_KEY: [u8; 32] = [
	96, 35, 208, 82, 113, 31, 71, 139, 199, 88, 145, 139, 221, 38, 226, 74, 197, 215, 115, 98, 159, 201, 2,
	223, 176, 157, 226, 88, 139, 164, 171, 8,
];
const PRE_OUTPUT: [u8; 32] = [
	206, 115, 84, 89, 226, 49, 174, 182, 188, 104, 131, 211, 31, 141, 162, 126, 138, 13, 161, 2, 24, 163,
	207, 147, 4, 106, 247, 175, 161, 220, 121, 102,
];
const PROOF: [u8; 64] = [
	93, 238, 73, 23, 64, 226, 169, 232, 195, 147, 35, 119, 207, 54, 196, 11, 122, 195, 202, 180, 164, 90, 18,
	183, 219, 189, 149, 87, 12, 216, 8, 0, 216, 65, 188, 70, 143, 14, 127, 209, 61, 210, 47, 63, 91, 101,
	103, 248, 141, 235, 111, 99, 61, 111, 230, 81, 156, 249, 89, 8, 232, 75, 17, 6,
];

/// Levels of the tallest full tree whose leaves can be counted.
const LEVELS: usize = 31;

/// Any leaf of a trace of 2^31 equal ones, whose tree is known without building it.
fn opening_of(values: Vec<i32>) -> Opening {
	let mut node = merkle::leaf_hash(&Opening::leaf_bytes(&values));
	let mut path = vec![];
	for _ in 0..LEVELS {
		path.push(node);
		node = merkle::node_hash(&node, &node);
	}
	Opening { values: BoundedVec::truncate_from(values), path: BoundedVec::truncate_from(path) }
}

/// A claim over that trace.
fn claim_of(opening: &Opening) -> Claim {
	let root = opening.path.last().map_or(merkle::EMPTY, |node| merkle::node_hash(node, node));
	Claim {
		root: Root(root),
		leaves: 1 << LEVELS,
		output: ContentHash([1; 32]),
		usage: Usage { input_tokens: 1000, output_tokens: 1000 },
	}
}

fn opening() -> Opening {
	opening_of(vec![i32::MAX; SLICE as usize])
}

fn claim() -> Claim {
	claim_of(&opening())
}

/// Moves to block `now`.
fn at<T: Config>(now: u32) {
	frame_system::Pallet::<T>::set_block_number(now.into());
}

/// Lets [`RANDOMNESS`] have come after `block`, for one user more than there are.
fn reveal_randomness<T: Config>(block: u32) {
	Entropies::<T>::mutate(block, |entropy| {
		*entropy = Entropy { bytes: Some(RANDOMNESS), users: entropy.users.saturating_add(1) };
	});
}

/// A panel of the greatest size over [`SUBJECT`] in block 2, with all seats taken but the last; moves to block 3.
/// Returns a validator that is drawn.
fn almost_full<T: Config>(openings: u32) -> Result<T::AccountId, BenchmarkError> {
	let validator: T::AccountId = whitelisted_caller();
	at::<T>(1);
	T::Operators::register_for_benchmark(&validator, Role::Validator, CHECKPOINT, DRAW_KEY);
	at::<T>(2);
	let (worker, requester) = (account("worker", 0, 0), account("requester", 0, 0));
	let verification = Verification::Panel(MAX_PANEL as u8);
	Pallet::<T>::open(SUBJECT, claim(), CHECKPOINT, worker, requester, verification)
		.map_err(|_| BenchmarkError::Stop("the subject has a panel"))?;
	Panels::<T>::mutate_extant(SUBJECT, |panel| {
		panel.terms.quorum = MAX_PANEL;
		panel.terms.openings = openings;
		panel.terms.validators = 1;
		for index in 1..MAX_PANEL {
			let _ = panel.seat(account("validator", index, 0), claim().hash(), 2);
		}
	});
	reveal_randomness::<T>(2);
	at::<T>(3);
	Ok(validator)
}

/// An account that can propose a canary.
fn proposer<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = whitelisted_caller();
	let least = T::Currency::minimum_balance();
	let needed = T::CanaryBond::get().saturating_add(T::CanaryFee::get()).saturating_add(least);
	T::Currency::mint_into(&who, needed.saturating_mul(2))?;
	T::Currency::mint_into(
		&T::Pot::get(),
		needed.saturating_add(T::CanaryPrize::get()).saturating_mul(1000),
	)?;
	Ok(who)
}

/// A checkpoint that exists.
fn checkpoint<T: Config>() -> CheckpointId {
	T::Checkpoints::register_for_benchmark(CheckpointFacts {
		active: true,
		profile: Profile::Exact,
		width: 64,
		layers: 1,
		context: 4096,
		units_per_token: 1,
	})
}

/// A canary of `proposer` that was committed in block 1.
fn committed<T: Config>(
	proposer: &T::AccountId,
	commitment: [u8; 32],
	checkpoint: CheckpointId,
	expires: u32,
) -> Result<(), BenchmarkError> {
	let (bond, fee) = (T::CanaryBond::get(), T::CanaryFee::get());
	T::Currency::hold(&HoldReason::Canary.into(), proposer, bond)?;
	Canaries::<T>::insert(proposer, commitment, Canary { checkpoint, committed: 1, expires, bond, fee });
	OpenCanaries::<T>::insert(proposer, 1);
	reveal_randomness::<T>(1);
	Ok(())
}

#[benchmarks]
mod benches {
	use super::*;

	/// The last seat of the largest panel, with `n` openings.
	#[benchmark]
	fn verdict(n: Linear<1, MAX_OPENINGS>) -> Result<(), BenchmarkError> {
		let validator = almost_full::<T>(n)?;
		let draw = Draw { pre_output: PRE_OUTPUT, proof: PROOF };
		let openings = BoundedVec::truncate_from(vec![opening(); n as usize]);

		#[extrinsic_call]
		_(RawOrigin::Signed(validator.clone()), SUBJECT, claim(), draw, openings);

		assert!(
			Panels::<T>::get(SUBJECT).is_some_and(|panel| panel.is_full() && panel.has_spoken(&validator))
		);
		Ok(())
	}

	/// On the largest panel.
	#[benchmark]
	fn abstain() -> Result<(), BenchmarkError> {
		let validator = almost_full::<T>(1)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(validator.clone()), SUBJECT, Draw { pre_output: PRE_OUTPUT, proof: PROOF });

		assert!(Panels::<T>::get(SUBJECT).is_some_and(|panel| panel.abstained.contains(&validator)));
		Ok(())
	}

	#[benchmark]
	fn commit_canary() -> Result<(), BenchmarkError> {
		let who = proposer::<T>()?;
		let checkpoint = checkpoint::<T>();

		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), [9; 32], checkpoint);

		assert!(Canaries::<T>::contains_key(&who, [9; 32]));
		Ok(())
	}

	/// On the largest panel, with `n` validators that approved it and the others that found the truth, and with the
	/// largest input.
	#[benchmark]
	fn reveal_canary(n: Linear<0, MAX_PANEL>) -> Result<(), BenchmarkError> {
		let (salt, requester): ([u8; 32], T::AccountId) = ([5; 32], whitelisted_caller());
		let who = proposer::<T>()?;
		let checkpoint = checkpoint::<T>();
		let input = Payload::Inline(BoundedVec::truncate_from(vec![7; MAX_INLINE_BYTES as usize]));
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 1000));
		let mark = canary_mark(&salt, &RANDOMNESS, checkpoint, &kind, input.content_hash());
		let mut values = vec![i32::MAX; SLICE as usize];
		plant(&mut values, &mark);
		let leaf = opening_of(values);
		let (wrong, truth) = (claim_of(&leaf), claim().hash());

		at::<T>(1);
		let worker: T::AccountId = account("worker", 0, 0);
		let commitment = canary_commitment(&who, &requester, &worker, &truth, &salt);
		committed::<T>(&who, commitment, checkpoint, u32::MAX)?;
		for index in 0..MAX_PANEL {
			let validator = account("validator", index, 0);
			T::Operators::register_for_benchmark(
				&validator,
				Role::Validator,
				checkpoint,
				[index.saturating_add(100) as u8; 32],
			);
		}
		at::<T>(2);
		let subject = T::Answers::answered_for_benchmark(
			DisputedSubject {
				worker: worker.clone(),
				requester: requester.clone(),
				checkpoint,
				kind,
				input: input.clone(),
				sealed: None,
				output: input,
				claim: wrong,
			},
			0,
		);
		Panels::<T>::mutate_extant(subject, |panel| {
			panel.terms.verification = Verification::Panel(MAX_PANEL as u8);
			panel.terms.audit = Permill::one();
			panel.terms.size = MAX_PANEL;
			panel.terms.quorum = MAX_PANEL;
			panel.verdicts = BoundedVec::new();
			panel.quorum_in = None;
			for index in 0..MAX_PANEL {
				let found = if index < n { wrong.hash() } else { truth };
				let _ = panel.seat(account("validator", index, 0), found, 2);
			}
		});
		at::<T>(3);

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), subject, who.clone(), truth, salt, 12345, leaf);

		assert!(!Canaries::<T>::contains_key(&who, commitment));
		let panel = Panels::<T>::get(subject).ok_or(BenchmarkError::Stop("the panel is gone"))?;
		assert_eq!((panel.canary, panel.verdicts.len() as u32), (Some(truth), MAX_PANEL.saturating_sub(n)));
		Ok(())
	}

	#[benchmark]
	fn expire_canary() -> Result<(), BenchmarkError> {
		let who = proposer::<T>()?;
		committed::<T>(&who, [9; 32], CHECKPOINT, 3)?;
		at::<T>(3);

		#[extrinsic_call]
		_(RawOrigin::Signed(account("anybody", 0, 0)), who.clone(), [9; 32]);

		assert!(!Canaries::<T>::contains_key(&who, [9; 32]));
		Ok(())
	}

	/// What every block does, when panels opened in those before and their randomness is there.
	#[benchmark]
	fn keep_randomness() {
		for block in 1..4 {
			Entropies::<T>::insert(block, Entropy { bytes: Some(RANDOMNESS), users: 1 });
		}
		NextEntropy::<T>::put(1);
		at::<T>(9);

		#[block]
		{
			Pallet::<T>::catch_up();
		}

		assert_eq!(NextEntropy::<T>::get(), 4);
	}

	/// Checking a draw by the VRF, alone.
	#[benchmark]
	fn draw_by_vrf() {
		let seed = panel_seed(SUBJECT, &claim(), RANDOMNESS);
		let draw = Draw { pre_output: PRE_OUTPUT, proof: PROOF };
		let output;

		#[block]
		{
			output = draw_output(&draw, DRAW_KEY, &seed);
		}

		assert!(output.is_some());
	}

	/// Checking a draw by a seed that lies `n` hashes before the one last shown, alone.
	#[benchmark]
	fn draw_by_seed(n: Linear<1, 1_000>) {
		let end = seed_chain_end([4; 32], n);
		let output;

		#[block]
		{
			output = seed_draw_output([4; 32], n, &end, &RANDOMNESS);
		}

		assert!(output.is_some());
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::mock::draw_with;
	use polkadot_sdk::sp_core::{sr25519, Pair};

	#[test]
	fn fixture_should_be_a_draw_of_its_key() {
		let seed = panel_seed(SUBJECT, &claim(), RANDOMNESS);
		let draw = Draw { pre_output: PRE_OUTPUT, proof: PROOF };
		let key = sr25519::Pair::from_seed(&[42; 32]);
		let fresh = draw_with(&key, &seed).0;
		assert!(
			draw_output(&draw, DRAW_KEY, &seed).is_some(),
			"make it {:?}, {:?}, {:?}",
			key.public().0,
			fresh.pre_output,
			fresh.proof,
		);
	}
}
