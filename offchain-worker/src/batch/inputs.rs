//! The inputs of a batch: the list that travels, and the tree that the chain knows.

use crate::store::MAX_BLOB;
use codec::{Compact, Decode, DecodeAll, Encode};
use noesis_primitives::{
	merkle::{self, Node},
	BatchInputs, ContentHash, InputFormat, ItemInput, JobKind, Root, MAX_ITEMS,
};

/// Why a list is none of a batch.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InputsError {
	/// Too few or too many.
	#[error("a batch has 1 to {MAX_ITEMS} inputs, not {0}: divide it")]
	Count(usize),
	/// One is empty.
	#[error("input {0} is empty")]
	Empty(usize),
	/// One ends within a token.
	#[error("input {index} has {bytes} bytes: as tokens, of 4 bytes each, it must have a multiple of 4")]
	Ragged {
		/// Which, from 0.
		index: usize,
		/// Its length.
		bytes: usize,
	},
	/// All together are too long.
	#[error("the inputs take {0} bytes together, more than the {MAX_BLOB} of a blob: divide the batch")]
	TooLong(usize),
	/// The bytes are something else.
	#[error("the list of inputs is damaged")]
	Damaged,
	/// It is another list than the chain knows.
	#[error("the list of inputs is not the one that the requester committed to")]
	Other,
}

/// The inputs of a batch, in their order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inputs {
	texts: Vec<Vec<u8>>,
	leaves: Vec<Node>,
}

impl Inputs {
	/// Takes these inputs, if they can be a batch.
	pub fn new(texts: Vec<Vec<u8>>) -> Result<Self, InputsError> {
		if texts.is_empty() || texts.len() > MAX_ITEMS as usize {
			return Err(InputsError::Count(texts.len()));
		}
		if let Some(empty) = texts.iter().position(Vec::is_empty) {
			return Err(InputsError::Empty(empty));
		}
		let bytes = texts.encoded_size();
		if bytes > MAX_BLOB {
			return Err(InputsError::TooLong(bytes));
		}
		let leaves = texts.iter().zip(0..).map(|(text, index)| input(index, text).leaf()).collect();
		Ok(Self { texts, leaves })
	}

	/// Reads a list that somebody gave.
	pub fn decode(bytes: &[u8]) -> Result<Self, InputsError> {
		// An empty input takes a byte here and much more in memory.
		let count = Compact::<u32>::decode(&mut &bytes[..]).map_err(|_| InputsError::Damaged)?.0;
		if count > MAX_ITEMS {
			return Err(InputsError::Count(count as usize));
		}
		let texts = Vec::<Vec<u8>>::decode_all(&mut &bytes[..]).map_err(|_| InputsError::Damaged)?;
		Self::new(texts)
	}

	/// The same, if it is the list that the chain knows.
	pub fn read(bytes: &[u8], known: &BatchInputs) -> Result<Self, InputsError> {
		let inputs = Self::decode(bytes)?;
		match inputs.facts() == *known {
			true => Ok(inputs),
			false => Err(InputsError::Other),
		}
	}

	/// The same, if besides the chain lets every item be shown: none that it would not take as the input of such a job.
	pub fn read_for(bytes: &[u8], known: &BatchInputs, kind: &JobKind) -> Result<Self, InputsError> {
		let inputs = Self::read(bytes, known)?;
		match inputs.ragged(kind) {
			None => Ok(inputs),
			Some((index, bytes)) => Err(InputsError::Ragged { index, bytes }),
		}
	}

	/// The first input that is not made of whole tokens, where the job asks for these, and its length.
	fn ragged(&self, kind: &JobKind) -> Option<(usize, usize)> {
		let JobKind::Generate(params) = kind;
		if params.format != InputFormat::Tokens {
			return None;
		}
		let mut lengths = self.texts.iter().map(Vec::len).enumerate();
		lengths.find(|(_, bytes)| !bytes.is_multiple_of(4))
	}

	/// The list as it travels.
	pub fn list(&self) -> Vec<u8> {
		self.texts.encode()
	}

	/// The inputs' bytes.
	pub fn texts(&self) -> &[Vec<u8>] {
		&self.texts
	}

	/// What the chain knows of them.
	pub fn facts(&self) -> BatchInputs {
		let len = |text: &Vec<u8>| u32::try_from(text.len()).unwrap_or(u32::MAX);
		BatchInputs {
			root: Root(merkle::root(&self.leaves)),
			count: u32::try_from(self.texts.len()).unwrap_or(u32::MAX),
			bytes: self.texts.iter().map(len).fold(0, u32::saturating_add),
			longest: self.texts.iter().map(len).max().unwrap_or(0),
		}
	}

