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
		// Measured: 7, estimated: 3970 bytes of proof.
		Weight::from_parts(375_821_988, 3970)
			.saturating_add(Weight::from_parts(13_532_332, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		// Measured: 660, estimated: 3970 bytes of proof.
		Weight::from_parts(487_762_000, 3970)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `c` is `[0, 32]`.
	fn update_capability(c: u32) -> Weight {
		// Measured: 1557, estimated: 80958 bytes of proof.
		Weight::from_parts(1_353_050_231, 80958)
			.saturating_add(Weight::from_parts(24_117_943, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(34))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(36))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		// Measured: 1492, estimated: 80958 bytes of proof.
		Weight::from_parts(1_106_325_000, 80958)
			.saturating_add(T::DbWeight::get().reads(41))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		// Measured: 741, estimated: 3970 bytes of proof.
		Weight::from_parts(474_969_000, 3970)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn rejoin() -> Weight {
		// Measured: 686, estimated: 80958 bytes of proof.
		Weight::from_parts(1_112_553_000, 80958)
			.saturating_add(T::DbWeight::get().reads(44))
			.saturating_add(T::DbWeight::get().writes(36))
	}
	fn exclude() -> Weight {
		// Measured: 1492, estimated: 80958 bytes of proof.
		Weight::from_parts(1_414_092_000, 80958)
			.saturating_add(T::DbWeight::get().reads(41))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		// Measured: 612, estimated: 80958 bytes of proof.
		Weight::from_parts(1_104_260_000, 80958)
			.saturating_add(T::DbWeight::get().reads(44))
			.saturating_add(T::DbWeight::get().writes(35))
	}
	/// The range of component `r` is `[0, 512]`.
	fn appeal(r: u32) -> Weight {
		// Measured: 646, estimated: 4032 bytes of proof.
		Weight::from_parts(211_850_023, 4032)
			.saturating_add(Weight::from_parts(3_000, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		// Measured: 1241, estimated: 4032 bytes of proof.
		Weight::from_parts(167_472_000, 4032)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		// Measured: 575, estimated: 80958 bytes of proof.
		Weight::from_parts(614_471_000, 80958)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		// Measured: 1492, estimated: 80958 bytes of proof.
		Weight::from_parts(1_097_646_000, 80958)
			.saturating_add(T::DbWeight::get().reads(43))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		// Measured: 605, estimated: 3970 bytes of proof.
		Weight::from_parts(175_463_000, 3970)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}

impl WeightInfo for () {
	fn register(c: u32) -> Weight {
		Weight::from_parts(375_821_988, 3970)
			.saturating_add(Weight::from_parts(13_532_332, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(3))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		Weight::from_parts(487_762_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn update_capability(c: u32) -> Weight {
		Weight::from_parts(1_353_050_231, 80958)
			.saturating_add(Weight::from_parts(24_117_943, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(34))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(36))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		Weight::from_parts(1_106_325_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(41))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(474_969_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn rejoin() -> Weight {
		Weight::from_parts(1_112_553_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(44))
			.saturating_add(ParityDbWeight::get().writes(36))
	}
	fn exclude() -> Weight {
		Weight::from_parts(1_414_092_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(41))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn readmit() -> Weight {
		Weight::from_parts(1_104_260_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(44))
			.saturating_add(ParityDbWeight::get().writes(35))
	}
	fn appeal(r: u32) -> Weight {
		Weight::from_parts(211_850_023, 4032)
			.saturating_add(Weight::from_parts(3_000, 0).saturating_mul(r.into()))
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		Weight::from_parts(167_472_000, 4032)
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(614_471_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(42))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn sweep() -> Weight {
		Weight::from_parts(1_097_646_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(43))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		Weight::from_parts(175_463_000, 3970)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
}
