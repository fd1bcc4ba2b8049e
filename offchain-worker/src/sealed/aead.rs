//! ChaCha20-Poly1305 under keys that encrypt one message each.

use ring::aead::{Aad, LessSafeKey, Nonce, UnboundKey, CHACHA20_POLY1305};

/// Bytes that encryption adds.
pub(super) const TAG: usize = 16;

/// The nonce of every message. A key must not encrypt a second one.
fn nonce() -> Nonce {
	Nonce::assume_unique_for_key([0; 12])
}

#[allow(clippy::expect_used, reason = "the cipher's keys have 32 bytes")]
fn cipher(key: &[u8; 32]) -> LessSafeKey {
	LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes"))
}

/// Encrypts the only message of `key`.
#[allow(clippy::expect_used, reason = "the cipher takes 256 GiB, and nothing is sealed that is over 1 MiB")]
pub(super) fn encrypt(key: &[u8; 32], header: &[u8], plaintext: &[u8]) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(plaintext.len().saturating_add(TAG));
	bytes.extend_from_slice(plaintext);
	cipher(key).seal_in_place_append_tag(nonce(), Aad::from(header), &mut bytes).expect("short enough");
	bytes
}

/// Decrypts; `None` when key, header or bytes are others than those of the encryption.
pub(super) fn decrypt(key: &[u8; 32], header: &[u8], ciphertext: &[u8]) -> Option<Vec<u8>> {
	let mut bytes = ciphertext.to_vec();
	let len = cipher(key).open_in_place(nonce(), Aad::from(header), &mut bytes).ok()?.len();
	bytes.truncate(len);
	Some(bytes)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn message_should_open_when_nothing_changed() {
		let sealed = encrypt(&[1; 32], b"header", b"message");
		assert_eq!(sealed.len(), b"message".len() + TAG);
		assert_eq!(decrypt(&[1; 32], b"header", &sealed).as_deref(), Some(&b"message"[..]));
		assert_eq!(decrypt(&[2; 32], b"header", &sealed), None);
		assert_eq!(decrypt(&[1; 32], b"other", &sealed), None);
		assert_eq!(decrypt(&[1; 32], b"header", &sealed[1..]), None);
		assert_eq!(decrypt(&[1; 32], b"header", &[]), None);
	}
}
