//! A content key, wrapped for one reader.

use super::{
	aead::{self, TAG},
	secret::{expand, Secret},
	ContentKey, SealError, SealKey, SealPublic,
};
use codec::{Decode, Encode};
use x25519_dalek::SharedSecret;

/// A content key that one seal key unwraps: 80 bytes.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq)]
pub(super) struct Wrapped {
	/// Public half of the key that was made for this.
	pub ephemeral: SealPublic,
	/// The content key under `HKDF(X25519, purpose, ephemeral, reader, binding)`.
	pub sealed: [u8; 32 + TAG],
}

fn wrapping_key(
	shared: &SharedSecret,
	purpose: &[u8],
	ephemeral: &SealPublic,
	reader: &SealPublic,
	binding: &[u8],
) -> Secret {
	expand(shared.as_bytes(), &[purpose, &ephemeral.0, &reader.0, binding])
}

impl Wrapped {
	/// Wraps `key` for `reader` with a key made for nothing else; it unwraps for the same purpose and binding only.
	pub fn new(
		key: &ContentKey,
		ephemeral: &SealKey,
		reader: &SealPublic,
		purpose: &[u8],
		binding: &[u8],
	) -> Result<Self, SealError> {
		let shared = ephemeral.agree(reader).ok_or(SealError::WeakKey)?;
		let ephemeral = ephemeral.public();
		let wrapping = wrapping_key(&shared, purpose, &ephemeral, reader, binding);
		let mut sealed = [0; 32 + TAG];
		sealed.copy_from_slice(&aead::encrypt(&wrapping, &[], key.bytes()));
		Ok(Self { ephemeral, sealed })
	}

	/// The content key; `None` when it was wrapped for another reader, purpose or binding, or changed.
	pub fn open(&self, reader: &SealKey, purpose: &[u8], binding: &[u8]) -> Option<ContentKey> {
		let shared = reader.agree(&self.ephemeral)?;
		let wrapping = wrapping_key(&shared, purpose, &self.ephemeral, &reader.public(), binding);
		let bytes = aead::decrypt(&wrapping, &[], &self.sealed)?;
		bytes.try_into().ok().map(ContentKey::from_bytes)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn content_key_should_unwrap_when_reader_purpose_and_binding_are_right() {
		let (reader, other) = (SealKey::random().unwrap(), SealKey::random().unwrap());
		let key = ContentKey::from_bytes([9; 32]);
		let ephemeral = SealKey::random().unwrap();
		let wrapped = Wrapped::new(&key, &ephemeral, &reader.public(), b"purpose", b"binding").unwrap();
		assert_eq!(wrapped.encoded_size(), 80);
		assert_eq!(wrapped.open(&reader, b"purpose", b"binding").unwrap().bytes(), key.bytes());
		assert!(wrapped.open(&other, b"purpose", b"binding").is_none());
		assert!(wrapped.open(&reader, b"another", b"binding").is_none());
		assert!(wrapped.open(&reader, b"purpose", b"changed").is_none());
		assert_eq!(
			Wrapped::new(&key, &ephemeral, &SealPublic([0; 32]), b"purpose", b"").unwrap_err(),
			SealError::WeakKey
		);
	}
}
