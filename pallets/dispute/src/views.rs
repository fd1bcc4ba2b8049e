//! What the runtime API reads. Not for calls.

use crate::{Config, Dispute, Disputes, Pallet, Players};
use alloc::vec::Vec;
use noesis_primitives::{DisputeId, DisputeView};

impl<T: Config> Pallet<T> {
	/// An open dispute.
	pub fn dispute(id: DisputeId) -> Option<DisputeView<T::AccountId>> {
		Disputes::<T>::get(id).map(|dispute| view(id, dispute))
	}

	/// Open disputes, at most `limit`, in no order.
	pub fn open_disputes(limit: u32) -> Vec<DisputeView<T::AccountId>> {
		Disputes::<T>::iter().take(limit as usize).map(|(id, dispute)| view(id, dispute)).collect()
	}

	/// Open disputes that an account plays in, on either side, at most `limit`: those in which it has to move before the
	/// others, and the most urgent first, so that nobody can hide one behind many. Walks all of the account's.
	pub fn disputes_of(who: &T::AccountId, limit: u32) -> Vec<DisputeView<T::AccountId>> {
		let mut disputes: Vec<_> = Players::<T>::iter_key_prefix(who).filter_map(Self::dispute).collect();
		disputes.sort_unstable_by_key(|view| (view.mover != *who, view.due, view.id));
		disputes.truncate(limit as usize);
		disputes
	}
}

fn view<AccountId: Clone>(id: DisputeId, dispute: Dispute<AccountId>) -> DisputeView<AccountId> {
	DisputeView {
		id,
		mover: dispute.mover().clone(),
		leaf: dispute.phase.leaf().and_then(|leaf| dispute.rules.leaf(leaf)),
		subject: dispute.subject,
		accused: dispute.accused,
		defender: dispute.defender,
		challenger: dispute.challenger,
		bond: dispute.bond,
		claim: dispute.rules.claim,
		checkpoint: dispute.checkpoint,
		kind: dispute.rules.kind,
		arity: dispute.rules.arity(),
		opened: dispute.opened,
		due: dispute.due,
		phase: dispute.phase,
	}
}
