//! Sealed answers: the outputs of sealed jobs, as [`OutputSeal`](noesis_primitives::OutputSeal) seals them.
//!
//! Whoever has the content key gets the same bytes for the same answer, so validators compare hashes as they do for open
//! jobs.

use super::{OpenError, OpenedJob, SealError};
use crate::store::MAX_BLOB;
use noesis_primitives::{Claim, ContentHash, Subject, OUTPUT_OVERHEAD};

impl OpenedJob {
	/// Seals the answer of `subject`: always to the same bytes.
	pub fn seal_answer(&self, subject: Subject, answer: &[u8]) -> Result<Vec<u8>, SealError> {
		let (len, limit) = (answer.len(), MAX_BLOB.saturating_sub(OUTPUT_OVERHEAD as usize));
		match len > limit {
			true => Err(SealError::TooLong { len, limit }),
			false => Ok(self.seals().output.seal(&subject, answer)),
		}
	}

	/// Opens the answer of `subject`. Only the bytes that [`Self::seal_answer`] makes are taken.
	pub fn open_answer(&self, subject: Subject, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
		self.seals().output.open(&subject, sealed).ok_or(OpenError::Answer)
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
		let limit = MAX_BLOB - OUTPUT_OVERHEAD as usize;
		assert_eq!(job.seal_answer(JOB, &vec![0; limit]).unwrap().len(), MAX_BLOB);
		assert!(matches!(job.seal_answer(JOB, &vec![0; limit + 1]), Err(SealError::TooLong { .. })));
	}
}
