//! Weight matrices as the kernels read them: tiles of 16 rows, so that a vector lane is a row and a row's sum
//! never crosses lanes.
//!
//! A tile holds its groups one after the other. A group of 4-bit codes is 384 bytes: 16 scales, 16 minima (`i32`),
//! four vectors of codes. Lane `r` of vector `v` has 32 bits: nibble `n` of its low half is weight `2(4v + n)` of
//! row `r`, nibble `n` of its high half the weight after that. A group of 8-bit codes is 576 bytes: 16 scales,
//! eight vectors; byte `n` of a lane's low half is weight `2(2v + n)`, byte `n` of its high half the one after.

use crate::checkpoint::{Encoding, TensorView};
use noesis_canon::{linear, GROUP};

/// Rows of a tile.
pub const LANES: usize = 16;
/// Pairs of weights in a group.
pub const PAIRS: usize = GROUP / 2;

/// A vector's worth of bytes; aligns tiles for the widest loads.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Line(pub [u8; 64]);

/// How a matrix' codes are packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
	/// 4-bit codes with scale and minimum.
	Q4,
	/// 8-bit codes with scale.
	Q8,
}

impl Packing {
	/// Lines of a group of a tile.
	pub const fn lines(self) -> usize {
		match self {
			Self::Q4 => 6,
			Self::Q8 => 9,
		}
	}
}

/// A matrix in tiles.
#[derive(Debug)]
pub struct Matrix {
	/// Output values.
	pub rows: usize,
	/// Input values, a multiple of 32.
	pub columns: usize,
	/// How codes are packed.
	pub packing: Packing,
	lines: Vec<Line>,
}

impl Matrix {
	/// Packs a tensor; a gain becomes an empty matrix.
	pub fn pack(tensor: &TensorView<'_>) -> Self {
		let (rows, columns) = (tensor.shape.rows, tensor.shape.columns);
		let (packing, group_bytes) = match tensor.encoding {
			Encoding::Q8 => (Packing::Q8, 36),
			Encoding::Q4 => (Packing::Q4, 24),
			Encoding::Gain => return Self { rows: 0, columns, packing: Packing::Q4, lines: Vec::new() },
		};
		let groups = columns / GROUP;
		let mut matrix = Self {
			rows,
			columns,
			packing,
			lines: vec![Line([0; 64]); rows.div_ceil(LANES) * groups * packing.lines()],
		};
		for (row, bytes) in tensor.rows().enumerate() {
			for (group, bytes) in bytes.chunks_exact(group_bytes).enumerate() {
				matrix.pack_group(row, group, bytes);
			}
		}
		matrix
	}

	fn pack_group(&mut self, row: usize, group: usize, bytes: &[u8]) {
		let (tile, lane) = (row / LANES, 4 * (row % LANES));
		let count = self.packing.lines();
		let first = (tile * self.columns / GROUP + group) * count;
		let lines = &mut self.lines[first..first + count];
		lines[0].0[lane..lane + 4].copy_from_slice(&bytes[..4]);
		match self.packing {
			Packing::Q4 => {
				lines[1].0[lane..lane + 4].copy_from_slice(&bytes[4..8]);
				let codes = &bytes[8..24];
				for k in 0..GROUP {
					let code = codes[k % 16] >> (4 * (k / 16)) & 15;
					let (vector, nibble, half) = (k / 8, k / 2 % 4, k % 2);
					lines[2 + vector].0[lane + 2 * half + nibble / 2] |= code << (4 * (nibble % 2));
				}
			},
			Packing::Q8 => {
				for (k, &code) in bytes[4..36].iter().enumerate() {
					let (vector, byte, half) = (k / 4, k / 2 % 2, k % 2);
					lines[1 + vector].0[lane + 2 * half + byte] = code;
				}
			},
		}
	}

	/// Number of tiles.
	pub fn tiles(&self) -> usize {
		self.rows.div_ceil(LANES)
	}

	/// Lines of tile `tile`.
	pub fn tile(&self, tile: usize) -> &[Line] {
		let size = self.columns / GROUP * self.packing.lines();
		&self.lines[tile * size..(tile + 1) * size]
	}

	/// Row `row` as residual values (Q12), for the embedding.
	pub fn embed(&self, row: usize, out: &mut [i32]) {
		let (tile, lane) = (self.tile(row / LANES), row % LANES);
		for (lines, out) in tile.chunks_exact(self.packing.lines()).zip(out.chunks_exact_mut(GROUP)) {
			let group = Group::new(self.packing, lines);
			for (k, out) in out.iter_mut().enumerate() {
				*out = linear::embed(group.code(lane, k), group.scale(lane), group.minimum(lane));
			}
		}
	}
}

/// A group of a tile, read plainly.
#[derive(Clone, Copy, Debug)]
pub struct Group<'a> {
	packing: Packing,
	lines: &'a [Line],
}

impl<'a> Group<'a> {
	/// `lines` are those of one group.
	pub fn new(packing: Packing, lines: &'a [Line]) -> Self {
		Self { packing, lines }
	}

	fn word(&self, line: usize, lane: usize) -> i32 {
		let bytes = &self.lines[line].0[4 * lane..4 * lane + 4];
		i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
	}

	/// Scale of row `lane`, Q24.
	pub fn scale(&self, lane: usize) -> i32 {
		self.word(0, lane)
	}

	/// Minimum of row `lane`, Q24.
	pub fn minimum(&self, lane: usize) -> i32 {
		match self.packing {
			Packing::Q4 => self.word(1, lane),
			Packing::Q8 => 0,
		}
	}

	/// Code of weight `k` of row `lane`.
	pub fn code(&self, lane: usize, k: usize) -> i32 {
		match self.packing {
			Packing::Q4 => {
				let half = (self.word(2 + k / 8, lane) as u32) >> (16 * (k % 2));
				(half >> (4 * (k / 2 % 4)) & 15) as i32
			},
			Packing::Q8 => {
				let half = (self.word(1 + k / 4, lane) as u32) >> (16 * (k % 2));
				i32::from((half >> (8 * (k / 2 % 2))) as u8 as i8)
			},
		}
	}
}
