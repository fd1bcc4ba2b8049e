//! Channels: one escrow, many turns off chain, one close.
//!
//! Requester and worker exchange turns without the chain. After each, both sign the same [`Tally`]: the number of
//! turns, the Merkle root over all of them, and what they cost together. Whoever closes shows the other's signature.
//! Number, channel and genesis are under every signature, so that a tally of another channel or chain, and an older
//! one, are worth nothing; every [`Turn`] names its channel and place, so that none can stand twice.

use crate::{
	merkle, Balance, BlockNumber, ChannelId, CheckpointId, Claim, ContentHash, JobKind, RefundReason, Root,
	Tier, TransitionError, Verification,
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// What a requester offers a worker.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct ChannelSpec<AccountId> {
	/// Who is to serve it.
	pub worker: AccountId,
	/// The model version of every turn.
	pub checkpoint: CheckpointId,
	/// What is held: the most that all turns may cost, surcharges included.
	pub escrow: Balance,
	/// The most that a turn may cost, on the average.
	pub cap: Balance,
	/// Blocks from the offer until the worker must have closed it.
	pub lifetime: BlockNumber,
	/// How turns are served.
	pub tier: Tier,
	/// How the drawn turns are checked.
	pub verification: Verification,
}

/// One turn: a leaf of the tree that both sides sign. Input and output are kept by both sides, and by the worker's
/// store until the channel has ended: validators and challengers fetch them there by their hashes.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Turn {
	/// The channel.
	pub channel: ChannelId,
	/// Its number, from 0.
	pub index: u32,
	/// What was computed.
	pub kind: JobKind,
	/// BLAKE2b-256 of the input's bytes.
	pub input: ContentHash,
	/// Number of these.
	pub input_bytes: u32,
	/// Bytes of the output.
	pub output_bytes: u32,
	/// What the worker says the result is.
	pub claim: Claim,
	/// What all turns up to this one cost together.
	pub spent: Balance,
}

impl Turn {
	/// Its leaf.
	pub fn leaf(&self) -> merkle::Node {
		self.using_encoded(merkle::leaf_hash)
	}
}

/// Where a channel stands after some turns: what both sides sign.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Tally {
	/// The channel.
	pub channel: ChannelId,
	/// Number of turns.
	pub turns: u32,
	/// Merkle root over the turns' leaves; [`merkle::EMPTY`] when there are none.
	pub root: Root,
	/// What the turns cost together.
	pub spent: Balance,
}

impl Tally {
	/// Before the first turn.
	pub fn empty(channel: ChannelId) -> Self {
		Self { channel, turns: 0, root: Root(merkle::EMPTY), spent: 0 }
	}

	/// The bytes that are signed, on the chain whose genesis block has this hash.
	pub fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		(b"noesis:tally:1", genesis, self).encode()
	}
}

/// Where a channel stands.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum ChannelState {
	/// The worker has not accepted yet.
	#[codec(index = 0)]
	Offered,
	/// Turns are exchanged off chain.
	#[codec(index = 1)]
	Open,
	/// The requester closes it; the worker may show a later tally until this block.
	#[codec(index = 2)]
	Closing {
		/// Last block for that.
		until: BlockNumber,
	},
	/// The tally is fixed; drawn turns are checked, and every turn can be disputed.
	#[codec(index = 3)]
	Closed,
	/// A turn is disputed; nothing is paid or refunded until the last dispute is over.
	#[codec(index = 4)]
	Disputed,
	/// The turns stand and are paid.
	#[codec(index = 5)]
	Paid,
	/// The requester has everything back.
	#[codec(index = 6)]
	Refunded {
		/// Why.
		reason: RefundReason,
	},
}

