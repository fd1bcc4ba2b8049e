//! # Operators
//!
//! Who may run jobs and who may check them.
//!
//! ## Terms
//! - **Operator**: an account that holds a stake in one [`Role`](noesis_primitives::Role): worker or validator.
//! - **Capability**: which checkpoints it runs, where its blobs are, and a validator's draw key.
//! - **Exposure**: the price of the jobs a worker has open. It never exceeds the stake.
//! - **Mark**: a missed deadline or a rejected answer. `MaxMarks` of them shut an operator out.
//! - **Bar**: the block before which an operator that unbonds out of an exclusion may not return.
//!
//! ## A life
//! ```text
//!            register
//!               |                    marks, exclude
//!               v            +----------------------------+
//!            Active ---------+                            v
//!            ^  |  ^         rejoin after until, readmit
//!     rejoin |  |  +------------------------------------ Excluded
//!            |  | unbond                                  |
//!            |  v                                         |
//!          Unbonding <------------------------------------+
//!               |                  unbond
//!               v withdraw after until
//!             (gone, stake released)
//! ```
//! - Leaving takes `UnbondingPeriod` blocks and needs zero exposure. Open jobs always end, so exposure always
//!   does, and from every status there is a way to the whole stake.
//! - Unbonding does not shorten an exclusion: the later end counts for the stake, and the exclusion's own end,
//!   kept as a bar, for the return.
//! - Capability, draw key and status count from the block in which they were last set (`since`): a panel takes
//!   only validators that stood as they are before the answer it judges.
//! - Two validators never share a draw key: with one draw for many accounts, its owner would bring all of them
//!   into one panel far more often than chance allows.
//!
//! ## What it costs to ask
//! The number of active validators of a checkpoint is counted when an operator changes, so that asking for it is
//! one read. Every change of an operator goes through one function (`ledger.rs`), which keeps counters and keys
//! in step with the records.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod capability;
mod invariants;
mod ledger;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod mock;
mod registry;
mod standing;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_system};

/// The pallet.
#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
pub mod pallet {
	use super::*;
	use crate::standing::Move;
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{Balance, BlockNumber, Capability, CheckpointId, OperatorRecord, Role};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The pallet's dispatchables, reads and traits.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime chooses.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Where stakes are held.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::Mutate<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may exclude and readmit operators.
		type AdminOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Least stake with which a worker comes in.
		type MinWorkerStake: Get<Balance>;

		/// Least stake with which a validator comes in.
		type MinValidatorStake: Get<Balance>;

		/// Blocks from leaving to getting the stake back.
		type UnbondingPeriod: Get<BlockNumber>;

		/// Marks that shut an operator out.
		type MaxMarks: Get<u32>;

