//! Signatures as channels use them: sr25519 over whole messages, as the chain checks them.

use crate::{keys::Keys, AccountId};
use codec::{Decode, Encode};
use sp_core::{sr25519, Pair};
use std::{fmt, str::FromStr};

/// An account's sr25519 signature.
#[derive(Clone, Copy, Decode, Encode, Eq, PartialEq)]
pub struct Signature(pub [u8; 64]);

impl Signature {
	/// Signs `message`.
	pub fn of(keys: &Keys, message: &[u8]) -> Self {
		Self(keys.sign_bytes(message))
	}

	/// Whether `who` signed `message`.
	pub fn is_of(&self, who: &AccountId, message: &[u8]) -> bool {
		let signature = sr25519::Signature::from_raw(self.0);
		sr25519::Pair::verify(&signature, message, &sr25519::Public::from_raw(who.0))
	}
}

impl fmt::Display for Signature {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("0x")?;
		self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
	}
}

impl fmt::Debug for Signature {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		fmt::Display::fmt(self, f)
	}
}

impl FromStr for Signature {
	type Err = &'static str;

	fn from_str(text: &str) -> Result<Self, Self::Err> {
		const EXPECTED: &str = "expected 64 bytes as 0x and 128 hexadecimal digits";
		let digits = text.strip_prefix("0x").ok_or(EXPECTED)?.as_bytes();
		let mut bytes = [0; 64];
		if digits.len() != 128 || !digits.iter().all(u8::is_ascii_hexdigit) {
			return Err(EXPECTED);
		}
		for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
			let pair = std::str::from_utf8(pair).map_err(|_| EXPECTED)?;
			*byte = u8::from_str_radix(pair, 16).map_err(|_| EXPECTED)?;
		}
		Ok(Self(bytes))
	}
}

impl serde::Serialize for Signature {
	fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
		serializer.collect_str(self)
	}
}

impl<'de> serde::Deserialize<'de> for Signature {
	fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		let text = <String as serde::Deserialize>::deserialize(deserializer)?;
		text.parse().map_err(serde::de::Error::custom)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn signature_should_hold_for_its_account_and_message_only() {
		let alice = Keys::from_suri("//Alice").unwrap();
		let bob = Keys::from_suri("//Bob").unwrap().account();
		let signature = Signature::of(&alice, b"message");
		assert!(signature.is_of(&alice.account(), b"message"));
		assert!(!signature.is_of(&alice.account(), b"other"));
		assert!(!signature.is_of(&bob, b"message"));
		assert_eq!(signature.to_string().parse(), Ok(signature));
		for bad in ["", "0x", "0x12", &"0x+f".repeat(32), &signature.to_string().replace('x', "")] {
			assert!(bad.parse::<Signature>().is_err(), "{bad}");
		}
	}
}
