//! The operation graph: how a residual or a token comes about, in steps small enough for a chain.
//!
//! A **program** computes one value of a trace: the residual of a position after a layer, or the token that follows a
//! position. It is a list of *fine leaves*, each a small vector of integers that [`evaluate`] makes from a few earlier
//! leaves, from leaves of the trace, and from weights ([`Source`]). The list follows from the model's [`Shape`] alone, so
//! two parties that disagree about a program's result can find the first leaf on which they disagree; all its inputs they
//! agree on, and whoever evaluates it knows who is right.
//!
//! Every leaf takes at most [`MAX_WORK`] multiplications, [`MAX_SOURCES`] sources and [`MAX_INPUT_BYTES`] of them.
//!
//! # Vectors in leaves
//! A row of values lies in consecutive leaves: slices of 64 values where the trace or the feed-forward layer has them,
//! chunks of [`CHUNK`] values after a norm and as input of a linear layer, eight rows at a time out of a linear layer, one
//! head at a time in attention. The last leaf of a row may be shorter. Values that need all of a row (its largest
//! magnitude, a sum of squares, an accumulator over more than [`CHUNK`] columns) run along a chain: each leaf takes the
//! one before and adds its part.
//!
//! Sums are plain integer sums and no operation rounds what a chain carries, so the results are those of [`crate::norm`],
//! [`crate::linear`], [`crate::attention`], [`crate::silu`] and [`crate::sampler`] to the bit.
//!
//! # Bytes
//! A leaf is its header (`i64` little endian each), then its body (integers of 2, 4 or 8 bytes, little endian); see
//! [`Format`]. `docs/trace.md` lists the stages.

mod evaluate;
mod layout;
mod pick;
mod read;
mod stage;
#[cfg(test)]
mod tests;

use crate::{
	norm::{NormConstants, MAX_WIDTH},
	sampler::Sampling,
	GROUP,
};
use alloc::vec::Vec;
pub use layout::Layout;
pub use stage::Stage;

/// Most values of a chunk: of an activation row, and of a weight row's piece that opens by itself.
pub const CHUNK: u32 = 2048;
/// Values of a slice of the residual.
pub const SLICE: u32 = 64;
/// Rows of a linear layer in one leaf.
pub const ROWS: u32 = 8;
/// Logits that the sampler looks at in one leaf.
pub const TILE: u32 = 512;
/// Most multiplications of weights, queries or values in one leaf.
pub const MAX_WORK: u32 = 1 << 14;
/// Most sources of a leaf.
pub const MAX_SOURCES: usize = 4;
/// Most consecutive leaves of one source.
pub const MAX_RANGE: u32 = 256;
/// Most bytes of all sources of a leaf together.
pub const MAX_INPUT_BYTES: u32 = 1 << 15;
/// Most bytes of a leaf.
pub const MAX_LEAF_BYTES: u32 = 1 << 13;

/// The numbers of a model that its programs follow from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Shape {
	/// Layers.
	pub layers: u32,
	/// Values of the residual.
	pub width: u32,
	/// Query heads.
	pub heads: u32,
	/// Key and value heads.
	pub kv_heads: u32,
	/// Values of a head.
	pub head_dim: u32,
	/// Inner values of a feed-forward layer.
	pub feed_forward: u32,
	/// Different tokens.
	pub vocabulary: u32,
	/// Longest sequence in tokens.
	pub context: u32,
	/// Base of the rotary positions.
	pub rope_base: u32,
	/// `round(epsilon · width · 2^24)`.
	pub epsilon: u64,
}

impl Shape {
	/// Whether the numbers fit together and lie in the ranges that the arithmetic is made for.
	pub fn is_valid(&self) -> bool {
		let group = GROUP as u32;
		(1..=255).contains(&self.layers)
			&& (group..=MAX_WIDTH as u32).contains(&self.width)
			&& (1..=256).contains(&self.heads)
			&& (1..=self.heads).contains(&self.kv_heads)
			&& (16..=256).contains(&self.head_dim)
			&& (group..=1 << 17).contains(&self.feed_forward)
			&& (1..=1 << 20).contains(&self.vocabulary)
			&& (2..=1 << 16).contains(&self.context)
			&& self.rope_base >= 2
			&& (1..1 << 60).contains(&self.epsilon)
			&& self.width.is_multiple_of(group)
			&& self.feed_forward.is_multiple_of(group)
			&& (self.heads * self.head_dim).is_multiple_of(group)
			&& self.heads.is_multiple_of(self.kv_heads)
			&& self.head_dim.is_multiple_of(16)
	}

	fn norm(&self) -> NormConstants {
		NormConstants::new(self.width as usize, self.epsilon)
	}
}

/// What is computed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Program {
	/// The residual of a position after a layer: from the residuals before the layer of all positions up to this one,
	/// or, for layer 0, from their tokens.
	Layer {
		/// The layer, from 0.
		layer: u32,
		/// The position.
		position: u32,
	},
	/// The token that follows a position: from its residual after the last layer.
	Pick {
		/// The position.
		position: u32,
		/// How the token is chosen.
		sampling: Sampling,
		/// The token's place in the output.
		index: u32,
	},
}

