//! Weights of `pallet_checkpoints`, measured. Made by `scripts/weights.sh --generate`; not for editing.
//!
//! Steps: 8, repeats: 3, worst case map size: 1000000.

#![allow(missing_docs)]
#![allow(unused_parens)]

use core::marker::PhantomData;
use polkadot_sdk::{
	frame_support::{
		traits::Get,
		weights::{constants::ParityDbWeight, Weight},
	},
	frame_system,
};

/// What each call and step costs.
pub trait WeightInfo {
	fn register(r: u32) -> Weight;
	fn deprecate() -> Weight;
	fn set_locators() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `r` is `[2, 256]`.
	fn register(r: u32) -> Weight {
		// Measured: 327, estimated: 6012 bytes of proof.
		Weight::from_parts(400_851_824, 6012)
			.saturating_add(Weight::from_parts(670_259, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn deprecate() -> Weight {
		// Measured: 9080, estimated: 12314 bytes of proof.
		Weight::from_parts(160_177_000, 12314)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn set_locators() -> Weight {
		// Measured: 8618, estimated: 12314 bytes of proof.
		Weight::from_parts(367_441_000, 12314)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
}

impl WeightInfo for () {
	fn register(r: u32) -> Weight {
		Weight::from_parts(400_851_824, 6012)
			.saturating_add(Weight::from_parts(670_259, 0).saturating_mul(r.into()))
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn deprecate() -> Weight {
		Weight::from_parts(160_177_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn set_locators() -> Weight {
		Weight::from_parts(367_441_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
}
