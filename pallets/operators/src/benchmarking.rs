//! Costs of the calls, measured in their worst cases: a validator that offers as much as it can.

use crate::{standing::Move, Barred, Call, Config, Operators, Pallet};
use alloc::vec::Vec;
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	EnsureOrigin,
};
use frame_system::RawOrigin;
use noesis_primitives::{
	Balance, BlockNumber, Capability, CheckpointId, OperatorStatus, Role, MAX_LOCATOR_BYTES, MAX_RUNNABLE,
};
use polkadot_sdk::*;
use sp_runtime::SaturatedConversion;

/// A capability of the greatest size on `count` checkpoints from number `from` on.
fn capability(from: u32, count: u32, key: u8) -> Capability {
	let checkpoints: Vec<_> = (from..from.saturating_add(count)).map(CheckpointId).collect();
	let mut endpoint = b"https://".to_vec();
	endpoint.resize(MAX_LOCATOR_BYTES as usize, b'x');
	Capability {
		checkpoints: checkpoints.try_into().unwrap_or_default(),
		memory_mib: u32::MAX,
		tokens_per_second: u32::MAX,
		region: alloc::vec![b'x'; 16].try_into().unwrap_or_default(),
		endpoint: endpoint.try_into().unwrap_or_default(),
		draw_key: [key; 32],
	}
}

fn stake<T: Config>() -> Balance {
	Pallet::<T>::min_stake(Role::Validator).max(T::Currency::minimum_balance())
}

/// An account that can stake twice.
fn rich<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = whitelisted_caller();
	T::Currency::mint_into(
		&who,
		stake::<T>().saturating_mul(2).saturating_add(T::Currency::minimum_balance()),
	)?;
	Ok(who)
}

/// A validator that offers as much as it can.
fn validator<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who = rich::<T>()?;
	let capability = capability(0, MAX_RUNNABLE, 1);
	Pallet::<T>::do_register(who.clone(), Role::Validator, stake::<T>(), capability)?;
	Ok(who)
}

/// One that unbonds out of an exclusion that is over, as the stake's lock is.
fn free<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who = validator::<T>()?;
	Pallet::<T>::do_move(who.clone(), Move::ShutOut { blocks: 1 })?;
	Pallet::<T>::do_move(who.clone(), Move::Leave)?;
	if let Some(OperatorStatus::Unbonding { until }) = status::<T>(&who) {
		frame_system::Pallet::<T>::set_block_number(until.saturated_into());
	}
	Ok(who)
}

fn status<T: Config>(who: &T::AccountId) -> Option<OperatorStatus> {
	Pallet::<T>::record(who).map(|record| record.status)
}

fn admin<T: Config>() -> Result<T::RuntimeOrigin, BenchmarkError> {
	T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)
}

/// One benchmark for each call.
#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register(c: Linear<0, { MAX_RUNNABLE }>) -> Result<(), BenchmarkError> {
		let who = rich::<T>()?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), Role::Validator, stake::<T>(), capability(0, c, 1));
		assert_eq!(status::<T>(&who), Some(OperatorStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn add_stake() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), stake::<T>());
		assert_eq!(
			Pallet::<T>::record(&who).map(|record| record.stake),
			Some(stake::<T>().saturating_mul(2))
		);
		Ok(())
	}

	#[benchmark]
	fn update_capability(c: Linear<0, { MAX_RUNNABLE }>) -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		let new = capability(MAX_RUNNABLE, c, 2);
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), new.clone());
		assert_eq!(Pallet::<T>::record(&who).map(|record| record.capability), Some(new));
		Ok(())
	}

	#[benchmark]
	fn unbond() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(matches!(status::<T>(&who), Some(OperatorStatus::Unbonding { .. })));
		Ok(())
	}

	#[benchmark]
	fn withdraw() -> Result<(), BenchmarkError> {
		let who = free::<T>()?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert!(!Operators::<T>::contains_key(&who));
		Ok(())
	}

	#[benchmark]
	fn rejoin() -> Result<(), BenchmarkError> {
		let who = free::<T>()?;
		assert!(Barred::<T>::contains_key(&who));
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(status::<T>(&who), Some(OperatorStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn exclude() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		let origin = admin::<T>()?;
		let blocks: BlockNumber = 10;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone(), blocks);
		assert!(matches!(status::<T>(&who), Some(OperatorStatus::Excluded { .. })));
		Ok(())
	}

	#[benchmark]
	fn readmit() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		Pallet::<T>::do_move(who.clone(), Move::ShutOut { blocks: 10 })?;
		let origin = admin::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone());
		assert_eq!(status::<T>(&who), Some(OperatorStatus::Active));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
