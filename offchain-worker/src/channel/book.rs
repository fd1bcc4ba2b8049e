//! What a side keeps of a channel, in one file that is replaced as a whole.

use super::{Signature, SignedTally};
use crate::AccountId;
use noesis_primitives::{
	merkle::{self, Node},
	Balance, ChannelId, ContentHash, JobKind, Root, Tally, Turn,
};
use serde::{Deserialize, Serialize};
use std::{
	fs::{self, File, TryLockError},
	io::{self, Write},
	path::{Path, PathBuf},
};

/// Where the books of the chain with this genesis block are in a folder.
pub fn folder(base: &Path, genesis: &[u8; 32]) -> PathBuf {
	base.join(genesis.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Why a book can't be used.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
	/// The disk said no.
	#[error("channel file {path}: {source}")]
	File {
		/// Which.
		path: PathBuf,
		/// Why.
		source: io::Error,
	},
	/// The file holds something else.
	#[error("channel file {path} is damaged ({reason}): restore it, or close the channel without it")]
	Damaged {
		/// Which.
		path: PathBuf,
		/// Why.
		reason: String,
	},
	/// The file is of another channel.
	#[error("channel file {path} is of another channel or chain: name another folder")]
	Foreign {
		/// Which.
		path: PathBuf,
	},
	/// Two processes would overwrite each other's turns.
	#[error("another process uses the channel file {path}: wait until it is done")]
	Busy {
		/// Which.
		path: PathBuf,
	},
}

/// A turn that the requester asked for and has not seen answered.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Pending {
	/// What to compute.
	pub kind: JobKind,
	/// Hash of what to compute it from; the bytes are in the store beside the book.
	pub input: ContentHash,
}

/// Why a worker serves no more turns.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Ending {
	/// The requester asked for it.
	Asked,
	/// Nothing that is left of the escrow or the cap pays for another turn.
	SpentUp,
}

/// What a side knows of a channel.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Book {
	/// Hash of the chain's genesis block.
	pub genesis: ContentHash,
	/// The channel.
	pub channel: ChannelId,
	/// Who pays.
	pub requester: AccountId,
	/// Who serves.
	pub worker: AccountId,
	/// All turns.
	pub turns: Vec<Turn>,
	/// The latest tally that the requester signed.
	pub by_requester: Option<SignedTally>,
	/// The latest tally that the worker signed; kept by the requester.
	pub by_worker: Option<SignedTally>,
	/// Turns over which the worker has the requester's signature, as far as the requester knows.
	pub delivered: u32,
	/// What the requester has asked and not seen answered.
	pub pending: Option<Pending>,
	/// Why the worker serves no more.
	pub ending: Option<Ending>,
	/// The least that the worker has ever reckoned that all turns may cost: the chain holds to the surcharges of the
	/// offer, whatever they are later.
	pub spendable: Option<Balance>,
}

impl Book {
	/// Before the first turn.
	pub fn new(genesis: [u8; 32], channel: ChannelId, requester: AccountId, worker: AccountId) -> Self {
		Self {
			genesis: ContentHash(genesis),
			channel,
			requester,
			worker,
			turns: Vec::new(),
			by_requester: None,
			by_worker: None,
			delivered: 0,
			pending: None,
			ending: None,
			spendable: None,
		}
	}

	/// The number of the next turn.
	pub fn next(&self) -> u32 {
		u32::try_from(self.turns.len()).unwrap_or(u32::MAX)
	}

	/// What all turns cost together.
	pub fn spent(&self) -> Balance {
		self.turns.last().map_or(0, |turn| turn.spent)
	}

	fn leaves(&self) -> Vec<Node> {
		self.turns.iter().map(Turn::leaf).collect()
	}

	/// The tally over all turns.
	pub fn tally(&self) -> Tally {
		let root = Root(merkle::root(&self.leaves()));
		Tally { channel: self.channel, turns: self.next(), root, spent: self.spent() }
	}

	/// The tally when `turn` comes after the last.
	pub fn tally_with(&self, turn: &Turn) -> Tally {
		let mut leaves = self.leaves();
		leaves.push(turn.leaf());
		let root = Root(merkle::root(&leaves));
		Tally { channel: self.channel, turns: self.next().saturating_add(1), root, spent: turn.spent }
	}

	/// Turns over which the requester's signature is here.
	pub fn signed(&self) -> u32 {
		self.by_requester.map_or(0, |signed| signed.tally.turns)
	}

	/// Turn `index`, and its path in the tree that `tally` commits to. `None` when these turns are not here.
	pub fn show(&self, tally: &Tally, index: u32) -> Option<(Turn, Vec<Node>)> {
		let leaves = self.leaves();
		let leaves = leaves.get(..tally.turns as usize)?;
		let turn = self.turns.get(index as usize)?;
		let path = merkle::path(leaves, index)?;
		merkle::verify(&tally.root.0, tally.turns, index, turn.leaf(), &path).then_some((*turn, path))
	}

