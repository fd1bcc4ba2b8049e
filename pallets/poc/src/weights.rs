//! Weights of `pallet_poc`: estimates, until `scripts/weights.sh --generate` makes this file anew from measurements.

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
	fn verdict(n: u32) -> Weight;
	fn abstain() -> Weight;
	fn commit_canary() -> Weight;
	fn reveal_canary(n: u32) -> Weight;
	fn expire_canary() -> Weight;
	fn keep_randomness() -> Weight;
	fn draw_by_vrf() -> Weight;
	fn draw_by_seed(n: u32) -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `n` is `[1, 16]`.
	fn verdict(n: u32) -> Weight {
		// Estimated: 6684 bytes of proof.
		Weight::from_parts(861_356_421, 6684)
			.saturating_add(Weight::from_parts(38_753_620, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn abstain() -> Weight {
		// Estimated: 6684 bytes of proof.
		Weight::from_parts(800_000_000, 6684)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn commit_canary() -> Weight {
		// Estimated: 8000 bytes of proof.
		Weight::from_parts(480_000_000, 8000)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	/// The range of component `n` is `[0, 16]`.
	fn reveal_canary(n: u32) -> Weight {
		// Estimated: 24000 bytes of proof.
		Weight::from_parts(800_000_000, 24000)
			.saturating_add(Weight::from_parts(350_000_000, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(9))
			.saturating_add(T::DbWeight::get().writes((4_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 6500).saturating_mul(n.into()))
	}
	fn expire_canary() -> Weight {
		// Estimated: 8000 bytes of proof.
		Weight::from_parts(420_000_000, 8000)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn keep_randomness() -> Weight {
		// Estimated: 3600 bytes of proof.
		Weight::from_parts(30_000_000, 3600)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw_by_vrf() -> Weight {
		// Estimated: 0 bytes of proof.
		Weight::from_parts(600_000_000, 0)
	}
	/// The range of component `n` is `[1, 1000]`.
	fn draw_by_seed(n: u32) -> Weight {
		// Estimated: 0 bytes of proof.
		Weight::from_parts(10_000_000, 0)
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(n.into()))
	}
}

impl WeightInfo for () {
	fn verdict(n: u32) -> Weight {
		Weight::from_parts(861_356_421, 6684)
			.saturating_add(Weight::from_parts(38_753_620, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn abstain() -> Weight {
		Weight::from_parts(800_000_000, 6684)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn commit_canary() -> Weight {
		Weight::from_parts(480_000_000, 8000)
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn reveal_canary(n: u32) -> Weight {
		Weight::from_parts(800_000_000, 24000)
			.saturating_add(Weight::from_parts(350_000_000, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(12))
			.saturating_add(ParityDbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(9))
			.saturating_add(ParityDbWeight::get().writes((4_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 6500).saturating_mul(n.into()))
	}
	fn expire_canary() -> Weight {
		Weight::from_parts(420_000_000, 8000)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn keep_randomness() -> Weight {
		Weight::from_parts(30_000_000, 3600)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn draw_by_vrf() -> Weight {
		Weight::from_parts(600_000_000, 0)
	}
	fn draw_by_seed(n: u32) -> Weight {
		Weight::from_parts(10_000_000, 0)
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(n.into()))
	}
}
