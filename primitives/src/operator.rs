//! Those who do the work.

use crate::{Balance, BlockNumber, CheckpointId, Locator};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Greatest number of checkpoints that an operator offers.
pub const MAX_RUNNABLE: u32 = 32;

/// What an operator does. One account has one role.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Role {
	/// Runs jobs (Proof of Inference).
	#[codec(index = 0)]
	Worker,
	/// Re-runs them (Proof of Contribution).
	#[codec(index = 1)]
	Validator,
}

/// What an operator can do, by its own word.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Capability {
	/// Checkpoints that it runs, each once.
	pub checkpoints: BoundedVec<CheckpointId, ConstU32<MAX_RUNNABLE>>,
	/// Memory for models, in MiB.
	pub memory_mib: u32,
	/// Tokens per second of its fastest checkpoint.
	pub tokens_per_second: u32,
	/// Region, an ISO 3166-1 code or free text; may be empty.
	pub region: BoundedVec<u8, ConstU32<16>>,
	/// Base URL of its blob store; may be empty for a validator.
	pub endpoint: Locator,
	/// sr25519 public key that a validator draws with. A worker's is not used.
	pub draw_key: [u8; 32],
}

/// Whether an operator takes part.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum OperatorStatus {
	/// It does.
	#[codec(index = 0)]
	Active,
	/// It left; its stake is free from this block on.
	#[codec(index = 1)]
	Unbonding {
		/// First block at which the stake can be withdrawn.
		until: BlockNumber,
	},
	/// It was shut out; it may return from this block on.
	#[codec(index = 2)]
	Excluded {
		/// First block at which it may come back.
		until: BlockNumber,
	},
}

/// What the chain knows of an operator.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct OperatorRecord {
	/// What it does.
	pub role: Role,
	/// Stake held.
	pub stake: Balance,
	/// Price of the jobs it has open; never over the stake.
	pub exposure: Balance,
	/// What it can do.
	pub capability: Capability,
	/// Whether it takes part.
	pub status: OperatorStatus,
	/// Block since which its capability and draw key stand.
	pub since: BlockNumber,
	/// Deadlines missed and answers rejected since it last came in.
	pub marks: u32,
}

/// Why an operator may not do something.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
pub enum OperatorFault {
	/// The account is not registered.
	Unknown,
	/// It is registered for the other role.
	WrongRole,
	/// It is leaving.
	Unbonding,
	/// It is shut out.
	Excluded,
	/// It does not offer this checkpoint.
	CannotRun,
	/// It registered, or changed its capability, too late for this.
	TooNew,
	/// The price of its open jobs would exceed its stake.
	OverExposed,
}
