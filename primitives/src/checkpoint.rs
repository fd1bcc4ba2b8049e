//! Versions of models.

use crate::{CheckpointId, ContentHash, Locator, Root};
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

/// What registers a version of a model. Immutable once registered.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct CheckpointRecord {
	/// The version that this one was made from.
	pub parent: Option<CheckpointId>,
	/// The arithmetic.
	pub profile: Profile,
	/// Hash of the architecture's description.
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
	/// Leaves of the trace of a job that put `positions` positions through the model: one per slice of 64
	/// values of the residual after every layer. `None` beyond `u32::MAX`.
	pub fn trace_leaves(&self, positions: u64) -> Option<u32> {
		let slices = u64::from(self.width.div_ceil(crate::SLICE));
		positions.checked_mul(u64::from(self.layers))?.checked_mul(slices)?.try_into().ok()
	}
}
