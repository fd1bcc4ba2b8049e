//! Text to tokens and back: byte-level BPE over the checkpoint's own vocabulary and merges.

use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tokenizers::{
	models::bpe::BPE,
	pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence, PreTokenizerWrapper},
	AddedToken,
};

/// What a tokenizer is made from; the tokenizer section of a checkpoint is the JSON of this.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenizerData {
	/// Tokens by id, in the byte-level alphabet of GPT-2.
	pub tokens: Vec<String>,
	/// Ids of special tokens: recognised in input, left out of output.
	pub special: Vec<u32>,
	/// Pairs that merge, first come first merged, each `left right`.
	pub merges: Vec<String>,
	/// The token that ends an answer.
	pub end: u32,
	/// The Jinja template of a chat.
	pub chat_template: String,
}

/// Why a tokenizer can't be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum TokenizerError {
	/// The vocabulary has another size than the model.
	#[error("{found} tokens for a model of {expected}")]
	Size {
		/// Tokens there are.
		found: usize,
		/// Tokens the model has.
		expected: u32,
	},
	/// An id beyond the vocabulary.
	#[error("token id {0} is outside the vocabulary")]
	Id(u32),
	/// A line of the merges that is not two parts with one space between.
	#[error("merge {0} is not a pair")]
	Merge(usize),
	/// The BPE refuses vocabulary or merges.
	#[error("vocabulary and merges do not fit: {0}")]
	Bpe(String),
}

impl TokenizerData {
	/// Checks sizes and ids against a model with `vocabulary` tokens.
	pub fn check(&self, vocabulary: u32) -> Result<(), TokenizerError> {
		if self.tokens.len() != vocabulary as usize {
			return Err(TokenizerError::Size { found: self.tokens.len(), expected: vocabulary });
		}
		match self.special.iter().chain([&self.end]).find(|&&id| id >= vocabulary) {
			Some(&id) => Err(TokenizerError::Id(id)),
			None => Ok(()),
		}
	}
}

/// A tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
	inner: tokenizers::Tokenizer,
	/// Bytes of each token; none for special tokens.
	bytes: Vec<Vec<u8>>,
	end: u32,
}

impl Tokenizer {
	/// Makes a tokenizer: digits split one by one, words by the GPT-2 expression, BPE on bytes.
	pub fn new(data: &TokenizerData) -> Result<Self, TokenizerError> {
		let pair = |(i, line): (usize, &String)| match line.split_once(' ') {
			Some((left, right)) if !right.contains(' ') => Ok((left.to_owned(), right.to_owned())),
			_ => Err(TokenizerError::Merge(i)),
		};
		let merges = data.merges.iter().enumerate().map(pair).collect::<Result<Vec<_>, _>>()?;
		let vocabulary: HashMap<String, u32> =
			data.tokens.iter().enumerate().map(|(id, token)| (token.clone(), id as u32)).collect();
		let bpe = |e: tokenizers::Error| TokenizerError::Bpe(e.to_string());
		let model = BPE::builder()
			.vocab_and_merges(vocabulary.into_iter().collect::<tokenizers::models::bpe::Vocab>(), merges)
			.build()
			.map_err(bpe)?;
		let mut inner = tokenizers::Tokenizer::new(model);
		inner.with_pre_tokenizer(Some(Sequence::new(vec![
			PreTokenizerWrapper::Digits(Digits::new(true)),
			PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, true)),
		])));
		let mut special = Vec::new();
		for &id in &data.special {
			let token = data.tokens.get(id as usize).ok_or(TokenizerError::Id(id))?;
			special.push(AddedToken::from(token.as_str(), true));
		}
		inner.add_special_tokens(special).map_err(bpe)?;
		let alphabet = byte_alphabet();
		let mut bytes: Vec<Vec<u8>> = data.tokens.iter().map(|token| token_bytes(token, &alphabet)).collect();
		for &id in &data.special {
			bytes[id as usize].clear();
		}
		Ok(Self { inner, bytes, end: data.end })
	}

	/// Tokens of a text; invalid UTF-8 is replaced by U+FFFD. Special tokens written out in the text are
	/// recognised. At most one token per byte of the repaired text.
	pub fn encode(&self, text: &[u8]) -> Vec<u32> {
		// Without truncation and post-processing there is nothing that fails; were there, no tokens is a
		// result like any other.
		self.inner
			.encode_fast(String::from_utf8_lossy(text), false)
			.map(|encoding| encoding.get_ids().to_vec())
			.unwrap_or_default()
	}

	/// Bytes of a token; none for special tokens and ids outside the vocabulary.
	pub fn bytes(&self, token: u32) -> &[u8] {
		self.bytes.get(token as usize).map(Vec::as_slice).unwrap_or_default()
	}

	/// Bytes of a sequence of tokens.
	pub fn decode(&self, tokens: &[u32]) -> Vec<u8> {
		tokens.iter().flat_map(|&token| self.bytes(token)).copied().collect()
	}

	/// The token that ends an answer.
	pub fn end(&self) -> u32 {
		self.end
	}
}

