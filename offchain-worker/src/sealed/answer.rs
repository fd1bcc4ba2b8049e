//! Sealed answers.
//!
//! | bytes | what |
//! |---|---|
//! | 0..3 | `NSA` |
//! | 3 | version, 1 |
//! | 4..36 | the answer's tag: HKDF of the content key, the subject and the answer |
//! | 36.. | the answer under a key that follows from content key, subject and tag, and a tag of 16 bytes |
//!
//! Whoever has the content key gets the same bytes for the same answer, so validators compare hashes as they do for open
//! jobs. Two answers of one job, of which one is wrong, are encrypted under two keys: the key follows from the answer.

use super::{
	aead::{self, TAG},
	secret::{expand, Secret},
	OpenError, OpenedJob, SealError,
};
use crate::store::MAX_BLOB;
use codec::Encode;
use noesis_primitives::{Claim, ContentHash, Subject};

const MAGIC: &[u8; 4] = b"NSA\x01";
const HEADER: usize = 36;

impl OpenedJob {
	fn answer_tag(&self, subject: Subject, answer: &[u8]) -> Secret {
		let key = self.key.child(&[b"noesis:seal:answer-tag:1", &subject.encode()]);
		expand(&*key, &[b"noesis:seal:tagged:1", answer])
	}

	fn answer_key(&self, subject: Subject, tag: &[u8]) -> Secret {
		self.key.child(&[b"noesis:seal:answer:1", tag, &subject.encode()])
	}

	/// Seals the answer of `subject`: always to the same bytes.
	pub fn seal_answer(&self, subject: Subject, answer: &[u8]) -> Result<Vec<u8>, SealError> {
		let (len, limit) = (answer.len(), MAX_BLOB.saturating_sub(HEADER + TAG));
		if len > limit {
			return Err(SealError::TooLong { len, limit });
		}
		let tag = self.answer_tag(subject, answer);
		let mut bytes = [&MAGIC[..], &tag[..]].concat();
		let sealed = aead::encrypt(&self.answer_key(subject, &tag[..]), &bytes, answer);
		bytes.extend_from_slice(&sealed);
		Ok(bytes)
	}

	/// Opens the answer of `subject`. Only the bytes that [`Self::seal_answer`] makes are taken.
	pub fn open_answer(&self, subject: Subject, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
		let (header, ciphertext) = sealed
			.split_at_checked(HEADER)
			.ok_or(OpenError::Malformed("a sealed answer has 52 bytes or more"))?;
		let tag = header.strip_prefix(MAGIC).ok_or(OpenError::Malformed(
			"the output is no sealed answer of version 1: it starts with other bytes",
		))?;
		let answer = aead::decrypt(&self.answer_key(subject, tag), header, ciphertext);
		answer.filter(|answer| self.answer_tag(subject, answer)[..] == *tag).ok_or(OpenError::Answer)
	}

	/// Puts the sealed answer in the place of an answer that was computed, and its hash into the claim: what goes on
	/// chain.
	pub fn seal_output(
		&self,
		subject: Subject,
		output: &mut Vec<u8>,
		claim: &mut Claim,
	) -> Result<(), SealError> {
		*output = self.seal_answer(subject, output)?;
		claim.output = ContentHash::of(output);
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::{seal_prompt, Context, Envelope, SealKey},
		*,
	};
	use crate::AccountId;
	use noesis_primitives::{JobId, Root, Usage};
	use proptest::prelude::*;

	const JOB: Subject = Subject::Job(JobId(7));

	fn opened() -> OpenedJob {
		let key = SealKey::random().unwrap();
		let context = Context { genesis: [1; 32], requester: AccountId::from([2; 32]) };
		let Envelope { bytes, commitment } = seal_prompt(&key, &key.public(), &context, b"prompt").unwrap();
		OpenedJob::open(&key, &context, commitment, &bytes).unwrap()
	}

	#[test]
	fn answer_should_have_the_same_bytes_when_sealed_again() {
		let job = opened();
		let sealed = job.seal_answer(JOB, b"answer").unwrap();
		assert_eq!(job.clone().seal_answer(JOB, b"answer").unwrap(), sealed);
		assert_eq!(job.open_answer(JOB, &sealed).unwrap(), b"answer");
		let empty = job.seal_answer(JOB, b"").unwrap();
		assert_eq!(job.open_answer(JOB, &empty).unwrap(), b"");
	}

	#[test]
	fn answers_should_share_no_keystream_when_they_differ() {
		let job = opened();
		let sealed = [job.seal_answer(JOB, &[0; 64]).unwrap(), job.seal_answer(JOB, &[1; 64]).unwrap()];
		let same =
			sealed[0][HEADER..].iter().zip(&sealed[1][HEADER..]).filter(|(a, b)| **a ^ **b == 1).count();
		assert!(same < 16, "{same} of 80 bytes differ as the answers do");
	}

	#[test]
	fn answer_should_stay_shut_when_job_or_key_is_another() {
		let job = opened();
		let sealed = job.seal_answer(JOB, b"answer").unwrap();
		assert_eq!(job.open_answer(Subject::Job(JobId(8)), &sealed), Err(OpenError::Answer));
		assert_eq!(opened().open_answer(JOB, &sealed), Err(OpenError::Answer));
		assert_ne!(job.seal_answer(Subject::Job(JobId(8)), b"answer").unwrap(), sealed);
	}

	#[test]
	fn claim_should_name_the_ciphertext_when_an_output_was_sealed() {
		let job = opened();
		let mut output = b"answer".to_vec();
		let hash = ContentHash::of(&output);
		let mut claim = Claim { root: Root([0; 32]), leaves: 1, output: hash, usage: Usage::default() };
		job.seal_output(JOB, &mut output, &mut claim).unwrap();
		assert_eq!(claim.output, ContentHash::of(&output));
		assert_ne!(claim.output, hash);
		assert_eq!(job.open_answer(JOB, &output).unwrap(), b"answer");
		let limit = MAX_BLOB - HEADER - TAG;
		assert_eq!(job.seal_answer(JOB, &vec![0; limit]).unwrap().len(), MAX_BLOB);
		assert!(matches!(job.seal_answer(JOB, &vec![0; limit + 1]), Err(SealError::TooLong { .. })));
	}

	proptest! {
		#[test]
		fn answer_should_stay_shut_when_any_byte_changed_or_is_missing(
			answer in prop::collection::vec(any::<u8>(), 0..200),
			at in any::<prop::sample::Index>(),
			change in 1u8..,
		) {
			let job = opened();
			let mut sealed = job.seal_answer(JOB, &answer).unwrap();
			prop_assert_eq!(&job.open_answer(JOB, &sealed).unwrap(), &answer);
			let at = at.index(sealed.len());
			prop_assert!(job.open_answer(JOB, &sealed[..at]).is_err());
			sealed[at] ^= change;
			prop_assert!(job.open_answer(JOB, &sealed).is_err());
		}

		#[test]
		fn bytes_should_give_an_error_when_they_are_random(random in prop::collection::vec(any::<u8>(), 0..200)) {
			let job = opened();
			prop_assert!(job.open_answer(JOB, &random).is_err());
			prop_assert!(job.open_answer(JOB, &[&MAGIC[..], &random].concat()).is_err());
		}
	}
}
