//! Canaries: answers that are wrong by arrangement, to see which validators approve what they did not recompute.
//!
//! The requester of a canary and its worker are accomplices. Before the answer, a proposer commits to it
//! ([`canary_commitment`]) against a bond. The worker computes the job as usual, except that in one leaf of the
//! trace it replaces the lowest four bits of each of the 64 values ([`plant`]) by those of a mark
//! ([`canary_mark`]), and goes on from there. Nothing tells such a leaf from an honest one to whoever does not
//! know the salt and does not recompute.
//!
//! **Why the chain can slash for it without a dispute.** The leaf itself is the proof that the answer is wrong. The
//! job fixes every honest leaf, and the mark depends by a hash on the job, and on randomness of a time when the
//! checkpoint stood already: that an honest leaf carries the mark by accident, or by any choice of input, salt and
//! weights, has a chance of 2^-256 a try. So nobody can commit to a right answer and call it a canary.

use crate::{CheckpointId, ClaimHash, ContentHash, JobKind, SLICE};
use codec::Encode;
use sp_crypto_hashing::blake2_256;

/// The bits of a value that a mark replaces.
const NIBBLE: i32 = 15;

/// What a proposer commits to: who asks, who answers wrongly, what the true claim is, and the salt of the mark. The
/// wrong claim follows only when the mark is known, and then from all this.
pub fn canary_commitment<AccountId: Encode>(
	proposer: &AccountId,
	requester: &AccountId,
	worker: &AccountId,
	truth: &ClaimHash,
	salt: &[u8; 32],
) -> [u8; 32] {
	(b"noesis:canary", proposer, requester, worker, truth, salt).using_encoded(blake2_256)
}

/// The mark of a canary's planted leaf. `randomness` is that which came after the block of the commitment.
pub fn canary_mark(
	salt: &[u8; 32],
	randomness: &[u8; 32],
	checkpoint: CheckpointId,
	kind: &JobKind,
	input: ContentHash,
) -> [u8; 32] {
	(b"noesis:canary:mark", salt, randomness, checkpoint, kind, input).using_encoded(blake2_256)
}

/// The bits that go into each value: the mark's nibbles, the lower of each byte first.
fn nibbles(mark: &[u8; 32]) -> impl Iterator<Item = i32> + '_ {
	mark.iter().flat_map(|byte| [byte & 15, byte >> 4]).map(i32::from)
}

/// Plants the mark in a leaf: no value changes by more than 15. Only a leaf of [`SLICE`] values takes all of it.
pub fn plant(values: &mut [i32], mark: &[u8; 32]) {
	for (value, nibble) in values.iter_mut().zip(nibbles(mark)) {
		*value = (*value & !NIBBLE) | nibble;
	}
}

/// Whether a leaf carries the mark.
pub fn is_planted(values: &[i32], mark: &[u8; 32]) -> bool {
	values.len() == SLICE as usize
		&& values.iter().zip(nibbles(mark)).all(|(value, nibble)| value & NIBBLE == nibble)
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use crate::{GenerateParams, InputFormat};
	use alloc::vec::Vec;
	use proptest::prelude::*;

	fn mark(salt: u8, randomness: u8, input: &[u8]) -> [u8; 32] {
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 9));
		canary_mark(&[salt; 32], &[randomness; 32], CheckpointId(1), &kind, ContentHash::of(input))
	}

	#[test]
	fn mark_should_differ_when_anything_in_it_does() {
		let all = [mark(1, 1, b"a"), mark(2, 1, b"a"), mark(1, 2, b"a"), mark(1, 1, b"b")];
		for (i, one) in all.iter().enumerate() {
			assert!(all.iter().skip(i + 1).all(|other| one != other));
		}
	}

	#[test]
	fn commitment_should_differ_when_the_parts_move() {
		let make = |a: u64, b: u64, c: u64| canary_commitment(&a, &b, &c, &[2; 32], &[3; 32]);
		assert_ne!(make(1, 2, 3), make(1, 3, 2));
		assert_ne!(make(1, 2, 3), make(2, 2, 3));
		assert_ne!(make(1, 2, 3), canary_commitment(&1u64, &2, &3, &[3; 32], &[2; 32]));
	}

	proptest! {
		#[test]
		fn leaf_should_carry_only_the_mark_that_was_planted(
			values in prop::collection::vec(any::<i32>(), 64), salt in any::<u8>(), flip in 0usize..64, bit in 0u32..4,
		) {
			let (ours, other) = (mark(salt, 1, b"in"), mark(salt, 2, b"in"));
			prop_assert!(!is_planted(&values, &ours));
			let mut planted = values.clone();
			plant(&mut planted, &ours);
			prop_assert!(is_planted(&planted, &ours) && !is_planted(&planted, &other));
			prop_assert!(planted.iter().zip(&values).all(|(a, b)| a.abs_diff(*b) <= 15));
			let short: Vec<i32> = planted[..63].to_vec();
			prop_assert!(!is_planted(&short, &ours));
			planted[flip] ^= 1 << bit;
			prop_assert!(!is_planted(&planted, &ours));
		}
	}
}
