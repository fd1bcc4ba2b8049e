//! What is shown of one leaf of a fine trace.

use super::{Coarse, FineTrace, Weights};
use crate::trace;
use noesis_canon::graph::Source;
use noesis_primitives::{merkle, Evidence, FinePiece, LeafBytes, Opening, Piece, TraceLeaf};

impl FineTrace {
	/// One piece for each source of leaf `index`. `leaves` are the hashes of the job's trace, of which `coarse` is a part.
	pub fn evidence(
		&self,
		weights: &Weights<'_>,
		coarse: &Coarse<'_>,
		leaves: &[merkle::Node],
		index: u32,
	) -> Option<Evidence> {
		let architecture = weights.architecture();
		let open = |leaf: TraceLeaf, values: &[i32]| {
			let index = trace::index(architecture, coarse.tokens.len(), leaf)?;
			let path = merkle::path(leaves, index)?.try_into().ok()?;
			Some(Piece::Coarse(Opening { values: values.to_vec().try_into().ok()?, path }))
		};
		let mut id = 0;
		let mut pieces = Vec::new();
		for source in self.layout().leaf(index)?.sources {
			pieces.push(match source {
				Source::Fine { first, count } => Piece::Fine(self.range(first, count)?),
				Source::Token { position } => {
					let token = coarse.tokens.get(position as usize)?;
					id = token.id;
					open(TraceLeaf::Token { position }, &token.values())?
				},
				Source::Residual { position, layer, slice } => {
					let values = coarse.slice(architecture.width as usize, position, slice)?;
					open(TraceLeaf::Residual { position, layer, slice }, values)?
				},
				Source::Embedding { chunk } => Piece::Weights(weights.piece(0, 0, id, 1, chunk)?),
				Source::Weights { group, tensor, first_row, rows, chunk } => {
					Piece::Weights(weights.piece(group, tensor, first_row, rows, chunk)?)
				},
			});
		}
		pieces.try_into().ok()
	}

	/// Consecutive leaves with their siblings.
	fn range(&self, first: u32, count: u32) -> Option<FinePiece> {
		let leaf = |index| LeafBytes::try_from(self.leaf(index)?.to_vec()).ok();
		let leaves = (first..first.checked_add(count)?).map(leaf).collect::<Option<Vec<_>>>()?;
		Some(FinePiece {
			leaves: leaves.try_into().ok()?,
			siblings: merkle::range_siblings(self.hashes(), first, count)?.try_into().ok()?,
		})
	}
}
