//! Batches: many inputs under one job; and what they share with channels.
//!
//! A **bundle** is a commitment to many results at once: one Merkle root over entries, of which a few are drawn for
//! panels after the root is fixed, and every one can be disputed by its path. A batch is answered by a bundle; a
//! channel is closed by one (see [`crate::Tally`]).

use crate::{
	merkle, BlockNumber, ChannelId, CheckpointId, Claim, ContentHash, JobId, JobKind, Lane, Payload, Root,
	Subject, Tier, Usage, Verification,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Most items of a batch, and most turns of a channel.
pub const MAX_ITEMS: u32 = 4096;
/// Most entries of a bundle that are drawn for a panel.
pub const MAX_AUDITS: u32 = 4;

/// A commitment to many results.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum BundleId {
	/// The answer of a batch.
	#[codec(index = 0)]
	Batch(JobId),
	/// The turns of a channel.
	#[codec(index = 1)]
	Channel(ChannelId),
}

impl BundleId {
	/// The entry `index` of this bundle, as the subject of a panel or a dispute.
	pub fn subject(self, index: u32) -> Subject {
		match self {
			Self::Batch(batch) => Subject::Item { batch, index },
			Self::Channel(channel) => Subject::Turn { channel, index },
		}
	}

	/// The bundle and the entry that `subject` is; `None` for the answer of a single job.
	pub fn of(subject: Subject) -> Option<(Self, u32)> {
		match subject {
			Subject::Job(_) => None,
			Subject::Turn { channel, index } => Some((Self::Channel(channel), index)),
			Subject::Item { batch, index } => Some((Self::Batch(batch), index)),
		}
	}
}

/// What a requester and a worker have to do with each other, and money is held for.
#[derive(
	Clone,
	Copy,
	Debug,
	Decode,
	DecodeWithMemTracking,
	Encode,
	Eq,
	MaxEncodedLen,
	Ord,
	PartialEq,
	PartialOrd,
	TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub enum Engagement {
	/// A job with one input.
	#[codec(index = 0)]
	Job(JobId),
	/// A batch or a channel.
	#[codec(index = 1)]
	Bundle(BundleId),
}

/// One input of a batch: a leaf of the tree that the batch names.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct ItemInput {
	/// Its number, from 0.
	pub index: u32,
	/// BLAKE2b-256 of its bytes.
	pub hash: ContentHash,
	/// Number of bytes.
	pub len: u32,
}

impl ItemInput {
	/// Its leaf.
	pub fn leaf(&self) -> merkle::Node {
		self.using_encoded(merkle::leaf_hash)
	}
}

/// One result of a batch: a leaf of the tree that answers it. The answer's output is the SCALE encoding of
/// `Vec<(Item, Vec<u8>)>`, each with the bytes of its output, so that whoever has it can build every path. The worker's
/// store has inputs and outputs by their own hashes, too, until the batch has ended.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct Item {
	/// What it was computed from.
	pub input: ItemInput,
	/// Bytes of the output.
	pub output_bytes: u32,
	/// What the worker says the result is.
	pub claim: Claim,
	/// What all items up to this one took together; of the last one, what the answer says of all. So that nobody is
	/// charged for more than the items took: two neighbours show it.
	pub total: Usage,
}

impl Item {
	/// Its leaf.
	pub fn leaf(&self) -> merkle::Node {
		self.using_encoded(merkle::leaf_hash)
	}

	/// Whether its total follows from that of the item before it, of which the first has none.
	pub fn continues(&self, before: Option<&Item>) -> bool {
		let sum = |before: u32, own: u32| before.checked_add(own);
		let before = before.map(|item| item.total).unwrap_or_default();
		let own = self.claim.usage;
		sum(before.input_tokens, own.input_tokens) == Some(self.total.input_tokens)
			&& sum(before.output_tokens, own.output_tokens) == Some(self.total.output_tokens)
	}
}

