//! Linear layers and the embedding: weights on the device, and the launches over them.
//!
//! A layer of up to [`GEMV_TOKENS`] tokens is bound by the reading of weights and runs as `exact_gemv_*`; a longer one
//! runs as `exact_gemm_*`. Both give canon's bits, whatever the number of tokens.

use super::{Activations, GROUP};
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_canon::{
	linear::{row_fits, MAX_ROW_MUL},
	WEIGHT_BITS,
};
use rayon::prelude::*;
use std::sync::Arc;

/// Most tokens that run as matrix times vectors.
pub const GEMV_TOKENS: usize = 16;

/// Rows of a packed tile (see `exact_linear.cu`, as for all that follows).
const TILE_ROWS: usize = 32;
/// Words of a vector of 16 bytes: a row of a tile is `8 · word + r`.
const VECTOR: usize = 4;
/// 16-byte vectors that hold one value per row.
const ROW_VECTORS: usize = 8;
const WARP: usize = 32;
const GEMV_BLOCK: Launch = Launch { grid: [1, 1, 1], block: [256, 1, 1], shared: 8 * 8 * 32 * 8 };
const GEMV_BLOCK_TOKENS: usize = 8;
const GEMM_BLOCK: Launch = Launch { grid: [1, 1, 1], block: [128, 1, 1], shared: 64 * 64 * 8 };
const GEMM_BLOCK_ROWS: usize = 64;
const GEMM_BLOCK_TOKENS: usize = 64;
const EMBED_BLOCK: Launch = Launch { grid: [1, 1, 1], block: [128, 1, 1], shared: 0 };

/// How a [`Tensor`]'s rows are written: by groups of 32 weights, all numbers little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
	/// Scale and minimum in Q24 as `i32`, then 16 bytes of 4-bit codes, weight `i < 16` in the low half of byte `i`,
	/// weight `16 + i` in the high half.
	Q4,
	/// Scale in Q24 as `i32`, then 32 signed codes.
	Q8,
}

impl Codes {
	/// Bytes of a group of 32 weights.
	pub const fn group_bytes(self) -> usize {
		self.packing().group_bytes()
	}

	const fn packing(self) -> Packing {
		match self {
			Self::Q4 => Packing::Q4,
			Self::Q8 => Packing::Q8,
		}
	}
}

/// A weight matrix on the host. Whoever made it has checked that no row's sum can leave 62 bits
/// ([`noesis_canon::linear::row_bound`]).
#[derive(Clone, Copy, Debug)]
pub struct Tensor<'a> {
	/// How rows are written.
	pub codes: Codes,
	/// Output values.
	pub rows: usize,
	/// Input values, a multiple of 32.
	pub columns: usize,
	/// All rows.
	pub bytes: &'a [u8],
}

/// A weight matrix on the host with one scale per row: a weight is `code · mul / 2^scale_bits`.
#[derive(Clone, Copy, Debug)]
pub struct RowTensor<'a> {
	/// Input values, a multiple of 32.
	pub columns: usize,
	/// `[rows, columns]`; every row passes [`noesis_canon::linear::row_fits`].
	pub codes: &'a [i8],
	/// By row, below 2^24; as many as there are rows.
	pub muls: &'a [u32],
	/// Fraction bits of the scales.
	pub scale_bits: i32,
}

/// Fraction bits around a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
	/// Those of the input before it was quantised.
	pub from: i32,
	/// Those of the output.
	pub to: i32,
}

/// Where a layer's output goes.
#[derive(Clone, Copy)]
pub struct Target<'a> {
	/// Holds the output from `offset` on as `[tokens, rows]`.
	pub values: &'a Buffer<i32>,
	/// Element of the first output.
	pub offset: usize,
	/// Element of an array `[tokens, rows]` of the same buffer that is added with saturation: the residual. It may be
	/// the output's own place, and else lies apart from it.
	pub add: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
	Q4,
	Q8,
	Rows,
}

impl Packing {
	/// Numbers of a group before its codes: scale and minimum.
	const fn headers(self) -> usize {
		match self {
			Self::Q4 => 2,
			Self::Q8 => 1,
			Self::Rows => 0,
		}
	}

	/// Bytes of a group's codes.
	const fn code_bytes(self) -> usize {
		match self {
			Self::Q4 => GROUP / 2,
			Self::Q8 | Self::Rows => GROUP,
		}
	}

	/// Bytes of a group as the host has it.
	const fn group_bytes(self) -> usize {
		self.headers() * size_of::<u32>() + self.code_bytes()
	}

	/// 16-byte vectors of a unit, a group of each row of a tile: codes, then scales, then minima.
	const fn vectors(self) -> usize {
		self.code_bytes() * TILE_ROWS / 16 + self.headers() * ROW_VECTORS
	}

	const fn gemm(self) -> &'static str {
		match self {
			Self::Q4 => "exact_gemm_q4",
			Self::Q8 => "exact_gemm_q8",
			Self::Rows => "exact_gemm_rows",
		}
	}

	const fn gemv(self) -> &'static str {
		match self {
			Self::Q4 => "exact_gemv_q4",
			Self::Q8 => "exact_gemv_q8",
			Self::Rows => "exact_gemv_rows",
		}
	}
}

