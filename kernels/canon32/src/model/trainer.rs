//! Steps of training: loss, gradients, clipping, AdamW.

use super::{Config, Model, Weights};
use crate::{
	loss,
	optimiser::{self, Settings},
	Backend, NotFinite, Real,
};

/// What a batch is trained towards.
#[derive(Clone, Copy, Debug)]
pub enum Objective<'a, T> {
	/// The next token of every row, or [`loss::IGNORED`]: `[batch, tokens]`.
	Targets(&'a [u32]),
	/// A teacher's logits, `[batch · tokens, vocabulary]`, at a temperature.
	Teacher {
		/// Its logits.
		logits: &'a [T],
		/// What both sides' logits are divided by.
		temperature: T,
	},
}

/// A decoder in training: its weights and the optimiser's state.
#[derive(Clone, Debug)]
pub struct Trainer<T> {
	model: Model<T>,
	backend: Backend,
	settings: Settings<T>,
	/// The weights.
	pub weights: Weights<T>,
	/// First moments.
	pub first: Weights<T>,
	/// Second moments.
	pub second: Weights<T>,
	/// Steps that were taken.
	pub steps: u32,
}

impl<T: Real> Trainer<T> {
	/// Before the first step, for batches of `batch` sequences of `tokens` tokens.
	pub fn new(
		backend: Backend,
		config: &Config,
		batch: usize,
		tokens: usize,
		settings: Settings<T>,
		weights: Weights<T>,
	) -> Self {
		Self {
			model: Model::new(backend, config.clone(), batch, tokens),
			backend,
			settings,
			weights,
			first: Weights::zeros(config),
			second: Weights::zeros(config),
			steps: 0,
		}
	}

	/// The loss of a batch and its gradients; changes nothing.
	pub fn gradients(
		&self,
		tokens: &[u32],
		objective: Objective<'_, T>,
	) -> Result<(T, Weights<T>), NotFinite> {
		let vocabulary = self.model.config.vocabulary;
		let tape = self.model.forward(&self.weights, tokens)?;
		let mut dlogits = vec![T::ZERO; tape.logits.len()];
		let loss = match objective {
			Objective::Targets(targets) => {
				loss::cross_entropy(self.backend, vocabulary, &tape.logits, targets, &mut dlogits)?
			},
			Objective::Teacher { logits, temperature } => {
				loss::distillation(self.backend, vocabulary, &tape.logits, logits, temperature, &mut dlogits)?
			},
		};
		Ok((loss, self.model.backward(&self.weights, &tape, &dlogits)?))
	}

	/// Takes a step along gradients; gives the sum of their squares before clipping.
	///
	/// After an error the state is of no use: weights may have moved.
	pub fn apply(&mut self, gradient: &Weights<T>) -> Result<T, NotFinite> {
		let square = optimiser::square_sum(self.backend, gradient.tensors())?;
		self.steps += 1;
		let step = self.settings.step(self.steps, square);
		let moments = self.first.tensors_mut().zip(self.second.tensors_mut());
		for ((weights, gradient), (first, second)) in
			self.weights.tensors_mut().zip(gradient.tensors()).zip(moments)
		{
			optimiser::step(self.backend, &step, weights, gradient, first, second)?;
		}
		Ok(square)
	}
}
