//! # Operators
//!
//! Who may run jobs and who may check them, what they can lose, and what they have earned.
//!
//! ## Terms
//! - **Operator**: an account that holds a stake in one [`Role`](noesis_primitives::Role): worker or validator.
//! - **Capability**: which checkpoints it runs, where its blobs are, a validator's draw key, and whose it is.
//! - **Exposure**: the price of the jobs a worker has open. Its cap is a share of what a wrong answer would cost
//!   (`exposure.rs` has the formula).
//! - **Fault**: what the chain has seen for itself. It costs a share of the stake and all reputation.
//! - **Mark**: a missed deadline or a rejected answer, which proves nothing. `MaxMarks` of them shut an operator out. They
//!   fade as the reputation does, and are kept by account likewise.
//! - **Bar**: the block before which an operator that unbonds out of an exclusion may not return.
//! - **Reputation**: 0 to 1000, earned by conduct, fading in rest, kept for ever by account.
//! - **Owner**: the account that several operators' accounts belong to, as both sides say.
//!
//! ## A life
//! `register` makes an operator active, `withdraw` lets it go out of unbonding; its reputation stays. In between:
//!
//! | move                        | from Active | from Absent | from Excluded          | from Unbonding          |
//! |-----------------------------|-------------|-------------|------------------------|-------------------------|
//! | `unbond`                    | Unbonding   | Unbonding   | Unbonding, with a bar  |                         |
//! | `rejoin`                    |             | Active      | Active, from its end   | Active, from the bar    |
//! | `heartbeat`                 | Active      | Active      |                        |                         |
//! | `sweep`, when silent        | Absent      |             |                        |                         |
//! | `MaxMarks` marks            | Excluded    | Excluded    |                        |                         |
//! | slash below the least stake | Excluded    | Excluded    | Excluded, if for longer | Unbonding, with a bar   |
//! | `exclude`                   | Excluded    | Excluded    | Excluded, as said anew | Excluded                |
//! | `readmit`                   |             |             | Active; with too little stake Excluded up to now | Unbonding, without a bar |
//!
//! - Leaving takes `UnbondingPeriod` blocks, and never less than the longest dispute, and needs zero exposure. Open
//!   jobs always end, so exposure always does, and from every status there is a way to the whole stake that is left.
//! - Unbonding does not shorten an exclusion: the later end counts for the stake, and the exclusion's own end,
//!   kept as a bar, for the return. Nor does it save from a slash, which then bars it likewise.
//! - Status, draw key and owner count from the block in which they were last set (`since`), and a checkpoint from
//!   the one in which it came to the list: a panel takes only validators that stood as they are, and offered its
//!   checkpoint, before the answer it judges. What is added or left out besides changes nothing.
//! - A draw counts for its account alone: one draw key for many accounts brings no more of them into a panel.
//! - An operator of which nothing is heard for more than `HeartbeatGrace` periods gets no work at once; anybody
//!   may then sweep it out, so that panels are not counted on validators that sleep. Nothing else happens to it.
//! - Each exclusion can be appealed against once. The exclusion holds until the appeal's origin lifts it.
//!
//! ## Money
//! A slash moves a share of the stake: `RewardShare` of it to who proved the fault, the rest to the pot. A reward
//! that its receiver can't take goes to the pot, and what the pot can't take stays with the operator. No other
//! money moves here, and none is made or burned.
//!
//! ## What it costs to ask
//! The number of active validators of a checkpoint is counted when an operator changes, so that asking for it is
//! one read. Every change of an operator goes through one function (`ledger.rs`), which keeps counters, keys and
//! owners in step with the records. Reputations fade when they are read: nothing happens per block.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod affiliation;
mod appeals;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod capability;
mod errors;
mod events;
mod exposure;
mod invariants;
mod ledger;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod mock;
mod presence;
mod registry;
mod reputation;
mod slashing;
mod speed;
mod standing;
#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests;
mod views;
pub mod weights;

pub use pallet::*;
pub use reputation::{Repute, MAX_RATING_BOUND};
pub use weights::WeightInfo;

use polkadot_sdk::{frame_support, frame_support::pallet_macros::import_section, frame_system};

