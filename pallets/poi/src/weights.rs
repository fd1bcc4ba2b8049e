//! Weights of `pallet_poi`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
		// Measured: 6052, estimated: 21186 bytes of proof.
		Weight::from_parts(687_515_002, 21186)
			.saturating_add(Weight::from_parts(8_412, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		// Measured: 5698, estimated: 21186 bytes of proof.
		Weight::from_parts(659_304_000, 21186)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn release() -> Weight {
		// Measured: 6558, estimated: 21186 bytes of proof.
		Weight::from_parts(652_602_000, 21186)
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(_b: u32) -> Weight {
		// Measured: 6576, estimated: 28611 bytes of proof.
		Weight::from_parts(713_404_086, 28611)
			.saturating_add(T::DbWeight::get().reads(26))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		// Measured: 5513, estimated: 21186 bytes of proof.
		Weight::from_parts(528_457_000, 21186)
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		// Measured: 6560, estimated: 21186 bytes of proof.
		Weight::from_parts(741_023_000, 21186)
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		// Measured: 646, estimated: 3859 bytes of proof.
		Weight::from_parts(142_232_000, 3859)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		// Measured: 8781, estimated: 51089 bytes of proof.
		Weight::from_parts(5_326_227_000, 51089)
			.saturating_add(T::DbWeight::get().reads(76))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		// Measured: 2410, estimated: 6039 bytes of proof.
		Weight::from_parts(77_446_000, 6039)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		// Measured: 8781, estimated: 51089 bytes of proof.
		Weight::from_parts(5_130_229_000, 51089)
			.saturating_add(T::DbWeight::get().reads(76))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		// Measured: 848, estimated: 6100 bytes of proof.
		Weight::from_parts(274_782_000, 6100)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn submit_batch(b: u32) -> Weight {
		// Measured: 6052, estimated: 21186 bytes of proof.
		Weight::from_parts(692_759_036, 21186)
			.saturating_add(Weight::from_parts(3_561, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		// Measured: 355, estimated: 3622 bytes of proof.
		Weight::from_parts(98_286_000, 3622).saturating_add(T::DbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		// Measured: 1237, estimated: 23589 bytes of proof.
		Weight::from_parts(597_297_000, 23589)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		// Measured: 5211, estimated: 21186 bytes of proof.
		Weight::from_parts(602_892_000, 21186)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		// Measured: 559, estimated: 11034 bytes of proof.
		Weight::from_parts(295_298_000, 11034)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `t` is `[8, 512]`.
	fn close_channel(t: u32) -> Weight {
		// Measured: 5142, estimated: 21186 bytes of proof.
		Weight::from_parts(398_858_688, 21186)
			.saturating_add(Weight::from_parts(31_751, 0).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		// Measured: 5232, estimated: 21186 bytes of proof.
		Weight::from_parts(426_829_000, 21186)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		// Measured: 937, estimated: 23589 bytes of proof.
		Weight::from_parts(578_176_000, 23589)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		// Measured: 42, estimated: 3859 bytes of proof.
		Weight::from_parts(507_928_000, 3859).saturating_add(T::DbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		// Measured: 9489, estimated: 51089 bytes of proof.
		Weight::from_parts(12_590_565_000, 51089)
			.saturating_add(T::DbWeight::get().reads(84))
			.saturating_add(T::DbWeight::get().writes(40))
	}
	fn prune_bundle() -> Weight {
		// Measured: 4300, estimated: 25182 bytes of proof.
		Weight::from_parts(1_920_359_000, 25182)
			.saturating_add(T::DbWeight::get().reads(28))
			.saturating_add(T::DbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		// Measured: 9010, estimated: 51089 bytes of proof.
		Weight::from_parts(13_712_986_000, 51089)
			.saturating_add(T::DbWeight::get().reads(79))
			.saturating_add(T::DbWeight::get().writes(31))
	}
}

impl WeightInfo for () {
	fn submit(b: u32) -> Weight {
		Weight::from_parts(687_515_002, 21186)
			.saturating_add(Weight::from_parts(8_412, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(20))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		Weight::from_parts(659_304_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn release() -> Weight {
		Weight::from_parts(652_602_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(13))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn answer(_b: u32) -> Weight {
		Weight::from_parts(713_404_086, 28611)
			.saturating_add(ParityDbWeight::get().reads(26))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		Weight::from_parts(528_457_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(11))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		Weight::from_parts(741_023_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		Weight::from_parts(142_232_000, 3859)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		Weight::from_parts(5_326_227_000, 51089)
			.saturating_add(ParityDbWeight::get().reads(76))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		Weight::from_parts(77_446_000, 6039)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		Weight::from_parts(5_130_229_000, 51089)
			.saturating_add(ParityDbWeight::get().reads(76))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		Weight::from_parts(274_782_000, 6100)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn submit_batch(b: u32) -> Weight {
		Weight::from_parts(692_759_036, 21186)
			.saturating_add(Weight::from_parts(3_561, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		Weight::from_parts(98_286_000, 3622).saturating_add(ParityDbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		Weight::from_parts(597_297_000, 23589)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		Weight::from_parts(602_892_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(14))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		Weight::from_parts(295_298_000, 11034)
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn close_channel(t: u32) -> Weight {
		Weight::from_parts(398_858_688, 21186)
			.saturating_add(Weight::from_parts(31_751, 0).saturating_mul(t.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		Weight::from_parts(426_829_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		Weight::from_parts(578_176_000, 23589)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		Weight::from_parts(507_928_000, 3859).saturating_add(ParityDbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		Weight::from_parts(12_590_565_000, 51089)
			.saturating_add(ParityDbWeight::get().reads(84))
			.saturating_add(ParityDbWeight::get().writes(40))
	}
	fn prune_bundle() -> Weight {
		Weight::from_parts(1_920_359_000, 25182)
			.saturating_add(ParityDbWeight::get().reads(28))
			.saturating_add(ParityDbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		Weight::from_parts(13_712_986_000, 51089)
			.saturating_add(ParityDbWeight::get().reads(79))
			.saturating_add(ParityDbWeight::get().writes(31))
	}
}
