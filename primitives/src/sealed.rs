//! What the chain knows of sealed jobs.
//!
//! The input of a sealed job is an **envelope** that its named worker opens, its output is sealed in return. What the
//! envelope looks like is between requester, worker and validators (`docs/privacy.md`); the chain knows how long a prompt
//! is, and what the job commits to: a prompt, and the secret that its output is sealed with. In a dispute one of the two
//! is shown, and the other one is not.
//!
//! **A sealed output** is `NSA`, a version (2), a tag of 32 bytes, and the output under a key that follows from the tag:
//!
//! - tag: BLAKE2b-256 of a label, the secret, the subject and the output;
//! - key: BLAKE2b-256 of another label, the secret, the subject and the tag;
//! - ciphertext: ChaCha20 (RFC 8439) with this key, nonce and counter zero.
//!
//! The tag is the authentication and makes the key, as in SIV (Rogaway and Shrimpton, EUROCRYPT 2006): the same output
//! always gives the same bytes, and two outputs of one job share no keystream. The chain seals what it is shown, and
//! compares with what was claimed.

use crate::{ContentHash, Subject};
use alloc::vec::Vec;
use chacha20::{
	cipher::{KeyIvInit, StreamCipher},
	ChaCha20,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

const MAGIC: &[u8; 4] = b"NSA\x02";
const HEADER: usize = 36;

/// Bytes that a sealed output has beyond the output.
pub const OUTPUT_OVERHEAD: u32 = HEADER as u32;

/// Bytes that an envelope has beyond its prompt.
pub const SEAL_OVERHEAD: u32 = 100;

/// Bytes of the prompt in an envelope of `len` bytes; `None` when that is too short for one.
pub fn sealed_len(len: u32) -> Option<u32> {
	len.checked_sub(SEAL_OVERHEAD).filter(|len| *len > 0)
}

/// What a sealed job says of what it does not show: BLAKE2b-256 of a label and of two digests, that of the prompt
/// ([`PromptSeal::digest`]) and that of the secret of its output ([`OutputSeal::digest`]).
pub fn seal_commitment(prompt: ContentHash, output: ContentHash) -> ContentHash {
	ContentHash::of(&[b"noesis:sealed:2", &prompt.0[..], &output.0].concat())
}

/// What is shown beside a prompt that was sealed.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct PromptSeal {
	/// Follows from the key that opens the prompt and is as secret as it, so that nobody can check a guess.
	pub salt: [u8; 32],
	/// Digest of the secret of the output.
	pub output: ContentHash,
}

impl PromptSeal {
	/// BLAKE2b-256 of a label, the salt and the prompt.
	pub fn digest(&self, prompt: &[u8]) -> ContentHash {
		ContentHash::of(&[b"noesis:sealed:prompt:1", &self.salt[..], prompt].concat())
	}

	/// What a job with this prompt commits to.
	pub fn commitment(&self, prompt: &[u8]) -> ContentHash {
		seal_commitment(self.digest(prompt), self.output)
	}
}

/// What is shown beside an output that was sealed.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub struct OutputSeal {
	/// Opens the output, and nothing else.
	pub secret: [u8; 32],
	/// Digest of the prompt.
	pub prompt: ContentHash,
}

impl OutputSeal {
	/// BLAKE2b-256 of a label and the secret.
	pub fn digest(&self) -> ContentHash {
		ContentHash::of(&[b"noesis:sealed:output:1", &self.secret[..]].concat())
	}

	/// What a job with this secret commits to.
	pub fn commitment(&self) -> ContentHash {
		seal_commitment(self.prompt, self.digest())
	}

	/// The sealed output of `subject`.
	pub fn seal(&self, subject: &Subject, output: &[u8]) -> Vec<u8> {
		let tag = self.tag(subject, output);
		let mut bytes = [&MAGIC[..], &tag.0, output].concat();
		if let Some(output) = bytes.get_mut(HEADER..) {
			self.apply(subject, &tag, output);
		}
		bytes
	}

