//! 16-bit activations with one power-of-two scale per token.

use crate::round::{bit_length, rsr, sat16};

/// Bits of an activation's magnitude.
const MAGNITUDE_BITS: i32 = 15;

/// The shift that brings the largest magnitude into 15 bits; 0 when it is there already.
#[inline]
pub fn activation_shift(largest: u64) -> i32 {
	(bit_length(largest) - MAGNITUDE_BITS).max(0)
}

/// Quantises a token's values: `out = sat16(rsr(x, shift))`; returns the shift (`0..=48`).
///
/// `x`: any fixed-point format, magnitude below 2^62. A value of `out` stands for `out · 2^shift` in the format
/// of `x`.
pub fn quantise(x: &[i64], out: &mut [i16]) -> i32 {
	let shift = activation_shift(x.iter().fold(0, |m, v| m.max(v.unsigned_abs())));
	for (o, &v) in out.iter_mut().zip(x) {
		*o = sat16(rsr(v, shift));
	}
	shift
}

/// [`quantise`] for 32-bit values; returns a shift of `0..=17`.
pub fn quantise_i32(x: &[i32], out: &mut [i16]) -> i32 {
	let largest = x.iter().fold(0, |m, v| m.max(v.unsigned_abs()));
	let shift = activation_shift(u64::from(largest));
	for (o, &v) in out.iter_mut().zip(x) {
		*o = sat16(rsr(i64::from(v), shift));
	}
	shift
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn quantise_should_saturate_when_rounding_carries_over() {
		let mut out = [0; 2];
		assert_eq!(quantise(&[65_535, -65_535], &mut out), 1);
		assert_eq!(out, [32_767, -32_767]);
		assert_eq!(quantise(&[32_767, -5], &mut out), 0);
		assert_eq!(out, [32_767, -5]);
	}

	proptest! {
		#[test]
		fn quantise_should_be_near_and_agree_between_widths(x in prop::collection::vec(-i32::MAX..=i32::MAX, 1..50)) {
			let (mut a, mut b) = (vec![0; x.len()], vec![0; x.len()]);
			let shift = quantise_i32(&x, &mut a);
			let wide: Vec<i64> = x.iter().map(|&v| i64::from(v)).collect();
			prop_assert_eq!(quantise(&wide, &mut b), shift);
			prop_assert_eq!(&a, &b);
			for (&v, &q) in wide.iter().zip(&a) {
				prop_assert!((v - (i64::from(q) << shift)).abs() <= 1 << shift);
			}
		}
	}
}
