//! What is true after every block.

use crate::{
	capability::all_differ,
	ledger::{counted, draw_key},
	Barred, Config, DrawKeys, HoldReason, Operators, Pallet, ValidatorsFor,
};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use noesis_primitives::{CheckpointId, OperatorStatus};
use polkadot_sdk::{frame_support, frame_system, sp_runtime::TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet. Walks everything: for tests and `try-runtime` only.
	///
	/// - What is held on each account is its stake, and nothing is held on those that are no operators.
	/// - Exposure never exceeds the stake, and is zero while unbonding.
	/// - `ValidatorsFor` and `DrawKeys` are what a recount gives.
	/// - Only unbonding operators are barred, and their stake is bound at least as long.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let reason = HoldReason::Stake.into();
		let mut validators: BTreeMap<CheckpointId, u32> = BTreeMap::new();
		let (mut keys, mut barred) = (0usize, 0usize);
		for (who, record) in Operators::<T>::iter() {
			ensure!(
				T::Currency::balance_on_hold(&reason, &who) == record.stake,
				"a stake is not what is held"
			);
			ensure!(record.exposure <= record.stake, "an exposure exceeds its stake");
			ensure!(record.since <= Self::now(), "a record is from the future");
			ensure!(all_differ(&record.capability.checkpoints), "a checkpoint is offered twice");
			for id in counted(&record) {
				let count = validators.entry(*id).or_default();
				*count = count.saturating_add(1);
			}
			if let Some(key) = draw_key(&record) {
				keys = keys.saturating_add(1);
				ensure!(DrawKeys::<T>::get(key).as_ref() == Some(&who), "a draw key is not its validator's");
			}
			let bar = Barred::<T>::get(&who);
			barred = barred.saturating_add(usize::from(bar.is_some()));
			match record.status {
				OperatorStatus::Unbonding { until } => {
					ensure!(record.exposure == 0, "an operator leaves with jobs open");
					ensure!(bar.is_none_or(|bar| bar <= until), "a stake is free before its bar");
				},
				_ => ensure!(bar.is_none(), "an operator is barred that is not unbonding"),
			}
		}
		ensure!(DrawKeys::<T>::iter_keys().count() == keys, "a draw key belongs to no validator");
		ensure!(Barred::<T>::iter_keys().count() == barred, "somebody is barred who is no operator");
		let kept: BTreeMap<_, _> = ValidatorsFor::<T>::iter().collect();
		ensure!(kept == validators, "the counters differ from a recount");
		for who in frame_system::Account::<T>::iter_keys().filter(|who| !Operators::<T>::contains_key(who)) {
			ensure!(T::Currency::balance_on_hold(&reason, &who) == 0, "a stake is held for no operator");
		}
		Ok(())
	}
}
