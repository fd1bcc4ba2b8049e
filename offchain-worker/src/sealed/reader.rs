//! Opens sealed jobs with what this key has: as their requester, as their worker, or with a content key that was handed
//! to it.

use super::{Context, Keyring, OpenError, OpenedJob};
use crate::{keys::Keys, AccountId};
use noesis_primitives::{ContentHash, DisputedSubject, JobId, JobView, Subject};
use std::path::Path;

/// A sealed job as the chain shows it.
#[derive(Clone, Copy, Debug)]
pub struct SealedJob {
	/// Its number.
	pub id: JobId,
	/// Who sealed it.
	pub requester: AccountId,
	/// For whom.
	pub worker: Option<AccountId>,
	/// What it commits to.
	pub committed: ContentHash,
}

impl SealedJob {
	/// The job, if it is sealed.
	pub fn of(view: &JobView<AccountId>) -> Option<Self> {
		let (id, requester, worker) = (view.id, view.requester, view.spec.worker);
		view.spec.sealed.map(|committed| Self { id, requester, worker, committed })
	}

	/// The job that is a subject, if it is sealed.
	pub fn of_subject(subject: Subject, disputed: &DisputedSubject<AccountId>) -> Option<Self> {
		let Subject::Job(id) = subject else { return None };
		let (requester, worker) = (disputed.requester, Some(disputed.worker));
		disputed.sealed.map(|committed| Self { id, requester, worker, committed })
	}

	/// What it is about, for the sealing of its answer.
	pub fn subject(&self) -> Subject {
		Subject::Job(self.id)
	}
}

/// Why a sealed job is not opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReadError {
	/// This key has no part in it.
	#[error("job {0} is sealed: only its requester, its worker and its panel can check it; pass the key of one of the first two")]
	NotOurs(JobId),
	/// It does not open.
	#[error("sealed job {job}: {why}")]
	Shut {
		/// Which.
		job: JobId,
		/// Why.
		why: OpenError,
	},
}

/// Opens what one key may read on one chain.
#[derive(Clone)]
pub struct Reader {
	keys: Keys,
	genesis: [u8; 32],
	keyring: Option<Keyring>,
}

impl Reader {
	/// The reader with `keys`, on the chain whose first block is `genesis`.
	pub fn new(keys: Keys, genesis: [u8; 32]) -> Self {
		Self { keys, genesis, keyring: None }
	}

	/// The same, keeping the content keys that it is handed in `folder`.
	pub fn keeping(self, folder: &Path) -> Self {
		let folder = folder.join("content-keys");
		let keyring = Keyring::new(folder, self.keys.seal().clone(), self.genesis, self.keys.account());
		Self { keyring: Some(keyring), ..self }
	}

	/// Opens the input of a job.
	pub fn open(&self, job: &SealedJob, input: &[u8]) -> Result<OpenedJob, ReadError> {
		let me = self.keys.account();
		// A key that was kept of a job of this number on another fork opens nothing.
		let kept = self.keyring.as_ref().and_then(|keyring| keyring.get(job.id));
		if let Some(opened) = kept.and_then(|key| OpenedJob::open_with(key, job.committed, input).ok()) {
			return Ok(opened);
		}
		let opened = if job.worker == Some(me) {
			let context = Context { genesis: self.genesis, requester: job.requester };
			OpenedJob::open(self.keys.seal(), &context, job.committed, input)
		} else if job.requester == me {
			OpenedJob::recover(self.keys.seal(), job.committed, input)
		} else {
			return Err(ReadError::NotOurs(job.id));
		};
		opened.map_err(|why| ReadError::Shut { job: job.id, why })
	}

	/// Keeps the content key of a job that somebody handed out. Without a place for it nothing is kept.
	pub fn keep(&self, job: JobId, opened: &OpenedJob) {
		let Some(keyring) = &self.keyring else { return };
		if let Err(error) = keyring.put(job, opened.content_key()) {
			tracing::warn!(%job, %error, "the content key is not kept: this job can't be defended after a restart");
		}
	}
}

#[cfg(test)]
mod tests {
	use super::{super::seal_prompt, *};

	const GENESIS: [u8; 32] = [1; 32];

	fn keys(suri: &str) -> Keys {
		Keys::from_suri(suri).unwrap()
	}

	/// A prompt of Charlie for Alice.
	fn sealed() -> (SealedJob, Vec<u8>) {
		let (alice, charlie) = (keys("//Alice"), keys("//Charlie"));
		let context = Context { genesis: GENESIS, requester: charlie.account() };
		let envelope = seal_prompt(charlie.seal(), &alice.seal().public(), &context, b"the prompt").unwrap();
		let (requester, worker) = (charlie.account(), Some(alice.account()));
		(SealedJob { id: JobId(7), requester, worker, committed: envelope.commitment }, envelope.bytes)
	}

	#[test]
	fn job_should_open_when_the_key_has_a_part_in_it() {
		let (job, input) = sealed();
		for suri in ["//Alice", "//Charlie"] {
			let opened = Reader::new(keys(suri), GENESIS).open(&job, &input).unwrap();
			assert_eq!(opened.prompt(), b"the prompt");
		}
		let bob = Reader::new(keys("//Bob"), GENESIS);
		assert_eq!(bob.open(&job, &input).unwrap_err(), ReadError::NotOurs(JobId(7)));
	}

	#[test]
	fn job_should_open_after_a_restart_when_its_content_key_was_kept() {
		let (job, input) = sealed();
		let dir = tempfile::tempdir().unwrap();
		let opened = Reader::new(keys("//Alice"), GENESIS).open(&job, &input).unwrap();
		Reader::new(keys("//Bob"), GENESIS).keeping(dir.path()).keep(job.id, &opened);
		let bob = Reader::new(keys("//Bob"), GENESIS).keeping(dir.path());
		assert_eq!(bob.open(&job, &input).unwrap().prompt(), b"the prompt");
		let other = SealedJob { id: JobId(8), ..job };
		assert_eq!(bob.open(&other, &input).unwrap_err(), ReadError::NotOurs(JobId(8)));
	}

	#[test]
	fn job_should_stay_shut_when_its_envelope_was_made_for_another_requester() {
		let (job, input) = sealed();
		let stolen = SealedJob { requester: keys("//Bob").account(), ..job };
		let error = Reader::new(keys("//Alice"), GENESIS).open(&stolen, &input).unwrap_err();
		assert_eq!(error, ReadError::Shut { job: JobId(7), why: OpenError::NotForUs });
		let error = Reader::new(keys("//Bob"), GENESIS).open(&stolen, &input).unwrap_err();
		assert_eq!(error, ReadError::Shut { job: JobId(7), why: OpenError::WrongKey });
	}
}
