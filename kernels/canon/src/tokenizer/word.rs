//! The tokens of one word: merges, and the same as a program of small steps.

use super::{Merge, Pair, Token};
use alloc::vec::Vec;
use core::ops::Range;

/// Most bytes of a word.
pub const MAX_WORD: usize = 256;
/// Most pairs that a step looks up.
pub const LOOKUPS: usize = 16;
/// Most steps of a word.
pub const MAX_STEPS: u32 = 1 + (MAX_WORD as u32 - 1).div_ceil(LOOKUPS as u32) + (MAX_WORD as u32 - 1);
/// Most bytes of a state.
pub const MAX_STATE_BYTES: usize = MAX_WORD * SYMBOL_BYTES;

const SYMBOL_BYTES: usize = 14;

/// A symbol of a word, and what becomes of it and its right neighbour.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Symbol {
	/// Its id: when no pair merges any more, a token.
	pub id: u32,
	/// Bytes of the word that it stands for.
	pub length: u16,
	/// What the pair of this symbol and the next one becomes; [`NOTHING`] where it does not merge, was not looked up
	/// yet, or there is no next one.
	merge: Merge,
}

/// A pair that does not merge.
const NOTHING: Merge = Merge { rank: u32::MAX, result: 0 };

/// A word in the middle of its merges.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Word {
	symbols: Vec<Symbol>,
}

impl Word {
	/// Makes it the word of these symbols, one for each byte, of which it takes no more than [`MAX_WORD`].
	pub fn reset(&mut self, symbols: impl IntoIterator<Item = u32>) {
		self.symbols.clear();
		let symbols = symbols.into_iter().take(MAX_WORD);
		self.symbols.extend(symbols.map(|id| Symbol { id, length: 1, merge: NOTHING }));
	}

	/// Its symbols, from the left.
	pub fn symbols(&self) -> &[Symbol] {
		&self.symbols
	}

	/// Merges until no pair merges any more. `find` knows what becomes of a pair.
	pub fn merge_all(&mut self, find: impl Fn(Pair) -> Option<Merge>) {
		for left in 0..self.symbols.len().saturating_sub(1) {
			self.set(left, find(self.pair(left)));
		}
		while let Some(at) = self.first() {
			self.merge(at);
			for left in self.changed(at) {
				self.set(left, find(self.pair(left)));
			}
		}
	}

	fn pair(&self, left: usize) -> Pair {
		(self.symbols[left].id, self.symbols[left + 1].id)
	}

	fn set(&mut self, left: usize, merge: Option<Merge>) {
		self.symbols[left].merge = merge.unwrap_or(NOTHING);
	}

	/// The left symbol of the pair that merges next.
	fn first(&self) -> Option<usize> {
		let (mut at, mut rank) = (0, u32::MAX);
		for (i, symbol) in self.symbols.iter().enumerate() {
			if symbol.merge.rank < rank {
				(at, rank) = (i, symbol.merge.rank);
			}
		}
		(rank < u32::MAX).then_some(at)
	}

	/// Merges symbol `at` with the next one.
	fn merge(&mut self, at: usize) {
		let right = self.symbols.remove(at + 1);
		let left = &mut self.symbols[at];
		left.id = left.merge.result;
		left.length += right.length;
		left.merge = NOTHING;
	}

	/// Left symbols of the pairs that a merge at `at` made new.
	fn changed(&self, at: usize) -> Range<usize> {
		at.saturating_sub(1)..(at + 1).min(self.symbols.len() - 1)
	}

	/// The word's bytes: for every symbol id (`u32`), length (`u16`), rank and result (`u32`) of the pair with the next
	/// one, little endian. Of a pair that does not merge or was not looked up the rank is `u32::MAX` and the result 0.
	pub fn encode(&self) -> Vec<u8> {
		let mut bytes = Vec::with_capacity(self.symbols.len() * SYMBOL_BYTES);
		for symbol in &self.symbols {
			bytes.extend_from_slice(&symbol.id.to_le_bytes());
			bytes.extend_from_slice(&symbol.length.to_le_bytes());
			bytes.extend_from_slice(&symbol.merge.rank.to_le_bytes());
			bytes.extend_from_slice(&symbol.merge.result.to_le_bytes());
		}
		bytes
	}

	/// The word of these bytes, which stands for `length` bytes of text. `None` when no word has them.
	pub fn decode(bytes: &[u8], length: usize) -> Option<Self> {
		if bytes.is_empty() || bytes.len() > MAX_STATE_BYTES || !bytes.len().is_multiple_of(SYMBOL_BYTES) {
			return None;
		}
		let parse = |b: &[u8]| {
			let number = |at: usize| u32::from_le_bytes([b[at], b[at + 1], b[at + 2], b[at + 3]]);
			let merge = Merge { rank: number(6), result: number(10) };
			Symbol { id: number(0), length: u16::from_le_bytes([b[4], b[5]]), merge }
		};
		let symbols: Vec<Symbol> = bytes.chunks_exact(SYMBOL_BYTES).map(parse).collect();
		let total: usize = symbols.iter().map(|symbol| usize::from(symbol.length)).sum();
		let is_symbol = |s: &Symbol| s.length > 0 && (s.merge.rank < u32::MAX || s.merge == NOTHING);
		let ends = symbols.last().is_some_and(|last| last.merge == NOTHING);
		(total == length && ends && symbols.iter().all(is_symbol)).then_some(Self { symbols })
	}
}

