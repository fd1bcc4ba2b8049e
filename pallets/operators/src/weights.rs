//! Weights of `pallet_operators`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
	fn register(c: u32) -> Weight;
	fn add_stake() -> Weight;
	fn update_capability(c: u32) -> Weight;
	fn unbond() -> Weight;
	fn withdraw() -> Weight;
	fn rejoin() -> Weight;
	fn exclude() -> Weight;
	fn readmit() -> Weight;
	fn appeal(r: u32) -> Weight;
	fn confirm() -> Weight;
	fn heartbeat() -> Weight;
	fn sweep() -> Weight;
	fn authorise() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `c` is `[0, 32]`.
	fn register(c: u32) -> Weight {
		// Measured: 7, estimated: 3970 bytes of proof.
		Weight::from_parts(293_669_444, 3970)
			.saturating_add(Weight::from_parts(11_626_791, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(2))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		// Measured: 626, estimated: 3970 bytes of proof.
		Weight::from_parts(310_528_000, 3970)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `c` is `[0, 32]`.
	fn update_capability(c: u32) -> Weight {
		// Measured: 1455, estimated: 80958 bytes of proof.
		Weight::from_parts(791_162_489, 80958)
			.saturating_add(Weight::from_parts(14_320_097, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(33))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(34))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		// Measured: 1458, estimated: 80958 bytes of proof.
		Weight::from_parts(855_399_000, 80958)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		// Measured: 707, estimated: 3970 bytes of proof.
		Weight::from_parts(345_089_000, 3970)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn rejoin() -> Weight {
		// Measured: 652, estimated: 80958 bytes of proof.
		Weight::from_parts(686_951_000, 80958)
			.saturating_add(T::DbWeight::get().reads(45))
			.saturating_add(T::DbWeight::get().writes(36))
	}
	fn exclude() -> Weight {
		// Measured: 1458, estimated: 80958 bytes of proof.
		Weight::from_parts(841_790_000, 80958)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		// Measured: 578, estimated: 80958 bytes of proof.
		Weight::from_parts(669_138_000, 80958)
			.saturating_add(T::DbWeight::get().reads(45))
			.saturating_add(T::DbWeight::get().writes(35))
	}
	/// The range of component `r` is `[0, 512]`.
	fn appeal(r: u32) -> Weight {
		// Measured: 612, estimated: 4032 bytes of proof.
		Weight::from_parts(142_874_891, 4032)
			.saturating_add(Weight::from_parts(2_114, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		// Measured: 1207, estimated: 4032 bytes of proof.
		Weight::from_parts(148_667_000, 4032)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		// Measured: 541, estimated: 80958 bytes of proof.
		Weight::from_parts(630_649_000, 80958)
			.saturating_add(T::DbWeight::get().reads(43))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		// Measured: 1458, estimated: 80958 bytes of proof.
		Weight::from_parts(862_952_000, 80958)
			.saturating_add(T::DbWeight::get().reads(44))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		// Measured: 571, estimated: 3970 bytes of proof.
		Weight::from_parts(108_860_000, 3970)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}

impl WeightInfo for () {
	fn register(c: u32) -> Weight {
		Weight::from_parts(293_669_444, 3970)
			.saturating_add(Weight::from_parts(11_626_791, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(2))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		Weight::from_parts(310_528_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn update_capability(c: u32) -> Weight {
		Weight::from_parts(791_162_489, 80958)
			.saturating_add(Weight::from_parts(14_320_097, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(33))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(34))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		Weight::from_parts(855_399_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(42))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(345_089_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn rejoin() -> Weight {
		Weight::from_parts(686_951_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(45))
			.saturating_add(ParityDbWeight::get().writes(36))
	}
	fn exclude() -> Weight {
		Weight::from_parts(841_790_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(42))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		Weight::from_parts(669_138_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(45))
			.saturating_add(ParityDbWeight::get().writes(35))
	}
	fn appeal(r: u32) -> Weight {
		Weight::from_parts(142_874_891, 4032)
			.saturating_add(Weight::from_parts(2_114, 0).saturating_mul(r.into()))
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		Weight::from_parts(148_667_000, 4032)
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(630_649_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(43))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		Weight::from_parts(862_952_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(44))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		Weight::from_parts(108_860_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
}
