//! RMSNorm in integers.

use crate::{
	round::{bit_length, isqrt, isqrt_wide, rsr},
	NORMED_BITS, RESIDUAL_BITS,
};

/// Largest width: keeps the sum of squares below 2^62.
pub const MAX_WIDTH: usize = 1 << 15;

/// What RMSNorm needs to know of a model.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NormConstants {
	/// `round(epsilon · width · 2^24)`; at least 1, below 2^60.
	pub epsilon: u64,
	/// `floor(sqrt(width) · 2^56)`.
	pub root_width: u64,
}

impl NormConstants {
	/// For `width` in `1..=MAX_WIDTH` and an epsilon term as [`epsilon_term`] makes it. Values out of range are
	/// clamped into it.
	pub fn new(width: usize, epsilon: u64) -> Self {
		let width = width.clamp(1, MAX_WIDTH) as u128;
		Self { epsilon: epsilon.clamp(1, 1 << 60), root_width: isqrt_wide(width << 112) }
	}
}

/// `round(epsilon · width · 2^24)` for an epsilon given by the bits of an IEEE binary32, in integers only.
/// `None` unless the number is positive, finite and the result lies in `1..2^60`.
pub fn epsilon_term(epsilon_bits: u32, width: usize) -> Option<u64> {
	let (mantissa, exponent) = decompose(epsilon_bits)?;
	let mantissa = u64::try_from(mantissa).ok()?;
	let product = u128::from(mantissa) * width as u128;
	let shift = exponent + 2 * RESIDUAL_BITS;
	let value = match shift {
		0..=63 => product.checked_shl(shift as u32)?,
		-100..=-1 => (product + (1u128 << (-shift - 1))) >> -shift,
		_ => return None,
	};
	u64::try_from(value).ok().filter(|v| (1..1 << 60).contains(v))
}

/// A gain, given by the bits of an IEEE binary32, as Q12, half rounded to even. `None` unless its magnitude is
/// below 16.
pub fn gain_q12(bits: u32) -> Option<i32> {
	let (mantissa, exponent) = decompose(bits)?;
	let shift = exponent + 12;
	let value = match shift {
		0..=24 => mantissa << shift,
		-40..=-1 => {
			let (floor, rest) = (mantissa >> -shift, mantissa & ((1 << -shift) - 1));
			let half = 1i64 << (-shift - 1);
			floor + i64::from(rest > half || (rest == half && floor & 1 == 1))
		},
		i32::MIN..=-41 => 0,
		_ => return None,
	};
	i32::try_from(value).ok().filter(|v| v.abs() < 1 << 16)
}

/// `value = mantissa · 2^exponent`; `None` for infinities and NaN.
fn decompose(bits: u32) -> Option<(i64, i32)> {
	let exponent = ((bits >> 23) & 0xff) as i32;
	let fraction = i64::from(bits & 0x7f_ffff);
	let (mantissa, exponent) = match exponent {
		0xff => return None,
		0 => (fraction, -149),
		_ => (fraction | 0x80_0000, exponent - 150),
	};
	Some((if bits >> 31 == 1 { -mantissa } else { mantissa }, exponent))
}

/// How far a residual is shifted down before it is squared, so that the largest magnitude has 22 bits: `0..=10`.
#[inline(always)]
pub fn down(largest: u32) -> i32 {
	(bit_length(u64::from(largest)) - 22).max(0)
}

/// The sum of squares of a residual without values: what epsilon adds.
#[inline(always)]
pub fn first_sum(down: i32, constants: &NormConstants) -> u64 {
	constants.epsilon >> (2 * down)
}

/// What a value adds to the sum of squares: at most 2^44 if it is not larger than the largest.
#[inline(always)]
pub fn square(x: i32, down: i32) -> u64 {
	let y = rsr(i64::from(x), down);
	(y * y) as u64
}

/// What all values of a residual are multiplied with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NormScale {
	/// [`down`].
	pub down: i32,
	/// `2^56 · sqrt(width) / sqrt(sum · 2^up)`, below 2^34.
	pub inverse: i64,
	/// Bits that the product has too many: `6..=36`.
	pub shift: i32,
}

impl NormScale {
	/// From the sum of squares, epsilon included: `1..2^62`.
	#[inline]
	pub fn new(down: i32, sum: u64, constants: &NormConstants) -> Self {
		let up = (62 - bit_length(sum)).max(0) & !1;
		let root = isqrt(sum << up).max(1);
		Self { down, inverse: (constants.root_width / root) as i64, shift: 56 - NORMED_BITS - up / 2 }
	}

