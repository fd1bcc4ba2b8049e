//! What is true after every block.

use crate::{
	admission, identity, ByIdentity, CheckpointStatus, Config, Heads, HoldReason, NextId, Pallet, Records,
};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use noesis_primitives::Balance;
use polkadot_sdk::{frame_support, frame_system, sp_runtime::TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet. Walks everything: for tests and `try-runtime` only.
	///
	/// - Ids are dense below `NextId`, and each has a head and a record that agree.
	/// - A parent is older than its child, and depths count ancestors.
	/// - `ByIdentity` names exactly the active checkpoints.
	/// - What is held on each account is the sum of its checkpoints' deposits.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let next = NextId::<T>::get();
		let mut deposits: BTreeMap<T::AccountId, Balance> = BTreeMap::new();
		let (mut heads, mut active) = (0u32, 0usize);
		for (id, head) in Heads::<T>::iter() {
			heads = heads.saturating_add(1);
			ensure!(id < next, "a checkpoint's id is not below the next one");
			let record = Records::<T>::get(id).ok_or("a checkpoint has no record")?;
			let is_active = head.status == CheckpointStatus::Active;
			ensure!(head.facts() == admission::facts(&record, is_active), "head and record disagree");
			ensure!(admission::weights_root(&record) == record.weights.0, "weights are not the layers' root");
			let depth = match record.parent {
				Some(parent) => {
					ensure!(parent < id, "a parent is not older than its child");
					Heads::<T>::get(parent).ok_or("a parent is missing")?.depth.saturating_add(1)
				},
				None => 0,
			};
			ensure!(head.depth == depth, "a depth is not the number of ancestors");
			if is_active {
				active = active.saturating_add(1);
				let indexed = ByIdentity::<T>::get(identity(&record));
				ensure!(indexed == Some(id), "an active checkpoint is not under its identity");
			}
			let sum = deposits.entry(head.owner).or_default();
			*sum = sum.saturating_add(head.deposit);
		}
		ensure!(heads == next.0, "ids are not dense");
		ensure!(Records::<T>::iter_keys().count() == heads as usize, "a record has no head");
		ensure!(ByIdentity::<T>::iter_keys().count() == active, "an identity names no active checkpoint");

		let reason = HoldReason::CheckpointDeposit.into();
		for (owner, sum) in &deposits {
			ensure!(T::Currency::balance_on_hold(&reason, owner) == *sum, "deposits are not what is held");
		}
		for who in frame_system::Account::<T>::iter_keys().filter(|who| !deposits.contains_key(who)) {
			ensure!(T::Currency::balance_on_hold(&reason, &who) == 0, "a deposit is held for no checkpoint");
		}
		Ok(())
	}
}
