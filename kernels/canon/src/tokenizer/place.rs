//! What the next token of an input follows from.

use super::{repaired, Head, Spans, WordProgram, NO_SYMBOL};
use alloc::{string::String, vec::Vec};

/// A token of an input.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Token {
	/// Its id.
	pub id: u32,
	/// How many bytes the tokens up to and with it stand for.
	pub end: u32,
}

/// What comes next in a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Place {
	/// This token: a special one, or the only symbol of a word.
	Token(Token),
	/// A token of this word.
	Word(WordProgram),
	/// Nothing.
	End,
}

impl Head {
	/// The text of a chat with one message.
	pub fn chat(&self, message: &[u8]) -> String {
		let message = repaired(message);
		let mut text = String::with_capacity(self.prefix.len() + message.len() + self.suffix.len());
		text.push_str(&self.prefix);
		text.push_str(&message);
		text.push_str(&self.suffix);
		text
	}

	/// What follows the tokens of `text` that end at `previous` (0 where there are none yet). A text without any token
	/// reads as token 0, with end 0, at `position` 0.
	///
	/// An end at which no token ends, on which both parties must have agreed by mistake, is in the middle of the one that
	/// follows. The time that this takes is linear in the text.
	pub fn place(&self, text: &str, position: u32, previous: u32) -> Place {
		let mut start = 0u32;
		for span in Spans::new(text, &self.special) {
			let bytes = &text.as_bytes()[span.start..span.end];
			let symbols = bytes.iter().filter(|&&byte| self.symbol(byte).is_some());
			let length = if span.special.is_some() { bytes.len() } else { symbols.clone().count() };
			let end = start.saturating_add(length as u32);
			if end > previous {
				let symbols: Vec<u32> = symbols.filter_map(|&byte| self.symbol(byte)).collect();
				return match (span.special, symbols.as_slice()) {
					(Some(id), _) => Place::Token(Token { id, end }),
					(None, &[id]) => Place::Token(Token { id, end }),
					_ => WordProgram::new(symbols, start).map_or(Place::End, Place::Word),
				};
			}
			start = end;
		}
		if position == 0 && previous == 0 {
			return Place::Token(Token { id: 0, end: 0 });
		}
		Place::End
	}

	/// The symbol of a byte; `None` for one that is passed over.
	pub fn symbol(&self, byte: u8) -> Option<u32> {
		Some(self.byte_symbols[usize::from(byte)]).filter(|&symbol| symbol != NO_SYMBOL)
	}

	/// What token `id`, which stands for `bytes`, adds to an output: the token that ends an answer adds nothing.
	pub fn added<'a>(&self, id: u32, bytes: &'a [u8]) -> &'a [u8] {
		if id == self.end {
			&[]
		} else {
			bytes
		}
	}

	/// How many bytes the output has after token `id`, which stands for `bytes`, if it had `previous` before it.
	pub fn output_end(&self, id: u32, bytes: &[u8], previous: u32) -> u32 {
		previous.saturating_add(self.added(id, bytes).len() as u32)
	}

	/// Whether an output has what token `id`, which stands for `bytes`, adds to it from `previous` to `end`.
	pub fn output_has(&self, output: &[u8], id: u32, bytes: &[u8], previous: u32, end: u32) -> bool {
		output.get(previous as usize..end as usize) == Some(self.added(id, bytes))
	}
}

/// The token at `position` of an input of ids: four bytes each, little endian, one outside of the vocabulary reads as 0.
/// Bytes at the end that are fewer than four are ignored. An input without ids reads as one 0. `None` after the last.
pub fn id_token(input: &[u8], vocabulary: u32, position: u32) -> Option<Token> {
	let end = position.checked_add(1)?.checked_mul(4)?;
	let id = match input.chunks_exact(4).nth(position as usize) {
		Some(b) => u32::from_le_bytes([b[0], b[1], b[2], b[3]]),
		None if position == 0 => 0,
		None => return None,
	};
	Some(Token { id: if id < vocabulary { id } else { 0 }, end })
}
