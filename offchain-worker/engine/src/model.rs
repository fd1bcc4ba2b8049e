//! The forward pass: any number of tokens at a time, always the same bits.

use crate::{
	cache::Cache,
	checkpoint::{Architecture, Checkpoint, CheckpointError, Shapes},
	context::{
		stream::{self, Block, Source},
		Positions,
	},
	dispute::Fault,
	kernels::{attention::squared_length, gated, linear, Activations, Backend, Linear, Output},
	matrix::Matrix,
	plant::Plant,
};
use noesis_canon::{
	attention, norm, rope,
	round::{add_residual, rsr, sat16},
	ATTENTION_BITS, LINEAR_BITS, NORMED_BITS, RESIDUAL_BITS,
};
use rayon::prelude::*;

/// Most tokens that go through the model at once: bounds the scratch memory.
pub const MAX_BATCH: usize = 128;

#[derive(Debug)]
struct Layer {
	attention_norm: Vec<i32>,
	query: Matrix,
	key: Matrix,
	value: Matrix,
	attention_out: Matrix,
	feed_forward_norm: Vec<i32>,
	gate: Matrix,
	up: Matrix,
	down: Matrix,
}

/// A model in memory.
#[derive(Debug)]
pub struct Model {
	architecture: Architecture,
	backend: Backend,
	embedding: Matrix,
	final_norm: Vec<i32>,
	layers: Vec<Layer>,
	norm: norm::NormConstants,
	multiplier: i64,
	/// Cosine and sine by position and pair.
	rope: Vec<(i16, i16)>,
}

/// One sequence on its way through a model.
#[derive(Debug)]
pub struct State {
	/// Keys and values so far.
	pub cache: Cache,
	tokens: usize,
	residual: Vec<i32>,
	normed: Vec<i32>,
	wide: Vec<i64>,
	queries: Vec<i16>,
	attended: Vec<i32>,
	input: Activations,
	outputs: [Output; 3],
	/// What is computed wrongly, for rehearsals.
	pub(crate) fault: Option<Fault>,
	/// What is planted, for canaries.
	pub(crate) plant: Option<Plant>,
}

impl State {
	/// The residual after the layer that was computed last, by token of the last batch.
	pub fn residual(&self) -> &[i32] {
		&self.residual
	}
}

impl Model {
	/// Packs a checkpoint's weights.
	pub fn load(checkpoint: &Checkpoint, backend: Backend) -> Result<Self, CheckpointError> {
		let architecture = checkpoint.manifest().architecture;
		let backend = if backend.is_available() { backend } else { Backend::Scalar };
		let embedding_group = checkpoint.group(0)?;
		let layer = |index: u32| -> Result<Layer, CheckpointError> {
			let group = checkpoint.group(1 + index as usize)?;
			let gain = |i: usize| group[i].gain();
			let matrix = |i: usize| Matrix::pack(&group[i]);
			Ok(Layer {
				attention_norm: gain(0),
				query: matrix(1),
				key: matrix(2),
				value: matrix(3),
				attention_out: matrix(4),
				feed_forward_norm: gain(5),
				gate: matrix(6),
				up: matrix(7),
				down: matrix(8),
			})
		};
		let pairs = architecture.head_dim / 2;
		let frequencies: Vec<u64> =
			(0..pairs).map(|pair| rope::frequency(architecture.rope_base, pairs, pair)).collect();
		let rope = (0..architecture.context)
			.into_par_iter()
			.flat_map_iter(|position| frequencies.iter().map(move |&f| rope::cos_sin(f, position)))
			.collect();
		Ok(Self {
			backend,
			embedding: Matrix::pack(&embedding_group[0]),
			final_norm: embedding_group[1].gain(),
			layers: (0..architecture.layers).into_par_iter().map(layer).collect::<Result<_, _>>()?,
			norm: architecture.norm(),
			multiplier: attention::multiplier(architecture.head_dim as usize),
			rope,
			architecture,
		})
	}

	/// The shape.
	pub fn architecture(&self) -> &Architecture {
		&self.architecture
	}

	/// The loops that run.
	pub fn backend(&self) -> Backend {
		self.backend
	}

