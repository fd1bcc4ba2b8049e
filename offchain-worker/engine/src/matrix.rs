//! Weight matrices as the kernels read them: tiles of 16 rows, so that a vector lane is a row and a row's sum
//! never crosses lanes.
//!
//! A tile holds its groups one after the other, each in lines of 64 bytes. First come the rows' scales and minima: as
//! 16-bit floats where all of a matrix are such numbers exactly (16 scales, then 16 minima), else as `i32` in a line
//! each. Then the codes; lane `r` of a line is its 32-bit word `r`.
//! - 4-bit codes, four lines: nibble `n` of the low half of a lane of line `v` is weight `2(4v + n)` of row `r`, nibble
//!   `n` of its high half the weight after that.
//! - 8-bit codes, eight lines: byte `n` of the low half is weight `2(2v + n)`, byte `n` of the high half the one after.

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

/// How a matrix is packed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packing {
	/// 4-bit codes, scale and minimum as 16-bit floats.
	Q4,
	/// 4-bit codes, scale and minimum as `i32` Q24.
	Q4Wide,
	/// 8-bit codes, scale as `i32` Q24.
	Q8,
}

impl Packing {
	/// Lines of a group before its codes.
	pub const fn header(self) -> usize {
		match self {
			Self::Q4 | Self::Q8 => 1,
			Self::Q4Wide => 2,
		}
	}

	/// Lines of a group of a tile.
	pub const fn lines(self) -> usize {
		match self {
			Self::Q4 | Self::Q4Wide => self.header() + 4,
			Self::Q8 => self.header() + 8,
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
			Encoding::Q4 if is_half(tensor.bytes) => (Packing::Q4, 24),
			Encoding::Q4 => (Packing::Q4Wide, 24),
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
		let codes = self.packing.header();
		match self.packing {
			Packing::Q4 => {
				for (term, at) in [lane / 2, 32 + lane / 2].into_iter().enumerate() {
					let half = half(&bytes[4 * term..]).unwrap_or(0);
					lines[0].0[at..at + 2].copy_from_slice(&half.to_le_bytes());
				}
			},
			Packing::Q4Wide => {
				lines[0].0[lane..lane + 4].copy_from_slice(&bytes[..4]);
				lines[1].0[lane..lane + 4].copy_from_slice(&bytes[4..8]);
			},
			Packing::Q8 => lines[0].0[lane..lane + 4].copy_from_slice(&bytes[..4]),
		}
		match self.packing {
			Packing::Q4 | Packing::Q4Wide => {
				for k in 0..GROUP {
					let code = bytes[8 + k % 16] >> (4 * (k / 16)) & 15;
					let (vector, nibble, half) = (k / 8, k / 2 % 4, k % 2);
					lines[codes + vector].0[lane + 2 * half + nibble / 2] |= code << (4 * (nibble % 2));
				}
			},
			Packing::Q8 => {
				for (k, &code) in bytes[4..36].iter().enumerate() {
					let (vector, byte, half) = (k / 4, k / 2 % 2, k % 2);
					lines[codes + vector].0[lane + 2 * half + byte] = code;
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

/// The 16-bit float that a Q24 number in four bytes is, if any.
fn half(bytes: &[u8]) -> Option<u16> {
	linear::q24_to_f16(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

/// Whether all scales and minima of 4-bit groups are 16-bit floats.
fn is_half(bytes: &[u8]) -> bool {
	bytes.chunks_exact(24).all(|group| half(group).is_some() && half(&group[4..]).is_some())
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

	fn half(&self, index: usize) -> i32 {
		let bytes = &self.lines[0].0[2 * index..2 * index + 2];
		linear::f16_to_q24(u16::from_le_bytes([bytes[0], bytes[1]])).unwrap_or(0)
	}

	/// Words of a line of codes.
	pub fn codes(&self, line: usize) -> [i32; LANES] {
		std::array::from_fn(|lane| self.word(self.packing.header() + line, lane))
	}

	/// Scale of row `lane`, Q24.
	pub fn scale(&self, lane: usize) -> i32 {
		match self.packing {
			Packing::Q4 => self.half(lane),
			Packing::Q4Wide | Packing::Q8 => self.word(0, lane),
		}
	}

	/// Minimum of row `lane`, Q24.
	pub fn minimum(&self, lane: usize) -> i32 {
		match self.packing {
			Packing::Q4 => self.half(LANES + lane),
			Packing::Q4Wide => self.word(1, lane),
			Packing::Q8 => 0,
		}
	}

	/// Code of weight `k` of row `lane`.
	pub fn code(&self, lane: usize, k: usize) -> i32 {
		let codes = self.packing.header();
		match self.packing {
			Packing::Q4 | Packing::Q4Wide => {
				let half = (self.word(codes + k / 8, lane) as u32) >> (16 * (k % 2));
				(half >> (4 * (k / 2 % 4)) & 15) as i32
			},
			Packing::Q8 => {
				let half = (self.word(codes + k / 4, lane) as u32) >> (16 * (k % 2));
				i32::from((half >> (8 * (k / 2 % 2))) as u8 as i8)
			},
		}
	}
}