/// The pallet.
#[import_section(errors::errors)]
#[import_section(events::events)]
#[frame_support::pallet]
#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
pub mod pallet {
	use super::*;
	use crate::standing::Move;
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{
		Appeal, Balance, BlockNumber, Capability, CheckpointId, Conduct, Fault, OperatorRecord,
		OperatorStatus, Reputation, Role, MAX_APPEAL_BYTES,
	};
	use noesis_support::{Lack, Wait};
	use polkadot_sdk::sp_runtime::Permill;

	/// 2: records say when an operator was last seen and how fast it is, capabilities who owns it. No chain holds
	/// version 1, so there is nothing to migrate.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

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

		/// Who decides appeals: it may readmit, or confirm an exclusion.
		type AppealOrigin: EnsureOrigin<Self::RuntimeOrigin>;

		/// Where the part of a slash goes that is no reward.
		type Pot: Get<Self::AccountId>;

		/// Least stake with which a worker comes in.
		type MinWorkerStake: Get<Balance>;

		/// Least stake with which a validator comes in.
		type MinValidatorStake: Get<Balance>;

		/// Blocks from leaving to getting the stake back; at least `LongestDispute` of them are waited for in any case.
		type UnbondingPeriod: Get<BlockNumber>;

		/// Blocks from an answer to the end of the last dispute that can be had over it: panel, window to challenge,
		/// and every move at its slowest.
		type LongestDispute: Get<BlockNumber>;

		/// Marks that shut an operator out.
		type MaxMarks: Get<u32>;

		/// Blocks that such an operator stays out, and one that a slash left with less than the least stake.
		type ExclusionPeriod: Get<BlockNumber>;

		/// Share of the stake that a wrong answer costs.
		type WrongAnswerSlash: Get<Permill>;

		/// Share of the stake that a wrong verdict costs.
		type WrongVerdictSlash: Get<Permill>;

		/// Share of the stake that the approval of a canary costs.
		type ApprovedCanarySlash: Get<Permill>;

		/// Share of a slash that goes to who proved the fault.
		type RewardShare: Get<Permill>;

		/// Share of what a wrong answer would cost that a worker's open jobs may be worth.
		type ExposureFactor: Get<Permill>;

		/// How far each conduct moves a reputation.
		type ReputationSteps: Get<noesis_primitives::ReputationSteps>;

		/// Blocks of rest in which a reputation halves; with 0 it does not fade.
		type ReputationHalfLife: Get<BlockNumber>;

		/// Thousandths by which ratings can move a reputation, up to [`MAX_RATING_BOUND`].
		type RatingBound: Get<u16>;

		/// How many times slower than it claims an operator may be, beside an overhead of 10 blocks for each answer.
		type RateFactor: Get<u32>;

		/// Milliseconds from block to block.
		type MillisPerBlock: Get<u64>;

		/// Blocks between two heartbeats; with 0 none are asked for.
		type HeartbeatPeriod: Get<BlockNumber>;

		/// Periods of silence after which an operator counts as absent; at least 1.
		type HeartbeatGrace: Get<u32>;

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

	/// First block at which an operator that unbonds out of an exclusion may return.
	#[pallet::storage]
	pub type Barred<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, BlockNumber>;

	/// Appeals against the exclusions in force.
	#[pallet::storage]
	pub type Appeals<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Appeal>;

	/// Owner of an account, as both say.
	#[pallet::storage]
	pub type Owners<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, T::AccountId>;

