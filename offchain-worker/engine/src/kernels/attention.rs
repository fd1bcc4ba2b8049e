//! Scores of one query against keys, and the sums that they weigh: the two passes of [`noesis_canon::attention`], one
//! run of keys at a time, so that keys are read while they are near.

#[cfg(target_arch = "x86_64")]
use super::avx2_attention;
use super::Backend;
use noesis_canon::{
	attention,
	shard::{Partial, RowMaximum},
};
use std::ops::Range;

/// Keys of a run. The sums of byte planes over as many fit 32 bits: `128 · 2 · 255 · 32767 < 2^31`. A multiple of 8.
pub const RUN: usize = 256;

/// Keys and values of consecutive positions of one key-value head: `head_dim` numbers per position, Q9, magnitude at
/// most 32767.
#[derive(Clone, Copy, Debug)]
pub struct KeyValues<'a> {
	/// The keys.
	pub keys: &'a [i16],
	/// The values.
	pub values: &'a [i16],
	/// At least the squared length of every key.
	pub key_bound: u64,
}

/// Scores of one query, kept between the two passes.
#[derive(Debug, Default)]
pub struct Scores {
	count: usize,
	/// Whether every score fits 30 bits and they are kept in `narrow`.
	is_narrow: bool,
	/// Eight at a time; what the last eight lack weighs nothing.
	narrow: Vec<i32>,
	wide: Vec<i64>,
}

impl Scores {
	/// Makes room for the scores of `positions` keys at once, so that nothing is allocated later.
	pub fn reserve(&mut self, positions: usize) {
		let positions = positions.next_multiple_of(8);
		self.narrow.reserve_exact(positions.saturating_sub(self.narrow.len()));
		self.wide.reserve_exact(positions.saturating_sub(self.wide.len()));
	}

	/// Forgets all scores and begins with those of `query` against keys whose squared length is at most `key_bound`.
	pub fn begin(&mut self, backend: Backend, query: &[i16], key_bound: u64) {
		// No part of a dot product exceeds the product of the lengths.
		let bound = u128::from(squared_length(query)) * u128::from(key_bound);
		self.is_narrow = has_vectors(backend, query.len()) && bound < 1 << 60;
		self.clear();
	}

	/// Forgets all scores; the query stays.
	pub fn clear(&mut self) {
		self.count = 0;
		self.narrow.clear();
		self.wide.clear();
	}

	/// Appends the scores of more `keys`; all runs but the last are of a multiple of eight keys. Returns the greatest.
	pub fn extend(&mut self, backend: Backend, query: &[i16], keys: &[i16]) -> RowMaximum {
		let count = keys.len() / query.len();
		if count == 0 {
			return RowMaximum::NONE;
		}
		debug_assert!(self.count.is_multiple_of(8));
		self.count += count;
		match backend {
			#[cfg(target_arch = "x86_64")]
			// SAFETY: a backend is only constructed into an engine after `is_available`, AVX-512 implies AVX2, and heads
			// are a multiple of 16 values where vectors run.
			Backend::Avx2 | Backend::Avx512 if has_vectors(backend, query.len()) => unsafe {
				if self.is_narrow {
					avx2_attention::narrow_scores(query, keys, &mut self.narrow)
				} else {
					avx2_attention::wide_scores(query, keys, &mut self.wide)
				}
			},
			_ => {
				let start = self.wide.len();
				self.wide.extend(keys.chunks_exact(query.len()).map(|key| attention::score(query, key)));
				RowMaximum(self.wide[start..].iter().copied().max())
			},
		}
	}

	/// Counts the keys of `range` (at most [`RUN`], from a multiple of eight on) and their `values` in `sums`, under
	/// the row's `maximum`, which is none of these scores' less. `multiplier` is [`attention::multiplier`].
	pub fn count(
		&self,
		backend: Backend,
		range: Range<usize>,
		values: &[i16],
		maximum: i64,
		multiplier: i64,
		sums: &mut Partial<&mut [i64]>,
	) {
		let dim = sums.numerators.len();
		debug_assert!(range.len() <= RUN && range.start.is_multiple_of(8) && range.end <= self.count);
		debug_assert_eq!(values.len(), range.len() * dim);
		match backend {
			#[cfg(target_arch = "x86_64")]
			// SAFETY: as above; there is a row of values for every score.
			Backend::Avx2 | Backend::Avx512 if has_vectors(backend, dim) => unsafe {
				let mut weights = avx2_attention::Weights::default();
				sums.keys += range.len() as u32;
				sums.denominator += if self.is_narrow {
					let padded = range.start..range.end.next_multiple_of(8);
					weights.of_narrow(&self.narrow[padded], maximum, multiplier)
				} else {
					weights.of_wide(&self.wide[range], maximum, multiplier)
				};
				weights.add(values, sums.numerators);
			},
			_ => {
				for (&score, value) in self.wide[range].iter().zip(values.chunks_exact(dim)) {
					sums.count_score(maximum - score, value, multiplier);
				}
			},
		}
	}
}

/// Whether attention of heads of `dim` values runs on vectors.
fn has_vectors(backend: Backend, dim: usize) -> bool {
	backend != Backend::Scalar && dim.is_multiple_of(16)
}

/// `Σ x²`. At most 2^38 for heads of 256 values.
pub fn squared_length(x: &[i16]) -> u64 {
	x.iter().map(|&v| u64::from((i32::from(v) * i32::from(v)) as u32)).sum()
}
