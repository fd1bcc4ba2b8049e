//! What a job says of a prompt that it does not show.

use noesis_primitives::ContentHash;

/// BLAKE2b-256 of a label, `salt` and `plaintext`. The salt follows from the content key and is as secret as it, so
/// the commitment says nothing about a prompt that can be guessed. In a dispute over an input token salt and
/// plaintext are shown, and the chain computes this again.
pub fn commitment(salt: &[u8; 32], plaintext: &[u8]) -> ContentHash {
	ContentHash::of(&[b"noesis:sealed:1", &salt[..], plaintext].concat())
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn commitment_should_differ_when_salt_or_plaintext_does() {
		let one = commitment(&[1; 32], b"prompt");
		assert_eq!(one, commitment(&[1; 32], b"prompt"));
		assert_ne!(one, commitment(&[2; 32], b"prompt"));
		assert_ne!(one, commitment(&[1; 32], b"prompu"));
		assert_ne!(one, ContentHash::of(b"prompt"));
	}
}
