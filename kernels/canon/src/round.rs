//! Rounding, saturation, bit lengths, roots.

/// `x / 2^shift`, half rounded up; a left shift (saturating) when `shift <= 0`.
///
/// Total: any `x`, any `shift`.
#[inline(always)]
pub const fn rsr(x: i64, shift: i32) -> i64 {
	if shift <= 0 {
		if shift <= -63 {
			return if x > 0 {
				i64::MAX
			} else if x < 0 {
				i64::MIN
			} else {
				0
			};
		}
		return x.saturating_mul(1i64 << -shift);
	}
	if shift > 63 {
		return 0;
	}
	(x >> shift) + ((x >> (shift - 1)) & 1)
}

/// Clamps to `±(2^15 - 1)`.
#[inline(always)]
pub const fn sat16(x: i64) -> i16 {
	const MAX: i64 = i16::MAX as i64;
	(if x > MAX {
		MAX
	} else if x < -MAX {
		-MAX
	} else {
		x
	}) as i16
}

/// Clamps to `±(2^31 - 1)`.
#[inline(always)]
pub const fn sat32(x: i64) -> i32 {
	const MAX: i64 = i32::MAX as i64;
	(if x > MAX {
		MAX
	} else if x < -MAX {
		-MAX
	} else {
		x
	}) as i32
}

/// Adds to the residual, saturating symmetrically (see [`sat32`]).
#[inline(always)]
pub const fn add_residual(residual: i32, change: i32) -> i32 {
	sat32(residual as i64 + change as i64)
}

/// Number of bits of `x`; 0 for 0.
#[inline(always)]
pub const fn bit_length(x: u64) -> i32 {
	64 - x.leading_zeros() as i32
}

/// `num / den`, half rounded up. `den > 0`; `|num| < 2^62` and `den < 2^62`.
#[inline(always)]
pub const fn div_round(num: i64, den: i64) -> i64 {
	(2 * num + den).div_euclid(2 * den)
}

/// Floor of the square root.
pub const fn isqrt(x: u64) -> u64 {
	isqrt_wide(x as u128)
}

/// Floor of the square root of a 128-bit number.
pub const fn isqrt_wide(x: u128) -> u64 {
	// Digit by digit, base 4: one bit of the root per step.
	let (mut rest, mut root) = (x, 0u128);
	let mut bit = if x == 0 { 0 } else { 1u128 << ((127 - x.leading_zeros()) & !1) };
	while bit != 0 {
		if rest >= root + bit {
			rest -= root + bit;
			root = (root >> 1) + bit;
		} else {
			root >>= 1;
		}
		bit >>= 2;
	}
	root as u64
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn rsr_should_round_half_up_when_on_the_middle() {
		assert_eq!(rsr(1, 1), 1);
		assert_eq!(rsr(-1, 1), 0);
		assert_eq!(rsr(-3, 1), -1);
		assert_eq!(rsr(5, 0), 5);
		assert_eq!(rsr(5, -3), 40);
		assert_eq!(rsr(i64::MAX, -1), i64::MAX);
		assert_eq!(rsr(i64::MIN, -64), i64::MIN);
		assert_eq!(rsr(i64::MAX, 64), 0);
	}

	#[test]
	fn saturation_should_be_symmetric_when_out_of_range() {
		assert_eq!((sat16(40_000), sat16(-40_000), sat16(-7)), (32_767, -32_767, -7));
		assert_eq!((sat32(1 << 40), sat32(-(1 << 40)), sat32(9)), (i32::MAX, -i32::MAX, 9));
		assert_eq!(add_residual(-i32::MAX, -5), -i32::MAX);
	}

	#[test]
	fn bit_length_should_count_bits() {
		assert_eq!([0, 1, 2, 3, 255, 256].map(bit_length), [0, 1, 2, 2, 8, 9]);
		assert_eq!(bit_length(u64::MAX), 64);
	}

	proptest! {
		#[test]
		fn rsr_should_equal_wide_arithmetic(x in any::<i64>(), shift in 1i32..64) {
			let wide = (i128::from(x) + (1i128 << (shift - 1))) >> shift;
			prop_assert_eq!(i128::from(rsr(x, shift)), wide);
		}

		#[test]
		fn div_round_should_equal_floor_of_the_half_shifted_quotient(num in -(1i64 << 60)..1 << 60, den in 1i64..1 << 60) {
			let wide = (2 * i128::from(num) + i128::from(den)).div_euclid(2 * i128::from(den));
			prop_assert_eq!(i128::from(div_round(num, den)), wide);
		}

		#[test]
		fn isqrt_should_be_the_floor(x in any::<u128>(), shift in 0u32..128) {
			let x = x >> shift;
			let r = u128::from(isqrt_wide(x));
			prop_assert!(r * r <= x);
			prop_assert!((r + 1).checked_mul(r + 1).is_none_or(|next| next > x));
		}
	}
}
