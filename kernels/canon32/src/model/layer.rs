//! A decoder layer: norm, attention and residual; norm, gated feed-forward and residual.

use super::{Config, LayerWeights};
use crate::{
	attention::{self, AttentionShape, Softmax},
	gate, heads,
	linear::{self, LinearShape},
	norm,
	rope::{self, Rotations},
	Backend, NotFinite, Real,
};

/// What a layer is run with.
#[derive(Clone, Copy, Debug)]
pub struct Pass<'a, T> {
	/// Which instructions.
	pub backend: Backend,
	/// Sizes and constants.
	pub config: &'a Config,
	/// Sequences.
	pub batch: usize,
	/// Tokens of each.
	pub tokens: usize,
	/// Rotary table of at least as many tokens.
	pub rotations: &'a Rotations<T>,
}

/// What the way back needs of the way forward. Queries, keys and the attention's output are head-major.
#[derive(Clone, Debug)]
pub struct LayerTape<T> {
	x: Vec<T>,
	attention_inverse: Vec<T>,
	attention_normed: Vec<T>,
	queries: Vec<T>,
	keys: Vec<T>,
	values: Vec<T>,
	softmax: Softmax<T>,
	attended: Vec<T>,
	merged: Vec<T>,
	middle: Vec<T>,
	mlp_inverse: Vec<T>,
	mlp_normed: Vec<T>,
	gate: Vec<T>,
	up: Vec<T>,
	gated: Vec<T>,
}

