//! Weights of `pallet_poc`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
		// Measured: 1571, estimated: 8655 bytes of proof.
		Weight::from_parts(883_956_574, 8655)
			.saturating_add(Weight::from_parts(22_851_734, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn abstain() -> Weight {
		// Measured: 1567, estimated: 8655 bytes of proof.
		Weight::from_parts(883_828_000, 8655)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn commit_canary() -> Weight {
		// Measured: 430, estimated: 11034 bytes of proof.
		Weight::from_parts(574_847_000, 11034)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	/// The range of component `n` is `[0, 16]`.
	fn reveal_canary(n: u32) -> Weight {
		// Measured: 8622, estimated: 45241 bytes of proof.
		Weight::from_parts(3_571_335_361, 45241)
			.saturating_add(Weight::from_parts(268_268_783, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(24))
			.saturating_add(T::DbWeight::get().writes((3_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2980).saturating_mul(n.into()))
	}
	fn expire_canary() -> Weight {
		// Measured: 534, estimated: 3676 bytes of proof.
		Weight::from_parts(362_032_000, 3676)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn keep_randomness() -> Weight {
		// Measured: 239, estimated: 8562 bytes of proof.
		Weight::from_parts(134_334_000, 8562)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn draw_by_vrf() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(538_017_000, 0)
	}
	/// The range of component `n` is `[1, 1000]`.
	fn draw_by_seed(n: u32) -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(4_477_345, 0)
			.saturating_add(Weight::from_parts(438_669, 0).saturating_mul(n.into()))
	}
}

impl WeightInfo for () {
	fn verdict(n: u32) -> Weight {
		Weight::from_parts(883_956_574, 8655)
			.saturating_add(Weight::from_parts(22_851_734, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(9))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn abstain() -> Weight {
		Weight::from_parts(883_828_000, 8655)
			.saturating_add(ParityDbWeight::get().reads(8))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn commit_canary() -> Weight {
		Weight::from_parts(574_847_000, 11034)
			.saturating_add(ParityDbWeight::get().reads(10))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn reveal_canary(n: u32) -> Weight {
		Weight::from_parts(3_571_335_361, 45241)
			.saturating_add(Weight::from_parts(268_268_783, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(35))
			.saturating_add(ParityDbWeight::get().reads((4_u64).saturating_mul(n.into())))
			.saturating_add(ParityDbWeight::get().writes(24))
			.saturating_add(ParityDbWeight::get().writes((3_u64).saturating_mul(n.into())))
			.saturating_add(Weight::from_parts(0, 2980).saturating_mul(n.into()))
	}
	fn expire_canary() -> Weight {
		Weight::from_parts(362_032_000, 3676)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn keep_randomness() -> Weight {
		Weight::from_parts(134_334_000, 8562)
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn draw_by_vrf() -> Weight {
		Weight::from_parts(538_017_000, 0)
	}
	fn draw_by_seed(n: u32) -> Weight {
		Weight::from_parts(4_477_345, 0)
			.saturating_add(Weight::from_parts(438_669, 0).saturating_mul(n.into()))
	}
}
