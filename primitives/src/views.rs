//! What the runtime API `NoesisApi` answers. Reads only.

use crate::{
	Balance, BlockNumber, CheckpointId, CheckpointRecord, Claim, JobId, JobSpec, JobState, OperatorRecord,
	Payload, Subject, MAX_PANEL,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most moves that a job can make, the first included.
pub const MAX_TIMELINE: u32 = 16;

/// A job as it stands.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct JobView<AccountId> {
	/// Its number.
	pub id: JobId,
	/// Who pays.
	pub requester: AccountId,
	/// What was asked.
	pub spec: JobSpec<AccountId>,
	/// Where it stands.
	pub state: JobState<AccountId>,
	/// What is, or was, held for it.
	pub escrow: Balance,
	/// Block at which the state changes by itself.
	pub due: BlockNumber,
	/// Times it went back to the queue.
	pub reassignments: u8,
	/// What the worker says the result is.
	pub claim: Option<Claim>,
	/// The output.
	pub output: Option<Payload>,
	/// How it was settled.
	pub settlement: Option<Settlement<AccountId>>,
}

/// How a job was settled.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Settlement<AccountId> {
	/// Everybody who spoke, and whether they found the worker's claim.
	pub verdicts: BoundedVec<(AccountId, bool), ConstU32<MAX_PANEL>>,
	/// Paid to the worker.
	pub worker: Balance,
	/// Paid to each validator that found the worker's claim.
	pub per_validator: Balance,
	/// Paid to the pot.
	pub pot: Balance,
	/// Given back to the requester.
	pub refund: Balance,
}

/// One move of a job.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct TimelineEntry<AccountId> {
	/// At this block...
	pub at: BlockNumber,
	/// ...it came to stand here.
	pub state: JobState<AccountId>,
}

/// An open panel, as a validator needs it.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct PanelView<AccountId> {
	/// Over what.
	pub subject: Subject,
	/// On which checkpoint.
	pub checkpoint: CheckpointId,
	/// What the worker says the result is.
	pub claim: Claim,
	/// The seed; `None` until the randomness is there (the block after the answer).
	pub seed: Option<[u8; 32]>,
	/// Block of the answer.
	pub opened: BlockNumber,
	/// Window of the current block, from 0.
	pub window: u32,
	/// Expected size.
	pub size: u32,
	/// Validators it is drawn from.
	pub validators: u32,
	/// Openings that a verdict needs.
	pub openings: u32,
	/// Those who spoke.
	pub spoken: Vec<AccountId>,
}

/// A checkpoint as it stands.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct CheckpointView<AccountId> {
	/// Its number.
	pub id: CheckpointId,
	/// Who registered it.
	pub owner: AccountId,
	/// What was registered.
	pub record: CheckpointRecord,
	/// Whether new jobs may name it.
	pub active: bool,
	/// Number of ancestors.
	pub depth: u32,
	/// Block of the registration.
	pub registered: BlockNumber,
}

/// An operator as it stands.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct OperatorView {
	/// What the chain knows.
	pub record: OperatorRecord,
	/// Least stake of its role.
	pub min_stake: Balance,
}

/// What a job may cost.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Quote {
	/// Greatest number of units.
	pub units: u64,
	/// What is held at submission; what is not used comes back.
	pub fee: Balance,
}

/// Why there is no quote.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub enum QuoteError {
	/// No such checkpoint.
	UnknownCheckpoint,
	/// The checkpoint takes no new jobs.
	Deprecated,
	/// `max_tokens` is 0, `top_p` is 0, the payload is empty or not whole tokens, or the deadline is 0 or too
	/// long.
	BadParameters,
	/// Input and output together may exceed the checkpoint's context.
	TooLong {
		/// Tokens that the job may need.
		tokens: u32,
		/// Tokens that the checkpoint takes.
		context: u32,
	},
}
