//! Infinities and NaNs fail a job.

use crate::Real;
use rayon::prelude::*;

/// An output that is infinite or not a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
	"{operation} put out an infinity or a NaN at index {index}: lower the learning rate or the loss scale"
)]
pub struct NotFinite {
	/// What computed it.
	pub operation: &'static str,
	/// Where in its output the first is.
	pub index: usize,
}

/// Numbers that are looked at together: without an exit in between, eight go at a time.
const CHUNK: usize = 4096;

/// Fails at the first number that is not finite.
pub(crate) fn check<T: Real>(operation: &'static str, values: &[T]) -> Result<(), NotFinite> {
	let found = values.par_chunks(CHUNK).enumerate().find_map_first(|(chunk, values)| {
		let finite = values.iter().fold(true, |finite, v| finite & v.is_finite());
		let first = if finite { None } else { values.iter().position(|v| !v.is_finite()) };
		first.map(|index| chunk * CHUNK + index)
	});
	found.map_or(Ok(()), |index| Err(NotFinite { operation, index }))
}
