//! What the runtime API `NoesisApi` answers. Reads only.

use crate::{
	Appeal, Balance, BatchInputs, BlockNumber, ChannelId, ChannelSpec, ChannelState, CheckpointId,
	CheckpointRecord, Claim, Engagement, JobId, JobSpec, JobState, OperatorRecord, Payload, Ratings,
	Reputation, Root, Subject, Tally, Verification, MAX_AUDITS, MAX_PANEL,
};
use alloc::vec::Vec;
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most entries that one answer lists.
pub const MAX_LISTED: u32 = 256;
/// Most moves of a job that its timeline keeps. A job makes eight without disputes; when there are more, the first
/// and the latest stay.
pub const MAX_TIMELINE: u32 = 32;
/// Most verdicts that settle a job or a channel: one panel for each audit.
pub const MAX_VERDICTS: u32 = MAX_PANEL * MAX_AUDITS;

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
	/// What the chain knows of its inputs, if it is a batch; `spec.input` is then the list of them.
	pub batch: Option<BatchInputs>,
	/// Stars that the requester gave the worker, 1 to 5.
	pub rating: Option<u8>,
}

/// A channel as it stands.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct ChannelView<AccountId> {
	/// Its number.
	pub id: ChannelId,
	/// Who pays.
	pub requester: AccountId,
	/// What was offered.
	pub spec: ChannelSpec<AccountId>,
	/// Where it stands.
	pub state: ChannelState,
	/// Block at which the state changes by itself; the greatest number there is while a turn is disputed.
	pub due: BlockNumber,
	/// Last block at which the worker may close it.
	pub expires: BlockNumber,
	/// The latest tally that was shown.
	pub tally: Option<Tally>,
	/// How it was settled.
	pub settlement: Option<Settlement<AccountId>>,
}

/// A bundle as it stands: what a worker needs to show, and everybody to dispute.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
pub struct BundleView {
	/// Root over the entries.
	pub root: Root,
	/// Number of entries.
	pub count: u32,
	/// Block after which the randomness comes that its entries are drawn by: that at which it was fixed, or a later one
	/// where it did not come.
	pub fixed: BlockNumber,
	/// Entries that are drawn for a panel, once the seed is known.
	pub audits: Option<Vec<u32>>,
	/// Entries that were shown.
	pub shown: Vec<u32>,
	/// Last block for the worker to show the drawn ones.
	pub show_until: BlockNumber,
}

/// Something that an account could get moving.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Claimable {
	/// What; to be given to `claim_all`.
	pub engagement: Engagement,
	/// What the account will have of it, as things stand.
	pub amount: Balance,
	/// First block at which it can be moved.
	pub at: BlockNumber,
}

/// How a job was settled.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Settlement<AccountId> {
	/// Everybody who spoke, and whether they found the worker's claim.
	pub verdicts: BoundedVec<(AccountId, bool), ConstU32<MAX_VERDICTS>>,
	/// Paid to the worker.
	pub worker: Balance,
	/// Paid to each validator that found the worker's claim.
	pub per_validator: Balance,
	/// Paid to the pot.
	pub pot: Balance,
	/// Put by for the panels of other answers, because nobody had to speak on this one.
	pub saved: Balance,
	/// Paid to each validator that found the worker's claim besides, out of what was put by before.
	pub bonus: Balance,
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
	/// Who answered.
	pub worker: AccountId,
	/// How the answer is checked.
	pub verification: Verification,
	/// The seed; `None` until the randomness is there: in the block after the answer, or some blocks later.
	pub seed: Option<[u8; 32]>,
	/// Chance that such an answer is audited, in parts per million.
	pub audit: u32,
	/// Whether this one is; `None` until the seed is there.
	pub audited: Option<bool>,
	/// Block of the answer.
	pub opened: BlockNumber,
	/// Window of the current block, from 0.
	pub window: u32,
	/// Verdicts expected in window 0, which is the seats. What a draw goes by.
	pub size: u32,
	/// Seats.
	pub seats: u32,
	/// Equal verdicts that decide.
	pub quorum: u32,
	/// Validators it is drawn from.
	pub validators: u32,
	/// Openings that a verdict needs.
	pub openings: u32,
	/// Those who spoke, abstained, or whose verdict was struck: none of them may speak again.
	pub spoken: Vec<AccountId>,
}

