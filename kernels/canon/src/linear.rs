//! Linear layers: weight codes against activations, in two formats.
//!
//! **Groups** (what models are imported to): a weight is `code · scale + minimum`, both in Q24, with a scale and a
//! minimum per group of 32. A row's accumulator is the sum over its groups of `scale · Σ code·a + minimum · Σ a`, in
//! `i64`; activations have 16 bits.
//!
//! **Rows** (the fast layout): a weight is `code · mul / 2^scale_bits` with an 8-bit code, one `mul` below 2^24 per row
//! and one `scale_bits` per matrix. A row's accumulator is `Σ code·a` in `i32`, multiplied once at the end. Activations
//! have 14 bits ([`quantise_14`]), and a row is usable only if no activations can overflow its sum ([`row_fits`]).

use crate::{
	round::{bit_length, rsr, sat32},
	GROUP, RESIDUAL_BITS, WEIGHT_BITS,
};

/// Bytes of a group of 4-bit codes.
pub const Q4_BYTES: usize = GROUP / 2;

/// `Σ code·a` over a group of 4-bit codes: weight `i < 16` in the low half of byte `i`, weight `16 + i` in the
/// high half. Magnitude below 2^24.
#[inline]
pub fn dot_q4(codes: &[u8; Q4_BYTES], a: &[i16; GROUP]) -> i32 {
	(0..Q4_BYTES).fold(0, |sum, i| {
		sum + i32::from(codes[i] & 15) * i32::from(a[i]) + i32::from(codes[i] >> 4) * i32::from(a[i + 16])
	})
}

/// `Σ code·a` over a group of 8-bit codes. Magnitude below 2^28.
#[inline]
pub fn dot_q8(codes: &[i8; GROUP], a: &[i16; GROUP]) -> i32 {
	codes.iter().zip(a).fold(0, |sum, (&c, &a)| sum + i32::from(c) * i32::from(a))
}

/// `Σ a` over a group. Magnitude below 2^20.
#[inline]
pub fn group_sum(a: &[i16; GROUP]) -> i32 {
	a.iter().fold(0, |sum, &a| sum + i32::from(a))
}

/// A group's part of a row's accumulator. Magnitude below 2^59 for any scale and minimum; the loader checks that a
/// whole row stays below 2^62 (see [`row_bound`]).
#[inline(always)]
pub const fn group_term(scale: i32, dot: i32, minimum: i32, sum: i32) -> i64 {
	scale as i64 * dot as i64 + minimum as i64 * sum as i64
}

/// What a group can add to a row's accumulator at most: `largest_code` is 15 or 128.
pub const fn row_bound(scale: i32, minimum: i32, largest_code: u64) -> u64 {
	(scale.unsigned_abs() as u64 * largest_code + minimum.unsigned_abs() as u64) * (GROUP as u64 * 32_767)
}

/// A row's accumulator as a value with `to` fraction bits; the activations had `from` fraction bits before they
/// were shifted right by `shift`. Saturates.
#[inline(always)]
pub const fn requantise(acc: i64, from: i32, shift: i32, to: i32) -> i32 {
	sat32(rsr(acc, WEIGHT_BITS + from - shift - to))
}

/// Bits of the magnitude of activations in the rows format.
const ROW_MAGNITUDE_BITS: i32 = 13;
/// Largest magnitude of an activation in the rows format.
pub const MAX_ROW_ACTIVATION: i32 = (1 << ROW_MAGNITUDE_BITS) - 1;
/// What a row's `mul` is smaller than.
pub const MAX_ROW_MUL: u32 = 1 << 24;

/// Quantises a token's values for a matrix in the rows format: `shift = max(0, bit length of the largest - 13)`,
/// `out = rsr(x, shift)` clamped to ±8191. Returns the shift, `0..=50`.
///
/// `x`: any fixed-point format, magnitude below 2^62. A value of `out` stands for `out · 2^shift` in the format of `x`.
pub fn quantise_14(x: &[i64], out: &mut [i16]) -> i32 {
	let largest = x.iter().fold(0, |m, v| m.max(v.unsigned_abs()));
	let shift = (bit_length(largest) - ROW_MAGNITUDE_BITS).max(0);
	let limit = i64::from(MAX_ROW_ACTIVATION);
	for (o, &v) in out.iter_mut().zip(x) {
		*o = rsr(v, shift).clamp(-limit, limit) as i16;
	}
	shift
}

