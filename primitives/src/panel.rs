//! Panels: who may speak on an answer, what they must show, and where they must look.
//!
//! **Draw.** A validator evaluates a verifiable random function (sr25519, schnorrkel's VRF) on
//! [`draw_message`] with the key it registered before the answer. Its first eight output bytes and its account decide
//! ([`draw_number`], [`is_drawn`]); nobody else can know that before it speaks. Every window doubles the chance.
//!
//! **Audit.** Whether an answer is audited at all follows from the same seed ([`is_audited`]), at a rate that was
//! fixed when it was given. Nobody can know that before either.
//!
//! **Openings.** A verdict opens leaves of the trace at [`opening_positions`], which differ for each validator
//! and are fixed only after the answer. The values themselves are shown, so a verdict can't be copied.

use crate::{ContentHash, Root, Subject, Usage};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use sp_crypto_hashing::blake2_256;

/// Values in a leaf of a trace.
pub const SLICE: u32 = 64;
/// Longest path of an opening.
pub const MAX_PATH: u32 = 32;
/// Greatest number of openings in a verdict.
pub const MAX_OPENINGS: u32 = 16;
/// Greatest number of verdicts on one subject.
pub const MAX_PANEL: u32 = 16;
/// Label of the draw's transcript.
pub const DRAW_LABEL: &[u8] = b"noesis:draw";
/// Context under which a draw's output becomes bytes.
pub const DRAW_CONTEXT: &[u8] = b"noesis:drawn";

/// What somebody says a job's result is. Two claims agree when they are equal.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Claim {
	/// Merkle root of the trace.
	pub root: Root,
	/// Leaves of the trace.
	pub leaves: u32,
	/// Hash of the output's bytes.
	pub output: ContentHash,
	/// Tokens read and produced.
	pub usage: Usage,
}

/// Hash of a [`Claim`].
pub type ClaimHash = [u8; 32];

impl Claim {
	/// Hash of the claim.
	pub fn hash(&self) -> ClaimHash {
		self.using_encoded(blake2_256)
	}
}

/// Shows that a validator was drawn: output and proof of schnorrkel's VRF.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Draw {
	/// The VRF's pre-output.
	pub pre_output: [u8; 32],
	/// Its proof.
	pub proof: [u8; 64],
}

/// One leaf of a trace with its path.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Opening {
	/// The values.
	pub values: BoundedVec<i32, ConstU32<SLICE>>,
	/// Siblings from the leaf upwards.
	pub path: BoundedVec<[u8; 32], ConstU32<MAX_PATH>>,
}

impl Opening {
	/// Bytes of a leaf: the values, four bytes each, little endian.
	pub fn leaf_bytes(values: &[i32]) -> Vec<u8> {
		values.iter().flat_map(|value| value.to_le_bytes()).collect()
	}

	/// Whether this is leaf `index` of the trace that `claim` names.
	pub fn verify(&self, claim: &Claim, index: u32) -> bool {
		let leaf = crate::merkle::leaf_hash(&Self::leaf_bytes(&self.values));
		crate::merkle::verify(&claim.root.0, claim.leaves, index, leaf, &self.path)
	}
}

/// How a panel ended, or when it will.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub enum PanelOutcome {
	/// Still open.
	Pending,
	/// It found what the worker claimed.
	Confirmed,
	/// It found something else.
	Rejected,
	/// It did not come together.
	Lapsed,
	/// The answer was not drawn for an audit, and nobody had to speak.
	Waived,
	/// The answer was wrong by arrangement, to see who approves it (see [`crate::canary_mark`]): the requester gets
	/// everything back, the worker neither pay nor blame.
	Canary,
}

/// How an answer is checked. Anybody may dispute it in any case.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Verification {
	/// By a panel of the governed size, as often as the worker's reputation calls for.
	#[default]
	#[codec(index = 0)]
	Sampled,
	/// Always, by this many validators: 1 to [`MAX_PANEL`].
	#[codec(index = 1)]
	Panel(u8),
	/// Always, by `3f` validators beside the worker, of which `2f` must find the same as it: right while at most `f`
	/// of the `3f + 1` lie. `f` is 1 to [`MAX_PANEL`] `/ 3`.
	#[codec(index = 2)]
	Replicated(u8),
}

impl Verification {
	/// Whether its number is in range.
	pub fn is_valid(&self) -> bool {
		match *self {
			Self::Sampled => true,
			Self::Panel(seats) => (1..=MAX_PANEL).contains(&u32::from(seats)),
			Self::Replicated(f) => (1..=MAX_PANEL / 3).contains(&u32::from(f)),
		}
	}
}

/// Who spoke on a subject, and whether they found the worker's claim.
pub type Verdicts<AccountId> = BoundedVec<(AccountId, bool), ConstU32<MAX_PANEL>>;

/// A panel that is over.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct PanelClose<AccountId> {
	/// How it ended.
	pub outcome: PanelOutcome,
	/// Chance with which its answer was audited, in parts per million.
	pub audit: u32,
	/// Everybody who spoke, and whether they found the worker's claim.
	pub verdicts: Verdicts<AccountId>,
}

