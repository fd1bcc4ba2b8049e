//! What the chain knows of sealed jobs.
//!
//! The input of a sealed job is an **envelope** that its named worker opens, its output is sealed in return. What they
//! look like is between requester, worker and validators (`docs/privacy.md`); the chain knows how long a prompt is, and
//! what the job commits to.

use crate::ContentHash;
use codec::{Decode, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Bytes that an envelope has beyond its prompt.
pub const SEAL_OVERHEAD: u32 = 100;

/// Bytes of the prompt in an envelope of `len` bytes; `None` when that is too short for one.
pub fn sealed_len(len: u32) -> Option<u32> {
	len.checked_sub(SEAL_OVERHEAD).filter(|len| *len > 0)
}

/// What a sealed job says of a prompt that it does not show: BLAKE2b-256 of a label, `salt` and `prompt`. The salt
/// follows from the key that opens the prompt and is as secret as it, so the commitment tells nothing about a prompt
/// that can be guessed.
pub fn seal_commitment(salt: &[u8; 32], prompt: &[u8]) -> ContentHash {
	ContentHash::of(&[b"noesis:sealed:1", &salt[..], prompt].concat())
}

/// What an input is held against that somebody shows.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum InputMark {
	/// The hash of its bytes.
	#[codec(index = 0)]
	Open(ContentHash),
	/// What a sealed job commits to: the prompt is shown, with its salt.
	#[codec(index = 1)]
	Sealed(ContentHash),
}

impl InputMark {
	/// Whether `bytes` are what is computed from. A prompt that was sealed has a salt, any other input has none.
	pub fn is_of(&self, salt: Option<&[u8; 32]>, bytes: &[u8]) -> bool {
		match (self, salt) {
			(Self::Open(hash), None) => ContentHash::of(bytes) == *hash,
			(Self::Sealed(committed), Some(salt)) => seal_commitment(salt, bytes) == *committed,
			_ => false,
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn commitment_should_differ_when_salt_or_prompt_does() {
		let one = seal_commitment(&[1; 32], b"prompt");
		assert_eq!(one, seal_commitment(&[1; 32], b"prompt"));
		assert_ne!(one, seal_commitment(&[2; 32], b"prompt"));
		assert_ne!(one, seal_commitment(&[1; 32], b"prompu"));
		assert_ne!(one, ContentHash::of(b"prompt"));
	}

	#[test]
	fn input_should_be_known_by_its_mark_when_it_is_shown_as_it_should_be() {
		let (open, salt) = (InputMark::Open(ContentHash::of(b"prompt")), [7; 32]);
		let sealed = InputMark::Sealed(seal_commitment(&salt, b"prompt"));
		assert!(open.is_of(None, b"prompt") && sealed.is_of(Some(&salt), b"prompt"));
		assert!(!open.is_of(None, b"prompu") && !open.is_of(Some(&salt), b"prompt"));
		assert!(!sealed.is_of(Some(&salt), b"prompu") && !sealed.is_of(None, b"prompt"));
		assert!(!sealed.is_of(Some(&[8; 32]), b"prompt"));
	}

	#[test]
	fn envelope_should_hold_a_prompt_when_it_is_longer_than_its_overhead() {
		assert_eq!([0, 99, 100].map(sealed_len), [None; 3]);
		assert_eq!((sealed_len(101), sealed_len(u32::MAX)), (Some(1), Some(u32::MAX - 100)));
	}
}
