//! Token embeddings.

use crate::{finite::check, NotFinite, Real};

/// Copies the row of each token: `x[t] = table[tokens[t]]`. `table` is `[vocabulary, width]`.
pub fn forward<T: Real>(width: usize, tokens: &[u32], table: &[T], x: &mut [T]) {
	assert_eq!(x.len(), tokens.len() * width, "an embedding's output");
	for (x, &token) in x.chunks_exact_mut(width).zip(tokens) {
		x.copy_from_slice(&table[token as usize * width..][..width]);
	}
}

/// Adds `dx[t]` to the row of token `t` in `table_gradient`, tokens in ascending order.
///
/// It adds to what is there: with a tied head, the head's gradient comes first.
pub fn backward<T: Real>(
	width: usize,
	tokens: &[u32],
	dx: &[T],
	table_gradient: &mut [T],
) -> Result<(), NotFinite> {
	assert_eq!(dx.len(), tokens.len() * width, "an embedding's gradient");
	for (dx, &token) in dx.chunks_exact(width).zip(tokens) {
		for (sum, &d) in table_gradient[token as usize * width..][..width].iter_mut().zip(dx) {
			*sum = *sum + d;
		}
	}
	check("embedding, gradient of the table", table_gradient)
}
