//! Disputes: what is disputed, by whom, what each side shows, and the game between them.
//!
//! The game's moves and states are in [`Phase`]; what the accused shows at its end is [`Evidence`].

mod evidence;
mod output;
mod phase;
#[cfg(test)]
mod tests;

pub use evidence::{
	Evidence, FinePiece, LeafBytes, LengthProof, NodePath, Piece, RowPiece, WeightsPiece, WeightsPlace,
	MAX_EVIDENCE_BYTES, MAX_FINE_RANGE, MAX_LEAF_BYTES, MAX_PIECES, MAX_ROWS, MAX_ROW_BYTES, MAX_SIBLINGS,
	MAX_TOKEN_BYTES,
};
pub use output::{OutputBytes, OutputProof, ShownOutput, MAX_OUTPUT_BYTES};
pub use phase::{
	FineTree, Ground, Move, MoveError, Next, Nodes, Phase, Rules, Side, Spot, Stage, Tree, Verdict, WordTree,
	MAX_ARITY,
};

use crate::{
	Balance, BlockNumber, CheckpointId, Claim, ContentHash, DisputeId, InputMark, JobKind, Payload, Subject,
	TraceLeaf, MAX_PANEL,
};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most disputes that are open over one subject at a time.
pub const MAX_OPEN_DISPUTES: u32 = 16;

/// Whose claim about a subject is disputed.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Accused<AccountId> {
	/// The worker's.
	#[codec(index = 0)]
	Worker,
	/// That of a validator that spoke on the subject's panel.
	#[codec(index = 1)]
	Validator(AccountId),
}

/// What a dispute needs to know of its subject.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct DisputedSubject<AccountId> {
	/// Who answered.
	pub worker: AccountId,
	/// Who pays.
	pub requester: AccountId,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What was computed.
	pub kind: JobKind,
	/// From what.
	pub input: Payload,
	/// What a sealed job commits to; its input is then an envelope, and its output is sealed.
	pub sealed: Option<ContentHash>,
	/// The worker's output.
	pub output: Payload,
	/// What the worker says the result is.
	pub claim: Claim,
}

impl<AccountId> DisputedSubject<AccountId> {
	/// What the input is held against when it is shown.
	pub fn input_mark(&self) -> InputMark {
		self.sealed.map_or_else(|| InputMark::Open(self.input.content_hash()), InputMark::Sealed)
	}
}

/// Who vouched for an entry of a bundle that ended because another of its entries was wrong.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Vouchers<AccountId> {
	/// Block at which the bundle ended.
	pub ended: BlockNumber,
	/// Validators that found what the worker claimed of the entry.
	pub validators: BoundedVec<AccountId, ConstU32<MAX_PANEL>>,
}

/// Why a subject can't be disputed now.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub enum NotDisputable {
	/// There is no such subject.
	Unknown,
	/// It has no claim yet.
	NotAnswered,
	/// It ended.
	Settled,
}

/// An open dispute, as its players need it.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct DisputeView<AccountId> {
	/// Its number.
	pub id: DisputeId,
	/// Over what.
	pub subject: Subject,
	/// Whose claim.
	pub accused: Accused<AccountId>,
	/// The account that defends it.
	pub defender: AccountId,
	/// Who disputes it.
	pub challenger: AccountId,
	/// Held on the challenger.
	pub bond: Balance,
	/// The claim.
	pub claim: Claim,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What was computed.
	pub kind: JobKind,
	/// Most nodes that a move reveals.
	pub arity: u32,
	/// Block at which it was opened.
	pub opened: BlockNumber,
	/// Whose move it is.
	pub mover: AccountId,
	/// Last block at which the move can be made.
	pub due: BlockNumber,
	/// Where the game stands.
	pub phase: Phase,
	/// The leaf of the claim's trace that the game came to; `None` on the way there.
	pub leaf: Option<TraceLeaf>,
}
