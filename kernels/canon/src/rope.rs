//! Rotary positions. The table of sines and cosines is made by integer code, so that every machine makes the same.

use crate::{
	round::{rsr, sat16},
	tables::{INVERSE_TURN, TURN},
	ATTENTION_BITS, LINEAR_BITS,
};

/// Fraction bits of sines and cosines.
pub const TRIG_BITS: i32 = 14;

/// `a · b / 2^63`.
const fn mul63(a: u64, b: u64) -> u64 {
	((a as u128 * b as u128) >> 63) as u64
}

/// `x^n` of a Q63 number of at most 1.
const fn pow63(mut x: u64, mut n: u32) -> u64 {
	let mut result = 1u64 << 63;
	while n > 0 {
		if n & 1 == 1 {
			result = mul63(result, x);
		}
		x = mul63(x, x);
		n >>= 1;
	}
	result
}

/// The `pairs`-th root of `1 / base`, Q63: the largest `x` with `x^pairs <= 1/base`, by bisection.
pub fn root(base: u32, pairs: u32) -> u64 {
	let inverse = (1u64 << 63) / u64::from(base.max(1));
	let mut root = 0u64;
	for bit in (0..63).rev() {
		let candidate = root | 1 << bit;
		if pow63(candidate, pairs) <= inverse {
			root = candidate;
		}
	}
	root
}

/// [`frequency`] of a pair, given the [`root`].
pub fn frequency_of(root: u64, pair: u32) -> u64 {
	let radians = if pair == 0 { 1u64 << 63 } else { pow63(root, pair) };
	mul63(INVERSE_TURN, radians)
}

/// How far pair `pair` of `pairs` turns per position: `base^(-pair/pairs) / 2π` of a full turn, Q64.
///
/// `base` is at least 2; `pairs` in `1..=512`; `pair < pairs`. Good to about 50 bits.
pub fn frequency(base: u32, pairs: u32, pair: u32) -> u64 {
	frequency_of(root(base, pairs), pair)
}

/// Cosine and sine, Q14, of `position` times a [`frequency`].
pub fn cos_sin(frequency: u64, position: u32) -> (i16, i16) {
	let turn = frequency.wrapping_mul(u64::from(position));
	// An eighth of a turn at most is left after mirroring at quarter and eighth turns.
	let quadrant = turn >> 62;
	let within = turn & ((1 << 62) - 1);
	let mirrored = within > 1 << 61;
	let angle = if mirrored { (1 << 62) - within } else { within };
	// Q64 turns times 2π in Q60 gives radians in Q60.
	let x = ((u128::from(angle) * u128::from(TURN)) >> 64) as i64;
	let (mut cos, mut sin) = (cos_series(x), sin_series(x));
	if mirrored {
		core::mem::swap(&mut cos, &mut sin);
	}
	let (cos, sin) = match quadrant {
		0 => (cos, sin),
		1 => (-sin, cos),
		2 => (-cos, -sin),
		_ => (sin, -cos),
	};
	(rsr(cos, 60 - TRIG_BITS) as i16, rsr(sin, 60 - TRIG_BITS) as i16)
}

/// `first · (1 - x²/(a(a+1)) + …)` in Q60, for `0 <= x < 1` in Q60.
fn series(x: i64, first: i64, start: i64) -> i64 {
	let square = (i128::from(x) * i128::from(x)) >> 60;
	let (mut term, mut sum, mut n) = (first, first, start);
	while term != 0 && n < 40 {
		term = -((i128::from(term) * square) >> 60) as i64 / (n * (n + 1));
		sum += term;
		n += 2;
	}
	sum
}

fn cos_series(x: i64) -> i64 {
	series(x, 1 << 60, 1)
}

fn sin_series(x: i64) -> i64 {
	series(x, x, 2)
}

/// Turns one pair of Q16 numbers by a Q14 cosine and sine; result Q9.
#[inline(always)]
pub fn rotate(x0: i32, x1: i32, cos: i16, sin: i16) -> (i16, i16) {
	const SHIFT: i32 = TRIG_BITS + LINEAR_BITS - ATTENTION_BITS;
	let (x0, x1, c, s) = (i64::from(x0), i64::from(x1), i64::from(cos), i64::from(sin));
	(sat16(rsr(x0 * c - x1 * s, SHIFT)), sat16(rsr(x0 * s + x1 * c, SHIFT)))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn check(base: u32, pairs: u32, positions: impl Iterator<Item = u32> + Clone) {
		for pair in 0..pairs {
			let f = frequency(base, pairs, pair);
			let real = f64::from(base).powf(-f64::from(pair) / f64::from(pairs));
			for position in positions.clone() {
				let (c, s) = cos_sin(f, position);
				let angle = f64::from(position) * real;
				assert!((f64::from(c) - angle.cos() * 16_384.0).abs() < 0.500_001, "cos {pair} {position}");
				assert!((f64::from(s) - angle.sin() * 16_384.0).abs() < 0.500_001, "sin {pair} {position}");
			}
		}
	}

	#[test]
	fn table_should_be_the_rounded_real_function_when_the_model_is_smollm2() {
		check(100_000, 32, 0..8192);
	}

	#[test]
	fn table_should_be_the_rounded_real_function_for_other_shapes() {
		check(10_000, 64, (0..131_072).step_by(997));
		check(500_000, 48, (0..131_072).step_by(997));
		check(10_000, 8, 0..64);
	}

	#[test]
	fn position_zero_should_not_turn() {
		assert_eq!(cos_sin(frequency(10_000, 32, 5), 0), (1 << 14, 0));
		assert_eq!(rotate(65_536, -65_536, 1 << 14, 0), (512, -512));
		assert_eq!(rotate(i32::MAX, i32::MAX, 1 << 14, 1 << 14), (0, 32_767));
	}
}
