//! Channels: turns off chain, tallies that both sides sign.

use super::{Court, Person, Work};
use noesis_primitives::{
	merkle, Balance, ChannelId, ChannelSpec, JobKind, Root, Tally, Tier, Turn, Verification,
};
use noesis_runtime::{Poi, Runtime};
use pallet_poi::Call;

/// The turns of a channel so far.
#[derive(Clone, Debug)]
pub struct Turns {
	/// The channel.
	pub channel: ChannelId,
	/// The turns.
	pub turns: Vec<Turn>,
}

impl Turns {
	/// None yet.
	pub fn none(channel: ChannelId) -> Self {
		Self { channel, turns: Vec::new() }
	}

	/// One more turn, of work that costs so much.
	pub fn add(&mut self, kind: JobKind, work: &Work, price: Balance) {
		let spent = self.turns.last().map_or(0, |turn| turn.spent) + price;
		self.turns.push(Turn {
			channel: self.channel,
			index: self.turns.len() as u32,
			kind,
			input: noesis_primitives::ContentHash::of(&work.input),
			input_bytes: work.input.len() as u32,
			output_bytes: work.output.len(),
			claim: work.claim,
			spent,
		});
	}

	fn leaves(&self) -> Vec<merkle::Node> {
		self.turns.iter().map(Turn::leaf).collect()
	}

	/// What both sides sign.
	pub fn tally(&self) -> Tally {
		Tally {
			channel: self.channel,
			turns: self.turns.len() as u32,
			root: Root(merkle::root(&self.leaves())),
			spent: self.turns.last().map_or(0, |turn| turn.spent),
		}
	}

	/// The call that shows a turn.
	pub fn present(&self, index: u32) -> Call<Runtime> {
		let path = merkle::path(&self.leaves(), index).unwrap().try_into().unwrap();
		Call::present_turn { channel: self.channel, index, turn: self.turns[index as usize], path }
	}
}

impl Court {
	/// A channel that was offered and accepted.
	pub fn channel(
		&mut self,
		requester: &Person,
		worker: &Person,
		escrow: Balance,
		cap: Balance,
	) -> ChannelId {
		let channel = pallet_poi::NextChannel::<Runtime>::get();
		let spec = ChannelSpec {
			worker: worker.account.clone(),
			checkpoint: self.checkpoint,
			escrow,
			cap,
			lifetime: 500,
			tier: Tier::Standard,
			verification: Verification::Sampled,
		};
		self.ok(requester, Call::open_channel { spec });
		self.ok(worker, Call::accept_channel { channel });
		channel
	}

	/// The call that closes a channel by a tally that `other` signed.
	pub fn close(&self, tally: Tally, other: &Person) -> Call<Runtime> {
		let signature = Some(other.sign(&tally.message(&Poi::genesis())));
		Call::close_channel { tally, signature }
	}
}
