//! Trees with more leaves than fit into memory: a few leaves are given, all others are the same.

use alloc::{collections::BTreeMap, vec, vec::Vec};
use noesis_primitives::merkle::{self, node_hash, Node};

/// The leaf that stands where none is given.
const FILLER: Node = [7; 32];

/// A tree of `count` leaves, of which a few are given.
pub(super) struct Sparse {
	count: u32,
	leaves: BTreeMap<u32, Node>,
	/// Roots of whole trees of fillers, by level.
	fillers: Vec<Node>,
}

impl Sparse {
	pub fn new(count: u32) -> Self {
		let mut fillers = vec![FILLER];
		for _ in 0..merkle::levels(count) {
			let below = fillers.last().copied().unwrap_or(FILLER);
			fillers.push(node_hash(&below, &below));
		}
		Self { count, leaves: BTreeMap::new(), fillers }
	}

	pub fn set(&mut self, first: u32, leaves: impl IntoIterator<Item = Node>) {
		self.leaves.extend((first..).zip(leaves));
	}

	fn node(&self, level: u32, index: u32) -> Node {
		let at = |index: u32| u64::from(index) << level;
		let (start, end) = (at(index), at(index.saturating_add(1)));
		let is_whole = end <= u64::from(self.count);
		let given =
			self.leaves.range(start as u32..=end.saturating_sub(1).min(u32::MAX.into()) as u32).next();
		if level == 0 {
			return given.map_or(FILLER, |(_, leaf)| *leaf);
		}
		if is_whole && given.is_none() {
			return self.fillers.get(level as usize).copied().unwrap_or(FILLER);
		}
		let (below, left) = (level.saturating_sub(1), index.saturating_mul(2));
		let right = left.saturating_add(1);
		let first = self.node(below, left);
		if right < merkle::nodes(self.count, below) {
			node_hash(&first, &self.node(below, right))
		} else {
			first
		}
	}

	pub fn root(&self) -> Node {
		self.node(merkle::levels(self.count), 0)
	}

	/// See [`merkle::range_siblings`].
	pub fn siblings(&self, first: u32, count: u32) -> Vec<Node> {
		let (mut low, mut high) = (first, first.saturating_add(count));
		let mut siblings = Vec::new();
		for level in 0..merkle::levels(self.count) {
			if low % 2 == 1 {
				siblings.push(self.node(level, low.saturating_sub(1)));
			}
			if high % 2 == 1 && high < merkle::nodes(self.count, level) {
				siblings.push(self.node(level, high));
			}
			low /= 2;
			high = high.div_ceil(2);
		}
		siblings
	}
}
