//! Weights of `pallet_dispute`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
	fn challenge() -> Weight;
	fn reveal(n: u32) -> Weight;
	fn choose() -> Weight;
	fn expand() -> Weight;
	fn prove_input(b: u32) -> Weight;
	fn prove_text(b: u32) -> Weight;
	fn prove_word() -> Weight;
	fn demand() -> Weight;
	fn show_output(b: u32) -> Weight;
	fn prove_output(b: u32) -> Weight;
	fn seal_output(b: u32) -> Weight;
	fn prove_linear() -> Weight;
	fn prove_range() -> Weight;
	fn prove_sampler() -> Weight;
	fn timeout() -> Weight;
	fn prove_length() -> Weight;
	fn close() -> Weight;
	fn convict() -> Weight;
	fn service_block() -> Weight;
	fn attention_on_chain() -> Weight;
	fn canon32_products() -> Weight;
	fn canon32_functions() -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn challenge() -> Weight {
		// Measured: 12525, estimated: 167745 bytes of proof.
		Weight::from_parts(1_111_990_000, 167745)
			.saturating_add(T::DbWeight::get().reads(36))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	/// The range of component `n` is `[2, 256]`.
	fn reveal(n: u32) -> Weight {
		// Measured: 680, estimated: 12107 bytes of proof.
		Weight::from_parts(255_376_529, 12107)
			.saturating_add(Weight::from_parts(561_978, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		// Measured: 8874, estimated: 12107 bytes of proof.
		Weight::from_parts(258_561_000, 12107)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		// Measured: 1510, estimated: 12314 bytes of proof.
		Weight::from_parts(310_862_000, 12314)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[4, 262144]`.
	fn prove_input(b: u32) -> Weight {
		// Measured: 3039, estimated: 12314 bytes of proof.
		Weight::from_parts(1_015_244_734, 12314)
			.saturating_add(Weight::from_parts(3_964, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn prove_text(b: u32) -> Weight {
		// Measured: 3115, estimated: 12314 bytes of proof.
		Weight::from_parts(20_948_315_151, 12314)
			.saturating_add(Weight::from_parts(2_419_245, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn prove_word() -> Weight {
		// Measured: 2316, estimated: 12107 bytes of proof.
		Weight::from_parts(1_756_144_000, 12107)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn demand() -> Weight {
		// Measured: 12525, estimated: 167745 bytes of proof.
		Weight::from_parts(1_130_629_000, 167745)
			.saturating_add(T::DbWeight::get().reads(36))
			.saturating_add(T::DbWeight::get().writes(10))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn show_output(b: u32) -> Weight {
		// Measured: 639, estimated: 12107 bytes of proof.
		Weight::from_parts(279_674_162, 12107)
			.saturating_add(Weight::from_parts(3_872, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn prove_output(b: u32) -> Weight {
		// Measured: 2871, estimated: 26100 bytes of proof.
		Weight::from_parts(1_612_989_975, 26100)
			.saturating_add(Weight::from_parts(3_501, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(33))
			.saturating_add(T::DbWeight::get().writes(17))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn seal_output(b: u32) -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(21_524_738, 0)
			.saturating_add(Weight::from_parts(8_680, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		// Measured: 3128, estimated: 12314 bytes of proof.
		Weight::from_parts(1_472_169_000, 12314)
			.saturating_add(T::DbWeight::get().reads(19))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn prove_range() -> Weight {
		// Measured: 2293, estimated: 12107 bytes of proof.
		Weight::from_parts(1_783_902_000, 12107)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn prove_sampler() -> Weight {
		// Measured: 2293, estimated: 12107 bytes of proof.
		Weight::from_parts(1_335_225_000, 12107)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn timeout() -> Weight {
		// Measured: 10403, estimated: 12107 bytes of proof.
		Weight::from_parts(949_049_000, 12107)
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn prove_length() -> Weight {
		// Measured: 2871, estimated: 26100 bytes of proof.
		Weight::from_parts(1_467_427_000, 26100)
			.saturating_add(T::DbWeight::get().reads(33))
			.saturating_add(T::DbWeight::get().writes(17))
	}
	fn close() -> Weight {
		// Measured: 1918, estimated: 8799 bytes of proof.
		Weight::from_parts(900_403_000, 8799)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(14))
	}
	fn convict() -> Weight {
		// Measured: 15720, estimated: 167745 bytes of proof.
		Weight::from_parts(12_409_343_000, 167745)
			.saturating_add(T::DbWeight::get().reads(176))
			.saturating_add(T::DbWeight::get().writes(176))
	}
	fn service_block() -> Weight {
		// Measured: 2444, estimated: 7063 bytes of proof.
		Weight::from_parts(77_575_000, 7063)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(452_836_000, 0)
	}
	fn canon32_products() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(151_084_000, 0)
	}
	fn canon32_functions() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(1_137_561_000, 0)
	}
}

impl WeightInfo for () {
	fn challenge() -> Weight {
		Weight::from_parts(1_111_990_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(36))
			.saturating_add(ParityDbWeight::get().writes(10))
	}
	fn reveal(n: u32) -> Weight {
		Weight::from_parts(255_376_529, 12107)
			.saturating_add(Weight::from_parts(561_978, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		Weight::from_parts(258_561_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		Weight::from_parts(310_862_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(8))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn prove_input(b: u32) -> Weight {
		Weight::from_parts(1_015_244_734, 12314)
			.saturating_add(Weight::from_parts(3_964, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn prove_text(b: u32) -> Weight {
		Weight::from_parts(20_948_315_151, 12314)
			.saturating_add(Weight::from_parts(2_419_245, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(20))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn prove_word() -> Weight {
		Weight::from_parts(1_756_144_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn demand() -> Weight {
		Weight::from_parts(1_130_629_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(36))
			.saturating_add(ParityDbWeight::get().writes(10))
	}
	fn show_output(b: u32) -> Weight {
		Weight::from_parts(279_674_162, 12107)
			.saturating_add(Weight::from_parts(3_872, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(7))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn prove_output(b: u32) -> Weight {
		Weight::from_parts(1_612_989_975, 26100)
			.saturating_add(Weight::from_parts(3_501, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(33))
			.saturating_add(ParityDbWeight::get().writes(17))
	}
	fn seal_output(b: u32) -> Weight {
		Weight::from_parts(21_524_738, 0)
			.saturating_add(Weight::from_parts(8_680, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		Weight::from_parts(1_472_169_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(19))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn prove_range() -> Weight {
		Weight::from_parts(1_783_902_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn prove_sampler() -> Weight {
		Weight::from_parts(1_335_225_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn timeout() -> Weight {
		Weight::from_parts(949_049_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn prove_length() -> Weight {
		Weight::from_parts(1_467_427_000, 26100)
			.saturating_add(ParityDbWeight::get().reads(33))
			.saturating_add(ParityDbWeight::get().writes(17))
	}
	fn close() -> Weight {
		Weight::from_parts(900_403_000, 8799)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(14))
	}
	fn convict() -> Weight {
		Weight::from_parts(12_409_343_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(176))
			.saturating_add(ParityDbWeight::get().writes(176))
	}
	fn service_block() -> Weight {
		Weight::from_parts(77_575_000, 7063)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		Weight::from_parts(452_836_000, 0)
	}
	fn canon32_products() -> Weight {
		Weight::from_parts(151_084_000, 0)
	}
	fn canon32_functions() -> Weight {
		Weight::from_parts(1_137_561_000, 0)
	}
}
