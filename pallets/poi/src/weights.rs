//! Weights of `pallet_poi`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
		// Measured: 6425, estimated: 23589 bytes of proof.
		Weight::from_parts(740_412_629, 23589)
			.saturating_add(Weight::from_parts(5_049, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(22))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		// Measured: 5806, estimated: 21186 bytes of proof.
		Weight::from_parts(519_311_000, 21186)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(7))
	}
	fn release() -> Weight {
		// Measured: 6700, estimated: 21186 bytes of proof.
		Weight::from_parts(635_637_000, 21186)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn answer(b: u32) -> Weight {
		// Measured: 6695, estimated: 31122 bytes of proof.
		Weight::from_parts(725_180_094, 31122)
			.saturating_add(Weight::from_parts(7_283, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		// Measured: 5548, estimated: 21186 bytes of proof.
		Weight::from_parts(578_528_000, 21186)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		// Measured: 6702, estimated: 26100 bytes of proof.
		Weight::from_parts(825_312_000, 26100)
			.saturating_add(T::DbWeight::get().reads(23))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		// Measured: 647, estimated: 3892 bytes of proof.
		Weight::from_parts(202_856_000, 3892)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		// Measured: 9038, estimated: 53050 bytes of proof.
		Weight::from_parts(4_971_512_000, 53050)
			.saturating_add(T::DbWeight::get().reads(81))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		// Measured: 2410, estimated: 6039 bytes of proof.
		Weight::from_parts(76_835_000, 6039)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		// Measured: 9038, estimated: 53050 bytes of proof.
		Weight::from_parts(5_063_072_000, 53050)
			.saturating_add(T::DbWeight::get().reads(81))
			.saturating_add(T::DbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		// Measured: 928, estimated: 6100 bytes of proof.
		Weight::from_parts(292_768_000, 6100)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[1, 4096]`.
	fn submit_batch(b: u32) -> Weight {
		// Measured: 6176, estimated: 23589 bytes of proof.
		Weight::from_parts(696_404_652, 23589)
			.saturating_add(Weight::from_parts(5_406, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		// Measured: 355, estimated: 3622 bytes of proof.
		Weight::from_parts(84_262_000, 3622).saturating_add(T::DbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		// Measured: 1219, estimated: 26100 bytes of proof.
		Weight::from_parts(547_567_000, 26100)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		// Measured: 5300, estimated: 21186 bytes of proof.
		Weight::from_parts(604_455_000, 21186)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		// Measured: 666, estimated: 11034 bytes of proof.
		Weight::from_parts(297_110_000, 11034)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `t` is `[8, 512]`.
	fn close_channel(t: u32) -> Weight {
		// Measured: 5142, estimated: 21186 bytes of proof.
		Weight::from_parts(407_732_639, 21186)
			.saturating_add(Weight::from_parts(39_615, 0).saturating_mul(t.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		// Measured: 5232, estimated: 21186 bytes of proof.
		Weight::from_parts(396_895_000, 21186)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		// Measured: 918, estimated: 26100 bytes of proof.
		Weight::from_parts(492_085_000, 26100)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		// Measured: 42, estimated: 3892 bytes of proof.
		Weight::from_parts(505_302_000, 3892).saturating_add(T::DbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		// Measured: 9695, estimated: 51650 bytes of proof.
		Weight::from_parts(12_508_068_000, 51650)
			.saturating_add(T::DbWeight::get().reads(88))
			.saturating_add(T::DbWeight::get().writes(39))
	}
	fn prune_bundle() -> Weight {
		// Measured: 4371, estimated: 25182 bytes of proof.
		Weight::from_parts(1_932_374_000, 25182)
			.saturating_add(T::DbWeight::get().reads(28))
			.saturating_add(T::DbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		// Measured: 9215, estimated: 51650 bytes of proof.
		Weight::from_parts(12_420_634_000, 51650)
			.saturating_add(T::DbWeight::get().reads(83))
			.saturating_add(T::DbWeight::get().writes(30))
	}
	fn condemn() -> Weight {
		// Measured: 10324, estimated: 51650 bytes of proof.
		Weight::from_parts(7_522_826_000, 51650)
			.saturating_add(T::DbWeight::get().reads(68))
			.saturating_add(T::DbWeight::get().writes(49))
	}
	fn hasten_job() -> Weight {
		// Measured: 6748, estimated: 21186 bytes of proof.
		Weight::from_parts(319_089_000, 21186)
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn hasten_bundle() -> Weight {
		// Measured: 7455, estimated: 22106 bytes of proof.
		Weight::from_parts(621_302_000, 22106)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}

impl WeightInfo for () {
	fn submit(b: u32) -> Weight {
		Weight::from_parts(740_412_629, 23589)
			.saturating_add(Weight::from_parts(5_049, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(22))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn claim() -> Weight {
		Weight::from_parts(519_311_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(7))
	}
	fn release() -> Weight {
		Weight::from_parts(635_637_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn answer(b: u32) -> Weight {
		Weight::from_parts(725_180_094, 31122)
			.saturating_add(Weight::from_parts(7_283, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(27))
			.saturating_add(ParityDbWeight::get().writes(9))
	}
	fn cancel() -> Weight {
		Weight::from_parts(578_528_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn expire() -> Weight {
		Weight::from_parts(825_312_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(23))
			.saturating_add(ParityDbWeight::get().writes(10))
	}
	fn prune() -> Weight {
		Weight::from_parts(202_856_000, 3892)
			.saturating_add(ParityDbWeight::get().reads(1))
			.saturating_add(ParityDbWeight::get().writes(5))
	}
	fn settle() -> Weight {
		Weight::from_parts(4_971_512_000, 53050)
			.saturating_add(ParityDbWeight::get().reads(81))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn service_block() -> Weight {
		Weight::from_parts(76_835_000, 6039)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn service_job() -> Weight {
		Weight::from_parts(5_063_072_000, 53050)
			.saturating_add(ParityDbWeight::get().reads(81))
			.saturating_add(ParityDbWeight::get().writes(37))
	}
	fn rate() -> Weight {
		Weight::from_parts(292_768_000, 6100)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn submit_batch(b: u32) -> Weight {
		Weight::from_parts(696_404_652, 23589)
			.saturating_add(Weight::from_parts(5_406, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(21))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn draw() -> Weight {
		Weight::from_parts(84_262_000, 3622).saturating_add(ParityDbWeight::get().reads(2))
	}
	fn present_item() -> Weight {
		Weight::from_parts(547_567_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn open_channel() -> Weight {
		Weight::from_parts(604_455_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(6))
	}
	fn accept_channel() -> Weight {
		Weight::from_parts(297_110_000, 11034)
			.saturating_add(ParityDbWeight::get().reads(6))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn close_channel(t: u32) -> Weight {
		Weight::from_parts(407_732_639, 21186)
			.saturating_add(Weight::from_parts(39_615, 0).saturating_mul(t.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn contest_close() -> Weight {
		Weight::from_parts(396_895_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn present_turn() -> Weight {
		Weight::from_parts(492_085_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn claim_all() -> Weight {
		Weight::from_parts(505_302_000, 3892).saturating_add(ParityDbWeight::get().reads(1))
	}
	fn settle_bundle() -> Weight {
		Weight::from_parts(12_508_068_000, 51650)
			.saturating_add(ParityDbWeight::get().reads(88))
			.saturating_add(ParityDbWeight::get().writes(39))
	}
	fn prune_bundle() -> Weight {
		Weight::from_parts(1_932_374_000, 25182)
			.saturating_add(ParityDbWeight::get().reads(28))
			.saturating_add(ParityDbWeight::get().writes(26))
	}
	fn service_bundle() -> Weight {
		Weight::from_parts(12_420_634_000, 51650)
			.saturating_add(ParityDbWeight::get().reads(83))
			.saturating_add(ParityDbWeight::get().writes(30))
	}
	fn condemn() -> Weight {
		Weight::from_parts(7_522_826_000, 51650)
			.saturating_add(ParityDbWeight::get().reads(68))
			.saturating_add(ParityDbWeight::get().writes(49))
	}
	fn hasten_job() -> Weight {
		Weight::from_parts(319_089_000, 21186)
			.saturating_add(ParityDbWeight::get().reads(10))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn hasten_bundle() -> Weight {
		Weight::from_parts(621_302_000, 22106)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
}
