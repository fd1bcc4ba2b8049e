//! # Randomness after a block
//!
//! Who checks an answer must follow from something that nobody knew when the answer was given. This pallet keeps such a
//! value for every block.
//!
//! ## Where it comes from
//!
//! Each relay chain block carries the output of its author's verifiable random function. The collator proves it with the
//! rest of the relay chain's state, so that it can't choose it; the relay chain's validators check the proof.
//!
//! A collator may build on a relay block that is a few blocks old, and know the newer ones already. So the value *after*
//! block `b` is that of the first block whose relay parent is more than [`Config::RelayLag`] relay blocks ahead of `b`'s.
//!
//! ## Without a relay chain
//!
//! A development chain has no relay chain. There the hash of the block before is used instead, if the chain's genesis
//! says so ([`Fallback`]): a collator could choose among a few. Without that a missing value is missing, and what waits
//! for it waits.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod record;
#[cfg(test)]
mod tests;

use polkadot_sdk::{frame_support, frame_system};

pub use pallet::*;

/// Blocks whose values are kept: more than any panel waits for its seed.
pub const KEPT: u32 = 512;
/// Blocks that are looked at for the value after a block.
pub const LOOK_AHEAD: u32 = 32;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::StorageVersion};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::BlockNumber;

	/// The version of the storage below.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Randomness after a block.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Relay blocks that a collator may know of, and not build on.
		type RelayLag: Get<u32>;
	}

	/// Where a value comes from.
	#[derive(
		Clone, Copy, Debug, Decode, DecodeWithMemTracking, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo,
	)]
	pub enum Source {
		/// The relay block's author.
		#[codec(index = 0)]
		Relay,
		/// The hash of the block before.
		#[codec(index = 1)]
		ParentHash,
	}

	/// What a block brought.
	#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
	pub struct Value {
		/// Its relay parent's number.
		pub relay: u32,
		/// The bytes.
		pub bytes: [u8; 32],
		/// Where they come from.
		pub source: Source,
	}

	/// Values of the last [`KEPT`] blocks that had one.
	#[pallet::storage]
	pub type Values<T> = StorageMap<_, Twox64Concat, BlockNumber, Value>;

	/// Relay parents of the last [`KEPT`] blocks.
	#[pallet::storage]
	pub type RelayParents<T> = StorageMap<_, Twox64Concat, BlockNumber, u32>;

	/// What the state proof of this block held. Only within the inherent that brings the proof.
	#[pallet::storage]
	pub type Proven<T> = StorageValue<_, [u8; 32]>;

	/// Where the last value came from.
	#[pallet::storage]
	pub type LastSource<T> = StorageValue<_, Source>;

	/// Whether the hash of the block before stands in for a missing value. Fixed at genesis.
	#[pallet::storage]
	pub type Fallback<T> = StorageValue<_, bool, ValueQuery>;

	/// What the chain begins with.
	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// Whether the hash of the block before stands in for a missing value: on development chains only.
		pub fallback: bool,
		/// Nothing else.
		#[serde(skip)]
		pub _config: core::marker::PhantomData<T>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			Fallback::<T>::put(self.fallback);
		}
	}

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Values come from somewhere else from this block on.
		SourceChanged {
			/// From there; `None` when there are no values.
			to: Option<Source>,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_n: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}