/// Consecutive rows of one packing.
struct Part {
	packing: Packing,
	rows: usize,
	weights: Buffer<u32>,
	muls: Option<Buffer<u32>>,
	/// Fraction bits of scales.
	scale_bits: i32,
}

/// One or more weight matrices over the same input, one below the other, on a device.
pub struct Linear {
	device: Arc<dyn Device>,
	parts: Vec<Part>,
	rows: usize,
	columns: usize,
}

fn shape(reason: String) -> DeviceError {
	DeviceError::Shape(reason)
}

/// Refuses what isn't `rows` rows of groups, or is too large for a kernel's 32-bit sizes.
fn check_size(rows: usize, columns: usize) -> Result<(), DeviceError> {
	const LARGEST: usize = 1 << 24;
	if rows == 0 || columns == 0 || !columns.is_multiple_of(GROUP) || rows > LARGEST || columns > LARGEST {
		return Err(shape(format!(
			"a matrix of {rows} rows and {columns} columns: columns come in groups of {GROUP}"
		)));
	}
	Ok(())
}

/// Puts a group of row `row` of a tile into its unit: `bytes` are its scale and minimum, as far as there are any, and its
/// codes.
fn pack_group(packing: Packing, unit: &mut [u32], row: usize, bytes: &[u8]) {
	let (g, word) = (row % ROW_VECTORS, row / ROW_VECTORS);
	let mut place = |vector: usize, value: u32| unit[vector * VECTOR + word] = value;
	let mut words = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
	let first = packing.vectors() - packing.headers() * ROW_VECTORS;
	for (i, value) in words.by_ref().take(packing.headers()).enumerate() {
		place(first + i * ROW_VECTORS + g, value);
	}
	// Four lanes hold a row's words; where there are eight words, the second four follow all lanes' first.
	for (i, code) in words.enumerate() {
		place(i / 4 * WARP + g * 4 + i % 4, code);
	}
}

/// Packs rows of equal length, tile by tile.
fn pack(packing: Packing, rows: &[&[u8]]) -> Vec<u32> {
	let unit = packing.vectors() * VECTOR;
	let groups = rows.first().map_or(0, |row| row.len() / packing.group_bytes());
	let mut words = vec![0; rows.len().div_ceil(TILE_ROWS) * groups * unit];
	words.par_chunks_mut((groups * unit).max(1)).zip(rows.par_chunks(TILE_ROWS)).for_each(|(tile, rows)| {
		for (index, row) in rows.iter().enumerate() {
			for (unit, bytes) in tile.chunks_exact_mut(unit).zip(row.chunks_exact(packing.group_bytes())) {
				pack_group(packing, unit, index, bytes);
			}
		}
	});
	words
}

impl Linear {
	/// Packs and uploads matrices that read the same input. Their outputs lie side by side in the order given.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there is none, if they differ in columns, or if a size is wrong; or
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, tensors: &[Tensor<'_>]) -> Result<Self, DeviceError> {
		let columns = tensors.first().map_or(0, |tensor| tensor.columns);
		let groups = columns / GROUP;
		for tensor in tensors {
			check_size(tensor.rows, tensor.columns)?;
			let bytes = tensor.rows * groups * tensor.codes.group_bytes();
			if tensor.columns != columns || tensor.bytes.len() != bytes {
				return Err(shape(format!(
					"{} rows of {} columns in {} bytes, beside a matrix of {columns} columns",
					tensor.rows,
					tensor.columns,
					tensor.bytes.len()
				)));
			}
		}
		let mut parts = Vec::new();
		for run in tensors.chunk_by(|a, b| a.codes == b.codes) {
			let packing = run[0].codes.packing();
			let row_bytes = groups * packing.group_bytes();
			let rows: Vec<&[u8]> =
				run.iter().flat_map(|tensor| tensor.bytes.chunks_exact(row_bytes)).collect();
			let weights = Buffer::upload(device, &pack(packing, &rows))?;
			parts.push(Part { packing, rows: rows.len(), weights, muls: None, scale_bits: WEIGHT_BITS });
		}
		Self::of(device, parts, columns)
	}

	/// Packs and uploads a matrix with one scale per row. Its activations are made by
	/// [`noesis_canon::linear::quantise_14`]'s rule.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if a size or a `mul` is out of range or a row's sum could overflow; or
	/// [`DeviceError::Memory`].
	pub fn from_rows(device: &Arc<dyn Device>, tensor: &RowTensor<'_>) -> Result<Self, DeviceError> {
		let (rows, columns) = (tensor.muls.len(), tensor.columns);
		check_size(rows, columns)?;
		if tensor.codes.len() != rows * columns {
			return Err(shape(format!("{} codes for {rows} rows of {columns} columns", tensor.codes.len())));
		}
		if let Some(mul) = tensor.muls.iter().find(|mul| **mul >= MAX_ROW_MUL) {
			return Err(shape(format!("a row's scale is {mul}: it should be below 2^24")));
		}
		if let Some(row) = tensor.codes.chunks_exact(columns).position(|row| !row_fits(row)) {
			return Err(shape(format!("row {row} could overflow the accumulator")));
		}
		let codes: Vec<&[u8]> = tensor.codes.chunks_exact(columns).map(bytemuck::cast_slice).collect();
		let part = Part {
			packing: Packing::Rows,
			rows,
			weights: Buffer::upload(device, &pack(Packing::Rows, &codes))?,
			muls: Some(Buffer::upload(device, tensor.muls)?),
			scale_bits: tensor.scale_bits,
		};
		Self::of(device, vec![part], columns)
	}

