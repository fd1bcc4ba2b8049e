//! All leaves of a program.

use super::{Alteration, DisputeError, Weights};
use crate::trace::TokenLeaf;
use noesis_canon::graph::{Layout, Piece, Program, Source, Stage, SLICE};
use noesis_primitives::merkle;
use rayon::prelude::*;

/// What a program reads of a job's trace.
#[derive(Clone, Copy, Debug)]
pub struct Coarse<'a> {
	/// The trace's tokens.
	pub tokens: &'a [TokenLeaf],
	/// The residual that the program reads, of all positions up to its own; nothing for layer 0.
	pub residual: &'a [i32],
}

impl<'a> Coarse<'a> {
	/// A slice of the residual.
	pub(super) fn slice(&self, width: usize, position: u32, slice: u32) -> Option<&'a [i32]> {
		let from = (position as usize).checked_mul(width)?;
		let row = self.residual.get(from..from.checked_add(width)?)?;
		row.chunks(SLICE as usize).nth(slice as usize)
	}
}

/// The leaves of a program, and their hashes.
#[derive(Debug)]
pub struct FineTrace {
	layout: Layout,
	bytes: Vec<u8>,
	/// Where each leaf begins, and the end of the last.
	offsets: Vec<usize>,
	hashes: Vec<merkle::Node>,
	residual: Vec<i32>,
}

/// The leaves so far.
struct Before<'a> {
	bytes: &'a [u8],
	offsets: &'a [usize],
}

impl FineTrace {
	/// Computes all leaves of a program, on the threads that are current here. What follows an altered leaf is computed
	/// from the altered one.
	pub fn new(
		weights: &Weights<'_>,
		program: &Program,
		coarse: &Coarse<'_>,
		alteration: Option<Alteration>,
	) -> Result<Self, DisputeError> {
		let layout = weights.layout(program).ok_or(DisputeError::TooLarge)?;
		let mut offsets = Vec::with_capacity(layout.leaves() as usize + 1);
		let mut end = 0;
		offsets.push(end);
		for stage in layout.stages() {
			for local in 0..stage.count {
				end += stage.format(local).bytes() as usize;
				offsets.push(end);
			}
		}
		let mut bytes = Vec::with_capacity(end);
		for stage in layout.stages() {
			let before = Before { bytes: &bytes, offsets: &offsets };
			let chains: Vec<Vec<u8>> = (0..stage.count / stage.chain)
				.into_par_iter()
				.map(|chain| compute_chain(&layout, stage, chain, weights, coarse, &before, alteration))
				.collect::<Result<_, _>>()?;
			chains.iter().for_each(|chain| bytes.extend_from_slice(chain));
		}
		let hashes = offsets.par_windows(2).map(|at| merkle::leaf_hash(&bytes[at[0]..at[1]])).collect();
		Ok(Self { layout, bytes, offsets, hashes, residual: coarse.residual.to_vec() })
	}

	/// The program's layout.
	pub fn layout(&self) -> &Layout {
		&self.layout
	}

	/// Number of leaves.
	pub fn leaves(&self) -> u32 {
		self.layout.leaves()
	}

	/// The bytes of a leaf, if there is one.
	pub fn leaf(&self, index: u32) -> Option<&[u8]> {
		let at = self.offsets.get(index as usize..)?;
		let [from, to, ..] = at else { return None };
		self.bytes.get(*from..*to)
	}

	/// Hashes of the leaves.
	pub fn hashes(&self) -> &[merkle::Node] {
		&self.hashes
	}

	/// Root over the leaves.
	pub fn root(&self) -> merkle::Node {
		merkle::root(&self.hashes)
	}

	/// Bytes of all leaves together.
	pub fn size(&self) -> usize {
		self.bytes.len()
	}

	/// The residual that the program read.
	pub fn residual(&self) -> &[i32] {
		&self.residual
	}
}

/// The leaves of a stage that follow from each other.
fn compute_chain(
	layout: &Layout,
	stage: &Stage,
	chain: u32,
	weights: &Weights<'_>,
	coarse: &Coarse<'_>,
	before: &Before<'_>,
	alteration: Option<Alteration>,
) -> Result<Vec<u8>, DisputeError> {
	let first = stage.first + chain * stage.chain;
	let begin = before.offsets[first as usize];
	let mut bytes = Vec::new();
	for index in first..first + stage.chain {
		let fine = |from: u32, count: u32| {
			let from = before.offsets.get(from as usize)?..before.offsets.get((from + count) as usize)?;
			match from.start.checked_sub(begin) {
				None => before.bytes.get(*from.start..*from.end),
				Some(start) => bytes.get(start..from.end - begin),
			}
		};
		let impossible = || DisputeError::Impossible(index);
		let leaf = layout.leaf(index).ok_or_else(impossible)?;
		let pieces = resolve(&leaf.sources, weights, coarse, fine).ok_or_else(impossible)?;
		let mut value = layout.evaluate(index, &pieces).ok_or_else(impossible)?;
		if let Some(alteration) = alteration.filter(|alteration| alteration.leaf == index) {
			if !alteration.apply(&leaf.format, &mut value) {
				return Err(impossible());
			}
		}
		bytes.extend_from_slice(&value);
	}
	Ok(bytes)
}

/// What sources resolve to; `fine` gives the bytes of earlier leaves.
fn resolve<'a>(
	sources: &[Source],
	weights: &Weights<'a>,
	coarse: &Coarse<'a>,
	fine: impl Fn(u32, u32) -> Option<&'a [u8]>,
) -> Option<Vec<Piece<'a>>> {
	let width = weights.architecture().width as usize;
	let mut id = 0;
	let mut pieces = Vec::with_capacity(sources.len());
	for source in sources {
		pieces.push(match *source {
			Source::Fine { first, count } => Piece::Fine(fine(first, count)?),
			Source::Token { position } => {
				let [token, end] = coarse.tokens.get(position as usize)?.values();
				id = token as u32;
				Piece::Token { id: token, end }
			},
			Source::Residual { position, slice, .. } => {
				Piece::Residual(coarse.slice(width, position, slice)?)
			},
			Source::Embedding { chunk } => Piece::Weights(weights.rows(0, 0, id, 1, chunk)?),
			Source::Weights { group, tensor, first_row, rows, chunk } => {
				Piece::Weights(weights.rows(group, tensor, first_row, rows, chunk)?)
			},
		});
	}
	Some(pieces)
}
