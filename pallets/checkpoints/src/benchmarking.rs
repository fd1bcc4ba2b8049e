//! Costs of the calls, measured in their worst cases.

use crate::{admission, Call, Config, Heads, Pallet};
use alloc::vec;
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	EnsureOrigin,
};
use frame_system::RawOrigin;
use noesis_primitives::{
	CheckpointId, CheckpointRecord, ContentHash, Locators, Profile, Root, MAX_LAYERS, MAX_LOCATORS,
	MAX_LOCATOR_BYTES,
};
use polkadot_sdk::*;

fn full_locators() -> Locators {
	let longest = vec![b'x'; MAX_LOCATOR_BYTES as usize].try_into().unwrap_or_default();
	vec![longest; MAX_LOCATORS as usize].try_into().unwrap_or_default()
}

/// A valid record of `roots` roots; different seeds make different models.
fn record(roots: u32, seed: u8, parent: Option<CheckpointId>) -> CheckpointRecord {
	let mut record = CheckpointRecord {
		parent,
		profile: Profile::Exact,
		architecture: ContentHash([seed; 32]),
		tokenizer: ContentHash([seed; 32]),
		weights: Root::default(),
		layer_roots: vec![Root([seed; 32]); roots as usize].try_into().unwrap_or_default(),
		width: 64,
		layers: roots.saturating_sub(1),
		context: 1,
		vocabulary: 1,
		units_per_token: 1,
		locators: full_locators(),
	};
	record.weights = Root(admission::weights_root(&record));
	record
}

/// An account that can pay for four full records.
fn rich<T: Config>() -> Result<T::AccountId, BenchmarkError> {
	let caller: T::AccountId = whitelisted_caller();
	let deposit = Pallet::<T>::deposit_of(&record(MAX_LAYERS, 0, None));
	let ample = deposit.saturating_mul(4).saturating_add(T::Currency::minimum_balance());
	T::Currency::mint_into(&caller, ample)?;
	Ok(caller)
}

fn registered<T: Config>(caller: &T::AccountId) -> Result<CheckpointId, BenchmarkError> {
	let id = Pallet::<T>::next_id();
	Pallet::<T>::do_register(caller.clone(), record(MAX_LAYERS, 1, None))?;
	Ok(id)
}

/// One benchmark for each call.
#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn register(r: Linear<2, { MAX_LAYERS }>) -> Result<(), BenchmarkError> {
		let caller = rich::<T>()?;
		let parent = registered::<T>(&caller)?;
		let id = Pallet::<T>::next_id();
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), record(r, 2, Some(parent)));
		assert!(Heads::<T>::contains_key(id));
		Ok(())
	}

	#[benchmark]
	fn deprecate() -> Result<(), BenchmarkError> {
		let caller = rich::<T>()?;
		let id = registered::<T>(&caller)?;
		let origin = T::AdminOrigin::try_successful_origin().map_err(|_| BenchmarkError::Weightless)?;
		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, id);
		assert!(Heads::<T>::get(id).is_some_and(|head| !head.facts().active));
		Ok(())
	}

	#[benchmark]
	fn set_locators() -> Result<(), BenchmarkError> {
		let caller = rich::<T>()?;
		let id = registered::<T>(&caller)?;
		Pallet::<T>::do_set_locators(caller.clone(), id, Locators::default())?;
		#[extrinsic_call]
		_(RawOrigin::Signed(caller), id, full_locators());
		assert_eq!(Pallet::<T>::view(id).map(|view| view.record.locators), Some(full_locators()));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