/// GPT-2's characters for bytes: printable ones stand for themselves, the rest follow from U+0100.
pub fn byte_characters() -> [char; 256] {
	let mut characters = ['\0'; 256];
	let mut next = 0x100;
	for (byte, slot) in characters.iter_mut().enumerate() {
		let printable = matches!(byte, 0x21..=0x7e | 0xa1..=0xac | 0xae..=0xff);
		let code = if printable {
			byte as u32
		} else {
			next += 1;
			next - 1
		};
		*slot = char::from_u32(code).unwrap_or('\0');
	}
	characters
}

fn byte_alphabet() -> HashMap<char, u8> {
	byte_characters().iter().enumerate().map(|(byte, &c)| (c, byte as u8)).collect()
}

/// Bytes of a token; characters outside the alphabet stand for their own UTF-8.
fn token_bytes(token: &str, alphabet: &HashMap<char, u8>) -> Vec<u8> {
	let mut bytes = Vec::with_capacity(token.len());
	for c in token.chars() {
		match alphabet.get(&c) {
			Some(&byte) => bytes.push(byte),
			None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
		}
	}
	bytes
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::tokenizer_data;
	use proptest::prelude::*;

	#[test]
	fn special_tokens_should_be_recognised_and_not_printed() {
		let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
		let ids = tokenizer.encode(b"<|im_start|>a b<|im_end|>");
		assert_eq!((ids[0], ids[ids.len() - 1]), (1, 2));
		assert_eq!(tokenizer.decode(&ids), b"a b");
		assert_eq!(tokenizer.bytes(u32::MAX), b"");
	}

	#[test]
	fn tokenizer_should_refuse_malformed_data() {
		let good = tokenizer_data();
		let size = good.tokens.len() as u32;
		assert!(good.check(size).is_ok());
		assert!(matches!(good.check(1), Err(TokenizerError::Size { .. })));
		let with = |change: fn(&mut TokenizerData)| {
			let mut data = tokenizer_data();
			change(&mut data);
			data
		};
		assert_eq!(with(|d| d.end = 1 << 20).check(size), Err(TokenizerError::Id(1 << 20)));
		assert_eq!(with(|d| d.special.push(1 << 20)).check(size), Err(TokenizerError::Id(1 << 20)));
		assert!(matches!(Tokenizer::new(&with(|d| d.special.push(1 << 20))), Err(TokenizerError::Id(_))));
		assert_eq!(
			Tokenizer::new(&with(|d| d.merges[0] = "ab".into())).err(),
			Some(TokenizerError::Merge(0))
		);
		assert_eq!(
			Tokenizer::new(&with(|d| d.merges[0] = "a b c".into())).err(),
			Some(TokenizerError::Merge(0))
		);
		let unknown = Tokenizer::new(&with(|d| d.merges[0] = "zz yy".into()));
		assert!(matches!(unknown, Err(TokenizerError::Bpe(_))));
	}

	proptest! {
		#[test]
		fn bytes_should_survive_when_they_are_utf8(text in "\\PC*") {
			let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
			let ids = tokenizer.encode(text.as_bytes());
			prop_assert!(ids.len() <= text.len());
			prop_assert_eq!(tokenizer.decode(&ids), text.as_bytes());
		}

		#[test]
		fn any_bytes_should_encode_to_at_most_three_tokens_each(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
			let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
			let ids = tokenizer.encode(&bytes);
			prop_assert!(ids.len() <= 3 * bytes.len());
			let repaired = String::from_utf8_lossy(&bytes);
			prop_assert_eq!(tokenizer.decode(&ids), repaired.as_bytes());
		}
	}
}
