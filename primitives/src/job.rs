//! Jobs: what is asked, what it may cost, and the one state machine that every call goes through.

use crate::{BlockNumber, CheckpointId, ContentHash, Verification};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Longest payload that travels inside an extrinsic, in bytes.
pub const MAX_INLINE_BYTES: u32 = 4096;
/// Longest locator, in bytes.
pub const MAX_LOCATOR_BYTES: u32 = 128;
/// How often a job is given to another worker after the first.
pub const MAX_REASSIGNMENTS: u8 = 2;
/// Tokens that a chat template may add to a prompt.
pub const TEMPLATE_ALLOWANCE: u32 = 64;

/// Where a blob can be fetched: the base URL of a content-addressed store (`<url>/blob/<hash>`).
pub type Locator = BoundedVec<u8, ConstU32<MAX_LOCATOR_BYTES>>;

/// Bytes that go with a job.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum Payload {
	/// The bytes themselves.
	#[codec(index = 0)]
	Inline(BoundedVec<u8, ConstU32<MAX_INLINE_BYTES>>),
	/// The hash and length of bytes kept elsewhere.
	#[codec(index = 1)]
	Stored {
		/// BLAKE2b-256 of the bytes.
		hash: ContentHash,
		/// Number of bytes.
		len: u32,
		/// A store that has them.
		locator: Locator,
	},
}

impl Payload {
	/// Number of bytes, wherever they are.
	pub fn len(&self) -> u32 {
		match self {
			Self::Inline(bytes) => bytes.len() as u32,
			Self::Stored { len, .. } => *len,
		}
	}

	/// Whether there are no bytes.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}

	/// Hash of the bytes, wherever they are.
	pub fn content_hash(&self) -> ContentHash {
		match self {
			Self::Inline(bytes) => ContentHash::of(bytes),
			Self::Stored { hash, .. } => *hash,
		}
	}
}

/// How the input bytes become tokens.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum InputFormat {
	/// One user message, put into the checkpoint's chat template.
	#[codec(index = 0)]
	Chat,
	/// Plain text, continued as it is.
	#[codec(index = 1)]
	Text,
	/// Token ids, each four bytes, little endian.
	#[codec(index = 2)]
	Tokens,
}

/// How text is generated.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct GenerateParams {
	/// How the input becomes tokens.
	pub format: InputFormat,
	/// Greatest number of tokens to generate; at least 1.
	pub max_tokens: u32,
	/// Sampling temperature in thousandths; 0 takes the likeliest token.
	pub temperature: u16,
	/// Probability mass that is sampled from, in 65535ths; at least 1.
	pub top_p: u16,
	/// Seed of the sampler.
	pub seed: u64,
}

impl GenerateParams {
	/// The likeliest token at every step, `max_tokens` at most.
	pub fn greedy(format: InputFormat, max_tokens: u32) -> Self {
		Self { format, max_tokens, temperature: 0, top_p: u16::MAX, seed: 0 }
	}
}

/// What a job computes.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum JobKind {
	/// Continues a text.
	#[codec(index = 0)]
	Generate(GenerateParams),
}

impl JobKind {
	/// Greatest number of tokens that the job can produce.
	pub fn max_output_tokens(&self) -> u32 {
		match self {
			Self::Generate(params) => params.max_tokens,
		}
	}

	/// Greatest number of tokens that `bytes` bytes of input can become. A byte-level tokenizer makes at most
	/// one token of a byte, replaces an invalid byte by at most three, and a chat template adds
	/// [`TEMPLATE_ALLOWANCE`].
	pub fn max_input_tokens(&self, bytes: u32) -> u32 {
		match self {
			Self::Generate(params) => match params.format {
				InputFormat::Chat => bytes.saturating_mul(3).saturating_add(TEMPLATE_ALLOWANCE),
				InputFormat::Text => bytes.saturating_mul(3).max(1),
				InputFormat::Tokens => (bytes / 4).max(1),
			},
		}
	}
}

/// What a job is paid with.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Lane {
	/// The native currency.
	#[default]
	#[codec(index = 0)]
	Dot,
}

