//! Weights of `pallet_poc`.
//!
//! Estimates for the first start of a network, in the form that `frame-omni-bencher v1 benchmark pallet` writes.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]

use core::marker::PhantomData;
use polkadot_sdk::{frame_support, frame_system};
use frame_support::{traits::Get, weights::{constants::RocksDbWeight, Weight}};

/// Weight functions needed for `pallet_poc`.
pub trait WeightInfo {
	fn verdict(n: u32, ) -> Weight;
}

/// Weights for `pallet_poc` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Poc::Panels` (r:1 w:1)
	/// Proof: `Poc::Panels` (`max_values`: None, `max_size`: Some(1221), added: 3696, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:0)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(430), added: 2905, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 16]`.
	fn verdict(n: u32, ) -> Weight {
		// Minimum execution time: 900_000_000 picoseconds.
		Weight::from_parts(1_000_000_000, 9120)
			.saturating_add(Weight::from_parts(60_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(1_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `Poc::Panels` (r:1 w:1)
	/// Proof: `Poc::Panels` (`max_values`: None, `max_size`: Some(1221), added: 3696, mode: `MaxEncodedLen`)
	/// Storage: `System::BlockHash` (r:1 w:0)
	/// Proof: `System::BlockHash` (`max_values`: None, `max_size`: Some(44), added: 2519, mode: `MaxEncodedLen`)
	/// Storage: `Operators::Operators` (r:1 w:0)
	/// Proof: `Operators::Operators` (`max_values`: None, `max_size`: Some(430), added: 2905, mode: `MaxEncodedLen`)
	/// The range of component `n` is `[1, 16]`.
	fn verdict(n: u32, ) -> Weight {
		// Minimum execution time: 900_000_000 picoseconds.
		Weight::from_parts(1_000_000_000, 9120)
			.saturating_add(Weight::from_parts(60_000_000, 0).saturating_mul(n.into()))
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(1_u64))
	}
}
