//! What a verdict costs.
//!
//! Signing a draw needs randomness that a runtime does not have, so the draw is a fixture: made once over a fixed
//! subject, claim and randomness, and checked by the test below.

use crate::{Call, Config, Pallet, Panels};
use alloc::vec;
use codec::Decode;
use noesis_primitives::{
	merkle, BlockRandomness, CheckpointId, Claim, ContentHash, Draw, JobId, Opening, OperatorRegistry,
	Panels as _, Role, Root, Subject, Usage, MAX_OPENINGS, MAX_PANEL, SLICE,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::BoundedVec,
	frame_system::{self, RawOrigin},
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

/// Any leaf of the trace below. All leaves are equal, so the tree of 2^31 of them is known without building it.
fn opening() -> Opening {
	let values = vec![i32::MAX; SLICE as usize];
	let mut node = merkle::leaf_hash(&Opening::leaf_bytes(&values));
	let mut path = vec![];
	for _ in 0..LEVELS {
		path.push(node);
		node = merkle::node_hash(&node, &node);
	}
	Opening { values: BoundedVec::truncate_from(values), path: BoundedVec::truncate_from(path) }
}

/// A claim over that trace.
fn claim() -> Claim {
	let root = opening().path.last().map_or(merkle::EMPTY, |node| merkle::node_hash(node, node));
	Claim {
		root: Root(root),
		leaves: 1 << LEVELS,
		output: ContentHash([1; 32]),
		usage: Usage { input_tokens: 1000, output_tokens: 1000 },
	}
}

#[benchmarks]
mod benches {
	use super::*;

	/// The last seat of the largest panel, with `n` openings.
	#[benchmark]
	fn verdict(n: Linear<1, MAX_OPENINGS>) -> Result<(), BenchmarkError> {
		let validator: T::AccountId = whitelisted_caller();
		frame_system::Pallet::<T>::set_block_number(1u32.into());
		T::Operators::register_for_benchmark(&validator, Role::Validator, CHECKPOINT, DRAW_KEY);

		frame_system::Pallet::<T>::set_block_number(2u32.into());
		let excluded = [account("worker", 0, 0), account("requester", 0, 0)];
		Pallet::<T>::open(SUBJECT, claim(), CHECKPOINT, excluded)
			.map_err(|_| BenchmarkError::Stop("the subject has a panel"))?;
		Panels::<T>::mutate_extant(SUBJECT, |panel| {
			panel.terms.size = MAX_PANEL;
			panel.terms.quorum = MAX_PANEL;
			panel.terms.openings = n;
			panel.terms.validators = 1;
			for index in 1..MAX_PANEL {
				let _ = panel.seat(account("validator", index, 0), claim().hash(), 2);
			}
		});
		let hash = T::Hash::decode(&mut RANDOMNESS.as_slice())
			.map_err(|_| BenchmarkError::Stop("a block's hash has 32 bytes"))?;
		frame_system::BlockHash::<T>::insert(
			frame_system::pallet_prelude::BlockNumberFor::<T>::from(2u32),
			hash,
		);

		frame_system::Pallet::<T>::set_block_number(3u32.into());
		if T::Randomness::after(2) != Some(RANDOMNESS) {
			return Err(BenchmarkError::Stop("the randomness is the hash of the block of the answer"));
		}
		let draw = Draw { pre_output: PRE_OUTPUT, proof: PROOF };
		let openings = BoundedVec::truncate_from(vec![opening(); n as usize]);

		#[extrinsic_call]
		_(RawOrigin::Signed(validator.clone()), SUBJECT, claim(), draw, openings);

		assert!(
			Panels::<T>::get(SUBJECT).is_some_and(|panel| panel.is_full() && panel.has_spoken(&validator))
		);
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{draw::draw_output, mock::draw_with};
	use noesis_primitives::panel_seed;
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