/// The merges of one word as a list of states, of which each follows from the one before.
///
/// State 0 has the word's symbols, one for each byte. The next ones look up the pairs of neighbours, [`LOOKUPS`] at a time
/// from the left. Each further one merges one pair and looks up the at most two pairs that are new, or is equal to the one
/// before when nothing merges. Of `n` symbols there are `1 + ceil((n - 1) / 16) + n - 1` states.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WordProgram {
	symbols: Vec<u32>,
	start: u32,
}

enum Step {
	Start,
	/// Looks up the pairs of these left symbols.
	Fill(Range<usize>),
	Merge,
}

impl WordProgram {
	/// The program of a word of these symbols, that begins after `start` bytes. `None` unless there are 1 to [`MAX_WORD`]
	/// of them.
	pub fn new(symbols: Vec<u32>, start: u32) -> Option<Self> {
		(1..=MAX_WORD).contains(&symbols.len()).then_some(Self { symbols, start })
	}

	/// Its symbols, one for each byte.
	pub fn symbols(&self) -> &[u32] {
		&self.symbols
	}

	/// How many bytes the tokens before the word stand for.
	pub fn start(&self) -> u32 {
		self.start
	}

	/// Number of states.
	pub fn steps(&self) -> u32 {
		(1 + self.fills() + self.symbols.len() - 1) as u32
	}

	fn fills(&self) -> usize {
		(self.symbols.len() - 1).div_ceil(LOOKUPS)
	}

	fn step(&self, step: u32) -> Option<Step> {
		let pairs = self.symbols.len() - 1;
		match step {
			_ if step >= self.steps() => None,
			0 => Some(Step::Start),
			_ if step as usize <= self.fills() => {
				let first = (step as usize - 1) * LOOKUPS;
				Some(Step::Fill(first..(first + LOOKUPS).min(pairs)))
			},
			_ => Some(Step::Merge),
		}
	}

	fn word(&self, state: &[u8]) -> Option<Word> {
		Word::decode(state, self.symbols.len())
	}

	/// State `step`, before its pairs are looked up, and the left symbols of these. `previous` is the state before it.
	fn prepare(&self, step: u32, previous: &[u8]) -> Option<(Word, Range<usize>)> {
		match self.step(step)? {
			Step::Start => {
				let mut word = Word::default();
				word.reset(self.symbols.iter().copied());
				previous.is_empty().then_some((word, 0..0))
			},
			Step::Fill(pairs) => {
				let word = self.word(previous)?;
				(word.symbols.len() == self.symbols.len()).then_some((word, pairs))
			},
			Step::Merge => {
				let mut word = self.word(previous)?;
				let pairs = match word.first() {
					Some(at) => {
						word.merge(at);
						word.changed(at)
					},
					None => 0..0,
				};
				Some((word, pairs))
			},
		}
	}

	/// The pairs that state `step` looks up, at most [`LOOKUPS`]. `previous` is the state before it, nothing for state 0.
	///
	/// Total: any bytes may be given. `None` when there is no such state, or `previous` can't be the one before it.
	pub fn pairs(&self, step: u32, previous: &[u8]) -> Option<Vec<Pair>> {
		let (word, pairs) = self.prepare(step, previous)?;
		Some(pairs.map(|left| word.pair(left)).collect())
	}

	/// The bytes of state `step`, from the state before it and what became of [`Self::pairs`], in their order.
	///
	/// Total: any bytes may be given. `None` when there is no such state, `previous` can't be the one before it, or there
	/// are more or fewer merges than pairs.
	pub fn evaluate(&self, step: u32, previous: &[u8], merges: &[Option<Merge>]) -> Option<Vec<u8>> {
		let (mut word, pairs) = self.prepare(step, previous)?;
		if pairs.len() != merges.len() || merges.iter().flatten().any(|merge| merge.rank == u32::MAX) {
			return None;
		}
		for (left, &merge) in pairs.zip(merges) {
			word.set(left, merge);
		}
		Some(word.encode())
	}

	/// The token that follows the one which ends at `previous`, by the last state: the first that ends later. `None` when
	/// no state of this word has these bytes, or the word ends before.
	pub fn token(&self, previous: u32, last: &[u8]) -> Option<Token> {
		let word = self.word(last)?;
		let mut end = self.start;
		for symbol in &word.symbols {
			end = end.saturating_add(symbol.length.into());
			if end > previous {
				return Some(Token { id: symbol.id, end });
			}
		}
		None
	}
}
