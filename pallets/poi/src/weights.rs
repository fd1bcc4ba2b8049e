//! Weights of `pallet_poi`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
	fn submit(b: u32) -> Weight;
	fn claim() -> Weight;
	fn release() -> Weight;
	fn answer(b: u32) -> Weight;
	fn cancel() -> Weight;
	fn expire() -> Weight;
	fn prune() -> Weight;
	fn settle() -> Weight;
	fn service_block() -> Weight;
	fn service_job() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `b` is `[1, 4096]`.
	fn submit(b: u32) -> Weight {
		// Measured: 5540, estimated: 19138 bytes of proof.
		Weight::from_parts(710_538_716, 19138)
			.saturating_add(Weight::from_parts(3_726, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		// Measured: 5094, estimated: 19138 bytes of proof.
		Weight::from_parts(474_208_000, 19138)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn release() -> Weight {
		// Measured: 5954, estimated: 19138 bytes of proof.
		Weight::from_parts(686_373_000, 19138)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(b: u32) -> Weight {
		// Measured: 5890, estimated: 19138 bytes of proof.
		Weight::from_parts(614_682_148, 19138)
			.saturating_add(Weight::from_parts(13_400, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn cancel() -> Weight {
		// Measured: 4940, estimated: 19138 bytes of proof.
		Weight::from_parts(593_134_000, 19138)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		// Measured: 5956, estimated: 19138 bytes of proof.
		Weight::from_parts(756_449_000, 19138)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn prune() -> Weight {
		// Measured: 586, estimated: 3754 bytes of proof.
		Weight::from_parts(175_942_000, 3754)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		// Measured: 6367, estimated: 19138 bytes of proof.
		Weight::from_parts(1_882_347_000, 19138)
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(13))
	}
	fn service_block() -> Weight {
		// Measured: 2154, estimated: 5527 bytes of proof.
		Weight::from_parts(72_838_000, 5527)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		// Measured: 6364, estimated: 19138 bytes of proof.
		Weight::from_parts(1_933_264_000, 19138)
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(13))
	}
}

impl WeightInfo for () {
	fn submit(b: u32) -> Weight {
		Weight::from_parts(710_538_716, 19138)
			.saturating_add(Weight::from_parts(3_726, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		Weight::from_parts(474_208_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(11))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn release() -> Weight {
		Weight::from_parts(686_373_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(13))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn answer(b: u32) -> Weight {
		Weight::from_parts(614_682_148, 19138)
			.saturating_add(Weight::from_parts(13_400, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn cancel() -> Weight {
		Weight::from_parts(593_134_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(11))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		Weight::from_parts(756_449_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn prune() -> Weight {
		Weight::from_parts(175_942_000, 3754)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		Weight::from_parts(1_882_347_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(13))
	}
	fn service_block() -> Weight {
		Weight::from_parts(72_838_000, 5527)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		Weight::from_parts(1_933_264_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(13))
	}
}
