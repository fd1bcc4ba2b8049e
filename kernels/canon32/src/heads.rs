//! Between rows of all heads and heads of all rows. Copies only.

use crate::Real;
use rayon::prelude::*;

/// `[batch, tokens, heads, head_dim]` to `[batch, heads, tokens, head_dim]`.
pub fn split<T: Real>(tokens: usize, heads: usize, head_dim: usize, x: &[T]) -> Vec<T> {
	exchange(tokens, heads, head_dim, x)
}

/// `[batch, heads, tokens, head_dim]` to `[batch, tokens, heads, head_dim]`.
pub fn merge<T: Real>(tokens: usize, heads: usize, head_dim: usize, x: &[T]) -> Vec<T> {
	exchange(heads, tokens, head_dim, x)
}

/// `[…, a, b, width]` to `[…, b, a, width]`.
fn exchange<T: Real>(a: usize, b: usize, width: usize, x: &[T]) -> Vec<T> {
	assert_eq!(x.len() % (a * b * width), 0, "whole sequences to exchange");
	let mut out = vec![T::ZERO; x.len()];
	out.par_chunks_mut(a * b * width).zip(x.par_chunks(a * b * width)).for_each(|(out, x)| {
		for (i, out) in out.chunks_exact_mut(width).enumerate() {
			out.copy_from_slice(&x[(i % a * b + i / a) * width..][..width]);
		}
	});
	out
}
