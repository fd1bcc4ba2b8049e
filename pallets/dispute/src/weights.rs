//! Weights of `pallet_dispute`: upper estimates, until `scripts/weights.sh --generate` writes measured ones here.

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
	fn service_block() -> Weight;
	fn attention_on_chain() -> Weight;
}

fn of(
	picoseconds: u64,
	proof: u64,
	reads: u64,
	writes: u64,
	database: polkadot_sdk::frame_support::weights::RuntimeDbWeight,
) -> Weight {
	Weight::from_parts(picoseconds, proof).saturating_add(database.reads_writes(reads, writes))
}

/// The weights on a chain with the database costs of `T`.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn challenge() -> Weight {
		of(2_000_000_000, 60_000, 20, 12, T::DbWeight::get())
	}
	fn reveal(n: u32) -> Weight {
		of(600_000_000, 30_000, 3, 3, T::DbWeight::get())
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(n.into()))
	}
	fn choose() -> Weight {
		of(600_000_000, 30_000, 3, 3, T::DbWeight::get())
	}
	fn expand() -> Weight {
		of(900_000_000, 30_000, 4, 3, T::DbWeight::get())
	}
	fn prove_input(b: u32) -> Weight {
		of(600_000_000, 30_000, 4, 3, T::DbWeight::get())
			.saturating_add(Weight::from_parts(4_000, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, T::DbWeight::get())
	}
	fn prove_range() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, T::DbWeight::get())
	}
	fn prove_sampler() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, T::DbWeight::get())
	}
	fn timeout() -> Weight {
		of(600_000_000, 30_000, 2, 2, T::DbWeight::get())
	}
	fn prove_length() -> Weight {
		of(1_200_000_000, 40_000, 8, 3, T::DbWeight::get())
	}
	fn close() -> Weight {
		of(2_000_000_000, 60_000, 12, 12, T::DbWeight::get())
	}
	fn convict() -> Weight {
		of(40_000_000_000, 600_000, 200, 200, T::DbWeight::get())
	}
	fn service_block() -> Weight {
		of(100_000_000, 20_000, 2, 1, T::DbWeight::get())
	}
	fn attention_on_chain() -> Weight {
		Weight::from_parts(10_000_000_000, 0)
	}
}

impl WeightInfo for () {
	fn challenge() -> Weight {
		of(2_000_000_000, 60_000, 20, 12, ParityDbWeight::get())
	}
	fn reveal(n: u32) -> Weight {
		of(600_000_000, 30_000, 3, 3, ParityDbWeight::get())
			.saturating_add(Weight::from_parts(2_000_000, 0).saturating_mul(n.into()))
	}
	fn choose() -> Weight {
		of(600_000_000, 30_000, 3, 3, ParityDbWeight::get())
	}
	fn expand() -> Weight {
		of(900_000_000, 30_000, 4, 3, ParityDbWeight::get())
	}
	fn prove_input(b: u32) -> Weight {
		of(600_000_000, 30_000, 4, 3, ParityDbWeight::get())
			.saturating_add(Weight::from_parts(4_000, 0).saturating_mul(b.into()))
	}
	fn prove_linear() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, ParityDbWeight::get())
	}
	fn prove_range() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, ParityDbWeight::get())
	}
	fn prove_sampler() -> Weight {
		of(3_000_000_000, 40_000, 5, 3, ParityDbWeight::get())
	}
	fn timeout() -> Weight {
		of(600_000_000, 30_000, 2, 2, ParityDbWeight::get())
	}
	fn prove_length() -> Weight {
		of(1_200_000_000, 40_000, 8, 3, ParityDbWeight::get())
	}
	fn close() -> Weight {
		of(2_000_000_000, 60_000, 12, 12, ParityDbWeight::get())
	}
	fn convict() -> Weight {
		of(40_000_000_000, 600_000, 200, 200, ParityDbWeight::get())
	}
	fn service_block() -> Weight {
		of(100_000_000, 20_000, 2, 1, ParityDbWeight::get())
	}
	fn attention_on_chain() -> Weight {
		Weight::from_parts(10_000_000_000, 0)
	}
}
