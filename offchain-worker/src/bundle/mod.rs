//! Entries of bundles: the items of a batch and the turns of a channel, which are shown, checked and disputed alike.
//!
//! A worker shows what was drawn ([`awaited`]); an outsider computes entries again and shows what is wrong
//! ([`examine`]). `docs/protocol.md`, "Batches and channels", has the rules.

mod examine;

pub(crate) use examine::examine;
pub use examine::Examined;

use crate::{chain::Call, AccountId};
use noesis_primitives::{
	BlockNumber, BundleView, CheckpointId, Claim, ContentHash, DisputedSubject, JobKind, Locator, Payload,
	Subject,
};

/// An entry, as whoever has its bundle can check, show and dispute it.
#[derive(Clone, Debug)]
pub struct Entry {
	/// Which.
	pub subject: Subject,
	/// What was computed, and what the worker says came out.
	pub work: DisputedSubject<AccountId>,
	/// What shows it; `None` when it stands on chain already.
	pub show: Option<Call>,
	/// Why it can't be true whatever comes out: showing it ends the bundle at once.
	pub fault: Option<&'static str>,
}

/// Whose results a bundle holds.
#[derive(Clone, Copy, Debug)]
pub struct Parties {
	/// Who computed them.
	pub worker: AccountId,
	/// Who pays.
	pub requester: AccountId,
	/// On what.
	pub checkpoint: CheckpointId,
}

impl Parties {
	/// An entry's work: input and output are in the worker's store by their hashes. Entries are never sealed.
	pub fn work(
		&self,
		kind: JobKind,
		(input, input_bytes): (ContentHash, u32),
		output_bytes: u32,
		claim: Claim,
	) -> DisputedSubject<AccountId> {
		let stored = |hash, len| Payload::Stored { hash, len, locator: Locator::default() };
		let Self { worker, requester, checkpoint } = *self;
		DisputedSubject {
			worker,
			requester,
			checkpoint,
			kind,
			input: stored(input, input_bytes),
			output: stored(claim.output, output_bytes),
			claim,
			sealed: None,
		}
	}
}

/// Entries that the chain waits to be shown at block `now`: drawn, not shown yet, and in time.
pub fn awaited(bundle: &BundleView, now: BlockNumber) -> impl Iterator<Item = u32> + '_ {
	let in_time = now < bundle.show_until;
	let drawn = bundle.audits.iter().flatten().copied().filter(move |_| in_time);
	drawn.filter(|index| !bundle.shown.contains(index))
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_primitives::Root;

	#[test]
	fn entry_should_be_awaited_only_while_it_is_drawn_hidden_and_in_time() {
		let mut bundle = BundleView {
			root: Root([0; 32]),
			count: 9,
			fixed: 10,
			audits: None,
			shown: vec![3],
			show_until: 20,
		};
		assert_eq!(awaited(&bundle, 12).count(), 0);
		bundle.audits = Some(vec![1, 3, 7]);
		assert_eq!(awaited(&bundle, 19).collect::<Vec<_>>(), [1, 7]);
		assert_eq!(awaited(&bundle, 20).count(), 0);
	}
}
