//! Attention of one row over keys that lie in several places: [`crate::attention`], taken apart and put together
//! again without changing a bit.
//!
//! A shard owns some of a context's positions. Two rounds give the row's output:
//! 1. every shard finds the greatest score among its keys; the greatest of those is the row's ([`RowMaximum`]);
//! 2. every shard adds up weights and weighted values under that maximum; the sums are added ([`Partial`]) and
//!    divided once.
//!
//! A maximum and a sum of integers depend neither on order nor on grouping, so any split over any number of shards
//! (empty ones included), arriving in any order, gives what [`crate::attention::attend`] gives over all keys. Tree
//! attention (arXiv 2408.04093) merges in the same way; its float states do so only up to rounding, these exactly.

use crate::attention::{normalise, score, weight, MAX_KEYS};
use core::fmt;

/// Weight of the maximal key, the greatest there is.
const WHOLE: u32 = 65_535;
/// Largest magnitude of a value: what [`crate::round::sat16`] leaves.
const LARGEST_VALUE: u64 = 32_767;

/// The greatest score of one row among some keys; [`RowMaximum::NONE`] when there are no keys.
///
/// Scores of heads of up to 256 values have a magnitude of at most 2^38.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct RowMaximum(pub Option<i64>);

impl RowMaximum {
	/// The maximum of no keys; the neutral element of [`RowMaximum::merge`].
	pub const NONE: Self = Self(None);

	/// The greatest score of `query` (`head_dim` numbers, Q9) among `keys` (`head_dim` numbers per position, Q9).
	pub fn of(query: &[i16], keys: &[i16]) -> Self {
		Self(keys.chunks_exact(query.len().max(1)).map(|key| score(query, key)).max())
	}

	/// The maximum of both sets of keys.
	pub fn merge(self, other: Self) -> Self {
		self.max(other)
	}
}

/// Why sums can't be what they claim to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PartialError {
	/// More keys than [`MAX_KEYS`].
	TooManyKeys,
	/// The weights add up to more than that many keys can weigh.
	Denominator,
	/// A weighted sum is larger than those weights allow.
	Numerator,
	/// Partials of different head sizes.
	Width,
	/// Nobody counted the maximal key: there are no keys, or the maximum is not that of these keys.
	NoMaximum,
}

impl fmt::Display for PartialError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str(match self {
			Self::TooManyKeys => "more than 65536 keys",
			Self::Denominator => "the sum of weights is larger than its keys allow",
			Self::Numerator => "a weighted sum is larger than its weights allow",
			Self::Width => "the partials are of different head sizes",
			Self::NoMaximum => "no key has the maximum",
		})
	}
}

impl core::error::Error for PartialError {}

/// Exact sums of one row over some keys, under the row's maximum over all keys.
///
/// `N` holds one number per value of the head: an array, a vector or a borrowed slice.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Partial<N> {
	/// Keys counted, `0..=65536`.
	pub keys: u32,
	/// Sum of weights, at most `65535 · keys`.
	pub denominator: u32,
	/// Weighted sums of values (Q9), magnitude at most `32767 · denominator`.
	pub numerators: N,
}

impl<N: AsRef<[i64]>> Partial<N> {
	/// Whether the sums lie in the ranges that their number of keys allows. Holds for all sums of honest shards; a sum
	/// that passes can be merged and divided without overflow.
	pub fn check(&self) -> Result<(), PartialError> {
		if self.keys as usize > MAX_KEYS {
			return Err(PartialError::TooManyKeys);
		}
		if u64::from(self.denominator) > u64::from(WHOLE) * u64::from(self.keys) {
			return Err(PartialError::Denominator);
		}
		let largest = LARGEST_VALUE * u64::from(self.denominator);
		if self.numerators.as_ref().iter().any(|sum| sum.unsigned_abs() > largest) {
			return Err(PartialError::Numerator);
		}
		Ok(())
	}