/// What can happen to a channel.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ChannelEvent {
	/// The worker takes the offer.
	Accept,
	/// The requester takes the offer back.
	Cancel,
	/// Nobody closed it in time.
	Expire,
	/// The requester closes it.
	Propose {
		/// Last block for a later tally.
		until: BlockNumber,
	},
	/// The tally is fixed.
	Fix,
	/// The tally is fixed, and there was no turn.
	Void,
	/// Somebody disputes a turn.
	Challenge,
	/// The last open dispute is over, and the turn stands.
	Uphold,
	/// A turn was found to be wrong.
	Overturn,
	/// The drawn turns were confirmed.
	Confirm,
	/// A panel found another answer to a drawn turn.
	Reject,
	/// A panel did not come together.
	Lapse,
	/// A drawn turn was not shown.
	Withhold,
	/// A turn was shown to be wrong by arrangement.
	Unmask,
}

impl ChannelState {
	/// The state after `event`.
	pub fn transition(&self, event: ChannelEvent) -> Result<Self, TransitionError> {
		use ChannelEvent::*;
		use ChannelState::*;
		let refunded = |reason| Refunded { reason };
		Ok(match (self, event) {
			(Offered, Accept) => Open,
			(Offered, Cancel) => refunded(RefundReason::Cancelled),
			(Offered | Open, Expire) => refunded(RefundReason::Expired),
			(Open, Propose { until }) => Closing { until },
			(Open | Closing { .. }, Fix) => Closed,
			(Open | Closing { .. }, Void) => refunded(RefundReason::Cancelled),
			(Closed, Challenge) => Disputed,
			(Disputed, Uphold) => Closed,
			(Closed | Disputed, Overturn) => refunded(RefundReason::Overturned),
			(Closed, Confirm) => Paid,
			(Closed, Reject) => refunded(RefundReason::Rejected),
			(Closed, Lapse) => refunded(RefundReason::Unverified),
			(Closed, Withhold) => refunded(RefundReason::Withheld),
			(Closed, Unmask) => refunded(RefundReason::Canary),
			_ => return Err(TransitionError),
		})
	}

	/// Whether nothing can happen to the channel any more.
	pub fn is_terminal(&self) -> bool {
		matches!(self, Self::Paid | Self::Refunded { .. })
	}
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	fn event() -> impl Strategy<Value = ChannelEvent> {
		use ChannelEvent::*;
		prop::sample::select(alloc::vec![
			Accept,
			Cancel,
			Expire,
			Propose { until: 9 },
			Fix,
			Void,
			Challenge,
			Uphold,
			Overturn,
			Confirm,
			Reject,
			Lapse,
			Withhold,
			Unmask,
		])
	}

	proptest! {
		#[test]
		fn channel_should_never_leave_its_end(events in prop::collection::vec(event(), 0..64)) {
			let (mut state, mut moves, mut disputes) = (ChannelState::Offered, 0, 0);
			for event in events {
				let Ok(next) = state.transition(event) else { continue };
				prop_assert!(!state.is_terminal(), "left the terminal state {state:?}");
				disputes += usize::from(event == ChannelEvent::Challenge);
				moves += 1;
				state = next;
			}
			prop_assert!(moves <= 4 + 2 * disputes);
		}
	}

	#[test]
	fn every_live_state_should_reach_a_refund() {
		let refund =
			|state: ChannelState, event| matches!(state.transition(event), Ok(ChannelState::Refunded { .. }));
		assert!(refund(ChannelState::Offered, ChannelEvent::Expire));
		assert!(refund(ChannelState::Open, ChannelEvent::Expire));
		assert!(refund(ChannelState::Closing { until: 3 }, ChannelEvent::Void));
		assert!(refund(ChannelState::Closed, ChannelEvent::Lapse));
		assert!(refund(ChannelState::Disputed, ChannelEvent::Overturn));
	}

	#[test]
	fn message_should_differ_when_anything_does() {
		let tally = Tally { turns: 3, root: Root([1; 32]), spent: 9, ..Tally::empty(ChannelId(5)) };
		let message = tally.message(&[0; 32]);
		assert_ne!(message, tally.message(&[1; 32]));
		for other in [
			Tally { channel: ChannelId(6), ..tally },
			Tally { turns: 4, ..tally },
			Tally { root: Root([2; 32]), ..tally },
			Tally { spent: 8, ..tally },
		] {
			assert_ne!(message, other.message(&[0; 32]));
		}
	}
}
