//! What is prepared on the host and uploaded: tokens, targets, rotary tables.

use crate::{Buffer, Device, DeviceError};
use noesis_canon32::{loss::IGNORED, rope::Rotations};
use std::sync::Arc;

/// Tokens of a batch, with their rows sorted for the embedding's gradient.
pub struct Tokens {
	pub(super) ids: Buffer<u32>,
	/// Rows by token, then by number.
	pub(super) order: Buffer<u32>,
	/// Where each distinct token's rows start in `order`, and their end.
	pub(super) starts: Buffer<u32>,
	pub(super) vocabulary: usize,
}

impl Tokens {
	/// Uploads tokens, each below `vocabulary`.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if one is not, or [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, tokens: &[u32], vocabulary: usize) -> Result<Self, DeviceError> {
		if let Some(token) = tokens.iter().find(|&&t| t as usize >= vocabulary) {
			return Err(DeviceError::Shape(format!("token {token} of a vocabulary of {vocabulary}")));
		}
		let mut order: Vec<u32> = (0..tokens.len() as u32).collect();
		// The sort is stable: rows of one token stay in ascending order.
		order.sort_by_key(|&row| tokens[row as usize]);
		let mut starts = vec![0];
		for rows in order.chunk_by(|&a, &b| tokens[a as usize] == tokens[b as usize]) {
			starts.push(starts[starts.len() - 1] + rows.len() as u32);
		}
		Ok(Self {
			ids: Buffer::upload(device, tokens)?,
			order: Buffer::upload(device, &order)?,
			starts: Buffer::upload(device, &starts)?,
			vocabulary,
		})
	}
}

/// Targets of a loss; [`IGNORED`] ones do not count.
pub struct Targets {
	pub(super) ids: Buffer<u32>,
	pub(super) vocabulary: usize,
	pub(super) counted: usize,
}

impl Targets {
	/// Uploads targets, each below `vocabulary` or [`IGNORED`].
	///
	/// # Errors
	/// [`DeviceError::Shape`] if one is neither, or [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, targets: &[u32], vocabulary: usize) -> Result<Self, DeviceError> {
		if let Some(target) = targets.iter().find(|&&t| t != IGNORED && t as usize >= vocabulary) {
			return Err(DeviceError::Shape(format!("target {target} of a vocabulary of {vocabulary}")));
		}
		let counted = targets.iter().filter(|&&t| t != IGNORED).count().max(1);
		Ok(Self { ids: Buffer::upload(device, targets)?, vocabulary, counted })
	}
}

/// A rotary table on a device.
pub struct Turns {
	/// `[tokens, pairs]` of cosine and sine.
	pub(super) values: Buffer<f32>,
	pub(super) tokens: usize,
	pub(super) pairs: usize,
}

impl Turns {
	/// Uploads the first `tokens` positions of a table for heads of `head_dim`.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(
		device: &Arc<dyn Device>,
		rotations: &Rotations<f32>,
		tokens: usize,
		head_dim: usize,
	) -> Result<Self, DeviceError> {
		let values: Vec<f32> =
			(0..tokens).flat_map(|t| rotations.at(t)).flat_map(|&(cos, sin)| [cos, sin]).collect();
		Ok(Self { values: Buffer::upload(device, &values)?, tokens, pairs: head_dim / 2 })
	}
}
