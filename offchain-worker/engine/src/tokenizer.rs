//! Text to tokens and back, as [`noesis_canon::tokenizer`] defines it: byte-level BPE over the checkpoint's own vocabulary
//! and merges.
//!
//! Files: `data` is what a checkpoint's file has; `trees` is what its hash stands for and what is shown of it; `words` is
//! a word in steps; `pairs` is the list of merges at speed.

mod data;
mod pairs;
mod trees;
mod words;

pub use data::{byte_characters, TokenizerData, TokenizerError};
pub use words::WordTrace;

use crate::tokenizer::{pairs::Pairs, trees::Trees};
use noesis_canon::tokenizer::{self as canon, Head, Place, Spans, Word};
use noesis_primitives::TEMPLATE_ALLOWANCE;
use std::sync::OnceLock;

/// A tokenizer.
#[derive(Debug)]
pub struct Tokenizer {
	/// The head, but for the roots.
	shape: Head,
	pairs: Pairs,
	/// The bytes that each token stands for in a text.
	written: Vec<Vec<u8>>,
	is_special: Vec<bool>,
	trees: OnceLock<Trees>,
}

impl Tokenizer {
	/// Makes a tokenizer.
	pub fn new(data: &TokenizerData) -> Result<Self, TokenizerError> {
		let data::Parts { shape, pairs, written, is_special } = data.parts()?;
		let tokenizer = Self { shape, pairs, written, is_special, trees: OnceLock::new() };
		let template = tokenizer.template_tokens();
		if template > TEMPLATE_ALLOWANCE {
			return Err(TokenizerError::TemplateTokens(template));
		}
		Ok(tokenizer)
	}

	/// Most tokens that a chat has beside those that its message can become. What lies between the message and the nearest
	/// special tokens is split together with it, so that each byte of that counts as one.
	pub fn template_tokens(&self) -> u32 {
		let special =
			|| self.shape.special.iter().filter_map(|special| std::str::from_utf8(&special.bytes).ok());
		let (prefix, suffix) = (self.shape.prefix.as_str(), self.shape.suffix.as_str());
		let after_last =
			special().filter_map(|text| Some(prefix.rfind(text)? + text.len())).max().unwrap_or(0);
		let firsts = special().filter_map(|text| Some(suffix.find(text)? + text.len()));
		let after_first = firsts.min().unwrap_or(suffix.len());
		let (fixed, joined) = prefix.split_at(after_last);
		let (joins, rest) = suffix.split_at(after_first);
		let apart = self.encode(fixed.as_bytes()).len() + self.encode(rest.as_bytes()).len();
		u32::try_from(apart + joined.len() + joins.len()).unwrap_or(u32::MAX)
	}

	/// Tokens of a text; invalid UTF-8 is replaced by U+FFFD. Special tokens written out in the text are
	/// recognised. At most one token per byte of the repaired text.
	pub fn encode(&self, text: &[u8]) -> Vec<u32> {
		let text = canon::repaired(text);
		let bytes = text.as_bytes();
		let mut tokens = Vec::with_capacity(bytes.len() / 3);
		let mut word = Word::default();
		for span in Spans::new(&text, &self.shape.special) {
			if let Some(id) = span.special {
				tokens.push(id);
				continue;
			}
			word.reset(bytes[span.start..span.end].iter().filter_map(|&byte| self.shape.symbol(byte)));
			word.merge_all(|pair| self.pairs.get(pair));
			tokens.extend(word.symbols().iter().map(|symbol| symbol.id));
		}
		tokens
	}

	/// Bytes that a token adds to an output; none for special tokens and ids outside the vocabulary.
	pub fn bytes(&self, token: u32) -> &[u8] {
		match self.is_special.get(token as usize) {
			Some(false) => self.written(token),
			_ => &[],
		}
	}

	/// Bytes that a token adds to the output of an answer, which the token that ends it does not: [`Head::added`].
	pub fn added(&self, token: u32) -> &[u8] {
		self.shape.added(token, self.bytes(token))
	}

	/// Bytes that a token stands for in a text, special tokens included; none for ids outside the vocabulary. The end of a
	/// token of an input is the sum of these up to and with it.
	pub fn written(&self, token: u32) -> &[u8] {
		self.written.get(token as usize).map(Vec::as_slice).unwrap_or_default()
	}

	/// Bytes of a sequence of tokens.
	pub fn decode(&self, tokens: &[u32]) -> Vec<u8> {
		tokens.iter().flat_map(|&token| self.bytes(token)).copied().collect()
	}

	/// The token that ends an answer.
	pub fn end(&self) -> u32 {
		self.shape.end
	}

	/// What a chain has of this tokenizer. The first call hashes merges and vocabulary: some hundredths of a second.
	pub fn head(&self) -> &Head {
		&self.trees().head
	}

	fn trees(&self) -> &Trees {
		self.trees.get_or_init(|| {
			let vocabulary = (0..self.written.len() as u32).map(|id| self.bytes(id));
			Trees::new(&self.shape, &self.pairs, vocabulary)
		})
	}

	/// The text of a chat with one message: [`Head::chat`].
	pub fn chat(&self, message: &[u8]) -> String {
		self.shape.chat(message)
	}

	/// What follows the tokens of `text` that end at `previous`: [`Head::place`].
	pub fn place(&self, text: &str, position: u32, previous: u32) -> Place {
		self.shape.place(text, position, previous)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::{
		template::ChatTemplate,
		testing::{tokenizer_data, TEMPLATE},
	};
	use proptest::prelude::*;

	#[test]
	fn special_tokens_should_be_recognised_and_not_printed() {
		let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
		let ids = tokenizer.encode(b"<|im_start|>a b<|im_end|>");
		assert_eq!((ids[0], ids[ids.len() - 1]), (1, 2));
		assert_eq!(tokenizer.decode(&ids), b"a b");
		assert_eq!(tokenizer.bytes(u32::MAX), b"");
		assert_eq!((tokenizer.bytes(1), tokenizer.written(1)), (&b""[..], &b"<|im_start|>"[..]));
		assert_eq!(tokenizer.written(u32::MAX), b"");
	}

	proptest! {
		#[test]
		fn a_chat_should_be_what_the_template_makes(message in prop::collection::vec(any::<u8>(), 0..40)) {
			let data = tokenizer_data();
			let chat = Tokenizer::new(&data).unwrap().chat(&message);
			prop_assert_eq!(&chat, &data.chat_template.apply(&String::from_utf8_lossy(&message)));
			let tokenizer = Tokenizer::new(&data).unwrap();
			let most = 3 * message.len() + tokenizer.template_tokens() as usize;
			prop_assert!(tokenizer.encode(chat.as_bytes()).len() <= most);
			prop_assert_eq!(ChatTemplate::from_jinja(TEMPLATE).unwrap(), data.chat_template);
		}

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
			let written: Vec<u8> = ids.iter().flat_map(|&id| tokenizer.written(id)).copied().collect();
			prop_assert_eq!(written, repaired.as_bytes());
		}
	}
}
