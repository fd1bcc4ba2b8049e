//! The steps of one word, and what is shown of one of them.

use super::Tokenizer;
use noesis_canon::tokenizer::WordProgram;
use noesis_primitives::{
	merkle::{self, Node},
	FinePiece, PairProof, Root, WordEvidence,
};

/// All states of a word.
#[derive(Clone, Debug)]
pub struct WordTrace<'a> {
	tokenizer: &'a Tokenizer,
	program: WordProgram,
	states: Vec<Vec<u8>>,
	leaves: Vec<Node>,
}

impl Tokenizer {
	/// All states of a word.
	pub fn word_trace(&self, program: WordProgram) -> WordTrace<'_> {
		self.rehearse(program, |_, _| ())
	}

	/// The states of somebody who changes some of them and goes on from what he made: how a liar looks from outside.
	/// `change` is called with the place and the bytes of every state. A state from which none follows is repeated.
	pub fn rehearse(&self, program: WordProgram, mut change: impl FnMut(u32, &mut Vec<u8>)) -> WordTrace<'_> {
		let mut states: Vec<Vec<u8>> = Vec::with_capacity(program.steps() as usize);
		for step in 0..program.steps() {
			let previous = states.last().map(Vec::as_slice).unwrap_or_default();
			let next = program.pairs(step, previous).and_then(|pairs| {
				let merges: Vec<_> = pairs.into_iter().map(|pair| self.pairs.get(pair)).collect();
				program.evaluate(step, previous, &merges)
			});
			let mut state = next.unwrap_or_else(|| previous.to_vec());
			change(step, &mut state);
			states.push(state);
		}
		let leaves = states.iter().map(|state| merkle::leaf_hash(state)).collect();
		WordTrace { tokenizer: self, program, states, leaves }
	}
}

impl WordTrace<'_> {
	/// The word.
	pub fn program(&self) -> &WordProgram {
		&self.program
	}

	/// The states' bytes.
	pub fn states(&self) -> &[Vec<u8>] {
		&self.states
	}

	/// The states' hashes: the leaves of the tree that a party commits to.
	pub fn leaves(&self) -> &[Node] {
		&self.leaves
	}

	/// The root of that tree.
	pub fn root(&self) -> Root {
		Root(merkle::root(&self.leaves))
	}

	/// A state with its path; `None` when there is no such state.
	pub fn state(&self, step: u32) -> Option<FinePiece> {
		let state = self.states.get(step as usize)?.clone();
		let siblings = merkle::path(&self.leaves, step)?;
		Some(FinePiece {
			leaves: vec![state.try_into().ok()?].try_into().ok()?,
			siblings: siblings.try_into().ok()?,
		})
	}

	/// What state `step` is made from; `None` when there is no such state, or none follows from the one before.
	pub fn evidence(&self, step: u32) -> Option<WordEvidence> {
		let previous = match step.checked_sub(1) {
			Some(before) => self.state(before)?,
			None => FinePiece::default(),
		};
		let pairs = self.program.pairs(step, &previous.bytes())?;
		let proofs: Vec<PairProof> = pairs.into_iter().map(|pair| self.tokenizer.pair_proof(pair)).collect();
		Some(WordEvidence { previous, pairs: proofs.try_into().ok()? })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::tokenizer_data;
	use noesis_canon::tokenizer::{find, Head, Place};
	use proptest::prelude::*;

	/// What a chain does with the evidence for a state.
	fn judge(
		head: &Head,
		program: &WordProgram,
		root: &Root,
		step: u32,
		evidence: &WordEvidence,
	) -> Option<Vec<u8>> {
		if let Some(before) = step.checked_sub(1) {
			assert!(evidence.previous.verify(&root.0, program.steps(), before, 1));
		}
		let previous = evidence.previous.bytes();
		let pairs = program.pairs(step, &previous)?;
		assert_eq!(pairs.len(), evidence.pairs.len());
		let mut merges = Vec::new();
		for (pair, proof) in pairs.into_iter().zip(&evidence.pairs) {
			assert!(proof.verify(&head.pairs_root, head.pairs));
			merges.push(find(pair, head.pairs, proof.first, &proof.leaves)?);
		}
		program.evaluate(step, &previous, &merges)
	}

	/// The word of `text` that is read first.
	fn first_word(tokenizer: &Tokenizer, text: &str) -> Option<WordProgram> {
		match tokenizer.place(text, 0, 0) {
			Place::Word(program) => Some(program),
			_ => None,
		}
	}

	proptest! {
		#![proptest_config(ProptestConfig::with_cases(64))]

		#[test]
		fn every_state_should_follow_from_its_evidence(text in " (the|and|in|er|xyz|é){1,20}") {
			let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
			let program = first_word(&tokenizer, &text).unwrap();
			let trace = tokenizer.word_trace(program.clone());
			prop_assert_eq!(trace.states().len() as u32, program.steps());
			for step in 0..program.steps() {
				let evidence = trace.evidence(step).unwrap();
				let found = judge(tokenizer.head(), &program, &trace.root(), step, &evidence);
				prop_assert_eq!(found.as_ref(), trace.states().get(step as usize));
			}
			prop_assert_eq!(trace.evidence(program.steps()), None);
			let (mut tokens, mut previous) = (Vec::new(), 0);
			while let Some(token) = program.token(previous, trace.states().last().unwrap()) {
				tokens.push(token.id);
				previous = token.end;
			}
			let first = tokenizer.encode(text.as_bytes());
			prop_assert_eq!(&first[..tokens.len()], tokens.as_slice());
		}

		#[test]
		fn a_lie_should_show_at_its_own_step_alone(
			text in " (the|and|in|er|xyz){2,20}", step in any::<u32>(), symbol in any::<prop::sample::Index>(), id in 3u32..9,
		) {
			let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
			let program = first_word(&tokenizer, &text).unwrap();
			let lied = step % program.steps();
			let trace = tokenizer.rehearse(program.clone(), |step, state| {
				if step == lied {
					let at = symbol.index(state.len() / 14) * 14;
					let old = u32::from_le_bytes(state[at..at + 4].try_into().unwrap());
					state[at..at + 4].copy_from_slice(&(old ^ id).to_le_bytes());
				}
			});
			for step in 0..program.steps() {
				let evidence = trace.evidence(step).unwrap();
				let found = judge(tokenizer.head(), &program, &trace.root(), step, &evidence);
				prop_assert_eq!(found.as_ref() == trace.states().get(step as usize), step != lied);
			}
		}
	}
}
