//! Costs of the calls, measured in their worst cases: a validator that offers as much as it can.

use crate::{affiliation::name_of, standing::Move, Appeals, Barred, Call, Config, Operators, Owners, Pallet};
use alloc::{vec, vec::Vec};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Inspect, Mutate},
		ConstU32, EnsureOrigin,
	},
	BoundedVec,
};
use frame_system::RawOrigin;
use noesis_primitives::{
	Appeal, Balance, BlockNumber, Capability, CheckpointId, OperatorStatus, Role, MAX_APPEAL_BYTES,
	MAX_LOCATOR_BYTES, MAX_RUNNABLE,
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
		region: vec![b'x'; 16].try_into().unwrap_or_default(),
		endpoint: endpoint.try_into().unwrap_or_default(),
		draw_key: [key; 32],
		owner: Some([key; 32]),
		seal_key: Some([key; 32]),
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
	Pallet::<T>::do_appeal(who.clone(), Default::default())?;
	Pallet::<T>::do_move(who.clone(), Move::Leave)?;
	if let Some(OperatorStatus::Unbonding { until }) = status::<T>(&who) {
		frame_system::Pallet::<T>::set_block_number(until.saturated_into());
	}
	Ok(who)
}

/// A block at which nothing has been heard for too long of an operator that came in now. Without heartbeats there is
/// none, and nothing to measure.
fn silence<T: Config>() -> Result<(), BenchmarkError> {
	let from = Pallet::<T>::absent_from(Pallet::<T>::now()).ok_or(BenchmarkError::Weightless)?;
	frame_system::Pallet::<T>::set_block_number(from.saturated_into());
	Ok(())
}

fn status<T: Config>(who: &T::AccountId) -> Option<OperatorStatus> {
	Pallet::<T>::record(who).map(|record| record.status)
}

/// An excluded validator that has appealed.
fn appellant<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let who = validator::<T>()?;
	Pallet::<T>::do_move(who.clone(), Move::ShutOut { blocks: 10 })?;
	let reason = vec![b'x'; MAX_APPEAL_BYTES as usize].try_into().unwrap_or_default();
	Pallet::<T>::do_appeal(who.clone(), reason)?;
	Ok(who)
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
		let who = appellant::<T>()?;
		let origin = admin::<T>()?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone());
		assert_eq!(status::<T>(&who), Some(OperatorStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn appeal(r: Linear<0, { MAX_APPEAL_BYTES }>) -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		Pallet::<T>::do_move(who.clone(), Move::ShutOut { blocks: 10 })?;
		Pallet::<T>::do_move(who.clone(), Move::Leave)?;
		let reason: BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>> =
			vec![b'x'; r as usize].try_into().unwrap_or_default();
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()), reason);
		assert!(matches!(Appeals::<T>::get(&who), Some(Appeal::Filed { .. })));
		Ok(())
	}

	#[benchmark]
	fn confirm() -> Result<(), BenchmarkError> {
		let who = appellant::<T>()?;
		Pallet::<T>::do_move(who.clone(), Move::Leave)?;
		let origin = T::AppealOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, who.clone());
		assert!(matches!(Appeals::<T>::get(&who), Some(Appeal::Dismissed { .. })));
		Ok(())
	}

	#[benchmark]
	fn heartbeat() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		silence::<T>()?;
		Pallet::<T>::do_move(who.clone(), Move::Vanish)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(who.clone()));
		assert_eq!(status::<T>(&who), Some(OperatorStatus::Active));
		Ok(())
	}

	#[benchmark]
	fn sweep() -> Result<(), BenchmarkError> {
		let who = validator::<T>()?;
		silence::<T>()?;
		let caller: T::AccountId = account("sweeper", 0, 0);
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), who.clone());
		assert!(matches!(status::<T>(&who), Some(OperatorStatus::Absent { .. })));
		Ok(())
	}

	#[benchmark]
	fn authorise() -> Result<(), BenchmarkError> {
		let who = rich::<T>()?;
		let owner: T::AccountId = account("owner", 0, 0);
		let named = Capability { owner: Some(name_of(&owner)), ..capability(0, MAX_RUNNABLE, 1) };
		Pallet::<T>::do_register(who.clone(), Role::Validator, stake::<T>(), named)?;
		#[extrinsic_call]
		_(RawOrigin::Signed(owner.clone()), who.clone(), true);
		assert_eq!(Owners::<T>::get(&who), Some(owner));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