	/// Input `index`, and its path in their tree.
	pub fn asked(&self, index: u32) -> Option<(ItemInput, Vec<Node>)> {
		let text = self.texts.get(index as usize)?;
		Some((input(index, text), merkle::path(&self.leaves, index)?))
	}

	/// Whether this is the leaf at a place.
	pub fn is_asked(&self, index: u32, input: &ItemInput) -> bool {
		self.leaves.get(index as usize) == Some(&input.leaf())
	}
}

/// An input as its leaf has it.
pub(super) fn input(index: u32, text: &[u8]) -> ItemInput {
	ItemInput { index, hash: ContentHash::of(text), len: u32::try_from(text.len()).unwrap_or(u32::MAX) }
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_primitives::GenerateParams;
	use proptest::prelude::*;

	#[test]
	fn list_should_be_refused_when_it_can_be_no_batch() {
		let many = |count| Inputs::new(vec![b"x".to_vec(); count]).map(|inputs| inputs.texts().len());
		assert_eq!((many(0), many(1), many(4096)), (Err(InputsError::Count(0)), Ok(1), Ok(4096)));
		assert_eq!(many(4097), Err(InputsError::Count(4097)));
		assert_eq!(Inputs::new(vec![b"x".to_vec(), Vec::new()]), Err(InputsError::Empty(1)));
		assert!(matches!(Inputs::new(vec![vec![0; MAX_BLOB]]), Err(InputsError::TooLong(_))));
	}

	#[test]
	fn list_should_be_refused_when_strangers_made_it_up() {
		for bad in [&b""[..], b"\x04", b"\x04\x08a", b"\x04\x04ab"] {
			assert_eq!(Inputs::decode(bad), Err(InputsError::Damaged), "{bad:?}");
		}
		// A blob of empty inputs, which would take 24 times as much memory.
		let empty = vec![Vec::<u8>::new(); 100_000].encode();
		assert_eq!(Inputs::decode(&empty), Err(InputsError::Count(100_000)));
		let inputs = Inputs::new(vec![b"one".to_vec(), b"two".to_vec()]).unwrap();
		let other = Inputs::new(vec![b"two".to_vec(), b"one".to_vec()]).unwrap();
		assert_eq!(Inputs::read(&inputs.list(), &inputs.facts()), Ok(inputs.clone()));
		assert_eq!(Inputs::read(&other.list(), &inputs.facts()), Err(InputsError::Other));
	}

	/// The chain knows only the sum and the longest, which are whole tokens here.
	#[test]
	fn list_should_be_refused_when_an_item_is_not_made_of_whole_tokens() {
		let kind = |format| JobKind::Generate(GenerateParams::greedy(format, 8));
		let ragged = Inputs::new(vec![vec![0; 8], vec![0; 6], vec![0; 2]]).unwrap();
		let read = |format| Inputs::read_for(&ragged.list(), &ragged.facts(), &kind(format));
		let error = InputsError::Ragged { index: 1, bytes: 6 };
		assert_eq!(read(InputFormat::Tokens), Err(error.clone()));
		assert!(error.to_string().starts_with("input 1 has 6 bytes"));
		assert_eq!(read(InputFormat::Text), Ok(ragged.clone()));
		assert_eq!(read(InputFormat::Chat), Ok(ragged.clone()));
		let whole = Inputs::new(vec![vec![0; 8], vec![0; 4]]).unwrap();
		let known = whole.facts();
		assert_eq!(Inputs::read_for(&whole.list(), &known, &kind(InputFormat::Tokens)), Ok(whole));
		let empty = vec![vec![0u8; 8], Vec::new()].encode();
		let read = Inputs::read_for(&empty, &known, &kind(InputFormat::Tokens));
		assert_eq!(read, Err(InputsError::Empty(1)));
	}

	proptest! {
		#[test]
		fn every_input_should_be_shown_under_the_root(
			texts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..40),
		) {
			let inputs = Inputs::new(texts.clone()).unwrap();
			let facts = inputs.facts();
			prop_assert_eq!(Inputs::decode(&inputs.list()), Ok(inputs.clone()));
			prop_assert_eq!(facts.bytes as usize, texts.iter().map(Vec::len).sum::<usize>());
			for index in 0..facts.count {
				let (asked, path) = inputs.asked(index).unwrap();
				prop_assert!(inputs.is_asked(index, &asked));
				prop_assert!(!inputs.is_asked(index + 1, &asked));
				prop_assert!(merkle::verify(&facts.root.0, facts.count, index, asked.leaf(), &path));
			}
			prop_assert_eq!(inputs.asked(facts.count), None);
		}
	}
}