/// Seed of a panel: fixed by the answer and by randomness that came after it.
pub fn panel_seed(subject: Subject, claim: &Claim, randomness: [u8; 32]) -> [u8; 32] {
	(b"noesis:panel", subject, claim, randomness).using_encoded(blake2_256)
}

/// What a validator draws on.
pub fn draw_message(seed: &[u8; 32]) -> Vec<u8> {
	(b"noesis:draw:1", seed).encode()
}

/// The number that decides whether `who` (the account's encoding) is drawn, of a draw whose output starts with `output`
/// (little endian). It is another one for each account, so that whoever registers somebody else's key, which is no secret,
/// gains and harms nothing.
pub fn draw_number(output: u64, who: &[u8]) -> u64 {
	first_u64(&(b"noesis:drawn", output, who).using_encoded(blake2_256))
}

/// Whether `number` ([`draw_number`]) lets a validator speak: `panel` of `validators` are expected in window 0, twice as
/// many in each window after it.
pub fn is_drawn(number: u64, panel: u32, validators: u32, window: u32) -> bool {
	let expected = u128::from(panel) << window.min(32);
	let validators = u128::from(validators.max(1));
	u128::from(number).saturating_mul(validators) < expected.saturating_mul(1 << 64)
}

/// Whether an answer is audited whose panel has this seed, when `rate` parts per million are.
pub fn is_audited(seed: &[u8; 32], rate: u32) -> bool {
	u128::from(first_u64(&(b"noesis:audit", seed).using_encoded(blake2_256))).saturating_mul(1_000_000)
		< u128::from(rate) << 64
}

/// The first eight bytes of a hash, little endian.
fn first_u64(hash: &[u8; 32]) -> u64 {
	hash.first_chunk::<8>().map_or(0, |head| u64::from_le_bytes(*head))
}

/// The leaves that `validator` opens of the trace that `claim` names: `count` of them, evenly drawn, or none
/// when there are no leaves.
pub fn opening_positions(claim: &Claim, validator: &[u8], seed: &[u8; 32], count: u32) -> Vec<u32> {
	(0..count)
		.filter_map(|i| {
			let hash = (b"noesis:open", claim.root, seed, validator, i).using_encoded(blake2_256);
			first_u64(&hash).checked_rem(u64::from(claim.leaves))?.try_into().ok()
		})
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{merkle, JobId};

	fn claim(leaves: u32) -> Claim {
		Claim { root: Root([7; 32]), leaves, output: ContentHash([1; 32]), usage: Usage::default() }
	}

	#[test]
	fn positions_should_differ_when_the_validator_does() {
		let seed = panel_seed(Subject::Job(JobId(3)), &claim(5000), [9; 32]);
		let alice = opening_positions(&claim(5000), b"alice", &seed, 8);
		let bob = opening_positions(&claim(5000), b"bob", &seed, 8);
		assert_eq!(alice.len(), 8);
		assert_ne!(alice, bob);
		assert!(alice.iter().all(|p| *p < 5000));
		assert!(opening_positions(&claim(0), b"alice", &seed, 8).is_empty());
	}

	#[test]
	fn accounts_should_draw_apart_when_they_have_one_key() {
		assert_ne!(draw_number(7, b"alice"), draw_number(7, b"bob"));
		assert_ne!(draw_number(7, b"alice"), draw_number(8, b"alice"));
	}

	#[test]
	fn everyone_should_be_drawn_when_the_panel_is_as_large_as_the_crowd() {
		assert!(is_drawn(u64::MAX, 3, 3, 0));
		assert!(is_drawn(u64::MAX, 3, 12, 2));
		assert!(!is_drawn(u64::MAX, 3, 13, 2));
		assert!(is_drawn(0, 1, u32::MAX, 0));
		assert!(!is_drawn(u64::MAX / 2, 1, 4, 0));
		assert!(!is_drawn(0, 0, 1, 5));
	}

	#[test]
	fn audits_should_come_as_often_as_the_rate_says() {
		let audited = |rate| (0u32..4000).filter(|i| is_audited(&blake2_256(&i.encode()), rate)).count();
		assert_eq!((audited(0), audited(1_000_000)), (0, 4000));
		assert!((920..1080).contains(&audited(250_000)), "{}", audited(250_000));
		assert!((20..65).contains(&audited(10_000)), "{}", audited(10_000));
	}

	#[test]
	fn opening_should_verify_when_the_leaf_is_in_the_tree() {
		let slices: Vec<Vec<i32>> = (0..5).map(|i| vec![i, -i, i * 1000]).collect();
		let leaves: Vec<_> = slices.iter().map(|s| merkle::leaf_hash(&Opening::leaf_bytes(s))).collect();
		let claim = Claim { root: Root(merkle::root(&leaves)), ..claim(5) };
		let opening = Opening {
			values: slices[3].clone().try_into().unwrap(),
			path: merkle::path(&leaves, 3).unwrap().try_into().unwrap(),
		};
		assert!(opening.verify(&claim, 3));
		assert!(!opening.verify(&claim, 2));
	}
}
