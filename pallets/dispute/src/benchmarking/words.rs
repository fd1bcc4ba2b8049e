//! A tokenizer that takes as long as one may, and what is shown of it.

use super::{
	scene::{Scene, ARCHITECTURE},
	sparse::Sparse,
};
use crate::{text, Config};
use alloc::{string::String, vec, vec::Vec};
use noesis_canon::tokenizer::{
	Head, Special, WordProgram, LOOKUPS, MAX_AFFIX_BYTES, MAX_PAIRS, MAX_SPECIAL_BYTES, MAX_TOKEN_BYTES,
	MAX_WORD,
};
use noesis_primitives::{
	merkle::{self, leaf_hash},
	ContentHash, FinePiece, GenerateParams, InputFormat, InputMark, JobKind, Opening, PairProof, Phase, Root,
	TextEvidence, TokenProof, TokenSource, TraceLeaf, WordEvidence, WordTree,
};
use polkadot_sdk::{frame_benchmarking::v2::*, frame_support::BoundedVec};

/// What every byte of the text is: a word by itself.
const BYTE: u8 = b'1';
/// The only leaf of the tree of pairs that is not a filler: the pair of symbols 1 and 1.
const PAIR: [u8; 16] = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0];

/// A tree of as many pairs as there may be.
fn pairs() -> Sparse {
	let mut pairs = Sparse::new(MAX_PAIRS);
	pairs.set(0, [leaf_hash(&PAIR)]);
	pairs
}

/// The token that stands for as many bytes as there may be.
pub(super) const LONGEST: u32 = 7;

/// The tree of tokens: all but one are fillers.
fn vocabulary() -> Sparse {
	let mut vocabulary = Sparse::new(ARCHITECTURE.vocabulary);
	vocabulary.set(LONGEST, [leaf_hash(&[BYTE; MAX_TOKEN_BYTES])]);
	vocabulary
}

/// What the longest token stands for.
pub(super) fn longest() -> TokenProof {
	TokenProof {
		bytes: BoundedVec::truncate_from(vec![BYTE; MAX_TOKEN_BYTES]),
		path: BoundedVec::truncate_from(vocabulary().siblings(LONGEST, 1)),
	}
}

/// A head whose special tokens all begin like the text and never come, with as much around a chat as there may be.
pub(super) fn head() -> Head {
	let special = |length: usize| Special { bytes: [&vec![BYTE; length][..], b"0"].concat(), id: 1 };
	let affix: String = core::iter::repeat_n('1', MAX_AFFIX_BYTES).collect();
	let mut special: Vec<Special> = (1..MAX_SPECIAL_BYTES).map(special).collect();
	special.sort_by(|a, b| a.bytes.cmp(&b.bytes));
	Head {
		pairs_root: pairs().root(),
		pairs: MAX_PAIRS,
		vocabulary_root: vocabulary().root(),
		vocabulary: ARCHITECTURE.vocabulary,
		end: ARCHITECTURE.end,
		byte_symbols: [0; 256],
		prefix: affix.clone(),
		suffix: affix,
		special,
	}
}

/// Hash of the head that the model of these benchmarks has.
pub(super) fn hash() -> ContentHash {
	ContentHash::of(&head().encode())
}

impl<T: Config> Scene<T> {
	/// A dispute that came to the last token of a chat whose message has `bytes` bytes.
	pub fn at_text(bytes: u32) -> Result<(Self, Vec<i32>, TextEvidence), BenchmarkError> {
		let scene = Self::disputed(1, 0)?;
		let input = vec![BYTE; bytes as usize];
		let end = bytes.saturating_add(MAX_AFFIX_BYTES.saturating_mul(2) as u32);
		let position = scene.claim.usage.input_tokens.saturating_sub(1);
		let mut rules = scene.stored()?.rules;
		let at = |position| rules.shape.index(TraceLeaf::Token { position }).ok_or("there is no such token");
		let (before, leaf) = (at(position.saturating_sub(1))?, at(position)?);
		let previous = vec![0, end.saturating_sub(1) as i32];
		let mut tree = Sparse::new(rules.claim.leaves);
		tree.set(before, [leaf_hash(&Opening::leaf_bytes(&previous))]);
		let path = BoundedVec::truncate_from(tree.siblings(before, 1));
		let previous = Opening { values: BoundedVec::truncate_from(previous), path };
		let values = vec![0, end as i32];
		rules.claim.root = Root(tree.root());
		rules.kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 2000));
		scene.set(|dispute| {
			dispute.rules = rules;
			dispute.input = InputMark::Open(ContentHash::of(&input));
			dispute.phase = Phase::Text { leaf, hash: leaf_hash(&Opening::leaf_bytes(&values)) };
		});
		let evidence = TextEvidence {
			head: BoundedVec::truncate_from(head().encode()),
			input: BoundedVec::truncate_from(input),
			previous: Some(previous),
			source: TokenSource::Text,
			seal: None,
		};
		Ok((scene, values, evidence))
	}

	/// A dispute that came to a state of the longest word which looks up as many pairs as a state may.
	pub fn at_word() -> Result<(Self, WordEvidence), BenchmarkError> {
		let scene = Self::disputed(1, 0)?;
		let program = WordProgram::new(vec![0; MAX_WORD], 0).ok_or("there is no such word")?;
		let state = program.evaluate(0, &[], &[]).ok_or("the word has no first state")?;
		let (mut states, pairs) = (Sparse::new(program.steps()), pairs());
		states.set(0, [leaf_hash(&state)]);
		let proof = PairProof {
			first: 0,
			leaves: BoundedVec::truncate_from(vec![PAIR]),
			siblings: BoundedVec::truncate_from(pairs.siblings(0, 1)),
		};
		let evidence = WordEvidence {
			previous: FinePiece {
				leaves: BoundedVec::truncate_from(vec![BoundedVec::truncate_from(state)]),
				siblings: BoundedVec::truncate_from(states.siblings(0, 1)),
			},
			pairs: BoundedVec::truncate_from(vec![proof; LOOKUPS]),
		};
		let leaf = scene.stored()?.rules.shape.index(TraceLeaf::Token { position: 1 });
		let word = WordTree {
			leaf: leaf.ok_or("there is no such token")?,
			root: Root(states.root()),
			states: program.steps(),
			symbols: MAX_WORD as u32,
			first: merkle::EMPTY,
			pairs_root: pairs.root(),
			pairs: MAX_PAIRS,
		};
		let hash = text::state(&word, 1, &evidence).map_err(|_| "the state can't be made")?;
		scene.set(|dispute| dispute.phase = Phase::Word { word, index: 1, hash });
		Ok((scene, evidence))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_canon::tokenizer::{pair_leaf, Merge};

	#[test]
	fn the_pair_of_the_benchmark_should_be_a_leaf() {
		assert_eq!(PAIR, pair_leaf((1, 1), Merge { rank: 0, result: 1 }));
		assert_eq!(Head::decode(&head().encode()), Ok(head()));
	}
}
