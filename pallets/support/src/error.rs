//! When and how much, in the three bytes that the error of a call has room for.

use codec::{Decode, DecodeWithMemTracking, Encode};
use noesis_primitives::{Balance, BlockNumber};
use polkadot_sdk::frame_support::PalletError;
use scale_info::TypeInfo;

/// The largest number of three bytes. It stands for itself and all beyond.
const MOST: u32 = (1 << 24) - 1;
/// A thousandth of a DOT.
const MILLI: Balance = 10_000_000;

/// In how many blocks a call can succeed: little endian, 16,777,215 for that or more.
#[derive(Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PalletError, PartialEq, TypeInfo)]
pub struct Wait([u8; 3]);

impl Wait {
	/// So many blocks.
	pub fn of(blocks: BlockNumber) -> Self {
		Self(bytes(blocks.into()))
	}

	/// From block `now` to block `from`.
	pub fn until(from: BlockNumber, now: BlockNumber) -> Self {
		Self::of(from.saturating_sub(now))
	}
}

/// How much is missing: thousandths of a DOT, rounded up, little endian, 16,777,215 for that or more.
#[derive(Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PalletError, PartialEq, TypeInfo)]
pub struct Lack([u8; 3]);

impl Lack {
	/// What `given` lacks of `needed`, both in planck.
	pub fn of(needed: Balance, given: Balance) -> Self {
		Self(bytes(needed.saturating_sub(given).div_ceil(MILLI)))
	}
}

fn bytes(number: u128) -> [u8; 3] {
	let [low, middle, high, _] = u32::try_from(number).unwrap_or(MOST).min(MOST).to_le_bytes();
	[low, middle, high]
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn waits_should_say_that_or_more_when_they_are_long() {
		assert_eq!(Wait::until(7, 9), Wait([0, 0, 0]));
		assert_eq!(Wait::until(0x01_0203, 0), Wait([3, 2, 1]));
		assert_eq!(Wait::until(MOST + 8, 8), Wait([255; 3]));
		assert_eq!(Wait::of(BlockNumber::MAX), Wait([255; 3]));
	}

	#[test]
	fn lacks_should_be_rounded_up_when_they_are_no_whole_thousandths() {
		assert_eq!(Lack::of(5, 5), Lack([0; 3]));
		assert_eq!(Lack::of(6, 5), Lack([1, 0, 0]));
		assert_eq!(Lack::of(300 * MILLI, 0), Lack([44, 1, 0]));
		assert_eq!(Lack::of(300 * MILLI + 1, 0), Lack([45, 1, 0]));
		assert_eq!(Lack::of(Balance::MAX, 0), Lack([255; 3]));
	}
}
