//! Weights of `pallet_poi`.
//!
//! Estimates for the first start of a network, in the form that `frame-omni-bencher v1 benchmark pallet` writes.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use polkadot_sdk::{frame_support, frame_system};
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_poi`.
pub trait WeightInfo {
	fn submit(b: u32, ) -> Weight;
	fn claim() -> Weight;
	fn release() -> Weight;
	fn answer(b: u32, ) -> Weight;
	fn cancel() -> Weight;
	fn expire() -> Weight;
	fn prune() -> Weight;
	fn settle() -> Weight;
	fn service_block() -> Weight;
	fn service_job() -> Weight;
}

/// Weights for `pallet_poi` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `b` is `[1, 4096]`.
	fn submit(b: u32, ) -> Weight {
		Weight::from_parts(70_000_000, 25000)
			.saturating_add(Weight::from_parts(2_500, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(8_u64))
	}
	fn claim() -> Weight {
		Weight::from_parts(75_000_000, 28000)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(10_u64))
	}
	fn release() -> Weight {
		Weight::from_parts(80_000_000, 28000)
			.saturating_add(T::DbWeight::get().reads(12_u64))
			.saturating_add(T::DbWeight::get().writes(10_u64))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(b: u32, ) -> Weight {
		Weight::from_parts(80_000_000, 28000)
			.saturating_add(Weight::from_parts(3_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(11_u64))
			.saturating_add(T::DbWeight::get().writes(10_u64))
	}
	fn cancel() -> Weight {
		Weight::from_parts(75_000_000, 25000)
			.saturating_add(T::DbWeight::get().reads(9_u64))
			.saturating_add(T::DbWeight::get().writes(9_u64))
	}
	fn expire() -> Weight {
		Weight::from_parts(95_000_000, 32000)
			.saturating_add(T::DbWeight::get().reads(14_u64))
			.saturating_add(T::DbWeight::get().writes(13_u64))
	}
	fn prune() -> Weight {
		Weight::from_parts(25_000_000, 12000)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(5_u64))
	}
	fn settle() -> Weight {
		Weight::from_parts(900_000_000, 70000)
			.saturating_add(T::DbWeight::get().reads(28_u64))
			.saturating_add(T::DbWeight::get().writes(28_u64))
	}
	fn service_block() -> Weight {
		Weight::from_parts(8_000_000, 5000)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	fn service_job() -> Weight {
		Weight::from_parts(900_000_000, 70000)
			.saturating_add(T::DbWeight::get().reads(28_u64))
			.saturating_add(T::DbWeight::get().writes(28_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// The range of component `b` is `[1, 4096]`.
	fn submit(b: u32, ) -> Weight {
		Weight::from_parts(70_000_000, 25000)
			.saturating_add(Weight::from_parts(2_500, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().writes(8_u64))
	}
	fn claim() -> Weight {
		Weight::from_parts(75_000_000, 28000)
			.saturating_add(RocksDbWeight::get().reads(12_u64))
			.saturating_add(RocksDbWeight::get().writes(10_u64))
	}
	fn release() -> Weight {
		Weight::from_parts(80_000_000, 28000)
			.saturating_add(RocksDbWeight::get().reads(12_u64))
			.saturating_add(RocksDbWeight::get().writes(10_u64))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(b: u32, ) -> Weight {
		Weight::from_parts(80_000_000, 28000)
			.saturating_add(Weight::from_parts(3_000, 0).saturating_mul(b.into()))
			.saturating_add(RocksDbWeight::get().reads(11_u64))
			.saturating_add(RocksDbWeight::get().writes(10_u64))
	}
	fn cancel() -> Weight {
		Weight::from_parts(75_000_000, 25000)
			.saturating_add(RocksDbWeight::get().reads(9_u64))
			.saturating_add(RocksDbWeight::get().writes(9_u64))
	}
	fn expire() -> Weight {
		Weight::from_parts(95_000_000, 32000)
			.saturating_add(RocksDbWeight::get().reads(14_u64))
			.saturating_add(RocksDbWeight::get().writes(13_u64))
	}
	fn prune() -> Weight {
		Weight::from_parts(25_000_000, 12000)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(5_u64))
	}
	fn settle() -> Weight {
		Weight::from_parts(900_000_000, 70000)
			.saturating_add(RocksDbWeight::get().reads(28_u64))
			.saturating_add(RocksDbWeight::get().writes(28_u64))
	}
	fn service_block() -> Weight {
		Weight::from_parts(8_000_000, 5000)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	fn service_job() -> Weight {
		Weight::from_parts(900_000_000, 70000)
			.saturating_add(RocksDbWeight::get().reads(28_u64))
			.saturating_add(RocksDbWeight::get().writes(28_u64))
	}
}