/// Whether `Σ code·a` of a row stays below 2^31, part sums included, for all activations of up to
/// [`MAX_ROW_ACTIVATION`].
pub fn row_fits(codes: &[i8]) -> bool {
	let total = codes.iter().map(|code| u64::from(code.unsigned_abs())).sum::<u64>();
	total.saturating_mul(MAX_ROW_ACTIVATION as u64) < 1 << 31
}

/// `Σ code·a` over a row for which [`row_fits`] holds.
#[inline]
pub fn dot_row(codes: &[i8], a: &[i16]) -> i32 {
	codes.iter().zip(a).fold(0, |sum, (&c, &a)| sum + i32::from(c) * i32::from(a))
}

/// A sum of [`dot_row`] as a value with `to` fraction bits: `sat32(rsr(sum · mul, scale_bits + from - shift - to))`.
/// The activations had `from` fraction bits before they were shifted right by `shift`; `mul` is below [`MAX_ROW_MUL`],
/// so the product is below 2^55.
#[inline(always)]
pub const fn requantise_row(sum: i32, mul: u32, scale_bits: i32, from: i32, shift: i32, to: i32) -> i32 {
	sat32(rsr(sum as i64 * mul as i64, scale_bits + from - shift - to))
}

/// One weight as a residual value (Q12), for the embedding.
#[inline]
pub const fn embed(code: i32, scale: i32, minimum: i32) -> i32 {
	sat32(rsr(code as i64 * scale as i64 + minimum as i64, WEIGHT_BITS - RESIDUAL_BITS))
}

/// An IEEE binary16 as Q24, exactly. `None` for infinities, NaN, and magnitudes of 128 or more.
pub const fn f16_to_q24(bits: u16) -> Option<i32> {
	let (exponent, fraction) = (((bits >> 10) & 31) as i32, (bits & 0x3ff) as i64);
	let magnitude = match exponent {
		31 => return None,
		0 => fraction,
		_ => (fraction | 0x400) << (exponent - 1),
	};
	if magnitude > i32::MAX as i64 {
		return None;
	}
	Some(if bits >> 15 == 1 { -magnitude } else { magnitude } as i32)
}