	/// What is remembered of an account, for ever.
	#[pallet::storage]
	pub type Reputations<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Repute>;

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
		/// - `stake`: what is held; at least `MinWorkerStake` or `MinValidatorStake`. A share of it bounds the price of
		///   the jobs that a worker may have open at once.
		/// - `capability`: what it can do. A worker needs an endpoint, a validator a draw key of its own. An owner that
		///   it names counts once that account has said so too, with `authorise`.
		///
		/// What the account earned as an operator before is still its.
		///
		/// Emits `Registered`.
		///
		/// Fails with `AlreadyRegistered`, `StakeTooLow`, `DuplicateCheckpoint`, `BadEndpoint`, `NoDrawKey`,
		/// `NoSealKey` or `OwnsItself`, and with `FundsUnavailable` when the caller can't cover the stake.
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
		/// A validator can't judge answers that were given before this block. Another owner than before must say anew
		/// that it is one.
		///
		/// - `capability`: all of it; nothing is kept of the old one.
		///
		/// Emits `CapabilityUpdated`.
		///
		/// Fails with `NotRegistered`, `DuplicateCheckpoint`, `BadEndpoint`, `NoDrawKey`, `NoSealKey` or `OwnsItself`.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update_capability(capability.checkpoints.len() as u32))]
		pub fn update_capability(origin: OriginFor<T>, capability: Capability) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_update_capability(who, capability)
		}

		/// Begins to leave. The stake is free `UnbondingPeriod` blocks later, or after the longest dispute, or at the
		/// end of an exclusion: whichever is last.
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

		/// Leaves: releases the whole stake and forgets the operator, but neither its reputation nor its marks.
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

		/// Comes back: from absence and from unbonding at any time, from an exclusion when it is over.
		///
		/// An exclusion's end clears the marks; coming back from unbonding does not. A validator can't judge answers
		/// that were given before this block.
		///
		/// Emits `Rejoined`.
		///
		/// Fails with `NotRegistered`, `AlreadyActive`, `StillExcluded`, or with `StakeTooLow` when the least stake
		/// has risen meanwhile, or a slash has left too little.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::rejoin())]
		pub fn rejoin(origin: OriginFor<T>) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_move(who, Move::Return)
		}

		/// Shuts an operator out, whatever its status. The admin's call. An exclusion in force is replaced, and can be
		/// appealed against anew.
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

		/// Lifts an operator's exclusion and clears its marks, appeal or not. The call of the admin, and of who decides
		/// appeals. An operator that unbonds out of an exclusion goes on unbonding, but may rejoin at once; so may one that
		/// has less than the least stake, when it has added what lacks.
		///
		/// - `who`: the operator.
		///
		/// Emits `Readmitted`.
		///
		/// Fails with `NotRegistered` or `NotExcluded`.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::readmit())]
		pub fn readmit(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			if let Err(origin) = T::AdminOrigin::try_origin(origin) {
				T::AppealOrigin::ensure_origin(origin)?;
			}
			Self::do_move(who, Move::Readmit)
		}

		/// Appeals against the caller's exclusion, once for each. It stays shut out until the decision, or the end.
		///
		/// - `reason`: why, at most 512 bytes of text.
		///
		/// Emits `Appealed`.
		///
		/// Fails with `NotRegistered`, `NotExcluded`, `ExclusionOver` or `AlreadyAppealed`.
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::appeal(reason.len() as u32))]
		pub fn appeal(
			origin: OriginFor<T>,
			reason: BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_appeal(who, reason)
		}

		/// Dismisses an appeal: the exclusion runs to its end. The call of who decides appeals; the other decision is
		/// `readmit`.
		///
		/// - `who`: the operator that appealed.
		///
		/// Emits `ExclusionConfirmed`.
		///
		/// Fails with `NotRegistered`, `NotExcluded` or `NoAppeal`.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::confirm())]
		pub fn confirm(origin: OriginFor<T>, who: T::AccountId) -> DispatchResult {
			T::AppealOrigin::ensure_origin(origin)?;
			Self::do_confirm(who)
		}

		/// Says that the caller is there. Free when it is due; an operator that works needs none, for its work says
		/// the same. One that counts as absent takes part again, as after `rejoin`.
		///
		/// Emits `Heartbeat`, or `Rejoined` from absence.
		///
		/// Fails with `NotRegistered`, `HeartbeatTooSoon` or `NotTakingPart`, and from absence with `StakeTooLow`.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::heartbeat())]
		pub fn heartbeat(origin: OriginFor<T>) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::do_heartbeat(who)
		}

		/// Counts an operator as absent of which nothing was heard for too long. Anybody's call, and free.
		///
		/// - `who`: the operator.
		///
		/// Emits `WentAbsent`.
		///
		/// Fails with `NotRegistered` or `NotSilent`.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::sweep())]
		pub fn sweep(origin: OriginFor<T>, who: T::AccountId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_sweep(who)
		}

		/// Says whether an operator's account belongs to the caller. What belongs to one operator does not judge
		/// its own work, and is not rewarded for its own faults.
		///
		/// - `device`: the operator's account; it must name the caller as its owner.
		/// - `belongs`: whether it does from now on.
		///
		/// Emits `Authorised` or `Revoked`.
		///
		/// Fails with `NotRegistered` or `NotNamed`; when it shall not belong any more, with `NotOwner`.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::authorise())]
		pub fn authorise(origin: OriginFor<T>, device: T::AccountId, belongs: bool) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_authorise(owner, device, belongs)
		}
	}
}
