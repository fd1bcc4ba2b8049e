//! Weights of `pallet_dispute`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn challenge() -> Weight {
		// Measured: 11845, estimated: 167745 bytes of proof.
		Weight::from_parts(1_049_509_000, 167745)
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	/// The range of component `n` is `[2, 256]`.
	fn reveal(n: u32) -> Weight {
		// Measured: 566, estimated: 12107 bytes of proof.
		Weight::from_parts(241_683_602, 12107)
			.saturating_add(Weight::from_parts(772_182, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		// Measured: 8760, estimated: 12107 bytes of proof.
		Weight::from_parts(212_342_000, 12107)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		// Measured: 1396, estimated: 12314 bytes of proof.
		Weight::from_parts(366_508_000, 12314)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(2))
	}
	/// The range of component `b` is `[4, 262144]`.
	fn prove_input(b: u32) -> Weight {
		// Measured: 2902, estimated: 12314 bytes of proof.
		Weight::from_parts(1_004_411_309, 12314)
			.saturating_add(Weight::from_parts(4_172, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	/// The range of component `b` is `[1, 65536]`.
	fn prove_text(b: u32) -> Weight {
		// Measured: 2978, estimated: 12314 bytes of proof.
		Weight::from_parts(21_305_373_132, 12314)
			.saturating_add(Weight::from_parts(2_460_437, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_word() -> Weight {
		// Measured: 2179, estimated: 12107 bytes of proof.
		Weight::from_parts(1_715_014_000, 12107)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn demand() -> Weight {
		// Measured: 11845, estimated: 167745 bytes of proof.
		Weight::from_parts(1_070_836_000, 167745)
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(8))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn show_output(b: u32) -> Weight {
		// Measured: 525, estimated: 12107 bytes of proof.
		Weight::from_parts(234_731_404, 12107)
			.saturating_add(Weight::from_parts(4_386, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn prove_output(b: u32) -> Weight {
		// Measured: 2871, estimated: 23589 bytes of proof.
		Weight::from_parts(1_990_889_842, 23589)
			.saturating_add(Weight::from_parts(3_847, 0).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(17))
	}
	/// The range of component `b` is `[0, 524288]`.
	fn seal_output(b: u32) -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(8_186_745, 0).saturating_add(Weight::from_parts(8_877, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		// Measured: 2991, estimated: 12314 bytes of proof.
		Weight::from_parts(1_616_839_000, 12314)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_range() -> Weight {
		// Measured: 2156, estimated: 12107 bytes of proof.
		Weight::from_parts(1_992_035_000, 12107)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_sampler() -> Weight {
		// Measured: 2156, estimated: 12107 bytes of proof.
		Weight::from_parts(1_340_496_000, 12107)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn timeout() -> Weight {
		// Measured: 10266, estimated: 12107 bytes of proof.
		Weight::from_parts(965_924_000, 12107)
			.saturating_add(T::DbWeight::get().reads(16))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn prove_length() -> Weight {
		// Measured: 2871, estimated: 23589 bytes of proof.
		Weight::from_parts(1_794_576_000, 23589)
			.saturating_add(T::DbWeight::get().reads(32))
			.saturating_add(T::DbWeight::get().writes(17))
	}
	fn close() -> Weight {
		// Measured: 1781, estimated: 8799 bytes of proof.
		Weight::from_parts(1_238_132_000, 8799)
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().writes(12))
	}
	fn convict() -> Weight {
		// Measured: 14525, estimated: 167745 bytes of proof.
		Weight::from_parts(14_290_376_000, 167745)
			.saturating_add(T::DbWeight::get().reads(158))
			.saturating_add(T::DbWeight::get().writes(159))
	}
	fn service_block() -> Weight {
		// Measured: 2444, estimated: 7063 bytes of proof.
		Weight::from_parts(118_480_000, 7063)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		// Measured: 0, estimated: 0 bytes of proof.
		Weight::from_parts(485_006_000, 0)
	}
}

impl WeightInfo for () {
	fn challenge() -> Weight {
		Weight::from_parts(1_049_509_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn reveal(n: u32) -> Weight {
		Weight::from_parts(241_683_602, 12107)
			.saturating_add(Weight::from_parts(772_182, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn choose() -> Weight {
		Weight::from_parts(212_342_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn expand() -> Weight {
		Weight::from_parts(366_508_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(5))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
	fn prove_input(b: u32) -> Weight {
		Weight::from_parts(1_004_411_309, 12314)
			.saturating_add(Weight::from_parts(4_172, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_text(b: u32) -> Weight {
		Weight::from_parts(21_305_373_132, 12314)
			.saturating_add(Weight::from_parts(2_460_437, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(18))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_word() -> Weight {
		Weight::from_parts(1_715_014_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn demand() -> Weight {
		Weight::from_parts(1_070_836_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(8))
	}
	fn show_output(b: u32) -> Weight {
		Weight::from_parts(234_731_404, 12107)
			.saturating_add(Weight::from_parts(4_386, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(3))
	}
	fn prove_output(b: u32) -> Weight {
		Weight::from_parts(1_990_889_842, 23589)
			.saturating_add(Weight::from_parts(3_847, 0).saturating_mul(b.into()))
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(17))
	}
	fn seal_output(b: u32) -> Weight {
		Weight::from_parts(8_186_745, 0).saturating_add(Weight::from_parts(8_877, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		Weight::from_parts(1_616_839_000, 12314)
			.saturating_add(ParityDbWeight::get().reads(17))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_range() -> Weight {
		Weight::from_parts(1_992_035_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_sampler() -> Weight {
		Weight::from_parts(1_340_496_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn timeout() -> Weight {
		Weight::from_parts(965_924_000, 12107)
			.saturating_add(ParityDbWeight::get().reads(16))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn prove_length() -> Weight {
		Weight::from_parts(1_794_576_000, 23589)
			.saturating_add(ParityDbWeight::get().reads(32))
			.saturating_add(ParityDbWeight::get().writes(17))
	}
	fn close() -> Weight {
		Weight::from_parts(1_238_132_000, 8799)
			.saturating_add(ParityDbWeight::get().reads(15))
			.saturating_add(ParityDbWeight::get().writes(12))
	}
	fn convict() -> Weight {
		Weight::from_parts(14_290_376_000, 167745)
			.saturating_add(ParityDbWeight::get().reads(158))
			.saturating_add(ParityDbWeight::get().writes(159))
	}
	fn service_block() -> Weight {
		Weight::from_parts(118_480_000, 7063)
			.saturating_add(ParityDbWeight::get().reads(2))
			.saturating_add(ParityDbWeight::get().writes(1))
	}
	fn attention_on_chain() -> Weight {
		Weight::from_parts(485_006_000, 0)
	}
}
