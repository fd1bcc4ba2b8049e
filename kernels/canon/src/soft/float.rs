//! IEEE binary32 by integer instructions.

use super::{functions, Binary32, Real};
use crate::round::isqrt;
use core::{
	cmp::Ordering,
	ops::{Add, Div, Mul, Neg, Sub},
};

const SIGN: u32 = 1 << 31;
const INFINITY: u32 = 0x7f80_0000;
const NAN: F32 = F32(0x7fc0_0000);
/// Bits of a significand, the implicit one included.
const PRECISION: i32 = 24;
/// The power of two of the last bit of the smallest numbers.
const SMALLEST: i32 = -149;

/// An IEEE binary32, held as its pattern and computed with integers only.
#[derive(Clone, Copy, Debug, Default)]
pub struct F32(u32);

/// A finite number: `significand · 2^exponent`.
struct Parts {
	negative: bool,
	exponent: i32,
	significand: u64,
}

impl F32 {
	/// The number of a pattern.
	pub const fn from_bits(bits: u32) -> Self {
		Self(bits)
	}

	/// The pattern.
	pub const fn to_bits(self) -> u32 {
		self.0
	}

	/// The nearest number to an integer, ties to even.
	pub const fn from_i32(value: i32) -> Self {
		round(value < 0, 0, value.unsigned_abs() as u64)
	}

	/// Not a number.
	pub const fn is_nan(self) -> bool {
		self.0 & !SIGN > INFINITY
	}

	/// Neither infinite nor NaN.
	pub const fn is_finite(self) -> bool {
		self.0 & !SIGN < INFINITY
	}

	/// Without its sign.
	pub const fn abs(self) -> Self {
		Self(self.0 & !SIGN)
	}

	/// The correctly rounded square root; NaN below `-0`.
	pub const fn sqrt(self) -> Self {
		if self.0 & !SIGN == 0 || self.0 == INFINITY {
			return self;
		}
		if self.is_nan() || self.is_negative() {
			return NAN;
		}
		let Parts { exponent, significand, .. } = self.parts();
		// Nearly 64 bits under the root give 31 or 32 in it: six more than are kept. The exponent has to be even.
		let shift = significand.leading_zeros() as i32 & !1;
		let shift = shift - ((exponent - shift) & 1);
		let square = significand << shift;
		let root = isqrt(square);
		let sticky = (root * root != square) as u64;
		// One bit is made free below the root for what the root leaves out.
		round(false, (exponent - shift) / 2 - 1, root << 1 | sticky)
	}

	const fn is_negative(self) -> bool {
		self.0 & SIGN != 0
	}

	const fn is_zero(self) -> bool {
		self.0 & !SIGN == 0
	}

	const fn parts(self) -> Parts {
		let (exponent, fraction) = ((self.0 >> 23 & 255) as i32, (self.0 & 0x7f_ffff) as u64);
		let implicit = if exponent > 0 { 1 << 23 } else { 0 };
		Parts {
			negative: self.is_negative(),
			exponent: if exponent > 1 { exponent } else { 1 } + SMALLEST - 1,
			significand: fraction | implicit,
		}
	}

	/// The pattern as an integer that orders finite numbers and infinities; `-0` and `+0` are the same.
	const fn rank(self) -> i32 {
		let magnitude = (self.0 & !SIGN) as i32;
		if self.is_negative() {
			-magnitude
		} else {
			magnitude
		}
	}
}

const fn infinity(negative: bool) -> F32 {
	F32(INFINITY | if negative { SIGN } else { 0 })
}

const fn zero(negative: bool) -> F32 {
	F32(if negative { SIGN } else { 0 })
}

/// The nearest number to `significand · 2^exponent`, ties to even. The last bit may stand for all that lies below it,
/// if at least two bits lie below the result's last.
const fn round(negative: bool, exponent: i32, significand: u64) -> F32 {
	if significand == 0 {
		return zero(negative);
	}
	let bits = 64 - significand.leading_zeros() as i32;
	let last = if exponent + bits - PRECISION > SMALLEST { exponent + bits - PRECISION } else { SMALLEST };
	let shift = last - exponent;
	let magnitude = if shift <= 0 {
		significand << -shift
	} else if shift > 64 {
		0
	} else {
		// A shift of 64 leaves nothing but can still round up.
		let kept = if shift == 64 { 0 } else { significand >> shift };
		let rest = significand << (64 - shift);
		const HALF: u64 = 1 << 63;
		kept + (rest > HALF || rest == HALF && kept & 1 == 1) as u64
	};
	// The largest finite number has its last bit at 2^104. The implicit one adds itself to the exponent.
	if last > 104 {
		return infinity(negative);
	}
	let pattern = (((last - SMALLEST) as u32) << 23) + magnitude as u32;
	F32(if pattern > INFINITY { INFINITY } else { pattern } | zero(negative).0)
}