	/// The row's output, Q16, one number per value of the head: the only division.
	pub fn finish(&self, out: &mut [i32]) -> Result<(), PartialError> {
		self.check()?;
		if self.denominator < WHOLE {
			return Err(PartialError::NoMaximum);
		}
		if self.numerators.as_ref().len() != out.len() {
			return Err(PartialError::Width);
		}
		for (out, &sum) in out.iter_mut().zip(self.numerators.as_ref()) {
			*out = normalise(sum, self.denominator);
		}
		Ok(())
	}
}

impl<N: AsRef<[i64]> + AsMut<[i64]>> Partial<N> {
	/// Counts `keys` and their `values` (`head_dim` numbers per position). `maximum` is the row's over all keys, these
	/// included; `multiplier` is [`crate::attention::multiplier`] of the head size. No more than [`MAX_KEYS`] keys may
	/// be counted in all, and values lie in `-32767..=32767`.
	pub fn count(&mut self, query: &[i16], keys: &[i16], values: &[i16], maximum: i64, multiplier: i64) {
		let dim = query.len().max(1);
		for (key, value) in keys.chunks_exact(dim).zip(values.chunks_exact(dim)) {
			self.count_score(maximum - score(query, key), value, multiplier);
		}
	}

	/// Counts one key whose score is `below >= 0` under the maximum; see [`Partial::count`].
	#[inline]
	pub fn count_score(&mut self, below: i64, value: &[i16], multiplier: i64) {
		let weight = weight(below, multiplier);
		self.keys += 1;
		self.denominator += u32::from(weight);
		for (sum, &v) in self.numerators.as_mut().iter_mut().zip(value) {
			*sum += i64::from(weight) * i64::from(v);
		}
	}

