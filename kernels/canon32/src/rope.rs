//! Rotary positions on interleaved pairs, `(x[2i], x[2i + 1])`.

use crate::{finite::check, NotFinite, Real};
use noesis_canon::{
	rope::{cos_sin, frequency, TRIG_BITS},
	soft::leaf::rotate,
};
use rayon::prelude::*;

/// Cosines and sines of positions `0..tokens`, `head_dim / 2` pairs each.
///
/// They are the `Exact` profile's: 14-bit integers made by integer code, here divided by 2^14, which is exact.
#[derive(Clone, Debug)]
pub struct Rotations<T> {
	pairs: usize,
	turns: Vec<(T, T)>,
}

impl<T: Real> Rotations<T> {
	/// The table of a model. `head_dim` is even and at most 1024; `base` at least 2.
	pub fn new(base: u32, head_dim: usize, tokens: usize) -> Self {
		let pairs = head_dim / 2;
		let frequencies: Vec<u64> = (0..pairs).map(|p| frequency(base, pairs as u32, p as u32)).collect();
		let real = |q14: i16| T::from_i32(q14.into()) / T::from_i32(1 << TRIG_BITS);
		let turns = (0..tokens)
			.flat_map(|position| frequencies.iter().map(move |&f| cos_sin(f, position as u32)))
			.map(|(cos, sin)| (real(cos), real(sin)))
			.collect();
		Self { pairs, turns }
	}

	/// `(cos, sin)` of a position's pairs in order.
	pub fn at(&self, position: usize) -> &[(T, T)] {
		&self.turns[position * self.pairs..][..self.pairs]
	}
}

/// Turns every head in place; `x` is `[…, tokens, head_dim]`, positions counted from 0.
pub fn forward<T: Real>(rotations: &Rotations<T>, tokens: usize, x: &mut [T]) -> Result<(), NotFinite> {
	turn(rotations, tokens, x, |sin| sin);
	check("rope", x)
}

/// Turns gradients back in place.
pub fn backward<T: Real>(rotations: &Rotations<T>, tokens: usize, dx: &mut [T]) -> Result<(), NotFinite> {
	turn(rotations, tokens, dx, |sin| -sin);
	check("rope, gradient", dx)
}

fn turn<T: Real>(rotations: &Rotations<T>, tokens: usize, x: &mut [T], sign: impl Fn(T) -> T + Sync) {
	assert_eq!(x.len() % (tokens * rotations.pairs * 2), 0, "whole sequences to turn");
	x.par_chunks_mut(rotations.pairs * 2).enumerate().for_each(|(row, x)| {
		for (pair, &(cos, sin)) in x.chunks_exact_mut(2).zip(rotations.at(row % tokens)) {
			(pair[0], pair[1]) = rotate(pair[0], pair[1], cos, sign(sin));
		}
	});
}