		/// Blocks that such an operator stays out.
		type ExclusionPeriod: Get<BlockNumber>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why funds are held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For an operator's work.
		#[codec(index = 0)]
		Stake,
	}

	/// The operators.
	#[pallet::storage]
	pub type Operators<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, OperatorRecord>;

	/// Number of active validators that offer a checkpoint.
	#[pallet::storage]
	pub type ValidatorsFor<T> = StorageMap<_, Blake2_128Concat, CheckpointId, u32, ValueQuery>;

	/// The validator that registered a draw key, whatever its status.
	#[pallet::storage]
	pub type DrawKeys<T: Config> = StorageMap<_, Blake2_128Concat, [u8; 32], T::AccountId>;

	/// First block at which an operator that unbonds out of an exclusion may return.
	#[pallet::storage]
	pub type Barred<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, BlockNumber>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// An operator came in.
		Registered {
			/// Its account.
			who: T::AccountId,
			/// What it does.
			role: Role,
			/// Stake held.
			stake: Balance,
		},
		/// An operator added to its stake.
		StakeAdded {
			/// Its account.
			who: T::AccountId,
			/// What was added.
			amount: Balance,
			/// Stake now held.
			stake: Balance,
		},
		/// An operator offers something else from now on.
		CapabilityUpdated {
			/// Its account.
			who: T::AccountId,
		},
		/// An operator is leaving.
		Unbonding {
			/// Its account.
			who: T::AccountId,
			/// First block at which it can withdraw its stake.
			until: BlockNumber,
		},
		/// An operator left with its stake.
		Withdrawn {
			/// Its account.
			who: T::AccountId,
			/// What was released.
			amount: Balance,
		},
		/// An operator came back.
		Rejoined {
			/// Its account.
			who: T::AccountId,
		},
		/// An operator missed a deadline or had an answer rejected.
		Marked {
			/// Its account.
			who: T::AccountId,
			/// Marks since it last came in.
			marks: u32,
		},
		/// An operator was shut out.
		Excluded {
			/// Its account.
			who: T::AccountId,
			/// First block at which it may rejoin.
			until: BlockNumber,
		},
		/// An operator's exclusion was lifted.
		Readmitted {
			/// Its account.
			who: T::AccountId,
		},
	}

	/// What stands in the way.
	#[pallet::error]
	pub enum Error<T> {
		/// The account is an operator already. Change it with `updateCapability` or `addStake`; for the other role,
		/// unbond and withdraw first or take another account.
		AlreadyRegistered,
		/// The account is not an operator. Register it first.
		NotRegistered,
		/// The stake is below the least of the role. Stake more; an operator that is in already adds with `addStake`.
		StakeTooLow,
		/// Nothing would be added. Give an amount above 0.
		NothingToAdd,
		/// The capability names a checkpoint twice. Name each once.
		DuplicateCheckpoint,
		/// The endpoint must start with http:// or https:// and go on with a host, in printable ASCII without blanks.
		/// Only a validator may leave it empty.
		BadEndpoint,
		/// A validator needs a draw key. Give the public part of an sr25519 key made for drawing.
		NoDrawKey,
		/// Another validator draws with this key. Make one of your own.
		DrawKeyTaken,
		/// The operator has jobs open. Finish or release them, then unbond.
		JobsOpen,
		/// The operator is leaving already. Withdraw when the time is over, or rejoin.
		AlreadyUnbonding,
		/// The operator takes part already; nothing is left to do.
		AlreadyActive,
		/// Only an operator that unbonds can withdraw. Unbond first.
		NotUnbonding,
		/// The stake is still bound. Withdraw at the block that the status names as `until`.
		StillBound,
		/// The operator is still shut out. Rejoin at the block that the status names as `until`; while unbonding, at
		/// the one under `barred`.
		StillExcluded,
		/// The operator is not shut out; nothing is left to do.
		NotExcluded,
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
		/// Makes the caller an operator and holds its stake.
		///
		/// - `role`: what it does. It stays so until it withdraws.
		/// - `stake`: what is held; at least `MinWorkerStake` or `MinValidatorStake`. It bounds the price of the jobs
		///   that a worker may have open at once.
		/// - `capability`: what it can do. A worker needs an endpoint, a validator a draw key of its own.
		///
		/// Emits `Registered`.
		///
		/// Fails with `AlreadyRegistered`, `StakeTooLow`, `DuplicateCheckpoint`, `BadEndpoint`, `NoDrawKey` or
		/// `DrawKeyTaken`, and with `FundsUnavailable` when the caller can't cover the stake.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register(capability.checkpoints.len() as u32))]
		pub fn register(
			origin: OriginFor<T>,
			role: Role,
			stake: Balance,
			capability: Capability,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_register(who, role, stake, capability)
		}

		/// Adds to the caller's stake, whatever its status.
		///
		/// - `amount`: what is held besides.
		///
		/// Emits `StakeAdded`.
		///
		/// Fails with `NothingToAdd` or `NotRegistered`, and with `FundsUnavailable` when the caller can't cover it.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::add_stake())]
		pub fn add_stake(origin: OriginFor<T>, amount: Balance) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_add_stake(who, amount)
		}

		/// Says anew what the caller can do, whatever its status.
		///
		/// A validator can't judge answers that were given before this block.
		///
		/// - `capability`: all of it; nothing is kept of the old one.
		///
		/// Emits `CapabilityUpdated`.
		///
		/// Fails with `NotRegistered`, `DuplicateCheckpoint`, `BadEndpoint`, `NoDrawKey` or `DrawKeyTaken`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update_capability(capability.checkpoints.len() as u32))]
		pub fn update_capability(origin: OriginFor<T>, capability: Capability) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_update_capability(who, capability)
		}

		/// Begins to leave. The stake is free `UnbondingPeriod` blocks later, or at the end of an exclusion, if that
		/// is later.
		///
		/// Emits `Unbonding`.
		///
		/// Fails with `NotRegistered`, `JobsOpen` or `AlreadyUnbonding`.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_move(who, Move::Leave)
		}

		/// Leaves: releases the whole stake and forgets the operator, its marks included.
		///
		/// Emits `Withdrawn`.
		///
		/// Fails with `NotRegistered`, `NotUnbonding` or `StillBound`.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_withdraw(who)
		}

		/// Comes back: from unbonding at any time, from an exclusion when it is over.
		///
		/// An exclusion's end clears the marks; coming back from unbonding does not. A validator can't judge answers
		/// that were given before this block.
		///
		/// Emits `Rejoined`.
		///
		/// Fails with `NotRegistered`, `AlreadyActive`, `StillExcluded`, or with `StakeTooLow` when the least stake
		/// has risen meanwhile.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::rejoin())]
		pub fn rejoin(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_move(who, Move::Return)
		}

		/// Shuts an operator out, whatever its status. The admin's call. An exclusion in force is replaced.
		///
		/// - `who`: the operator.
		/// - `blocks`: for how long.
		///
		/// Emits `Excluded`.
		///
		/// Fails with `NotRegistered`.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::exclude())]
		pub fn exclude(origin: OriginFor<T>, who: T::AccountId, blocks: BlockNumber) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_move(who, Move::ShutOut { blocks })
		}

		/// Lifts an operator's exclusion and clears its marks. The admin's call. An operator that unbonds out of an
		/// exclusion goes on unbonding, but may rejoin at once.
		///
		/// - `who`: the operator.
		///
		/// Emits `Readmitted`.
		///
		/// Fails with `NotRegistered` or `NotExcluded`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::readmit())]
		pub fn readmit(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::AdminOrigin::ensure_origin(origin)?;
			Self::do_move(who, Move::Readmit)
		}
	}
}
