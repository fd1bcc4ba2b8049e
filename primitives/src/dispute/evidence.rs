//! What an accused shows of the one leaf that a dispute came to.
//!
//! A leaf of a fine trace is computed from sources that are fixed by its place alone. The evidence names none of
//! them: it has one [`Piece`] per source, in their order.

use crate::{merkle, Opening};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use merkle::Node;
use scale_info::TypeInfo;

/// Most sources of a leaf.
pub const MAX_PIECES: u32 = 4;
/// Most consecutive leaves of a fine trace in a piece.
pub const MAX_FINE_RANGE: u32 = 256;
/// Longest leaf of a fine trace, in bytes.
pub const MAX_LEAF_BYTES: u32 = 8192;
/// Most rows of weights in a piece.
pub const MAX_ROWS: u32 = 8;
/// Longest part of a row: 2048 values of a gain.
pub const MAX_ROW_BYTES: u32 = 8192;
/// Most siblings of a range of leaves.
pub const MAX_SIBLINGS: u32 = 64;
/// Longest encoding of evidence, in bytes: the 32 KiB that a leaf is computed from, and their proofs.
pub const MAX_EVIDENCE_BYTES: u32 = 64 << 10;
/// Longest input of token ids, in bytes: the longest context, four bytes each.
pub const MAX_TOKEN_BYTES: u32 = 4 << 16;

/// A leaf of a fine trace.
pub type LeafBytes = BoundedVec<u8, ConstU32<MAX_LEAF_BYTES>>;
/// Siblings of a leaf or of a range of leaves (see [`merkle::range_siblings`]).
pub type NodePath = BoundedVec<Node, ConstU32<MAX_SIBLINGS>>;
/// What a leaf is computed from: one piece for each of its sources, in their order.
pub type Evidence = BoundedVec<Piece, ConstU32<MAX_PIECES>>;

/// What one source of a leaf holds, with the proof that it does.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq, TypeInfo)]
pub enum Piece {
	/// Consecutive leaves of the accused's fine trace.
	#[codec(index = 0)]
	Fine(FinePiece),
	/// A leaf of the trace that the accused claims.
	#[codec(index = 1)]
	Coarse(Opening),
	/// Rows of the checkpoint's weights, or a part of each.
	#[codec(index = 2)]
	Weights(WeightsPiece),
}

/// Consecutive leaves of a fine trace.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, PartialEq, TypeInfo)]
pub struct FinePiece {
	/// The leaves.
	pub leaves: BoundedVec<LeafBytes, ConstU32<MAX_FINE_RANGE>>,
	/// Their siblings in the fine trace.
	pub siblings: NodePath,
}

impl FinePiece {
	/// Whether these are the `count` leaves from `first` on of the tree of `leaves` leaves whose root is `root`.
	pub fn verify(&self, root: &Node, leaves: u32, first: u32, count: u32) -> bool {
		let hashes: Vec<Node> = self.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
		hashes.len() == count as usize && merkle::verify_range(root, leaves, first, &hashes, &self.siblings)
	}

	/// The leaves' bytes, one after the other.
	pub fn bytes(&self) -> Vec<u8> {
		self.leaves.iter().flat_map(|leaf| leaf.iter().copied()).collect()
	}
}

/// The same part of consecutive rows of a tensor.
///
/// A group's root is the tree over its tensors, a tensor the tree over its rows, a row the tree over its parts of at
/// most 2048 values.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, PartialEq, TypeInfo)]
pub struct WeightsPiece {
	/// The rows.
	pub rows: BoundedVec<RowPiece, ConstU32<MAX_ROWS>>,
	/// Their siblings in the tensor.
	pub siblings: NodePath,
	/// The tensor's siblings in its group.
	pub tensor: NodePath,
}

/// A part of a row.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, PartialEq, TypeInfo)]
pub struct RowPiece {
	/// Its bytes, as the checkpoint's file has them.
	pub bytes: BoundedVec<u8, ConstU32<MAX_ROW_BYTES>>,
	/// Its siblings in the row.
	pub path: NodePath,
}

/// Where a piece of weights is asked to lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WeightsPlace {
	/// Tensors of the group.
	pub tensors: u32,
	/// The tensor.
	pub tensor: u32,
	/// Its rows.
	pub tensor_rows: u32,
	/// The first row.
	pub first_row: u32,
	/// How many.
	pub rows: u32,
	/// Parts of a row.
	pub chunks: u32,
	/// The part.
	pub chunk: u32,
}

impl WeightsPiece {
	/// Whether these rows lie at `place` in the group whose root is `group`.
	pub fn verify(&self, group: &Node, place: &WeightsPlace) -> bool {
		let row = |row: &RowPiece| {
			merkle::range_root(place.chunks, place.chunk, &[merkle::leaf_hash(&row.bytes)], &row.path)
		};
		let Some(rows) = self.rows.iter().map(row).collect::<Option<Vec<Node>>>() else { return false };
		let tensor = merkle::range_root(place.tensor_rows, place.first_row, &rows, &self.siblings);
		rows.len() == place.rows as usize
			&& tensor.is_some_and(|tensor| {
				merkle::verify(group, place.tensors, place.tensor, tensor, &self.tensor)
			})
	}
}

/// Why a claim can't be right, whatever the model computes: for all to see, without a game.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum LengthProof {
	/// Its numbers contradict the job, or each other.
	#[codec(index = 0)]
	Numbers,
	/// It went on after the token that ends an answer.
	#[codec(index = 1)]
	WentOn {
		/// Position of the end token that is not the last token.
		position: u32,
		/// Its leaf.
		opening: Opening,
	},
	/// Its last token is no end token, and there was room for more.
	#[codec(index = 2)]
	StoppedShort {
		/// The last token's leaf.
		opening: Opening,
	},
}