	/// Adds sums over other keys under the same maximum. On an error nothing is added.
	pub fn merge<M: AsRef<[i64]>>(&mut self, other: &Partial<M>) -> Result<(), PartialError> {
		self.check()?;
		other.check()?;
		if self.numerators.as_ref().len() != other.numerators.as_ref().len() {
			return Err(PartialError::Width);
		}
		let keys = self.keys + other.keys;
		if keys as usize > MAX_KEYS {
			return Err(PartialError::TooManyKeys);
		}
		// Sums in range over at most 65536 keys stay in range.
		self.keys = keys;
		self.denominator += other.denominator;
		for (sum, &more) in self.numerators.as_mut().iter_mut().zip(other.numerators.as_ref()) {
			*sum += more;
		}
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::attention::{attend, multiplier};
	use proptest::prelude::*;

	const DIM: usize = 8;

	fn number() -> impl Strategy<Value = i16> {
		prop_oneof![4 => -32_767i16..=32_767, 3 => -600i16..600, 1 => Just(32_767), 1 => Just(-32_767)]
	}

	fn empty() -> Partial<[i64; DIM]> {
		Partial { keys: 0, denominator: 0, numerators: [0; DIM] }
	}

	proptest! {
		#[test]
		fn shards_should_equal_the_undivided_when_split_in_any_way(
			query in prop::collection::vec(number(), DIM),
			// A key, its value and the shard that owns it.
			context in prop::collection::vec((prop::collection::vec(number(), DIM), prop::collection::vec(number(), DIM), 0usize..9), 1..60),
			order in Just((0..9usize).collect::<Vec<_>>()).prop_shuffle(),
			down in 0u32..10,
		) {
			let query: Vec<i16> = query.iter().map(|v| v >> down).collect();
			let by = multiplier(DIM);
			let keys: Vec<i16> = context.iter().flat_map(|(k, _, _)| k.clone()).collect();
			let values: Vec<i16> = context.iter().flat_map(|(_, v, _)| v.clone()).collect();
			let mut expected = [0; DIM];
			attend(&query, &keys, &values, by, &mut vec![0; context.len()], &mut expected);

			let shard = |owner: usize| -> (Vec<i16>, Vec<i16>) {
				let own = context.iter().filter(|(_, _, o)| *o == owner);
				(own.clone().flat_map(|(k, _, _)| k.clone()).collect(), own.flat_map(|(_, v, _)| v.clone()).collect())
			};
			let maximum = order.iter().fold(RowMaximum::NONE, |m, &o| m.merge(RowMaximum::of(&query, &shard(o).0)));
			let maximum = maximum.0.unwrap();
			// Half of them into one sum, half into another, then both: a tree.
			let mut sums = [empty(), empty()];
			for (i, &owner) in order.iter().enumerate() {
				let (keys, values) = shard(owner);
				let mut partial = empty();
				partial.count(&query, &keys, &values, maximum, by);
				sums[i % 2].merge(&partial).unwrap();
			}
			let [mut all, other] = sums;
			all.merge(&other).unwrap();
			let mut found = [0; DIM];
			all.finish(&mut found).unwrap();
			prop_assert_eq!(found, expected);
			prop_assert_eq!(all.keys as usize, context.len());
		}
	}

	#[test]
	fn sums_should_reach_the_ends_of_their_ranges_when_65536_keys_are_equal() {
		let query = [32_767i16; DIM];
		for value in [32_767i16, -32_767] {
			for key in [32_767i16, -32_767] {
				let (keys, values) = ([key; DIM], [value; DIM]);
				let maximum = RowMaximum::of(&query, &keys).0.unwrap();
				let mut all = empty();
				for _ in 0..8 {
					let mut partial = empty();
					for _ in 0..MAX_KEYS / 8 {
						partial.count(&query, &keys, &values, maximum, multiplier(DIM));
					}
					all.merge(&partial).unwrap();
				}
				assert_eq!((all.keys, all.denominator), (65_536, 65_536 * 65_535));
				assert_eq!(all.numerators, [65_536 * 65_535 * i64::from(value); DIM]);
				let mut out = [0; DIM];
				all.finish(&mut out).unwrap();
				assert_eq!(out, [i32::from(value) << 7; DIM]);
				let mut one = empty();
				one.count(&query, &keys, &values, maximum, multiplier(DIM));
				assert_eq!(all.merge(&one), Err(PartialError::TooManyKeys));
			}
		}
	}

	#[test]
	fn impossible_sums_should_be_refused() {
		let good = Partial { keys: 2, denominator: 65_536, numerators: [1i64; DIM] };
		assert_eq!(good.check(), Ok(()));
		assert_eq!(Partial { keys: 65_537, ..good }.check(), Err(PartialError::TooManyKeys));
		assert_eq!(Partial { keys: 1, ..good }.check(), Err(PartialError::Denominator));
		let large = Partial { numerators: [0, 0, 0, 0, 0, 0, 0, -32_767 * 65_536 - 1], ..good };
		assert_eq!(large.check(), Err(PartialError::Numerator));
		assert_eq!(Partial { numerators: [i64::MIN; DIM], ..good }.check(), Err(PartialError::Numerator));
		let mut sum = good;
		assert_eq!(sum.merge(&large), Err(PartialError::Numerator));
		assert_eq!(
			sum.merge(&Partial { keys: 0, denominator: 0, numerators: [0; 4] }),
			Err(PartialError::Width)
		);
		assert_eq!(sum, good);
		assert_eq!(good.finish(&mut [0; 4]), Err(PartialError::Width));
		assert_eq!(empty().finish(&mut [0; DIM]), Err(PartialError::NoMaximum));
		let light = Partial { keys: 1, denominator: 65_534, numerators: [0; DIM] };
		assert_eq!(light.finish(&mut [0; DIM]), Err(PartialError::NoMaximum));
	}

	#[test]
	fn an_empty_shard_should_change_nothing() {
		let some = RowMaximum(Some(-5));
		assert_eq!((some.merge(RowMaximum::NONE), RowMaximum::NONE.merge(some)), (some, some));
		assert_eq!(RowMaximum::of(&[1; DIM], &[]), RowMaximum::NONE);
		let mut sum = Partial { keys: 1, denominator: 65_535, numerators: [7; DIM] };
		let before = sum;
		sum.merge(&empty()).unwrap();
		assert_eq!(sum, before);
	}
}
