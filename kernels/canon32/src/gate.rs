//! Elementwise: SwiGLU's gate and the residual.

use crate::{backend::vectorised, finite::check, Backend, NotFinite, Real};
use noesis_canon::soft::leaf;
use rayon::prelude::*;

/// Elements that a thread takes at a time.
const CHUNK: usize = 4096;

/// `out = silu(gate) · up`.
pub fn forward<T: Real>(backend: Backend, gate: &[T], up: &[T], out: &mut [T]) -> Result<(), NotFinite> {
	assert!(gate.len() == up.len() && gate.len() == out.len(), "a gate's lengths");
	out.par_chunks_mut(CHUNK)
		.zip(gate.par_chunks(CHUNK))
		.zip(up.par_chunks(CHUNK))
		.for_each(|((out, gate), up)| gated(backend, gate, up, out));
	check("gate", out)
}

/// The gradients of gate and up from that of the output.
pub fn backward<T: Real>(
	backend: Backend,
	gate: &[T],
	up: &[T],
	d: &[T],
	dgate: &mut [T],
	dup: &mut [T],
) -> Result<(), NotFinite> {
	assert!([up.len(), d.len(), dgate.len(), dup.len()] == [gate.len(); 4], "a gate's lengths");
	dgate
		.par_chunks_mut(CHUNK)
		.zip(dup.par_chunks_mut(CHUNK))
		.zip(gate.par_chunks(CHUNK))
		.zip(up.par_chunks(CHUNK))
		.zip(d.par_chunks(CHUNK))
		.for_each(|((((dgate, dup), gate), up), d)| gated_backward(backend, gate, up, d, dgate, dup));
	check("gate, gradient of the gate", dgate)?;
	check("gate, gradient of the other branch", dup)
}

/// `x += change`, of the residual and of its gradient.
pub fn add<T: Real>(x: &mut [T], change: &[T]) -> Result<(), NotFinite> {
	assert_eq!(x.len(), change.len(), "a sum's lengths");
	for (x, &change) in x.iter_mut().zip(change) {
		*x = *x + change;
	}
	check("sum", x)
}

vectorised! {
	fn gated<T: Real>(gate: &[T], up: &[T], out: &mut [T]) {
		for ((out, &gate), &up) in out.iter_mut().zip(gate).zip(up) {
			*out = leaf::gated(gate, up);
		}
	}
}

vectorised! {
	fn gated_backward<T: Real>(gate: &[T], up: &[T], d: &[T], dgate: &mut [T], dup: &mut [T]) {
		for ((((dgate, dup), &gate), &up), &d) in dgate.iter_mut().zip(dup).zip(gate).zip(up).zip(d) {
			(*dgate, *dup) = leaf::gated_backward(gate, up, d);
		}
	}
}
