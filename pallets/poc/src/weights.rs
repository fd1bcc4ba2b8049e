//! Weights of `pallet_poc`, measured. Made by `scripts/weights.sh --generate`; not for editing.
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
	fn verdict(n: u32) -> Weight;
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// The range of component `n` is `[1, 16]`.
	fn verdict(n: u32) -> Weight {
		// Measured: 1578, estimated: 4684 bytes of proof.
		Weight::from_parts(841_356_421, 4684)
			.saturating_add(Weight::from_parts(38_753_620, 0).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}
}

impl WeightInfo for () {
	fn verdict(n: u32) -> Weight {
		Weight::from_parts(841_356_421, 4684)
			.saturating_add(Weight::from_parts(38_753_620, 0).saturating_mul(n.into()))
			.saturating_add(ParityDbWeight::get().reads(4))
			.saturating_add(ParityDbWeight::get().writes(2))
	}
}
