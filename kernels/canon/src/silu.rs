//! The gate of a feed-forward layer: `silu(gate) · up`.

use crate::{round::rsr, tables::SIGMOID};

/// Where the table ends, Q16: beyond ±16 the sigmoid is 0 or 1 in Q15.
const END: i32 = 16 << 16;

/// Sigmoid in Q15 (`0..=2^15`) of a Q16 number, by linear interpolation between steps of 1/16.
#[inline(always)]
pub fn sigmoid(x: i32) -> i32 {
	let at = x.clamp(-END, END) + END;
	let (index, fraction) = ((at >> 12) as usize, at & 0xfff);
	let (low, high) = (i32::from(SIGMOID[index]), i32::from(SIGMOID[index + 1]));
	low + (((high - low) * fraction + 0x800) >> 12)
}

/// `silu(gate) · up` in Q20; both inputs Q16, any `i32`. Magnitude at most 2^50.
#[inline(always)]
pub fn gated(gate: i32, up: i32) -> i64 {
	rsr(rsr(i64::from(gate) * i64::from(sigmoid(gate)), 15) * i64::from(up), 12)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	#[test]
	fn sigmoid_should_reach_its_ends() {
		assert_eq!((sigmoid(0), sigmoid(i32::MIN), sigmoid(i32::MAX)), (1 << 14, 0, 1 << 15));
	}

	proptest! {
		#[test]
		fn sigmoid_should_follow_the_real_function(x in -2_000_000i32..2_000_000) {
			let real = 1.0 / (1.0 + (-f64::from(x) / 65_536.0).exp());
			prop_assert!((f64::from(sigmoid(x)) / 32_768.0 - real).abs() < 1e-4);
		}

		#[test]
		fn gated_should_be_total_and_bounded(gate in any::<i32>(), up in any::<i32>()) {
			prop_assert!(gated(gate, up).unsigned_abs() <= 1 << 50);
		}
	}
}
