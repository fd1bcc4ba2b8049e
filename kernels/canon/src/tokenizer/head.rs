//! What a chain needs to have of a tokenizer, and its bytes.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

/// Most tokens of a vocabulary.
pub const MAX_VOCABULARY: u32 = 1 << 20;
/// Most pairs that merge.
pub const MAX_PAIRS: u32 = 1 << 22;
/// Most special tokens.
pub const MAX_SPECIAL: usize = 256;
/// Most bytes of a special token.
pub const MAX_SPECIAL_BYTES: usize = 64;
/// Most bytes that a token stands for in an output.
pub const MAX_TOKEN_BYTES: usize = 1024;
/// Most bytes of the prefix, and of the suffix, of a chat.
pub const MAX_AFFIX_BYTES: usize = 4096;
/// Most bytes of a head.
pub const MAX_HEAD_BYTES: usize =
	FIXED_BYTES + 2 * (2 + MAX_AFFIX_BYTES) + 2 + MAX_SPECIAL * (5 + MAX_SPECIAL_BYTES);
/// The symbol of a byte that has none.
pub const NO_SYMBOL: u32 = u32::MAX;

const VERSION: u8 = 1;
const FIXED_BYTES: usize = 1 + 36 + 36 + 4 + 4 * 256;

/// A special token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Special {
	/// How it is written in a text.
	pub bytes: Vec<u8>,
	/// Its id.
	pub id: u32,
}

/// What a chain needs to have of a tokenizer; its hash is the BLAKE2b-256 of its bytes ([`Head::encode`]).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Head {
	/// Root of the tree of pairs, whose leaves are [`super::pair_leaf`]s.
	pub pairs_root: [u8; 32],
	/// Number of pairs.
	pub pairs: u32,
	/// Root of the tree of tokens; leaf `id` is what token `id` stands for in an output: nothing for special tokens.
	pub vocabulary_root: [u8; 32],
	/// Number of tokens.
	pub vocabulary: u32,
	/// The token that ends an answer.
	pub end: u32,
	/// The symbol of each byte, or [`NO_SYMBOL`].
	pub byte_symbols: [u32; 256],
	/// What stands before the message of a chat.
	pub prefix: String,
	/// What stands after it.
	pub suffix: String,
	/// Special tokens in ascending order of their bytes.
	pub special: Vec<Special>,
}

/// Why a head is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HeadError {
	/// Another version.
	Version,
	/// It ends too early, or goes on after its end.
	Length,
	/// The prefix, the suffix or a special token is not UTF-8.
	Text,
	/// The vocabulary is empty or larger than [`MAX_VOCABULARY`].
	Vocabulary,
	/// More pairs than [`MAX_PAIRS`].
	Pairs,
	/// An id is outside of the vocabulary.
	Id,
	/// The prefix or the suffix is longer than [`MAX_AFFIX_BYTES`].
	Affix,
	/// More special tokens than [`MAX_SPECIAL`], an empty one, or one longer than [`MAX_SPECIAL_BYTES`].
	Special,
	/// Special tokens are not in ascending order, or one is there twice.
	Order,
}

impl fmt::Display for HeadError {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Version => write!(f, "the tokenizer's head is not of version {VERSION}"),
			Self::Length => write!(f, "the tokenizer's head is cut off or goes on after its end"),
			Self::Text => write!(f, "the chat's prefix or suffix or a special token is not UTF-8"),
			Self::Vocabulary => write!(f, "the vocabulary should have 1 to {MAX_VOCABULARY} tokens"),
			Self::Pairs => write!(f, "there should be at most {MAX_PAIRS} merges"),
			Self::Id => write!(f, "a token id is outside the vocabulary"),
			Self::Affix => write!(
				f,
				"what a chat puts before or after a message should have at most {MAX_AFFIX_BYTES} bytes"
			),
			Self::Special => {
				write!(
					f,
					"there should be at most {MAX_SPECIAL} special tokens of 1 to {MAX_SPECIAL_BYTES} bytes"
				)
			},
			Self::Order => write!(f, "special tokens should be in ascending order, each once"),
		}
	}
}

impl core::error::Error for HeadError {}

