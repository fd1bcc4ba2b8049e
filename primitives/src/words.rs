//! What is shown of a tokenizer when a token is disputed: leaves of its two trees.
//!
//! The roots are in the tokenizer's head, whose hash a checkpoint registers; see `docs/tokenizer.md`.

use crate::{
	merkle::{self, Node},
	FinePiece, LeafBytes, NodePath, Opening, PromptSeal, Root,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most pairs that one step of a word looks up.
pub const MAX_PAIR_PROOFS: u32 = 16;
/// Most bytes that a token stands for.
pub const MAX_TOKEN_BYTES_SHOWN: u32 = 1024;

/// Most bytes of a tokenizer's head.
pub const MAX_HEAD_BYTES_SHOWN: u32 = 26_963;

/// Most bytes of a text that is shown. What a job pays for is less: three tokens a byte, within the longest context.
pub const MAX_TEXT_BYTES: u32 = 1 << 16;

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

/// The states of a word, as the accused commits to them.
#[derive(
	Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct WordCommitment {
	/// Root of the tree of states.
	pub root: Root,
	/// The last state.
	pub last: LeafBytes,
	/// Its path.
	pub path: NodePath,
}

/// What a disputed token is held against.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum TokenSource {
	/// The text alone: the token is one of the input that no word has to be merged for.
	#[codec(index = 0)]
	Text,
	/// A word of the text.
	#[codec(index = 1)]
	Word(WordCommitment),
	/// The token's bytes: it is one of the output.
	#[codec(index = 2)]
	Output(TokenProof),
}

/// What is shown of a disputed token of a text or of an output.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct TextEvidence {
	/// The bytes of the tokenizer's head.
	pub head: BoundedVec<u8, ConstU32<MAX_HEAD_BYTES_SHOWN>>,
	/// The subject's input. Nothing where the token is one of the output, unless it is the first after a text.
	pub input: BoundedVec<u8, ConstU32<MAX_TEXT_BYTES>>,
	/// The leaf of the token before it. None for the first token, and for the first of the output after an input of ids.
	pub previous: Option<Opening>,
	/// What else the token is held against.
	pub source: TokenSource,
	/// The seal of a prompt that was sealed; none with any other input, and where no input is shown.
	pub seal: Option<PromptSeal>,
}
