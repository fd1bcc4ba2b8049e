//! Weights of `pallet_operators`, measured. Made by `scripts/weights.sh --generate`; not for editing.
//!
//! Steps: 8, repeats: 4, worst case map size: 1000000.

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
		// Measured: 7, estimated: 3937 bytes of proof.
		Weight::from_parts(351_002_560, 3937)
			.saturating_add(Weight::from_parts(13_994_740, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		// Measured: 627, estimated: 3937 bytes of proof.
		Weight::from_parts(316_928_000, 3937)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `c` is `[0, 32]`.
	fn update_capability(c: u32) -> Weight {
		// Measured: 1524, estimated: 80958 bytes of proof.
		Weight::from_parts(902_691_683, 80958)
			.saturating_add(Weight::from_parts(13_930_078, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(34))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(36))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		// Measured: 1459, estimated: 80958 bytes of proof.
		Weight::from_parts(959_196_000, 80958)
			.saturating_add(T::DbWeight::get().reads(41))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		// Measured: 664, estimated: 3937 bytes of proof.
		Weight::from_parts(298_638_000, 3937)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn rejoin() -> Weight {
		// Measured: 653, estimated: 80958 bytes of proof.
		Weight::from_parts(625_207_000, 80958)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(35))
	}
	fn exclude() -> Weight {
		// Measured: 1459, estimated: 80958 bytes of proof.
		Weight::from_parts(927_587_000, 80958)
			.saturating_add(T::DbWeight::get().reads(41))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		// Measured: 579, estimated: 80958 bytes of proof.
		Weight::from_parts(772_625_000, 80958)
			.saturating_add(T::DbWeight::get().reads(41))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	/// The range of component `r` is `[0, 512]`.
	fn appeal(r: u32) -> Weight {
		// Measured: 613, estimated: 4032 bytes of proof.
		Weight::from_parts(192_638_455, 4032)
			.saturating_add(Weight::from_parts(23_931, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		// Measured: 1208, estimated: 4032 bytes of proof.
		Weight::from_parts(161_509_000, 4032)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		// Measured: 542, estimated: 80958 bytes of proof.
		Weight::from_parts(639_898_000, 80958)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		// Measured: 1459, estimated: 80958 bytes of proof.
		Weight::from_parts(956_022_000, 80958)
			.saturating_add(T::DbWeight::get().reads(43))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		// Measured: 572, estimated: 3937 bytes of proof.
		Weight::from_parts(135_228_000, 3937)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}

impl WeightInfo for () {
	fn register(c: u32) -> Weight {
		Weight::from_parts(351_002_560, 3937)
			.saturating_add(Weight::from_parts(13_994_740, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(3))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		Weight::from_parts(316_928_000, 3937)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn update_capability(c: u32) -> Weight {
		Weight::from_parts(902_691_683, 80958)
			.saturating_add(Weight::from_parts(13_930_078, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(34))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(36))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		Weight::from_parts(959_196_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(41))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(298_638_000, 3937)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn rejoin() -> Weight {
		Weight::from_parts(625_207_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(42))
			.saturating_add(ParityDbWeight::get().writes(35))
	}
	fn exclude() -> Weight {
		Weight::from_parts(927_587_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(41))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		Weight::from_parts(772_625_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(41))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn appeal(r: u32) -> Weight {
		Weight::from_parts(192_638_455, 4032)
			.saturating_add(Weight::from_parts(23_931, 0).saturating_mul(r.into()))
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		Weight::from_parts(161_509_000, 4032)
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(639_898_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(42))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		Weight::from_parts(956_022_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(43))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		Weight::from_parts(135_228_000, 3937)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
}
