//! A job's trace made by hand: consistent wherever its maker wants it to be.

use super::Model;
use noesis_canon::graph::Program;
use noesis_engine::{
	dispute::{self, rehearse, Alteration, Coarse, DisputeError, FineTrace, Rehearsal, Weights},
	tokenizer::Tokenizer,
	trace::{self, TokenLeaf},
};
use noesis_primitives::{
	merkle::{self, Node},
	Evidence, JobKind, Opening, TraceLeaf, Usage, SLICE,
};
use noesis_worker::disputes::Witness;

/// A trace that somebody claims, and what it has to show of it.
pub struct Forgery {
	/// The model that it was computed with.
	pub model: &'static Model,
	/// What was asked.
	pub kind: JobKind,
	/// Tokens read and produced.
	pub usage: Usage,
	/// Tokens, residuals, hashes.
	pub trace: Rehearsal,
	/// One number that was altered where it was computed.
	pub alteration: Option<(Program, Alteration)>,
}

impl Forgery {
	/// These tokens, of which the first `read` were the input, whatever the model would have chosen. All residuals
	/// are what the model computes of them; the choice of a token that it would not have chosen is altered.
	pub fn of_tokens(model: &'static Model, kind: JobKind, tokens: &[TokenLeaf], read: u32) -> Self {
		let architecture = model.architecture();
		let ids: Vec<u32> = tokens[..tokens.len() - 1].iter().map(|token| token.id).collect();
		let residual = |layer| model.engine.residuals(&ids, layer, None).unwrap();
		let residuals: Vec<Vec<i32>> = (0..architecture.layers).map(residual).collect();
		let leaves = trace::trace_of(architecture, tokens, &residuals);
		let usage = Usage { input_tokens: read, output_tokens: tokens.len() as u32 - read };
		let trace = Rehearsal { tokens: tokens.to_vec(), residuals, leaves };
		Self { model, kind, usage, trace, alteration: None }
	}

	/// A job of which one number of one fine leaf is altered, and everything after it computed from that. `None` where
	/// the alteration makes a later step impossible.
	pub fn altered(
		model: &'static Model,
		kind: JobKind,
		prompt: &[TokenLeaf],
		alteration: Option<(Program, Alteration)>,
	) -> Option<Self> {
		let weights = Weights::new(&model.checkpoint).unwrap();
		let JobKind::Generate(params) = &kind;
		let bytes = |token| model.engine.tokenizer().bytes(token).len();
		let sampling = dispute::sampling(params);
		let limit = params.max_tokens as usize;
		let trace = rehearse(&weights, prompt, &sampling, limit, &bytes, alteration).ok()?;
		let read = prompt.len() as u32;
		let usage = Usage { input_tokens: read, output_tokens: trace.tokens.len() as u32 - read };
		Some(Self { model, kind, usage, trace, alteration })
	}

	/// The token that the model chooses after these tokens.
	pub fn next(model: &'static Model, kind: JobKind, tokens: &[TokenLeaf], read: u32) -> u32 {
		// As if one more had been produced: what is asked for is how that one comes about.
		let mut tokens = tokens.to_vec();
		tokens.push(TokenLeaf { id: 0, end: 0 });
		let forgery = Self::of_tokens(model, kind, &tokens, read);
		let leaf = TraceLeaf::Token { position: tokens.len() as u32 - 1 };
		let (fine, result) = forgery.compute(leaf, None).unwrap();
		picked(&fine, result) as u32
	}

	/// The bytes of the output.
	pub fn output(&self) -> Vec<u8> {
		let end = self.model.architecture().end;
		let produced = self.trace.tokens.iter().skip(self.usage.input_tokens as usize);
		let bytes = |token: &TokenLeaf| self.model.engine.tokenizer().bytes(token.id).to_vec();
		produced.filter(|token| token.id != end).flat_map(bytes).collect()
	}

	/// The values of a leaf.
	pub fn values(&self, index: u32) -> Vec<i32> {
		match self.leaf(index).unwrap() {
			TraceLeaf::Token { position } => self.trace.tokens[position as usize].values().to_vec(),
			TraceLeaf::Residual { position, layer, slice } => {
				let width = self.model.architecture().width as usize;
				let row = &self.trace.residuals[layer as usize][position as usize * width..][..width];
				row.chunks(SLICE as usize).nth(slice as usize).unwrap().to_vec()
			},
		}
	}

	fn compute(
		&self,
		leaf: TraceLeaf,
		alteration: Option<Alteration>,
	) -> Result<(FineTrace, u32), DisputeError> {
		let weights = Weights::new(&self.model.checkpoint)?;
		let (program, result) =
			dispute::program(&self.kind, &self.usage, leaf).ok_or(DisputeError::NoProgram)?;
		let altered = self.alteration.filter(|(altered, _)| *altered == program).map(|(_, leaf)| leaf);
		let coarse = self.trace.coarse(&program);
		let fine = FineTrace::new(&weights, &program, &coarse, alteration.or(altered))?;
		let result = fine.layout().result(result).ok_or(DisputeError::NoProgram)?;
		Ok((fine, result))
	}
}

/// The token that comes out of a program.
fn picked(fine: &FineTrace, result: u32) -> i64 {
	i64::from_le_bytes(fine.leaf(result).unwrap()[..8].try_into().unwrap())
}

impl Witness for Forgery {
	fn leaves(&self) -> &[Node] {
		&self.trace.leaves
	}

	fn leaf(&self, index: u32) -> Option<TraceLeaf> {
		trace::shape(self.model.architecture(), self.trace.tokens.len()).leaf(index)
	}

	fn usage(&self) -> Usage {
		self.usage
	}

	fn tokens(&self) -> &[TokenLeaf] {
		&self.trace.tokens
	}

	fn token(&self, position: u32) -> Option<Opening> {
		let token = self.trace.tokens.get(position as usize)?;
		let leaf = TraceLeaf::Token { position };
		let index = trace::index(self.model.architecture(), self.trace.tokens.len(), leaf)?;
		let path = merkle::path(&self.trace.leaves, index)?.try_into().ok()?;
		Some(Opening { values: token.values().to_vec().try_into().ok()?, path })
	}

	fn fine_trace(&self, index: u32) -> Result<(FineTrace, u32), DisputeError> {
		let leaf = self.leaf(index).ok_or(DisputeError::NoProgram)?;
		let (fine, result) = self.compute(leaf, None)?;
		let TraceLeaf::Token { position } = leaf else { return Ok((fine, result)) };
		let claimed = i64::from(self.trace.tokens[position as usize].id);
		let change = claimed - picked(&fine, result);
		if change == 0 {
			return Ok((fine, result));
		}
		self.compute(leaf, Some(Alteration { leaf: result, value: 0, change }))
	}

	fn evidence(&self, fine: &FineTrace, index: u32) -> Result<Evidence, DisputeError> {
		let weights = Weights::new(&self.model.checkpoint)?;
		let coarse = Coarse { tokens: &self.trace.tokens, residual: fine.residual() };
		fine.evidence(&weights, &coarse, &self.trace.leaves, index).ok_or(DisputeError::NoEvidence(index))
	}

	fn tokenizer(&self) -> &Tokenizer {
		self.model.engine.tokenizer()
	}
}
