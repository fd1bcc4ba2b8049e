//! A tiny model, real in all but its size: its traces, and each step of them, are what the chain's referee computes.
//!
//! Everything is made of the operation graph of [`noesis_canon::graph`] alone. A run evaluates its programs one after
//! the other; a dispute opens one of them ([`fine`]). Vocabulary are 32 tokens that stand for a byte each.

mod fine;
mod trace;
mod vocabulary;
mod weights;

pub use fine::FineTrace;
pub use trace::{Fault, Trace};

use noesis_canon::graph::Shape;
use noesis_primitives::{
	Architecture, CheckpointRecord, ContentHash, Family, GenerateParams, InputFormat, JobKind, Profile, Root,
};
use weights::Weights;

/// Tokens that an answer has at most.
pub const MAX_TOKENS: u32 = 3;
/// The token that ends an answer.
const END: u32 = 0;

/// A model with random weights.
pub struct Model {
	architecture: Architecture,
	weights: Weights,
}

impl Model {
	/// The model of a seed.
	pub fn new(seed: u64) -> Self {
		let architecture = Architecture {
			family: Family::Llama,
			layers: 2,
			width: 64,
			heads: 2,
			kv_heads: 1,
			head_dim: 16,
			feed_forward: 32,
			vocabulary: 32,
			context: 64,
			rope_base: 10_000,
			epsilon: 10_737,
			end: END,
		};
		Self { weights: Weights::random(seed, &architecture), architecture }
	}

	/// Its shape.
	pub fn architecture(&self) -> Architecture {
		self.architecture
	}

	fn shape(&self) -> Shape {
		let a = &self.architecture;
		Shape {
			layers: a.layers,
			width: a.width,
			heads: a.heads,
			kv_heads: a.kv_heads,
			head_dim: a.head_dim,
			feed_forward: a.feed_forward,
			vocabulary: a.vocabulary,
			context: a.context,
			rope_base: a.rope_base,
			epsilon: a.epsilon,
		}
	}

	/// Root of a group of tensors.
	pub fn group_root(&self, group: u32) -> Option<Root> {
		self.weights.group_root(group).map(Root)
	}

	/// What registers it. `units` is the price of a token.
	pub fn record(&self, units: u32) -> CheckpointRecord {
		let a = &self.architecture;
		let roots: Vec<Root> = (0..=a.layers).filter_map(|group| self.group_root(group)).collect();
		let nodes: Vec<_> = roots.iter().map(|root| root.0).collect();
		CheckpointRecord {
			parent: None,
			profile: Profile::Exact,
			architecture: a.hash(),
			tokenizer: ContentHash::of(&self.head().encode()),
			weights: Root(noesis_primitives::merkle::root(&nodes)),
			layer_roots: roots.try_into().unwrap_or_default(),
			width: a.width,
			layers: a.layers,
			context: a.context,
			vocabulary: a.vocabulary,
			units_per_token: units,
			locators: Default::default(),
		}
	}

	/// The job that everybody asks for: the likeliest tokens.
	pub fn kind() -> JobKind {
		JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, MAX_TOKENS))
	}
}