	/// What is wrong with it, if it could not have been written here.
	fn fault(&self) -> Option<&'static str> {
		let in_order = self
			.turns
			.iter()
			.zip(0u32..)
			.all(|(turn, index)| turn.channel == self.channel && turn.index == index);
		let rising = self.turns.windows(2).all(|pair| matches!(pair, [a, b] if a.spent <= b.spent));
		let genesis = &self.genesis.0;
		let holds = |signed: &Option<SignedTally>, who| {
			signed.is_none_or(|signed| {
				signed.is_of(who, genesis)
					&& self.turns.get(..signed.tally.turns as usize).is_some_and(|turns| {
						let leaves: Vec<Node> = turns.iter().map(Turn::leaf).collect();
						signed.tally.root.0 == merkle::root(&leaves)
					})
			})
		};
		if !in_order || !rising {
			return Some("its turns are not in order");
		}
		if !holds(&self.by_requester, &self.requester) {
			return Some("the requester's signature is not over its turns");
		}
		if !holds(&self.by_worker, &self.worker) {
			return Some("the worker's signature is not over its turns");
		}
		None
	}

	/// The requester's signature as a close or a contest shows it; none before the first turn.
	pub fn closing(&self) -> (Tally, Option<Signature>) {
		let empty = (Tally::empty(self.channel), None);
		self.by_requester.map_or(empty, |signed| (signed.tally, Some(signed.signature)))
	}
}

/// A book in its file. Nobody else can open it meanwhile.
#[derive(Debug)]
pub struct BookFile {
	path: PathBuf,
	book: Book,
	_lock: File,
}

impl BookFile {
	/// Where the book of a channel is in a folder.
	fn path(dir: &Path, channel: ChannelId) -> PathBuf {
		dir.join(format!("{channel}.json"))
	}

	/// Opens the book of `new`'s channel, which is `new` if there is none in the folder.
	pub fn open(dir: &Path, new: Book) -> Result<Self, BookError> {
		let path = Self::path(dir, new.channel);
		let file = |source| BookError::File { path: path.clone(), source };
		fs::create_dir_all(dir).map_err(file)?;
		let lock = File::create(path.with_extension("lock")).map_err(file)?;
		lock.try_lock().map_err(|error| match error {
			TryLockError::WouldBlock => BookError::Busy { path: path.clone() },
			TryLockError::Error(source) => BookError::File { path: path.clone(), source },
		})?;
		let book = match Self::read(&path)? {
			None => new,
			Some(book) => {
				let same = book.channel == new.channel
					&& book.genesis == new.genesis
					&& book.requester == new.requester
					&& book.worker == new.worker;
				if !same {
					return Err(BookError::Foreign { path });
				}
				book
			},
		};
		Ok(Self { path, book, _lock: lock })
	}

	/// The book of a channel in a folder, if there is one, to look at.
	pub fn peek(dir: &Path, channel: ChannelId) -> Result<Option<Book>, BookError> {
		Self::read(&Self::path(dir, channel))
	}

	/// The channels that a folder has books of.
	pub fn list(dir: &Path) -> Vec<ChannelId> {
		let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
		let number = |path: PathBuf| {
			let is_book = path.extension().is_some_and(|extension| extension == "json");
			path.file_stem().filter(|_| is_book)?.to_str()?.parse().ok().map(ChannelId)
		};
		entries.filter_map(|entry| number(entry.ok()?.path())).collect()
	}

	fn read(path: &Path) -> Result<Option<Book>, BookError> {
		let text = match fs::read_to_string(path) {
			Ok(text) => text,
			Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
			Err(source) => return Err(BookError::File { path: path.into(), source }),
		};
		let damaged = |reason: String| BookError::Damaged { path: path.into(), reason };
		let book: Book = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
		match book.fault() {
			Some(fault) => Err(damaged(fault.to_owned())),
			None => Ok(Some(book)),
		}
	}

	/// What it holds.
	pub fn book(&self) -> &Book {
		&self.book
	}

	/// Changes the book, on the disk first: when this returns, the change survives a crash.
	pub fn update(&mut self, change: impl FnOnce(&mut Book)) -> Result<(), BookError> {
		let mut book = self.book.clone();
		change(&mut book);
		if book == self.book {
			return Ok(());
		}
		let file = |source| BookError::File { path: self.path.clone(), source };
		let text = serde_json::to_vec(&book).map_err(|error| file(error.into()))?;
		let unfinished = self.path.with_extension("part");
		let mut out = File::create(&unfinished).map_err(file)?;
		out.write_all(&text).and_then(|()| out.sync_all()).map_err(file)?;
		fs::rename(&unfinished, &self.path).map_err(file)?;
		#[cfg(unix)]
		if let Some(dir) = self.path.parent() {
			File::open(dir).and_then(|dir| dir.sync_all()).map_err(file)?;
		}
		self.book = book;
		Ok(())
	}
}

