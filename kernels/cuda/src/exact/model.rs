//! A whole transformer on a device: the bits of the engine's forward pass on a CPU, layer by layer.
//!
//! Weights are uploaded once. A [`Sequence`] keeps its keys and values (16 bits, as attention reads them) and the scratch
//! of a batch on the device. Ten launches make a layer, two more where attention splits the keys; both branches add
//! themselves to the residual as they leave their matrix product. The residual after every layer stays in memory of its
//! own until the next batch, so that a trace costs one copy to the host per batch and none on the device. That copy
//! waits for the batch: a trace is not made while the next batch runs.
//!
//! A sequence that goes on token by token is recorded: see [`super::step`].

use super::{
	attention::{Attention, Cache, Heads, Positions, Queries},
	linear::{Formats, Linear, Target, Tensor},
	rows::{gate, norm, quantise, rope, sigmoid_table, Angles, Precision, Span},
	sample::Sampler,
	step::Step,
	Activations,
};
use crate::{Buffer, Device, DeviceError};
use noesis_canon::{norm::NormConstants, sampler::Sampling, LINEAR_BITS, NORMED_BITS, RESIDUAL_BITS};
use std::sync::{
	atomic::{AtomicU64, Ordering},
	Arc,
};

/// Tokens alone that a sequence reads before it is recorded: recording costs about as much as it saves over some tokens.
const SINGLES: usize = 1;

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

/// Most tokens that go through a model at once: bounds the scratch memory.
pub const MAX_BATCH: usize = 512;

const FROM_NORMED: Formats = Formats { from: NORMED_BITS, to: LINEAR_BITS };
const FROM_ATTENTION: Formats = Formats { from: LINEAR_BITS, to: RESIDUAL_BITS };
const FROM_GATE: Formats = Formats { from: NORMED_BITS, to: RESIDUAL_BITS };

/// Sizes and constants of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
	/// Values of the residual.
	pub width: usize,
	/// Heads of attention, of 64 or 128 values.
	pub heads: Heads,
	/// Inner values of a feed-forward layer.
	pub feed_forward: usize,
	/// Different tokens.
	pub vocabulary: usize,
	/// Longest sequence in tokens.
	pub context: usize,
	/// Base of the rotary positions, at least 2.
	pub rope_base: u32,
	/// Constants of the norms.
	pub norm: NormConstants,
}

/// A layer's weights on the host. Matrices map the width, the heads' values or the inner values to one another; gains
/// are Q12, one per value of the width.
pub struct LayerWeights<'a> {
	/// Gain before attention.
	pub attention_norm: Vec<i32>,
	/// Queries.
	pub query: Tensor<'a>,
	/// Keys.
	pub key: Tensor<'a>,
	/// Values.
	pub value: Tensor<'a>,
	/// From the heads back to the residual.
	pub attention_out: Tensor<'a>,
	/// Gain before the feed-forward part.
	pub feed_forward_norm: Vec<i32>,
	/// The gate.
	pub gate: Tensor<'a>,
	/// What it gates.
	pub up: Tensor<'a>,
	/// Back to the residual.
	pub down: Tensor<'a>,
}

struct Layer {
	attention_norm: Buffer<i32>,
	query_key_value: Linear,
	attention_out: Linear,
	feed_forward_norm: Buffer<i32>,
	gate_up: Linear,
	down: Linear,
}

/// A model in a device's memory.
pub struct Model {
	/// No other model of this process has it.
	pub(super) id: u64,
	pub(super) device: Arc<dyn Device>,
	shape: Shape,
	embedding: Linear,
	final_norm: Buffer<i32>,
	layers: Vec<Layer>,
	angles: Angles,
	sigmoids: Buffer<u16>,
}

/// One sequence on its way through a [`Model`]: its keys and values, and the scratch of a batch.
pub struct Sequence {
	attention: Attention,
	/// The launches of one token, once they are worth recording.
	pub(super) step: Option<Step>,
	/// How often one token alone went through.
	singles: usize,
	sampler: Sampler,
	pub(super) state: State,
}

/// What the layers read and write.
pub(super) struct State {
	/// `[layers, kv_heads, capacity, dim]`, Q9.
	keys: Buffer<i16>,
	/// As the keys.
	values: Buffer<i16>,
	capacity: usize,
	pub(super) length: usize,
	/// Tokens of the last batch, and rows of logits that were computed of it.
	tokens: usize,
	pub(super) rows: usize,
	ids: Buffer<u32>,
	/// `[layers + 1, tokens, width]`: the embedding, then what each layer left.
	residuals: Buffer<i32>,
	input: Activations,
	/// `[tokens, queries | keys | values]` or `[tokens, gate | up]`, Q16.
	wide: Buffer<i32>,
	queries: Buffer<i16>,
	attended: Buffer<i32>,
	/// `[rows, vocabulary]`, Q16.
	logits: Buffer<i32>,
	picked: Buffer<u32>,
}

