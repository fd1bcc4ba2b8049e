//! The `Canon32` profile: training in IEEE binary32 with the same bits on every machine.
//!
//! Forward and backward of every operation of a Llama-type model, losses and AdamW, as plain functions over slices.
//! The arithmetic is `noesis_canon::soft`'s: rounded products before rounded sums, two orders of summation
//! ([`blocked_sum`] and [`row_sum`]), own `exp` and `ln`. `docs/canon32.md` is the specification.
//!
//! Everything is written once over [`Real`]: on `f32` it is what trains, on [`F32`](soft::F32) it is the integer
//! soft-float of the chain, on `f64` the yardstick of tests. A [`Backend`] says which instructions the `f32` loops are
//! compiled to; rayon's current pool runs them. Neither changes a bit: outputs are computed side by side, never a
//! sum in parts.
//!
//! An infinity or a NaN in any output is [`NotFinite`]: such a job has failed.
//!
//! # Layout
//! Matrices are row-major and contiguous. A batch of sequences of equal length is `batch · tokens` rows. Linear
//! weights are `[outputs, inputs]`. Inside attention a tensor is head-major, `[batch, heads, tokens, head_dim]`:
//! [`heads`] converts.
//!
//! # Rooms
//! [`linear`], [`embedding`], [`norm`], [`rope`], [`heads`], [`attention`], [`gate`], [`loss`], [`optimiser`]: an
//! operation each. [`model`]: a whole decoder made of them. [`matrix`]: the matrix product beneath.
//!
//! The functions are generic, so the crate that calls them compiles them: in the dev profile it wants `opt-level = 3`.
//!
//! Slices whose lengths do not fit the shape are a mistake of the caller and panic.

// Indices come from shapes that every operation asserts first; sizes are those of slices in memory.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod attention;
mod backend;
pub mod embedding;
mod finite;
pub mod gate;
pub mod heads;
pub mod linear;
pub mod loss;
pub mod matrix;
pub mod model;
pub mod norm;
pub mod optimiser;
pub mod rope;

pub use backend::Backend;
pub use finite::NotFinite;
pub use noesis_canon::soft::{
	self,
	sums::{blocked_sum, row_sum},
	Real,
};
