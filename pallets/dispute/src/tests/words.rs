//! A tiny tokenizer, and what is shown of it.

use super::model::ARCHITECTURE;
use noesis_canon::tokenizer::{
	pair_leaf, repaired, Head, Merge, Pair, Place, Special, Token, WordProgram, NO_SYMBOL,
};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	ContentHash, FinePiece, InputFormat, PairProof, TokenProof, WordEvidence,
};
use std::collections::BTreeMap;

/// The symbol of `a`; those of the letters up to `j` follow, and that of a space.
const A: u32 = 4;
/// Pairs that merge, in the order of their ranks, each with what it becomes.
const MERGES: [(Pair, u32); 9] = [
	((A + 1, A + 2), 15),
	((A, A + 1), 16),
	((14, A), 17),
	((15, A + 3), 18),
	((16, 15), 19),
	((A + 4, A + 5), 20),
	((20, 20), 21),
	((17, 15), 22),
	((17, 18), 23),
];

/// What a token adds to an output.
pub fn bytes(id: u32) -> Vec<u8> {
	match id {
		0..=2 => Vec::new(),
		_ => vec![b'0'.wrapping_add(id as u8); 1 + id as usize % 3],
	}
}

fn pairs() -> BTreeMap<Pair, Merge> {
	let merge = |(rank, (pair, result)): (usize, (Pair, u32))| (pair, Merge { rank: rank as u32, result });
	MERGES.into_iter().enumerate().map(merge).collect()
}

fn pair_leaves() -> Vec<[u8; 16]> {
	pairs().into_iter().map(|(pair, merge)| pair_leaf(pair, merge)).collect()
}

fn hashes<L: AsRef<[u8]>>(leaves: impl IntoIterator<Item = L>) -> Vec<Node> {
	leaves.into_iter().map(|leaf| leaf_hash(leaf.as_ref())).collect()
}

fn vocabulary() -> Vec<Node> {
	hashes((0..ARCHITECTURE.vocabulary).map(bytes))
}

pub fn head() -> Head {
	head_with(ARCHITECTURE.end)
}

/// The head of a model whose answers end with this token.
pub fn head_with(end: u32) -> Head {
	let mut byte_symbols = [NO_SYMBOL; 256];
	for i in 0..10 {
		byte_symbols[usize::from(b'a') + i] = A + i as u32;
	}
	byte_symbols[usize::from(b' ')] = 14;
	let special = |bytes: &[u8], id| Special { bytes: bytes.to_vec(), id };
	Head {
		pairs_root: merkle::root(&hashes(pair_leaves())),
		pairs: MERGES.len() as u32,
		vocabulary_root: merkle::root(&vocabulary()),
		vocabulary: ARCHITECTURE.vocabulary,
		end,
		byte_symbols,
		prefix: "<s>".into(),
		suffix: "<e> a".into(),
		special: vec![special(b"<e>", 2), special(b"<s>", 1)],
	}
}

/// Hash of that head.
pub fn hash(end: u32) -> ContentHash {
	ContentHash::of(&head_with(end).encode())
}

/// The text that is read.
pub fn text(format: InputFormat, input: &[u8]) -> String {
	match format {
		InputFormat::Chat => head().chat(input),
		_ => repaired(input).into_owned(),
	}
}

pub fn pair_proof(pair: Pair) -> PairProof {
	let all: Vec<Pair> = pairs().into_keys().collect();
	let (first, last) = match all.binary_search(&pair) {
		Ok(at) => (at, at),
		Err(at) => (at.saturating_sub(1), at.min(all.len() - 1)),
	};
	let leaves = pair_leaves();
	let siblings = merkle::range_siblings(&hashes(&leaves), first as u32, (last - first) as u32 + 1);
	PairProof {
		first: first as u32,
		leaves: leaves[first..=last].to_vec().try_into().unwrap(),
		siblings: siblings.unwrap().try_into().unwrap(),
	}
}

pub fn token_proof(id: u32) -> TokenProof {
	let path = merkle::path(&vocabulary(), id).unwrap_or_default();
	TokenProof { bytes: bytes(id).try_into().unwrap(), path: path.try_into().unwrap() }
}

/// A symbol of a state that a liar has otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct WordLie {
	/// Of the word that is read at this position.
	pub position: u32,
	/// The state.
	pub step: u32,
	/// The symbol, counted again from the first when it is beyond the last.
	pub symbol: usize,
	/// What its id is changed by.
	pub change: u32,
}

/// All states of a word, with a lie or without. A state from which none follows is repeated.
pub fn states(program: &WordProgram, lie: Option<&WordLie>) -> Vec<Vec<u8>> {
	let (pairs, mut states) = (pairs(), Vec::<Vec<u8>>::new());
	for step in 0..program.steps() {
		let previous = states.last().cloned().unwrap_or_default();
		let merges = program
			.pairs(step, &previous)
			.map(|looked_up| looked_up.into_iter().map(|pair| pairs.get(&pair).copied()).collect::<Vec<_>>());
		let next = merges.and_then(|merges| program.evaluate(step, &previous, &merges));
		let mut state = next.unwrap_or(previous);
		if let Some(lie) = lie.filter(|lie| lie.step == step) {
			let at = lie.symbol % (state.len() / 14) * 14;
			let id = u32::from_le_bytes(state[at..at + 4].try_into().unwrap());
			state[at..at + 4].copy_from_slice(&(id ^ lie.change).to_le_bytes());
		}
		states.push(state);
	}
	states
}

/// Hashes of the states.
pub fn state_hashes(states: &[Vec<u8>]) -> Vec<Node> {
	hashes(states)
}

/// What state `step` is made from.
pub fn word_evidence(program: &WordProgram, states: &[Vec<u8>], step: u32) -> WordEvidence {
	let Some(before) = step.checked_sub(1) else { return WordEvidence::default() };
	let state = states[before as usize].clone();
	let looked_up = program.pairs(step, &state).unwrap_or_default();
	let siblings = merkle::path(&hashes(states), before).unwrap();
	let previous = FinePiece {
		leaves: vec![state.try_into().unwrap()].try_into().unwrap(),
		siblings: siblings.try_into().unwrap(),
	};
	let pairs: Vec<_> = looked_up.into_iter().map(pair_proof).collect();
	WordEvidence { previous, pairs: pairs.try_into().unwrap() }
}

/// What somebody reads from a text, with a lie or without: id and end of each token.
pub fn read(format: InputFormat, input: &[u8], lie: Option<&WordLie>) -> Vec<[i32; 2]> {
	let (text, head) = (text(format, input), head());
	let (mut tokens, mut previous) = (Vec::new(), 0);
	loop {
		let position = tokens.len() as u32;
		let token = match head.place(&text, position, previous) {
			Place::Token(token) => token,
			Place::Word(program) => {
				let lie = lie.filter(|lie| lie.position == position);
				let Some(last) = states(&program, lie).pop() else { break };
				program.token(previous, &last).unwrap_or(Token { id: 0, end: previous + 1 })
			},
			Place::End => break,
		};
		tokens.push([token.id as i32, token.end as i32]);
		previous = token.end;
		if token.end == 0 {
			break;
		}
	}
	tokens
}
