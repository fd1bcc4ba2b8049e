//! What a checkpoint file says about itself.

use noesis_canon::{graph, norm::NormConstants, GROUP};
use noesis_primitives::{Architecture, ContentHash, Profile, Root};
use serde::{Deserialize, Serialize};

/// What an architecture means for the tensors and the arithmetic.
pub trait Shapes {
	/// Constants of the norms.
	fn norm(&self) -> NormConstants;

	/// The numbers that its programs follow from.
	fn graph(&self) -> graph::Shape;

	/// Parameters of the model.
	fn parameters(&self) -> u64;

	/// Tensors of the embedding group, in the order of their roots.
	fn embedding_shapes(&self) -> [TensorShape; 2];

	/// Tensors of a layer, in the order of their roots.
	fn layer_shapes(&self) -> [TensorShape; 9];
}

impl Shapes for Architecture {
	fn norm(&self) -> NormConstants {
		NormConstants::new(self.width as usize, self.epsilon)
	}

	fn graph(&self) -> graph::Shape {
		graph::Shape {
			layers: self.layers,
			width: self.width,
			heads: self.heads,
			kv_heads: self.kv_heads,
			head_dim: self.head_dim,
			feed_forward: self.feed_forward,
			vocabulary: self.vocabulary,
			context: self.context,
			rope_base: self.rope_base,
			epsilon: self.epsilon,
		}
	}

	fn parameters(&self) -> u64 {
		let of =
			|tensors: &[TensorShape]| tensors.iter().map(|t| t.rows as u64 * t.columns as u64).sum::<u64>();
		of(&self.embedding_shapes()) + u64::from(self.layers) * of(&self.layer_shapes())
	}

	fn embedding_shapes(&self) -> [TensorShape; 2] {
		let width = self.width as usize;
		[
			TensorShape::matrix("embedding", self.vocabulary as usize, width),
			TensorShape::gain("final_norm", width),
		]
	}

	fn layer_shapes(&self) -> [TensorShape; 9] {
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

/// How a tensor's rows are written.
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
	/// The hash of `architecture`.
	pub architecture_hash: ContentHash,
	/// Hash of the tokenizer's head (`docs/tokenizer.md`): vocabulary, merges, chat template.
	pub tokenizer_hash: ContentHash,
	/// Merkle root over `layer_roots`.
	pub weights_root: Root,
	/// Root of the embedding group (embedding and final norm), then one per layer. A group's root is the Merkle
	/// root over its tensors' roots, a tensor's the root over its rows, a row's the root over its chunks: the bytes of at
	/// most 2048 columns each.
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
