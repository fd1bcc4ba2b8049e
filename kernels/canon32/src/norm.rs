//! RMSNorm with a gain.

use crate::{backend::vectorised, finite::check, Backend, NotFinite, Real};
use noesis_canon::soft::{leaf, sums::BLOCK};
use rayon::prelude::*;

/// Columns of the gain's gradient that a thread takes at a time.
const COLUMNS: usize = 32;

/// Norms every row of `x`; the width is the gain's. Keeps each row's factor in `inverse` for the way back.
pub fn forward<T: Real>(
	backend: Backend,
	x: &[T],
	gain: &[T],
	epsilon: T,
	y: &mut [T],
	inverse: &mut [T],
) -> Result<(), NotFinite> {
	let width = gain.len();
	assert!(x.len() == y.len() && x.len() == inverse.len() * width, "a norm's rows");
	y.par_chunks_mut(width)
		.zip(x.par_chunks(width))
		.zip(inverse)
		.for_each(|((y, x), inverse)| *inverse = row(backend, x, gain, epsilon, y));
	check("norm", y)
}

/// The gradients of `x` and of the gain: `dgain[i] = Σ dy[t][i] · (x[t][i] · inverse[t])`, a blocked sum over rows.
pub fn backward<T: Real>(
	backend: Backend,
	x: &[T],
	gain: &[T],
	inverse: &[T],
	dy: &[T],
	dx: &mut [T],
	dgain: &mut [T],
) -> Result<(), NotFinite> {
	let width = gain.len();
	assert!(x.len() == dy.len() && x.len() == dx.len() && x.len() == inverse.len() * width, "a norm's rows");
	assert_eq!(dgain.len(), width, "a gain's gradient");
	dx.par_chunks_mut(width)
		.zip(x.par_chunks(width))
		.zip(dy.par_chunks(width))
		.zip(inverse)
		.for_each(|(((dx, x), dy), &inverse)| row_backward(backend, x, gain, inverse, dy, dx));
	dgain.par_chunks_mut(COLUMNS).enumerate().for_each(|(chunk, dgain)| {
		gain_backward(backend, x, inverse, dy, width, chunk * COLUMNS, dgain);
	});
	check("norm, gradient of the input", dx)?;
	check("norm, gradient of the gain", dgain)
}

vectorised! {
	fn row<T: Real>(x: &[T], gain: &[T], epsilon: T, y: &mut [T]) -> T {
		leaf::norm(x, gain, epsilon, y)
	}
}

vectorised! {
	fn row_backward<T: Real>(x: &[T], gain: &[T], inverse: T, dy: &[T], dx: &mut [T]) {
		leaf::norm_backward(x, gain, inverse, dy, dx);
	}
}

vectorised! {
	/// Columns of the gain's gradient from `first` on.
	fn gain_backward<T: Real>(x: &[T], inverse: &[T], dy: &[T], width: usize, first: usize, dgain: &mut [T]) {
		let columns = dgain.len();
		dgain.fill(T::ZERO);
		for start in (0..inverse.len()).step_by(BLOCK) {
			let mut block = [T::ZERO; COLUMNS];
			for t in start..inverse.len().min(start + BLOCK) {
				let (x, dy) = (&x[t * width + first..][..columns], &dy[t * width + first..][..columns]);
				for ((sum, &x), &dy) in block.iter_mut().zip(x).zip(dy) {
					*sum = *sum + dy * (x * inverse[t]);
				}
			}
			for (sum, &block) in dgain.iter_mut().zip(&block) {
				*sum = *sum + block;
			}
		}
	}
}
