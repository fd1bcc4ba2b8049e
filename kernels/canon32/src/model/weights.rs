//! The tensors of a decoder.

use crate::Real;

/// Sizes and constants of a decoder.
#[derive(Clone, Debug)]
pub struct Config {
	/// Tokens that there are.
	pub vocabulary: usize,
	/// Width of the residual.
	pub hidden: usize,
	/// Width of the feed-forward.
	pub intermediate: usize,
	/// Decoder layers.
	pub layers: usize,
	/// Query heads.
	pub heads: usize,
	/// Key and value heads; divides `heads`.
	pub kv_heads: usize,
	/// Width of a head, even.
	pub head_dim: usize,
	/// Base of the rotary frequencies.
	pub rope_base: u32,
	/// Pattern of the binary32 that norms add to the mean square.
	pub epsilon_bits: u32,
	/// Whether the head is the embedding.
	pub tied: bool,
}

impl Config {
	/// What norms add to the mean square.
	pub fn epsilon<T: Real>(&self) -> T {
		T::from_bits(self.epsilon_bits)
	}
}

/// The weights of a decoder layer, or their gradients; matrices are `[outputs, inputs]`.
#[derive(Clone, Debug)]
pub struct LayerWeights<T> {
	/// Gain of the norm before attention, `[hidden]`.
	pub attention_norm: Vec<T>,
	/// `[heads · head_dim, hidden]`.
	pub query: Vec<T>,
	/// `[kv_heads · head_dim, hidden]`.
	pub key: Vec<T>,
	/// `[kv_heads · head_dim, hidden]`.
	pub value: Vec<T>,
	/// `[hidden, heads · head_dim]`.
	pub output: Vec<T>,
	/// Gain of the norm before the feed-forward, `[hidden]`.
	pub mlp_norm: Vec<T>,
	/// `[intermediate, hidden]`.
	pub gate: Vec<T>,
	/// `[intermediate, hidden]`.
	pub up: Vec<T>,
	/// `[hidden, intermediate]`.
	pub down: Vec<T>,
}

/// The weights of a decoder, or their gradients.
#[derive(Clone, Debug)]
pub struct Weights<T> {
	/// `[vocabulary, hidden]`.
	pub embedding: Vec<T>,
	/// The layers in order.
	pub layers: Vec<LayerWeights<T>>,
	/// Gain of the last norm, `[hidden]`.
	pub norm: Vec<T>,
	/// `[vocabulary, hidden]`; `None` where the embedding is the head.
	pub untied_head: Option<Vec<T>>,
}

impl<T: Real> Weights<T> {
	/// All zeros.
	pub fn zeros(config: &Config) -> Self {
		Self::build(config, |length| vec![T::ZERO; length])
	}

	/// Each tensor of its length by a function, in the order of [`Self::tensors`].
	pub fn build(config: &Config, mut tensor: impl FnMut(usize) -> Vec<T>) -> Self {
		let (hidden, wide) = (config.hidden, config.intermediate);
		let (queries, keys) = (config.heads * config.head_dim, config.kv_heads * config.head_dim);
		Self {
			embedding: tensor(config.vocabulary * hidden),
			layers: (0..config.layers)
				.map(|_| LayerWeights {
					attention_norm: tensor(hidden),
					query: tensor(queries * hidden),
					key: tensor(keys * hidden),
					value: tensor(keys * hidden),
					output: tensor(hidden * queries),
					mlp_norm: tensor(hidden),
					gate: tensor(wide * hidden),
					up: tensor(wide * hidden),
					down: tensor(hidden * wide),
				})
				.collect(),
			norm: tensor(hidden),
			untied_head: (!config.tied).then(|| tensor(config.vocabulary * hidden)),
		}
	}

	/// The head's matrix.
	pub fn head(&self) -> &[T] {
		self.untied_head.as_ref().unwrap_or(&self.embedding)
	}

	/// The head's matrix.
	pub fn head_mut(&mut self) -> &mut [T] {
		self.untied_head.as_mut().unwrap_or(&mut self.embedding)
	}

	/// Every tensor: embedding; of each layer the fields in order; last norm; head if it is not tied.
	pub fn tensors(&self) -> impl Iterator<Item = &[T]> {
		let layers = self.layers.iter().flat_map(|l| {
			[&l.attention_norm, &l.query, &l.key, &l.value, &l.output, &l.mlp_norm, &l.gate, &l.up, &l.down]
		});
		[&self.embedding]
			.into_iter()
			.chain(layers)
			.chain([&self.norm])
			.chain(&self.untied_head)
			.map(Vec::as_slice)
	}

	/// [`Self::tensors`] to write to.
	pub fn tensors_mut(&mut self) -> impl Iterator<Item = &mut [T]> {
		let layers = self.layers.iter_mut().flat_map(|l| {
			[
				&mut l.attention_norm,
				&mut l.query,
				&mut l.key,
				&mut l.value,
				&mut l.output,
				&mut l.mlp_norm,
				&mut l.gate,
				&mut l.up,
				&mut l.down,
			]
		});
		[&mut self.embedding]
			.into_iter()
			.chain(layers)
			.chain([&mut self.norm])
			.chain(&mut self.untied_head)
			.map(Vec::as_mut_slice)
	}
}
