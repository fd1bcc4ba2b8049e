//! The machine's own floats.
//!
//! Rust never fuses a product with a sum and never reorders sums, so on targets whose `f32` is IEEE's (all but x87)
//! these have the bits of [`F32`](super::F32).

use super::{functions, Binary32, Real};

impl Real for f32 {
	const ZERO: Self = 0.0;
	const ONE: Self = 1.0;

	#[inline(always)]
	fn from_bits(bits: u32) -> Self {
		Self::from_bits(bits)
	}

	#[inline(always)]
	fn from_i32(value: i32) -> Self {
		value as Self
	}

	#[inline(always)]
	fn is_finite(self) -> bool {
		self.is_finite()
	}

	#[inline(always)]
	fn abs(self) -> Self {
		self.abs()
	}

	#[inline(always)]
	fn sqrt(self) -> Self {
		self.sqrt()
	}

	#[inline(always)]
	fn exp(self) -> Self {
		functions::exp(self)
	}

	#[inline(always)]
	fn ln(self) -> Self {
		functions::ln(self)
	}
}

impl Binary32 for f32 {
	#[inline(always)]
	fn to_bits(self) -> u32 {
		self.to_bits()
	}
}

/// Not a profile: the yardstick that errors and gradients are measured with.
impl Real for f64 {
	const ZERO: Self = 0.0;
	const ONE: Self = 1.0;

	fn from_bits(bits: u32) -> Self {
		f32::from_bits(bits).into()
	}

	fn from_i32(value: i32) -> Self {
		value.into()
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
		self.exp()
	}

	fn ln(self) -> Self {
		self.ln()
	}
}
