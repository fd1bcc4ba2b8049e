//! A shard: the keys and values of some positions of a context, and the two answers it gives about them.

use super::{
	stream::{self, Block, Source, Sums},
	Positions, Shape,
};
use crate::{
	cache::Cache,
	kernels::{attention::squared_length, Backend},
};
use codec::{Decode, DecodeWithMemTracking, Encode};
use noesis_canon::{attention, shard::RowMaximum};
use noesis_primitives::Root;

/// Most tokens of one question.
pub const MAX_TOKENS: usize = 128;
/// No score has a larger magnitude: 256 products of 16-bit numbers.
pub(super) const LARGEST_SCORE: i64 = 1 << 38;

/// Why a shard does not do what it is asked.
#[derive(Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
	/// The other side speaks another version of the protocol.
	#[error("another version of the protocol is spoken here")]
	Version,
	/// The message can't be read.
	#[error("the message can't be read")]
	Malformed,
	/// The message does not belong at this place of the conversation.
	#[error("the message does not belong at this place of the conversation")]
	Order,
	/// A size of the shape is out of range, or the shard keeps a context of another shape.
	#[error("the shape is not that of the context kept here, or out of range")]
	Shape,
	/// The positions are none of a context, or the shard keeps others.
	#[error("the positions are not those kept here, or out of range")]
	Positions,
	/// The shard keeps another context.
	#[error("another context is kept here")]
	Context,
	/// Keys and values would need more memory than the shard gives.
	#[error("keys and values would need {needed} bytes; this shard gives {given}")]
	Memory {
		/// Bytes of keys and values.
		needed: u64,
		/// Bytes there are.
		given: u64,
	},
	/// There is no such layer.
	#[error("there is no such layer")]
	Layer,
	/// The numbers do not fill whole rows or positions, or there are too many or too few.
	#[error("the numbers do not fill as many whole rows or positions as are allowed")]
	Size,
	/// A number is -32768, which 16-bit attention has not.
	#[error("a number is -32768; magnitudes go up to 32767")]
	Number,
	/// A row sees positions that the shard has not got yet.
	#[error("a row sees positions of which only {held} are here")]
	Missing {
		/// Positions that the shard has in this layer.
		held: u32,
	},
	/// A row's maximum is less than a score of one of the shard's keys, or impossibly large.
	#[error("a row's maximum is less than one of its scores here, or impossibly large")]
	Maximum,
}

/// Keys and values of some positions of a context, all layers.
#[derive(Debug)]
pub struct Shard {
	context: Root,
	shape: Shape,
	positions: Positions,
	cache: Cache,
	/// Positions by layer that are there.
	held: Vec<u32>,
	multiplier: i64,
}

/// A question that a shard has answered the first half of.
#[derive(Clone, Debug)]
pub struct Asked {
	/// The layer.
	pub layer: usize,
	/// Position of the first token.
	pub first: usize,
	/// By token and head.
	pub queries: Vec<i16>,
	/// The shard's own maxima, by token and head.
	pub maxima: Vec<RowMaximum>,
}

impl Shard {
	/// A shard for `positions` of `context` (a name that the coordinator chose) that has none of them yet.
	pub fn new(context: Root, shape: Shape, positions: Positions) -> Result<Self, Refusal> {
		if !shape.is_valid() {
			return Err(Refusal::Shape);
		}
		if !positions.is_valid() {
			return Err(Refusal::Positions);
		}
		let [layers, kv_heads, dim] = [shape.layers, shape.kv_heads, shape.head_dim].map(|n| n as usize);
		Ok(Self {
			context,
			shape,
			positions,
			cache: Cache::of(layers, kv_heads, dim, positions.count as usize),
			held: vec![0; layers],
			multiplier: attention::multiplier(dim),
		})
	}

	/// The context it is a part of.
	pub fn context(&self) -> Root {
		self.context
	}

	/// Sizes of the attention.
	pub fn shape(&self) -> Shape {
		self.shape
	}

	/// The positions it is there for.
	pub fn positions(&self) -> Positions {
		self.positions
	}

	/// How many of its positions are there, by layer.
	pub fn held(&self) -> &[u32] {
		&self.held
	}