impl Head {
	/// Whether all numbers and lists are within their bounds.
	pub fn check(&self) -> Result<(), HeadError> {
		let ensure = |holds: bool, error| if holds { Ok(()) } else { Err(error) };
		let is_token = |id: u32| id < self.vocabulary;
		let is_special = |s: &Special| (1..=MAX_SPECIAL_BYTES).contains(&s.bytes.len());
		ensure((1..=MAX_VOCABULARY).contains(&self.vocabulary), HeadError::Vocabulary)?;
		ensure(self.pairs <= MAX_PAIRS, HeadError::Pairs)?;
		ensure(self.prefix.len().max(self.suffix.len()) <= MAX_AFFIX_BYTES, HeadError::Affix)?;
		ensure(self.special.len() <= MAX_SPECIAL && self.special.iter().all(is_special), HeadError::Special)?;
		ensure(self.special.iter().all(|s| core::str::from_utf8(&s.bytes).is_ok()), HeadError::Text)?;
		ensure(self.special.windows(2).all(|pair| pair[0].bytes < pair[1].bytes), HeadError::Order)?;
		let symbols = self.byte_symbols.iter().all(|&symbol| is_token(symbol) || symbol == NO_SYMBOL);
		ensure(symbols && is_token(self.end) && self.special.iter().all(|s| is_token(s.id)), HeadError::Id)
	}

	/// The bytes of a head that [`Head::check`] finds good; numbers are little endian.
	///
	/// `version (1), pairs_root, pairs (u32), vocabulary_root, vocabulary (u32), end (u32), byte_symbols (256 u32)`, then
	/// prefix and suffix, each its length (`u16`) and its bytes, then the number of special tokens (`u16`) and of each
	/// its id (`u32`), length (`u8`) and bytes.
	pub fn encode(&self) -> Vec<u8> {
		let mut bytes = Vec::with_capacity(FIXED_BYTES);
		bytes.push(VERSION);
		bytes.extend_from_slice(&self.pairs_root);
		bytes.extend_from_slice(&self.pairs.to_le_bytes());
		bytes.extend_from_slice(&self.vocabulary_root);
		bytes.extend_from_slice(&self.vocabulary.to_le_bytes());
		bytes.extend_from_slice(&self.end.to_le_bytes());
		for symbol in self.byte_symbols {
			bytes.extend_from_slice(&symbol.to_le_bytes());
		}
		for affix in [&self.prefix, &self.suffix] {
			bytes.extend_from_slice(&(affix.len() as u16).to_le_bytes());
			bytes.extend_from_slice(affix.as_bytes());
		}
		bytes.extend_from_slice(&(self.special.len() as u16).to_le_bytes());
		for special in &self.special {
			bytes.extend_from_slice(&special.id.to_le_bytes());
			bytes.push(special.bytes.len() as u8);
			bytes.extend_from_slice(&special.bytes);
		}
		bytes
	}

	/// The head of these bytes. Total: any bytes may be given. There are no two encodings of a head.
	pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
		let mut reader = Reader(bytes);
		if reader.take(1)? != [VERSION] {
			return Err(HeadError::Version);
		}
		let (pairs_root, pairs) = (reader.array()?, reader.u32()?);
		let (vocabulary_root, vocabulary) = (reader.array()?, reader.u32()?);
		let end = reader.u32()?;
		let mut byte_symbols = [NO_SYMBOL; 256];
		for symbol in &mut byte_symbols {
			*symbol = reader.u32()?;
		}
		let (prefix, suffix) = (reader.affix()?, reader.affix()?);
		let count = usize::from(reader.u16()?);
		if count > MAX_SPECIAL {
			return Err(HeadError::Special);
		}
		let mut special = Vec::with_capacity(count);
		for _ in 0..count {
			let id = reader.u32()?;
			let length = usize::from(reader.array::<1>()?[0]);
			special.push(Special { id, bytes: reader.take(length)?.into() });
		}
		if !reader.0.is_empty() {
			return Err(HeadError::Length);
		}
		let head = Self {
			pairs_root,
			pairs,
			vocabulary_root,
			vocabulary,
			end,
			byte_symbols,
			prefix,
			suffix,
			special,
		};
		head.check()?;
		Ok(head)
	}
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
	fn take(&mut self, count: usize) -> Result<&'a [u8], HeadError> {
		let (taken, rest) = self.0.split_at_checked(count).ok_or(HeadError::Length)?;
		self.0 = rest;
		Ok(taken)
	}

	fn array<const N: usize>(&mut self) -> Result<[u8; N], HeadError> {
		self.take(N)?.try_into().map_err(|_| HeadError::Length)
	}

	fn u32(&mut self) -> Result<u32, HeadError> {
		Ok(u32::from_le_bytes(self.array()?))
	}

	fn u16(&mut self) -> Result<u16, HeadError> {
		Ok(u16::from_le_bytes(self.array()?))
	}

	fn affix(&mut self) -> Result<String, HeadError> {
		let length = usize::from(self.u16()?);
		if length > MAX_AFFIX_BYTES {
			return Err(HeadError::Affix);
		}
		let bytes = self.take(length)?;
		core::str::from_utf8(bytes).map(Into::into).map_err(|_| HeadError::Text)
	}
}

/// The text of these bytes: what is not UTF-8 is replaced by U+FFFD, one for each maximal part of a character.
pub fn repaired(bytes: &[u8]) -> Cow<'_, str> {
	String::from_utf8_lossy(bytes)
}
