//! Contexts of up to 65,536 positions, on one machine or split over several, always the same bits.
//!
//! [`stream`] reads keys and values run by run in memory linear in their number; [`shard`] keeps some positions of a
//! context and answers for them; [`wire`] is what coordinator and shards say to each other; [`serve`] and [`shards`]
//! are the two ends of that conversation; [`commitment`] holds a shard to what it said; [`mod@bench`] measures.
//!
//! # Terms
//! A *row* is one head of one token that asks. It *sees* the positions up to its own, wherever they are kept. A *shard*
//! keeps the keys and values of some positions, a [`Split`] says which.

pub mod bench;
pub mod commitment;
pub mod serve;
pub mod shard;
pub mod shards;
pub mod stream;
pub mod wire;

pub use serve::{serve, ServeOptions};
pub use shard::{Refusal, Shard};
pub use shards::{Coordinator, ShardsError};
pub use wire::{Channel, Tcp, WireError};

use codec::{Decode, DecodeWithMemTracking, Encode};
use noesis_canon::attention::MAX_KEYS;
use serde::Serialize;

/// Sizes of a model's attention.
#[derive(Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq, Serialize)]
pub struct Shape {
	/// Layers, `1..=1024`.
	pub layers: u32,
	/// Query heads per layer, `1..=1024`, a multiple of `kv_heads`.
	pub heads: u32,
	/// Key-value heads per layer, `1..=1024`.
	pub kv_heads: u32,
	/// Numbers per head, `1..=256`.
	pub head_dim: u32,
}

impl Shape {
	/// Whether all sizes are within their ranges.
	pub fn is_valid(&self) -> bool {
		[self.layers, self.heads, self.kv_heads].iter().all(|n| (1..=1024).contains(n))
			&& (1..=256).contains(&self.head_dim)
			&& self.heads.is_multiple_of(self.kv_heads)
	}

	/// Numbers of one token's queries.
	pub fn query_width(&self) -> usize {
		self.heads as usize * self.head_dim as usize
	}

	/// Numbers of one position's keys, or values, in one layer.
	pub fn kv_width(&self) -> usize {
		self.kv_heads as usize * self.head_dim as usize
	}

	/// Bytes of keys and values of `positions` positions in all layers. Below 2^51.
	pub fn bytes(&self, positions: u32) -> u64 {
		4 * self.kv_width() as u64 * u64::from(self.layers) * u64::from(positions)
	}
}

/// Some positions of a context, ascending: `first`, `first + stride` and so on, `count` of them, all below
/// [`MAX_KEYS`].
#[derive(Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq, Serialize)]
pub struct Positions {
	/// The first position.
	pub first: u32,
	/// From one to the next, at least 1.
	pub stride: u32,
	/// How many.
	pub count: u32,
}

impl Positions {
	/// The first `count` positions of a context (at most [`MAX_KEYS`]).
	pub fn from_start(count: usize) -> Self {
		Self { first: 0, stride: 1, count: count.min(MAX_KEYS) as u32 }
	}

	/// Whether they are positions of a context.
	pub fn is_valid(&self) -> bool {
		let last = u64::from(self.first) + u64::from(self.stride) * u64::from(self.count.saturating_sub(1));
		self.stride > 0 && (self.count == 0 || last < MAX_KEYS as u64)
	}

	/// All of them, in order.
	pub fn iter(&self) -> impl Iterator<Item = usize> {
		let (first, stride) = (self.first as usize, self.stride as usize);
		(0..self.count as usize).map(move |i| first + i * stride)
	}

	/// Number of these positions that are not after `position`.
	pub fn up_to(&self, position: usize) -> usize {
		let after_first = position.checked_sub(self.first as usize);
		after_first.map_or(0, |d| (d / self.stride.max(1) as usize + 1).min(self.count as usize))
	}
}

/// Which shard keeps which positions: every position of a context exactly once.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Split {
	parts: Vec<Positions>,
	/// Shard by position.
	owners: Vec<u32>,
}

