//! The hot loops, once plainly and once per vector unit; all give the bits that `noesis_canon` defines.

pub mod attention;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_attention;
#[cfg(target_arch = "x86_64")]
mod avx2_silu;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod scalar;
#[cfg(test)]
mod tests;

use crate::matrix::{Matrix, LANES};
use noesis_canon::{activation, linear, GROUP, LINEAR_BITS};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Which loops run.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
	/// Plain Rust, everywhere.
	Scalar,
	/// x86-64 with AVX2 and F16C.
	Avx2,
	/// x86-64 with AVX-512 F, BW and VNNI.
	Avx512,
}

impl Backend {
	/// Whether this machine can run it.
	pub fn is_available(self) -> bool {
		match self {
			Self::Scalar => true,
			#[cfg(target_arch = "x86_64")]
			Self::Avx2 => std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("f16c"),
			#[cfg(target_arch = "x86_64")]
			Self::Avx512 => {
				std::is_x86_feature_detected!("avx512f")
					&& std::is_x86_feature_detected!("avx512bw")
					&& std::is_x86_feature_detected!("avx512vnni")
					&& Self::Avx2.is_available()
			},
			#[cfg(not(target_arch = "x86_64"))]
			_ => false,
		}
	}

	/// The fastest that this machine can run.
	pub fn best() -> Self {
		[Self::Avx512, Self::Avx2].into_iter().find(|b| b.is_available()).unwrap_or(Self::Scalar)
	}

	/// All that this machine can run.
	pub fn available() -> Vec<Self> {
		[Self::Scalar, Self::Avx2, Self::Avx512].into_iter().filter(|b| b.is_available()).collect()
	}

	/// Its name.
	pub fn name(self) -> &'static str {
		match self {
			Self::Scalar => "scalar",
			Self::Avx2 => "avx2",
			Self::Avx512 => "avx512",
		}
	}
}

/// 16-bit activations of a batch of tokens.
#[derive(Debug, Default)]
pub struct Activations {
	columns: usize,
	values: Vec<i16>,
	sums: Vec<i32>,
	shifts: Vec<i32>,
}

impl Activations {
	/// Makes room for `tokens` tokens of `columns` values.
	pub fn reset(&mut self, tokens: usize, columns: usize) {
		self.columns = columns;
		self.values.resize(tokens * columns, 0);
		self.sums.resize(tokens * columns / GROUP, 0);
		self.shifts.resize(tokens, 0);
	}

	/// Number of tokens.
	pub fn tokens(&self) -> usize {
		self.shifts.len()
	}

	/// Room for every token, in order.
	pub fn slots(&mut self) -> impl IndexedParallelIterator<Item = Slot<'_>> {
		self.values
			.par_chunks_exact_mut(self.columns)
			.zip(self.sums.par_chunks_exact_mut(self.columns / GROUP))
			.zip(&mut self.shifts)
			.map(|((values, sums), shift)| Slot { values, sums, shift })
	}

	fn token(&self, t: usize) -> Token<'_> {
		let groups = self.columns / GROUP;
		Token {
			values: &self.values[t * self.columns..(t + 1) * self.columns],
			sums: &self.sums[t * groups..(t + 1) * groups],
			shift: self.shifts[t],
		}
	}
}

/// Room for one token's activations.
#[derive(Debug)]
pub struct Slot<'a> {
	values: &'a mut [i16],
	sums: &'a mut [i32],
	shift: &'a mut i32,
}

impl Slot<'_> {
	/// Quantises the token's values.
	pub fn fill(self, x: &[i32]) {
		*self.shift = activation::quantise_i32(x, self.values);
		group_sums(self.values, self.sums);
	}

	/// Quantises the token's wide values.
	pub fn fill_wide(self, x: &[i64]) {
		*self.shift = activation::quantise(x, self.values);
		group_sums(self.values, self.sums);
	}
}

fn group_sums(values: &[i16], sums: &mut [i32]) {
	for (sum, group) in sums.iter_mut().zip(values.chunks_exact(GROUP)) {
		*sum = group.iter().map(|&v| i32::from(v)).sum();
	}
}

/// One token's activations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
	values: &'a [i16],
	sums: &'a [i32],
	shift: i32,
}

/// Accumulators of a tile's rows for some tokens.
type Accumulators<const N: usize> = [[i64; LANES]; N];

/// Output of a linear layer, by tile, token and lane, so that tiles can be computed apart.
#[derive(Debug, Default)]
pub struct Output {
	rows: usize,
	tokens: usize,
	values: Vec<i32>,
}

impl Output {
	/// Values of token `t`, 16 rows at a time; the last piece is cut to the number of rows.
	pub fn token(&self, t: usize) -> impl Iterator<Item = &[i32]> {
		let (rows, tokens) = (self.rows, self.tokens);
		(0..rows.div_ceil(LANES)).map(move |tile| {
			let at = (tile * tokens + t) * LANES;
			&self.values[at..at + LANES.min(rows - tile * LANES)]
		})
	}

	/// Copies the values of token `t`.
	pub fn copy_token(&self, t: usize, out: &mut [i32]) {
		for (piece, out) in self.token(t).zip(out.chunks_mut(LANES)) {
			out.copy_from_slice(piece);
		}
	}
}

