//! What requester and worker of a channel send each other, and what they keep.

use codec::{DecodeAll, Encode};
use noesis_primitives::{
	ChannelId, Claim, ContentHash, GenerateParams, InputFormat, JobKind, Root, Turn, Usage,
};
use noesis_worker::{
	channel::{Book, BookFile, CloseRequest, SignedTally, TurnAnswer, TurnRequest},
	keys::Keys,
};
use std::{cell::RefCell, fs, sync::LazyLock};
use tempfile::TempDir;

const GENESIS: [u8; 32] = [9; 32];
const CHANNEL: ChannelId = ChannelId(3);

static KEYS: LazyLock<[Keys; 2]> =
	LazyLock::new(|| ["//Alice", "//Bob"].map(|suri| Keys::from_suri(suri).unwrap()));

thread_local! {
	static FOLDER: RefCell<TempDir> = RefCell::new(tempfile::tempdir().unwrap());
}

fn read<T: DecodeAll + Encode>(bytes: &[u8]) -> Option<T> {
	let value = T::decode_all(&mut &*bytes).ok()?;
	assert_eq!(value.encode(), bytes, "a message has two encodings");
	Some(value)
}

/// A message: the first byte says which.
pub fn run(bytes: &[u8]) {
	let Some((kind, bytes)) = bytes.split_first() else { return };
	let alice = KEYS[0].account();
	match kind % 4 {
		0 => {
			if let Some(request) = read::<TurnRequest>(bytes) {
				let signed = request.is_of(&alice, &GENESIS);
				// A signature is another each time; what is signed is not.
				let same = request == TurnRequest { signature: request.signature, ..request_of(b"input") };
				assert!(!signed || same, "nobody signed this");
			}
		},
		1 => drop(read::<TurnAnswer>(bytes)),
		2 => drop(read::<SignedTally>(bytes).map(|tally| tally.is_of(&alice, &GENESIS))),
		_ => drop(read::<CloseRequest>(bytes).map(|close| close.is_of(&alice, &GENESIS))),
	}
}

fn kind() -> JobKind {
	JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 4))
}

fn request_of(input: &[u8]) -> TurnRequest {
	static REQUEST: LazyLock<TurnRequest> =
		LazyLock::new(|| TurnRequest::new(&KEYS[0], &GENESIS, CHANNEL, 2, kind(), b"input".to_vec()));
	TurnRequest { input: input.to_vec(), ..REQUEST.clone() }
}

fn book_of(turns: u32) -> Book {
	let mut book = Book::new(GENESIS, CHANNEL, KEYS[0].account(), KEYS[1].account());
	for index in 0..turns {
		let usage = Usage { input_tokens: 2, output_tokens: 3 };
		book.turns.push(Turn {
			channel: CHANNEL,
			index,
			kind: kind(),
			input: ContentHash::of(b"input"),
			input_bytes: 5,
			output_bytes: 1,
			claim: Claim { root: Root([1; 32]), leaves: 4, output: ContentHash::of(b"x"), usage },
			spent: u128::from(index) * 10 + 10,
		});
	}
	if turns > 0 {
		book.by_requester = Some(SignedTally::new(&KEYS[0], &GENESIS, book.tally()));
		book.by_worker = Some(SignedTally::new(&KEYS[1], &GENESIS, book.tally()));
	}
	book
}

/// One of each message.
pub fn seeds() -> Vec<Vec<u8>> {
	let book = book_of(3);
	let tally = book.by_worker.unwrap();
	let answer = TurnAnswer { turn: book.turns[2], output: b"out".to_vec(), tally };
	let close = CloseRequest::new(&KEYS[0], &GENESIS, CHANNEL);
	let all =
		[(0, request_of(b"input").encode()), (1, answer.encode()), (2, tally.encode()), (3, close.encode())];
	all.map(|(kind, bytes)| [&[kind][..], &bytes].concat()).to_vec()
}

/// A channel's file: what is taken of it is a book that could have been written.
pub fn book(bytes: &[u8]) {
	FOLDER.with_borrow(|folder| {
		fs::write(folder.path().join(format!("{CHANNEL}.json")), bytes).unwrap();
		let Ok(Some(book)) = BookFile::peek(folder.path(), CHANNEL) else { return };
		let tally = book.tally();
		for index in 0..book.next() {
			assert!(book.show(&tally, index).is_some(), "a turn that can't be shown");
		}
		for (signed, who) in [(book.by_requester, book.requester), (book.by_worker, book.worker)] {
			assert!(signed.is_none_or(|signed| signed.is_of(&who, &book.genesis.0)), "not signed");
		}
	});
}

/// Books of no and of some turns.
pub fn book_seeds() -> Vec<Vec<u8>> {
	[0, 1, 4].map(|turns| serde_json::to_vec(&book_of(turns)).unwrap()).to_vec()
}
