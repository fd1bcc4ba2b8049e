//! What other pallets ask of operators.

use crate::{standing::Move, Config, Event, Operators, Pallet, ValidatorsFor};
use frame_support::{ensure, traits::Get};
use noesis_primitives::{
	Balance, BlockNumber, CheckpointId, OperatorFault, OperatorRecord, OperatorRegistry, OperatorStatus, Role,
};
use polkadot_sdk::frame_support;

/// The record of an active operator of this role.
fn active<T: Config>(who: &T::AccountId, role: Role) -> Result<OperatorRecord, OperatorFault> {
	let record = Operators::<T>::get(who).ok_or(OperatorFault::Unknown)?;
	ensure!(record.role == role, OperatorFault::WrongRole);
	match record.status {
		OperatorStatus::Active => Ok(record),
		OperatorStatus::Unbonding { .. } => Err(OperatorFault::Unbonding),
		OperatorStatus::Excluded { .. } => Err(OperatorFault::Excluded),
	}
}

impl<T: Config> OperatorRegistry<T::AccountId> for Pallet<T> {
	fn ensure_worker(who: &T::AccountId, checkpoint: CheckpointId) -> Result<(), OperatorFault> {
		let record = active::<T>(who, Role::Worker)?;
		ensure!(record.capability.checkpoints.contains(&checkpoint), OperatorFault::CannotRun);
		Ok(())
	}

	fn ensure_validator(
		who: &T::AccountId,
		checkpoint: CheckpointId,
		before: BlockNumber,
	) -> Result<[u8; 32], OperatorFault> {
		let record = active::<T>(who, Role::Validator)?;
		ensure!(record.capability.checkpoints.contains(&checkpoint), OperatorFault::CannotRun);
		ensure!(record.since < before, OperatorFault::TooNew);
		Ok(record.capability.draw_key)
	}

	fn validators(checkpoint: CheckpointId) -> u32 {
		ValidatorsFor::<T>::get(checkpoint)
	}

	fn expose(who: &T::AccountId, price: Balance) -> Result<(), OperatorFault> {
		let old = active::<T>(who, Role::Worker)?;
		let exposure = old.exposure.checked_add(price).ok_or(OperatorFault::OverExposed)?;
		ensure!(exposure <= old.stake, OperatorFault::OverExposed);
		Self::replace(who, Some(&old), Some(OperatorRecord { exposure, ..old.clone() }));
		Ok(())
	}

	fn relieve(who: &T::AccountId, price: Balance) {
		if let Some(old) = Operators::<T>::get(who) {
			let exposure = old.exposure.saturating_sub(price);
			Self::replace(who, Some(&old), Some(OperatorRecord { exposure, ..old.clone() }));
		}
	}

	fn mark(who: &T::AccountId) {
		let Some(old) = Operators::<T>::get(who) else { return };
		let marks = old.marks.saturating_add(1);
		let new = OperatorRecord { marks, ..old.clone() };
		Self::deposit_event(Event::Marked { who: who.clone(), marks });
		let shut_out = old.status == OperatorStatus::Active && marks >= T::MaxMarks::get();
		let event = Move::ShutOut { blocks: T::ExclusionPeriod::get() };
		if !shut_out || Self::apply_move(who.clone(), &old, new.clone(), event).is_err() {
			Self::replace(who, Some(&old), Some(new));
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	fn register_for_benchmark(who: &T::AccountId, role: Role, checkpoint: CheckpointId, draw_key: [u8; 32]) {
		use crate::HoldReason;
		use alloc::vec;
		use frame_support::traits::fungible::{Inspect, Mutate, MutateHold};
		use noesis_primitives::Capability;

		let old = Operators::<T>::get(who);
		let ample = Self::min_stake(role).max(T::Currency::minimum_balance()).saturating_mul(1_000_000);
		let stake = old.as_ref().map_or(ample, |old| old.stake);
		if old.is_none() {
			let funds = stake.saturating_add(T::Currency::minimum_balance());
			let paid = T::Currency::mint_into(who, funds)
				.and_then(|_| T::Currency::hold(&HoldReason::Stake.into(), who, stake));
			assert!(paid.is_ok(), "a benchmark's operator can be funded");
		}
		let new = OperatorRecord {
			role,
			stake,
			exposure: 0,
			capability: Capability {
				checkpoints: vec![checkpoint].try_into().unwrap_or_default(),
				memory_mib: 1024,
				tokens_per_second: 10,
				region: Default::default(),
				endpoint: b"http://127.0.0.1:8100".to_vec().try_into().unwrap_or_default(),
				draw_key,
			},
			status: OperatorStatus::Active,
			since: 0,
			marks: 0,
		};
		Self::replace(who, old.as_ref(), Some(new));
	}
}
