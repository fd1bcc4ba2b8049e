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
//! - **Batch**: a job with many inputs, answered by one root. **Channel**: one escrow for many turns that requester and
//!   worker exchange off chain. Both commit to a **bundle** of entries (`bundle.rs`).
//! - **Directed**: naming the only worker that may take it. Every other job is open to all, by rank.
//! - **Due**: the block at whose end the state of a job changes by itself; for an answered job, the block from which
//!   on it may be settled.
//! - **Challenge window**: the blocks after the answer, the last verdict, or the last dispute that it withstood, in
//!   which nothing is paid, so that anybody can dispute what was found.
//!
//! ## A job's life
//!
//! ```text
//! submit -> Open -> claim -> Assigned -> answer -> Answered -> panel, window -> Final   worker and panel are paid
//!            |                  |                   ^ |`-> Refunded               rejected, or no panel came together
//!            |                  |            upheld | | challenge
//!            |                  |                   | v
//!            |                  |                 Disputed -> Refunded            overturned
//!            |<- release, miss -+-> Refunded                                      after two re-assignments
//!            `-> Refunded                                                         cancelled, or nobody came
//!
//! open_channel -> Offered -> accept -> Open -> close -> Closing, Closed -> panels, window -> Paid, Refunded, Disputed
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
//! - **A bundle costs the chain the same however many entries it has.** A few are drawn after the root is fixed, and
//!   their claims go to panels; any other can be shown and disputed. One wrong entry loses the whole bundle, which is
//!   what makes a few draws enough.
//! - **A broken promise costs the one who broke it**: an answer after the tier's promise gives a part of the surcharge
//!   back, and what validators did not speak is not paid for.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
mod answers;
mod assignment;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod bundle;
mod channels;
mod claims;
mod disputes;
mod errors;
mod events;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod integrity;
mod job;
mod lifecycle;
#[cfg(test)]
mod mock;
mod pricing;
mod queue;
mod ratings;
mod settlement;
mod showing;
#[cfg(test)]
mod tests;
mod views;
pub mod weights;

use polkadot_sdk::{frame_support, frame_support::pallet_macros::import_section, frame_system, sp_runtime};

pub use agenda::HandlerWeight;
pub use bundle::{Bundle, Entry, EntryState, MAX_FORGET};
pub use channels::Channel;
pub use claims::MAX_CLAIMS;
pub use disputes::OverturnWeight;
pub use job::{Cost, Job, Price, Ring};
pub use pallet::*;
pub use ratings::MAX_STARS;
pub use showing::Path;
pub use weights::WeightInfo;

