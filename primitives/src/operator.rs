//! Those who do the work.

use crate::{Balance, BlockNumber, CheckpointId, Locator, Pace};
use bounded_collections::{BoundedVec, ConstU32};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Greatest number of checkpoints that an operator offers.
pub const MAX_RUNNABLE: u32 = 32;

/// Most bytes of an appeal.
pub const MAX_APPEAL_BYTES: u32 = 512;

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
	/// Account that this one belongs to, where one operator has several: its encoded bytes, an `AccountId32` as it
	/// is, a shorter account with zeros behind. Counts once that account has said so itself.
	pub owner: Option<[u8; 32]>,
	/// X25519 public key that prompts are sealed for; `None` for a worker that takes no sealed jobs. A validator's is not
	/// used.
	pub seal_key: Option<[u8; 32]>,
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
	/// It was silent for too long; a heartbeat brings it back.
	#[codec(index = 3)]
	Absent {
		/// Block at which it was swept out.
		since: BlockNumber,
	},
}

/// What the chain knows of an operator.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct OperatorRecord {
	/// What it does.
	pub role: Role,
	/// Stake held.
	pub stake: Balance,
	/// Price of the jobs it has open. A new one is refused above the cap that the stake sets; a slash can leave more
	/// open than that.
	pub exposure: Balance,
	/// What it can do.
	pub capability: Capability,
	/// Whether it takes part.
	pub status: OperatorStatus,
	/// Block since which its status, draw key and owner stand.
	pub since: BlockNumber,
	/// Which checkpoints of the list came to it after that: a bit for each place, the lowest for the first.
	pub added: u32,
	/// Block by which these had come.
	pub added_at: BlockNumber,
	/// Block of its last sign of life: a call of its own, a job claimed or answered, work that was settled.
	pub seen: BlockNumber,
	/// How fast it was seen to answer.
	pub pace: Pace,
}

impl OperatorRecord {
	/// Block since which it offers a checkpoint under this draw key and owner; nothing if it does not.
	pub fn offers_since(&self, checkpoint: CheckpointId) -> Option<BlockNumber> {
		let place = self.capability.checkpoints.iter().position(|offered| *offered == checkpoint)?;
		Some(if self.added & bit(place) == 0 { self.since } else { self.since.max(self.added_at) })
	}

	/// The record from block `now` on with another capability. Under the same draw key and owner it stands for what it
	/// offered before as it did; otherwise all counts from now.
	pub fn with_capability(&self, capability: Capability, now: BlockNumber) -> Self {
		let kept =
			|new: &Capability, old: &Capability| (new.draw_key, new.owner) == (old.draw_key, old.owner);
		if !kept(&capability, &self.capability) {
			return Self { capability, since: now, added: 0, added_at: now, seen: now, ..self.clone() };
		}
		let (mut added, mut added_at) = (0, self.added_at);
		for (place, checkpoint) in capability.checkpoints.iter().enumerate() {
			match self.offers_since(*checkpoint) {
				Some(since) if since <= self.since => {},
				Some(_) => added |= bit(place),
				None => {
					added |= bit(place);
					added_at = now;
				},
			}
		}
		Self { capability, added, added_at, seen: now, ..self.clone() }
	}
}

/// The bit of a place in the list of checkpoints.
fn bit(place: usize) -> u32 {
	u32::try_from(place).ok().and_then(|place| 1u32.checked_shl(place)).unwrap_or_default()
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
	Excluded {
		/// First block at which it may return.
		until: BlockNumber,
	},
	/// It does not offer this checkpoint.
	CannotRun,
	/// It registered, or changed its capability, too late for this.
	TooNew,
	/// The price of its open jobs would exceed the cap that its stake sets.
	OverExposed {
		/// By how much.
		by: Balance,
	},
	/// It has been silent for too long.
	Absent,
}

/// What an account has earned by its conduct, in thousandths: 0 for a newcomer, at most 1000.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Default,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Reputation(pub u16);

impl Reputation {
	/// The most that there is.
	pub const MAX: Self = Self(1000);
}

/// How far each conduct moves a reputation, in thousandths.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ReputationSteps {
	/// Up, for [`Conduct::Served`].
	pub served: u16,
	/// Up, for [`Conduct::Vouched`].
	pub vouched: u16,
	/// Down, for [`Conduct::Missed`].
	pub missed: u16,
	/// Down, for [`Conduct::Rejected`].
	pub rejected: u16,
	/// Down, for [`Conduct::Dissented`].
	pub dissented: u16,
	/// Down, for a claimed speed that is far above the measured one.
	pub overstated: u16,
}

impl Default for ReputationSteps {
	/// Five hundred answers from nothing to the top: at the least price of a job, buying one's own way up costs the
	/// pot's share of all of them, and what it buys, the audit floor, still makes cheating a loss. One rejection
	/// undoes 125 answers, one missed deadline 25.
	fn default() -> Self {
		Self { served: 2, vouched: 1, missed: 50, rejected: 250, dissented: 50, overstated: 20 }
	}
}

/// What was rated by those who paid.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, PartialEq, TypeInfo)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Ratings {
	/// Ratings ever given.
	pub count: u32,
	/// Mean of the recent ones, in hundredths of a star: 100 to 500; 0 while there are none.
	pub mean: u16,
}

/// An appeal against an exclusion. There is one for each exclusion.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum Appeal {
	/// It waits for a decision.
	#[codec(index = 0)]
	Filed {
		/// Block at which it was filed.
		at: BlockNumber,
		/// Why, in the operator's words.
		reason: BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>>,
	},
	/// The exclusion was found right.
	#[codec(index = 1)]
	Dismissed {
		/// Block of the decision.
		at: BlockNumber,
	},
}

/// How an operator behaved. Moves its reputation; only some of it makes a mark.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Conduct {
	/// A worker's answer became final.
	#[codec(index = 0)]
	Served,
	/// A worker let a deadline pass.
	#[codec(index = 1)]
	Missed,
	/// A panel found another answer than the worker's. Suspicion, not proof.
	#[codec(index = 2)]
	Rejected,
	/// A validator spoke, and what it found is what was settled.
	#[codec(index = 3)]
	Vouched,
	/// A validator spoke, and what it found is not what was settled. Suspicion, not proof.
	#[codec(index = 4)]
	Dissented,
}

/// What an operator loses stake for. The chain has seen each of these for itself.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Fault {
	/// A worker's claim was found wrong, or it did not defend it.
	#[codec(index = 0)]
	WrongAnswer,
	/// A validator found a claim that is wrong, or did not defend its own.
	#[codec(index = 1)]
	WrongVerdict,
	/// A validator approved an answer that was known to be wrong before.
	#[codec(index = 2)]
	ApprovedCanary,
}

/// What a slash took.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, PartialEq, TypeInfo)]
pub struct Slashed {
	/// Taken from the stake.
	pub taken: Balance,
	/// The part of it that was paid as a reward.
	pub rewarded: Balance,
}
