//! The `Canon32` profile: IEEE binary32 with one stated order for every sum.
//!
//! Rounding is to nearest even, subnormals are kept, a product is rounded before it is added (never fused: Wasm has
//! no fused instruction), quotients and roots are correctly rounded. A NaN or an infinity in any output fails the
//! job, so the bits of NaNs, which differ between machines, never matter; here they are all `0x7fc00000`.
//!
//! Everything is written once over [`Real`]. With [`F32`] it runs by integer instructions alone: that is what the
//! runtime executes. With the feature `std` it also runs on the machine's own `f32`, to the same bits, and on `f64`,
//! to measure against.
//!
//! [`F32`] the soft-float; [`sums`] the two orders of summation; [`functions`] exp, ln, rsqrt, silu; [`leaf`] the rows
//! that operations are made of; [`step`] operations in steps that a chain can execute.

mod float;
pub mod functions;
#[cfg(feature = "std")]
mod hardware;
pub mod leaf;
pub mod step;
pub mod sums;

pub use float::F32;

use core::ops::{Add, Div, Mul, Neg, Sub};

/// A number that the profile's functions can be run on. Comparisons are IEEE's.
pub trait Real:
	Copy
	+ PartialOrd
	+ Add<Output = Self>
	+ Sub<Output = Self>
	+ Mul<Output = Self>
	+ Div<Output = Self>
	+ Neg<Output = Self>
	+ Send
	+ Sync
	+ 'static
{
	/// `+0`.
	const ZERO: Self;
	/// `1`.
	const ONE: Self;

	/// The number that a binary32 pattern stands for.
	fn from_bits(bits: u32) -> Self;

	/// The nearest number to an integer, ties to even.
	fn from_i32(value: i32) -> Self;

	/// Neither infinite nor NaN.
	fn is_finite(self) -> bool;

	/// Without its sign.
	fn abs(self) -> Self;

	/// The correctly rounded square root; NaN below `-0`.
	fn sqrt(self) -> Self;

	/// `e^self`: see [`functions::exp`].
	fn exp(self) -> Self;

	/// The natural logarithm: see [`functions::ln`].
	fn ln(self) -> Self;
}

/// The two numbers whose bits are defined: [`F32`] and, on a machine that has it, `f32`.
pub trait Binary32: Real {
	/// Its pattern.
	fn to_bits(self) -> u32;
}