/// Most jobs that a worker computes at a time.
pub const MAX_ACTIVE: u32 = 16;
/// Most unanswered jobs that may name a worker.
pub const MAX_DIRECTED: u32 = 64;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[import_section(errors::errors)]
#[import_section(events::events)]
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
		Balance, BatchSpec, BlockNumber, BlockRandomness, BundleId, ChannelId, ChannelSpec, ChannelState,
		CheckpointId, CheckpointRegistry, Claim, Engagement, Item, ItemInput, JobId, JobSpec, JobState,
		OperatorRegistry, Panels, Payload, Receipts, Root, Settlement, Subject, Tally, Tier, TimelineEntry,
		Turn, Usage, Vouchers, MAX_TIMELINE,
	};
	use noesis_support::{Lack, Wait};
	use sp_runtime::{
		traits::{IdentifyAccount, Verify},
		Permill, SaturatedConversion,
	};

	/// The version of the storage below. No chain has run version 1, so that there is nothing to migrate.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

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

		/// Where receipts of final answers go.
		type Receipts: Receipts<Self::AccountId>;

		/// What the audited entries of a bundle are drawn from.
		type Randomness: BlockRandomness;

		/// What requester and worker sign a channel's tally with.
		type Signature: Verify<Signer = Self::Signer> + Parameter;

		/// Whose account an account's signature belongs to.
		type Signer: IdentifyAccount<AccountId = Self::AccountId>;

		/// Part of a job's price that does not depend on its size.
		type BaseFee: Get<Balance>;

		/// Price of a unit: a token through a million parameters.
		type UnitPrice: Get<Balance>;

		/// Share of the price that the worker gets.
		type WorkerShare: Get<Permill>;

		/// Share of the price that the agreeing validators divide, at most what the worker leaves; where none had to speak, it
		/// goes to [`Self::PanelFund`]. The rest goes to [`Self::Pot`].
		type PanelShare: Get<Permill>;

		/// The account in which the shares are put by of panels that did not have to speak, for those that do. It should
		/// exist, or what is too little for a new account goes to the pot.
		type PanelFund: Get<Self::AccountId>;

		/// The account of the pot. It should exist, or its small amounts go back to requesters.
		type Pot: Get<Self::AccountId>;

		/// Blocks that a job waits for a worker; at least 1.
		type OpenPeriod: Get<u32>;

		/// Longest deadline that a job may have, in blocks.
		type MaxDeadline: Get<u32>;

		/// Blocks that a job stays readable when it has ended; at least 1. It should be as long as a dispute can be
		/// opened and played about who vouched for its answer.
		type KeepPeriod: Get<u32>;

		/// Blocks until every worker may claim an open job.
		type RankBlocks: Get<u32>;

		/// Blocks after an answer, a verdict, or a dispute that the answer withstood, in which nothing is paid. One
		/// bond must have the time to land.
		type ChallengeWindow: Get<u32>;

		/// Validators that the plain price pays for; more cost [`Self::SeatSurcharge`] each.
		type StandardPanel: Get<u32>;

		/// Surcharge for each validator that speaks beyond [`Self::StandardPanel`]; it goes to the panel.
		type SeatSurcharge: Get<Permill>;

		/// Surcharge of the priority tier.
		type PrioritySurcharge: Get<Permill>;

		/// Surcharge of the premium tier.
		type PremiumSurcharge: Get<Permill>;

		/// Blocks from claim to answer that the priority tier promises.
		type PriorityPromise: Get<u32>;

		/// Blocks from claim to answer that the premium tier promises.
		type PremiumPromise: Get<u32>;

		/// Entries of a bundle that are drawn for a panel, 1 to [`noesis_primitives::MAX_AUDITS`].
		type AuditedEntries: Get<u32>;

		/// Blocks that a worker has to show the drawn entries; at least 1.
		type ShowPeriod: Get<u32>;

		/// Deposit for showing an entry that was not drawn; it comes back when the bundle is forgotten.
		type ShowDeposit: Get<Balance>;

		/// Blocks that a worker has to answer a requester's close with a later tally; at least 1.
		type ContestPeriod: Get<u32>;

		/// Longest life that a channel may have, in blocks.
		type MaxLifetime: Get<u32>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;

		/// Signs tallies in benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSigner: crate::benchmarking::BenchmarkSigner<Self::AccountId, Self::Signature>;
	}

	/// Why money of a requester is held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For a job that has not ended.
		#[codec(index = 0)]
		JobEscrow,
		/// For a channel that has not ended.
		#[codec(index = 1)]
		ChannelEscrow,
		/// For an entry of a bundle that was shown without being drawn.
		#[codec(index = 2)]
		ShownEntry,
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

	/// The part of each queue that is in use: one for each checkpoint and tier.
	#[pallet::storage]
	pub type Rings<T> = StorageMap<_, Twox64Concat, (CheckpointId, Tier), Ring, ValueQuery>;

	/// Open jobs that name no worker, by queue and slot. An empty slot was taken.
	#[pallet::storage]
	pub type Queue<T> = StorageDoubleMap<_, Twox64Concat, (CheckpointId, Tier), Twox64Concat, u64, JobId>;

	/// Jobs that name a worker and have no answer yet.
	#[pallet::storage]
	pub type Directed<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<JobId, ConstU32<MAX_DIRECTED>>, ValueQuery>;

	/// Jobs that a worker computes.
	#[pallet::storage]
	pub type Active<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, BoundedVec<JobId, ConstU32<MAX_ACTIVE>>, ValueQuery>;

	/// The number of the next channel.
	#[pallet::storage]
	pub type NextChannel<T> = StorageValue<_, ChannelId, ValueQuery>;

	/// Channels, until they are pruned.
	#[pallet::storage]
	pub type Channels<T: Config> = StorageMap<_, Twox64Concat, ChannelId, Channel<T::AccountId>>;

	/// Where the money of ended channels went.
	#[pallet::storage]
	pub type ChannelSettlements<T: Config> = StorageMap<_, Twox64Concat, ChannelId, Settlement<T::AccountId>>;

	/// What answered batches and closed channels commit to.
	#[pallet::storage]
	pub type Bundles<T: Config> = StorageMap<_, Twox64Concat, BundleId, Bundle<T::AccountId>>;

	/// Entries of bundles that were shown.
	#[pallet::storage]
	pub type Entries<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BundleId, Twox64Concat, u32, Entry<T::AccountId>>;

	/// Who vouched for entries of bundles that ended because another entry was wrong, until the bundle is forgotten.
	#[pallet::storage]
	pub type Vouched<T: Config> =
		StorageDoubleMap<_, Twox64Concat, BundleId, Twox64Concat, u32, Vouchers<T::AccountId>>;

	/// Jobs and channels to look at, by block. An entry may be out of date: the job's own `due` is what holds.
	#[pallet::storage]
	pub type Agenda<T> =
		StorageMap<_, Twox64Concat, BlockNumber, noesis_support::Entries<Engagement>, ValueQuery>;

	/// First block of the agenda that is not served yet; there is none before the first job.
	#[pallet::storage]
	pub type Cursor<T> = StorageValue<_, BlockNumber>;

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
		/// [`Error::NoValidators`], [`Error::TooLong`], and, of a sealed job, [`Error::SealedForNobody`], [`Error::NoSealKey`],
		/// [`Error::NoEnvelope`] where there is no quote; [`Error::FeeTooHigh`] over `max_fee`;
		/// [`Error::DirectedFull`], [`Error::AgendaFull`] when there is no room; and the currency's own when the
		/// caller can't pay.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit(spec.input.encoded_size() as u32))]
		pub fn submit(origin: OriginFor<T>, spec: JobSpec<T::AccountId>, max_fee: Balance) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::take_in(requester, spec, None, max_fee)
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
		/// [`Error::OverExposed`], [`Error::Absent`], [`Error::TooManyJobs`] about the caller.
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
		/// Emits [`Event::Moved`] and [`Event::Answered`]; [`Event::Late`] if the tier's promise is broken.
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
		/// Errors: [`Error::NoJob`], [`Error::NotDue`] up to the job's `due`.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::expire().max(T::WeightInfo::prune()).max(T::WeightInfo::prune_bundle()))]
		pub fn expire(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::move_on(job, Self::now().saturating_sub(1))
		}

		/// Ends a job whose panel and challenge window are over and pays by the panel's word; anybody may. Of a batch,
		/// the panels over the drawn items; one of which nothing is drawn yet is drawn from, and not ended. The fee is that
		/// of what it was, a job or a batch.
		///
		/// - `job`: which.
		///
		/// Emits [`Event::Moved`] and [`Event::Settled`], or [`Event::Drawn`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotAnswered`], [`Error::PanelPending`], [`Error::NotDrawn`],
		/// [`Error::WindowOpen`] before the job's `due`, [`Error::Disputed`].
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::settle().max(T::WeightInfo::settle_bundle()))]
		pub fn settle(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			let weight = match Self::job(job)?.batch {
				None => T::WeightInfo::settle(),
				Some(_) => T::WeightInfo::settle_bundle(),
			};
			Self::settle_answer(job)?;
			Ok(Some(weight).into())
		}

		/// Rates the work of a job that the caller paid for, once. The worker's reputation follows, within bounds.
		///
		/// - `job`: which; it must have become final.
		/// - `stars`: from 1 to 5.
		///
		/// Emits [`Event::Rated`].
		///
		/// Errors: [`Error::NoJob`], [`Error::NotRequester`], [`Error::BadStars`], [`Error::NotFinal`],
		/// [`Error::AlreadyRated`], [`Error::OwnWork`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::rate())]
		pub fn rate(origin: OriginFor<T>, job: JobId, stars: u8) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::take_rating(&requester, job, stars)
		}

		/// Asks for the same to be computed of many inputs, up to 4096, as one job: one escrow, one claim, one answer
		/// (the root over all [`Item`]s, as many leaves as there are, and the usage of all together) and one settlement.
		///
		/// - `spec`: what to compute, of which inputs, on which checkpoint, and how long a worker may take.
		/// - `max_fee`: the most that the caller is ready to have held.
		///
		/// Emits [`Event::Submitted`].
		///
		/// Errors: as [`Pallet::submit`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::submit_batch(spec.list.encoded_size() as u32))]
		pub fn submit_batch(
			origin: OriginFor<T>,
			spec: BatchSpec<T::AccountId>,
			max_fee: Balance,
		) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::take_in_batch(requester, spec, max_fee)
		}

		/// Shows one item of an answered batch; anybody may who has it. One that was drawn goes to a panel; any other
		/// takes a deposit from the caller and can then be disputed. One that can't be true ends the batch at once: the
		/// requester is refunded, the worker loses stake, and the caller is rewarded. Where it does not, the fee for that
		/// comes back.
		///
		/// - `batch`, `index`: which.
		/// - `item`: the item, and the siblings from its leaf up to the answer's root.
		/// - `before`: the same of the item before it; none for the first.
		/// - `asked`: the input at that place, and the siblings up to the root of the inputs.
		///
		/// Emits [`Event::Shown`], or [`Event::Malformed`] with [`Event::Moved`] and [`Event::Settled`];
		/// [`Event::Drawn`] before that, if nothing was drawn yet.
		///
		/// Errors: [`Error::NoBundle`], [`Error::NotDrawn`], [`Error::AlreadyShown`], [`Error::BadPath`],
		/// [`Error::BadInput`], [`Error::Overdue`] for a drawn item after the time for showing it,
		/// [`Error::PanelExists`], [`Error::UnknownCheckpoint`]; and the currency's own when the caller can't pay.
		#[pallet::call_index(9)]
		#[pallet::weight(Pallet::<T>::weight_of_showing(T::WeightInfo::present_item(), true))]
		pub fn present_item(
			origin: OriginFor<T>,
			batch: JobId,
			index: u32,
			item: (Item, Path),
			before: Option<(Item, Path)>,
			asked: (ItemInput, Path),
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let ended = Self::show_item(who, batch, index, item, before, asked)?;
			Ok(Some(Self::weight_of_showing(T::WeightInfo::present_item(), ended)).into())
		}

		/// Offers a worker a channel and holds the escrow. The worker has nothing to do with it before it accepts.
		///
		/// - `spec`: to whom, for which checkpoint, how much, and for how long.
		///
		/// Emits [`Event::ChannelOffered`].
		///
		/// Errors: [`Error::UnknownCheckpoint`], [`Error::CheckpointDeprecated`], [`Error::BadParameters`],
		/// [`Error::EscrowTooSmall`], [`Error::NoValidators`], [`Error::AgendaFull`]; and the currency's own when the caller
		/// can't pay.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::open_channel())]
		pub fn open_channel(origin: OriginFor<T>, spec: ChannelSpec<T::AccountId>) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			Self::offer_channel(requester, spec)
		}

		/// Accepts a channel that was offered to the caller. Its escrow counts against the caller's stake until it
		/// ends.
		///
		/// - `channel`: which.
		///
		/// Emits [`Event::ChannelMoved`].
		///
		/// Errors: [`Error::NoChannel`], [`Error::NotNamed`], [`Error::WrongState`], [`Error::Overdue`]; about the
		/// caller those of [`Pallet::claim`].
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::accept_channel())]
		pub fn accept_channel(origin: OriginFor<T>, channel: ChannelId) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::take_channel(&worker, channel)
		}

		/// Closes a channel by the last tally that the other side signed; the call is the caller's own signature. A
		/// worker's close is fixed at once: the requester signed what it pays. A requester's can be answered with a later
		/// tally until `ContestPeriod` blocks have passed. Also takes an offer back that was not accepted.
		///
		/// - `tally`: the channel, the number of turns, their root and their cost.
		/// - `signature`: the other side's over [`Tally::message`]; none is needed for the tally without turns.
		///
		/// Emits [`Event::ChannelMoved`], and [`Event::ChannelSettled`] if the channel ends.
		///
		/// Errors: [`Error::NoChannel`], [`Error::NotParty`], [`Error::WrongState`], [`Error::Overdue`] about the
		/// channel; [`Error::BadSignature`], [`Error::BadTally`], [`Error::OverCap`] about the tally.
		#[pallet::call_index(12)]
		#[pallet::weight(T::WeightInfo::close_channel(tally.turns.min(noesis_primitives::MAX_ITEMS)))]
		pub fn close_channel(
			origin: OriginFor<T>,
			tally: Tally,
			signature: Option<T::Signature>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::take_close(who, tally, signature)
		}

		/// Answers a requester's close with a later tally, and fixes that.
		///
		/// - `tally`: the channel, the number of turns, their root and their cost.
		/// - `signature`: the requester's over [`Tally::message`].
		///
		/// Emits [`Event::ChannelMoved`].
		///
		/// Errors: [`Error::NoChannel`], [`Error::NotParty`], [`Error::WrongState`], [`Error::Overdue`] about the
		/// channel; [`Error::NotLater`], [`Error::BadSignature`], [`Error::BadTally`], [`Error::OverCap`] about the
		/// tally.
		#[pallet::call_index(13)]
		#[pallet::weight(T::WeightInfo::contest_close())]
		pub fn contest_close(origin: OriginFor<T>, tally: Tally, signature: T::Signature) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::take_contest(who, tally, signature)
		}

		/// Shows one turn of a closed channel; anybody may who has it. One that was drawn goes to a panel; any other
		/// takes a deposit from the caller and can then be disputed. One that can't be true, or is of another channel or
		/// place, ends the channel at once: the requester is refunded, the worker loses stake, the caller is rewarded. Where
		/// it does not, the fee for that comes back.
		///
		/// - `channel`, `index`: which.
		/// - `turn`, `path`: the turn, and the siblings from its leaf up to the tally's root.
		///
		/// Emits [`Event::Shown`], or [`Event::Malformed`] with [`Event::ChannelMoved`] and
		/// [`Event::ChannelSettled`]; [`Event::Drawn`] before that, if nothing was drawn yet.
		///
		/// Errors: [`Error::NoBundle`], [`Error::NotDrawn`], [`Error::AlreadyShown`], [`Error::BadPath`],
		/// [`Error::Overdue`] for a drawn turn after the time for showing it, [`Error::PanelExists`],
		/// [`Error::UnknownCheckpoint`]; and the currency's own when the caller can't pay.
		#[pallet::call_index(14)]
		#[pallet::weight(Pallet::<T>::weight_of_showing(T::WeightInfo::present_turn(), true))]
		pub fn present_turn(
			origin: OriginFor<T>,
			channel: ChannelId,
			index: u32,
			turn: Turn,
			path: Path,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let ended = Self::show_turn(who, channel, index, turn, path)?;
			Ok(Some(Self::weight_of_showing(T::WeightInfo::present_turn(), ended)).into())
		}

		/// Settles each of these that can be settled and expires each that is overdue, and passes over the others;
		/// anybody may. `claimable` lists what there is for an account.
		///
		/// - `engagements`: at most 32.
		///
		/// Emits [`Event::AllClaimed`], and for each that moved what its own call emits.
		#[pallet::call_index(15)]
		#[pallet::weight(engagements.iter().fold(T::WeightInfo::claim_all(), |sum, what| {
			sum.saturating_add(Pallet::<T>::weight_of(what))
		}))]
		pub fn claim_all(
			origin: OriginFor<T>,
			engagements: BoundedVec<Engagement, ConstU32<MAX_CLAIMS>>,
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::move_all(&engagements);
			Ok(())
		}

		/// Moves a channel on; anybody may. One that nobody closed in time is refunded; a requester's close is fixed when
		/// the time for a later tally has passed; a closed one of which nothing is drawn yet is drawn from; a closed one
		/// whose panels and challenge window are over is paid; one that ended long ago is forgotten.
		///
		/// - `channel`: which.
		///
		/// Emits [`Event::ChannelMoved`] and [`Event::ChannelSettled`], [`Event::Drawn`], or [`Event::ChannelPruned`].
		///
		/// Errors: [`Error::NoChannel`], [`Error::NotDue`], [`Error::PanelPending`], [`Error::NotDrawn`],
		/// [`Error::WindowOpen`] before the channel's `due`, [`Error::Disputed`].
		#[pallet::call_index(16)]
		#[pallet::weight(T::WeightInfo::service_bundle())]
		pub fn settle_channel(origin: OriginFor<T>, channel: ChannelId) -> DispatchResult {
			ensure_signed(origin)?;
			match Self::channel(channel)?.state {
				ChannelState::Closed | ChannelState::Disputed => Self::settle_turns(channel),
				_ => Self::move_channel_on(channel, Self::now().saturating_sub(1)),
			}
		}
	}
}
