//! Names of things: each its own type, so that one can't stand for another.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

macro_rules! number {
	($(#[$doc:meta])* $name:ident, $inner:ty) => {
		$(#[$doc])*
		#[derive(
			Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, Hash, MaxEncodedLen, Ord,
			PartialEq, PartialOrd, TypeInfo,
		)]
		#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
		pub struct $name(pub $inner);

		impl core::fmt::Display for $name {
			fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
				write!(f, "{}", self.0)
			}
		}
	};
}

macro_rules! digest {
	($(#[$doc:meta])* $name:ident) => {
		$(#[$doc])*
		#[derive(
			Clone, Copy, Decode, DecodeWithMemTracking, Default, Encode, Eq, Hash, MaxEncodedLen, Ord, PartialEq,
			PartialOrd, TypeInfo,
		)]
		pub struct $name(pub [u8; 32]);

		impl core::fmt::Display for $name {
			fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
				f.write_str("0x")?;
				self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
			}
		}

		impl core::fmt::Debug for $name {
			fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
				core::fmt::Display::fmt(self, f)
			}
		}

		#[cfg(feature = "std")]
		impl serde::Serialize for $name {
			fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
				serializer.collect_str(self)
			}
		}

		#[cfg(feature = "std")]
		impl<'de> serde::Deserialize<'de> for $name {
			fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
				let text = <alloc::string::String as serde::Deserialize>::deserialize(deserializer)?;
				text.parse().map_err(serde::de::Error::custom)
			}
		}

		#[cfg(feature = "std")]
		impl core::str::FromStr for $name {
			type Err = &'static str;

			fn from_str(text: &str) -> Result<Self, Self::Err> {
				const EXPECTED: &str = "expected 32 bytes as 64 hexadecimal digits, with or without 0x";
				let digits = text.strip_prefix("0x").unwrap_or(text).as_bytes();
				let mut bytes = [0u8; 32];
				if digits.len() != 64 {
					return Err(EXPECTED);
				}
				for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
					let pair = core::str::from_utf8(pair).map_err(|_| EXPECTED)?;
					*byte = u8::from_str_radix(pair, 16).map_err(|_| EXPECTED)?;
				}
				Ok(Self(bytes))
			}
		}
	};
}

number!(
	/// A job, numbered from 0 in the order of submission.
	JobId,
	u64
);
number!(
	/// A payment channel, numbered from 0 in the order of opening.
	ChannelId,
	u64
);
number!(
	/// A dispute, numbered from 0 in the order of opening.
	DisputeId,
	u64
);
number!(
	/// A version of a model, numbered from 0 in the order of registration.
	CheckpointId,
	u32
);
digest!(
	/// A Merkle root (see [`crate::merkle`]).
	Root
);
digest!(
	/// BLAKE2b-256 of a blob's bytes.
	ContentHash
);

impl ContentHash {
	/// The hash of `bytes`.
	pub fn of(bytes: &[u8]) -> Self {
		Self(sp_crypto_hashing::blake2_256(bytes))
	}
}

/// What a panel is drawn for.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Subject {
	/// The answer of a job.
	#[codec(index = 0)]
	Job(JobId),
	/// One turn of a channel that was closed.
	#[codec(index = 1)]
	Turn {
		/// The channel.
		channel: ChannelId,
		/// The turn's number, from 0.
		index: u32,
	},
	/// One item of a batch that was answered.
	#[codec(index = 2)]
	Item {
		/// The batch's job.
		batch: JobId,
		/// The item's number, from 0.
		index: u32,
	},
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn root_should_survive_text_when_printed_and_parsed() {
		let root = Root(core::array::from_fn(|i| i as u8));
		assert_eq!(root.to_string().parse::<Root>(), Ok(root));
		assert!("0x00".parse::<Root>().is_err());
		assert!("zz".repeat(32).parse::<Root>().is_err());
		assert!("é".repeat(32).parse::<Root>().is_err());
	}
}