#[cfg(test)]
pub(super) mod tests {
	use super::*;
	use crate::keys::Keys;
	use noesis_primitives::{Claim, GenerateParams, InputFormat, Usage};
	use proptest::prelude::*;
	use std::sync::LazyLock;

	pub(crate) const GENESIS: [u8; 32] = [9; 32];

	static KEYS: LazyLock<[Keys; 2]> =
		LazyLock::new(|| ["//Alice", "//Bob"].map(|suri| Keys::from_suri(suri).unwrap()));

	pub(crate) fn alice() -> Keys {
		KEYS[0].clone()
	}

	pub(crate) fn bob() -> Keys {
		KEYS[1].clone()
	}

	/// Alice's channel to Bob after so many turns.
	fn unsigned(turns: u32) -> Book {
		let mut book = Book::new(GENESIS, ChannelId(3), alice().account(), bob().account());
		for index in 0..turns {
			let usage = Usage { input_tokens: 2, output_tokens: 3 };
			let output = ContentHash::of(&[index as u8]);
			book.turns.push(Turn {
				channel: book.channel,
				index,
				kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 3)),
				input: ContentHash::of(b"input"),
				input_bytes: 5,
				output_bytes: 1,
				claim: Claim { root: Root([1; 32]), leaves: 4, output, usage },
				spent: u128::from(index) * 10 + 10,
			});
		}
		book
	}

	/// The same, signed by both. Signatures are random: no two books are equal.
	pub(crate) fn book(turns: u32) -> Book {
		let mut book = unsigned(turns);
		if turns > 0 {
			book.by_requester = Some(SignedTally::new(&alice(), &GENESIS, book.tally()));
			book.by_worker = Some(SignedTally::new(&bob(), &GENESIS, book.tally()));
		}
		book
	}

	#[test]
	fn book_should_come_back_when_it_is_opened_again() {
		let dir = tempfile::tempdir().unwrap();
		let empty = book(0);
		let mut file = BookFile::open(dir.path(), empty.clone()).unwrap();
		assert!(matches!(BookFile::open(dir.path(), empty.clone()), Err(BookError::Busy { .. })));
		let five = book(5);
		file.update(|kept| *kept = five.clone()).unwrap();
		drop(file);
		let file = BookFile::open(dir.path(), empty.clone()).unwrap();
		assert_eq!(*file.book(), five);
		assert_eq!(BookFile::peek(dir.path(), ChannelId(3)).unwrap(), Some(five));
		assert_eq!(BookFile::list(dir.path()), [ChannelId(3)]);
		drop(file);
		let foreign = Book { worker: alice().account(), ..empty };
		assert!(matches!(BookFile::open(dir.path(), foreign), Err(BookError::Foreign { .. })));
	}

	#[test]
	fn last_whole_book_should_stay_when_a_write_was_cut_off() {
		let dir = tempfile::tempdir().unwrap();
		let mut file = BookFile::open(dir.path(), book(0)).unwrap();
		let two = book(2);
		file.update(|kept| *kept = two.clone()).unwrap();
		drop(file);
		fs::write(dir.path().join("3.part"), b"{\"genesis\":").unwrap();
		assert_eq!(*BookFile::open(dir.path(), book(0)).unwrap().book(), two);
	}

	#[test]
	fn book_should_be_refused_when_somebody_changed_it() {
		let dir = tempfile::tempdir().unwrap();
		let mut changed = [book(3), book(3), book(3), book(3)];
		changed[0].turns[1].spent = 11;
		changed[1].turns.swap(0, 1);
		changed[2].by_worker = changed[2].by_requester;
		changed[3].turns.pop();
		for book in changed {
			fs::write(dir.path().join("3.json"), serde_json::to_vec(&book).unwrap()).unwrap();
			let opened = BookFile::open(dir.path(), super::tests::book(0));
			assert!(matches!(opened, Err(BookError::Damaged { .. })), "{opened:?}");
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]
		#[test]
		fn every_turn_should_be_shown_under_every_tally_that_has_it(turns in 1u32..40, signed in 1u32..40) {
			let signed = signed.min(turns);
			let (all, tally) = (unsigned(turns), unsigned(signed).tally());
			for index in 0..turns {
				let shown = all.show(&tally, index);
				prop_assert_eq!(shown.is_some(), index < signed);
				if let Some((turn, path)) = shown {
					prop_assert!(merkle::verify(&tally.root.0, signed, index, turn.leaf(), &path));
				}
			}
			let other = Tally { root: Root([7; 32]), ..tally };
			prop_assert!(all.show(&other, 0).is_none());
			let last = all.turns[turns as usize - 1];
			prop_assert_eq!(unsigned(turns - 1).tally_with(&last), all.tally());
		}
	}
}