	/// The output in the sealed output of `subject`. Only the bytes that [`Self::seal`] makes are taken.
	pub fn open(&self, subject: &Subject, sealed: &[u8]) -> Option<Vec<u8>> {
		let (tag, ciphertext) = sealed.strip_prefix(MAGIC)?.split_first_chunk()?;
		let (tag, mut output) = (ContentHash(*tag), ciphertext.to_vec());
		self.apply(subject, &tag, &mut output);
		Some(output).filter(|output| self.tag(subject, output) == tag)
	}

	fn tag(&self, subject: &Subject, output: &[u8]) -> ContentHash {
		ContentHash::of(&[b"noesis:sealed:tag:1", &self.secret[..], &subject.encode(), output].concat())
	}

	/// Encrypts, or decrypts.
	fn apply(&self, subject: &Subject, tag: &ContentHash, output: &mut [u8]) {
		let secret = [b"noesis:sealed:key:1", &self.secret[..], &subject.encode(), &tag.0].concat();
		ChaCha20::new(&ContentHash::of(&secret).0.into(), &[0; 12].into()).apply_keystream(output);
	}
}

/// What an input is held against that somebody shows, and how an output is known by its hash.
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
	/// Whether `bytes` are what is computed from. A prompt that was sealed comes with its seal, any other input without.
	pub fn is_of(&self, seal: Option<&PromptSeal>, bytes: &[u8]) -> bool {
		match (self, seal) {
			(Self::Open(hash), None) => ContentHash::of(bytes) == *hash,
			(Self::Sealed(committed), Some(seal)) => seal.commitment(bytes) == *committed,
			_ => false,
		}
	}

	/// Whether `bytes` are the output of `subject` whose hash is `claimed`; of a sealed job, the hash of the sealed output.
	pub fn has_output(
		&self,
		subject: &Subject,
		claimed: ContentHash,
		seal: Option<&OutputSeal>,
		bytes: &[u8],
	) -> bool {
		match (self, seal) {
			(Self::Open(_), None) => ContentHash::of(bytes) == claimed,
			(Self::Sealed(committed), Some(seal)) => {
				seal.commitment() == *committed && ContentHash::of(&seal.seal(subject, bytes)) == claimed
			},
			_ => false,
		}
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use crate::JobId;
	use proptest::prelude::*;

	const JOB: Subject = Subject::Job(JobId(7));

	fn seals(salt: u8, secret: u8, prompt: &[u8]) -> (PromptSeal, OutputSeal) {
		let mut output = OutputSeal { secret: [secret; 32], prompt: ContentHash::default() };
		let seal = PromptSeal { salt: [salt; 32], output: output.digest() };
		output.prompt = seal.digest(prompt);
		(seal, output)
	}

	#[test]
	fn commitment_should_be_the_same_from_either_side_and_differ_when_anything_does() {
		let (prompt, output) = seals(1, 1, b"prompt");
		let one = prompt.commitment(b"prompt");
		assert_eq!(one, output.commitment());
		assert_ne!(one, prompt.commitment(b"prompu"));
		for (salt, secret) in [(2, 1), (1, 2)] {
			let (prompt, output) = seals(salt, secret, b"prompt");
			assert_ne!(one, prompt.commitment(b"prompt"));
			assert_ne!(one, output.commitment());
		}
	}

	#[test]
	fn input_should_be_known_by_its_mark_when_it_is_shown_as_it_should_be() {
		let (open, (seal, _)) = (InputMark::Open(ContentHash::of(b"prompt")), seals(7, 8, b"prompt"));
		let sealed = InputMark::Sealed(seal.commitment(b"prompt"));
		assert!(open.is_of(None, b"prompt") && sealed.is_of(Some(&seal), b"prompt"));
		assert!(!open.is_of(None, b"prompu") && !open.is_of(Some(&seal), b"prompt"));
		assert!(!sealed.is_of(Some(&seal), b"prompu") && !sealed.is_of(None, b"prompt"));
		assert!(!sealed.is_of(Some(&seals(8, 8, b"").0), b"prompt"));
	}

	#[test]
	fn output_should_be_known_by_its_hash_when_it_is_shown_as_it_should_be() {
		let (open, (_, seal)) = (InputMark::Open(ContentHash::default()), seals(7, 8, b"prompt"));
		let sealed = InputMark::Sealed(seal.commitment());
		let (plain, hidden) = (ContentHash::of(b"answer"), ContentHash::of(&seal.seal(&JOB, b"answer")));
		assert!(open.has_output(&JOB, plain, None, b"answer"));
		assert!(sealed.has_output(&JOB, hidden, Some(&seal), b"answer"));
		assert!(!open.has_output(&JOB, plain, None, b"answes"));
		assert!(!open.has_output(&JOB, hidden, Some(&seal), b"answer"));
		assert!(!sealed.has_output(&JOB, hidden, None, b"answer"));
		assert!(!sealed.has_output(&JOB, plain, Some(&seal), b"answer"));
		assert!(!sealed.has_output(&Subject::Job(JobId(8)), hidden, Some(&seal), b"answer"));
		// Another secret is none to which the job commits, and neither is that of another prompt.
		let (_, other) = seals(7, 9, b"prompt");
		let theirs = ContentHash::of(&other.seal(&JOB, b"answer"));
		assert!(!sealed.has_output(&JOB, theirs, Some(&other), b"answer"));
		let (_, other) = seals(7, 8, b"prompu");
		assert!(!sealed.has_output(&JOB, hidden, Some(&other), b"answer"));
	}

	#[test]
	fn outputs_should_share_no_keystream_when_they_differ() {
		let (_, seal) = seals(7, 8, b"prompt");
		let sealed = [seal.seal(&JOB, &[0; 64]), seal.seal(&JOB, &[1; 64])];
		let pairs = sealed[0][HEADER..].iter().zip(&sealed[1][HEADER..]);
		let same = pairs.filter(|(a, b)| **a ^ **b == 1).count();
		assert!(same < 16, "{same} of 64 bytes differ as the outputs do");
	}

	#[test]
	fn envelope_should_hold_a_prompt_when_it_is_longer_than_its_overhead() {
		assert_eq!([0, 99, 100].map(sealed_len), [None; 3]);
		assert_eq!((sealed_len(101), sealed_len(u32::MAX)), (Some(1), Some(u32::MAX - 100)));
	}

	proptest! {
		#[test]
		fn output_should_open_as_it_was_sealed_and_in_no_other_way(
			output in prop::collection::vec(any::<u8>(), 0..200),
			at in any::<prop::sample::Index>(),
			change in 1u8..,
		) {
			let (_, seal) = seals(7, 8, b"prompt");
			let mut sealed = seal.seal(&JOB, &output);
			prop_assert_eq!(sealed.len(), output.len() + HEADER);
			prop_assert_eq!(seal.open(&JOB, &sealed), Some(output));
			prop_assert_eq!(seal.open(&Subject::Job(JobId(8)), &sealed), None);
			prop_assert_eq!(seals(7, 9, b"prompt").1.open(&JOB, &sealed), None);
			let at = at.index(sealed.len());
			prop_assert_eq!(seal.open(&JOB, &sealed[..at]), None);
			sealed[at] ^= change;
			prop_assert_eq!(seal.open(&JOB, &sealed), None);
		}

		#[test]
		fn bytes_should_not_open_when_they_are_random(random in prop::collection::vec(any::<u8>(), 0..200)) {
			let (_, seal) = seals(7, 8, b"prompt");
			prop_assert_eq!(seal.open(&JOB, &random), None);
			prop_assert_eq!(seal.open(&JOB, &[&MAGIC[..], &random].concat()), None);
		}
	}
}
