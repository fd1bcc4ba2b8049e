//! What is shown of a tokenizer when a token is disputed: leaves of its two trees.
//!
//! The roots are in the tokenizer's head, whose hash a checkpoint registers; see `docs/tokenizer.md`.

use crate::{
	merkle::{self, Node},
	FinePiece, NodePath,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most pairs that one step of a word looks up.
pub const MAX_PAIR_PROOFS: u32 = 16;
/// Most bytes that a token stands for.
pub const MAX_TOKEN_BYTES_SHOWN: u32 = 1024;

/// A leaf of the tree of pairs that merge.
pub type PairLeaf = [u8; 16];

/// The leaf of a pair, or the leaves between which it would lie if the tree had it.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct PairProof {
	/// The place of the first leaf.
	pub first: u32,
	/// The leaves, one after the other.
	pub leaves: BoundedVec<PairLeaf, ConstU32<2>>,
	/// Their siblings.
	pub siblings: NodePath,
}

impl PairProof {
	/// Whether these are leaves of the tree of `count` pairs whose root is `root`. Without pairs no leaves are shown.
	pub fn verify(&self, root: &Node, count: u32) -> bool {
		if self.leaves.is_empty() {
			return count == 0 && self.siblings.is_empty() && *root == merkle::EMPTY;
		}
		let hashes: Vec<Node> = self.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
		merkle::verify_range(root, count, self.first, &hashes, &self.siblings)
	}
}

/// What one state of a word is made from.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, PartialEq, TypeInfo)]
pub struct WordEvidence {
	/// The state before it; no leaves for the first state.
	pub previous: FinePiece,
	/// One for each pair that the state looks up, in their order.
	pub pairs: BoundedVec<PairProof, ConstU32<MAX_PAIR_PROOFS>>,
}

/// What a token stands for in an output.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct TokenProof {
	/// The bytes; none for a special token.
	pub bytes: BoundedVec<u8, ConstU32<MAX_TOKEN_BYTES_SHOWN>>,
	/// The leaf's path.
	pub path: NodePath,
}

impl TokenProof {
	/// Whether this is what token `id` stands for, in the vocabulary of `count` tokens whose root is `root`.
	pub fn verify(&self, root: &Node, count: u32, id: u32) -> bool {
		merkle::verify(root, count, id, merkle::leaf_hash(&self.bytes), &self.path)
	}
}