/// How a job is served.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Tier {
	/// In the order of submission, at the plain price.
	#[default]
	#[codec(index = 0)]
	Standard,
	/// Before standard jobs. An answer later than the governed promise costs less of the surcharge.
	#[codec(index = 1)]
	Priority,
	/// Before all others, with the shortest promise.
	#[codec(index = 2)]
	Premium,
}

impl Tier {
	/// All of them, the first served first.
	pub const BY_PRECEDENCE: [Self; 3] = [Self::Premium, Self::Priority, Self::Standard];
}

/// What a requester asks for.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct JobSpec<AccountId> {
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What to compute.
	pub kind: JobKind,
	/// What to compute it from.
	pub input: Payload,
	/// The only worker that may claim it, if named.
	pub worker: Option<AccountId>,
	/// Blocks that a worker has from claim to answer.
	pub deadline: BlockNumber,
	/// What it is paid with.
	pub lane: Lane,
	/// How it is served.
	pub tier: Tier,
	/// How the answer is checked.
	pub verification: Verification,
	/// What a sealed job commits to ([`crate::seal_commitment`]); `None` for an open one. The input of a sealed job is an
	/// envelope for the named worker, whose seal key it was made for.
	pub sealed: Option<ContentHash>,
}

/// What a job really took.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Usage {
	/// Tokens read, the template included.
	pub input_tokens: u32,
	/// Tokens produced, an end-of-text token included.
	pub output_tokens: u32,
}

impl Usage {
	/// Tokens read and produced.
	pub fn tokens(&self) -> u64 {
		u64::from(self.input_tokens).saturating_add(u64::from(self.output_tokens))
	}

	/// Positions that went through the model: the last token produced is not read again.
	pub fn positions(&self) -> u64 {
		self.tokens().saturating_sub(1)
	}
}

/// Why the requester got the fee back.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum RefundReason {
	/// The requester took the job back before anyone claimed it.
	#[codec(index = 0)]
	Cancelled,
	/// Nobody claimed it in time.
	#[codec(index = 1)]
	Expired,
	/// Every worker that claimed it missed the deadline or gave it back.
	#[codec(index = 2)]
	Missed,
	/// The panel found another answer than the worker's.
	#[codec(index = 3)]
	Rejected,
	/// No panel came together to confirm the answer.
	#[codec(index = 4)]
	Unverified,
	/// A dispute found that the answer is wrong.
	#[codec(index = 5)]
	Overturned,
	/// The worker did not show what was drawn for a panel.
	#[codec(index = 6)]
	Withheld,
	/// The answer was wrong by arrangement, to see who approves it.
	#[codec(index = 7)]
	Canary,
}

/// Where a job stands.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum JobState<AccountId> {
	/// Waits for a worker.
	#[codec(index = 0)]
	Open,
	/// A worker computes it.
	#[codec(index = 1)]
	Assigned {
		/// Who.
		worker: AccountId,
	},
	/// The answer is on chain and readable; a panel checks it.
	#[codec(index = 2)]
	Answered {
		/// Who answered.
		worker: AccountId,
	},
	/// The answer stands; worker and panel are paid.
	#[codec(index = 3)]
	Final {
		/// Who answered.
		worker: AccountId,
	},
	/// The requester has the fee back.
	#[codec(index = 4)]
	Refunded {
		/// Why.
		reason: RefundReason,
	},
	/// The answer is disputed; nothing is paid or refunded until the last dispute is over.
	#[codec(index = 5)]
	Disputed {
		/// Who answered.
		worker: AccountId,
	},
}

/// What can happen to a job.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum JobEvent<AccountId> {
	/// A worker takes it.
	Claim {
		/// Who.
		worker: AccountId,
	},
	/// Its worker gives it back.
	Release,
	/// Its worker let the deadline pass.
	Miss,
	/// Its worker answers.
	Answer,
	/// The panel confirmed the answer.
	Confirm,
	/// The panel found another answer.
	Reject,
	/// The panel did not come together.
	Lapse,
	/// The requester takes it back.
	Cancel,
	/// It stayed open too long.
	Expire,
	/// Somebody disputes the answer.
	Challenge,
	/// The last open dispute is over, and the answer stands.
	Uphold,
	/// The answer was found to be wrong.
	Overturn,
	/// An item of the answer that was drawn for a panel was not shown.
	Withhold,
	/// The answer was shown to be wrong by arrangement.
	Unmask,
}

