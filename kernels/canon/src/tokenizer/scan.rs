//! Where a text's special tokens and words lie.

use super::{Class, Special, MAX_WORD};

/// A special token or a word of a text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Span {
	/// Its first byte.
	pub start: usize,
	/// The byte after its last one.
	pub end: usize,
	/// The id of a special token; `None` for a word.
	pub special: Option<u32>,
}

/// The special tokens and words of a text, from the left; together they are all of it.
#[derive(Clone, Debug)]
pub struct Spans<'a> {
	text: &'a str,
	specials: &'a [Special],
	/// Bytes that special tokens begin with.
	begins: [bool; 256],
	at: usize,
	/// The next special token; one of no bytes at the end of the text.
	ahead: Span,
	/// Where the word at `at` ends, when it is a part of a longer one.
	word: usize,
}

impl<'a> Spans<'a> {
	/// The spans of `text`; `specials` are sorted by their bytes.
	pub fn new(text: &'a str, specials: &'a [Special]) -> Self {
		let mut begins = [false; 256];
		for first in specials.iter().filter_map(|special| special.bytes.first()) {
			begins[usize::from(*first)] = true;
		}
		let ahead = Span { start: 0, end: 0, special: None };
		let mut spans = Self { text, specials, begins, at: 0, ahead, word: 0 };
		spans.ahead = spans.special_from(0);
		spans
	}

	/// The first special token from byte `from` on.
	fn special_from(&self, from: usize) -> Span {
		let bytes = self.text.as_bytes();
		let mut start = from;
		while let Some(skip) = bytes[start..].iter().position(|&byte| self.begins[usize::from(byte)]) {
			start += skip;
			if let Some(special) = longest(self.specials, &bytes[start..]) {
				return Span { start, end: start + special.bytes.len(), special: Some(special.id) };
			}
			start += 1;
		}
		Span { start: bytes.len(), end: bytes.len(), special: None }
	}
}

impl Iterator for Spans<'_> {
	type Item = Span;

	fn next(&mut self) -> Option<Span> {
		let start = self.at;
		if start == self.ahead.start {
			let span = self.ahead;
			span.special?;
			self.at = span.end;
			self.ahead = self.special_from(span.end);
			return Some(span);
		}
		if start >= self.word {
			self.word = start + word(&self.text[start..self.ahead.start]);
		}
		self.at = cut(self.text, start, self.word);
		Some(Span { start, end: self.at, special: None })
	}
}

/// The longest of `specials`, which are sorted by their bytes, that `text` begins with.
fn longest<'a>(specials: &'a [Special], text: &[u8]) -> Option<&'a Special> {
	let (mut candidates, mut found) = (specials, None);
	for depth in 0.. {
		// All candidates begin with the first `depth` bytes of the text.
		if let [first, rest @ ..] = candidates {
			if first.bytes.len() == depth {
				(found, candidates) = (Some(first), rest);
			}
		}
		let Some(&byte) = text.get(depth) else { break };
		let low = candidates.partition_point(|s| s.bytes.get(depth).is_none_or(|&b| b < byte));
		let high = candidates.partition_point(|s| s.bytes.get(depth).is_none_or(|&b| b <= byte));
		candidates = candidates.get(low..high).unwrap_or_default();
		if candidates.is_empty() {
			break;
		}
	}
	found
}

/// The end of the part of the word `start..end` that begins at `start`.
fn cut(text: &str, start: usize, end: usize) -> usize {
	if end - start <= MAX_WORD {
		return end;
	}
	// A character has at most four bytes.
	(start + 1..=start + MAX_WORD).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(end)
}

/// Length of the characters of `class` that `text` begins with.
fn run(text: &str, class: Class) -> usize {
	text.char_indices().find(|&(_, c)| Class::of(c) != class).map_or(text.len(), |(at, _)| at)
}

/// Length of the word that `text` begins with. What follows `text` does not belong to it.
fn word(text: &str) -> usize {
	let mut characters = text.chars();
	let Some(first) = characters.next() else { return 0 };
	let (space, class) = match (first, characters.next().map(Class::of)) {
		('\'', _) if contraction(text) > 0 => return contraction(text),
		(' ', Some(second @ (Class::Letter | Class::Other))) => (1, second),
		_ => (0, Class::of(first)),
	};
	match class {
		Class::Number => first.len_utf8(),
		Class::Letter | Class::Other => space + run(&text[space..], class),
		Class::Space => {
			let whole = run(text, Class::Space);
			let ends = text[whole..].chars().next().is_none_or(|c| Class::of(c) == Class::Number);
			let last = text[..whole].char_indices().next_back().map_or(0, |(at, _)| at);
			if ends || last == 0 {
				whole
			} else {
				last
			}
		},
	}
}

/// Length of the contraction that `text` begins with, 0 if it does not.
fn contraction(text: &str) -> usize {
	let is_next = |part: &&&str| text.starts_with(**part);
	["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"].iter().find(is_next).map_or(0, |part| part.len())
}
