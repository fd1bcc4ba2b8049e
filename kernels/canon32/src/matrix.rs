//! The matrix product: every element is a [`dot`](noesis_canon::soft::sums::dot) of a row of one matrix with a row of
//! the other, in blocks of 64 in ascending order.
//!
//! Both sides are packed so that a tile of [`TALL`] by [`WIDE`] outputs stays in registers while the depth goes by:
//! the left in [`Panels`] of [`TALL`] rows, the right in panels of [`WIDE`] rows, one in each lane. Padding is zeros,
//! which change no sum.

use crate::{backend::vectorised, Backend, Real};
use noesis_canon::soft::sums::BLOCK;
use rayon::prelude::*;

/// Rows of a tile.
pub const TALL: usize = 4;
/// Columns of a tile: two vectors of eight.
pub const WIDE: usize = 16;
/// Columns whose right side is packed at a time.
const COLUMNS: usize = 16 * WIDE;

/// A matrix in someone else's memory; also its transpose, or one head of many.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
	values: &'a [T],
	rows: usize,
	columns: usize,
	row_step: usize,
	column_step: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
	/// A row-major matrix that fills a slice.
	pub fn new(values: &'a [T], rows: usize, columns: usize) -> Self {
		assert_eq!(values.len(), rows * columns, "a {rows} by {columns} matrix");
		Self { values, rows, columns, row_step: columns, column_step: 1 }
	}

	/// Columns for rows.
	pub fn transposed(self) -> Self {
		Self {
			rows: self.columns,
			columns: self.rows,
			row_step: self.column_step,
			column_step: self.row_step,
			..self
		}
	}

	#[inline(always)]
	fn at(&self, row: usize, column: usize) -> T {
		self.values[row * self.row_step + column * self.column_step]
	}

	/// `W` rows from `first` on, side by side: `out[k][lane]`. Rows past the last are zeros.
	fn pack<const W: usize>(&self, first: usize, out: &mut [[T; W]]) {
		let lanes = W.min(self.rows - first);
		for (k, out) in out.iter_mut().enumerate() {
			for (lane, out) in out.iter_mut().enumerate() {
				*out = if lane < lanes { self.at(first + lane, k) } else { T::ZERO };
			}
		}
	}
}

/// The left side of a product: panels of [`TALL`] rows, depth by depth.
pub(crate) struct Panels<T> {
	depth: usize,
	values: Vec<[T; TALL]>,
}

impl<T: Real> Panels<T> {
	/// Packs a matrix; the depth is its columns.
	pub fn new(matrix: Matrix<'_, T>) -> Self {
		let depth = matrix.columns;
		let mut values = vec![[T::ZERO; TALL]; matrix.rows.div_ceil(TALL) * depth];
		if depth > 0 {
			values.par_chunks_mut(depth).enumerate().for_each(|(panel, out)| matrix.pack(panel * TALL, out));
		}
		Self { depth, values }
	}

	/// Adds to `totals[row - first]` the products of rows from `first` on with the lanes of a strip, over the depths
	/// from `start` on, as many as the strip has.
	///
	/// `first` is a multiple of [`TALL`], `start` of [`BLOCK`], and there is a whole number of panels of totals. The
	/// order is a total's own: block sums are added to it in ascending order.
	pub fn add_products(
		&self,
		backend: Backend,
		first: usize,
		start: usize,
		strip: &[[T; WIDE]],
		totals: &mut [[T; WIDE]],
	) {
		debug_assert_eq!([first % TALL, start % BLOCK, totals.len() % TALL], [0; 3]);
		let (totals, _) = totals.as_chunks_mut::<TALL>();
		for (panel, totals) in (first / TALL..).zip(totals) {
			let left = &self.values[panel * self.depth + start..][..strip.len()];
			tile(backend, left, strip, totals);
		}
	}
}

vectorised! {
	/// Adds a tile of products, block by block.
	fn tile<T: Real>(left: &[[T; TALL]], right: &[[T; WIDE]], totals: &mut [[T; WIDE]; TALL]) {
		for (left, right) in left.chunks(BLOCK).zip(right.chunks(BLOCK)) {
			let mut block = [[T::ZERO; WIDE]; TALL];
			for (left, right) in left.iter().zip(right) {
				for (block, &l) in block.iter_mut().zip(left) {
					for (block, &r) in block.iter_mut().zip(right) {
						*block = *block + l * r;
					}
				}
			}
			for (totals, block) in totals.iter_mut().zip(&block) {
				for (total, &block) in totals.iter_mut().zip(block) {
					*total = *total + block;
				}
			}
		}
	}
}

/// `out[i][j] = dot(row i of left, row j of right)`; `out` is row-major, `left.rows` by `right.rows`.
pub fn products<T: Real>(backend: Backend, left: Matrix<'_, T>, right: Matrix<'_, T>, out: &mut [T]) {
	let (depth, width) = (left.columns, right.rows);
	assert_eq!(depth, right.columns, "the depths of a product");
	assert_eq!(out.len(), left.rows * width, "a product's output");
	if out.is_empty() {
		return;
	}
	if depth == 0 {
		return out.fill(T::ZERO);
	}
	let panels = Panels::new(left);
	// A few pieces of work for each thread, but not so small that the right side passes through caches in vain.
	let pieces = 4 * rayon::current_num_threads();
	let rows = left.rows.div_ceil(pieces).next_multiple_of(TALL).min(64);
	let mut packed = vec![[T::ZERO; WIDE]; COLUMNS.min(width.next_multiple_of(WIDE)) / WIDE * depth];
	for first in (0..width).step_by(COLUMNS) {
		let strips = (width - first).min(COLUMNS).div_ceil(WIDE);
		let packed = &mut packed[..strips * depth];
		packed
			.par_chunks_mut(depth)
			.enumerate()
			.for_each(|(strip, out)| right.pack(first + strip * WIDE, out));
		out.par_chunks_mut(rows * width).enumerate().for_each(|(piece, out)| {
			// A strip stays in the first cache while all the rows pass by it.
			for (strip, right) in packed.chunks_exact(depth).enumerate() {
				let column = first + strip * WIDE;
				let lanes = WIDE.min(width - column);
				for (panel, out) in out.chunks_mut(TALL * width).enumerate() {
					let mut totals = [[T::ZERO; WIDE]; TALL];
					panels.add_products(backend, piece * rows + panel * TALL, 0, right, &mut totals);
					for (out, totals) in out.chunks_exact_mut(width).zip(&totals) {
						out[column..column + lanes].copy_from_slice(&totals[..lanes]);
					}
				}
			}
		});
	}
}

/// [`WIDE`] rows of a matrix from `first` on as a strip.
pub(crate) fn strip<T: Real>(matrix: Matrix<'_, T>, first: usize) -> Vec<[T; WIDE]> {
	let mut out = vec![[T::ZERO; WIDE]; matrix.columns];
	matrix.pack(first, &mut out);
	out
}
