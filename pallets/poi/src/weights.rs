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
	fn rate() -> Weight;
	fn submit_batch(b: u32) -> Weight;
	fn draw() -> Weight;
	fn present_item() -> Weight;
	fn open_channel() -> Weight;
	fn accept_channel() -> Weight;
	fn close_channel(t: u32) -> Weight;
	fn contest_close() -> Weight;
	fn present_turn() -> Weight;
	fn claim_all() -> Weight;
	fn settle_bundle() -> Weight;
	fn prune_bundle() -> Weight;
	fn service_bundle() -> Weight;
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
	fn rate() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(260_000_000, 3754)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn submit_batch(b: u32) -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(720_000_000, 19138)
			.saturating_add(Weight::from_parts(3_726, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(120_000_000, 3754)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn present_item() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(1_150_000_000, 19138)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn open_channel() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(420_000_000, 19138)
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(330_000_000, 6000)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(4))
	}
	/// The range of component `t` is `[8, 512]`.
	fn close_channel(_t: u32) -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(900_000_000, 19138)
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn contest_close() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(900_000_000, 19138)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn present_turn() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(1_050_000_000, 19138)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn claim_all() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(40_000_000, 0)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn settle_bundle() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(6_900_000_000, 190000)
			.saturating_add(T::DbWeight::get().reads(90))
			.saturating_add(T::DbWeight::get().writes(80))
	}
	fn prune_bundle() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(1_100_000_000, 50000)
			.saturating_add(T::DbWeight::get().reads(22))
			.saturating_add(T::DbWeight::get().writes(24))
	}
	fn service_bundle() -> Weight {
		// Estimated, not measured yet.
		Weight::from_parts(6_950_000_000, 190000)
			.saturating_add(T::DbWeight::get().reads(92))
			.saturating_add(T::DbWeight::get().writes(82))
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
	fn rate() -> Weight {
		Weight::from_parts(260_000_000, 3754)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn submit_batch(b: u32) -> Weight {
		Weight::from_parts(720_000_000, 19138)
			.saturating_add(Weight::from_parts(3_726, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		Weight::from_parts(120_000_000, 3754)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn present_item() -> Weight {
		Weight::from_parts(1_150_000_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn open_channel() -> Weight {
		Weight::from_parts(420_000_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(9))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		Weight::from_parts(330_000_000, 6000)
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(4))
	}
	fn close_channel(_t: u32) -> Weight {
		Weight::from_parts(900_000_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(12))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn contest_close() -> Weight {
		Weight::from_parts(900_000_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(11))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn present_turn() -> Weight {
		Weight::from_parts(1_050_000_000, 19138)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn claim_all() -> Weight {
		Weight::from_parts(40_000_000, 0)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn settle_bundle() -> Weight {
		Weight::from_parts(6_900_000_000, 190000)
			.saturating_add(ParityDbWeight::get().reads(90))
			.saturating_add(ParityDbWeight::get().writes(80))
	}
	fn prune_bundle() -> Weight {
		Weight::from_parts(1_100_000_000, 50000)
			.saturating_add(ParityDbWeight::get().reads(22))
			.saturating_add(ParityDbWeight::get().writes(24))
	}
	fn service_bundle() -> Weight {
		Weight::from_parts(6_950_000_000, 190000)
			.saturating_add(ParityDbWeight::get().reads(92))
			.saturating_add(ParityDbWeight::get().writes(82))
	}
}
