//! Why a worker does not do what a requester asks of it.

use super::BookError;
use crate::{chain::ChainError, executor::ExecuteError, store::StoreError};
use noesis_primitives::{Balance, ChannelId, ChannelState, MAX_ITEMS};

/// Why the worker does not do what a requester asks.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
	/// The body is not what belongs here.
	#[error("the body is no such request")]
	Malformed,
	/// The body did not come.
	#[error("the body did not come whole and in time")]
	Incomplete,
	/// This is no worker, or it is not ready.
	#[error("no channels are served here now: try again, or ask the worker's operator")]
	NotServing,
	/// There is no such channel for this worker.
	#[error("there is no channel {0} to this worker")]
	NoChannel(ChannelId),
	/// The channel takes no turns.
	#[error("the channel is {0:?}: turns are served while it is open")]
	NotOpen(ChannelState),
	/// Somebody else asks.
	#[error("the signature is not the requester's")]
	BadSignature,
	/// A turn with this number was served.
	#[error("turn {index} was served: the next is {next}")]
	Served {
		/// What was asked.
		index: u32,
		/// What comes next.
		next: u32,
	},
	/// There are turns between.
	#[error("turn {index} is too far ahead: the next is {next}")]
	TooFar {
		/// What was asked.
		index: u32,
		/// What comes next.
		next: u32,
	},
	/// The last turn is not signed.
	#[error("{turns} turns were served, {signed} are signed: sign the tally over all of them first")]
	Unsigned {
		/// Turns that were served.
		turns: u32,
		/// Turns that are signed.
		signed: u32,
	},
	/// The channel is being closed.
	#[error("the channel is being closed: open another")]
	Ending,
	/// The channel is as long as channels may be.
	#[error("a channel has at most {MAX_ITEMS} turns: close it and open another")]
	Full,
	/// The turn could cost more than there is.
	#[error("the turn may cost up to {most} planck, {room} are left for it: shorten it, or open a channel with more")]
	NoRoom {
		/// What it may cost.
		most: Balance,
		/// What is left.
		room: Balance,
	},
	/// The chain would not take such a turn.
	#[error("{0}")]
	Unfit(String),
	/// It is not the tally over the turns that were served.
	#[error("this is not the tally over the {0} turns that were served")]
	OtherTally(u32),
	/// The chain can't be read.
	#[error("the worker's node does not answer: {0}")]
	Chain(#[from] ChainError),
	/// The book can't be kept.
	#[error("the worker's disk failed: {0}")]
	Book(#[from] BookError),
	/// The blobs can't be kept.
	#[error("the worker's disk failed: {0}")]
	Store(#[from] StoreError),
	/// The turn did not run.
	#[error("the turn did not run: {0}")]
	Execute(#[from] ExecuteError),
	/// The computation broke off.
	#[error("the computation broke off")]
	Broken,
}
