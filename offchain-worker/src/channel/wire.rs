//! What requester and worker send each other: SCALE bytes, each signed over the chain's genesis hash and the channel.

use super::Signature;
use crate::{keys::Keys, AccountId};
use codec::{Decode, Encode};
use noesis_primitives::{ChannelId, ContentHash, JobKind, Tally, Turn};

/// Bytes of a request beside its input.
pub(super) const REQUEST_OVERHEAD: usize = 512;

/// The requester asks for a turn.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct TurnRequest {
	/// The channel.
	pub channel: ChannelId,
	/// The turn's number, from 0.
	pub index: u32,
	/// What to compute.
	pub kind: JobKind,
	/// What to compute it from.
	pub input: Vec<u8>,
	/// The requester's signature.
	pub signature: Signature,
}

impl TurnRequest {
	/// A signed request, on the chain whose genesis block has this hash.
	pub fn new(
		keys: &Keys,
		genesis: &[u8; 32],
		channel: ChannelId,
		index: u32,
		kind: JobKind,
		input: Vec<u8>,
	) -> Self {
		let mut request = Self { channel, index, kind, input, signature: Signature([0; 64]) };
		request.signature = Signature::of(keys, &request.message(genesis));
		request
	}

	fn message(&self, genesis: &[u8; 32]) -> Vec<u8> {
		let input = ContentHash::of(&self.input);
		(b"noesis:turn:1", genesis, self.channel, self.index, self.kind, input).encode()
	}

	/// Whether `requester` asks for this.
	pub fn is_of(&self, requester: &AccountId, genesis: &[u8; 32]) -> bool {
		self.signature.is_of(requester, &self.message(genesis))
	}

	/// Whether `turn` answers it.
	pub fn is_answered_by(&self, turn: &Turn) -> bool {
		turn.channel == self.channel
			&& turn.index == self.index
			&& turn.kind == self.kind
			&& turn.input == ContentHash::of(&self.input)
			&& turn.input_bytes as usize == self.input.len()
	}
}

/// The worker answers.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct TurnAnswer {
	/// What was computed, and what all turns cost now.
	pub turn: Turn,
	/// The result.
	pub output: Vec<u8>,
	/// The tally that follows, signed by the worker.
	pub tally: SignedTally,
}

/// A tally with one side's signature.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct SignedTally {
	/// The tally.
	pub tally: Tally,
	/// The signature over [`Tally::message`].
	pub signature: Signature,
}

impl SignedTally {
	/// Signs a tally.
	pub fn new(keys: &Keys, genesis: &[u8; 32], tally: Tally) -> Self {
		Self { tally, signature: Signature::of(keys, &tally.message(genesis)) }
	}

	/// Whether `who` signed it.
	pub fn is_of(&self, who: &AccountId, genesis: &[u8; 32]) -> bool {
		self.signature.is_of(who, &self.tally.message(genesis))
	}
}

/// The requester asks the worker to close the channel.
#[derive(Clone, Debug, Decode, Encode, Eq, PartialEq)]
pub struct CloseRequest {
	/// The channel.
	pub channel: ChannelId,
	/// The requester's signature.
	pub signature: Signature,
}

impl CloseRequest {
	/// A signed request.
	pub fn new(keys: &Keys, genesis: &[u8; 32], channel: ChannelId) -> Self {
		Self { channel, signature: Signature::of(keys, &Self::message(channel, genesis)) }
	}

	fn message(channel: ChannelId, genesis: &[u8; 32]) -> Vec<u8> {
		(b"noesis:close:1", genesis, channel).encode()
	}

	/// Whether `requester` asks for this.
	pub fn is_of(&self, requester: &AccountId, genesis: &[u8; 32]) -> bool {
		self.signature.is_of(requester, &Self::message(self.channel, genesis))
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_primitives::{GenerateParams, InputFormat};

	#[test]
	fn request_should_be_foreign_when_anything_in_it_changes() {
		let keys = Keys::from_suri("//Alice").unwrap();
		let (alice, genesis) = (keys.account(), [1; 32]);
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 4));
		let request = TurnRequest::new(&keys, &genesis, ChannelId(3), 2, kind, b"input".to_vec());
		assert!(request.is_of(&alice, &genesis));
		assert!(!request.is_of(&alice, &[2; 32]));
		assert!(!request.is_of(&Keys::from_suri("//Bob").unwrap().account(), &genesis));
		let other = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 5));
		for changed in [
			TurnRequest { channel: ChannelId(4), ..request.clone() },
			TurnRequest { index: 3, ..request.clone() },
			TurnRequest { kind: other, ..request.clone() },
			TurnRequest { input: b"Input".to_vec(), ..request.clone() },
		] {
			assert!(!changed.is_of(&alice, &genesis), "{changed:?}");
		}
		let bytes = request.encode();
		assert_eq!(TurnRequest::decode(&mut &bytes[..]).unwrap(), request);
		let close = CloseRequest::new(&keys, &genesis, ChannelId(3));
		assert!(close.is_of(&alice, &genesis) && !close.is_of(&alice, &[2; 32]));
		assert!(!CloseRequest { channel: ChannelId(4), ..close }.is_of(&alice, &genesis));
	}
}