impl<T: Real> Pass<'_, T> {
	/// The residual after the layer from the residual `x` before it, and the tape.
	pub fn forward(&self, weights: &LayerWeights<T>, x: Vec<T>) -> Result<(LayerTape<T>, Vec<T>), NotFinite> {
		let Self { config, rotations, tokens, .. } = *self;
		let (attention_normed, attention_inverse) = self.norm(&x, &weights.attention_norm)?;
		let project = |weights, heads| {
			let rows = self.linear(&attention_normed, weights, config.hidden)?;
			Ok(heads::split(tokens, heads, config.head_dim, &rows))
		};
		let mut queries = project(&weights.query, config.heads)?;
		let mut keys = project(&weights.key, config.kv_heads)?;
		let values = project(&weights.value, config.kv_heads)?;
		rope::forward(rotations, tokens, &mut queries)?;
		rope::forward(rotations, tokens, &mut keys)?;
		let mut attended = vec![T::ZERO; queries.len()];
		let softmax =
			attention::forward(self.backend, self.attention(), &queries, &keys, &values, &mut attended)?;
		let merged = heads::merge(tokens, config.heads, config.head_dim, &attended);
		let mut middle = self.linear(&merged, &weights.output, config.heads * config.head_dim)?;
		gate::add(&mut middle, &x)?;

		let (mlp_normed, mlp_inverse) = self.norm(&middle, &weights.mlp_norm)?;
		let gate = self.linear(&mlp_normed, &weights.gate, config.hidden)?;
		let up = self.linear(&mlp_normed, &weights.up, config.hidden)?;
		let mut gated = vec![T::ZERO; gate.len()];
		gate::forward(self.backend, &gate, &up, &mut gated)?;
		let mut next = self.linear(&gated, &weights.down, config.intermediate)?;
		gate::add(&mut next, &middle)?;
		let tape = LayerTape {
			x,
			attention_inverse,
			attention_normed,
			queries,
			keys,
			values,
			softmax,
			attended,
			merged,
			middle,
			mlp_inverse,
			mlp_normed,
			gate,
			up,
			gated,
		};
		Ok((tape, next))
	}

	/// The gradient of the residual before the layer from the one after it; writes those of the weights.
	///
	/// Where several branches meet their gradients are added in the order in which the way forward uses them.
	pub fn backward(
		&self,
		weights: &LayerWeights<T>,
		tape: &LayerTape<T>,
		dnext: Vec<T>,
		gradient: &mut LayerWeights<T>,
	) -> Result<Vec<T>, NotFinite> {
		let (backend, config, tokens) = (self.backend, self.config, self.tokens);
		let dgated = self.linear_backward(
			&dnext,
			&tape.gated,
			&weights.down,
			config.intermediate,
			&mut gradient.down,
		)?;
		let (mut dgate, mut dup) = (vec![T::ZERO; dgated.len()], vec![T::ZERO; dgated.len()]);
		gate::backward(backend, &tape.gate, &tape.up, &dgated, &mut dgate, &mut dup)?;
		let mut dnormed =
			self.linear_backward(&dgate, &tape.mlp_normed, &weights.gate, config.hidden, &mut gradient.gate)?;
		let dnormed_up =
			self.linear_backward(&dup, &tape.mlp_normed, &weights.up, config.hidden, &mut gradient.up)?;
		gate::add(&mut dnormed, &dnormed_up)?;
		let mut dmiddle = dnext;
		let through = self.norm_backward(
			&tape.middle,
			&weights.mlp_norm,
			&tape.mlp_inverse,
			&dnormed,
			&mut gradient.mlp_norm,
		)?;
		gate::add(&mut dmiddle, &through)?;

		let merged_width = config.heads * config.head_dim;
		let dmerged = self.linear_backward(
			&dmiddle,
			&tape.merged,
			&weights.output,
			merged_width,
			&mut gradient.output,
		)?;
		let dattended = heads::split(tokens, config.heads, config.head_dim, &dmerged);
		let mut dqueries = vec![T::ZERO; tape.queries.len()];
		let (mut dkeys, mut dvalues) = (vec![T::ZERO; tape.keys.len()], vec![T::ZERO; tape.values.len()]);
		let forward = attention::Forward {
			q: &tape.queries,
			k: &tape.keys,
			v: &tape.values,
			out: &tape.attended,
			softmax: &tape.softmax,
		};
		attention::backward(
			backend,
			self.attention(),
			forward,
			&dattended,
			&mut dqueries,
			&mut dkeys,
			&mut dvalues,
		)?;
		rope::backward(self.rotations, tokens, &mut dqueries)?;
		rope::backward(self.rotations, tokens, &mut dkeys)?;
		let project = |d: &[T], heads, weights, dw: &mut [T]| {
			let rows = heads::merge(tokens, heads, config.head_dim, d);
			self.linear_backward(&rows, &tape.attention_normed, weights, config.hidden, dw)
		};
		let mut dnormed = project(&dqueries, config.heads, &weights.query, &mut gradient.query)?;
		gate::add(&mut dnormed, &project(&dkeys, config.kv_heads, &weights.key, &mut gradient.key)?)?;
		gate::add(&mut dnormed, &project(&dvalues, config.kv_heads, &weights.value, &mut gradient.value)?)?;
		let through = self.norm_backward(
			&tape.x,
			&weights.attention_norm,
			&tape.attention_inverse,
			&dnormed,
			&mut gradient.attention_norm,
		)?;
		gate::add(&mut dmiddle, &through)?;
		Ok(dmiddle)
	}

	fn attention(&self) -> AttentionShape {
		AttentionShape {
			batch: self.batch,
			tokens: self.tokens,
			heads: self.config.heads,
			kv_heads: self.config.kv_heads,
			head_dim: self.config.head_dim,
		}
	}

	/// The shape of a layer whose weights are `inputs` wide.
	fn shape(&self, weights: &[T], inputs: usize) -> LinearShape {
		LinearShape { rows: self.batch * self.tokens, inputs, outputs: weights.len() / inputs }
	}

	fn linear(&self, x: &[T], weights: &[T], inputs: usize) -> Result<Vec<T>, NotFinite> {
		let shape = self.shape(weights, inputs);
		let mut y = vec![T::ZERO; shape.rows * shape.outputs];
		linear::forward(self.backend, shape, x, weights, &mut y)?;
		Ok(y)
	}

	/// The gradient of the input; writes that of the weights.
	fn linear_backward(
		&self,
		dy: &[T],
		x: &[T],
		weights: &[T],
		inputs: usize,
		dw: &mut [T],
	) -> Result<Vec<T>, NotFinite> {
		let shape = self.shape(weights, inputs);
		linear::backward_weights(self.backend, shape, dy, x, dw)?;
		let mut dx = vec![T::ZERO; x.len()];
		linear::backward_input(self.backend, shape, dy, weights, &mut dx)?;
		Ok(dx)
	}

	fn norm(&self, x: &[T], gain: &[T]) -> Result<(Vec<T>, Vec<T>), NotFinite> {
		let (mut y, mut inverse) = (vec![T::ZERO; x.len()], vec![T::ZERO; self.batch * self.tokens]);
		norm::forward(self.backend, x, gain, self.config.epsilon(), &mut y, &mut inverse)?;
		Ok((y, inverse))
	}

	/// The gradient of the input; writes that of the gain.
	fn norm_backward(
		&self,
		x: &[T],
		gain: &[T],
		inverse: &[T],
		dy: &[T],
		dgain: &mut [T],
	) -> Result<Vec<T>, NotFinite> {
		let mut dx = vec![T::ZERO; x.len()];
		norm::backward(self.backend, x, gain, inverse, dy, &mut dx, dgain)?;
		Ok(dx)
	}
}
