//! The pairs that merge, for speed in a hash map.

use noesis_canon::tokenizer::{Merge, Pair};
use std::{
	collections::HashMap,
	hash::{BuildHasherDefault, Hasher},
};

/// What becomes of pairs of symbols.
#[derive(Clone, Debug, Default)]
pub(super) struct Pairs(HashMap<u64, Merge, BuildHasherDefault<Mixer>>);

impl Pairs {
	pub(super) fn insert(&mut self, pair: Pair, merge: Merge) {
		self.0.insert(key(pair), merge);
	}

	pub(super) fn get(&self, pair: Pair) -> Option<Merge> {
		self.0.get(&key(pair)).copied()
	}

	pub(super) fn len(&self) -> usize {
		self.0.len()
	}

	/// All pairs in ascending order.
	pub(super) fn sorted(&self) -> Vec<(Pair, Merge)> {
		let mut all: Vec<_> = self.0.iter().map(|(&key, &merge)| (key, merge)).collect();
		all.sort_unstable_by_key(|&(key, _)| key);
		all.into_iter().map(|(key, merge)| (((key >> 32) as u32, key as u32), merge)).collect()
	}
}

fn key((left, right): Pair) -> u64 {
	u64::from(left) << 32 | u64::from(right)
}

/// Spreads keys by one multiplication; they come from a checkpoint, not from users.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
	fn finish(&self) -> u64 {
		self.0
	}

	fn write(&mut self, bytes: &[u8]) {
		bytes.iter().for_each(|&byte| self.write_u64(self.0 ^ u64::from(byte)));
	}

	fn write_u64(&mut self, key: u64) {
		let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15).wrapping_mul(0xd6e8_feb8_6659_fd93);
		self.0 = (product >> 64) as u64 ^ product as u64;
	}
}
