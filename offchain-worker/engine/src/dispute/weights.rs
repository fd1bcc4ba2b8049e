//! Rows of a checkpoint, in the chunks that programs read and with the proofs that chains ask for.

use crate::checkpoint::{Architecture, Checkpoint, CheckpointError, Shapes, TensorView};
use noesis_canon::graph::{Layout, Program, Shape};
use noesis_primitives::{merkle, RowPiece, WeightsPiece};

/// All tensors of a checkpoint.
#[derive(Debug)]
pub struct Weights<'a> {
	architecture: Architecture,
	groups: Vec<Vec<TensorView<'a>>>,
}

impl<'a> Weights<'a> {
	/// The tensors of an open checkpoint.
	pub fn new(checkpoint: &'a Checkpoint) -> Result<Self, CheckpointError> {
		let architecture = checkpoint.manifest().architecture;
		let groups = (0..=architecture.layers as usize).map(|group| checkpoint.group(group));
		Ok(Self { architecture, groups: groups.collect::<Result<_, _>>()? })
	}

	/// The model's shape.
	pub fn architecture(&self) -> &Architecture {
		&self.architecture
	}

	/// The numbers that programs follow from.
	pub fn shape(&self) -> Shape {
		self.architecture.graph()
	}

	/// The layout of a program; `None` where there is none.
	pub fn layout(&self, program: &Program) -> Option<Layout> {
		Layout::new(&self.shape(), program)
	}

	/// A tensor of a group.
	pub fn tensor(&self, group: u32, tensor: u32) -> Option<&TensorView<'a>> {
		self.groups.get(group as usize)?.get(tensor as usize)
	}

	/// A chunk of consecutive rows.
	pub fn rows(&self, group: u32, tensor: u32, first: u32, count: u32, chunk: u32) -> Option<Vec<&'a [u8]>> {
		let tensor = self.tensor(group, tensor)?;
		(first..first.checked_add(count)?).map(|row| tensor.chunk(row as usize, chunk as usize)).collect()
	}

	/// The same, with proofs up to the group's root.
	pub fn piece(&self, group: u32, tensor: u32, first: u32, count: u32, chunk: u32) -> Option<WeightsPiece> {
		let view = self.tensor(group, tensor)?;
		let row = |row: u32| {
			Some(RowPiece {
				bytes: view.chunk(row as usize, chunk as usize)?.to_vec().try_into().ok()?,
				path: view.chunk_path(row as usize, chunk as usize)?.try_into().ok()?,
			})
		};
		let rows = (first..first.checked_add(count)?).map(row).collect::<Option<Vec<_>>>()?;
		let roots: Vec<merkle::Node> =
			self.groups.get(group as usize)?.iter().map(TensorView::root).collect();
		Some(WeightsPiece {
			rows: rows.try_into().ok()?,
			siblings: merkle::range_siblings(&view.row_roots(), first, count)?.try_into().ok()?,
			tensor: merkle::path(&roots, tensor)?.try_into().ok()?,
		})
	}
}
