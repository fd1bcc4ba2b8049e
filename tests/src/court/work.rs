//! What somebody says came out of a job, and what it can show of it.

use super::{Forgery, Model, Person};
use codec::Encode;
use noesis_engine::{
	dispute::{Fault, Prover},
	Execution, RunOptions,
};
use noesis_primitives::{
	merkle, opening_positions, Claim, ContentHash, JobKind, Opening, Payload, Root, TraceLeaf, Usage,
};
use noesis_worker::disputes::Witness;
use std::rc::Rc;

/// A result that can be claimed.
#[derive(Clone)]
pub struct Work {
	/// What is claimed.
	pub claim: Claim,
	/// The answer.
	pub output: Payload,
	/// What the job was computed from.
	pub input: Vec<u8>,
	/// The model whose shape is shown.
	pub model: &'static Model,
	/// What is behind it.
	held: Held,
}

#[derive(Clone)]
enum Held {
	/// A run of the engine.
	Run { execution: Rc<Execution>, kind: JobKind, input: Rc<[u8]>, fault: Option<Fault> },
	/// A trace made by hand.
	Forged(Rc<Forgery>),
	/// Nothing.
	Nothing,
}

/// What an execution claims.
pub fn claim_of(execution: &Execution) -> Claim {
	Claim {
		root: execution.root(),
		leaves: execution.leaf_count(),
		output: ContentHash::of(&execution.output),
		usage: execution.usage,
	}
}

fn inline(bytes: &[u8]) -> Payload {
	Payload::Inline(bytes.to_vec().try_into().unwrap())
}

impl Work {
	/// What the engine makes of a job, with a fault if any.
	pub fn of(model: &'static Model, kind: JobKind, input: &[u8], fault: Option<Fault>) -> Self {
		let options = RunOptions { fault, ..RunOptions::default() };
		let execution = model.engine.run(&kind, input, options).unwrap();
		Self {
			claim: claim_of(&execution),
			output: inline(&execution.output),
			input: input.to_vec(),
			model,
			held: Held::Run { execution: Rc::new(execution), kind, input: input.into(), fault },
		}
	}

	/// A trace made by hand, claimed for a job with this input.
	pub fn forged(forgery: Forgery, input: &[u8]) -> Self {
		let output = forgery.output();
		let claim = Claim {
			root: Root(merkle::root(forgery.leaves())),
			leaves: forgery.leaves().len() as u32,
			output: ContentHash::of(&output),
			usage: forgery.usage,
		};
		let model = forgery.model;
		Self {
			claim,
			output: inline(&output),
			input: input.to_vec(),
			model,
			held: Held::Forged(Rc::new(forgery)),
		}
	}

	/// An answer out of thin air that has the right numbers.
	pub fn garbage(model: &'static Model, usage: Usage, input: &[u8], salt: u8) -> Self {
		let output = inline(&[salt; 12]);
		let leaves = model.architecture().trace(usage.positions() as u32).leaves().unwrap();
		let claim = Claim { root: Root([salt; 32]), leaves, output: output.content_hash(), usage };
		Self { claim, output, input: input.to_vec(), model, held: Held::Nothing }
	}

	/// The same claim by somebody who has nothing of it.
	pub fn copied(&self) -> Self {
		Self { held: Held::Nothing, ..self.clone() }
	}

	/// The same work for a job with another input.
	pub fn passed_off_for(&self, input: &[u8]) -> Self {
		Self { input: input.to_vec(), ..self.clone() }
	}

	/// The same trace with another text.
	pub fn with_output(&self, text: &[u8]) -> Self {
		let output = inline(text);
		Self { claim: Claim { output: output.content_hash(), ..self.claim }, output, ..self.clone() }
	}

	/// The same answer, kept where nobody finds it.
	pub fn stored_nowhere(&self) -> Self {
		let (hash, len) = (self.output.content_hash(), self.output.len());
		let locator = b"http://127.0.0.1:1".to_vec().try_into().unwrap();
		Self { output: Payload::Stored { hash, len, locator }, ..self.clone() }
	}

	/// The tokens of the trace.
	pub fn tokens(&self) -> Vec<noesis_engine::trace::TokenLeaf> {
		match &self.held {
			Held::Run { execution, .. } => execution.token_leaves.clone(),
			Held::Forged(forgery) => forgery.trace.tokens.clone(),
			Held::Nothing => Vec::new(),
		}
	}

	/// Shows it to `f`, as far as there is something to show.
	pub fn witness<R>(&self, f: impl FnOnce(&dyn Witness) -> R) -> Option<R> {
		match &self.held {
			Held::Run { execution, kind, fault, .. } => {
				let (engine, checkpoint) = (&self.model.engine, &self.model.checkpoint);
				Some(f(&Prover::new(engine, checkpoint, *kind, execution, *fault).unwrap()))
			},
			Held::Forged(forgery) => Some(f(forgery.as_ref())),
			Held::Nothing => None,
		}
	}

	/// What a verdict opens; made up where there is nothing.
	pub fn openings(&self, validator: &Person, seed: &[u8; 32], count: u32) -> Vec<Opening> {
		let positions = opening_positions(&self.claim, &validator.account.encode(), seed, count);
		match &self.held {
			Held::Run { kind, input, fault, .. } => {
				let capture: Vec<u64> = positions.iter().map(|position| u64::from(*position)).collect();
				let options = RunOptions { capture: &capture, fault: *fault, ..RunOptions::default() };
				let execution = self.model.engine.run(kind, input, options).unwrap();
				capture.iter().map(|index| execution.opening(*index).unwrap()).collect()
			},
			Held::Forged(forgery) => {
				let open = |index| Opening {
					values: forgery.values(index).try_into().unwrap(),
					path: merkle::path(forgery.leaves(), index).unwrap().try_into().unwrap(),
				};
				positions.into_iter().map(open).collect()
			},
			Held::Nothing => {
				let shape = self.model.architecture().trace(self.claim.usage.positions() as u32);
				let invent = |index| {
					let values = shape.leaf(index).map_or(2, |leaf: TraceLeaf| shape.values(leaf));
					let depth = merkle::levels(self.claim.leaves) as usize;
					Opening {
						values: vec![7; values as usize].try_into().unwrap(),
						path: vec![[7; 32]; depth].try_into().unwrap(),
					}
				};
				positions.into_iter().map(invent).collect()
			},
		}
	}
}