impl Program {
	/// Number of fine leaves. `None`: the program does not exist for this shape, or has more than `u32::MAX`.
	pub fn leaves(&self, shape: &Shape) -> Option<u32> {
		Some(Layout::new(shape, self)?.leaves())
	}

	/// Leaf `index`.
	pub fn leaf(&self, shape: &Shape, index: u32) -> Option<Leaf> {
		Layout::new(shape, self)?.leaf(index)
	}

	/// The leaf whose bytes are those of the trace's leaf: slice `slice` of the residual. For a token the last leaf, whose
	/// header is the id; `slice` is 0.
	pub fn result(&self, shape: &Shape, slice: u32) -> Option<u32> {
		Layout::new(shape, self)?.result(slice)
	}
}

/// What a leaf's bytes are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Format {
	/// Integers of eight bytes at the front.
	pub header: u32,
	/// Integers that follow.
	pub count: u32,
	/// Bytes of each of those: 2, 4 or 8.
	pub width: u32,
}

impl Format {
	/// Bytes of a leaf.
	pub const fn bytes(&self) -> u32 {
		self.header.saturating_mul(8).saturating_add(self.count.saturating_mul(self.width))
	}
}

/// What a leaf is made by.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Operation {
	/// Copies a slice of the trace's residual.
	Copy,
	/// Reads a slice of a token's embedding.
	Embed,
	/// Raises the largest magnitude of a row.
	Largest,
	/// Adds to a norm's sum of squares.
	Squares,
	/// Makes a norm's factor of that sum.
	Scale,
	/// Multiplies a chunk by factor and gain.
	Norm,
	/// Rounds a chunk to 16 bits.
	Quantise,
	/// Adds a chunk of columns to the accumulators of eight rows.
	Accumulate,
	/// Adds the last chunk and requantises.
	Linear,
	/// The same, and adds the residual.
	Branch,
	/// Turns a query's or key's head by its position and rounds it to 16 bits.
	Turn,
	/// Rounds a value's head to 16 bits.
	Narrow,
	/// Scores of a tile of keys, and the largest so far.
	Scores,
	/// Weights of a tile of keys, and their sum so far.
	Weights,
	/// Adds a tile of values, times their weights.
	Sums,
	/// Divides by the sum of the weights.
	Attend,
	/// Puts eight leaves of eight rows together.
	Join,
	/// `silu(gate) · up`.
	Gate,
	/// The largest logit so far and the first token that has it.
	Best,
	/// Sum of the sampler's weights.
	Total,
	/// Sums of the sampler's weights by a digit of how far a logit lies under the largest.
	Bins,
	/// The digit at which the nucleus ends.
	Choice,
	/// Where the nucleus ends and which weight is drawn.
	Target,
	/// The first token at which the running weight exceeds the one drawn.
	Find,
	/// The token.
	Token,
}

/// Where an input of a leaf comes from. What it resolves to is the [`Piece`] of the same place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Source {
	/// Consecutive earlier leaves of this program: [`Piece::Fine`].
	Fine {
		/// The first.
		first: u32,
		/// How many, at least 1.
		count: u32,
	},
	/// A token leaf of the trace: [`Piece::Token`].
	Token {
		/// Its position.
		position: u32,
	},
	/// A residual leaf of the trace: [`Piece::Residual`].
	Residual {
		/// The position.
		position: u32,
		/// The layer that it comes out of.
		layer: u32,
		/// The slice.
		slice: u32,
	},
	/// A chunk of the row of the embedding (group 0, tensor 0) whose number is the id that the [`Source::Token`] before
	/// this one resolves to: [`Piece::Weights`] with one row.
	Embedding {
		/// The chunk: columns from `chunk · CHUNK` on.
		chunk: u32,
	},
	/// A chunk of consecutive rows of a tensor: [`Piece::Weights`].
	Weights {
		/// The group of tensors: 0 is the embedding, `n` layer `n - 1`.
		group: u32,
		/// The tensor within its group.
		tensor: u32,
		/// The first row.
		first_row: u32,
		/// How many, at most [`ROWS`].
		rows: u32,
		/// The chunk: columns from `chunk · CHUNK` on.
		chunk: u32,
	},
}

/// What a [`Source`] resolves to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Piece<'a> {
	/// The leaves' bytes, one after the other.
	Fine(&'a [u8]),
	/// Id and end of a token leaf.
	Token {
		/// The id.
		id: i32,
		/// The end, which no program reads.
		end: i32,
	},
	/// The values of a residual leaf.
	Residual(&'a [i32]),
	/// The chunk of each row, as a checkpoint has it.
	Weights(Vec<&'a [u8]>),
}

/// A fine leaf.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Leaf {
	/// What makes it.
	pub operation: Operation,
	/// What its bytes are.
	pub format: Format,
	/// What it is made from, at most [`MAX_SOURCES`].
	pub sources: Vec<Source>,
}

/// The bytes of leaf `index` of a program, from what its sources resolve to, in their order.
///
/// Total: any bytes may be given. `None` when there is no such leaf or a piece can't be what its source says: another
/// kind or length, a token outside the vocabulary, a weight out of bounds, a number that no leaf of its stage holds.
pub fn evaluate(program: &Program, shape: &Shape, index: u32, pieces: &[Piece<'_>]) -> Option<Vec<u8>> {
	Layout::new(shape, program)?.evaluate(index, pieces)
}
