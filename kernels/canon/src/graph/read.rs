//! Numbers out of bytes that somebody else sent.

use crate::{linear, GROUP};
use alloc::vec::Vec;

/// What evaluation says of numbers that can't be.
pub(super) fn ensure(holds: bool) -> Option<()> {
	holds.then_some(())
}

/// Integers of eight bytes; a rest that is none is ignored.
pub(super) fn i64s(bytes: &[u8]) -> impl Iterator<Item = i64> + '_ {
	bytes.chunks_exact(8).map(|b| i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]))
}

/// Integers of four bytes.
pub(super) fn i32s(bytes: &[u8]) -> impl Iterator<Item = i32> + '_ {
	bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]))
}

/// Unsigned integers of two bytes.
pub(super) fn u16s(bytes: &[u8]) -> impl Iterator<Item = u16> + '_ {
	bytes.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]]))
}

/// A header's only number.
pub(super) fn number(bytes: &[u8]) -> Option<i64> {
	i64s(bytes).next()
}

/// Saturated 32-bit numbers: no leaf holds the smallest.
pub(super) fn saturated(bytes: &[u8]) -> Option<Vec<i32>> {
	i32s(bytes).map(|v| (v != i32::MIN).then_some(v)).collect()
}

/// Saturated 16-bit numbers.
pub(super) fn activations(bytes: &[u8]) -> Option<Vec<i16>> {
	u16s(bytes).map(|v| v as i16).map(|v| (v != i16::MIN).then_some(v)).collect()
}

/// A row's groups of weights.
pub(super) enum Weights<'a> {
	Q4(&'a [u8]),
	Q8(&'a [u8]),
}

const Q4: usize = 24;
const Q8: usize = 36;

/// Bytes in which a 4-bit group has its codes, and an 8-bit group.
const Q4_CODES: usize = 8;
const Q8_CODES: usize = 4;

impl<'a> Weights<'a> {
	/// A piece of a row of a matrix with `columns` columns, a multiple of 32; its length says how it is written.
	/// `None` when it is no such piece, or so large that a sum over it could leave 62 bits.
	pub fn new(bytes: &'a [u8], columns: usize) -> Option<Self> {
		let groups = columns / GROUP;
		let weights = match bytes.len() {
			length if length == groups * Q4 => Self::Q4(bytes),
			length if length == groups * Q8 => Self::Q8(bytes),
			_ => return None,
		};
		let bound =
			|(scale, minimum): (i32, i32), largest| u128::from(linear::row_bound(scale, minimum, largest));
		let total: u128 = match weights {
			Self::Q4(bytes) => bytes.chunks_exact(Q4).map(|group| bound(factors(group), 15)).sum(),
			Self::Q8(bytes) => bytes.chunks_exact(Q8).map(|group| bound((factors(group).0, 0), 128)).sum(),
		};
		(total < 1 << 62).then_some(weights)
	}

	/// `Σ weight·a`, as [`linear::group_term`] sums it. `a` has the row's columns.
	pub fn dot(&self, a: &[i16]) -> i64 {
		let groups = a.chunks_exact(GROUP).map(|a| core::array::from_fn(|i| a[i]));
		match self {
			Self::Q4(bytes) => bytes.chunks_exact(Q4).zip(groups).fold(0, |sum, (group, a)| {
				let (scale, minimum) = factors(group);
				let codes = core::array::from_fn(|i| group[Q4_CODES + i]);
				sum + linear::group_term(scale, linear::dot_q4(&codes, &a), minimum, linear::group_sum(&a))
			}),
			Self::Q8(bytes) => bytes.chunks_exact(Q8).zip(groups).fold(0, |sum, (group, a)| {
				let codes = core::array::from_fn(|i| group[Q8_CODES + i] as i8);
				sum + linear::group_term(factors(group).0, linear::dot_q8(&codes, &a), 0, 0)
			}),
		}
	}

	/// The weight in `column`, as a residual value.
	pub fn embed(&self, column: usize) -> i32 {
		let (group, k) = (column / GROUP, column % GROUP);
		match self {
			Self::Q4(bytes) => {
				let group = &bytes[group * Q4..(group + 1) * Q4];
				let (scale, minimum) = factors(group);
				linear::embed(i32::from(group[Q4_CODES + k % 16] >> (4 * (k / 16)) & 15), scale, minimum)
			},
			Self::Q8(bytes) => {
				let group = &bytes[group * Q8..(group + 1) * Q8];
				linear::embed(i32::from(group[Q8_CODES + k] as i8), factors(group).0, 0)
			},
		}
	}
}

/// The first two words of a group.
fn factors(group: &[u8]) -> (i32, i32) {
	let word = |at: usize| i32::from_le_bytes([group[at], group[at + 1], group[at + 2], group[at + 3]]);
	(word(0), word(4))
}

/// A chunk of a gain: Q12, magnitude below 16.
pub(super) fn gain(bytes: &[u8], columns: usize) -> Option<Vec<i32>> {
	ensure(bytes.len() == 4 * columns)?;
	i32s(bytes).map(|v| (v.unsigned_abs() < 1 << 16).then_some(v)).collect()
}