/// Where in its sequence a batch begins.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
	/// The position of the first token.
	pub(super) first: usize,
	/// A number on the device that is added to it.
	pub(super) past: Option<&'a Buffer<i32>>,
}

fn shape_error(reason: String) -> DeviceError {
	DeviceError::Shape(reason)
}

fn matrix(
	device: &Arc<dyn Device>,
	tensors: &[Tensor<'_>],
	rows: usize,
	columns: usize,
) -> Result<Linear, DeviceError> {
	let linear = Linear::new(device, tensors)?;
	if (linear.rows(), linear.columns()) == (rows, columns) {
		return Ok(linear);
	}
	Err(shape_error(format!(
		"a matrix of {} by {} where the model needs {rows} by {columns}",
		linear.rows(),
		linear.columns()
	)))
}

fn gain(device: &Arc<dyn Device>, values: &[i32], width: usize) -> Result<Buffer<i32>, DeviceError> {
	if values.len() == width {
		return Buffer::upload(device, values);
	}
	Err(shape_error(format!("a gain of {} values where the model needs {width}", values.len())))
}

impl Model {
	/// Uploads a model. `embedding` maps tokens to the residual, and the residual to logits.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if the weights are not of this shape, or the shape is none that the kernels can run (see
	/// [`super::rows::MAX_NORM_WIDTH`], [`Attention::new`]); or [`DeviceError::Memory`].
	pub fn new(
		device: &Arc<dyn Device>,
		shape: Shape,
		embedding: Tensor<'_>,
		final_norm: &[i32],
		layers: &[LayerWeights<'_>],
	) -> Result<Self, DeviceError> {
		let Shape { width, heads, feed_forward, vocabulary, .. } = shape;
		// What a sequence would refuse is refused here already.
		Attention::new(device, heads)?;
		if width > super::rows::MAX_NORM_WIDTH {
			return Err(shape_error(format!(
				"a width of {width}: up to {} can run",
				super::rows::MAX_NORM_WIDTH
			)));
		}
		let (queries, keys) = (heads.heads * heads.dim, heads.kv_heads * heads.dim);
		let layer = |weights: &LayerWeights<'_>| {
			Ok(Layer {
				attention_norm: gain(device, &weights.attention_norm, width)?,
				query_key_value: matrix(
					device,
					&[weights.query, weights.key, weights.value],
					queries + 2 * keys,
					width,
				)?,
				attention_out: matrix(device, &[weights.attention_out], width, queries)?,
				feed_forward_norm: gain(device, &weights.feed_forward_norm, width)?,
				gate_up: matrix(device, &[weights.gate, weights.up], 2 * feed_forward, width)?,
				down: matrix(device, &[weights.down], width, feed_forward)?,
			})
		};
		Ok(Self {
			id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
			device: device.clone(),
			shape,
			embedding: matrix(device, &[embedding], vocabulary, width)?,
			final_norm: gain(device, final_norm, width)?,
			layers: layers.iter().map(layer).collect::<Result<_, DeviceError>>()?,
			angles: Angles::new(device, shape.rope_base, heads.dim, shape.context)?,
			sigmoids: sigmoid_table(device)?,
		})
	}

	/// The sizes.
	pub fn shape(&self) -> &Shape {
		&self.shape
	}

	/// Where it lies.
	pub fn device(&self) -> &Arc<dyn Device> {
		&self.device
	}

	/// Layers.
	pub fn layers(&self) -> usize {
		self.layers.len()
	}

	/// Device memory of the matrices.
	pub fn bytes(&self) -> usize {
		let layer =
			|l: &Layer| [&l.query_key_value, &l.attention_out, &l.gate_up, &l.down].map(Linear::bytes);
		self.embedding.bytes() + self.layers.iter().flat_map(layer).sum::<usize>()
	}

	/// Begins a sequence of at most `capacity` positions (cut to the context).
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn start(&self, capacity: usize) -> Result<Sequence, DeviceError> {
		let device = &self.device;
		let Shape { width, heads, feed_forward, .. } = self.shape;
		let capacity = capacity.min(self.shape.context);
		let batch = capacity.min(MAX_BATCH);
		let (queries, keys) = (heads.heads * heads.dim, heads.kv_heads * heads.dim);
		let cache = self.layers.len() * capacity * keys;
		Ok(Sequence {
			attention: Attention::new(device, heads)?,
			step: None,
			singles: 0,
			sampler: Sampler::new(device, batch)?,
			state: State {
				keys: Buffer::uninitialised(device, cache)?,
				values: Buffer::uninitialised(device, cache)?,
				capacity,
				length: 0,
				tokens: 0,
				rows: 0,
				ids: Buffer::uninitialised(device, batch)?,
				residuals: Buffer::uninitialised(device, (self.layers.len() + 1) * batch * width)?,
				input: Activations::new(device, batch, width.max(queries).max(feed_forward))?,
				wide: Buffer::uninitialised(device, batch * (queries + 2 * keys).max(2 * feed_forward))?,
				queries: Buffer::uninitialised(device, batch * queries)?,
				attended: Buffer::uninitialised(device, batch * queries)?,
				logits: Buffer::uninitialised(device, self.shape.vocabulary)?,
				picked: Buffer::uninitialised(device, batch)?,
			},
		})
	}

	/// Queues `tokens` (at most [`MAX_BATCH`], and no more than the sequence has room for); an id beyond the vocabulary
	/// reads as its last. After an error the sequence is of no more use.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are too many tokens, or what the device reports.
	pub fn forward(&self, sequence: &mut Sequence, tokens: &[u32]) -> Result<(), DeviceError> {
		let state = &mut sequence.state;
		let room = state.ids.len().min(state.capacity - state.length);
		if tokens.len() > room {
			return Err(shape_error(format!("{} tokens for a sequence with room for {room}", tokens.len())));
		}
		state.tokens = tokens.len();
		state.rows = 0;
		state.ids.write(tokens)?;
		if tokens.len() == 1 {
			sequence.singles += 1;
			if sequence.singles > SINGLES {
				return self.step(sequence);
			}
		}
		let Sequence { attention, state, .. } = sequence;
		self.through_layers(state, attention, Place { first: state.length, past: None })?;
		state.length += tokens.len();
		Ok(())
	}

	/// Queues the tokens whose ids are on the device through all layers.
	pub(super) fn through_layers(
		&self,
		state: &State,
		attention: &mut Attention,
		place: Place<'_>,
	) -> Result<(), DeviceError> {
		let tokens = state.tokens;
		self.embedding.embed(&state.ids, tokens, &state.residuals, 0)?;
		for (index, layer) in self.layers.iter().enumerate() {
			let size = tokens * self.shape.width;
			let cache = Cache {
				keys: &state.keys,
				values: &state.values,
				offset: index * self.shape.heads.kv_heads * state.capacity * self.shape.heads.dim,
				capacity: state.capacity,
			};
			let input = (index * size, (index + 1) * size);
			self.attention(state, attention, place, layer, &cache, input)?;
			self.feed_forward(state, layer, input.1)?;
		}
		Ok(())
	}

	/// Reads the residual at `before`, writes the one with attention added at `after`.
	fn attention(
		&self,
		state: &State,
		attention: &mut Attention,
		Place { first, past }: Place<'_>,
		layer: &Layer,
		cache: &Cache<'_>,
		(before, after): (usize, usize),
	) -> Result<(), DeviceError> {
		let State { tokens, residuals, input, wide, queries, attended, .. } = state;
		let (heads, tokens) = (self.shape.heads, *tokens);
		norm(residuals, before, &layer.attention_norm, &self.shape.norm, tokens, Precision::Bits16, input)?;
		layer.query_key_value.forward(
			input,
			tokens,
			FROM_NORMED,
			Target { values: wide, offset: 0, add: None },
		)?;
		let span = Span { tokens, first, slot: first, past };
		rope(wide, &self.angles, &heads, &span, queries, cache)?;
		let asked = Queries { values: queries, tokens, first, past };
		attention.attend(&asked, cache, Positions::from_start(first + tokens), attended)?;
		quantise(attended, tokens, heads.heads * heads.dim, Precision::Bits16, input)?;
		let target = Target { values: residuals, offset: after, add: Some(before) };
		layer.attention_out.forward(input, tokens, FROM_ATTENTION, target)
	}

	/// Adds to the residual at `at`.
	fn feed_forward(&self, state: &State, layer: &Layer, at: usize) -> Result<(), DeviceError> {
		let State { residuals, input, wide, tokens, .. } = state;
		let inner = self.shape.feed_forward;
		norm(residuals, at, &layer.feed_forward_norm, &self.shape.norm, *tokens, Precision::Bits16, input)?;
		layer.gate_up.forward(input, *tokens, FROM_NORMED, Target { values: wide, offset: 0, add: None })?;
		gate(wide, &self.sigmoids, *tokens, inner, Precision::Bits16, input)?;
		let target = Target { values: residuals, offset: at, add: Some(at) };
		layer.down.forward(input, *tokens, FROM_GATE, target)
	}

	/// Queues the logits (Q16) that follow the last `count` tokens of the last batch (cut to it).
	///
	/// # Errors
	/// [`DeviceError::Memory`], or what the device reports.
	pub fn logits(&self, sequence: &mut Sequence, count: usize) -> Result<(), DeviceError> {
		let Sequence { state, step, .. } = sequence;
		let (rows, vocabulary) = (count.min(state.tokens), self.shape.vocabulary);
		if rows > 0 && rows == state.rows {
			// A recorded step made them.
			return Ok(());
		}
		if state.logits.len() < rows * vocabulary {
			// A recorded step writes to the old ones.
			*step = None;
			state.logits = Buffer::uninitialised(&self.device, rows * vocabulary)?;
		}
		self.logits_of(state, rows)?;
		state.rows = rows;
		Ok(())
	}

	/// Queues the logits that follow the last `rows` tokens.
	pub(super) fn logits_of(&self, state: &State, rows: usize) -> Result<(), DeviceError> {
		let Shape { width, norm: constants, .. } = self.shape;
		let State { residuals, input, logits, tokens, .. } = state;
		let at = (self.layers.len() * tokens + tokens - rows) * width;
		norm(residuals, at, &self.final_norm, &constants, rows, Precision::Bits16, input)?;
		self.embedding.forward(input, rows, FROM_NORMED, Target { values: logits, offset: 0, add: None })
	}

	/// The residual after every layer of the last batch, `[layers, tokens, width]`; waits for the device. `scratch` is
	/// used again from call to call.
	///
	/// # Errors
	/// What the device reports.
	pub fn residuals<'a>(
		&self,
		sequence: &Sequence,
		scratch: &'a mut Vec<i32>,
	) -> Result<&'a [i32], DeviceError> {
		let size = sequence.state.tokens * self.shape.width;
		scratch.resize((self.layers.len() + 1) * size, 0);
		sequence.state.residuals.read(scratch)?;
		Ok(scratch.get(size..).unwrap_or_default())
	}

	/// The logits that were computed last, `[rows, vocabulary]`; waits for the device.
	///
	/// # Errors
	/// What the device reports.
	pub fn read_logits(&self, sequence: &Sequence) -> Result<Vec<i32>, DeviceError> {
		let mut logits = vec![0; sequence.state.rows * self.shape.vocabulary];
		sequence.state.logits.read(&mut logits)?;
		Ok(logits)
	}

	/// The tokens that follow the rows of the last logits; the first of them comes to stand at output position
	/// `position`. Waits for the device.
	///
	/// # Errors
	/// What the device reports.
	pub fn pick(
		&self,
		sequence: &Sequence,
		sampling: &Sampling,
		position: u32,
	) -> Result<Vec<u32>, DeviceError> {
		let Sequence { sampler, state, .. } = sequence;
		let rows: Vec<(Sampling, u32)> =
			(0..state.rows as u32).map(|row| (*sampling, position.wrapping_add(row))).collect();
		sampler.set(&rows)?;
		sampler.run(&state.logits, 0, self.shape.vocabulary, rows.len(), &state.picked)?;
		let mut tokens = vec![0; rows.len()];
		state.picked.read(&mut tokens)?;
		Ok(tokens)
	}
}

impl Sequence {
	/// Positions it holds.
	pub fn length(&self) -> usize {
		self.state.length
	}

	/// Positions it can hold.
	pub fn capacity(&self) -> usize {
		self.state.capacity
	}

	/// Whether single tokens run as a recorded graph.
	pub fn is_recorded(&self) -> bool {
		self.step.as_ref().is_some_and(Step::is_graph)
	}

	/// Forgets the positions from `length` on.
	pub fn truncate(&mut self, length: usize) {
		self.state.length = self.state.length.min(length);
	}

	/// Device memory of keys and values.
	pub fn bytes(&self) -> usize {
		(self.state.keys.len() + self.state.values.len()) * size_of::<i16>()
	}
}
