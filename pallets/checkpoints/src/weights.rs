//! Weights for `pallet_checkpoints`
//!
//! Estimates from what each call reads and writes, in the format of the benchmark tool, whose output replaces
//! this file.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(unused_parens)]
#![allow(unused_imports)]
#![allow(missing_docs)]
#![allow(dead_code)]

use polkadot_sdk::{frame_support, frame_system};
use frame_support::{traits::Get, weights::{Weight, constants::RocksDbWeight}};
use core::marker::PhantomData;

/// Weight functions needed for `pallet_checkpoints`.
pub trait WeightInfo {
	fn register(r: u32, ) -> Weight;
	fn deprecate() -> Weight;
	fn set_locators() -> Weight;
}

/// Weights for `pallet_checkpoints` using the Substrate node and recommended hardware.
pub struct SubstrateWeight<T>(PhantomData<T>);
impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Storage: `Checkpoints::ByIdentity` (r:1 w:1)
	/// Proof: `Checkpoints::ByIdentity` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(163), added: 2638, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::NextId` (r:1 w:1)
	/// Proof: `Checkpoints::NextId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:0 w:1)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// The range of component `r` is `[2, 256]`.
	fn register(r: u32, ) -> Weight {
		Weight::from_parts(75_000_000, 3628)
			.saturating_add(Weight::from_parts(1_600_000, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(5_u64))
			.saturating_add(T::DbWeight::get().writes(6_u64))
	}
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:1 w:0)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::ByIdentity` (r:0 w:1)
	/// Proof: `Checkpoints::ByIdentity` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	fn deprecate() -> Weight {
		Weight::from_parts(40_000_000, 12314)
			.saturating_add(T::DbWeight::get().reads(2_u64))
			.saturating_add(T::DbWeight::get().writes(2_u64))
	}
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:1 w:1)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(163), added: 2638, mode: `MaxEncodedLen`)
	fn set_locators() -> Weight {
		Weight::from_parts(70_000_000, 12314)
			.saturating_add(T::DbWeight::get().reads(3_u64))
			.saturating_add(T::DbWeight::get().writes(3_u64))
	}
}

// For backwards compatibility and tests.
impl WeightInfo for () {
	/// Storage: `Checkpoints::ByIdentity` (r:1 w:1)
	/// Proof: `Checkpoints::ByIdentity` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(163), added: 2638, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::NextId` (r:1 w:1)
	/// Proof: `Checkpoints::NextId` (`max_values`: Some(1), `max_size`: Some(4), added: 499, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:0 w:1)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// The range of component `r` is `[2, 256]`.
	fn register(r: u32, ) -> Weight {
		Weight::from_parts(75_000_000, 3628)
			.saturating_add(Weight::from_parts(1_600_000, 0).saturating_mul(r.into()))
			.saturating_add(RocksDbWeight::get().reads(5_u64))
			.saturating_add(RocksDbWeight::get().writes(6_u64))
	}
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:1 w:0)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::ByIdentity` (r:0 w:1)
	/// Proof: `Checkpoints::ByIdentity` (`max_values`: None, `max_size`: Some(36), added: 2511, mode: `MaxEncodedLen`)
	fn deprecate() -> Weight {
		Weight::from_parts(40_000_000, 12314)
			.saturating_add(RocksDbWeight::get().reads(2_u64))
			.saturating_add(RocksDbWeight::get().writes(2_u64))
	}
	/// Storage: `Checkpoints::Heads` (r:1 w:1)
	/// Proof: `Checkpoints::Heads` (`max_values`: None, `max_size`: Some(86), added: 2561, mode: `MaxEncodedLen`)
	/// Storage: `Checkpoints::Records` (r:1 w:1)
	/// Proof: `Checkpoints::Records` (`max_values`: None, `max_size`: Some(8849), added: 11324, mode: `MaxEncodedLen`)
	/// Storage: `Balances::Holds` (r:1 w:1)
	/// Proof: `Balances::Holds` (`max_values`: None, `max_size`: Some(163), added: 2638, mode: `MaxEncodedLen`)
	fn set_locators() -> Weight {
		Weight::from_parts(70_000_000, 12314)
			.saturating_add(RocksDbWeight::get().reads(3_u64))
			.saturating_add(RocksDbWeight::get().writes(3_u64))
	}
}
