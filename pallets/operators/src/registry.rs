//! What other pallets ask of operators.

use crate::{standing::Move, Config, Operators, Pallet, ValidatorsFor};
use frame_support::{ensure, traits::Get};
use noesis_primitives::{
	Balance, BlockNumber, CheckpointId, Conduct, Fault, OperatorFault, OperatorRecord, OperatorRegistry,
	OperatorStatus, Reputation, Role, Slashed,
};
use polkadot_sdk::frame_support;

/// Whether enough of this shuts an operator out. A dissent does not: the minority may be right.
fn makes_a_mark(conduct: Conduct) -> bool {
	match conduct {
		Conduct::Missed | Conduct::Rejected => true,
		Conduct::Served | Conduct::Vouched | Conduct::Dissented => false,
	}
}

impl<T: Config> OperatorRegistry<T::AccountId> for Pallet<T> {
	fn ensure_worker(who: &T::AccountId, checkpoint: CheckpointId) -> Result<(), OperatorFault> {
		Self::offering(who, Role::Worker, checkpoint).map(|_| ())
	}

	fn ensure_validator(
		who: &T::AccountId,
		checkpoint: CheckpointId,
		before: BlockNumber,
	) -> Result<[u8; 32], OperatorFault> {
		let record = Self::offering(who, Role::Validator, checkpoint)?;
		let stands = record.offers_since(checkpoint).is_some_and(|since| since < before);
		ensure!(stands, OperatorFault::TooNew);
		Ok(record.capability.draw_key)
	}

	fn seal_key(who: &T::AccountId) -> Option<[u8; 32]> {
		Operators::<T>::get(who).filter(|record| record.role == Role::Worker)?.capability.seal_key
	}

	fn validators(checkpoint: CheckpointId) -> u32 {
		ValidatorsFor::<T>::get(checkpoint)
	}

	fn expose(who: &T::AccountId, price: Balance) -> Result<(), OperatorFault> {
		let old = Self::taking_part(who, Role::Worker)?;
		let (exposure, cap) = (old.exposure.saturating_add(price), Self::cap_of(&old));
		ensure!(exposure <= cap, OperatorFault::OverExposed { by: exposure.saturating_sub(cap) });
		let new = OperatorRecord { exposure, seen: Self::now(), ..old.clone() };
		Self::replace(who, Some(&old), Some(new));
		Ok(())
	}

	fn relieve(who: &T::AccountId, price: Balance) {
		if let Some(old) = Operators::<T>::get(who) {
			let exposure = old.exposure.saturating_sub(price);
			Self::replace(who, Some(&old), Some(OperatorRecord { exposure, ..old.clone() }));
		}
	}

	fn note(who: &T::AccountId, conduct: Conduct) {
		Self::remember_conduct(who, conduct);
		let marks = makes_a_mark(conduct).then(|| Self::mark(who)).flatten();
		let Some(old) = Operators::<T>::get(who) else { return };
		let mut new = old.clone();
		// A deadline that passes is what silence looks like; everything else is settled work.
		if conduct != Conduct::Missed {
			new.seen = Self::now();
		}
		let takes_part = matches!(old.status, OperatorStatus::Active | OperatorStatus::Absent { .. });
		let shut_out = takes_part && marks.is_some_and(|marks| marks >= T::MaxMarks::get());
		let event = Move::ShutOut { blocks: T::ExclusionPeriod::get() };
		if !shut_out || Self::apply_move(who.clone(), &old, new.clone(), event).is_err() {
			Self::replace(who, Some(&old), Some(new));
		}
	}

	fn slash(who: &T::AccountId, fault: Fault, reward: Option<&T::AccountId>) -> Slashed {
		Self::do_slash(who, fault, reward)
	}

	fn reputation(who: &T::AccountId) -> Reputation {
		Self::reputation_of(who)
	}

	fn same_operator(a: &T::AccountId, b: &T::AccountId) -> bool {
		Self::belong_together(a, b)
	}

	fn rate(who: &T::AccountId, stars: u8) {
		Self::do_rate(who, stars);
	}

	fn measured(who: &T::AccountId, tokens: u64, blocks: BlockNumber) {
		Self::do_measure(who, tokens, blocks);
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
				owner: None,
				seal_key: (role == Role::Worker).then_some([1; 32]),
			},
			status: OperatorStatus::Active,
			since: 0,
			added: 0,
			added_at: 0,
			seen: Self::now(),
			pace: Default::default(),
		};
		Self::replace(who, old.as_ref(), Some(new));
	}
}
