//! The two orders of summation. Both start from `+0`, so no sum is ever `-0`, and a term of either zero changes
//! nothing: tiles may be padded with zeros, and masked terms may be left out or added.

use super::Real;

/// Terms of a [`blocked_sum`] that are summed before they meet the total.
pub const BLOCK: usize = 64;

/// Partial sums of a [`row_sum`].
pub const LANES: usize = 32;

/// Blocks of [`BLOCK`] terms: each summed from `+0` in ascending order, the blocks' sums added to a total, from `+0`,
/// in ascending order.
///
/// For sums whose neighbours are computed side by side: the outputs of a matrix product, one in each vector lane or
/// thread, without any exchange between them.
#[inline(always)]
pub fn blocked_sum<T: Real>(length: usize, term: impl Fn(usize) -> T) -> T {
	blocked_sum_from(T::ZERO, length, term)
}

/// Goes on with a [`blocked_sum`] whose total so far is of whole blocks.
#[inline(always)]
pub fn blocked_sum_from<T: Real>(mut total: T, length: usize, term: impl Fn(usize) -> T) -> T {
	for start in (0..length).step_by(BLOCK) {
		let mut block = T::ZERO;
		for i in start..length.min(start + BLOCK) {
			block = block + term(i);
		}
		total = total + block;
	}
	total
}

/// The [`blocked_sum`] of products, each rounded before it is added. The slices have the same length.
#[inline(always)]
pub fn dot<T: Real>(a: &[T], b: &[T]) -> T {
	debug_assert_eq!(a.len(), b.len());
	blocked_sum(a.len(), |i| a[i] * b[i])
}

/// 32 lanes: lane `l` sums the terms `l, l + 32, …` from `+0` in ascending order; then a tree adds lane `l + h` to
/// lane `l < h` for `h` of 16, 8, 4, 2, 1.
///
/// For a single long sum: a norm, a softmax denominator, a loss. A warp does it with five shuffles.
#[inline(always)]
pub fn row_sum<T: Real>(length: usize, term: impl Fn(usize) -> T) -> T {
	let mut lanes = [T::ZERO; LANES];
	add_to_lanes(&mut lanes, length, term);
	fold(lanes)
}

/// Goes on with the lanes of a [`row_sum`] to which whole rounds of [`LANES`] terms were added.
#[inline(always)]
pub fn add_to_lanes<T: Real>(lanes: &mut [T; LANES], length: usize, term: impl Fn(usize) -> T) {
	let whole = length - length % LANES;
	for start in (0..whole).step_by(LANES) {
		for (l, lane) in lanes.iter_mut().enumerate() {
			*lane = *lane + term(start + l);
		}
	}
	for i in whole..length {
		lanes[i - whole] = lanes[i - whole] + term(i);
	}
}

/// The tree at the end of a [`row_sum`].
#[inline(always)]
pub fn fold<T: Real>(mut lanes: [T; LANES]) -> T {
	for half in [16, 8, 4, 2, 1] {
		for l in 0..half {
			lanes[l] = lanes[l] + lanes[l + half];
		}
	}
	lanes[0]
}

/// The larger of two numbers, neither NaN. Which zero of two is left open: see [`maximum`].
#[inline(always)]
pub fn larger<T: Real>(a: T, b: T) -> T {
	if a > b {
		a
	} else {
		b
	}
}

/// The largest of at least one finite term, plus `+0`: a maximum of zero is `+0` whatever the order.
#[inline(always)]
pub fn maximum<T: Real>(length: usize, term: impl Fn(usize) -> T) -> T {
	let mut lanes = [term(0); LANES];
	let whole = length - length % LANES;
	for start in (0..whole).step_by(LANES) {
		for (l, lane) in lanes.iter_mut().enumerate() {
			*lane = larger(term(start + l), *lane);
		}
	}
	let rest = (whole..length).fold(lanes[0], |largest, i| larger(term(i), largest));
	lanes.iter().fold(rest, |largest, &lane| larger(lane, largest)) + T::ZERO
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::soft::F32;
	use proptest::prelude::*;

	fn soft(values: &[f32]) -> Vec<F32> {
		values.iter().map(|v| F32::from_bits(v.to_bits())).collect()
	}

	fn numbers(length: core::ops::Range<usize>) -> impl Strategy<Value = Vec<f32>> {
		proptest::collection::vec(prop_oneof![4 => -2.0f32..2.0, 1 => Just(0.0), 1 => Just(-0.0)], length)
	}

	#[test]
	fn sums_should_follow_the_stated_order() {
		// 2^24 swallows single ones, so the order shows.
		let mut values = [1.0f32; 130];
		values[0] = 16_777_216.0;
		assert_eq!(blocked_sum(130, |i| values[i]), 16_777_216.0 + 64.0 + 2.0);
		assert_eq!(row_sum(130, |i| values[i]), 16_777_216.0 + 4.0 * 31.0 + 1.0 - 1.0);
		assert_eq!(row_sum(0, |_| 1.0f32).to_bits(), 0);
	}

	#[test]
	fn maximum_of_zeros_should_be_positive_zero() {
		assert_eq!(maximum(2, |i| [-0.0f32, 0.0][i]).to_bits(), 0);
		assert_eq!(maximum(2, |i| [0.0f32, -0.0][i]).to_bits(), 0);
		assert_eq!(maximum(1, |_| -0.0f32).to_bits(), 0);
		assert_eq!(maximum(1, |_| F32::from_bits(1 << 31)).to_bits(), 0);
	}

	proptest! {
		#[test]
		fn soft_float_should_equal_hardware(values in numbers(1..300)) {
			let soft = soft(&values);
			prop_assert_eq!(row_sum(soft.len(), |i| soft[i]).to_bits(), row_sum(values.len(), |i| values[i]).to_bits());
			prop_assert_eq!(dot(&soft, &soft).to_bits(), dot(&values, &values).to_bits());
			prop_assert_eq!(maximum(soft.len(), |i| soft[i]).to_bits(), maximum(values.len(), |i| values[i]).to_bits());
			let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
			prop_assert_eq!(maximum(values.len(), |i| values[i]), largest);
		}

		#[test]
		fn padding_with_zeros_should_change_nothing(values in numbers(0..200), zeros in 0usize..100, negative in any::<bool>()) {
			let mut padded = values.clone();
			padded.extend(vec![if negative { -0.0 } else { 0.0 }; zeros]);
			prop_assert_eq!(row_sum(padded.len(), |i| padded[i]).to_bits(), row_sum(values.len(), |i| values[i]).to_bits());
			prop_assert_eq!(blocked_sum(padded.len(), |i| padded[i]).to_bits(), blocked_sum(values.len(), |i| values[i]).to_bits());
		}
	}
}
