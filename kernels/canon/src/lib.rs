//! What the bits of every operation of the `Exact` profile are.
//!
//! Integer arithmetic only: every sum is a plain integer sum that can't overflow within the stated ranges, so it
//! has no order, and a scalar loop, AVX2, a GPU and Wasm give the same bits. The functions here are the
//! definition; faster versions elsewhere must equal them.
//!
//! # Number formats
//! `Qn` is a fixed-point number with `n` fraction bits.
//!
//! | what | format |
//! |---|---|
//! | residual | `i32` Q12 |
//! | outputs of norms, input of the down projection | Q20, then 16 bits with a power-of-two scale per token |
//! | queries, keys, values, gate, up, logits out of a linear layer | `i32` Q16 |
//! | queries, keys, values in attention | `i16` Q9 |
//! | attention output | Q16 |
//! | weights | 4- or 8-bit codes in groups of 32, scale and minimum as `i32` Q24 |
//!
//! # Modules
//! [`round`] rounding and roots; [`norm`] RMSNorm; [`activation`] 16-bit activations; [`linear`] weight groups;
//! [`rope`] rotary positions; [`attention`] softmax and attention; [`shard`] attention over keys in several places;
//! [`silu`] the gate; [`sampler`] from logits to a token; [`graph`] all of these in steps that a chain can execute;
//! [`tokenizer`] from text to tokens; [`tables`] the constants; [`soft`] binary32, for the profile `Canon32`.

#![cfg_attr(not(feature = "std"), no_std)]
// Indices come from slice lengths and sums have proven ranges; checks would only hide the arithmetic.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

extern crate alloc;

pub mod activation;
pub mod attention;
mod chacha;
pub mod graph;
pub mod linear;
pub mod norm;
pub mod rope;
pub mod round;
pub mod sampler;
pub mod shard;
pub mod silu;
pub mod soft;
pub mod tables;
pub mod tokenizer;

/// Fraction bits of the residual.
pub const RESIDUAL_BITS: i32 = 12;
/// Fraction bits of normed values and of the down projection's input.
pub const NORMED_BITS: i32 = 20;
/// Fraction bits of what linear layers put out, the residual branch aside.
pub const LINEAR_BITS: i32 = 16;
/// Fraction bits of queries, keys and values in attention.
pub const ATTENTION_BITS: i32 = 9;
/// Fraction bits of weight scales and minima.
pub const WEIGHT_BITS: i32 = 24;
/// Weights that share a scale.
pub const GROUP: usize = 32;
