//! The `Exact` profile on a device: the bits of `noesis_canon`, whatever the tiling, the batch or the split.
//!
//! [`rows`] is everything that works on one token's values, [`linear`] the matrix products, [`attention`] and
//! [`sample`] what their names say; [`model`] is a whole transformer made of them. All arrays are row major with one
//! row per token, and rows follow each other without gaps unless a function takes a stride.

pub mod attention;
pub mod linear;
pub mod model;
pub mod rows;
pub mod sample;
mod step;

use crate::{Buffer, Device, DeviceError};
use std::sync::Arc;

/// Weights that share a scale.
pub const GROUP: usize = 32;

/// 16-bit activations of a batch of tokens: what the kernels of [`rows`] quantise to and [`linear`] reads.
pub struct Activations {
	/// `[tokens, columns]`, magnitude at most 32767.
	pub values: Buffer<i16>,
	/// `[tokens]`: a value stands for `value · 2^shift`.
	pub shifts: Buffer<i32>,
}

impl Activations {
	/// Room for `tokens` tokens of up to `columns` values. Fewer columns use the front of the same memory.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, tokens: usize, columns: usize) -> Result<Self, DeviceError> {
		Ok(Self {
			values: Buffer::uninitialised(device, tokens.saturating_mul(columns))?,
			shifts: Buffer::uninitialised(device, tokens)?,
		})
	}
}
