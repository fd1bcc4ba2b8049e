//! From logits to tokens on the device: greedy, or canon's seeded sampler.

use super::rows::fits;
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_canon::{
	sampler::{draw, Sampling},
	tables::EXP2,
};
use std::sync::Arc;

/// As `exact_sample.cu` says: counts, a place per warp, and the nucleus.
const LAUNCH: Launch = Launch { grid: [1, 1, 1], block: [1024, 1, 1], shared: 4 * 11_632 + 8 * 32 + 8 + 16 };

/// Chooses the tokens of some rows of logits.
pub struct Sampler {
	device: Arc<dyn Device>,
	exp2: Buffer<u16>,
	settings: Buffer<u32>,
	draws: Buffer<u64>,
}

impl Sampler {
	/// Room for `rows` rows at a time. They are greedy until [`Sampler::set`] says otherwise.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, rows: usize) -> Result<Self, DeviceError> {
		Ok(Self {
			device: device.clone(),
			exp2: Buffer::upload(device, &EXP2)?,
			settings: Buffer::zeros(device, rows)?,
			draws: Buffer::zeros(device, rows)?,
		})
	}

	/// How the first rows' tokens are chosen: by row, the sampling and the output position (see
	/// [`noesis_canon::sampler::draw`]).
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are more than there is room for, or [`DeviceError::Memory`].
	pub fn set(&self, rows: &[(Sampling, u32)]) -> Result<(), DeviceError> {
		let settings: Vec<u32> =
			rows.iter().map(|(s, _)| u32::from(s.temperature) | u32::from(s.top_p) << 16).collect();
		let draws: Vec<u64> = rows
			.iter()
			.map(|(s, position)| if s.temperature == 0 { 0 } else { draw(s.seed, *position) })
			.collect();
		self.settings.write(&settings)?;
		self.draws.write(&draws)
	}

	/// Queues the choice of a token for each of `rows` rows of `vocabulary` logits (Q16) from element `offset` on: those
	/// of [`noesis_canon::sampler::sample`], to the front of `tokens`.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if an array is too short or there are no logits, or what the device reports.
	pub fn run(
		&self,
		logits: &Buffer<i32>,
		offset: usize,
		vocabulary: usize,
		rows: usize,
		tokens: &Buffer<u32>,
	) -> Result<(), DeviceError> {
		fits("the logits", logits.len().saturating_sub(offset), rows, vocabulary)?;
		fits("the tokens", tokens.len().min(self.settings.len()), rows, 1)?;
		if vocabulary == 0 || vocabulary > 1 << 24 {
			return Err(DeviceError::Shape(format!(
				"a token out of {vocabulary}: from 1 to 2^24 can be had"
			)));
		}
		if rows == 0 {
			return Ok(());
		}
		let args = [
			tokens.arg(),
			logits.arg_at(offset),
			self.settings.arg(),
			self.draws.arg(),
			self.exp2.arg(),
			Arg::I32(vocabulary as i32),
		];
		// SAFETY: the arguments are the kernel's, and all arrays hold the rows.
		unsafe { self.device.launch("exact_sample", Launch { grid: [rows as u32, 1, 1], ..LAUNCH }, &args) }
	}
}
