//! Losses of rows of logits, and their gradients.

use crate::{backend::vectorised, finite::check, Backend, NotFinite, Real};
use noesis_canon::soft::{
	leaf::{self, count},
	sums::row_sum,
};
use rayon::prelude::*;

/// A target that does not count: its row has no loss and no gradient. For prompts and padding.
pub const IGNORED: u32 = u32::MAX;

/// Mean cross-entropy over the rows that count, and the gradient of the logits.
///
/// `logits` and `gradient` are `[targets.len(), vocabulary]`. The mean is the [`row_sum`] of the rows' losses (`+0` for
/// one that is ignored) over their number; each row's gradient is weighted by its reciprocal. `+0` if none counts.
pub fn cross_entropy<T: Real>(
	backend: Backend,
	vocabulary: usize,
	logits: &[T],
	targets: &[u32],
	gradient: &mut [T],
) -> Result<T, NotFinite> {
	assert!(logits.len() == targets.len() * vocabulary && logits.len() == gradient.len(), "a loss's rows");
	let counted = targets.iter().filter(|&&t| t != IGNORED).count().max(1);
	let weight = T::ONE / count(counted);
	let mut losses = vec![T::ZERO; targets.len()];
	losses
		.par_iter_mut()
		.zip(gradient.par_chunks_mut(vocabulary))
		.zip(logits.par_chunks(vocabulary))
		.zip(targets)
		.for_each(|(((loss, gradient), logits), &target)| {
			if target == IGNORED {
				gradient.fill(T::ZERO);
			} else {
				*loss = cross_entropy_row(backend, logits, target as usize, weight, gradient);
			}
		});
	mean("cross-entropy", &losses, counted, gradient)
}

/// Mean divergence of the student's rows from the teacher's at a temperature, times its square, and the gradient of the
/// student's logits; see [`leaf::distillation`]. All are `[rows, vocabulary]`.
pub fn distillation<T: Real>(
	backend: Backend,
	vocabulary: usize,
	student: &[T],
	teacher: &[T],
	temperature: T,
	gradient: &mut [T],
) -> Result<T, NotFinite> {
	assert!(student.len() == teacher.len() && student.len() == gradient.len(), "a loss's rows");
	let rows = student.len() / vocabulary;
	let weight = T::ONE / count(rows);
	let mut losses = vec![T::ZERO; rows];
	losses
		.par_iter_mut()
		.zip(gradient.par_chunks_mut(vocabulary))
		.zip(student.par_chunks(vocabulary))
		.zip(teacher.par_chunks(vocabulary))
		.for_each_init(
			|| vec![T::ZERO; vocabulary],
			|scratch, (((loss, gradient), student), teacher)| {
				*loss = distillation_row(backend, student, teacher, temperature, weight, scratch, gradient);
			},
		);
	mean("distillation", &losses, rows, gradient)
}

/// The losses' sum over their number, once they and the gradient are finite.
fn mean<T: Real>(
	operation: &'static str,
	losses: &[T],
	counted: usize,
	gradient: &[T],
) -> Result<T, NotFinite> {
	check(operation, losses)?;
	check(operation, gradient)?;
	let loss = row_sum(losses.len(), |t| losses[t]) / count(counted);
	check(operation, &[loss])?;
	Ok(loss)
}

vectorised! {
	fn cross_entropy_row<T: Real>(logits: &[T], target: usize, weight: T, gradient: &mut [T]) -> T {
		leaf::cross_entropy(logits, target, weight, gradient)
	}
}

vectorised! {
	fn distillation_row<T: Real>(
		student: &[T],
		teacher: &[T],
		temperature: T,
		weight: T,
		scratch: &mut [T],
		gradient: &mut [T],
	) -> T {
		leaf::distillation(student, teacher, temperature, weight, scratch, gradient)
	}
}
