//! What there is to ask, the one right answer to each, and wrong ones: computed once, used by every run.

use crate::{
	model::{Fault, FineTrace, Model, Trace},
	rng::Rng,
	Error,
};
use noesis_primitives::Payload;
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex},
};

/// Different questions.
const PROMPTS: usize = 8;
/// Wrong answers of each kind to each.
const LIES: usize = 3;

/// A question.
pub struct Prompt {
	/// Its tokens, as a payload.
	pub input: Payload,
	/// What a model gives.
	pub truth: Trace,
	/// Answers that are made up.
	pub garbage: Vec<Trace>,
	/// Answers that are wrong in one step.
	pub subtle: Vec<Trace>,
}

/// Which answer to a prompt.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Answer {
	/// The right one.
	Truth,
	/// A made-up one.
	Garbage(usize),
	/// One that is wrong in one step.
	Subtle(usize),
}

/// A fine trace: of which prompt, answer and leaf.
type Place = (usize, Answer, u32);

/// All of it.
pub struct Library {
	/// The model.
	pub model: Model,
	prompts: Vec<Prompt>,
	fine: Mutex<BTreeMap<Place, Arc<FineTrace>>>,
}

impl Library {
	/// Makes the model of a seed, and questions for it.
	pub fn new(seed: u64) -> Result<Self, Error> {
		let model = Model::new(seed);
		let mut rng = Rng::new(seed);
		let mut prompts = Vec::new();
		// An answer that ends before its greatest length is left out: traces of one question have one size.
		for _ in 0..100 * PROMPTS {
			if prompts.len() < PROMPTS {
				prompts.extend(prompt(&model, &mut rng));
			}
		}
		if prompts.len() < PROMPTS {
			return Err(Error::Model);
		}
		Ok(Self { model, prompts, fine: Mutex::default() })
	}

	/// Number of questions.
	pub fn len(&self) -> usize {
		self.prompts.len()
	}

	/// Whether there are no questions.
	pub fn is_empty(&self) -> bool {
		self.prompts.is_empty()
	}

	/// A question.
	pub fn prompt(&self, index: usize) -> Option<&Prompt> {
		self.prompts.get(index)
	}

	/// An answer to a question.
	pub fn trace(&self, prompt: usize, answer: Answer) -> Option<&Trace> {
		let prompt = self.prompt(prompt)?;
		match answer {
			Answer::Truth => Some(&prompt.truth),
			Answer::Garbage(index) => prompt.garbage.get(index),
			Answer::Subtle(index) => prompt.subtle.get(index),
		}
	}

	/// The computation of leaf `leaf` of an answer's trace, as whoever gave the answer shows it.
	pub fn fine(&self, prompt: usize, answer: Answer, leaf: u32) -> Option<Arc<FineTrace>> {
		let place = (prompt, answer, leaf);
		let known = self.fine.lock().ok()?.get(&place).cloned();
		known.or_else(|| {
			let fine = Arc::new(FineTrace::of(&self.model, self.trace(prompt, answer)?, leaf)?);
			self.fine.lock().ok()?.insert(place, fine.clone());
			Some(fine)
		})
	}
}

/// A random question, unless an answer to it ends too early.
fn prompt(model: &Model, rng: &mut Rng) -> Option<Prompt> {
	let vocabulary = model.architecture().vocabulary as usize;
	let length = 2 + rng.below(3);
	let tokens: Vec<u32> = (0..length).map(|_| 1 + rng.below(vocabulary - 1) as u32).collect();
	let truth = model.run(&tokens, None)?;
	let lie = |fault| model.run(&tokens, Some(fault)).filter(|lie| lie.claim != truth.claim);
	let (mut garbage, mut subtle) = (Vec::new(), Vec::new());
	for index in 0..LIES {
		garbage.push(lie(Fault::Garbage { seed: rng.bits() })?);
		let position = rng.below(truth.shape.positions as usize) as u32;
		let layer = rng.below(truth.shape.layers as usize) as u32;
		subtle.push(lie(Fault::Residual { position, layer })?);
		subtle.push(lie(Fault::Token { index: index as u32 })?);
	}
	let bytes: Vec<u8> = tokens.iter().flat_map(|token| token.to_le_bytes()).collect();
	Some(Prompt { input: Payload::Inline(bytes.try_into().ok()?), truth, garbage, subtle })
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_primitives::{merkle, opening_positions, Subject, TraceLeaf};

	#[test]
	fn wrong_answers_should_have_the_size_of_the_right_one_and_another_root() {
		let library = Library::new(1).unwrap();
		for prompt in &library.prompts {
			for lie in prompt.garbage.iter().chain(&prompt.subtle) {
				assert_eq!(
					(lie.claim.leaves, lie.claim.usage),
					(prompt.truth.claim.leaves, prompt.truth.claim.usage)
				);
				assert_ne!(lie.claim.root, prompt.truth.claim.root);
			}
			let expected = prompt.truth.shape.leaves().unwrap();
			assert_eq!(prompt.truth.claim.leaves, expected);
		}
	}

	#[test]
	fn openings_should_verify_when_they_are_of_the_claimed_trace() {
		let library = Library::new(2).unwrap();
		let prompt = &library.prompts[0];
		let seed =
			noesis_primitives::panel_seed(Subject::Job(Default::default()), &prompt.truth.claim, [3; 32]);
		for index in opening_positions(&prompt.truth.claim, b"somebody", &seed, 8) {
			let opening = prompt.truth.open(index).unwrap();
			assert!(opening.verify(&prompt.truth.claim, index));
			assert!(!opening.verify(&prompt.garbage[0].claim, index));
		}
	}

	#[test]
	fn fine_trace_should_end_in_the_leaf_that_it_computes() {
		let library = Library::new(3).unwrap();
		let prompt = &library.prompts[0];
		let read = prompt.truth.claim.usage.input_tokens;
		for index in 0..prompt.truth.claim.leaves {
			let fine = library.fine(0, Answer::Truth, index);
			let leaf = prompt.truth.shape.leaf(index).unwrap();
			let TraceLeaf::Residual { slice, .. } = leaf else {
				let is_output = matches!(leaf, TraceLeaf::Token { position } if position >= read);
				assert_eq!(fine.is_some(), is_output);
				continue;
			};
			let fine = fine.unwrap();
			let result = fine.leaf(fine.result(slice).unwrap()).unwrap();
			let hash = merkle::leaf_hash(&result);
			assert_eq!(hash, prompt.truth.hashes()[index as usize]);
		}
	}
}