/// `x / 2^shift`; bits that fall out stay visible in the last.
const fn shift_sticky(x: u64, shift: u32) -> u64 {
	match shift {
		0 => x,
		1..=63 => x >> shift | (x << (64 - shift) != 0) as u64,
		_ => (x != 0) as u64,
	}
}

impl Add for F32 {
	type Output = Self;

	#[inline]
	fn add(self, other: Self) -> Self {
		if self.is_nan() || other.is_nan() {
			return NAN;
		}
		if !self.is_finite() {
			return if other.is_finite() || other.0 == self.0 { self } else { NAN };
		}
		if !other.is_finite() {
			return other;
		}
		let (a, b) = (self.parts(), other.parts());
		let (high, low) = if a.exponent >= b.exponent { (a, b) } else { (b, a) };
		// 24 bits and 38 below them; a sum still fits 63.
		const GUARD: i32 = 38;
		let signed = |negative, x: u64| if negative { -(x as i64) } else { x as i64 };
		let aligned = shift_sticky(low.significand << GUARD, (high.exponent - low.exponent) as u32);
		let sum = signed(high.negative, high.significand << GUARD) + signed(low.negative, aligned);
		let negative = if sum == 0 { high.negative && low.negative } else { sum < 0 };
		round(negative, high.exponent - GUARD, sum.unsigned_abs())
	}
}

impl Sub for F32 {
	type Output = Self;

	#[inline]
	fn sub(self, other: Self) -> Self {
		self + -other
	}
}

impl Neg for F32 {
	type Output = Self;

	#[inline]
	fn neg(self) -> Self {
		Self(self.0 ^ SIGN)
	}
}

impl Mul for F32 {
	type Output = Self;

	#[inline]
	fn mul(self, other: Self) -> Self {
		let negative = self.is_negative() != other.is_negative();
		if self.is_nan() || other.is_nan() {
			return NAN;
		}
		if !self.is_finite() || !other.is_finite() {
			return if self.is_zero() || other.is_zero() { NAN } else { infinity(negative) };
		}
		let (a, b) = (self.parts(), other.parts());
		round(negative, a.exponent + b.exponent, a.significand * b.significand)
	}
}

impl Div for F32 {
	type Output = Self;

	#[inline]
	fn div(self, other: Self) -> Self {
		let negative = self.is_negative() != other.is_negative();
		if self.is_nan() || other.is_nan() {
			return NAN;
		}
		match (self.is_finite(), other.is_finite()) {
			(false, false) => return NAN,
			(false, true) => return infinity(negative),
			(true, false) => return zero(negative),
			(true, true) => {},
		}
		match (self.is_zero(), other.is_zero()) {
			(true, true) => return NAN,
			(true, false) => return zero(negative),
			(false, true) => return infinity(negative),
			(false, false) => {},
		}
		let (a, b) = (self.parts(), other.parts());
		// 63 bits over at most 24 give 39 at least.
		let shift = a.significand.leading_zeros() as i32 - 1;
		let numerator = a.significand << shift;
		let (quotient, rest) = (numerator / b.significand, numerator % b.significand);
		round(negative, a.exponent - shift - b.exponent - 1, quotient << 1 | (rest != 0) as u64)
	}
}

impl PartialEq for F32 {
	#[inline]
	fn eq(&self, other: &Self) -> bool {
		self.partial_cmp(other) == Some(Ordering::Equal)
	}
}

impl PartialOrd for F32 {
	#[inline]
	fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
		(!self.is_nan() && !other.is_nan()).then(|| self.rank().cmp(&other.rank()))
	}
}

impl Real for F32 {
	const ZERO: Self = Self(0);
	const ONE: Self = Self(0x3f80_0000);

	fn from_bits(bits: u32) -> Self {
		Self(bits)
	}

