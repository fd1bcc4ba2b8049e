//! The order of a trace's leaves.
//!
//! For every position that goes through the model: the token that it reads, then, layer by layer, the residual after
//! the layer in slices of 64 values. After the last position comes one more token: the last one produced, which is never
//! read. With `positions` positions that makes `positions · (1 + layers · slices) + 1` leaves.
//!
//! A leaf's bytes are integers of four bytes, little endian. A residual leaf holds its slice. A token leaf holds two:
//! the token's id, and its end. For a token of the input that is where it ends in the text, template included, in bytes
//! from the text's begin (for an input of ids, four times the number of tokens so far); for a token of the output, how
//! many bytes the output has with it (an end token adds none).

use crate::{Opening, SLICE};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What fixes the number and order of a trace's leaves.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct TraceShape {
	/// Positions that went through the model.
	pub positions: u32,
	/// Layers.
	pub layers: u32,
	/// Values of the residual.
	pub width: u32,
}

/// What a leaf of a trace holds.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum TraceLeaf {
	/// A token.
	#[codec(index = 0)]
	Token {
		/// Its position; the number of positions for the last token produced.
		position: u32,
	},
	/// A slice of the residual.
	#[codec(index = 1)]
	Residual {
		/// The position.
		position: u32,
		/// The layer that it comes out of.
		layer: u32,
		/// The slice.
		slice: u32,
	},
}

impl TraceShape {
	/// Slices of the residual.
	pub fn slices(&self) -> u32 {
		self.width.div_ceil(SLICE)
	}

	/// Leaves of one position; `None` beyond `u32::MAX`.
	pub fn leaves_per_position(&self) -> Option<u32> {
		self.layers.checked_mul(self.slices())?.checked_add(1)
	}

	/// Leaves of the trace; `None` beyond `u32::MAX`.
	pub fn leaves(&self) -> Option<u32> {
		self.leaves_per_position()?.checked_mul(self.positions)?.checked_add(1)
	}

	/// What leaf `index` holds; `None` when there is no such leaf.
	pub fn leaf(&self, index: u32) -> Option<TraceLeaf> {
		if index >= self.leaves()? {
			return None;
		}
		let per_position = self.leaves_per_position()?;
		let position = index.checked_div(per_position)?;
		let Some(residual) = index.checked_rem(per_position)?.checked_sub(1) else {
			return Some(TraceLeaf::Token { position });
		};
		let layer = residual.checked_div(self.slices())?;
		Some(TraceLeaf::Residual { position, layer, slice: residual.checked_rem(self.slices())? })
	}

	/// Where a leaf stands; `None` when there is no such leaf.
	pub fn index(&self, leaf: TraceLeaf) -> Option<u32> {
		let within = match leaf {
			TraceLeaf::Token { position } if position <= self.positions => 0,
			TraceLeaf::Residual { position, layer, slice }
				if position < self.positions && layer < self.layers && slice < self.slices() =>
			{
				layer.checked_mul(self.slices())?.checked_add(slice)?.checked_add(1)?
			},
			_ => return None,
		};
		let (TraceLeaf::Token { position } | TraceLeaf::Residual { position, .. }) = leaf;
		self.leaves()?;
		self.leaves_per_position()?.checked_mul(position)?.checked_add(within)
	}

	/// Number of values of a leaf.
	pub fn values(&self, leaf: TraceLeaf) -> u32 {
		match leaf {
			TraceLeaf::Token { .. } => 2,
			TraceLeaf::Residual { slice, .. } => {
				self.width.saturating_sub(slice.saturating_mul(SLICE)).min(SLICE)
			},
		}
	}
}

impl Opening {
	/// Id and end of a token leaf; `None` when it does not hold two values.
	pub fn token(&self) -> Option<(i32, i32)> {
		match self.values.as_slice() {
			[id, end] => Some((*id, *end)),
			_ => None,
		}
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	#[test]
	fn leaves_should_follow_the_written_order() {
		let shape = TraceShape { positions: 2, layers: 2, width: 96 };
		let residual = |position, layer, slice| TraceLeaf::Residual { position, layer, slice };
		let token = |position| TraceLeaf::Token { position };
		let mut expected = Vec::new();
		for position in 0..2 {
			expected.push(token(position));
			for layer in 0..2 {
				expected.extend([residual(position, layer, 0), residual(position, layer, 1)]);
			}
		}
		expected.push(token(2));
		let found: Vec<_> = (0..shape.leaves().unwrap()).map(|index| shape.leaf(index).unwrap()).collect();
		assert_eq!(found, expected);
		assert_eq!((shape.values(residual(0, 0, 0)), shape.values(residual(0, 0, 1))), (64, 32));
	}

	#[test]
	fn a_trace_should_not_exist_when_it_has_too_many_leaves() {
		let shape = TraceShape { positions: u32::MAX, layers: 1, width: 64 };
		assert_eq!(
			(shape.leaves(), shape.leaf(0), shape.index(TraceLeaf::Token { position: 0 })),
			(None, None, None)
		);
	}

	proptest! {
		#[test]
		fn index_and_leaf_should_be_inverse(
			positions in 0u32..2000, layers in 1u32..256, width in 1u32..5000, at in any::<u32>(),
		) {
			let shape = TraceShape { positions, layers, width };
			let count = shape.leaves().unwrap();
			let leaf = shape.leaf(at % count).unwrap();
			prop_assert_eq!(shape.index(leaf), Some(at % count));
			prop_assert!((1..=SLICE).contains(&shape.values(leaf)));
			prop_assert_eq!(shape.leaf(count), None);
			let outside = [
				TraceLeaf::Token { position: positions + 1 },
				TraceLeaf::Residual { position: positions, layer: 0, slice: 0 },
				TraceLeaf::Residual { position: 0, layer: layers, slice: 0 },
				TraceLeaf::Residual { position: 0, layer: 0, slice: shape.slices() },
			];
			for leaf in outside {
				prop_assert_eq!(shape.index(leaf), None);
			}
		}
	}
}
