//! A job's record.

use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{Balance, BlockNumber, CheckpointId, Claim, JobKind, JobState, Lane, Tier};
use scale_info::TypeInfo;

/// What a job costs, as it was quoted.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Price {
	/// Whatever its size.
	pub base: Balance,
	/// For each token.
	pub token: Balance,
}

impl Price {
	/// The cost of `tokens` tokens.
	pub fn of(&self, tokens: u64) -> Balance {
		self.base.saturating_add(self.token.saturating_mul(tokens.into()))
	}
}

/// A job. Its input and output are kept apart, so that a move does not touch them.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Job<AccountId> {
	/// Who pays.
	pub requester: AccountId,
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What to compute.
	pub kind: JobKind,
	/// Bytes of the input.
	pub input_bytes: u32,
	/// The only worker that may claim it, if named.
	pub worker: Option<AccountId>,
	/// Blocks that a worker has from claim to answer.
	pub deadline: BlockNumber,
	/// What it is paid with.
	pub lane: Lane,
	/// How it is served.
	pub tier: Tier,
	/// What it costs.
	pub price: Price,
	/// What is, or was, held for it.
	pub escrow: Balance,
	/// Where it stands.
	pub state: JobState<AccountId>,
	/// Block at whose end the state changes by itself, or at which its panel may be over.
	pub due: BlockNumber,
	/// Block at which it last opened; ranks count from it.
	pub opened: BlockNumber,
	/// Its place in the checkpoint's queue, while it is open to all.
	pub slot: Option<u64>,
	/// Times it went back to the queue.
	pub reassignments: u8,
	/// What the worker says the result is.
	pub claim: Option<Claim>,
}

/// The part of a queue that is in use: slots from `head` up to, but without, `tail`.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Ring {
	/// First slot that may be taken.
	pub head: u64,
	/// Next slot to be given.
	pub tail: u64,
}