/// When a panel is open.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct PanelWindows {
	/// First block in which validators may speak, if the seed is there.
	pub opens: BlockNumber,
	/// Window of the current block, from 0; the draw doubles in each.
	pub window: u32,
	/// First block after this window.
	pub window_ends: BlockNumber,
	/// First block after the last window: the panel is over then in any case.
	pub ends: BlockNumber,
	/// Whether it is over now.
	pub over: bool,
}

/// A canary that is not revealed yet.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct CanaryView {
	/// The checkpoint of its job.
	pub checkpoint: CheckpointId,
	/// Block of the commitment; the answer must come after it.
	pub committed: BlockNumber,
	/// First block at which it is void, and its bond lost.
	pub expires: BlockNumber,
	/// Held of the proposer.
	pub bond: Balance,
	/// What its mark depends on ([`crate::canary_mark`]); there from the block after the commitment.
	pub randomness: Option<[u8; 32]>,
}

/// How likely a wrong answer passes, before anybody knows whether it is audited.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Security {
	/// Chance that the answer is audited, in parts per million.
	pub audit: u32,
	/// Seats of the panel.
	pub seats: u32,
	/// Equal verdicts that decide.
	pub quorum: u32,
	/// Validators that it is drawn from.
	pub validators: u32,
	/// The chances, for several shares of dishonest validators.
	pub survivals: Vec<Survival>,
}

/// The chance that a wrong answer passes when the dishonest validators all approve it, as is best for them, and the
/// honest ones all speak. Never told too low.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize))]
pub struct Survival {
	/// Share of validators that are dishonest, in parts per million.
	pub dishonest: u32,
	/// Chance that one honest outsider checks the answer and disputes it, in parts per million.
	pub outsider: u32,
	/// Chance that a panel approves it, in parts per billion.
	pub approved: u32,
	/// Chance that it passes with nobody but the panel: not audited, or approved. In parts per billion.
	pub alone: u32,
	/// Chance that it passes when every honest validator that is drawn while the panel is open disputes it, and nobody
	/// else does. In parts per billion.
	pub disputed: u32,
	/// Chance that it passes when nobody but that outsider disputes it, in parts per billion.
	pub watched: u32,
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
	/// What its account has earned by its conduct, ratings included.
	pub reputation: Reputation,
	/// Deadlines missed and answers rejected, as far as they are not forgotten: they fade as the reputation does.
	pub marks: u32,
	/// What those who paid gave it.
	pub ratings: Ratings,
	/// Greatest price of the jobs that a worker with this stake may have open.
	pub exposure_cap: Balance,
	/// What the price of its next job may be at most; 0 when it may take none.
	pub free_exposure: Balance,
	/// What `withdraw` would give now.
	pub claimable: Balance,
	/// Thousandths of a token per second, from claim to answer, over its recent answers; beside it stands the speed
	/// that it claims, in the record.
	pub measured: Option<u64>,
	/// First block at which a heartbeat is taken; `None` while it leaves or is shut out, or when none is asked for.
	pub heartbeat_from: Option<BlockNumber>,
	/// First block at which it counts as absent, if nothing is heard of it; likewise.
	pub absent_from: Option<BlockNumber>,
	/// First block at which it may return, while it unbonds out of an exclusion.
	pub barred: Option<BlockNumber>,
	/// Its appeal against the exclusion in force.
	pub appeal: Option<Appeal>,
	/// Whether the owner that it names has said that it is one.
	pub owned: bool,
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
	/// `max_tokens` is 0, `top_p` is 0, the payload is empty or not whole tokens, the deadline is 0 or too long, the
	/// number of validators asked for is out of range, or a batch does not fit its own figures.
	BadParameters,
	/// Input and output together may exceed the checkpoint's context.
	TooLong {
		/// Tokens that the job may need.
		tokens: u32,
		/// Tokens that the checkpoint takes.
		context: u32,
	},
	/// The checkpoint has fewer validators than it takes for an answer to be confirmed: it could only be refunded.
	NoValidators {
		/// Validators that it takes.
		needed: u32,
		/// Validators that there are.
		there: u32,
	},
	/// The job is sealed and names no worker.
	SealedForNobody,
	/// The job is sealed, and its worker has no seal key.
	NoSealKey,
	/// The job is sealed, and its input is too short for an envelope.
	NoEnvelope,
}
