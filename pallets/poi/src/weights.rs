//! Weights of `pallet_poi`, measured. Made by `scripts/weights.sh --generate`; not for editing.
//!
//! Steps: 8, repeats: 6, worst case map size: 1000000.

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
	fn condemn() -> Weight;
	fn hasten_job() -> Weight;
	fn hasten_bundle() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `b` is `[101, 4096]`.
	fn submit(b: u32) -> Weight {
		// Measured: 6459, estimated: 21186 bytes of proof.
		Weight::from_parts(1_132_206_895, 21186)
			.saturating_add(Weight::from_parts(10_696, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		// Measured: 5840, estimated: 21186 bytes of proof.
		Weight::from_parts(834_285_000, 21186)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn release() -> Weight {
		// Measured: 6734, estimated: 21186 bytes of proof.
		Weight::from_parts(953_140_000, 21186)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(b: u32) -> Weight {
		// Measured: 6729, estimated: 31122 bytes of proof.
		Weight::from_parts(795_193_949, 31122)
			.saturating_add(Weight::from_parts(7_950, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		// Measured: 5548, estimated: 21186 bytes of proof.
		Weight::from_parts(604_697_000, 21186)
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		// Measured: 6736, estimated: 23589 bytes of proof.
		Weight::from_parts(941_354_000, 23589)
			.saturating_add(T::DbWeight::get().reads(22))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		// Measured: 647, estimated: 3892 bytes of proof.
		Weight::from_parts(225_109_000, 3892)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		// Measured: 9072, estimated: 53050 bytes of proof.
		Weight::from_parts(5_513_547_000, 53050)
			.saturating_add(T::DbWeight::get().reads(80))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		// Measured: 2410, estimated: 6039 bytes of proof.
		Weight::from_parts(122_411_000, 6039)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		// Measured: 9072, estimated: 53050 bytes of proof.
		Weight::from_parts(7_454_726_000, 53050)
			.saturating_add(T::DbWeight::get().reads(80))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		// Measured: 962, estimated: 6100 bytes of proof.
		Weight::from_parts(387_481_000, 6100)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn submit_batch(b: u32) -> Weight {
		// Measured: 6210, estimated: 21186 bytes of proof.
		Weight::from_parts(959_414_583, 21186)
			.saturating_add(Weight::from_parts(2_496, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		// Measured: 355, estimated: 3622 bytes of proof.
		Weight::from_parts(110_678_000, 3622).saturating_add(T::DbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		// Measured: 1253, estimated: 26100 bytes of proof.
		Weight::from_parts(699_579_000, 26100)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		// Measured: 5334, estimated: 21186 bytes of proof.
		Weight::from_parts(645_867_000, 21186)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		// Measured: 700, estimated: 11034 bytes of proof.
		Weight::from_parts(305_522_000, 11034)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `t` is `[8, 512]`.
	fn close_channel(t: u32) -> Weight {
		// Measured: 5142, estimated: 21186 bytes of proof.
		Weight::from_parts(534_620_245, 21186)
			.saturating_add(Weight::from_parts(233_441, 0).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		// Measured: 5232, estimated: 21186 bytes of proof.
		Weight::from_parts(522_328_000, 21186)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		// Measured: 952, estimated: 26100 bytes of proof.
		Weight::from_parts(597_412_000, 26100)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		// Measured: 42, estimated: 3892 bytes of proof.
		Weight::from_parts(610_881_000, 3892).saturating_add(T::DbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		// Measured: 9729, estimated: 51650 bytes of proof.
		Weight::from_parts(19_766_010_000, 51650)
			.saturating_add(T::DbWeight::get().reads(87))
			.saturating_add(T::DbWeight::get().writes(39))
	}
	fn prune_bundle() -> Weight {
		// Measured: 4371, estimated: 25182 bytes of proof.
		Weight::from_parts(2_936_159_000, 25182)
			.saturating_add(T::DbWeight::get().reads(28))
			.saturating_add(T::DbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		// Measured: 9249, estimated: 51650 bytes of proof.
		Weight::from_parts(16_219_904_000, 51650)
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().writes(30))
	}
	fn condemn() -> Weight {
		// Not measured yet: `settle_bundle`, and 64 validators that are noted.
		Weight::from_parts(32_566_010_000, 242370)
			.saturating_add(T::DbWeight::get().reads(225))
			.saturating_add(T::DbWeight::get().writes(177))
	}
	fn hasten_job() -> Weight {
		// Not measured yet: an agenda of four full blocks, the job, its panel and seed.
		Weight::from_parts(170_000_000, 28156)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn hasten_bundle() -> Weight {
		// Not measured yet: `hasten_job`, and all of that for four entries.
		Weight::from_parts(500_000_000, 57156)
			.saturating_add(T::DbWeight::get().reads(30))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}

impl WeightInfo for () {
	fn submit(b: u32) -> Weight {
		Weight::from_parts(1_132_206_895, 21186)
			.saturating_add(Weight::from_parts(10_696, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(21))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		Weight::from_parts(834_285_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn release() -> Weight {
		Weight::from_parts(953_140_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn answer(b: u32) -> Weight {
		Weight::from_parts(795_193_949, 31122)
			.saturating_add(Weight::from_parts(7_950, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(27))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		Weight::from_parts(604_697_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(14))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		Weight::from_parts(941_354_000, 23589)
			.saturating_add(ParityDbWeight::get().reads(22))
			.saturating_add(ParityDbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		Weight::from_parts(225_109_000, 3892)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		Weight::from_parts(5_513_547_000, 53050)
			.saturating_add(ParityDbWeight::get().reads(80))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		Weight::from_parts(122_411_000, 6039)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		Weight::from_parts(7_454_726_000, 53050)
			.saturating_add(ParityDbWeight::get().reads(80))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		Weight::from_parts(387_481_000, 6100)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn submit_batch(b: u32) -> Weight {
		Weight::from_parts(959_414_583, 21186)
			.saturating_add(Weight::from_parts(2_496, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(20))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		Weight::from_parts(110_678_000, 3622).saturating_add(ParityDbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		Weight::from_parts(699_579_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		Weight::from_parts(645_867_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		Weight::from_parts(305_522_000, 11034)
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn close_channel(t: u32) -> Weight {
		Weight::from_parts(534_620_245, 21186)
			.saturating_add(Weight::from_parts(233_441, 0).saturating_mul(t.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		Weight::from_parts(522_328_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		Weight::from_parts(597_412_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		Weight::from_parts(610_881_000, 3892).saturating_add(ParityDbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		Weight::from_parts(19_766_010_000, 51650)
			.saturating_add(ParityDbWeight::get().reads(87))
			.saturating_add(ParityDbWeight::get().writes(39))
	}
	fn prune_bundle() -> Weight {
		Weight::from_parts(2_936_159_000, 25182)
			.saturating_add(ParityDbWeight::get().reads(28))
			.saturating_add(ParityDbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		Weight::from_parts(16_219_904_000, 51650)
			.saturating_add(ParityDbWeight::get().reads(82))
			.saturating_add(ParityDbWeight::get().writes(30))
	}
	fn condemn() -> Weight {
		Weight::from_parts(32_566_010_000, 242370)
			.saturating_add(ParityDbWeight::get().reads(225))
			.saturating_add(ParityDbWeight::get().writes(177))
	}
	fn hasten_job() -> Weight {
		Weight::from_parts(170_000_000, 28156)
			.saturating_add(ParityDbWeight::get().reads(8))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn hasten_bundle() -> Weight {
		Weight::from_parts(500_000_000, 57156)
			.saturating_add(ParityDbWeight::get().reads(30))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
}