	fn of(device: &Arc<dyn Device>, parts: Vec<Part>, columns: usize) -> Result<Self, DeviceError> {
		let rows = parts.iter().map(|part| part.rows).sum();
		check_size(rows, columns)?;
		Ok(Self { device: device.clone(), parts, rows, columns })
	}

	/// Output values per token.
	pub fn rows(&self) -> usize {
		self.rows
	}

	/// Input values per token.
	pub fn columns(&self) -> usize {
		self.columns
	}

	/// Device memory of the weights.
	pub fn bytes(&self) -> usize {
		let words = |part: &Part| part.weights.len() + part.muls.as_ref().map_or(0, Buffer::len);
		self.parts.iter().map(words).sum::<usize>() * size_of::<u32>()
	}

	/// Queues the layer for the first `tokens` tokens of `input`, whose rows have [`Linear::columns`] values.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
	pub fn forward(
		&self,
		input: &Activations,
		tokens: usize,
		formats: Formats,
		target: Target<'_>,
	) -> Result<(), DeviceError> {
		if tokens == 0 {
			return Ok(());
		}
		let room = |offset: usize| target.values.len().saturating_sub(offset) / self.rows;
		let places = room(target.offset).min(target.add.map_or(usize::MAX, room));
		let inputs = (input.values.len() / self.columns).min(input.shifts.len());
		if tokens > places.min(inputs) {
			return Err(shape(format!(
				"{tokens} tokens of {} values to {}: there is room for {inputs} before and {places} after",
				self.columns, self.rows
			)));
		}
		let mut first_row = 0;
		for part in &self.parts {
			let (kernel, launch) = if tokens <= GEMV_TOKENS {
				let grid = [part.rows.div_ceil(TILE_ROWS), tokens.div_ceil(GEMV_BLOCK_TOKENS)];
				(part.packing.gemv(), Launch { grid: [grid[0] as u32, grid[1] as u32, 1], ..GEMV_BLOCK })
			} else {
				let grid = [part.rows.div_ceil(GEMM_BLOCK_ROWS), tokens.div_ceil(GEMM_BLOCK_TOKENS)];
				(part.packing.gemm(), Launch { grid: [grid[0] as u32, grid[1] as u32, 1], ..GEMM_BLOCK })
			};
			let args = [
				target.values.arg_at(target.offset + first_row),
				target.add.map_or(Arg::Pointer(0), |offset| target.values.arg_at(offset + first_row)),
				Arg::I32(self.rows as i32),
				part.weights.arg(),
				part.muls.as_ref().map_or(Arg::Pointer(0), Buffer::arg),
				input.values.arg(),
				input.shifts.arg(),
				Arg::I32(tokens as i32),
				Arg::I32(part.rows as i32),
				Arg::I32((self.columns / GROUP) as i32),
				Arg::I32(part.scale_bits + formats.from - formats.to),
			];
			// SAFETY: the arguments are the kernel's; input and output were checked to hold all tokens, the weights were
			// packed for these rows and groups.
			unsafe { self.device.launch(kernel, launch, &args)? };
			first_row += part.rows;
		}
		Ok(())
	}

	/// Queues the embedding of the first `count` ids of `tokens`: `[count, columns]` residuals (Q12) at `offset` of
	/// `out`. An id beyond the last row reads as the last.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if an array is too short or the matrix is not one tensor with scales by group, or what the
	/// device reports.
	pub fn embed(
		&self,
		tokens: &Buffer<u32>,
		count: usize,
		out: &Buffer<i32>,
		offset: usize,
	) -> Result<(), DeviceError> {
		let (part, kernel) = match self.parts.as_slice() {
			[part] if part.packing == Packing::Q4 => (part, "exact_embed_q4"),
			[part] if part.packing == Packing::Q8 => (part, "exact_embed_q8"),
			_ => return Err(shape("an embedding is one matrix with scales by group".into())),
		};
		if count > tokens.len().min(out.len().saturating_sub(offset) / self.columns) {
			return Err(shape(format!("{count} tokens are more than there is room for")));
		}
		if count == 0 {
			return Ok(());
		}
		let args = [
			out.arg_at(offset),
			tokens.arg(),
			part.weights.arg(),
			Arg::I32(part.rows as i32),
			Arg::I32((self.columns / GROUP) as i32),
		];
		// SAFETY: the arguments are the kernel's; both arrays hold `count` tokens, and ids are cut to the rows.
		unsafe { self.device.launch(kernel, Launch { grid: [count as u32, 1, 1], ..EMBED_BLOCK }, &args) }
	}
}