/// The event can't happen in this state.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TransitionError;

impl<AccountId: Clone> JobState<AccountId> {
	/// The state after `event`; `reassignments` is how often the job went back to the queue before.
	pub fn transition(
		&self,
		event: JobEvent<AccountId>,
		reassignments: u8,
	) -> Result<JobState<AccountId>, TransitionError> {
		use JobEvent::*;
		use JobState::*;
		Ok(match (self, event) {
			(Open, Claim { worker }) => Assigned { worker },
			(Open, Cancel) => Refunded { reason: RefundReason::Cancelled },
			(Open, Expire) => Refunded { reason: RefundReason::Expired },
			(Assigned { .. }, Release | Miss) if reassignments < MAX_REASSIGNMENTS => Open,
			(Assigned { .. }, Release | Miss) => Refunded { reason: RefundReason::Missed },
			(Assigned { worker }, Answer) => Answered { worker: worker.clone() },
			(Answered { worker }, Confirm) => Final { worker: worker.clone() },
			(Answered { .. }, Reject) => Refunded { reason: RefundReason::Rejected },
			(Answered { .. }, Lapse) => Refunded { reason: RefundReason::Unverified },
			(Answered { .. }, Withhold) => Refunded { reason: RefundReason::Withheld },
			(Answered { .. }, Unmask) => Refunded { reason: RefundReason::Canary },
			(Answered { worker }, Challenge) => Disputed { worker: worker.clone() },
			(Disputed { worker }, Uphold) => Answered { worker: worker.clone() },
			(Answered { .. } | Disputed { .. }, Overturn) => Refunded { reason: RefundReason::Overturned },
			_ => return Err(TransitionError),
		})
	}

	/// Whether nothing can happen to the job any more.
	pub fn is_terminal(&self) -> bool {
		matches!(self, Self::Final { .. } | Self::Refunded { .. })
	}

	/// The worker that has or had the job in this state.
	pub fn worker(&self) -> Option<&AccountId> {
		match self {
			Self::Assigned { worker }
			| Self::Answered { worker }
			| Self::Disputed { worker }
			| Self::Final { worker } => Some(worker),
			Self::Open | Self::Refunded { .. } => None,
		}
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	fn event() -> impl Strategy<Value = JobEvent<u8>> {
		prop_oneof![
			any::<u8>().prop_map(|worker| JobEvent::Claim { worker }),
			Just(JobEvent::Release),
			Just(JobEvent::Miss),
			Just(JobEvent::Answer),
			Just(JobEvent::Confirm),
			Just(JobEvent::Reject),
			Just(JobEvent::Lapse),
			Just(JobEvent::Cancel),
			Just(JobEvent::Expire),
			Just(JobEvent::Challenge),
			Just(JobEvent::Uphold),
			Just(JobEvent::Overturn),
			Just(JobEvent::Withhold),
			Just(JobEvent::Unmask),
		]
	}

	proptest! {
		#[test]
		fn job_should_end_when_reassigned_at_most_twice(events in prop::collection::vec(event(), 0..64)) {
			let (mut state, mut returns, mut moves, mut disputes) = (JobState::Open, 0u8, 0, 0);
			for event in events {
				let disputed = event == JobEvent::Challenge;
				let Ok(next) = state.transition(event, returns) else { continue };
				prop_assert!(!state.is_terminal(), "left the terminal state {state:?}");
				returns += u8::from(next == JobState::Open);
				disputes += usize::from(disputed);
				moves += 1;
				state = next;
			}
			prop_assert!(returns <= MAX_REASSIGNMENTS);
			prop_assert!(moves <= 2 * usize::from(MAX_REASSIGNMENTS) + 3 + 2 * disputes);
		}
	}

	#[test]
	fn every_live_state_should_reach_a_refund() {
		let refund =
			|state: JobState<u8>, event| matches!(state.transition(event, 2), Ok(JobState::Refunded { .. }));
		assert!(refund(JobState::Open, JobEvent::Expire));
		assert!(refund(JobState::Assigned { worker: 1 }, JobEvent::Miss));
		assert!(refund(JobState::Answered { worker: 1 }, JobEvent::Lapse));
		assert!(refund(JobState::Disputed { worker: 1 }, JobEvent::Overturn));
	}
}
