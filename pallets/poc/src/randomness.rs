//! The seeds of panels: made of randomness that came after the answer, and kept as long as anything needs it.
//!
//! A chain forgets the randomness of old blocks, and a panel may stay open for longer. So what came after a block is
//! written down once, at the end of the block that brought it or when it is first used, and forgotten with the last
//! panel or canary of that block. All panels of a block share one entry.
//!
//! Whoever can choose among `k` values of the randomness escapes an audit of chance `p` with `1 - p^k` instead of
//! `1 - p`. So it should come from where neither worker nor collator choose; the draws stay secret all the same,
//! because each comes from its validator's own key.

use crate::{weights::WeightInfo as _, Config, Entropies, NextEntropy, Pallet, Panel, Sample};
use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{panel_seed, BlockNumber, BlockRandomness, Subject};
use polkadot_sdk::{
	frame_support::{traits::Get, weights::Weight},
	frame_system,
	sp_runtime::SaturatedConversion,
};
use scale_info::TypeInfo;

/// Blocks that are looked at in one block: more than one, to catch up when randomness was late.
const CATCH_UP: u32 = 3;
/// Blocks after which randomness that did not come is no longer waited for.
const PATIENCE: BlockNumber = 256;

/// What came after a block, for the panels that opened and the canaries that were committed in it.
#[derive(Clone, Copy, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Entropy {
	/// The randomness, once it is known.
	pub bytes: Option<[u8; 32]>,
	/// Panels and canaries that need it.
	pub users: u32,
}

impl<T: Config> Pallet<T> {
	pub(crate) fn now() -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Notes that the current block has one more panel or canary.
	pub(crate) fn need_entropy() {
		Entropies::<T>::mutate(Self::now(), |entropy| entropy.users = entropy.users.saturating_add(1));
	}

	/// Notes that one of those of `block` is gone.
	pub(crate) fn release_entropy(block: BlockNumber) {
		Entropies::<T>::mutate_exists(block, |entropy| {
			*entropy = entropy.take().and_then(|kept| {
				let users = kept.users.saturating_sub(1);
				(users > 0).then_some(Entropy { users, ..kept })
			});
		});
	}

	/// What came after `block`, if it is known.
	pub(crate) fn entropy(block: BlockNumber) -> Option<[u8; 32]> {
		if Self::now() <= block {
			return None;
		}
		Entropies::<T>::get(block).bytes.or_else(|| T::Randomness::after(block))
	}

	/// The same, and writes it down if it is known and needed.
	pub(crate) fn keep_entropy(block: BlockNumber) -> Option<[u8; 32]> {
		if Self::now() <= block {
			return None;
		}
		let mut entropy = Entropies::<T>::try_get(block).ok()?;
		if entropy.bytes.is_none() {
			entropy.bytes = T::Randomness::after(block);
			if entropy.bytes.is_some() {
				Entropies::<T>::insert(block, entropy);
			}
		}
		entropy.bytes
	}

	/// Writes down what came after the blocks that need it and are not served yet, as far as it is known.
	pub(crate) fn catch_up() {
		let now = Self::now();
		let first = NextEntropy::<T>::get();
		let mut next = first.max(now.saturating_sub(PATIENCE));
		for _ in 0..CATCH_UP {
			let waits = Entropies::<T>::contains_key(next) && Self::keep_entropy(next).is_none();
			if next >= now || waits {
				break;
			}
			next = next.saturating_add(1);
		}
		if next != first {
			NextEntropy::<T>::put(next);
		}
	}

	/// What [`Self::catch_up`] weighs, with what the source of randomness reads.
	pub(crate) fn catch_up_weight() -> Weight {
		let each = T::DbWeight::get().reads_writes(6, 1);
		T::WeightInfo::keep_randomness().saturating_add(each.saturating_mul(CATCH_UP.into()))
	}

	/// The seed of a panel, once the randomness after its answer is there.
	pub(crate) fn seed_of(subject: Subject, panel: &Panel<T::AccountId>) -> Option<[u8; 32]> {
		Self::entropy(panel.opened).map(|bytes| panel_seed(subject, &panel.claim, bytes))
	}

	/// Whether the answer of a panel is audited.
	pub(crate) fn sample(subject: Subject, panel: &Panel<T::AccountId>) -> Sample {
		match panel.terms.sample(None) {
			Sample::Unknown => panel.terms.sample(Self::seed_of(subject, panel)),
			known => known,
		}
	}
}
