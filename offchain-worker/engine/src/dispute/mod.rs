//! What a party to a dispute computes and shows.
//!
//! A dispute goes down the tree of a job's trace to one leaf, and then down the tree of the program that computes that
//! leaf ([`noesis_canon::graph`]). A [`Prover`] holds a job that was run; it says which program is behind a leaf, computes
//! the program's [`FineTrace`], and gathers the evidence for one of its leaves.
//!
//! [`Lie`], [`Fault`] and [`Alteration`] are for rehearsals: a party that computes one number wrongly and stays consistent
//! otherwise, or names another output beside the right trace. [`rehearse`] builds a whole trace out of programs.

mod evidence;
mod fault;
mod fine;
mod rehearse;
mod weights;

pub use fault::{Alteration, Fault, Lie};
pub use fine::{Coarse, FineTrace};
pub use rehearse::{rehearse, Rehearsal};
pub use weights::Weights;

use crate::{
	checkpoint::{Checkpoint, CheckpointError},
	tokenizer::Tokenizer,
	trace::TokenLeaf,
	Engine, EngineError, Execution,
};
use noesis_canon::{graph::Program, sampler::Sampling};
use noesis_primitives::{merkle, Evidence, GenerateParams, JobKind, Opening, TraceLeaf, Usage};

/// Why something can't be shown.
#[derive(Debug, thiserror::Error)]
pub enum DisputeError {
	/// No program computes this leaf: it is a token of the input, or none of the trace's.
	#[error("no program computes this leaf of the trace")]
	NoProgram,
	/// The program has too many leaves, or there is no such layer or position.
	#[error("the program is outside the model, or too large")]
	TooLarge,
	/// A leaf can't be computed from what comes before it: only in rehearsals.
	#[error("leaf {0} can't be computed: what was altered before it makes it impossible")]
	Impossible(u32),
	/// There is no such leaf, or it does not fit into evidence.
	#[error("there is no evidence for leaf {0}")]
	NoEvidence(u32),
	/// The weights can't be read.
	#[error(transparent)]
	Checkpoint(#[from] CheckpointError),
	/// The model did not run.
	#[error(transparent)]
	Engine(#[from] EngineError),
}

/// The sampling of a job.
pub fn sampling(params: &GenerateParams) -> Sampling {
	Sampling { temperature: params.temperature, top_p: params.top_p, seed: params.seed }
}

/// The program that computes a leaf of a job's trace, and which of the program's results it is. `None` for tokens of the
/// input.
pub fn program(kind: &JobKind, usage: &Usage, leaf: TraceLeaf) -> Option<(Program, u32)> {
	let JobKind::Generate(params) = kind;
	match leaf {
		TraceLeaf::Residual { position, layer, slice } => Some((Program::Layer { layer, position }, slice)),
		TraceLeaf::Token { position } => {
			let index = position.checked_sub(usage.input_tokens)?;
			let position = position.checked_sub(1)?;
			Some((Program::Pick { position, sampling: sampling(params), index }, 0))
		},
	}
}

/// A job that was run, ready to be defended.
#[derive(Debug)]
pub struct Prover<'a> {
	engine: &'a Engine,
	weights: Weights<'a>,
	kind: JobKind,
	usage: Usage,
	tokens: Vec<TokenLeaf>,
	leaves: Vec<merkle::Node>,
	fault: Option<Fault>,
}

impl<'a> Prover<'a> {
	/// A prover of `execution`, which `engine` made of a job of this kind, with this fault if any. `checkpoint` is the
	/// engine's.
	pub fn new(
		engine: &'a Engine,
		checkpoint: &'a Checkpoint,
		kind: JobKind,
		execution: &Execution,
		fault: Option<Fault>,
	) -> Result<Self, DisputeError> {
		Ok(Self {
			engine,
			weights: Weights::new(checkpoint)?,
			kind,
			usage: execution.usage,
			tokens: execution.token_leaves.clone(),
			leaves: execution.leaves.clone(),
			fault,
		})
	}

	/// Hashes of the leaves of the job's trace.
	pub fn leaves(&self) -> &[merkle::Node] {
		&self.leaves
	}

	/// What leaf `index` of the job's trace holds.
	pub fn leaf(&self, index: u32) -> Option<TraceLeaf> {
		let architecture = &self.engine.manifest().architecture;
		crate::trace::shape(architecture, self.tokens.len()).leaf(index)
	}

	/// The fine trace behind leaf `index` of the job's trace, and the fine leaf that comes out as this leaf.
	///
	/// Runs the model over the tokens up to the leaf's position.
	pub fn fine_trace(&self, index: u32) -> Result<(FineTrace, u32), DisputeError> {
		let leaf = self.leaf(index).ok_or(DisputeError::NoProgram)?;
		let (program, result) = program(&self.kind, &self.usage, leaf).ok_or(DisputeError::NoProgram)?;
		let layers = self.weights.architecture().layers;
		let (before, position) = match program {
			Program::Layer { layer, position } => (layer.checked_sub(1), position),
			Program::Pick { position, .. } => (layers.checked_sub(1), position),
		};
		let read = self.tokens.get(..=position as usize).ok_or(DisputeError::NoProgram)?;
		let ids: Vec<u32> = read.iter().map(|token| token.id).collect();
		let residual = match before {
			Some(layer) => self.engine.residuals(&ids, layer, self.fault)?,
			None => Vec::new(),
		};
		let layout = self.weights.layout(&program).ok_or(DisputeError::TooLarge)?;
		let alteration = self.fault.and_then(|fault| fault.in_program(&program, &layout));
		let coarse = Coarse { tokens: &self.tokens, residual: &residual };
		let fine = self.engine.install(|| FineTrace::new(&self.weights, &program, &coarse, alteration))?;
		let result = fine.layout().result(result).ok_or(DisputeError::NoProgram)?;
		Ok((fine, result))
	}

	/// What leaf `index` of a fine trace of this job is computed from, with proofs.
	pub fn evidence(&self, fine: &FineTrace, index: u32) -> Result<Evidence, DisputeError> {
		let coarse = Coarse { tokens: &self.tokens, residual: fine.residual() };
		fine.evidence(&self.weights, &coarse, &self.leaves, index).ok_or(DisputeError::NoEvidence(index))
	}

	/// Tokens read and produced.
	pub fn usage(&self) -> Usage {
		self.usage
	}

	/// The tokens of the job's trace, read and produced.
	pub fn tokens(&self) -> &[TokenLeaf] {
		&self.tokens
	}

	/// The model's tokenizer.
	pub fn tokenizer(&self) -> &Tokenizer {
		self.engine.tokenizer()
	}

	/// An opening of a token of the job's trace.
	pub fn token(&self, position: u32) -> Option<Opening> {
		let token = self.tokens.get(position as usize)?;
		let architecture = self.weights.architecture();
		let index = crate::trace::index(architecture, self.tokens.len(), TraceLeaf::Token { position })?;
		let path = merkle::path(&self.leaves, index)?.try_into().ok()?;
		Some(Opening { values: token.values().to_vec().try_into().ok()?, path })
	}
}
