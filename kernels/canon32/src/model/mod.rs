//! A Llama-type decoder made of the operations: a batch of tokens to logits, and the gradient of logits back to those
//! of all weights.
//!
//! [`Weights`] the tensors in their order; [`layer`] one decoder layer; here the whole; [`Trainer`] steps of training.

pub mod layer;
mod trainer;
mod weights;

pub use trainer::{Objective, Trainer};
pub use weights::{Config, LayerWeights, Weights};

use crate::{
	embedding,
	linear::{self, LinearShape},
	norm,
	rope::Rotations,
	Backend, NotFinite, Real,
};
use layer::{LayerTape, Pass};

/// A decoder and the batch shape that it is run on.
#[derive(Clone, Debug)]
pub struct Model<T> {
	/// Sizes and constants.
	pub config: Config,
	backend: Backend,
	batch: usize,
	tokens: usize,
	rotations: Rotations<T>,
}

/// What the way back needs of the way forward.
#[derive(Clone, Debug)]
pub struct Tape<T> {
	tokens: Vec<u32>,
	layers: Vec<LayerTape<T>>,
	/// Input of the last norm, its factors and its output.
	last: Vec<T>,
	inverse: Vec<T>,
	normed: Vec<T>,
	/// `[batch · tokens, vocabulary]`.
	pub logits: Vec<T>,
}

impl<T: Real> Model<T> {
	/// A decoder for batches of `batch` sequences of `tokens` tokens.
	pub fn new(backend: Backend, config: Config, batch: usize, tokens: usize) -> Self {
		let rotations = Rotations::new(config.rope_base, config.head_dim, tokens);
		Self { config, backend, batch, tokens, rotations }
	}

	fn pass(&self) -> Pass<'_, T> {
		Pass {
			backend: self.backend,
			config: &self.config,
			batch: self.batch,
			tokens: self.tokens,
			rotations: &self.rotations,
		}
	}

	fn head_shape(&self) -> LinearShape {
		LinearShape {
			rows: self.batch * self.tokens,
			inputs: self.config.hidden,
			outputs: self.config.vocabulary,
		}
	}

	/// Logits of every token; `tokens` are `[batch, tokens]`, each below the vocabulary.
	pub fn forward(&self, weights: &Weights<T>, tokens: &[u32]) -> Result<Tape<T>, NotFinite> {
		let (rows, hidden) = (self.batch * self.tokens, self.config.hidden);
		assert_eq!(tokens.len(), rows, "a batch's tokens");
		let mut x = vec![T::ZERO; rows * hidden];
		embedding::forward(hidden, tokens, &weights.embedding, &mut x);
		let mut layers = Vec::with_capacity(weights.layers.len());
		for layer in &weights.layers {
			let (tape, next) = self.pass().forward(layer, x)?;
			layers.push(tape);
			x = next;
		}
		let (mut normed, mut inverse) = (vec![T::ZERO; rows * hidden], vec![T::ZERO; rows]);
		norm::forward(self.backend, &x, &weights.norm, self.config.epsilon(), &mut normed, &mut inverse)?;
		let mut logits = vec![T::ZERO; rows * self.config.vocabulary];
		linear::forward(self.backend, self.head_shape(), &normed, weights.head(), &mut logits)?;
		Ok(Tape { tokens: tokens.to_vec(), layers, last: x, inverse, normed, logits })
	}

	/// The gradients of all weights from those of the logits.
	pub fn backward(
		&self,
		weights: &Weights<T>,
		tape: &Tape<T>,
		dlogits: &[T],
	) -> Result<Weights<T>, NotFinite> {
		let (backend, shape) = (self.backend, self.head_shape());
		let mut gradient = Weights::zeros(&self.config);
		linear::backward_weights(backend, shape, dlogits, &tape.normed, gradient.head_mut())?;
		let mut dnormed = vec![T::ZERO; tape.normed.len()];
		linear::backward_input(backend, shape, dlogits, weights.head(), &mut dnormed)?;
		let mut dx = vec![T::ZERO; tape.last.len()];
		norm::backward(
			backend,
			&tape.last,
			&weights.norm,
			&tape.inverse,
			&dnormed,
			&mut dx,
			&mut gradient.norm,
		)?;
		for ((layer, tape), gradient) in
			weights.layers.iter().zip(&tape.layers).zip(&mut gradient.layers).rev()
		{
			dx = self.pass().backward(layer, tape, dx, gradient)?;
		}
		embedding::backward(self.config.hidden, &tape.tokens, &dx, &mut gradient.embedding)?;
		Ok(gradient)
	}
}