	/// Whether [`NormScale::apply`] may be asked: so is every value whose square was summed.
	pub fn admits(&self, x: i32) -> bool {
		rsr(i64::from(x), self.down)
			.checked_mul(self.inverse)
			.is_some_and(|product| rsr(product, self.shift).unsigned_abs() < 1 << 28)
	}

	/// A value, normed, times a gain (Q12, magnitude below 2^16).
	#[inline(always)]
	pub fn apply(&self, x: i32, gain: i32) -> i32 {
		let n = rsr(rsr(i64::from(x), self.down) * self.inverse, self.shift);
		rsr(n * i64::from(gain), 12) as i32
	}
}

/// `out = x / rms(x) · gain` in Q20.
///
/// `x`: residual, Q12, any `i32` but the minimum. `gain`: Q12, magnitude below 2^16. `out`: magnitude below
/// `sqrt(width) · 2^24`; it wraps where that is more than 31 bits and one value is nearly all of the norm. The three
/// slices have the model's width.
pub fn rms_norm(x: &[i32], gain: &[i32], constants: &NormConstants, out: &mut [i32]) {
	let down = down(x.iter().fold(0u32, |m, v| m.max(v.unsigned_abs())));
	let sum = x.iter().fold(first_sum(down, constants), |sum, &v| sum + square(v, down));
	// Only when the epsilon vanished in the shift could the sum be zero, and then some x is large: it is not.
	let scale = NormScale::new(down, sum, constants);
	for ((o, &v), &g) in out.iter_mut().zip(x).zip(gain) {
		*o = scale.apply(v, g);
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn constants_should_equal_the_format_when_the_model_is_smollm2() {
		let epsilon = epsilon_term(1e-5f32.to_bits(), 576).unwrap();
		assert_eq!(epsilon, 96_637);
		assert_eq!(NormConstants::new(576, epsilon).root_width, 24 << 56);
	}

	#[test]
	fn epsilon_should_be_refused_when_not_a_small_positive_number() {
		for bad in [0.0f32, -1e-5, f32::NAN, f32::INFINITY, 1e30, 1e-30] {
			assert_eq!(epsilon_term(bad.to_bits(), 64), None, "{bad}");
		}
	}

	#[test]
	fn gain_should_round_half_to_even_and_refuse_large_values() {
		let q = |x: f32| gain_q12(x.to_bits());
		assert_eq!(q(1.0), Some(4096));
		assert_eq!(q(-0.5), Some(-2048));
		assert_eq!(q(0.5 / 4096.0), Some(0));
		assert_eq!(q(1.5 / 4096.0), Some(2));
		assert_eq!(q(-1.5 / 4096.0), Some(-2));
		assert_eq!(q(1e-30), Some(0));
		assert_eq!(q(15.9), Some(65_126));
		assert_eq!(q(16.0), None);
		assert_eq!(q(f32::NAN), None);
		assert_eq!(q(1e30), None);
	}

	proptest! {
		#[test]
		fn rms_norm_should_follow_the_real_function(
			x in prop::collection::vec(-100_000_000i32..100_000_000, 64), scale in 0u32..24,
		) {
			let x: Vec<i32> = x.iter().map(|v| v >> scale).collect();
			let gain = vec![4096; 64];
			let constants = NormConstants::new(64, epsilon_term(1e-5f32.to_bits(), 64).unwrap());
			let mut out = vec![0; 64];
			rms_norm(&x, &gain, &constants, &mut out);
			let real: Vec<f64> = x.iter().map(|&v| f64::from(v) / 4096.0).collect();
			let rms = (real.iter().map(|v| v * v).sum::<f64>() / 64.0 + 1e-5f64).sqrt();
			for (o, r) in out.iter().zip(&real) {
				prop_assert!((f64::from(*o) / f64::from(1 << 20) - r / rms).abs() < 1e-4);
			}
		}

		#[test]
		fn rms_norm_should_be_total(x in prop::collection::vec(-i32::MAX..=i32::MAX, 1..80), epsilon in any::<u64>()) {
			let gain = vec![65_535; x.len()];
			let mut out = vec![0; x.len()];
			rms_norm(&x, &gain, &NormConstants::new(x.len(), epsilon), &mut out);
			prop_assert!(out.iter().all(|v| v.unsigned_abs() < 1 << 29));
		}
	}
}
