//! What a tokenizer is made from.

use super::pairs::Pairs;
use crate::template::{ChatTemplate, TemplateError};
use noesis_canon::tokenizer::{
	Head, HeadError, Merge, Special, MAX_SPECIAL, MAX_SPECIAL_BYTES, MAX_TOKEN_BYTES, MAX_VOCABULARY,
	NO_SYMBOL,
};
use noesis_primitives::{ContentHash, TEMPLATE_ALLOWANCE};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What a tokenizer is made from; the tokenizer section of a checkpoint is the JSON of this.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct TokenizerData {
	/// Tokens by id, in the byte-level alphabet of GPT-2. Of two that are written alike the later one counts.
	pub tokens: Vec<String>,
	/// Ids of special tokens: recognised in input, left out of output.
	pub special: Vec<u32>,
	/// Pairs that merge, first come first merged, each `left right`. Of two that are alike the later one counts.
	pub merges: Vec<String>,
	/// The token that ends an answer.
	pub end: u32,
	/// What a chat puts around its message.
	pub chat_template: ChatTemplate,
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
	/// A part of a merge, or what it becomes, is no token.
	#[error("merge {0} is of or to something that is not in the vocabulary")]
	Unknown(usize),
	/// A token too long for its bytes to be shown on a chain.
	#[error("token {0} stands for more than {MAX_TOKEN_BYTES} bytes")]
	Long(u32),
	/// More special tokens, or longer ones, than a chain can look for.
	#[error(
		"there are more than {MAX_SPECIAL} special tokens, or one has more than {MAX_SPECIAL_BYTES} bytes"
	)]
	Special,
	/// More around a message than a quote allows for.
	#[error("what the chat template puts around a message may become {0} tokens, and quotes allow for {TEMPLATE_ALLOWANCE}")]
	TemplateTokens(u32),
	/// Too much around a message.
	#[error(transparent)]
	Template(#[from] TemplateError),
	/// Another bound of what a chain has of a tokenizer.
	#[error("{0}")]
	Head(HeadError),
}

/// A tokenizer's data, ready for use.
pub(super) struct Parts {
	/// The head, with roots of zeros.
	pub shape: Head,
	pub pairs: Pairs,
	pub written: Vec<Vec<u8>>,
	pub is_special: Vec<bool>,
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

	/// Hash of the tokenizer's head: what a checkpoint registers.
	pub fn hash(&self) -> Result<ContentHash, TokenizerError> {
		Ok(ContentHash::of(&super::Tokenizer::new(self)?.head().encode()))
	}

	pub(super) fn parts(&self) -> Result<Parts, TokenizerError> {
		if self.tokens.len() > MAX_VOCABULARY as usize {
			return Err(TokenizerError::Head(HeadError::Vocabulary));
		}
		self.check(self.tokens.len() as u32)?;
		self.chat_template.check()?;
		let ids: HashMap<&str, u32> = self.tokens.iter().map(String::as_str).zip(0..).collect();
		let characters = byte_characters();
		let symbol = |byte: usize| ids.get(characters[byte].encode_utf8(&mut [0; 4]) as &str).copied();
		let mut is_special = vec![false; self.tokens.len()];
		self.special.iter().for_each(|&id| is_special[id as usize] = true);
		let written = self.written(&is_special)?;
		let pairs = self.pairs(&ids)?;
		let shape = Head {
			pairs_root: [0; 32],
			pairs: pairs.len() as u32,
			vocabulary_root: [0; 32],
			vocabulary: self.tokens.len() as u32,
			end: self.end,
			byte_symbols: std::array::from_fn(|byte| symbol(byte).unwrap_or(NO_SYMBOL)),
			prefix: self.chat_template.prefix.clone(),
			suffix: self.chat_template.suffix.clone(),
			special: self.specials(&ids)?,
		};
		shape.check().map_err(TokenizerError::Head)?;
		Ok(Parts { shape, pairs, written, is_special })
	}

	fn written(&self, is_special: &[bool]) -> Result<Vec<Vec<u8>>, TokenizerError> {
		let alphabet: HashMap<char, u8> = byte_characters().into_iter().zip(0..=u8::MAX).collect();
		let written = |((token, &is_special), id): ((&String, &bool), u32)| {
			let bytes = if is_special { token.clone().into_bytes() } else { token_bytes(token, &alphabet) };
			(bytes.len() <= MAX_TOKEN_BYTES).then_some(bytes).ok_or(TokenizerError::Long(id))
		};
		self.tokens.iter().zip(is_special).zip(0..).map(written).collect()
	}