	/// Takes keys and values of its next positions in `layer`: by position, then key-value head, `head_dim` numbers
	/// each, Q9. Returns how many positions are there now; on a refusal nothing is taken.
	pub fn append(&mut self, layer: usize, keys: &[i16], values: &[i16]) -> Result<u32, Refusal> {
		let held = *self.held.get(layer).ok_or(Refusal::Layer)?;
		let width = self.shape.kv_width();
		let room = (self.positions.count - held) as usize * width;
		if keys.len() != values.len() || !keys.len().is_multiple_of(width) || keys.len() > room {
			return Err(Refusal::Size);
		}
		if keys.iter().chain(values).any(|&n| n == i16::MIN) {
			return Err(Refusal::Number);
		}
		let dim = self.shape.head_dim as usize;
		for (i, (keys, values)) in keys.chunks_exact(width).zip(values.chunks_exact(width)).enumerate() {
			let heads = keys.chunks_exact(dim).zip(values.chunks_exact(dim));
			for (head, (key, value)) in heads.enumerate() {
				let (key_slot, value_slot) = self.cache.slot(layer, head, held as usize + i);
				key_slot.copy_from_slice(key);
				value_slot.copy_from_slice(value);
				self.cache.raise_key_bound(layer, head, squared_length(key));
			}
		}
		let held = held + (keys.len() / width) as u32;
		self.held[layer] = held;
		Ok(held)
	}

	fn source(&self, layer: usize) -> Source<'_> {
		Source { cache: &self.cache, layer, positions: self.positions }
	}

	fn block<'a>(&self, queries: &'a [i16], first: usize) -> Block<'a> {
		let (heads, head_dim) = (self.shape.heads as usize, self.shape.head_dim as usize);
		Block { queries, heads, head_dim, first }
	}

	/// First round: every row's greatest score among the keys here. `queries` are those of consecutive tokens (at most
	/// [`MAX_TOKENS`]) from position `first` on, by token and head, Q9.
	pub fn maxima(
		&self,
		backend: Backend,
		layer: usize,
		first: usize,
		queries: Vec<i16>,
	) -> Result<Asked, Refusal> {
		self.check(layer, first, &queries, MAX_TOKENS)?;
		let maxima = stream::maxima(backend, &self.source(layer), &self.block(&queries, first));
		Ok(Asked { layer, first, queries, maxima })
	}

	/// Second round: every row's exact sums over the keys here, under the rows' maxima over all keys anywhere.
	pub fn partials(&self, backend: Backend, asked: &Asked, maxima: &[i64]) -> Result<Sums, Refusal> {
		if maxima.len() != asked.maxima.len() {
			return Err(Refusal::Size);
		}
		let fits =
			|&m: &i64, own: RowMaximum| (-LARGEST_SCORE..=LARGEST_SCORE).contains(&m) && own.0 <= Some(m);
		if !maxima.iter().zip(&asked.maxima).all(|(m, own)| fits(m, *own)) {
			return Err(Refusal::Maximum);
		}
		let block = self.block(&asked.queries, asked.first);
		Ok(stream::partials(backend, &self.source(asked.layer), &block, self.multiplier, maxima))
	}

	/// Both rounds at once, over the keys here only: every row's output, Q16, by token and head. For a shard that keeps
	/// the whole context this is the undivided attention, of any number of tokens.
	pub fn attend(
		&self,
		backend: Backend,
		layer: usize,
		first: usize,
		queries: &[i16],
	) -> Result<Vec<i32>, Refusal> {
		self.check(layer, first, queries, attention::MAX_KEYS)?;
		let mut out = vec![0; queries.len()];
		let (source, block) = (self.source(layer), self.block(queries, first));
		stream::attend(backend, &source, &block, self.multiplier, &mut out);
		Ok(out)
	}

	/// Whether a question of at most `most` tokens can be answered.
	fn check(&self, layer: usize, first: usize, queries: &[i16], most: usize) -> Result<(), Refusal> {
		let held = *self.held.get(layer).ok_or(Refusal::Layer)?;
		self.shape.check_queries(first, queries, most)?;
		let end = first + queries.len() / self.shape.query_width();
		if self.positions.up_to(end - 1) > held as usize {
			return Err(Refusal::Missing { held });
		}
		Ok(())
	}
}

impl Shape {
	/// Whether `queries` are those of at least one and at most `most` tokens of a context, from position `first` on.
	pub(super) fn check_queries(&self, first: usize, queries: &[i16], most: usize) -> Result<(), Refusal> {
		let width = self.query_width();
		let tokens = queries.len() / width;
		let is_whole = queries.len().is_multiple_of(width);
		if !is_whole || !(1..=most).contains(&tokens) || first + tokens > attention::MAX_KEYS {
			return Err(Refusal::Size);
		}
		if queries.contains(&i16::MIN) {
			return Err(Refusal::Number);
		}
		Ok(())
	}
}