/// A linear layer: `input` had `from` fraction bits before quantising, the output has `to`.
#[derive(Clone, Copy, Debug)]
pub struct Linear<'a> {
	/// The weights.
	pub matrix: &'a Matrix,
	/// Fraction bits of the input before quantising.
	pub from: i32,
	/// Fraction bits of the output.
	pub to: i32,
}

impl<'a> Linear<'a> {
	/// A layer from normed values (Q20) to Q16.
	pub fn from_normed(matrix: &'a Matrix) -> Self {
		Self { matrix, from: noesis_canon::NORMED_BITS, to: LINEAR_BITS }
	}
}

/// Least number of multiplications that is worth a task of its own.
const TASK: usize = 1 << 16;

/// Computes several layers of the same input, in parallel over their tiles.
pub fn linear<const L: usize>(
	backend: Backend,
	input: &Activations,
	layers: [Linear<'_>; L],
	mut outputs: [&mut Output; L],
) {
	linear_layers(backend, input, &layers, &mut outputs);
}

/// Layer by layer, as a chain of joins: their tasks live on the stack, where those of a scope would be allocated.
fn linear_layers(backend: Backend, input: &Activations, layers: &[Linear<'_>], outputs: &mut [&mut Output]) {
	let ([layer, layers @ ..], [output, outputs @ ..]) = (layers, outputs) else { return };
	let mut one = || linear_layer(backend, input, *layer, output);
	if layers.is_empty() {
		one();
	} else {
		rayon::join(one, || linear_layers(backend, input, layers, outputs));
	}
}

fn linear_layer(backend: Backend, input: &Activations, layer: Linear<'_>, output: &mut Output) {
	let (matrix, tokens) = (layer.matrix, input.tokens());
	output.rows = matrix.rows;
	output.tokens = tokens;
	output.values.resize(matrix.tiles() * tokens * LANES, 0);
	if output.values.is_empty() {
		return;
	}
	let tile_work = tokens * LANES * matrix.columns;
	let even = matrix.tiles().div_ceil(rayon::current_num_threads());
	let tiles = (TASK / tile_work).max(1).max(even.div_ceil(4)).min(even.max(1));
	let chunks = output.values.par_chunks_mut(tiles * tokens * LANES).enumerate();
	chunks.with_max_len(1).for_each(|(index, chunk)| {
		for (i, out) in chunk.chunks_exact_mut(tokens * LANES).enumerate() {
			tile(backend, input, layer, index * tiles + i, out);
		}
	});
}

/// One tile for all tokens; `out` by token and lane.
fn tile(backend: Backend, input: &Activations, layer: Linear<'_>, index: usize, out: &mut [i32]) {
	let mut t = 0;
	while t < input.tokens() {
		let size = match input.tokens() - t {
			// As many as there are registers for.
			8.. if backend == Backend::Avx512 => block::<8>(backend, input, layer, index, t, out),
			4.. => block::<4>(backend, input, layer, index, t, out),
			2 | 3 => block::<2>(backend, input, layer, index, t, out),
			_ => block::<1>(backend, input, layer, index, t, out),
		};
		t += size;
	}
}

fn block<const N: usize>(
	backend: Backend,
	input: &Activations,
	layer: Linear<'_>,
	index: usize,
	first: usize,
	out: &mut [i32],
) -> usize {
	let tokens: [Token<'_>; N] = std::array::from_fn(|i| input.token(first + i));
	let mut accumulators = [[0i64; LANES]; N];
	let (packing, lines) = (layer.matrix.packing, layer.matrix.tile(index));
	match backend {
		Backend::Scalar => scalar::tile(packing, lines, &tokens, &mut accumulators),
		#[cfg(target_arch = "x86_64")]
		// SAFETY: a backend is only constructed into an engine after `is_available`.
		Backend::Avx2 => unsafe { avx2::tile(packing, lines, &tokens, &mut accumulators) },
		#[cfg(target_arch = "x86_64")]
		// SAFETY: as above.
		Backend::Avx512 => unsafe { avx512::tile(packing, lines, &tokens, &mut accumulators) },
		#[cfg(not(target_arch = "x86_64"))]
		_ => scalar::tile(packing, lines, &tokens, &mut accumulators),
	}
	let out = out[first * LANES..(first + N) * LANES].chunks_exact_mut(LANES);
	for ((out, acc), token) in out.zip(&accumulators).zip(&tokens) {
		for (out, &acc) in out.iter_mut().zip(acc) {
			*out = linear::requantise(acc, layer.from, token.shift, layer.to);
		}
	}
	N
}

/// [`noesis_canon::silu::gated`] of every pair; the slices have equal lengths.
pub fn gated(backend: Backend, gate: &[i32], up: &[i32], out: &mut [i64]) {
	match backend {
		#[cfg(target_arch = "x86_64")]
		// SAFETY: as above.
		Backend::Avx2 | Backend::Avx512 => unsafe { avx2_silu::gated(gate, up, out) },
		_ => {
			for ((&g, &u), o) in gate.iter().zip(up).zip(out) {
				*o = noesis_canon::silu::gated(g, u);
			}
		},
	}
}
