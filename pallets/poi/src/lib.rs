//! # Jobs: Proof of Inference
//!
//! Takes what somebody wants computed, keeps the money until it is, finds a worker, takes its answer to a panel,
//! and pays by the panel's word.
//!
//! ## Words
//!
//! - **Job**: an input, what to do with it, and on which checkpoint ([`noesis_primitives::JobSpec`]).
//! - **Requester**: who asks and pays. **Worker**: who computes.
//! - **Escrow**: the most that the job may cost, held on the requester until the job ends.
//! - **Directed**: naming the only worker that may take it. Every other job is open to all, by rank.
//! - **Due**: the block at whose end the state of a job changes by itself; for an answered job, the block at which
//!   its panel may be over.
//!
//! ## A job's life
//!
//! ```text
//! submit -> Open -> claim -> Assigned -> answer -> Answered -> panel -> Final      worker and panel are paid
//!            |                  |                     `-> Refunded                 rejected, or no panel came together
//!            |<- release, miss -+-> Refunded                                       after two re-assignments
//!            `-> Refunded                                                          cancelled, or nobody came
//! ```
//!
//! Every arrow is [`noesis_primitives::JobState::transition`], taken in one place (`lifecycle.rs`), written on the
//! job's timeline and announced by [`Event::Moved`].
//!
//! ## Key ideas
//!
//! - **Nobody wins by being first.** When a job opens, each worker has a rank by the hash of job and worker. The
//!   rank says from which block on it may claim; after [`Config::RankBlocks`] blocks all may.
//! - **A worker's open jobs are bounded by its stake**: each counts with its whole escrow until it ends.
//! - **No block walks a list without end.** Open jobs wait in a ring per checkpoint, deadlines in an agenda by
//!   block that is served as far as the block's weight reaches.
//! - **Nothing waits for spare weight.** What the agenda would do, anybody may do: [`Pallet::expire`] and
//!   [`Pallet::settle`].
//! - **Every state has a way to a refund**, and the holds of a requester are the escrows of its live jobs.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
mod answers;
mod assignment;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod integrity;
mod job;
mod lifecycle;
#[cfg(test)]
mod mock;
mod pricing;
mod queue;
mod settlement;
#[cfg(test)]
mod tests;
mod views;
pub mod weights;

use polkadot_sdk::{frame_support, frame_system, sp_runtime};

pub use job::{Job, Price, Ring};
pub use pallet::*;
pub use weights::WeightInfo;

