//! What is shown of an output: its bytes, and a token of the claim's trace whose bytes they are not.
//!
//! A trace has the tokens of an output and where each of them ends; a claim names the output by a hash. So one token is
//! enough to show that the two do not belong together.

use crate::{Opening, OutputSeal, TokenProof, MAX_HEAD_BYTES_SHOWN};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most bytes of an output that are shown: eight for each token of the longest context. An extrinsic with them fills a
/// seventh of the part of a block that normal ones may fill.
pub const MAX_OUTPUT_BYTES: u32 = 8 << 16;

/// The bytes of an output.
pub type OutputBytes = BoundedVec<u8, ConstU32<MAX_OUTPUT_BYTES>>;

/// What an accused shows of the output that its claim names.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum ShownOutput {
	/// Its bytes.
	#[codec(index = 0)]
	Bytes {
		/// As they are, not as they are sealed.
		bytes: OutputBytes,
		/// How they are sealed, if the job is.
		seal: Option<OutputSeal>,
	},
	/// The last token's leaf: the output has more than [`MAX_OUTPUT_BYTES`].
	#[codec(index = 1)]
	TooLong(Opening),
}

impl ShownOutput {
	/// How many bytes are shown.
	pub fn bytes(&self) -> u32 {
		match self {
			Self::Bytes { bytes, .. } => bytes.len() as u32,
			Self::TooLong(_) => 0,
		}
	}

	/// How many bytes are to be sealed, to hold them against the claim.
	pub fn sealed(&self) -> u32 {
		match self {
			Self::Bytes { bytes, seal: Some(_) } => bytes.len() as u32,
			_ => 0,
		}
	}
}

/// Shows that the output of a claim does not have the bytes of one of the claim's tokens where that token is.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct OutputProof {
	/// The bytes of the tokenizer's head.
	pub head: BoundedVec<u8, ConstU32<MAX_HEAD_BYTES_SHOWN>>,
	/// The bytes of the output, not as they are sealed.
	pub output: OutputBytes,
	/// How they are sealed, if the job is.
	pub seal: Option<OutputSeal>,
	/// Position of the token: one of the output.
	pub position: u32,
	/// The leaf of the token before it. None for the first token of the output.
	pub previous: Option<Opening>,
	/// Its own leaf.
	pub token: Opening,
	/// What it stands for.
	pub bytes: TokenProof,
}

impl OutputProof {
	/// How many bytes are to be sealed, to hold them against the claim.
	pub fn sealed(&self) -> u32 {
		self.seal.map_or(0, |_| self.output.len() as u32)
	}
}
