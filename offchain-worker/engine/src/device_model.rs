//! A model on a device: a checkpoint's weights as its kernels take them, and a sequence as the engine needs it.
//!
//! What comes back to the host is the residual after every layer (once per batch, where somebody wants the trace) and
//! the tokens that were chosen; logits stay on the device unless they are asked for.

use crate::{
	checkpoint::{Architecture, Checkpoint, CheckpointError, Encoding, Shapes, TensorView},
	sequence::AfterLayer,
	EngineError,
};
use noesis_canon::sampler::Sampling;
use noesis_cuda::{
	exact::{
		attention::Heads,
		linear::{Codes, Tensor},
		model::{LayerWeights, Model, Sequence, Shape, MAX_BATCH},
	},
	Device, DeviceError, Loaded,
};
use std::{fmt, sync::Arc};

/// A checkpoint's weights in a device's memory.
pub struct DeviceModel {
	architecture: Architecture,
	model: Model,
}

impl fmt::Debug for DeviceModel {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("DeviceModel")
			.field("architecture", &self.architecture)
			.field("device", &self.device_name())
			.finish_non_exhaustive()
	}
}

/// A matrix as the device takes it: the checkpoint's bytes as they are.
fn tensor<'a>(view: &TensorView<'a>) -> Result<Tensor<'a>, CheckpointError> {
	let codes = match view.encoding {
		Encoding::Q4 => Codes::Q4,
		Encoding::Q8 => Codes::Q8,
		// A checkpoint that is open has gains only where they belong.
		Encoding::Gain => return Err(CheckpointError::Mismatch("encoding of a matrix")),
	};
	Ok(Tensor { codes, rows: view.shape.rows, columns: view.shape.columns, bytes: view.bytes })
}

impl DeviceModel {
	/// Uploads a checkpoint's weights.
	///
	/// # Errors
	/// [`EngineError::Device`] if the device has no room for them or no kernels for their shape.
	pub fn load(checkpoint: &Checkpoint, device: &Arc<dyn Device>) -> Result<Self, EngineError> {
		let architecture = checkpoint.manifest().architecture;
		let a = &architecture;
		let shape = Shape {
			width: a.width as usize,
			heads: Heads { heads: a.heads as usize, kv_heads: a.kv_heads as usize, dim: a.head_dim as usize },
			feed_forward: a.feed_forward as usize,
			vocabulary: a.vocabulary as usize,
			context: a.context as usize,
			rope_base: a.rope_base,
			norm: a.norm(),
		};
		let layer = |index: u32| -> Result<LayerWeights<'_>, CheckpointError> {
			let group = checkpoint.group(1 + index as usize)?;
			let matrix = |i: usize| tensor(&group[i]);
			Ok(LayerWeights {
				attention_norm: group[0].gain(),
				query: matrix(1)?,
				key: matrix(2)?,
				value: matrix(3)?,
				attention_out: matrix(4)?,
				feed_forward_norm: group[5].gain(),
				gate: matrix(6)?,
				up: matrix(7)?,
				down: matrix(8)?,
			})
		};
		let layers = (0..a.layers).map(layer).collect::<Result<Vec<_>, _>>()?;
		let embedding = checkpoint.group(0)?;
		let model = Model::new(device, shape, tensor(&embedding[0])?, &embedding[1].gain(), &layers)?;
		Ok(Self { architecture, model })
	}

	/// Runs one token, so that every kind of kernel is loaded.
	///
	/// # Errors
	/// [`EngineError::Device`] if one can't be, or fails.
	pub fn try_out(&self) -> Result<(), EngineError> {
		let mut sequence = self.start(1)?;
		sequence.forward(&[0], None)?;
		sequence.compute_logits(1)?;
		sequence.pick(0, &Sampling { temperature: 0, top_p: 0, seed: 0 }, 0)?;
		Ok(())
	}

	/// The shape.
	pub fn architecture(&self) -> &Architecture {
		&self.architecture
	}

	/// What the device is, for people.
	pub fn device_name(&self) -> String {
		self.model.device().name()
	}

	/// The kernels that it was tried out with.
	pub fn kernels(&self) -> Vec<Loaded> {
		self.model.device().loaded()
	}

	/// Device memory of the matrices.
	pub fn bytes(&self) -> usize {
		self.model.bytes()
	}

	pub(crate) fn start(&self, capacity: usize) -> Result<DeviceSequence<'_>, DeviceError> {
		Ok(DeviceSequence {
			model: &self.model,
			sequence: self.model.start(capacity)?,
			residuals: Vec::new(),
			picked: None,
		})
	}
}

/// One sequence on a device; see [`crate::sequence::Sequence`].
pub(crate) struct DeviceSequence<'a> {
	model: &'a Model,
	sequence: Sequence,
	residuals: Vec<i32>,
	/// The choices after all rows of logits, made at the first question.
	picked: Option<Vec<u32>>,
}

impl DeviceSequence<'_> {
	pub(crate) fn length(&self) -> usize {
		self.sequence.length()
	}

	pub(crate) fn truncate(&mut self, length: usize) {
		self.sequence.truncate(length);
	}

	pub(crate) fn is_recorded(&self) -> bool {
		self.sequence.is_recorded()
	}

	pub(crate) fn max_batch(&self) -> usize {
		MAX_BATCH
	}

	pub(crate) fn forward(
		&mut self,
		tokens: &[u32],
		after_layer: Option<AfterLayer<'_>>,
	) -> Result<(), DeviceError> {
		self.picked = None;
		self.model.forward(&mut self.sequence, tokens)?;
		let Some(after_layer) = after_layer else { return Ok(()) };
		let residuals = self.model.residuals(&self.sequence, &mut self.residuals)?;
		let size = (tokens.len() * self.model.shape().width).max(1);
		for (layer, residual) in residuals.chunks_exact(size).enumerate() {
			after_layer(layer, residual);
		}
		Ok(())
	}

	pub(crate) fn compute_logits(&mut self, count: usize) -> Result<(), DeviceError> {
		self.picked = None;
		self.model.logits(&mut self.sequence, count)
	}

	pub(crate) fn logits(&self) -> Result<Vec<i32>, DeviceError> {
		self.model.read_logits(&self.sequence)
	}

	pub(crate) fn pick(
		&mut self,
		row: usize,
		sampling: &Sampling,
		position: u32,
	) -> Result<u32, DeviceError> {
		let picked = match self.picked.take() {
			Some(picked) => picked,
			None => self.model.pick(&self.sequence, sampling, position.wrapping_sub(row as u32))?,
		};
		let token = picked.get(row).copied();
		self.picked = Some(picked);
		token.ok_or_else(|| DeviceError::Shape(format!("there are no logits of row {row}")))
	}
}
