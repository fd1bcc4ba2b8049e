//! The fine trace of one program: every small step of how a leaf of a trace comes about, and the proof of one of them.

use super::{Model, Trace};
use noesis_canon::graph::{Layout, Piece as Input, Program, Source};
use noesis_primitives::{
	merkle::{self, Node},
	Architecture, Evidence, FinePiece, FineTree, LeafBytes, Piece, Root, TraceLeaf,
};

/// What a source resolves to, with its own bytes.
enum Resolved<'a> {
	Fine(Vec<u8>),
	Token { id: i32, end: i32 },
	Residual(Vec<i32>),
	Weights(Vec<&'a [u8]>),
}

impl Resolved<'_> {
	fn input(&self) -> Input<'_> {
		match self {
			Self::Fine(bytes) => Input::Fine(bytes),
			Self::Token { id, end } => Input::Token { id: *id, end: *end },
			Self::Residual(values) => Input::Residual(values),
			Self::Weights(rows) => Input::Weights(rows.clone()),
		}
	}
}

/// The leaves of a program, as somebody commits to them.
#[derive(Clone, Debug)]
pub struct FineTrace {
	layout: Layout,
	leaves: Vec<Vec<u8>>,
	hashes: Vec<Node>,
}

impl FineTrace {
	/// Computes a program from the leaves of a trace. `None` when one is missing or can't be such a leaf.
	pub fn compute(
		model: &Model,
		program: Program,
		trace: &dyn Fn(TraceLeaf) -> Option<Vec<i32>>,
	) -> Option<Self> {
		let layout = Layout::new(&model.shape(), &program)?;
		let mut leaves: Vec<Vec<u8>> = Vec::with_capacity(layout.leaves() as usize);
		for index in 0..layout.leaves() {
			let mut pieces: Vec<Resolved<'_>> = Vec::new();
			for source in layout.leaf(index)?.sources {
				let piece = match source {
					Source::Fine { first, count } => {
						Resolved::Fine(leaves.get(first as usize..(first + count) as usize)?.concat())
					},
					Source::Token { position } => match trace(TraceLeaf::Token { position })?.as_slice() {
						[id, end] => Resolved::Token { id: *id, end: *end },
						_ => return None,
					},
					Source::Residual { position, layer, slice } => {
						Resolved::Residual(trace(TraceLeaf::Residual { position, layer, slice })?)
					},
					Source::Embedding { chunk } => {
						let Some(Resolved::Token { id, .. }) = pieces.last() else { return None };
						let row = u32::try_from(*id).ok()?;
						Resolved::Weights(model.weights.rows(0, 0, row, 1, chunk)?)
					},
					Source::Weights { group, tensor, first_row, rows, chunk } => {
						Resolved::Weights(model.weights.rows(group, tensor, first_row, rows, chunk)?)
					},
				};
				pieces.push(piece);
			}
			let inputs: Vec<Input<'_>> = pieces.iter().map(Resolved::input).collect();
			leaves.push(layout.evaluate(index, &inputs)?);
		}
		Some(Self { layout, leaves, hashes: Vec::new() })
	}

	/// The computation of leaf `index` of a trace as its owner has to show it: true up to the result, which is what the
	/// owner's trace says.
	pub fn of(model: &Model, trace: &Trace, index: u32) -> Option<Self> {
		let (program, slice) = trace.program(index, &Model::kind())?;
		let mut fine = Self::compute(model, program, &|leaf| trace.values(leaf).map(<[i32]>::to_vec))?;
		let result = fine.layout.result(slice)? as usize;
		let said = trace.at(index)?;
		let bytes = match program {
			Program::Layer { .. } => said.iter().flat_map(|value| value.to_le_bytes()).collect(),
			Program::Pick { .. } => i64::from(*said.first()?).to_le_bytes().to_vec(),
		};
		*fine.leaves.get_mut(result)? = bytes;
		fine.hashes = fine.leaves.iter().map(|leaf| merkle::leaf_hash(leaf)).collect();
		Some(fine)
	}

	/// The values of a slice of the residual that a layer gives.
	pub(super) fn residual(&self, slice: u32) -> Option<Vec<i32>> {
		let leaf = self.leaves.get(self.layout.result(slice)? as usize)?;
		let value = |bytes: &[u8]| bytes.try_into().ok().map(i32::from_le_bytes);
		leaf.chunks_exact(4).map(value).collect()
	}

	/// The token that is picked.
	pub(super) fn token(&self) -> Option<i64> {
		self.leaves.last()?.first_chunk::<8>().map(|bytes| i64::from_le_bytes(*bytes))
	}

	/// Hashes of the leaves.
	pub fn hashes(&self) -> &[Node] {
		&self.hashes
	}

	/// What its owner commits to.
	pub fn tree(&self, leaf: u32, architecture: Architecture) -> FineTree {
		let root = Root(merkle::root(&self.hashes));
		FineTree { leaf, architecture, root, leaves: self.hashes.len() as u32 }
	}

	/// Leaf `index`.
	pub fn leaf(&self, index: u32) -> Option<LeafBytes> {
		self.leaves.get(index as usize)?.clone().try_into().ok()
	}

	/// The path of leaf `index`.
	pub fn path(&self, index: u32) -> Option<Vec<Node>> {
		merkle::path(&self.hashes, index)
	}

	/// The leaf of this trace whose value is slice `slice` of the trace's leaf.
	pub fn result(&self, slice: u32) -> Option<u32> {
		self.layout.result(slice)
	}

	/// All that leaf `index` is computed from, with the proofs that it is what it should be.
	pub fn evidence(&self, model: &Model, trace: &Trace, index: u32) -> Option<Evidence> {
		let open = |leaf| trace.open(trace.shape.index(leaf)?).map(Piece::Coarse);
		let mut token = None;
		let mut pieces = Vec::new();
		for source in self.layout.leaf(index)?.sources {
			pieces.push(match source {
				Source::Fine { first, count } => {
					let leaves = (first..first + count).map(|index| self.leaf(index));
					Piece::Fine(FinePiece {
						leaves: leaves.collect::<Option<Vec<_>>>()?.try_into().ok()?,
						siblings: merkle::range_siblings(&self.hashes, first, count)?.try_into().ok()?,
					})
				},
				Source::Token { position } => {
					let leaf = TraceLeaf::Token { position };
					token = trace.values(leaf)?.first().copied();
					open(leaf)?
				},
				Source::Residual { position, layer, slice } => {
					open(TraceLeaf::Residual { position, layer, slice })?
				},
				Source::Embedding { chunk } => {
					let row = u32::try_from(token?).ok()?;
					Piece::Weights(model.weights.prove(0, 0, row, 1, chunk)?)
				},
				Source::Weights { group, tensor, first_row, rows, chunk } => {
					Piece::Weights(model.weights.prove(group, tensor, first_row, rows, chunk)?)
				},
			});
		}
		pieces.try_into().ok()
	}
}
