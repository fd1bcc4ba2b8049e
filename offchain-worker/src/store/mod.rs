//! Content-addressed blobs on disk: what this operator made, and what others gave it to keep.
//!
//! A blob is a file named by its hash. The two kinds have room of their own, so that strangers who fill theirs
//! push out nothing but older gifts of strangers.

mod fetch;
mod server;

pub use fetch::{locator_text, FetchError, Fetcher};
pub use server::{serve, Served, StoreServer};

use noesis_primitives::ContentHash;
use std::{
	fs, io,
	path::{Path, PathBuf},
	sync::Mutex,
	time::SystemTime,
};

/// Largest blob that somebody may bring, in bytes.
pub const MAX_BLOB: usize = 1 << 20;
/// Largest blob that an operator may keep and give: the results of a batch.
pub const MAX_OWN_BLOB: usize = 4 << 20;

/// Why a blob is not kept or not given.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
	/// The disk said no.
	#[error("store at {path}: {source}")]
	Disk {
		/// Where.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// The blob is too large.
	#[error("a blob has at most {limit} bytes, this one has {len}")]
	TooLarge {
		/// What it has.
		len: usize,
		/// What it may have.
		limit: usize,
	},
	/// The file's bytes are others than when it was written.
	#[error("the stored blob {0} is damaged and was removed")]
	Damaged(ContentHash),
}

/// Who brought a blob.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
	/// This operator.
	Own,
	/// Somebody else.
	Guest,
}

impl Origin {
	fn folder(self) -> &'static str {
		match self {
			Self::Own => "own",
			Self::Guest => "guests",
		}
	}

	fn limit(self) -> usize {
		match self {
			Self::Own => MAX_OWN_BLOB,
			Self::Guest => MAX_BLOB,
		}
	}
}

/// A folder of blobs.
#[derive(Debug)]
pub struct Store {
	dir: PathBuf,
	/// Bytes that each kind may take.
	room: u64,
	/// Held while a blob is written and older ones make place. What each kind takes, as far as was counted and not more
	/// than that: counting anew for every blob would take as long as there are blobs.
	writing: Mutex<[Option<u64>; 2]>,
}

impl Store {
	/// The store in `dir`, which is made if it is not there. Each kind of blob may take `room` bytes.
	pub fn open(dir: &Path, room: u64) -> Result<Self, StoreError> {
		for origin in [Origin::Own, Origin::Guest] {
			let path = dir.join(origin.folder());
			fs::create_dir_all(&path).map_err(|source| StoreError::Disk { path, source })?;
		}
		Ok(Self { dir: dir.into(), room, writing: Mutex::default() })
	}

	/// The folder that it is in.
	pub fn folder(&self) -> &Path {
		&self.dir
	}

	fn path(&self, origin: Origin, hash: ContentHash) -> PathBuf {
		self.dir.join(origin.folder()).join(hash.to_string())
	}

	/// Keeps a blob; the oldest of its kind make place for it.
	pub fn put(&self, origin: Origin, bytes: &[u8]) -> Result<ContentHash, StoreError> {
		let (len, limit) = (bytes.len(), origin.limit());
		if len > limit {
			return Err(StoreError::TooLarge { len, limit });
		}
		let hash = ContentHash::of(bytes);
		let path = self.path(origin, hash);
		let disk = |source| StoreError::Disk { path: path.clone(), source };
		let mut counted = self.writing.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
		if path.exists() {
			return Ok(hash);
		}
		let [own, guests] = &mut *counted;
		let taken = match origin {
			Origin::Own => own,
			Origin::Guest => guests,
		};
		*taken = match taken.map(|taken| taken.saturating_add(len as u64)).filter(|taken| *taken <= self.room)
		{
			None => Some(self.make_place(origin, len as u64).map_err(disk)?),
			enough => enough,
		};
		let unfinished = path.with_extension("part");
		fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path)).map_err(disk)?;
		Ok(hash)
	}

	/// A blob, if it is here and whole.
	pub fn get(&self, hash: ContentHash) -> Result<Option<Vec<u8>>, StoreError> {
		for origin in [Origin::Own, Origin::Guest] {
			let path = self.path(origin, hash);
			let bytes = match fs::read(&path) {
				Ok(bytes) => bytes,
				Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
				Err(source) => return Err(StoreError::Disk { path, source }),
			};
			if ContentHash::of(&bytes) != hash {
				fs::remove_file(&path).map_err(|source| StoreError::Disk { path, source })?;
				return Err(StoreError::Damaged(hash));
			}
			return Ok(Some(bytes));
		}
		Ok(None)
	}

	/// Makes place for so many bytes; returns what all take with them.
	fn make_place(&self, origin: Origin, bytes: u64) -> io::Result<u64> {
		let mut files = Vec::new();
		for entry in fs::read_dir(self.dir.join(origin.folder()))? {
			let entry = entry?;
			let meta = entry.metadata()?;
			files.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), meta.len(), entry.path()));
		}
		files.sort();
		let mut taken: u64 = files.iter().map(|(_, len, _)| len).sum::<u64>().saturating_add(bytes);
		for (_, len, path) in files {
			if taken <= self.room {
				break;
			}
			fs::remove_file(path)?;
			taken = taken.saturating_sub(len);
		}
		Ok(taken)
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn blob_should_come_back_when_it_was_put() {
		let dir = tempfile::tempdir().unwrap();
		let store = Store::open(dir.path(), 1 << 20).unwrap();
		let hash = store.put(Origin::Own, b"hello").unwrap();
		assert_eq!(hash, ContentHash::of(b"hello"));
		assert_eq!(store.get(hash).unwrap().as_deref(), Some(&b"hello"[..]));
		assert_eq!(store.get(ContentHash::of(b"other")).unwrap(), None);
		for (origin, most) in [(Origin::Own, MAX_OWN_BLOB), (Origin::Guest, MAX_BLOB)] {
			let put = |len| store.put(origin, &vec![0; len]);
			assert!(put(most).is_ok());
			assert!(matches!(put(most + 1), Err(StoreError::TooLarge { .. })));
		}
	}

	#[test]
	fn blob_should_be_refused_when_the_disk_changed_it() {
		let dir = tempfile::tempdir().unwrap();
		let store = Store::open(dir.path(), 1 << 20).unwrap();
		let hash = store.put(Origin::Guest, b"hello").unwrap();
		fs::write(dir.path().join("guests").join(hash.to_string()), b"hellx").unwrap();
		assert!(matches!(store.get(hash), Err(StoreError::Damaged(_))));
		assert_eq!(store.get(hash).unwrap(), None);
	}

	#[test]
	fn guests_should_push_out_only_guests_when_their_room_is_full() {
		let dir = tempfile::tempdir().unwrap();
		let store = Store::open(dir.path(), 100).unwrap();
		let own = store.put(Origin::Own, &[1; 90]).unwrap();
		let first = store.put(Origin::Guest, &[2; 60]).unwrap();
		let second = store.put(Origin::Guest, &[3; 60]).unwrap();
		assert!(store.get(own).unwrap().is_some());
		assert!(store.get(first).unwrap().is_none());
		assert!(store.get(second).unwrap().is_some());
	}
}