	fn pairs(&self, ids: &HashMap<&str, u32>) -> Result<Pairs, TokenizerError> {
		let mut pairs = Pairs::default();
		for (rank, line) in self.merges.iter().enumerate() {
			let (left, right) = match line.split_once(' ') {
				Some((left, right)) if !right.contains(' ') => (left, right),
				_ => return Err(TokenizerError::Merge(rank)),
			};
			let id = |token: &str| ids.get(token).copied().ok_or(TokenizerError::Unknown(rank));
			let result = id(&[left, right].concat())?;
			pairs.insert((id(left)?, id(right)?), Merge { rank: rank as u32, result });
		}
		Ok(pairs)
	}

	/// Special tokens as they are found in a text: in the order of their bytes, each once.
	fn specials(&self, ids: &HashMap<&str, u32>) -> Result<Vec<Special>, TokenizerError> {
		let mut special = Vec::new();
		for &id in &self.special {
			let token = self.tokens.get(id as usize).ok_or(TokenizerError::Id(id))?;
			let id = ids.get(token.as_str()).copied().unwrap_or(id);
			special.push(Special { bytes: token.clone().into_bytes(), id });
		}
		special.retain(|special| !special.bytes.is_empty());
		special.sort_by(|a, b| a.bytes.cmp(&b.bytes));
		special.dedup();
		if special.len() > MAX_SPECIAL || special.iter().any(|s| s.bytes.len() > MAX_SPECIAL_BYTES) {
			return Err(TokenizerError::Special);
		}
		Ok(special)
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
	use crate::{testing::tokenizer_data, tokenizer::Tokenizer};

	fn with(change: fn(&mut TokenizerData)) -> TokenizerData {
		let mut data = tokenizer_data();
		change(&mut data);
		data
	}

	#[test]
	fn tokenizer_should_refuse_malformed_data() {
		let good = tokenizer_data();
		let size = good.tokens.len() as u32;
		assert!(good.check(size).is_ok());
		assert!(matches!(good.check(1), Err(TokenizerError::Size { .. })));
		assert_eq!(with(|d| d.end = 1 << 20).check(size), Err(TokenizerError::Id(1 << 20)));
		assert_eq!(with(|d| d.special.push(1 << 20)).check(size), Err(TokenizerError::Id(1 << 20)));
		let refused = |change| Tokenizer::new(&with(change)).err();
		assert_eq!(refused(|d| d.special.push(1 << 20)), Some(TokenizerError::Id(1 << 20)));
		assert_eq!(refused(|d| d.merges[0] = "ab".into()), Some(TokenizerError::Merge(0)));
		assert_eq!(refused(|d| d.merges[0] = "a b c".into()), Some(TokenizerError::Merge(0)));
		assert_eq!(refused(|d| d.merges[1] = "zz yy".into()), Some(TokenizerError::Unknown(1)));
		assert_eq!(refused(|d| d.merges[1] = "a b".into()), Some(TokenizerError::Unknown(1)));
		assert_eq!(refused(|d| d.tokens[9] = "x".repeat(1025)), Some(TokenizerError::Long(9)));
		assert_eq!(refused(|d| d.tokens[0] = "x".repeat(65)), Some(TokenizerError::Special));
		assert_eq!(refused(|d| d.special = (0..257).collect()), Some(TokenizerError::Special));
		assert_eq!(
			refused(|d| d.chat_template.suffix = "x".repeat(5000)),
			Some(TemplateError::Long(5000).into())
		);
		// Without a special token, each byte may be a token of its own.
		assert_eq!(
			refused(|d| (d.chat_template.prefix, d.chat_template.suffix) = ("y".into(), "x".repeat(64))),
			Some(TokenizerError::TemplateTokens(65))
		);
		assert_eq!(
			refused(|d| *d = TokenizerData { tokens: vec!["a".into(); (1 << 20) + 1], ..d.clone() }),
			Some(TokenizerError::Head(HeadError::Vocabulary))
		);
	}

	#[test]
	fn the_hash_should_change_when_anything_does() {
		let hash = |change| with(change).hash().unwrap();
		let good = hash(|_| ());
		assert_eq!(good, hash(|_| ()));
		let changes: [fn(&mut TokenizerData); 8] = [
			|d| d.tokens[3] = "something".into(),
			|d| d.tokens[0] = "<|end|>".into(),
			|d| d.special.push(3),
			|d| d.merges.swap(0, 1),
			|d| drop(d.merges.pop()),
			|d| d.end = 1,
			|d| d.chat_template.prefix.push('.'),
			|d| d.chat_template.suffix.push('.'),
		];
		for change in changes {
			assert_ne!(hash(change), good);
		}
	}
}
