//! # Checkpoints
//!
//! Versions of models: what a job names, what a validator recomputes, what lineage is made of.
//!
//! ## Terms
//! - **Checkpoint**: a [`CheckpointRecord`](noesis_primitives::CheckpointRecord) under a number. Ids count from
//!   0 in the order of registration.
//! - **Roots**: `layer_roots` are the Merkle roots of the embedding group and of each layer; `weights` is the
//!   root over them, and names the model's bits.
//! - **Lineage**: `parent` is the version that this one was made from. `depth` is the number of ancestors.
//! - **Identity**: the hash of all that a record says of the model itself: everything but parent and locators.
//!
//! ## Rules
//! - Anyone registers a checkpoint against a deposit that grows with its size. The deposit stays held: records
//!   are never removed, because lineage and old answers refer to them.
//! - A record never changes, except for its locators, which its owner keeps up to date.
//! - The owner or the admin may *deprecate* a checkpoint: new jobs can't name it any more, it stays readable and
//!   fetchable, and nothing brings it back.
//! - Among active checkpoints an identity occurs once. Deprecation frees it.
//! - The chain has the hash of a model's architecture, not the architecture, so a record may say a wrong width, context or
//!   price. It has an identity of its own and is in nobody's way. Operators serve only what says all that their file does.
//!
//! ## What it costs to ask
//! Every job reads a checkpoint. So a [`Head`] of about a hundred bytes is kept apart from the record, which can
//! have eight thousand; [`CheckpointRegistry::facts`](noesis_primitives::CheckpointRegistry::facts) reads only
//! the head.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod admission;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod invariants;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod mock;
mod registry;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
pub mod weights;

pub use admission::{identity, MAX_CONTEXT, MAX_UNITS_PER_TOKEN, MAX_VOCABULARY, MAX_WIDTH};
pub use pallet::*;
pub use registry::{CheckpointStatus, Head};
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_system};

/// The pallet.
#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{Balance, CheckpointId, CheckpointRecord, Locators, Root};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The pallet's dispatchables, reads and traits.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime chooses.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Where deposits are held.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::Mutate<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may deprecate a checkpoint besides its owner.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Part of the deposit that does not depend on the record's size.
		type DepositBase: Get<Balance>;

		/// Deposit for each byte of the encoded record.
		type DepositPerByte: Get<Balance>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why funds are held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For the storage that a checkpoint takes.
		#[codec(index = 0)]
		CheckpointDeposit,
	}

	/// Id of the next checkpoint.
	#[pallet::storage]
	pub type NextId<T> = StorageValue<_, CheckpointId, ValueQuery>;

	/// What every job asks of a checkpoint, and what the chain keeps beside its record.
	#[pallet::storage]
	pub type Heads<T: Config> = StorageMap<_, Twox64Concat, CheckpointId, Head<T::AccountId>>;

	/// The records as they were registered, with the present locators.
	#[pallet::storage]
	pub type Records<T> = StorageMap<_, Twox64Concat, CheckpointId, CheckpointRecord>;

	/// The active checkpoint that has this identity.
	#[pallet::storage]
	pub type ByIdentity<T> = StorageMap<_, Identity, [u8; 32], CheckpointId>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A checkpoint was registered.
		Registered {
			/// Its number.
			id: CheckpointId,
			/// Who registered it.
			owner: T::AccountId,
			/// The version that it was made from.
			parent: Option<CheckpointId>,
			/// Root of its weights.
			weights: Root,
			/// Deposit held for it.
			deposit: Balance,
		},
		/// A checkpoint takes no more new jobs.
		Deprecated {
			/// Its number.
			id: CheckpointId,
		},
		/// A checkpoint can be fetched elsewhere.
		LocatorsSet {
			/// Its number.
			id: CheckpointId,
			/// Deposit now held for it.
			deposit: Balance,
		},
	}

	/// What stands in the way.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no checkpoint with this id. Ids count from 0; `nextId` is the first that is free.
		UnknownCheckpoint,
		/// The parent is not registered. Register it first, or leave `parent` empty.
		UnknownParent,
		/// An active checkpoint says the same of the model. Use that one; `byIdentity` has its id.
		AlreadyRegistered,
		/// `width` must be 1 to 65536.
		BadWidth,
		/// `layers` must be 1 to 255.
		BadLayers,
		/// `context` must be 1 to 65536 tokens.
		BadContext,
		/// `vocabulary` must be 1 to 1048576 tokens.
		BadVocabulary,
		/// `unitsPerToken` must be 1 to 10000000 (millions of parameters).
		BadUnits,
		/// `layerRoots` must hold `layers` + 1 roots: the embedding's, then one per layer.
		WrongRootCount,
		/// `weights` is not the Merkle root over `layerRoots`. Compute both again from the file.
		WrongWeights,
		/// A job of full context would have more than 2^32 - 1 leaves in its trace. Register a shorter `context`.
		TraceTooLong,
		/// Only the account that registered the checkpoint may do this. Sign with that account.
		NotOwner,
		/// The checkpoint is deprecated already; nothing is left to do.
		AlreadyDeprecated,
		/// All 2^32 ids are given away. The runtime must be upgraded before another checkpoint fits.
		IdsExhausted,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers a version of a model.
		///
		/// The caller becomes its owner, and a deposit is held on the caller: `DepositBase` and `DepositPerByte` for
		/// each byte of the encoded record.
		///
		/// - `record`: what is registered. `layer_roots` has the embedding's root and one for each layer, and
		///   `weights` is the Merkle root over them.
		///
		/// Emits `Registered`.
		///
		/// Fails with `BadWidth`, `BadLayers`, `BadContext`, `BadVocabulary`, `BadUnits`, `WrongRootCount`,
		/// `WrongWeights`, `TraceTooLong`, `UnknownParent`, `AlreadyRegistered` or `IdsExhausted`, and with
		/// `FundsUnavailable` when the caller can't cover the deposit.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(record.layer_roots.len() as u32))]
		pub fn register(origin: OriginFor<T>, record: CheckpointRecord) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_register(owner, record)
		}

		/// Ends a checkpoint's use for new jobs, for ever. It stays readable and fetchable.
		///
		/// - `id`: the checkpoint. The origin is its owner or the admin.
		///
		/// Emits `Deprecated`.
		///
		/// Fails with `UnknownCheckpoint`, `NotOwner` or `AlreadyDeprecated`.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::deprecate())]
		pub fn deprecate(origin: OriginFor<T>, id: CheckpointId) -> DispatchResult {
			let caller = match T::AdminOrigin::try_origin(origin) {
				Ok(_) => None,
				Err(origin) => Some(ensure_signed(origin)?),
			};
			Self::do_deprecate(caller, id)
		}

		/// Says anew where a checkpoint's file can be fetched.
		///
		/// The deposit is computed again from the record's new size at the present prices; the difference is held or
		/// released.
		///
		/// - `id`: the checkpoint, deprecated or not. The caller is its owner.
		/// - `locators`: all places, in the order in which they should be tried.
		///
		/// Emits `LocatorsSet`.
		///
		/// Fails with `UnknownCheckpoint` or `NotOwner`, and with `FundsUnavailable` when the caller can't cover the
		/// deposit.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::set_locators())]
		pub fn set_locators(origin: OriginFor<T>, id: CheckpointId, locators: Locators) -> DispatchResult {
			let caller = ensure_signed(origin)?;
			Self::do_set_locators(caller, id, locators)
		}
	}
}
