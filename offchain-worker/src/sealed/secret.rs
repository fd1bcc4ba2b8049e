//! Seal keys and content keys.

use super::SealError;
use codec::{Decode, Encode};
use hkdf::Hkdf;
use ring::rand::{SecureRandom, SystemRandom};
use sha2::Sha256;
use std::fmt;
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

/// 32 secret bytes that are wiped when they are dropped.
pub(super) type Secret = Zeroizing<[u8; 32]>;

/// HKDF-SHA256 without salt. The parts of `info` follow one another without separators: the first is a label, and
/// all but the last are of a fixed length.
#[allow(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8,160 bytes")]
pub(super) fn expand(secret: &[u8], info: &[&[u8]]) -> Secret {
	let mut out = Zeroizing::new([0; 32]);
	Hkdf::<Sha256>::new(None, secret).expand_multi_info(info, &mut *out).expect("32 bytes");
	out
}

/// The public half of a [`SealKey`].
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub struct SealPublic(pub [u8; 32]);

/// An X25519 key that others seal for.
#[derive(Clone)]
pub struct SealKey(StaticSecret);

impl SealKey {
	/// The key that belongs to secret `material`.
	pub fn derive(material: &[u8]) -> Self {
		Self(StaticSecret::from(*expand(material, &[b"noesis:seal:x25519:1"])))
	}

	/// A new key.
	pub fn random() -> Result<Self, SealError> {
		let mut bytes = Zeroizing::new([0; 32]);
		SystemRandom::new().fill(&mut *bytes).map_err(|_| SealError::NoRandomness)?;
		Ok(Self(StaticSecret::from(*bytes)))
	}

	/// The public half.
	pub fn public(&self) -> SealPublic {
		SealPublic(PublicKey::from(&self.0).to_bytes())
	}

	/// The secret shared with `other`; `None` when `other` is a point of low order, with which there is no secret.
	pub(super) fn agree(&self, other: &SealPublic) -> Option<SharedSecret> {
		let shared = self.0.diffie_hellman(&PublicKey::from(other.0));
		shared.was_contributory().then_some(shared)
	}

	/// The content key of the envelope that this requester made with that ephemeral key. Nothing has to be kept to
	/// have it again.
	pub(super) fn content_key(&self, ephemeral: &SealPublic) -> ContentKey {
		ContentKey(expand(self.0.as_bytes(), &[b"noesis:seal:content:1", &ephemeral.0]))
	}
}

impl fmt::Debug for SealKey {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "SealKey({:?})", self.public())
	}
}

/// The key that prompt and answer of one job are sealed with.
#[derive(Clone)]
pub struct ContentKey(Secret);

impl ContentKey {
	/// From its bytes.
	pub(super) fn from_bytes(bytes: [u8; 32]) -> Self {
		Self(Zeroizing::new(bytes))
	}

	/// Its bytes.
	pub(super) fn bytes(&self) -> &[u8; 32] {
		&self.0
	}

	/// A key or salt that follows from this one.
	pub(super) fn child(&self, info: &[&[u8]]) -> Secret {
		expand(&*self.0, info)
	}
}

impl fmt::Debug for ContentKey {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.write_str("ContentKey(..)")
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn secret_should_be_the_same_when_either_side_agrees() {
		let (a, b) = (SealKey::random().unwrap(), SealKey::random().unwrap());
		assert_ne!(a.public(), b.public());
		assert_eq!(a.agree(&b.public()).unwrap().to_bytes(), b.agree(&a.public()).unwrap().to_bytes());
	}

	#[test]
	fn agreement_should_fail_when_the_other_key_is_of_low_order() {
		let mut one = [0; 32];
		one[0] = 1;
		for point in [[0; 32], one] {
			assert!(SealKey::random().unwrap().agree(&SealPublic(point)).is_none());
		}
	}

	#[test]
	fn secrets_should_not_show_when_printed() {
		let key = ContentKey::from_bytes([0xab; 32]);
		assert_eq!(format!("{key:?}"), "ContentKey(..)");
		let seal = SealKey::derive(b"material");
		let secret = format!("{:?}", seal.0.as_bytes());
		assert!(!format!("{seal:?}").contains(secret.trim_matches(&['[', ']'][..])));
	}

	#[test]
	fn keys_should_be_the_ones_of_the_format_when_derived() {
		// RFC 5869, test case 3: no salt, no info, the first 32 bytes.
		let okm = expand(&[0x0b; 22], &[]);
		assert_eq!(okm[..8], [0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f]);
	}
}
