//! What a checkpoint file says about itself.

use noesis_canon::{norm::NormConstants, GROUP};
use noesis_primitives::{ContentHash, Profile, Root};
use serde::{Deserialize, Serialize};

/// Facts that fix the shape of every tensor and the constants of every operation.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Architecture {
	/// The family of models; `llama` is the only one.
	pub family: String,
	/// Layers.
	pub layers: u32,
	/// Values of the residual.
	pub width: u32,
	/// Query heads.
	pub heads: u32,
	/// Key and value heads.
	pub kv_heads: u32,
	/// Values of a head.
	pub head_dim: u32,
	/// Inner values of a feed-forward layer.
	pub feed_forward: u32,
	/// Different tokens.
	pub vocabulary: u32,
	/// Longest sequence in tokens.
	pub context: u32,
	/// Base of the rotary positions.
	pub rope_base: u32,
	/// `round(epsilon · width · 2^24)`.
	pub epsilon: u64,
}

impl Architecture {
	/// What is out of range, if anything.
	pub fn check(&self) -> Result<(), String> {
		let within = |name: &str, value: u32, low: u32, high: u32| {
			if (low..=high).contains(&value) {
				Ok(())
			} else {
				Err(format!("{name} is {value}, should be {low} to {high}"))
			}
		};
		if self.family != "llama" {
			return Err(format!("the model family is `{}`, only `llama` is supported", self.family));
		}
		within("layers", self.layers, 1, noesis_primitives::MAX_LAYERS - 1)?;
		within("width", self.width, 32, 1 << 15)?;
		within("heads", self.heads, 1, 256)?;
		within("kv_heads", self.kv_heads, 1, self.heads)?;
		within("head_dim", self.head_dim, 16, 256)?;
		within("feed_forward", self.feed_forward, 32, 1 << 17)?;
		within("vocabulary", self.vocabulary, 1, 1 << 20)?;
		within("context", self.context, 2, 1 << 16)?;
		within("rope_base", self.rope_base, 2, u32::MAX)?;
		let multiple = |name: &str, value: u32, of: u32| {
			if value.is_multiple_of(of) {
				Ok(())
			} else {
				Err(format!("{name} is {value}, should be a multiple of {of}"))
			}
		};
		multiple("width", self.width, GROUP as u32)?;
		multiple("feed_forward", self.feed_forward, GROUP as u32)?;
		multiple("heads · head_dim", self.heads * self.head_dim, GROUP as u32)?;
		multiple("heads", self.heads, self.kv_heads)?;
		multiple("head_dim", self.head_dim, 16)?;
		if !(1..1u64 << 60).contains(&self.epsilon) {
			return Err(format!("epsilon is {}, should be 1 to 2^60 - 1", self.epsilon));
		}
		Ok(())
	}

	/// Slices of 64 values of the residual.
	pub fn slices(&self) -> u32 {
		self.width.div_ceil(noesis_primitives::SLICE)
	}

	/// Constants of the norms.
	pub fn norm(&self) -> NormConstants {
		NormConstants::new(self.width as usize, self.epsilon)
	}

	/// Hash of this description: of its JSON.
	pub fn hash(&self) -> ContentHash {
		ContentHash::of(&serde_json::to_vec(self).unwrap_or_default())
	}

	/// Parameters of the model.
	pub fn parameters(&self) -> u64 {
		let of =
			|tensors: &[TensorShape]| tensors.iter().map(|t| t.rows as u64 * t.columns as u64).sum::<u64>();
		of(&self.embedding_shapes()) + u64::from(self.layers) * of(&self.layer_shapes())
	}

	/// Tensors of the embedding group, in the order of their roots.
	pub fn embedding_shapes(&self) -> [TensorShape; 2] {
		let width = self.width as usize;
		[
			TensorShape::matrix("embedding", self.vocabulary as usize, width),
			TensorShape::gain("final_norm", width),
		]
	}

	/// Tensors of a layer, in the order of their roots.
	pub fn layer_shapes(&self) -> [TensorShape; 9] {
		let (width, inner) = (self.width as usize, self.feed_forward as usize);
		let queries = (self.heads * self.head_dim) as usize;
		let keys = (self.kv_heads * self.head_dim) as usize;
		[
			TensorShape::gain("attention_norm", width),
			TensorShape::matrix("query", queries, width),
			TensorShape::matrix("key", keys, width),
			TensorShape::matrix("value", keys, width),
			TensorShape::matrix("attention_out", width, queries),
			TensorShape::gain("feed_forward_norm", width),
			TensorShape::matrix("gate", inner, width),
			TensorShape::matrix("up", inner, width),
			TensorShape::matrix("down", width, inner),
		]
	}
}

/// Name and shape of a tensor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TensorShape {
	/// Its name within its group.
	pub name: &'static str,
	/// Output values; 1 for a gain.
	pub rows: usize,
	/// Input values.
	pub columns: usize,
	/// Whether it is a gain.
	pub is_gain: bool,
}

impl TensorShape {
	const fn matrix(name: &'static str, rows: usize, columns: usize) -> Self {
		Self { name, rows, columns, is_gain: false }
	}

	const fn gain(name: &'static str, columns: usize) -> Self {
		Self { name, rows: 1, columns, is_gain: true }
	}
}

/// How a tensor's rows are written. A row's bytes are the data of its Merkle leaf.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
	/// Values in Q12, `i32` little endian.
	Gain,
	/// Per group of 32: scale and minimum in Q24 as `i32` little endian, then 16 bytes of 4-bit codes, weight
	/// `i < 16` in the low half of byte `i`, weight `16 + i` in the high half.
	Q4,
	/// Per group of 32: scale in Q24 as `i32` little endian, then 32 signed codes.
	Q8,
}

impl Encoding {
	/// Bytes of a row of `columns` values.
	pub const fn row_bytes(self, columns: usize) -> usize {
		match self {
			Self::Gain => columns * 4,
			Self::Q4 => columns / GROUP * 24,
			Self::Q8 => columns / GROUP * 36,
		}
	}
}

/// Where a tensor lies in the file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Placement {
	/// How its rows are written.
	pub encoding: Encoding,
	/// First byte, a multiple of 64.
	pub offset: u64,
}

/// A checkpoint's description: what is registered on chain, and where its parts lie in the file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Manifest {
	/// A name for people.
	pub name: String,
	/// The arithmetic.
	pub profile: Profile,
	/// The shape.
	pub architecture: Architecture,
	/// [`Architecture::hash`].
	pub architecture_hash: ContentHash,
	/// Hash of the tokenizer section's bytes: vocabulary, merges, chat template.
	pub tokenizer_hash: ContentHash,
	/// Merkle root over `layer_roots`.
	pub weights_root: Root,
	/// Root of the embedding group (embedding and final norm), then one per layer. A group's root is the Merkle
	/// root over its tensors' roots, a tensor's the root over its rows.
	pub layer_roots: Vec<Root>,
	/// Number of parameters.
	pub parameters: u64,
	/// Price of one token: millions of parameters, at least 1.
	pub units_per_token: u32,
	/// Tensors of the embedding group, then of each layer.
	pub tensors: Vec<Placement>,
	/// First byte and length of the tokenizer section (JSON).
	pub tokenizer: (u64, u64),
}