	/// Begins a sequence of at most `capacity` positions (cut to the context). Once it has seen a batch of some size, no
	/// batch up to that size allocates on the threads that are current here.
	pub fn start(&self, capacity: usize) -> State {
		let capacity = capacity.min(self.architecture.context as usize);
		stream::prepare(capacity, self.architecture.head_dim as usize);
		State {
			cache: Cache::new(&self.architecture, capacity),
			tokens: 0,
			residual: Vec::new(),
			normed: Vec::new(),
			wide: Vec::new(),
			queries: Vec::new(),
			attended: Vec::new(),
			input: Activations::default(),
			outputs: Default::default(),
			fault: None,
			plant: None,
		}
	}

	/// Puts `tokens` (at most [`MAX_BATCH`], and no more than the cache has room for; the rest is ignored) through
	/// the model. `after_layer` sees the residual of all of them, token by token, after every layer.
	pub fn forward(&self, state: &mut State, tokens: &[u32], after_layer: &mut dyn FnMut(usize, &[i32])) {
		let width = self.architecture.width as usize;
		let room = state.cache.capacity() - state.cache.length();
		let tokens = &tokens[..tokens.len().min(MAX_BATCH).min(room)];
		state.tokens = tokens.len();
		state.residual.resize(tokens.len() * width, 0);
		state.normed.resize(tokens.len() * width, 0);
		for (row, &token) in state.residual.chunks_exact_mut(width).zip(tokens) {
			self.embedding.embed((token.min(self.architecture.vocabulary - 1)) as usize, row);
		}
		for (index, layer) in self.layers.iter().enumerate() {
			self.attention(state, index, layer);
			self.feed_forward(state, layer);
			if let Some(fault) = state.fault {
				fault.apply(index, state.cache.length(), width, &mut state.residual);
			}
			if let Some(plant) = state.plant {
				plant.apply(index, state.cache.length(), width, &mut state.residual);
			}
			after_layer(index, &state.residual);
		}
		state.cache.grow(tokens.len());
	}

	/// Norm and quantisation of every token's residual.
	fn normed_input(&self, state: &mut State, gain: &[i32]) {
		let width = self.architecture.width as usize;
		state.input.reset(state.tokens, width);
		state
			.residual
			.par_chunks_exact(width)
			.zip(state.normed.par_chunks_exact_mut(width))
			.zip(state.input.slots())
			.for_each(|((x, normed), slot)| {
				norm::rms_norm(x, gain, &self.norm, normed);
				slot.fill(normed);
			});
	}

	fn attention(&self, state: &mut State, index: usize, layer: &Layer) {
		let a = &self.architecture;
		let (heads, kv_heads, dim) = (a.heads as usize, a.kv_heads as usize, a.head_dim as usize);
		self.normed_input(state, &layer.attention_norm);
		let [q, k, v] = &mut state.outputs;
		let layers = [&layer.query, &layer.key, &layer.value].map(Linear::from_normed);
		linear(self.backend, &state.input, layers, [&mut *q, &mut *k, &mut *v]);

		let start = state.cache.length();
		state.queries.resize(state.tokens * heads * dim, 0);
		for t in 0..state.tokens {
			let angles = &self.rope[(start + t) * dim / 2..(start + t + 1) * dim / 2];
			// Pieces are 16 values, heads a multiple of that.
			let pieces = dim / 16;
			let queries = &mut state.queries[t * heads * dim..(t + 1) * heads * dim];
			for (i, (piece, out)) in q.token(t).zip(queries.chunks_exact_mut(16)).enumerate() {
				rotate(piece, &angles[i % pieces * 8..], out);
			}
			for (i, (key, value)) in k.token(t).zip(v.token(t)).enumerate() {
				let (key_slot, value_slot) = state.cache.slot(index, i / pieces, start + t);
				let range = i % pieces * 16..(i % pieces + 1) * 16;
				rotate(key, &angles[i % pieces * 8..], &mut key_slot[range.clone()]);
				for (slot, &v) in value_slot[range].iter_mut().zip(value) {
					*slot = sat16(rsr(i64::from(v), LINEAR_BITS - ATTENTION_BITS));
				}
			}
			for head in 0..kv_heads {
				let length = squared_length(state.cache.slot(index, head, start + t).0);
				state.cache.raise_key_bound(index, head, length);
			}
		}

		state.attended.resize(state.tokens * heads * dim, 0);
		let positions = Positions::from_start(start + state.tokens);
		let source = Source { cache: &state.cache, layer: index, positions };
		let block = Block { queries: &state.queries, heads, head_dim: dim, first: start };
		stream::attend(self.backend, &source, &block, self.multiplier, &mut state.attended);

		state.input.reset(state.tokens, heads * dim);
		state
			.attended
			.par_chunks_exact(heads * dim)
			.zip(state.input.slots())
			.for_each(|(x, slot)| slot.fill(x));
		let layer = Linear { matrix: &layer.attention_out, from: LINEAR_BITS, to: RESIDUAL_BITS };
		self.add_branch(state, layer);
	}

