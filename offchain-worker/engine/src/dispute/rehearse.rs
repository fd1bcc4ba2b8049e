//! A job computed by programs alone: slow, and able to be wrong in any single number.

use super::{Alteration, Coarse, DisputeError, FineTrace, Weights};
use crate::trace::{trace_of, TokenLeaf};
use noesis_canon::{graph::Program, sampler::Sampling};
use noesis_primitives::merkle;

/// A job that was computed by programs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Rehearsal {
	/// Its tokens, read and produced.
	pub tokens: Vec<TokenLeaf>,
	/// The residual after each layer, position by position.
	pub residuals: Vec<Vec<i32>>,
	/// Hashes of the leaves of its trace.
	pub leaves: Vec<merkle::Node>,
}

impl Rehearsal {
	/// What a program reads of this job's trace.
	pub fn coarse(&self, program: &Program) -> Coarse<'_> {
		let before = match *program {
			Program::Layer { layer, .. } => (layer as usize).checked_sub(1),
			Program::Pick { .. } => self.residuals.len().checked_sub(1),
		};
		let residual = before.and_then(|layer| self.residuals.get(layer)).map(Vec::as_slice);
		Coarse { tokens: &self.tokens, residual: residual.unwrap_or_default() }
	}
}

/// Computes a job: `prompt` is read, at most `limit` tokens (at least one) follow. `bytes` says how many bytes a token
/// adds to the output. One leaf of one program may be altered.
pub fn rehearse(
	weights: &Weights<'_>,
	prompt: &[TokenLeaf],
	sampling: &Sampling,
	limit: usize,
	bytes: &dyn Fn(u32) -> usize,
	alteration: Option<(Program, Alteration)>,
) -> Result<Rehearsal, DisputeError> {
	let architecture = weights.architecture();
	let mut done = Rehearsal {
		tokens: prompt.to_vec(),
		residuals: vec![Vec::new(); architecture.layers as usize],
		leaves: Vec::new(),
	};
	let compute = |done: &Rehearsal, program: Program| {
		let alteration = alteration.filter(|(altered, _)| *altered == program).map(|(_, leaf)| leaf);
		let fine = FineTrace::new(weights, &program, &done.coarse(&program), alteration)?;
		let results = (0..).map_while(|slice| fine.leaf(fine.layout().result(slice)?));
		Ok::<_, DisputeError>(results.flatten().copied().collect::<Vec<u8>>())
	};
	for position in 0.. {
		for layer in 0..architecture.layers {
			let bytes = compute(&done, Program::Layer { layer, position })?;
			let values = bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]]));
			done.residuals[layer as usize].extend(values);
		}
		let Some(index) = (position as usize + 1).checked_sub(prompt.len()) else { continue };
		let picked = compute(&done, Program::Pick { position, sampling: *sampling, index: index as u32 })?;
		let id = picked.first_chunk::<4>().map_or(0, |id| u32::from_le_bytes(*id));
		let ended = id == architecture.end;
		let before = if index == 0 { 0 } else { done.tokens.last().map_or(0, |token| token.end) };
		let added = if ended { 0 } else { bytes(id) as u32 };
		done.tokens.push(TokenLeaf { id, end: before + added });
		if ended || index + 1 >= limit {
			break;
		}
	}
	done.leaves = trace_of(architecture, &done.tokens, &done.residuals);
	Ok(done)
}
