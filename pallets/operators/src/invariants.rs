//! What is true after every block.

use crate::{
	affiliation::name_of, capability::all_differ, ledger::counted, Appeals, Barred, Config, HoldReason,
	Operators, Owners, Pallet, Reputations, ValidatorsFor,
};
use alloc::collections::BTreeMap;
use frame_support::{ensure, traits::fungible::InspectHold};
use noesis_primitives::{Appeal, CheckpointId, OperatorRecord, OperatorStatus, Role};
use polkadot_sdk::{frame_support, frame_system, sp_runtime::TryRuntimeError};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet. Walks everything: for tests and `try-runtime` only.
	///
	/// - What is held on each account is its stake, and nothing is held on those that are no operators.
	/// - Validators have no exposure, and nobody has any while unbonding. (A worker's may exceed its cap after a slash
	///   or a decision of governance; then it gets no more.)
	/// - `ValidatorsFor` is what a recount gives.
	/// - Only unbonding operators are barred, and their stake is bound at least as long.
	/// - Only who is shut out has an appeal.
	/// - Owned accounts are operators and name their owner.
	/// - Nothing is from the future, reputations and measurements are in range, and no blank reputation is kept.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut validators: BTreeMap<CheckpointId, u32> = BTreeMap::new();
		for (who, record) in Operators::<T>::iter() {
			Self::check_record(&who, &record)?;
			for id in counted(&record) {
				let count = validators.entry(*id).or_default();
				*count = count.saturating_add(1);
			}
		}
		let kept: BTreeMap<_, _> = ValidatorsFor::<T>::iter().collect();
		ensure!(kept == validators, "the counters differ from a recount");
		Self::check_exclusions()?;
		Self::check_owners()?;
		for repute in Reputations::<T>::iter_values() {
			ensure!(repute.is_sound(Self::now()), "a reputation is out of range");
		}
		let reason = HoldReason::Stake.into();
		for who in frame_system::Account::<T>::iter_keys().filter(|who| !Operators::<T>::contains_key(who)) {
			ensure!(T::Currency::balance_on_hold(&reason, &who) == 0, "a stake is held for no operator");
		}
		Ok(())
	}

	fn check_record(who: &T::AccountId, record: &OperatorRecord) -> Result<(), TryRuntimeError> {
		let now = Self::now();
		let held = T::Currency::balance_on_hold(&HoldReason::Stake.into(), who);
		ensure!(held == record.stake, "a stake is not what is held");
		let latest = record.since.max(record.seen).max(record.added_at);
		ensure!(latest <= now, "a record is from the future");
		ensure!(all_differ(&record.capability.checkpoints), "a checkpoint is offered twice");
		ensure!(record.pace.blocks >= record.pace.answers, "an answer took less than a block");
		match record.role {
			Role::Worker => {},
			Role::Validator => ensure!(record.exposure == 0, "a validator has jobs open"),
		}
		match record.status {
			OperatorStatus::Unbonding { .. } => {
				ensure!(record.exposure == 0, "an operator leaves with jobs open");
			},
			OperatorStatus::Absent { since } => ensure!(since <= now, "an absence is from the future"),
			OperatorStatus::Active | OperatorStatus::Excluded { .. } => {},
		}
		Ok(())
	}

	fn check_exclusions() -> Result<(), TryRuntimeError> {
		let status = |who: &T::AccountId| Operators::<T>::get(who).map(|record| record.status);
		for (who, bar) in Barred::<T>::iter() {
			let Some(OperatorStatus::Unbonding { until }) = status(&who) else {
				return Err("somebody is barred who does not unbond".into());
			};
			ensure!(bar <= until, "a stake is free before its bar");
		}
		for (who, appeal) in Appeals::<T>::iter() {
			let shut_out = matches!(status(&who), Some(OperatorStatus::Excluded { .. }));
			ensure!(shut_out || Barred::<T>::contains_key(&who), "somebody appeals who is not shut out");
			let (Appeal::Filed { at, .. } | Appeal::Dismissed { at }) = appeal;
			ensure!(at <= Self::now(), "an appeal is from the future");
		}
		Ok(())
	}

	fn check_owners() -> Result<(), TryRuntimeError> {
		for (device, owner) in Owners::<T>::iter() {
			let named = Operators::<T>::get(&device).and_then(|record| record.capability.owner);
			ensure!(named == Some(name_of(&owner)), "an account does not name its owner");
			ensure!(device != owner, "an account owns itself");
		}
		Ok(())
	}
}