/// Most jobs that a worker computes at a time.
pub const MAX_ACTIVE: u32 = 16;
/// Most unanswered jobs that may name a worker.
pub const MAX_DIRECTED: u32 = 64;
/// Most entries of a block in the agenda.
pub const MAX_PER_BLOCK: u32 = 256;
/// Blocks that are tried for a place in the agenda.
pub const AGENDA_PROBES: u32 = 4;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{
		Balance, BlockNumber, CheckpointId, CheckpointRegistry, JobId, JobSpec, JobState, OperatorRegistry,
		Panels, Payload, Root, Settlement, TimelineEntry, Usage, MAX_TIMELINE,
	};
	use sp_runtime::{Permill, SaturatedConversion};

	/// The version of the storage below.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Jobs.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs. The numbers may be governed; a job keeps the price it was quoted.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// What jobs are paid with.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The reasons for holds of the runtime.
		type RuntimeHoldReason: From<HoldReason>;

		/// The checkpoints.
		type Checkpoints: CheckpointRegistry;

		/// The workers.
		type Operators: OperatorRegistry<Self::AccountId>;

		/// The panels that check answers.
		type Panels: Panels<Self::AccountId>;

		/// Part of a job's price that does not depend on its size.
		type BaseFee: Get<Balance>;

		/// Price of a unit: a token through a million parameters.
		type UnitPrice: Get<Balance>;

		/// Share of the price that the worker gets.
		type WorkerShare: Get<Permill>;

		/// Share of the price that the agreeing validators divide, at most what the worker leaves. The rest goes
		/// to [`Self::Pot`].
		type PanelShare: Get<Permill>;

		/// The account of the pot. It should exist, or its small amounts go back to requesters.
		type Pot: Get<Self::AccountId>;

		/// Blocks that a job waits for a worker; at least 1.
		type OpenPeriod: Get<u32>;

		/// Longest deadline that a job may have, in blocks.
		type MaxDeadline: Get<u32>;

		/// Blocks that a job stays readable when it has ended; at least 1.
		type KeepPeriod: Get<u32>;

		/// Blocks until every worker may claim an open job.
		type RankBlocks: Get<u32>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	/// Why money of a requester is held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For a job that has not ended.
		#[codec(index = 0)]
		JobEscrow,
	}

	/// The number of the next job.
	#[pallet::storage]
	pub type NextJob<T> = StorageValue<_, JobId, ValueQuery>;

	/// Jobs, until they are pruned.
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, Job<T::AccountId>>;

	/// What jobs are computed from.
	#[pallet::storage]
	pub type Inputs<T> = StorageMap<_, Twox64Concat, JobId, Payload>;

	/// What workers answered.
	#[pallet::storage]
	pub type Outputs<T> = StorageMap<_, Twox64Concat, JobId, Payload>;

	/// How jobs came to where they are.
	#[pallet::storage]
	pub type Timelines<T: Config> = StorageMap<
		_,
		Twox64Concat,
		JobId,
		BoundedVec<TimelineEntry<T::AccountId>, ConstU32<MAX_TIMELINE>>,
		ValueQuery,
	>;

	/// Where the money of ended jobs went.
	#[pallet::storage]
	pub type Settlements<T: Config> = StorageMap<_, Twox64Concat, JobId, Settlement<T::AccountId>>;

	/// The part of each checkpoint's queue that is in use.
	#[pallet::storage]
	pub type Rings<T> = StorageMap<_, Twox64Concat, CheckpointId, Ring, ValueQuery>;

	/// Open jobs that name no worker, by checkpoint and slot. An empty slot was taken.
	#[pallet::storage]
	pub type Queue<T> = StorageDoubleMap<_, Twox64Concat, CheckpointId, Twox64Concat, u64, JobId>;

	/// Jobs that name a worker and have no answer yet.
	#[pallet::storage]
	pub type Directed<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<JobId, ConstU32<MAX_DIRECTED>>, ValueQuery>;

	/// Jobs that a worker computes.
	#[pallet::storage]
	pub type Active<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<JobId, ConstU32<MAX_ACTIVE>>, ValueQuery>;

	/// Jobs to look at, by block. An entry may be out of date: the job's own `due` is what holds.
	#[pallet::storage]
	pub type Agenda<T> =
		StorageMap<_, Twox64Concat, BlockNumber, BoundedVec<JobId, ConstU32<MAX_PER_BLOCK>>, ValueQuery>;

	/// First block of the agenda that is not served yet; there is none before the first job.
	#[pallet::storage]
	pub type Cursor<T> = StorageValue<_, BlockNumber>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody asked for something.
		Submitted {
			/// The job.
			job: JobId,
			/// Who pays.
			requester: T::AccountId,
			/// On which checkpoint.
			checkpoint: CheckpointId,
			/// What is held for it.
			fee: Balance,
		},
		/// A job moved.
		Moved {
			/// The job.
			job: JobId,
			/// Where it stood.
			from: JobState<T::AccountId>,
			/// Where it stands.
			to: JobState<T::AccountId>,
		},
		/// A worker answered. A panel checks it from the next block on.
		Answered {
			/// The job.
			job: JobId,
			/// Who answered.
			worker: T::AccountId,
			/// The answer.
			output: Payload,
			/// Root of the trace that the worker claims.
			root: Root,
		},
		/// A job ended and its escrow is spent.
		Settled {
			/// The job.
			job: JobId,
			/// Paid to the worker.
			worker_paid: Balance,
			/// Paid to each validator that found the worker's claim.
			per_validator: Balance,
			/// Paid to the pot.
			pot: Balance,
			/// Given back to the requester.
			refund: Balance,
		},
		/// A job that had ended was forgotten.
		Pruned {
			/// The job.
			job: JobId,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such job, or it ended long ago. Look up its number in the event `Submitted`.
		NoJob,
		/// There is no such checkpoint. Name one that is registered.
		UnknownCheckpoint,
		/// This checkpoint takes no new jobs. Name a newer version.
		CheckpointDeprecated,
		/// `max_tokens` or `top_p` is 0, the input is empty or not whole tokens, or the deadline is 0 or longer
		/// than `MaxDeadline`. Mend the one that applies.
		BadParameters,
		/// Input and output together may exceed the checkpoint's context. Shorten the input or lower
		/// `max_tokens`.
		TooLong,
		/// The job may cost more than `max_fee`. Ask for a quote and raise `max_fee`, or make the job smaller.
		FeeTooHigh,
		/// The named worker has as many unanswered jobs as may name it. Name another, or none.
		DirectedFull,
		/// Too many jobs fall due around the block at which this one would expire. Try again in the next block.
		AgendaFull,
		/// The job can't move like that from where it stands. Read its state first.
		WrongState,
		/// The job is not open. Look for another in `open_jobs`.
		NotOpen,
		/// The job is not being computed. Claim it first, if it is open.
		NotAssigned,
		/// The job has no answer to settle. Wait for one, or see how it ended.
		NotAnswered,
		/// Another worker has this job. Claim one yourself.
		NotYourJob,
		/// Another account submitted this job. Only that one may cancel it.
		NotRequester,
		/// The job names another worker. Claim one that is open to all.
		NotNamed,
		/// Your rank for this job comes later. Claim at the block that `claimable_at` gives.
		TooEarly,
		/// The job is overdue. Call `expire` to move it on.
		Overdue,
		/// Nothing is due. Wait until the block after the job's `due`; an answered job takes `settle`.
		NotDue,
		/// The panel is still open. Wait until the job's `due`, or until every seat is taken.
		PanelPending,
		/// There is a panel over this job already. Wait for its end.
		PanelExists,
		/// The usage is out of bounds: at least one token each, at most what the input and `max_tokens` allow.
		/// Count again.
		BadUsage,
		/// The trace has another number of leaves: positions, times layers, times slices of 64 values.
		/// Count again.
		BadTrace,
		/// You compute as many jobs as one worker may. Answer or release one first.
		TooManyJobs,
		/// You are not registered. Register as a worker first.
		NotRegistered,
		/// You are registered as a validator. Work from another account.
		NotWorker,
		/// You are leaving. Register again to work.
		Unbonding,
		/// You are shut out. Come back when the exclusion ends.
		ShutOut,
		/// You do not offer this checkpoint. Add it to your capability.
		CannotRun,
		/// You registered, or changed your capability, too late for this job. Claim later ones.
		TooNew,
		/// The escrows of your open jobs would exceed your stake. Finish some, or stake more.
		OverExposed,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Serves a few jobs of the blocks before, whatever else the block holds.
		fn on_poll(n: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let now: BlockNumber = n.saturated_into();
			Self::serve_slice(meter, now.saturating_sub(1));
		}

		/// Serves the jobs due up to this block with half of the weight that is left.
		fn on_idle(n: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining.div(2));
			Self::serve_agenda(&mut meter, n.saturated_into());
			meter.consumed()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_n: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks for a job and holds the most that it may cost; what it does not take comes back.
		///
		/// - `spec`: what to compute, from what, on which checkpoint, and how long a worker may take.
		/// - `max_fee`: the most that the caller is ready to have held.
		///
		/// Emits [`Event::Submitted`].
		///
		/// Errors: [`Error::UnknownCheckpoint`], [`Error::CheckpointDeprecated`], [`Error::BadParameters`],
		/// [`Error::TooLong`] where there is no quote; [`Error::FeeTooHigh`] over `max_fee`;
		/// [`Error::DirectedFull`], [`Error::AgendaFull`] when there is no room; and the currency's own when the
		/// caller can't pay.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit(spec.input.encoded_size() as u32))]
		pub fn submit(origin: OriginFor<T>, spec: JobSpec<T::AccountId>, max_fee: Balance) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::take_in(requester, spec, max_fee)
		}

		/// Takes an open job, to answer it within its deadline. Its escrow counts against the caller's stake.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotOpen`], [`Error::Overdue`] about the job; [`Error::NotNamed`],
		/// [`Error::TooEarly`] about the caller's turn; [`Error::NotRegistered`], [`Error::NotWorker`],
		/// [`Error::Unbonding`], [`Error::ShutOut`], [`Error::CannotRun`], [`Error::TooNew`],
		/// [`Error::OverExposed`], [`Error::TooManyJobs`] about the caller.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::claim())]
		pub fn claim(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::assign(worker, job)
		}

		/// Gives a job back that the caller can't answer. It goes to another worker, or back to the requester
		/// after two re-assignments. No mark is made.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`], and [`Event::Settled`] if the job ends.
		///
		/// Errors: [`Error::NoJob`], [`Error::NotAssigned`], [`Error::NotYourJob`], [`Error::Overdue`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::release())]
		pub fn release(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::give_back(&worker, job)
		}

		/// Answers a job. The answer is readable at once; a panel checks it before anybody is paid.
		///
		/// - `job`: which.
		/// - `output`: the answer's bytes, or where they are.
		/// - `root`, `leaves`: the trace of the computation.
		/// - `usage`: tokens read and produced.
		///
		/// Emits [`Event::Moved`] and [`Event::Answered`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotAssigned`], [`Error::NotYourJob`], [`Error::Overdue`] about the
		/// job; [`Error::BadUsage`], [`Error::BadTrace`] about the claim; [`Error::UnknownCheckpoint`],
		/// [`Error::PanelExists`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::answer(output.encoded_size() as u32))]
		pub fn answer(
			origin: OriginFor<T>,
			job: JobId,
			output: Payload,
			root: Root,
			leaves: u32,
			usage: Usage,
		) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::take_answer(worker, job, output, root, leaves, usage)
		}

		/// Takes a job back that nobody claimed yet, with the whole escrow.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`] and [`Event::Settled`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotRequester`], [`Error::NotOpen`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::cancel())]
		pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::take_back(&requester, job)
		}

		/// Moves an overdue job on; anybody may. An open one is refunded; one whose worker missed the deadline
		/// opens again or is refunded, and the worker is marked; one that ended long ago is forgotten.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`], [`Event::Settled`] if the job ends, or [`Event::Pruned`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotDue`].
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::expire().max(T::WeightInfo::prune()))]
		pub fn expire(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::move_on(job, Self::now().saturating_sub(1))
		}

		/// Ends a job whose panel is over and pays by its word; anybody may.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`] and [`Event::Settled`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotAnswered`], [`Error::PanelPending`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::settle())]
		pub fn settle(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::settle_by_panel(job)
		}
	}
}