	fn from_i32(value: i32) -> Self {
		Self::from_i32(value)
	}

	fn is_finite(self) -> bool {
		self.is_finite()
	}

	fn abs(self) -> Self {
		self.abs()
	}

	fn sqrt(self) -> Self {
		self.sqrt()
	}

	fn exp(self) -> Self {
		functions::exp(self)
	}

	fn ln(self) -> Self {
		functions::ln(self)
	}
}

impl Binary32 for F32 {
	fn to_bits(self) -> u32 {
		self.0
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	/// SplitMix64.
	struct Stream(u64);

	impl Stream {
		fn next(&mut self) -> u64 {
			self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
			let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
			let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
			x ^ x >> 31
		}

		/// Two patterns: unrelated, of like size (cancellation), tiny, with few set bits (ties), or at the upper end.
		fn pair(&mut self) -> (u32, u32) {
			let (kind, x) = (self.next() % 5, self.next());
			let (a, b) = (x as u32, (x >> 32) as u32);
			let few = |x: u32| x & 0xff80_0000 | x << 13 & 0x7f_e000;
			match kind {
				0 => (a, b),
				1 => (a, a ^ SIGN ^ b >> 7 & 0x03ff_ffff),
				2 => (a & 0x81ff_ffff, b & 0xc1ff_ffff),
				3 => (few(a), few(b) & 0xf87f_ffff | a & 0x0780_0000),
				_ => (a | 0x7000_0000, b | 0x7000_0000),
			}
		}
	}

	const SPECIAL: [u32; 14] = [
		0,
		SIGN,
		1,
		SIGN | 1,
		0x7f_ffff,
		0x80_0000,
		0x80_0001,
		0x3f80_0000,
		0xbf80_0000,
		0x7f7f_ffff,
		0xff7f_ffff,
		0x7f80_0000,
		0xff80_0000,
		0x7fc0_0000,
	];

	fn assert_same(soft: F32, hard: f32, what: &str, a: u32, b: u32) {
		let same = soft.0 == hard.to_bits() || soft.0 == NAN.0 && hard.is_nan();
		assert!(same, "{what} {a:08x} {b:08x}: {:08x}, hardware {:08x}", soft.0, hard.to_bits());
	}

	fn check(a: u32, b: u32) {
		let (x, y) = (f32::from_bits(a), f32::from_bits(b));
		assert_same(F32(a) + F32(b), x + y, "add", a, b);
		assert_same(F32(a) - F32(b), x - y, "sub", a, b);
		assert_same(F32(a) * F32(b), x * y, "mul", a, b);
		assert_same(F32(a) / F32(b), x / y, "div", a, b);
		assert_same(F32(a).sqrt(), x.sqrt(), "sqrt", a, b);
		assert_same(F32::from_i32(a as i32), a as i32 as f32, "from_i32", a, b);
		assert_same(F32(a).abs(), x.abs(), "abs", a, b);
		assert_eq!(F32(a).partial_cmp(&F32(b)), x.partial_cmp(&y), "{a:08x} {b:08x}");
		assert_eq!(F32(a).is_finite(), x.is_finite());
	}

	#[test]
	fn arithmetic_should_equal_hardware_when_operands_are_special() {
		for a in SPECIAL {
			for b in SPECIAL {
				check(a, b);
			}
		}
	}

	#[test]
	fn arithmetic_should_equal_hardware_on_four_million_random_pairs() {
		let mut stream = Stream(1);
		for _ in 0..4_000_000 {
			let (a, b) = stream.pair();
			check(a, b);
		}
	}

	#[test]
	fn special_operands_should_meet_random_ones_as_in_hardware() {
		let mut stream = Stream(2);
		for _ in 0..10_000 {
			let (a, _) = stream.pair();
			for b in SPECIAL {
				check(a, b);
				check(b, a);
			}
		}
	}

	#[test]
	fn quotients_and_roots_should_be_exact_when_they_exist() {
		let mut stream = Stream(3);
		for _ in 0..100_000 {
			let root = (stream.next() % 4096) as i32;
			let other = (stream.next() % 4095) as i32 + 1;
			assert_eq!(F32::from_i32(root * root).sqrt().0, F32::from_i32(root).0);
			assert_eq!((F32::from_i32(root * other) / F32::from_i32(other)).0, F32::from_i32(root).0);
		}
	}
}
