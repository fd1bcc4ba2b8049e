//! Weights of `pallet_dispute`, measured. Made by `scripts/weights.sh --generate`; not for editing. `prove_text`,
//! `prove_word`, `demand`, `show_output`, `prove_output` and `seal` are upper estimates, until it runs again.
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
	fn challenge() -> Weight;
	fn reveal(n: u32) -> Weight;
	fn choose() -> Weight;
	fn expand() -> Weight;
	fn prove_input(b: u32) -> Weight;
	fn prove_linear() -> Weight;
	fn prove_range() -> Weight;
	fn prove_sampler() -> Weight;
	fn timeout() -> Weight;
	fn prove_length() -> Weight;
	fn close() -> Weight;
	fn convict() -> Weight;
	fn prove_text(b: u32) -> Weight;
	fn prove_word() -> Weight;
	fn demand() -> Weight;
	fn show_output(b: u32) -> Weight;
	fn prove_output(b: u32) -> Weight;
	fn seal(b: u32) -> Weight;
	fn service_block() -> Weight;
	fn attention_on_chain() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn challenge() -> Weight {
		// Measured: 11821, estimated: 167385 bytes of proof.
		Weight::from_parts(1_065_616_000, 167385)
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	/// The range of component `n` is `[2, 256]`.
	fn reveal(n: u32) -> Weight {
		// Measured: 565, estimated: 12083 bytes of proof.
		Weight::from_parts(216_635_057, 12083)
			.saturating_add(Weight::from_parts(570_782, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		// Measured: 8759, estimated: 12083 bytes of proof.
		Weight::from_parts(202_197_000, 12083)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		// Measured: 1395, estimated: 12314 bytes of proof.
		Weight::from_parts(253_708_000, 12314)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[4, 262144]`.
	fn prove_input(b: u32) -> Weight {
		// Measured: 2867, estimated: 12314 bytes of proof.
		Weight::from_parts(962_113_876, 12314)
			.saturating_add(Weight::from_parts(3_486, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_linear() -> Weight {
		// Measured: 2956, estimated: 12314 bytes of proof.
		Weight::from_parts(1_403_784_000, 12314)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_range() -> Weight {
		// Measured: 2121, estimated: 12083 bytes of proof.
		Weight::from_parts(1_727_510_000, 12083)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_sampler() -> Weight {
		// Measured: 2121, estimated: 12083 bytes of proof.
		Weight::from_parts(1_246_586_000, 12083)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn timeout() -> Weight {
		// Measured: 10231, estimated: 12083 bytes of proof.
		Weight::from_parts(890_136_000, 12083)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_length() -> Weight {
		// Measured: 2795, estimated: 16056 bytes of proof.
		Weight::from_parts(1_400_309_000, 16056)
			.saturating_add(T::DbWeight::get().reads(29))
			.saturating_add(T::DbWeight::get().writes(17))
	}
	fn close() -> Weight {
		// Measured: 1747, estimated: 8799 bytes of proof.
		Weight::from_parts(859_404_000, 8799)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn convict() -> Weight {
		// Measured: 14434, estimated: 167385 bytes of proof.
		Weight::from_parts(31_576_935_000, 167385)
			.saturating_add(T::DbWeight::get().reads(155))
			.saturating_add(T::DbWeight::get().writes(159))
	}
	fn service_block() -> Weight {
		// Measured: 2444, estimated: 7063 bytes of proof.
		Weight::from_parts(80_705_000, 7063)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(490_030_000, 0)
	}
	fn prove_text(b: u32) -> Weight {
		Weight::from_parts(6_000_000_000, 40_000)
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(6, 3))
	}
	fn prove_word() -> Weight {
		Weight::from_parts(2_000_000_000, 30_000).saturating_add(T::DbWeight::get().reads_writes(3, 3))
	}
	fn demand() -> Weight {
		Weight::from_parts(1_065_616_000, 167385)
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	fn show_output(b: u32) -> Weight {
		Weight::from_parts(600_000_000, 13_000)
			.saturating_add(Weight::from_parts(6_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(4, 3))
	}
	fn prove_output(b: u32) -> Weight {
		Weight::from_parts(3_500_000_000, 30_000)
			.saturating_add(Weight::from_parts(4_000, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads_writes(34, 18))
	}
	fn seal(b: u32) -> Weight {
		Weight::from_parts(20_000_000, 0)
			.saturating_add(Weight::from_parts(30_000, 0).saturating_mul(b.into()))
	}
}

impl WeightInfo for () {
	fn challenge() -> Weight {
		Weight::from_parts(1_065_616_000, 167385)
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn reveal(n: u32) -> Weight {
		Weight::from_parts(216_635_057, 12083)
			.saturating_add(Weight::from_parts(570_782, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		Weight::from_parts(202_197_000, 12083)
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		Weight::from_parts(253_708_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn prove_input(b: u32) -> Weight {
		Weight::from_parts(962_113_876, 12314)
			.saturating_add(Weight::from_parts(3_486, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_linear() -> Weight {
		Weight::from_parts(1_403_784_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_range() -> Weight {
		Weight::from_parts(1_727_510_000, 12083)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_sampler() -> Weight {
		Weight::from_parts(1_246_586_000, 12083)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn timeout() -> Weight {
		Weight::from_parts(890_136_000, 12083)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_length() -> Weight {
		Weight::from_parts(1_400_309_000, 16056)
			.saturating_add(ParityDbWeight::get().reads(29))
			.saturating_add(ParityDbWeight::get().writes(17))
	}
	fn close() -> Weight {
		Weight::from_parts(859_404_000, 8799)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn convict() -> Weight {
		Weight::from_parts(31_576_935_000, 167385)
			.saturating_add(ParityDbWeight::get().reads(155))
			.saturating_add(ParityDbWeight::get().writes(159))
	}
	fn service_block() -> Weight {
		Weight::from_parts(80_705_000, 7063)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		Weight::from_parts(490_030_000, 0)
	}
	fn prove_text(b: u32) -> Weight {
		Weight::from_parts(6_000_000_000, 40_000)
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads_writes(6, 3))
	}
	fn prove_word() -> Weight {
		Weight::from_parts(2_000_000_000, 30_000).saturating_add(ParityDbWeight::get().reads_writes(3, 3))
	}
	fn demand() -> Weight {
		Weight::from_parts(1_065_616_000, 167385)
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn show_output(b: u32) -> Weight {
		Weight::from_parts(600_000_000, 13_000)
			.saturating_add(Weight::from_parts(6_000, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads_writes(4, 3))
	}
	fn prove_output(b: u32) -> Weight {
		Weight::from_parts(3_500_000_000, 30_000)
			.saturating_add(Weight::from_parts(4_000, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads_writes(34, 18))
	}
	fn seal(b: u32) -> Weight {
		Weight::from_parts(20_000_000, 0)
			.saturating_add(Weight::from_parts(30_000, 0).saturating_mul(b.into()))
	}
}
