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
use noesis_worker::{
	disputes::{Expanded, Witness},
	sealed::Seals,
};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex, OnceLock},
};

/// A result that can be claimed.
#[derive(Clone)]
pub struct Work {
	/// What is claimed.
	pub claim: Claim,
	/// The answer.
	pub output: Payload,
	/// Its bytes.
	pub text: Vec<u8>,
	/// What the job was computed from.
	pub input: Vec<u8>,
	/// The seals of a sealed job.
	pub seals: Option<Seals>,
	/// The model whose shape is shown.
	pub model: &'static Model,
	/// What is behind it.
	held: Held,
	/// What disputes about it have needed so far.
	expanded: Arc<Mutex<BTreeMap<u32, Arc<Expanded>>>>,
}

#[derive(Clone)]
enum Held {
	/// A run of the engine.
	Run(Arc<Run>),
	/// A trace made by hand.
	Forged(Arc<Forgery>),
	/// Nothing.
	Nothing,
}

/// A run of the engine, and what was made of it once.
struct Run {
	execution: Execution,
	kind: JobKind,
	input: Vec<u8>,
	fault: Option<Fault>,
	prover: OnceLock<Prover<'static>>,
	/// The same run, with the values of every leaf.
	all: OnceLock<Execution>,
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
		let (claim, text) = (claim_of(&execution), execution.output.clone());
		let (prover, all) = Default::default();
		let run = Run { execution, kind, input: input.to_vec(), fault, prover, all };
		Self::new(model, claim, text, input, Held::Run(Arc::new(run)))
	}

	fn new(model: &'static Model, claim: Claim, text: Vec<u8>, input: &[u8], held: Held) -> Self {
		let (output, input, expanded) = (inline(&text), input.to_vec(), Arc::default());
		Self { claim, output, text, input, seals: None, model, held, expanded }
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
		Self::new(forgery.model, claim, output, input, Held::Forged(Arc::new(forgery)))
	}

	/// An answer out of thin air that has the right numbers.
	pub fn garbage(model: &'static Model, usage: Usage, input: &[u8], salt: u8) -> Self {
		let text = vec![salt; 12];
		let leaves = model.architecture().trace(usage.positions() as u32).leaves().unwrap();
		let claim = Claim { root: Root([salt; 32]), leaves, output: ContentHash::of(&text), usage };
		Self::new(model, claim, text, input, Held::Nothing)
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
		let claim = Claim { output: output.content_hash(), ..self.claim };
		Self { claim, output, text: text.to_vec(), ..self.clone() }
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
			Held::Run(run) => run.execution.token_leaves.clone(),
			Held::Forged(forgery) => forgery.trace.tokens.clone(),
			Held::Nothing => Vec::new(),
		}
	}

	/// Shows it to `f`, as far as there is something to show.
	pub fn witness<R>(&self, f: impl FnOnce(&dyn Witness) -> R) -> Option<R> {
		match &self.held {
			Held::Run(run) => Some(f(run.prover(self.model))),
			Held::Forged(forgery) => Some(f(forgery.as_ref())),
			Held::Nothing => None,
		}
	}

	/// The computation behind a leaf of its trace, if a dispute has needed it.
	pub(super) fn expanded(&self, leaf: u32) -> Option<Arc<Expanded>> {
		self.expanded.lock().unwrap().get(&leaf).cloned()
	}

	/// Keeps such a computation for the next dispute.
	pub(super) fn keep(&self, expanded: Arc<Expanded>) {
		self.expanded.lock().unwrap().insert(expanded.leaf, expanded);
	}

	/// What a verdict opens; made up where there is nothing.
	pub fn openings(&self, validator: &Person, seed: &[u8; 32], count: u32) -> Vec<Opening> {
		let positions = opening_positions(&self.claim, &validator.account.encode(), seed, count);
		match &self.held {
			Held::Run(run) => {
				let all = run.all(self.model);
				positions.iter().map(|index| all.opening((*index).into()).unwrap()).collect()
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

impl Run {
	fn prover(&self, model: &'static Model) -> &Prover<'static> {
		let prove =
			|| Prover::new(&model.engine, &model.checkpoint, self.kind, &self.execution, self.fault).unwrap();
		self.prover.get_or_init(prove)
	}

	fn all(&self, model: &Model) -> &Execution {
		self.all.get_or_init(|| {
			let capture: Vec<u64> = (0..self.execution.leaf_count().into()).collect();
			let options = RunOptions { capture: &capture, fault: self.fault, ..RunOptions::default() };
			model.engine.run(&self.kind, &self.input, options).unwrap()
		})
	}
}
