//! Attention in two passes over the keys: the exact maximum, then sums. Both are exact under any partition of
//! the keys, in any order.

use crate::{
	round::{div_round, isqrt_wide},
	tables::{EXP2, LOG2_E},
	ATTENTION_BITS, LINEAR_BITS,
};

/// Fraction bits of a score: the product of two Q9 numbers.
const SCORE_BITS: i32 = 2 * ATTENTION_BITS;
/// Extra bits of a [`multiplier`].
const MULTIPLIER_BITS: i32 = 10;
/// An exponent, in 1/256 octaves, from which on a weight is 0.
const VANISHED: i64 = 5120;
/// Most keys of one row: keeps the sum of weights in 32 bits.
pub const MAX_KEYS: usize = 65_536;

/// `round(log2(e) · 2^18 / sqrt(head_dim))`: from differences of scores to 1/256 octaves, with ten extra bits.
/// `head_dim` in `1..=1024`.
pub fn multiplier(head_dim: usize) -> i64 {
	// (log2(e) · 2^50)² / head_dim, then the root, leaves 2^50; 32 bits too many.
	let log2_e = u128::from(LOG2_E >> 12);
	let root = isqrt_wide(log2_e * log2_e / head_dim.max(1) as u128);
	((root >> 31) as i64 + 1) >> 1
}

/// `Σ q·k`. Magnitude at most `head_dim · 2^30`.
#[inline]
pub fn score(query: &[i16], key: &[i16]) -> i64 {
	query.iter().zip(key).fold(0, |sum, (&q, &k)| sum + i64::from(i32::from(q) * i32::from(k)))
}

/// The weight, `0..=65535`, of a key whose score is `below >= 0` under the row's maximum. `below < 2^41`.
#[inline(always)]
pub fn weight(below: i64, multiplier: i64) -> u16 {
	let octaves = ((below * multiplier) >> (MULTIPLIER_BITS + SCORE_BITS)).min(VANISHED) as usize;
	((u32::from(EXP2[octaves & 255])) >> (octaves >> 8)) as u16
}

/// `Σ weight·value / Σ weight` as Q16: `numerator` is the sum with Q9 values (magnitude below 2^47), `denominator`
/// the sum of weights (`65535..2^32`: the maximal key alone has 65535).
#[inline(always)]
pub const fn normalise(numerator: i64, denominator: u32) -> i32 {
	// A weighted mean of 16-bit values: fits.
	div_round(numerator << (LINEAR_BITS - ATTENTION_BITS), denominator as i64) as i32
}

/// One query of one head against all the keys it sees; `keys` and `values` hold `head_dim` numbers per position
/// (at most [`MAX_KEYS`] positions, at least one). `weights` is scratch, one entry per position. `out`: Q16.
pub fn attend(
	query: &[i16],
	keys: &[i16],
	values: &[i16],
	multiplier: i64,
	weights: &mut [u16],
	out: &mut [i32],
) {
	let dim = query.len();
	let largest = keys.chunks_exact(dim).map(|key| score(query, key)).max().unwrap_or(0);
	let mut total = 0u32;
	for (w, key) in weights.iter_mut().zip(keys.chunks_exact(dim)) {
		*w = weight(largest - score(query, key), multiplier);
		total += u32::from(*w);
	}
	for (d, o) in out.iter_mut().enumerate() {
		let sum = weights
			.iter()
			.zip(values.chunks_exact(dim))
			.fold(0i64, |sum, (&w, value)| sum + i64::from(w) * i64::from(value[d]));
		*o = normalise(sum, total.max(1));
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn multiplier_should_equal_the_format_when_heads_have_64_values() {
		assert_eq!(multiplier(64), 47_274);
		for dim in [16, 32, 48, 80, 96, 128, 256] {
			let real = core::f64::consts::LOG2_E * f64::from(1 << 18) / (dim as f64).sqrt();
			assert_eq!(multiplier(dim), real.round() as i64, "{dim}");
		}
	}

	#[test]
	fn weight_should_fall_to_zero() {
		assert_eq!(weight(0, 47_274), 65_535);
		assert_eq!(weight(1 << 37, 47_274), 0);
		assert_eq!(weight((1 << 41) - 1, multiplier(16)), 0);
	}

	proptest! {
		#[test]
		fn attention_should_follow_the_real_function(
			query in prop::collection::vec(-2000i16..2000, 16),
			cache in prop::collection::vec(-2000i16..2000, 16 * 2 * 9),
		) {
			let (keys, values) = cache.split_at(16 * 9);
			let (mut weights, mut out) = ([0; 9], [0; 16]);
			attend(&query, keys, values, multiplier(16), &mut weights, &mut out);
			let real = |x: i16| f64::from(x) / 512.0;
			let scores: Vec<f64> = keys
				.chunks(16)
				.map(|k| k.iter().zip(&query).map(|(&a, &b)| real(a) * real(b)).sum::<f64>() / 4.0)
				.collect();
			let top = scores.iter().cloned().fold(f64::MIN, f64::max);
			let exps: Vec<f64> = scores.iter().map(|s| (s - top).exp()).collect();
			let total: f64 = exps.iter().sum();
			for d in 0..16 {
				let mean: f64 = (0..9).map(|j| exps[j] * real(values[j * 16 + d])).sum::<f64>() / total;
				prop_assert!((f64::from(out[d]) / 65_536.0 - mean).abs() < 0.03, "{} {}", out[d], mean);
			}
		}

		#[test]
		fn output_should_lie_between_the_values(query in any::<[i16; 8]>(), cache in any::<[[i16; 8]; 12]>()) {
			let cache: Vec<i16> = cache.iter().flatten().map(|&v| v.max(-32_767)).collect();
			let query = query.map(|v| v.max(-32_767));
			let (keys, values) = cache.split_at(48);
			let (mut weights, mut out) = ([0; 6], [0; 8]);
			attend(&query, keys, values, multiplier(8), &mut weights, &mut out);
			for d in 0..8 {
				let column: Vec<i32> = values.chunks(8).map(|v| i32::from(v[d]) << 7).collect();
				prop_assert!(out[d] >= *column.iter().min().unwrap() && out[d] <= *column.iter().max().unwrap());
			}
		}
	}
}