impl Split {
	/// A split into `parts`, some of which may be empty. `None` unless they are the positions `0..n` for some `n` up to
	/// [`MAX_KEYS`], each once.
	pub fn new(parts: Vec<Positions>) -> Option<Self> {
		if parts.iter().any(|p| !p.is_valid()) {
			return None;
		}
		let count: u64 = parts.iter().map(|p| u64::from(p.count)).sum();
		if count > MAX_KEYS as u64 {
			return None;
		}
		let mut owners = vec![u32::MAX; count as usize];
		for (index, part) in parts.iter().enumerate() {
			for position in part.iter() {
				let owner = owners.get_mut(position).filter(|owner| **owner == u32::MAX)?;
				*owner = index as u32;
			}
		}
		Some(Self { parts, owners })
	}

	/// `count` positions (at most [`MAX_KEYS`]) in `shards` runs (at least one) of nearly equal length.
	pub fn contiguous(count: usize, shards: usize) -> Self {
		let (count, shards) = (count.min(MAX_KEYS), shards.max(1));
		let start = |i: usize| (i * count / shards) as u32;
		Self::of((0..shards).map(|i| Positions {
			first: start(i),
			stride: 1,
			count: start(i + 1) - start(i),
		}))
	}

	/// `count` positions (at most [`MAX_KEYS`]) dealt to `shards` shards (at least one) in turn. Rows of causal
	/// attention cost all shards the same (striped attention, arXiv 2311.09431).
	pub fn striped(count: usize, shards: usize) -> Self {
		let (count, shards) = (count.min(MAX_KEYS), shards.max(1));
		Self::of((0..shards).map(|i| Positions {
			first: i as u32,
			stride: shards as u32,
			count: count.saturating_sub(i).div_ceil(shards) as u32,
		}))
	}

	fn of(parts: impl Iterator<Item = Positions>) -> Self {
		Self::new(parts.collect()).unwrap_or(Self { parts: Vec::new(), owners: Vec::new() })
	}

	/// The shards' positions.
	pub fn parts(&self) -> &[Positions] {
		&self.parts
	}

	/// Number of positions.
	pub fn count(&self) -> usize {
		self.owners.len()
	}

	/// The shard that keeps `position`.
	pub fn owner(&self, position: usize) -> Option<usize> {
		self.owners.get(position).map(|&owner| owner as usize)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn a_split_should_hold_every_position_once(count in 0usize..700, shards in 1usize..40, striped in any::<bool>()) {
			let split = if striped { Split::striped(count, shards) } else { Split::contiguous(count, shards) };
			prop_assert_eq!((split.parts().len(), split.count()), (shards, count));
			for position in 0..count {
				let owner = split.owner(position).unwrap();
				prop_assert!(split.parts()[owner].iter().any(|p| p == position));
				let seen: usize = split.parts().iter().map(|part| part.up_to(position)).sum();
				prop_assert_eq!(seen, position + 1);
			}
			prop_assert_eq!(split.owner(count), None);
		}
	}

	#[test]
	fn a_split_should_be_refused_when_it_is_not_a_partition() {
		let part = |first, stride, count| Positions { first, stride, count };
		assert!(Split::new(vec![part(0, 2, 3), part(1, 2, 2)]).is_some());
		assert_eq!(Split::new(vec![part(0, 1, 3), part(2, 1, 2)]), None, "2 twice");
		assert_eq!(Split::new(vec![part(0, 1, 3), part(4, 1, 2)]), None, "3 nowhere");
		assert_eq!(Split::new(vec![part(0, 0, 1)]), None, "no stride");
		assert_eq!(Split::new(vec![part(0, 1, 65_536), part(65_536, 1, 1)]), None, "too many");
		assert_eq!(Split::new(vec![part(0, u32::MAX, u32::MAX)]), None, "beyond");
	}

	#[test]
	fn a_shape_should_be_refused_when_out_of_range() {
		let good = Shape { layers: 30, heads: 9, kv_heads: 3, head_dim: 64 };
		assert!(good.is_valid());
		assert_eq!(good.bytes(65_536), 30 * 65_536 * 3 * 64 * 4);
		assert!(!Shape { layers: 0, ..good }.is_valid());
		assert!(!Shape { heads: 10, ..good }.is_valid());
		assert!(!Shape { kv_heads: 0, ..good }.is_valid());
		assert!(!Shape { head_dim: 257, ..good }.is_valid());
	}
}
