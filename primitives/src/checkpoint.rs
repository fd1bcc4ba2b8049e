//! Versions of models.

use crate::{CheckpointId, ContentHash, Locator, Root, TraceShape, SLICE};
use alloc::{format, string::String};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Greatest number of roots of a checkpoint: one per layer and one for the embedding.
pub const MAX_LAYERS: u32 = 256;
/// Greatest number of places that a checkpoint names.
pub const MAX_LOCATORS: u32 = 4;

/// Where a checkpoint's file can be fetched.
pub type Locators = BoundedVec<Locator, ConstU32<MAX_LOCATORS>>;

/// The arithmetic that a checkpoint is pinned to.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Profile {
	/// Integers only: equal bits on every machine.
	#[codec(index = 0)]
	Exact,
}

/// A family of models: which operations follow each other.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "lowercase"))]
pub enum Family {
	/// Llama: RMSNorm, rotary positions, grouped heads, a gated feed-forward layer.
	#[codec(index = 0)]
	Llama,
}

/// Facts that fix the shape of every tensor and the constants of every operation.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Architecture {
	/// The family of models.
	pub family: Family,
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
	/// The token that ends an answer.
	pub end: u32,
}

impl Architecture {
	/// Multiple of which every number of columns is: weights that share a scale.
	const GROUP: u32 = 32;

	/// What is out of range, if anything.
	pub fn check(&self) -> Result<(), String> {
		let within = |name: &str, value: u32, low: u32, high: u32| {
			if (low..=high).contains(&value) {
				Ok(())
			} else {
				Err(format!("{name} is {value}, should be {low} to {high}"))
			}
		};
		within("layers", self.layers, 1, MAX_LAYERS.saturating_sub(1))?;
		within("width", self.width, 32, 1 << 15)?;
		within("heads", self.heads, 1, 256)?;
		within("kv_heads", self.kv_heads, 1, self.heads)?;
		within("head_dim", self.head_dim, 16, 256)?;
		within("feed_forward", self.feed_forward, 32, 1 << 17)?;
		within("vocabulary", self.vocabulary, 1, 1 << 20)?;
		within("context", self.context, 2, 1 << 16)?;
		within("rope_base", self.rope_base, 2, u32::MAX)?;
		within("end", self.end, 0, self.vocabulary.saturating_sub(1))?;
		let multiple = |name: &str, value: u32, of: u32| {
			if value.is_multiple_of(of) {
				Ok(())
			} else {
				Err(format!("{name} is {value}, should be a multiple of {of}"))
			}
		};
		multiple("width", self.width, Self::GROUP)?;
		multiple("feed_forward", self.feed_forward, Self::GROUP)?;
		multiple("heads · head_dim", self.heads.saturating_mul(self.head_dim), Self::GROUP)?;
		multiple("heads", self.heads, self.kv_heads)?;
		multiple("head_dim", self.head_dim, 16)?;
		if !(1..1u64 << 60).contains(&self.epsilon) {
			return Err(format!("epsilon is {}, should be 1 to 2^60 - 1", self.epsilon));
		}
		Ok(())
	}

	/// Slices of 64 values of the residual.
	pub fn slices(&self) -> u32 {
		self.width.div_ceil(SLICE)
	}

	/// Shape of a trace over `positions` positions.
	pub fn trace(&self, positions: u32) -> TraceShape {
		TraceShape { positions, layers: self.layers, width: self.width }
	}

	/// Hash of this description: of its SCALE encoding. What [`CheckpointRecord::architecture`] holds.
	pub fn hash(&self) -> ContentHash {
		self.using_encoded(ContentHash::of)
	}
}

/// What registers a version of a model. Immutable once registered.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct CheckpointRecord {
	/// The version that this one was made from.
	pub parent: Option<CheckpointId>,
	/// The arithmetic.
	pub profile: Profile,
	/// [`Architecture::hash`].
	pub architecture: ContentHash,
	/// Hash of vocabulary, merges and chat template.
	pub tokenizer: ContentHash,
	/// Merkle root over `layer_roots`.
	pub weights: Root,
	/// Root of the embedding group, then one per layer.
	pub layer_roots: BoundedVec<Root, ConstU32<MAX_LAYERS>>,
	/// Width of the residual, in values.
	pub width: u32,
	/// Number of layers.
	pub layers: u32,
	/// Longest sequence, in tokens.
	pub context: u32,
	/// Number of different tokens.
	pub vocabulary: u32,
	/// Price of one token, in units: millions of parameters, at least 1.
	pub units_per_token: u32,
	/// Where the file can be fetched.
	pub locators: Locators,
}

/// What other pallets need to know of a checkpoint.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct CheckpointFacts {
	/// Whether new jobs may name it.
	pub active: bool,
	/// The arithmetic.
	pub profile: Profile,
	/// Width of the residual, in values.
	pub width: u32,
	/// Number of layers.
	pub layers: u32,
	/// Longest sequence, in tokens.
	pub context: u32,
	/// Price of one token, in units.
	pub units_per_token: u32,
}

impl CheckpointFacts {
	/// Shape of the trace of a job that put `positions` positions through the model. `None` beyond `u32::MAX`.
	pub fn trace_shape(&self, positions: u64) -> Option<TraceShape> {
		Some(TraceShape { positions: positions.try_into().ok()?, layers: self.layers, width: self.width })
	}

	/// Leaves of that trace. `None` beyond `u32::MAX`.
	pub fn trace_leaves(&self, positions: u64) -> Option<u32> {
		self.trace_shape(positions)?.leaves()
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	fn smollm2() -> Architecture {
		Architecture {
			family: Family::Llama,
			layers: 30,
			width: 576,
			heads: 9,
			kv_heads: 3,
			head_dim: 64,
			feed_forward: 1536,
			vocabulary: 49_152,
			context: 8192,
			rope_base: 100_000,
			epsilon: 96_637,
			end: 2,
		}
	}

	#[test]
	fn the_hash_should_be_that_of_the_numbers_one_after_the_other() {
		let mut bytes = alloc::vec![0u8];
		for number in [30u32, 576, 9, 3, 64, 1536, 49_152, 8192, 100_000] {
			bytes.extend_from_slice(&number.to_le_bytes());
		}
		bytes.extend_from_slice(&96_637u64.to_le_bytes());
		bytes.extend_from_slice(&2u32.to_le_bytes());
		assert_eq!(smollm2().hash(), ContentHash::of(&bytes));
	}

	#[test]
	fn an_architecture_should_be_refused_when_a_number_is_out_of_range() {
		assert_eq!(smollm2().check(), Ok(()));
		let bad = |change: fn(&mut Architecture)| {
			let mut architecture = smollm2();
			change(&mut architecture);
			architecture.check().unwrap_err()
		};
		assert!(bad(|a| a.head_dim = 24).contains("head_dim"));
		assert!(bad(|a| a.kv_heads = 2).contains("heads is 9"));
		assert!(bad(|a| a.end = 49_152).contains("end is"));
		assert!(bad(|a| a.epsilon = 0).contains("epsilon"));
		assert!(bad(|a| a.heads = u32::MAX).contains("heads"));
	}

	#[test]
	fn a_trace_should_have_a_leaf_per_token_and_slice() {
		assert_eq!(smollm2().trace(44).leaves(), Some(44 * (1 + 30 * 9) + 1));
	}
}