/// What a requester asks for many times over. The inputs are kept off chain, in a list that `list` names; the chain
/// knows their root. A worker looks at the list before it claims: where list and root do not agree, it can't show what
/// may be drawn, and is not paid.
#[derive(Clone, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct BatchSpec<AccountId> {
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What to compute of every input.
	pub kind: JobKind,
	/// The SCALE encoding of `Vec<Vec<u8>>`: the inputs in their order.
	pub list: Payload,
	/// What the chain knows of the inputs.
	pub inputs: BatchInputs,
	/// The only worker that may claim it, if named.
	pub worker: Option<AccountId>,
	/// Blocks that a worker has from claim to answer.
	pub deadline: BlockNumber,
	/// What it is paid with.
	pub lane: Lane,
	/// How it is served.
	pub tier: Tier,
	/// How the drawn items are checked.
	pub verification: Verification,
}

/// What the chain knows of a batch's inputs.
#[derive(
	Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
)]
#[cfg_attr(feature = "std", derive(serde::Serialize, serde::Deserialize))]
pub struct BatchInputs {
	/// Merkle root over the leaves of each [`ItemInput`].
	pub root: Root,
	/// Number of inputs: 1 to [`MAX_ITEMS`].
	pub count: u32,
	/// Bytes of all of them together.
	pub bytes: u32,
	/// Bytes of the longest.
	pub longest: u32,
}

/// Entries of a bundle of `count` that are drawn for a panel: at most `wanted`, different ones, in their order.
pub fn audited_entries(
	bundle: BundleId,
	root: &Root,
	count: u32,
	wanted: u32,
	seed: &[u8; 32],
) -> alloc::vec::Vec<u32> {
	let draw = |i: u32| {
		let hash = (b"noesis:audit", bundle, root, seed, i).using_encoded(sp_crypto_hashing::blake2_256);
		let (head, _) = hash.split_first_chunk::<8>()?;
		u64::from_le_bytes(*head).checked_rem(u64::from(count))?.try_into().ok()
	};
	let drawn: alloc::collections::BTreeSet<u32> = (0..wanted.min(MAX_AUDITS)).filter_map(draw).collect();
	drawn.into_iter().collect()
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	proptest! {
		#[test]
		fn audits_should_be_entries_of_the_bundle_when_drawn(
			count in 0u32..5000, wanted in 0u32..20, seed in any::<[u8; 32]>(),
		) {
			let id = BundleId::Channel(ChannelId(3));
			let drawn = audited_entries(id, &Root([1; 32]), count, wanted, &seed);
			prop_assert!(drawn.iter().all(|index| *index < count));
			prop_assert!(drawn.windows(2).all(|pair| pair[0] < pair[1]));
			prop_assert!(drawn.len() as u32 <= wanted.min(MAX_AUDITS));
			prop_assert_eq!(drawn.is_empty(), count == 0 || wanted == 0);
		}
	}

	#[test]
	fn audits_should_be_spread_evenly_when_the_seed_changes() {
		let id = BundleId::Batch(JobId(1));
		let mut hits = [0u32; 8];
		for seed in 0..2000u32 {
			let seed = seed.using_encoded(sp_crypto_hashing::blake2_256);
			for index in audited_entries(id, &Root([0; 32]), 8, 1, &seed) {
				hits[index as usize] += 1;
			}
		}
		assert!(hits.iter().all(|count| (190..310).contains(count)), "{hits:?}");
	}

	#[test]
	fn item_should_continue_only_the_one_whose_total_it_adds_to() {
		let usage = |tokens| Usage { input_tokens: tokens, output_tokens: 2 * tokens };
		let item = |own, total| Item {
			input: ItemInput { index: 0, hash: ContentHash([0; 32]), len: 1 },
			output_bytes: 1,
			claim: Claim { root: Root([0; 32]), leaves: 1, output: ContentHash([0; 32]), usage: usage(own) },
			total: usage(total),
		};
		assert!(item(5, 5).continues(None) && !item(5, 6).continues(None));
		assert!(item(3, 8).continues(Some(&item(5, 5))));
		assert!(!item(3, 9).continues(Some(&item(5, 5))) && !item(3, 8).continues(None));
		let most = Usage { input_tokens: u32::MAX, output_tokens: u32::MAX };
		assert!(!item(1, 0).continues(Some(&Item { total: most, ..item(1, 1) })));
	}

	#[test]
	fn subject_should_name_its_bundle_and_entry() {
		for id in [BundleId::Batch(JobId(4)), BundleId::Channel(ChannelId(4))] {
			assert_eq!(BundleId::of(id.subject(9)), Some((id, 9)));
		}
		assert_eq!(BundleId::of(Subject::Job(JobId(4))), None);
	}
}