	fn feed_forward(&self, state: &mut State, layer: &Layer) {
		let inner = self.architecture.feed_forward as usize;
		self.normed_input(state, &layer.feed_forward_norm);
		let [gate, up, _] = &mut state.outputs;
		let layers = [&layer.gate, &layer.up].map(Linear::from_normed);
		linear(self.backend, &state.input, layers, [&mut *gate, &mut *up]);
		state.wide.resize(state.tokens * inner, 0);
		state.input.reset(state.tokens, inner);
		let (gate, up) = (&*gate, &*up);
		state.wide.par_chunks_exact_mut(inner).zip(state.input.slots()).enumerate().for_each(
			|(t, (wide, slot))| {
				let pieces = gate.token(t).zip(up.token(t)).zip(wide.chunks_mut(crate::matrix::LANES));
				for ((gate, up), wide) in pieces {
					gated(self.backend, gate, up, wide);
				}
				slot.fill_wide(wide);
			},
		);
		let layer = Linear { matrix: &layer.down, from: NORMED_BITS, to: RESIDUAL_BITS };
		self.add_branch(state, layer);
	}

	fn add_branch(&self, state: &mut State, layer: Linear<'_>) {
		let width = self.architecture.width as usize;
		let [branch, ..] = &mut state.outputs;
		linear(self.backend, &state.input, [layer], [&mut *branch]);
		for (t, x) in state.residual.chunks_exact_mut(width).enumerate() {
			for (piece, x) in branch.token(t).zip(x.chunks_mut(crate::matrix::LANES)) {
				for (x, &change) in x.iter_mut().zip(piece) {
					*x = add_residual(*x, change);
				}
			}
		}
	}

	/// Logits (Q16) that follow the last `count` tokens of the last batch; `out` gets `count` rows of the
	/// vocabulary.
	pub fn logits(&self, state: &mut State, count: usize, out: &mut Vec<i32>) {
		let (width, vocabulary) = (self.architecture.width as usize, self.architecture.vocabulary as usize);
		let count = count.min(state.tokens);
		let first = (state.tokens - count) * width;
		state.input.reset(count, width);
		state.residual[first..]
			.par_chunks_exact(width)
			.zip(state.normed[first..].par_chunks_exact_mut(width))
			.zip(state.input.slots())
			.for_each(|((x, normed), slot)| {
				norm::rms_norm(x, &self.final_norm, &self.norm, normed);
				slot.fill(normed);
			});
		let [logits, ..] = &mut state.outputs;
		linear(self.backend, &state.input, [Linear::from_normed(&self.embedding)], [&mut *logits]);
		out.resize(count * vocabulary, 0);
		out.par_chunks_exact_mut(vocabulary).enumerate().for_each(|(t, row)| logits.copy_token(t, row));
	}
}

/// Turns 8 pairs.
fn rotate(x: &[i32], angles: &[(i16, i16)], out: &mut [i16]) {
	for ((x, out), &(cos, sin)) in x.chunks_exact(2).zip(out.chunks_exact_mut(2)).zip(angles) {
		(out[0], out[1]) = rope::rotate(x[0], x[1], cos, sin);
	}
}
