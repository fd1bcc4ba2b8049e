//! AdamW and the norm that gradients are clipped by.

use crate::{backend::vectorised, finite::check, Backend, NotFinite, Real};
use noesis_canon::soft::{functions::power, leaf, sums::row_sum};
use rayon::prelude::*;

pub use leaf::AdamW;

/// Elements of a gradient whose squares make one partial sum.
pub const NORM_CHUNK: usize = 4096;

/// What an optimiser is set to; the numbers of [`AdamW`] that a step does not change.
#[derive(Clone, Copy, Debug)]
pub struct Settings<T> {
	/// Learning rate.
	pub rate: T,
	/// Decay of the first moment, in `[0, 1)`.
	pub beta1: T,
	/// Decay of the second moment, in `[0, 1)`.
	pub beta2: T,
	/// Keeps the quotient finite, above 0.
	pub epsilon: T,
	/// Weight decay.
	pub decay: T,
	/// The largest norm of all gradients together.
	pub clip: T,
}

impl<T: Real> Settings<T> {
	/// The step number `step`, counted from 1, for gradients whose squares sum to `square`.
	pub fn step(&self, step: u32, square: T) -> AdamW<T> {
		AdamW {
			rate: self.rate,
			beta1: self.beta1,
			beta2: self.beta2,
			epsilon: self.epsilon,
			decay: self.decay,
			correction1: T::ONE - power(self.beta1, step),
			correction2: T::ONE - power(self.beta2, step),
			clip: leaf::clip(square, self.clip),
		}
	}
}

/// The sum of all gradients' squares: a [`row_sum`] over each piece of [`NORM_CHUNK`] elements of each tensor, then one
/// over all pieces, tensors in the order given.
pub fn square_sum<'a, T: Real>(
	backend: Backend,
	gradients: impl IntoIterator<Item = &'a [T]>,
) -> Result<T, NotFinite> {
	let mut pieces = Vec::new();
	for gradient in gradients {
		pieces.par_extend(gradient.par_chunks(NORM_CHUNK).map(|piece| squares(backend, piece)));
	}
	let square = row_sum(pieces.len(), |i| pieces[i]);
	check("sum of squares", &[square])?;
	Ok(square)
}

/// One step on a tensor, in place: weights, first and second moments.
pub fn step<T: Real>(
	backend: Backend,
	step: &AdamW<T>,
	weights: &mut [T],
	gradient: &[T],
	first: &mut [T],
	second: &mut [T],
) -> Result<(), NotFinite> {
	assert!([gradient.len(), first.len(), second.len()] == [weights.len(); 3], "an optimiser's lengths");
	weights
		.par_chunks_mut(NORM_CHUNK)
		.zip(gradient.par_chunks(NORM_CHUNK))
		.zip(first.par_chunks_mut(NORM_CHUNK))
		.zip(second.par_chunks_mut(NORM_CHUNK))
		.for_each(|(((weights, gradient), first), second)| {
			apply(backend, step, weights, gradient, first, second)
		});
	check("optimiser, weights", weights)?;
	check("optimiser, first moments", first)?;
	check("optimiser, second moments", second)
}

vectorised! {
	fn squares<T: Real>(values: &[T]) -> T {
		row_sum(values.len(), |i| values[i] * values[i])
	}
}

vectorised! {
	fn apply<T: Real>(step: &AdamW<T>, weights: &mut [T], gradient: &[T], first: &mut [T], second: &mut [T]) {
		for (((weight, &gradient), first), second) in weights.iter_mut().zip(gradient).zip(first).zip(second) {
			step.apply(weight, gradient, first, second);
		}
	}
}