/// The IEEE binary16 that is a Q24 number exactly, if there is one: [`f16_to_q24`] backwards.
pub const fn q24_to_f16(value: i32) -> Option<u16> {
	let magnitude = value.unsigned_abs();
	let sign = if value < 0 { 1 << 15 } else { 0 };
	let shift = (32 - magnitude.leading_zeros()).saturating_sub(11);
	if magnitude & ((1 << shift) - 1) != 0 {
		return None;
	}
	let fraction = (magnitude >> shift) as u16;
	// A set bit 10 is the implicit one, and adds itself to the exponent.
	Some(sign | (((shift as u16) << 10) + fraction))
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn f16_should_convert_exactly() {
		assert_eq!(f16_to_q24(0x3c00), Some(1 << 24));
		assert_eq!(f16_to_q24(0xbc00), Some(-(1 << 24)));
		assert_eq!(f16_to_q24(0x0001), Some(1));
		assert_eq!(f16_to_q24(0x8000), Some(0));
		assert_eq!(f16_to_q24(0x57ff), Some(2047 << 20));
		assert_eq!(f16_to_q24(0x5800), None);
		assert_eq!(f16_to_q24(0x7c00), None);
	}

	#[test]
	fn f16_should_survive_both_ways() {
		for bits in 0..=u16::MAX {
			if let Some(value) = f16_to_q24(bits) {
				assert_eq!(q24_to_f16(value), Some(if value == 0 { 0 } else { bits }));
			}
		}
		assert_eq!(q24_to_f16(2049), None);
		assert_eq!(q24_to_f16(i32::MAX), None);
	}

	#[test]
	fn groups_should_stay_in_range_when_everything_is_extreme() {
		assert!(dot_q4(&[0xff; 16], &[32_767; 32]) < 1 << 24);
		assert!(dot_q8(&[-128; 32], &[32_767; 32]) > -(1 << 28));
		assert_eq!(group_sum(&[-32_767; 32]), -32_767 * 32);
	}

	#[test]
	fn a_row_should_fit_exactly_as_long_as_its_largest_sum_does() {
		// 262176 · 8191 is the last product below 2^31.
		let mut codes = vec![-128i8; 2048];
		codes.push(32);
		assert_eq!(codes.iter().map(|c| i64::from(c.unsigned_abs())).sum::<i64>(), 262_176);
		assert!(row_fits(&codes));
		let against: Vec<i16> = codes.iter().map(|c| 8191 * i16::from(c.signum())).collect();
		assert_eq!(dot_row(&codes, &against), 262_176 * 8191);
		codes.push(-1);
		assert!(!row_fits(&codes));
	}

	#[test]
	fn quantise_14_should_saturate_when_rounding_carries_over() {
		let mut out = [0; 2];
		assert_eq!(quantise_14(&[16_383, -16_383], &mut out), 1);
		assert_eq!(out, [8191, -8191]);
		assert_eq!(quantise_14(&[8191, -5], &mut out), 0);
		assert_eq!(out, [8191, -5]);
	}

	proptest! {
		#[test]
		fn rows_should_equal_wide_arithmetic(
			row in prop::collection::vec((any::<i8>(), -8191i16..=8191), 1..300),
			mul in 0..MAX_ROW_MUL, scale_bits in 0i32..48, shift in 0i32..30, to in 8i32..24,
		) {
			let (codes, a): (Vec<i8>, Vec<i16>) = row.into_iter().unzip();
			prop_assert!(row_fits(&codes));
			let sum: i128 = codes.iter().zip(&a).map(|(&c, &a)| i128::from(c) * i128::from(a)).sum();
			prop_assert_eq!(i128::from(dot_row(&codes, &a)), sum);
			let (product, down) = (sum * i128::from(mul), scale_bits + 20 - shift - to);
			let wide = if down > 0 { (product + (1 << (down - 1))) >> down } else { product << -down };
			let expected = wide.clamp(-i128::from(i32::MAX), i128::from(i32::MAX));
			prop_assert_eq!(i128::from(requantise_row(sum as i32, mul, scale_bits, 20, shift, to)), expected);
		}

		#[test]
		fn quantise_14_should_be_near_and_inside(x in prop::collection::vec(-(1i64 << 61)..1 << 61, 1..50), down in 0u32..60) {
			let x: Vec<i64> = x.iter().map(|v| v >> down).collect();
			let mut out = vec![0; x.len()];
			let shift = quantise_14(&x, &mut out);
			prop_assert!((0..=50).contains(&shift));
			for (&v, &q) in x.iter().zip(&out) {
				prop_assert!(i32::from(q).abs() <= MAX_ROW_ACTIVATION);
				prop_assert!((v - (i64::from(q) << shift)).abs() <= 1 << shift);
			}
		}

		#[test]
		fn dots_should_equal_wide_sums(codes in any::<[u8; 16]>(), a in any::<[i16; 32]>()) {
			let expected: i64 = (0..32)
				.map(|i| i64::from(codes[i % 16] >> (4 * (i / 16)) & 15) * i64::from(a[i]))
				.sum();
			prop_assert_eq!(i64::from(dot_q4(&codes, &a)), expected);
			let signed: [i8; 32] = core::array::from_fn(|i| codes[i % 16].rotate_left(i as u32) as i8);
			let expected: i64 = signed.iter().zip(&a).map(|(&c, &a)| i64::from(c) * i64::from(a)).sum();
			prop_assert_eq!(i64::from(dot_q8(&signed, &a)), expected);
		}

		#[test]
		fn group_term_should_stay_under_the_row_bound(scale in any::<i32>(), minimum in any::<i32>(), codes in any::<[u8; 16]>(), a in any::<[i16; 32]>()) {
			let a = a.map(|v| v.max(-32_767));
			let term = group_term(scale, dot_q4(&codes, &a), minimum, group_sum(&a));
			prop_assert!(term.unsigned_abs() <= row_bound(scale, minimum, 15));
		}
	}
}
