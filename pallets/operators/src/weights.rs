//! Weights of `pallet_operators`, measured. Made by `scripts/weights.sh --generate`; not for editing.
//!
//! Steps: 20, repeats: 10, worst case map size: 1000000.

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
		// Measured: 6, estimated: 3875 bytes of proof.
		Weight::from_parts(357_353_532, 3875)
			.saturating_add(Weight::from_parts(14_093_772, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		// Measured: 564, estimated: 3875 bytes of proof.
		Weight::from_parts(384_183_000, 3875)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `c` is `[0, 32]`.
	fn update_capability(c: u32) -> Weight {
		// Measured: 1461, estimated: 80958 bytes of proof.
		Weight::from_parts(825_331_239, 80958)
			.saturating_add(Weight::from_parts(9_784_605, 0).saturating_mul(c.into()))
			.saturating_add(T::DbWeight::get().reads(34))
			.saturating_add(T::DbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(T::DbWeight::get().writes(35))
			.saturating_add(T::DbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		// Measured: 1396, estimated: 80958 bytes of proof.
		Weight::from_parts(832_702_000, 80958)
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		// Measured: 564, estimated: 3875 bytes of proof.
		Weight::from_parts(323_332_000, 3875)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	fn rejoin() -> Weight {
		// Measured: 553, estimated: 80958 bytes of proof.
		Weight::from_parts(665_432_000, 80958)
			.saturating_add(T::DbWeight::get().reads(36))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	fn exclude() -> Weight {
		// Measured: 1396, estimated: 80958 bytes of proof.
		Weight::from_parts(817_389_000, 80958)
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn readmit() -> Weight {
		// Measured: 479, estimated: 80958 bytes of proof.
		Weight::from_parts(627_105_000, 80958)
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	/// The range of component `r` is `[0, 512]`.
	fn appeal(r: u32) -> Weight {
		// Estimated, not measured.
		Weight::from_parts(120_000_000, 4113)
			.saturating_add(Weight::from_parts(1_500, 0).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		// Estimated, not measured.
		Weight::from_parts(120_000_000, 4113)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		// Estimated, not measured.
		Weight::from_parts(665_432_000, 80958)
			.saturating_add(T::DbWeight::get().reads(36))
			.saturating_add(T::DbWeight::get().writes(34))
	}
	fn sweep() -> Weight {
		// Estimated, not measured.
		Weight::from_parts(817_389_000, 80958)
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		// Estimated, not measured.
		Weight::from_parts(110_000_000, 3953)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}

impl WeightInfo for () {
	fn register(c: u32) -> Weight {
		Weight::from_parts(357_353_532, 3875)
			.saturating_add(Weight::from_parts(14_093_772, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(3))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn add_stake() -> Weight {
		Weight::from_parts(384_183_000, 3875)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn update_capability(c: u32) -> Weight {
		Weight::from_parts(825_331_239, 80958)
			.saturating_add(Weight::from_parts(9_784_605, 0).saturating_mul(c.into()))
			.saturating_add(ParityDbWeight::get().reads(34))
			.saturating_add(ParityDbWeight::get().reads((1_u64).saturating_mul(c.into())))
			.saturating_add(ParityDbWeight::get().writes(35))
			.saturating_add(ParityDbWeight::get().writes((1_u64).saturating_mul(c.into())))
			.saturating_add(Weight::from_parts(0, 2499).saturating_mul(c.into()))
	}
	fn unbond() -> Weight {
		Weight::from_parts(832_702_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(35))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn withdraw() -> Weight {
		Weight::from_parts(323_332_000, 3875)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(4))
	}
	fn rejoin() -> Weight {
		Weight::from_parts(665_432_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(36))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn exclude() -> Weight {
		Weight::from_parts(817_389_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(35))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn readmit() -> Weight {
		Weight::from_parts(627_105_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(35))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn appeal(r: u32) -> Weight {
		Weight::from_parts(120_000_000, 4113)
			.saturating_add(Weight::from_parts(1_500, 0).saturating_mul(r.into()))
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn confirm() -> Weight {
		Weight::from_parts(120_000_000, 4113)
			.saturating_add(ParityDbWeight::get().reads(3))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn heartbeat() -> Weight {
		Weight::from_parts(665_432_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(36))
			.saturating_add(ParityDbWeight::get().writes(34))
	}
	fn sweep() -> Weight {
		Weight::from_parts(817_389_000, 80958)
			.saturating_add(ParityDbWeight::get().reads(35))
			.saturating_add(ParityDbWeight::get().writes(33))
	}
	fn authorise() -> Weight {
		Weight::from_parts(110_000_000, 3953)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
}
