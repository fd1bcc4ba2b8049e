//! Content keys that were handed to this process, kept for as long as it may have to answer for what it said of the jobs.

use super::{wrap::Wrapped, ContentKey, SealError, SealKey};
use crate::AccountId;
use codec::{DecodeAll, Encode};
use noesis_primitives::JobId;
use std::{fs, io, path::PathBuf};

const PURPOSE: &[u8] = b"noesis:seal:keep:1";
/// Jobs whose keys are kept.
const KEPT: usize = 4096;

/// Why a content key can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
	/// The disk said no.
	#[error("content key at {path}: {source}")]
	Disk {
		/// Where.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// It could not be wrapped.
	#[error(transparent)]
	Seal(#[from] SealError),
}

/// A folder with a file for each job: its content key, wrapped for the own seal key. Whoever has the disk alone reads
/// nothing.
#[derive(Clone, Debug)]
pub struct Keyring {
	folder: PathBuf,
	seal: SealKey,
	genesis: [u8; 32],
	account: AccountId,
}

impl Keyring {
	/// The keyring in `folder` of the account with this seal key, on the chain whose first block is `genesis`.
	pub fn new(folder: PathBuf, seal: SealKey, genesis: [u8; 32], account: AccountId) -> Self {
		Self { folder, seal, genesis, account }
	}

	fn binding(&self, job: JobId) -> Vec<u8> {
		(self.genesis, job, self.account.0).encode()
	}

	fn path(&self, job: JobId) -> PathBuf {
		self.folder.join(job.to_string())
	}

	/// Keeps the content key of `job`; the oldest jobs make place.
	pub fn put(&self, job: JobId, key: &ContentKey) -> Result<(), KeyringError> {
		let wrapped =
			Wrapped::new(key, &SealKey::random()?, &self.seal.public(), PURPOSE, &self.binding(job))?;
		let path = self.path(job);
		let disk = |source| KeyringError::Disk { path: path.clone(), source };
		fs::create_dir_all(&self.folder).map_err(disk)?;
		let unfinished = path.with_extension("part");
		fs::write(&unfinished, wrapped.encode())
			.and_then(|()| fs::rename(&unfinished, &path))
			.and_then(|()| self.make_place())
			.map_err(disk)
	}

	/// The content key of `job`, if it was kept.
	pub fn get(&self, job: JobId) -> Option<ContentKey> {
		let bytes = fs::read(self.path(job)).ok()?;
		let wrapped = Wrapped::decode_all(&mut bytes.as_slice()).ok()?;
		wrapped.open(&self.seal, PURPOSE, &self.binding(job))
	}

	fn make_place(&self) -> io::Result<()> {
		let mut jobs = Vec::new();
		for entry in fs::read_dir(&self.folder)? {
			jobs.extend(entry?.file_name().to_str().and_then(|name| name.parse::<u64>().ok()).map(JobId));
		}
		jobs.sort_unstable();
		let surplus = jobs.len().saturating_sub(KEPT);
		jobs.into_iter().take(surplus).try_for_each(|job| fs::remove_file(self.path(job)))
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn keyring(folder: &std::path::Path, seal: &SealKey) -> Keyring {
		Keyring::new(folder.join("keys"), seal.clone(), [1; 32], AccountId::from([2; 32]))
	}

	#[test]
	fn key_should_come_back_when_the_process_starts_again() {
		let (dir, seal) = (tempfile::tempdir().unwrap(), SealKey::random().unwrap());
		let key = ContentKey::from_bytes([9; 32]);
		assert!(keyring(dir.path(), &seal).get(JobId(7)).is_none());
		keyring(dir.path(), &seal).put(JobId(7), &key).unwrap();
		assert_eq!(keyring(dir.path(), &seal).get(JobId(7)).unwrap().bytes(), key.bytes());
		let file = fs::read(dir.path().join("keys/7")).unwrap();
		assert!(!file.windows(32).any(|window| window == key.bytes()), "the key lies open on the disk");
	}

	#[test]
	fn key_should_stay_shut_when_job_or_owner_is_another() {
		let (dir, seal) = (tempfile::tempdir().unwrap(), SealKey::random().unwrap());
		let keys = keyring(dir.path(), &seal);
		keys.put(JobId(7), &ContentKey::from_bytes([9; 32])).unwrap();
		fs::copy(keys.path(JobId(7)), keys.path(JobId(8))).unwrap();
		assert!(keys.get(JobId(8)).is_none());
		assert!(keyring(dir.path(), &SealKey::random().unwrap()).get(JobId(7)).is_none());
		fs::write(keys.path(JobId(7)), b"nonsense").unwrap();
		assert!(keys.get(JobId(7)).is_none());
	}

	#[test]
	fn oldest_jobs_should_make_place_when_there_are_too_many() {
		let (dir, seal) = (tempfile::tempdir().unwrap(), SealKey::random().unwrap());
		let keys = keyring(dir.path(), &seal);
		fs::create_dir_all(&keys.folder).unwrap();
		(0..KEPT as u64).for_each(|job| fs::write(keys.path(JobId(job)), b"").unwrap());
		keys.put(JobId(10_000), &ContentKey::from_bytes([9; 32])).unwrap();
		assert!(!keys.path(JobId(0)).exists() && keys.path(JobId(1)).exists());
		assert!(keys.get(JobId(10_000)).is_some());
	}
}
