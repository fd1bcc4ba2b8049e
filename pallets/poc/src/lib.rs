//! # Panels: Proof of Contribution
//!
//! Decides whether what a worker claims is what its job gives. Validators run the job again and say what they
//! found; when enough of them found the same, that is the outcome.
//!
//! ## Words
//!
//! - **Subject**: what a panel is over: the answer of a job, a turn of a channel, an item of a batch.
//! - **Claim**: what somebody says the result is (root of the trace, leaves, hash of the output, usage).
//! - **Verdict**: a validator's claim, with the proof that it was drawn and that it has the trace.
//! - **Window**: a stretch of blocks after the answer. Window 0 begins with the next block; the chance to be
//!   drawn doubles with every window.
//! - **Seat**: one of the verdicts that a panel takes. First come, first seated among those drawn.
//! - **Audit**: whether anybody has to speak at all. An answer that is not audited is *waived*.
//! - **Canary**: an answer that is wrong by arrangement, to see who approves it.
//!
//! ## Key ideas
//!
//! - **Nobody knows who will check before they speak.** A validator draws for itself, by a verifiable random
//!   function over the seed of the panel, with the key that it registered before the answer. The seed depends
//!   on the worker's claim and on randomness that came after it.
//! - **Nobody knows whether an answer will be audited before it is given**: that follows from the same seed. How
//!   often is fixed when the panel opens: always for a newcomer, less with reputation, and never less than
//!   makes cheating a loss ([`audit_floor`], [`audit_rate`]). A requester that pays for a panel
//!   ([`noesis_primitives::Verification`]) always gets one.
//! - **A verdict can't be copied.** It shows the values of leaves of the trace that its own claim names, at
//!   positions that differ from validator to validator. Who did not compute the trace has no such leaves.
//! - **A verdict that disagrees is a claim too**, and counts only together with equal ones: validators that
//!   each found something else do not add up.
//! - **No majority takes anybody's stake.** A panel that finds another answer refunds the requester and moves
//!   reputations. Stake moves for what the chain has seen: a lost dispute, or the approval of a canary, whose
//!   planted leaf no right answer has ([`noesis_primitives::canary_mark`]).
//! - **Abstaining is not voting no.** Who was drawn and can't judge says so, at no cost; who says nothing loses only its
//!   pay. Either way the next window draws more. Nobody is drawn *because* another abstained: accomplices who know their
//!   own draws could else give up one of them for two.
//! - **The numbers of a panel stand when it opens**; what governance changes later is for later panels.
//!
//! ## How a panel ends
//!
//! It is over when the seed waives it, when every seat is taken, or at the end of a window in which or before which
//! some claim had a quorum, or after the last window. Then ([`Panel::verdict`]):
//!
//! | what it found | outcome |
//! |---|---|
//! | it was revealed to be a canary | canary |
//! | the seed does not call for an audit | waived |
//! | the worker's claim has a quorum | confirmed |
//! | another claim has a quorum | rejected |
//! | no quorum, seats left, and more verdicts agree with the worker than not | confirmed |
//! | anything else | lapsed |
//!
//! A quorum is more than half of the seats, so two claims never both have one. A panel that is full and has no
//! quorum lapses, so a quorum above the majority is really needed; replication needs its quorum in any case.
//!
//! A dispute may strike a verdict while the panel is there: it no longer counts, its seat is free again, and its
//! validator may not take it.
//!
//! The pallet that opened the panel closes it ([`noesis_primitives::Panels`]). When the last seat is taken it
//! hears of it at once ([`noesis_primitives::SubjectHandler`]).
//!
//! How likely a wrong answer passes all this: [`security_of`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod canaries;
mod draw;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod integrity;
#[cfg(test)]
mod mock;
mod panel;
mod panels;
mod randomness;
mod security;
mod terms;
#[cfg(test)]
mod tests;
mod verdicts;
mod views;
pub mod weights;

use polkadot_sdk::{frame_support, frame_system};

pub use canaries::Canary;
pub use draw::draw_input;
pub use pallet::*;
pub use panel::{NoSeat, Panel, MAX_SPEAKERS};
pub use randomness::Entropy;
pub use security::{
	by_votes, despite_disputes, security_of, survival, Crowd, ASSUMED_DISHONEST, ASSUMED_OUTSIDER,
};
pub use terms::{audit_floor, audit_rate, Sample, Terms};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[allow(clippy::large_enum_variant, reason = "a call's arguments are its variant")]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use crate::canaries::Reveal;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
	};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{
		Balance, BlockNumber, BlockRandomness, CheckpointId, CheckpointRegistry, Claim, ClaimHash,
		Disputable, Draw, Opening, OperatorRegistry, PanelOutcome, Subject, SubjectHandler, MAX_OPENINGS,
		MAX_PANEL,
	};
	use noesis_support::Wait;
	use polkadot_sdk::sp_runtime::{traits::Convert, Permill};

	/// The version of the storage below. Version 2 came before there was a chain to migrate.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	/// Panels over subjects.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs. The numbers may be governed; a panel keeps those it opened with.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Where the bonds of canaries are held, and their fees and prizes paid.
		type Currency: fungible::Inspect<Self::AccountId, Balance = Balance>
			+ fungible::Mutate<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The runtime's hold reasons.
		type RuntimeHoldReason: From<HoldReason>;

		/// Who may validate, and with which draw key.
		type Operators: OperatorRegistry<Self::AccountId>;

		/// Which checkpoints there are.
		type Checkpoints: CheckpointRegistry;

		/// What was asked where there is a panel.
		type Answers: Disputable<Self::AccountId>;

		/// Randomness that comes after an answer: in the next block, or some blocks later. It must stay the same once it
		/// is there, and stay known for some blocks: it is read at the end of the block that brings it, or else when it
		/// is first needed, and kept here from then on.
		type Randomness: BlockRandomness;

		/// Who hears of panels whose last seat is taken.
		type Subjects: SubjectHandler;

		/// What it weighs for [`Self::Subjects`] to hear of a subject.
		type HandlerWeight: Convert<Subject, Weight>;

		/// Where the fees of canaries go, and their prizes come from.
		type Pot: Get<Self::AccountId>;

		/// Seats of a sampled panel, and verdicts expected in window 0: 1 to [`noesis_primitives::MAX_PANEL`].
		type PanelSize: Get<u32>;

		/// Equal verdicts that decide it: more than half of the seats, at most all. What is outside is brought in.
		type Quorum: Get<u32>;

		/// Leaves that a verdict opens: 1 to [`noesis_primitives::MAX_OPENINGS`].
		type Openings: Get<u32>;

		/// Blocks of a window; at least 1.
		type Window: Get<u32>;

		/// Windows until a panel without a quorum ends; at least 1.
		type MaxWindows: Get<u32>;

		/// Least share of the answers of a worker that is audited, however high its reputation.
		type AuditFloor: Get<Permill>;

		/// Share of what a wrong answer costs that a worker's open jobs may be worth: what a liar can gain. Raises the
		/// floor ([`audit_floor`]).
		type ExposureFactor: Get<Permill>;

		/// Share of what a wrong answer costs that goes to who proves it: what a liar gets back by an accomplice. Raises
		/// the floor likewise.
		type RewardShare: Get<Permill>;

		/// Held of the proposer of a canary until it is revealed, and lost if it never is. At least what a wrong
		/// answer costs a worker of the least stake.
		type CanaryBond: Get<Balance>;

		/// What committing to a canary costs.
		type CanaryFee: Get<Balance>;

		/// What the pot pays at most for one canary: so much divided by the seats to each validator that found the
		/// truth, and never more than three fees in all.
		type CanaryPrize: Get<Balance>;

		/// Share of the pot that one canary may cost at most.
		type CanaryShare: Get<Permill>;

		/// Blocks for which a canary stands.
		type CanaryPeriod: Get<BlockNumber>;

		/// Blocks after the answer within which it must be revealed.
		type CanaryReveal: Get<BlockNumber>;

		/// Canaries that a proposer may have open.
		type MaxCanaries: Get<u32>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	/// Why balance is held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The bond of a canary that is not revealed.
		Canary,
	}

	/// Panels that are not closed yet.
	#[pallet::storage]
	pub type Panels<T: Config> = StorageMap<_, Twox64Concat, Subject, Panel<T::AccountId>>;

	/// What came after the blocks in which a panel opened or a canary was committed.
	#[pallet::storage]
	pub type Entropies<T: Config> = StorageMap<_, Twox64Concat, BlockNumber, Entropy, ValueQuery>;

	/// The first block whose randomness is still to be written down, if anything needs it.
	#[pallet::storage]
	pub type NextEntropy<T: Config> = StorageValue<_, BlockNumber, ValueQuery>;

	/// Canaries that are not revealed yet, by proposer and commitment.
	#[pallet::storage]
	pub type Canaries<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Identity, [u8; 32], Canary>;

	/// How many a proposer has.
	#[pallet::storage]
	pub type OpenCanaries<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A panel opened; validators may speak from the next block on, if the answer is audited.
		PanelOpened {
			/// Over what.
			subject: Subject,
			/// On which checkpoint.
			checkpoint: CheckpointId,
			/// Chance that it is audited.
			audit: Permill,
		},
		/// A validator spoke.
		VerdictGiven {
			/// On what.
			subject: Subject,
			/// Who.
			validator: T::AccountId,
			/// Whether it found what the worker claims.
			agrees: bool,
			/// Hash of what it found.
			claim_hash: ClaimHash,
		},
		/// A validator was drawn and says that it can't judge.
		Abstained {
			/// On what.
			subject: Subject,
			/// Who.
			validator: T::AccountId,
		},
		/// A verdict was found to be wrong and no longer counts.
		VerdictStruck {
			/// On what.
			subject: Subject,
			/// Whose.
			validator: T::AccountId,
		},
		/// A panel is over and forgotten.
		PanelClosed {
			/// Over what.
			subject: Subject,
			/// How it ended.
			outcome: PanelOutcome,
		},
		/// A panel is forgotten because the chain found the truth by itself.
		PanelDissolved {
			/// Over what.
			subject: Subject,
		},
		/// A canary was committed.
		CanaryCommitted {
			/// By whom.
			proposer: T::AccountId,
			/// What it is named by.
			commitment: [u8; 32],
			/// On which checkpoint.
			checkpoint: CheckpointId,
			/// First block at which it is void, and its bond lost.
			expires: BlockNumber,
		},
		/// An answer turned out to be a canary.
		CanaryRevealed {
			/// Which.
			subject: Subject,
			/// Who committed to it; it has its bond back.
			proposer: T::AccountId,
			/// Validators that approved it, and were slashed.
			approved: u32,
			/// Validators that found the truth.
			found: u32,
			/// What the pot paid to them.
			paid: Balance,
		},
		/// A canary was not revealed in time.
		CanaryExpired {
			/// Whose.
			proposer: T::AccountId,
			/// Which.
			commitment: [u8; 32],
			/// What it lost of its bond.
			lost: Balance,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no open panel on this subject. Look at `open_panels` for those there are.
		NoPanel,
		/// The seed of this panel is not known yet. Speak when it is there (`panel`): in the block after the answer, or
		/// some blocks later.
		NotYet,
		/// This panel is over. Leave it to `settle`.
		PanelOver,
		/// This answer is not drawn for an audit: nobody needs to speak. Dispute it if it is wrong.
		NotSampled,
		/// The worker and the requester of a job do not sit on its panel, nor who belongs to the same operator as one
		/// of them. Validate other jobs.
		Interested,
		/// You spoke or abstained on this subject already, or your verdict was struck. There is nothing more to do.
		AlreadySpoke,
		/// You are not registered. Register as a validator; you may judge answers given after that.
		NotRegistered,
		/// You are registered as a worker. Validate from another account.
		NotValidator,
		/// You are leaving. Register again to validate.
		Unbonding,
		/// You are shut out. Come back when the exclusion ends, in so many blocks.
		ShutOut {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// You have been silent for too long. Send a heartbeat.
		Absent,
		/// You do not offer this checkpoint. Add it to your capability for later answers.
		CannotRun,
		/// You registered, or changed your capability, after this answer. Judge later ones.
		TooNew,
		/// The draw is not one of your draw key on this panel's seed. Sign the seed with the registered key.
		BadDraw,
		/// You are not drawn in this window. Try again in the next one, in so many blocks; it draws twice as many. After the
		/// last there is none.
		NotDrawn {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// A trace has at least one leaf. Claim the number of leaves that the job's usage gives.
		EmptyTrace,
		/// The verdict opens too few or too many leaves. Open as many as the panel asks for.
		WrongOpeningCount,
		/// An opened leaf is not the one asked for of the trace that you claim. Open the leaves at your own
		/// positions, in their order.
		WrongOpening,
		/// So many validators abstained that no more can. Speak, or stay silent.
		TooManyAbstained,
		/// So many verdicts on this subject were struck that it takes no more. Leave it to `settle`.
		TooManyStruck,
		/// You have a canary with this commitment. Take another salt.
		CanaryExists,
		/// You have as many canaries open as you may. Reveal one, or wait until one expires.
		TooManyCanaries,
		/// There is no such checkpoint. Register it before you commit to a canary on it.
		UnknownCheckpoint,
		/// Only the requester of a job can say that its answer is a canary.
		NotRequester,
		/// The proposer has no canary of this requester, this worker, this truth and this salt.
		UnknownCanary,
		/// This canary was committed in the block of the answer or later. Commit before the job is submitted.
		CommittedTooLate,
		/// The time in which this answer could be called a canary is over: it counts as it stands.
		RevealTooLate,
		/// This answer was called a canary already.
		AlreadyRevealed,
		/// The leaf does not show that the answer is wrong. Plant the whole mark of the commitment in a leaf of 64
		/// values, and open that one.
		NotWrong,
		/// This canary is not void yet. Wait so many blocks.
		CanaryStands {
			/// In how many blocks.
			opens_in: Wait,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(_n: BlockNumberFor<T>) -> Weight {
			Self::catch_up_weight()
		}

		/// Writes down the randomness that this block brought for the blocks before it.
		fn on_finalize(_n: BlockNumberFor<T>) {
			Self::catch_up();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_n: BlockNumberFor<T>) -> Result<(), polkadot_sdk::sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Says what the job gives, by a validator that ran it again.
		///
		/// - `subject`: the panel's subject.
		/// - `claim`: what the validator found, right or not in its eyes.
		/// - `draw`: the proof that it was drawn, over the panel's seed (`seed` of the runtime API).
		/// - `openings`: the leaves of the trace that `claim` names, at the validator's own positions
		///   ([`noesis_primitives::opening_positions`] of its account's encoding), in their order.
		///
		/// Emits [`Event::VerdictGiven`].
		///
		/// Errors: [`Error::NoPanel`], [`Error::NotSampled`], [`Error::PanelOver`], [`Error::NotYet`],
		/// [`Error::TooManyStruck`] about the panel; [`Error::Interested`], [`Error::AlreadySpoke`],
		/// [`Error::NotRegistered`], [`Error::NotValidator`], [`Error::Unbonding`], [`Error::ShutOut`],
		/// [`Error::Absent`], [`Error::CannotRun`], [`Error::TooNew`] about who speaks; [`Error::BadDraw`],
		/// [`Error::NotDrawn`] about the draw; [`Error::EmptyTrace`], [`Error::WrongOpeningCount`],
		/// [`Error::WrongOpening`] about the openings.
		#[pallet::call_index(0)]
		#[pallet::weight(
			T::WeightInfo::verdict(openings.len() as u32).saturating_add(T::HandlerWeight::convert(*subject))
		)]
		pub fn verdict(
			origin: OriginFor<T>,
			subject: Subject,
			claim: Claim,
			draw: Draw,
			openings: BoundedVec<Opening, ConstU32<MAX_OPENINGS>>,
		) -> DispatchResult {
			let validator = ensure_signed(origin)?;
			Self::give_verdict(validator, subject, claim, &draw, &openings)
		}

		/// Says that a drawn validator can't judge, at no cost. It can't speak on this subject any more; the next window
		/// draws more.
		///
		/// - `subject`: the panel's subject.
		/// - `draw`: the proof that it was drawn, over the panel's seed.
		///
		/// Emits [`Event::Abstained`].
		///
		/// Errors: those of [`Pallet::verdict`] about the panel, about who speaks, and about the draw;
		/// [`Error::TooManyAbstained`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::abstain())]
		pub fn abstain(origin: OriginFor<T>, subject: Subject, draw: Draw) -> DispatchResult {
			let validator = ensure_signed(origin)?;
			Self::do_abstain(validator, subject, &draw)
		}

		/// Commits to an answer that will be wrong by arrangement. Costs the governed fee, and holds the governed bond
		/// until the canary is revealed; without that in time the bond is lost.
		///
		/// - `commitment`: [`noesis_primitives::canary_commitment`] of all that [`Pallet::reveal_canary`] will show.
		///   The mark to plant depends on randomness that comes after this block.
		/// - `checkpoint`: the checkpoint of the job to come.
		///
		/// Emits [`Event::CanaryCommitted`].
		///
		/// Errors: [`Error::CanaryExists`], [`Error::TooManyCanaries`], [`Error::UnknownCheckpoint`]; those of the
		/// currency when the proposer can't pay.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::commit_canary())]
		pub fn commit_canary(
			origin: OriginFor<T>,
			commitment: [u8; 32],
			checkpoint: CheckpointId,
		) -> DispatchResult {
			let proposer = ensure_signed(origin)?;
			Self::do_commit_canary(proposer, commitment, checkpoint)
		}

		/// Shows that an answer was a canary, by the requester of its job. Every validator that approved it is slashed,
		/// with the proposer for the reward; every one that found the truth gets a prize out of the pot; the panel is
		/// over, and the job ends without pay or blame for the worker.
		///
		/// - `subject`: the panel's subject.
		/// - `proposer`, `truth`, `salt`: what was committed, besides the requester and the worker.
		/// - `index`, `opening`: the leaf that carries the mark, of the trace that the worker claims.
		///
		/// Emits [`Event::CanaryRevealed`].
		///
		/// Errors: [`Error::NoPanel`], [`Error::AlreadyRevealed`], [`Error::NotRequester`], [`Error::UnknownCanary`],
		/// [`Error::CommittedTooLate`], [`Error::RevealTooLate`], [`Error::NotWrong`].
		#[pallet::call_index(3)]
		#[pallet::weight(
			T::WeightInfo::reveal_canary(MAX_PANEL).saturating_add(T::HandlerWeight::convert(*subject))
		)]
		pub fn reveal_canary(
			origin: OriginFor<T>,
			subject: Subject,
			proposer: T::AccountId,
			truth: ClaimHash,
			salt: [u8; 32],
			index: u32,
			opening: Opening,
		) -> DispatchResult {
			let requester = ensure_signed(origin)?;
			let reveal = Reveal { proposer, truth, salt, index, opening };
			Self::do_reveal_canary(requester, subject, reveal)
		}

		/// Ends a canary that was not revealed in time. Anybody may. The bond goes to the pot.
		///
		/// - `proposer`, `commitment`: which.
		///
		/// Emits [`Event::CanaryExpired`].
		///
		/// Errors: [`Error::UnknownCanary`], [`Error::CanaryStands`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::expire_canary())]
		pub fn expire_canary(
			origin: OriginFor<T>,
			proposer: T::AccountId,
			commitment: [u8; 32],
		) -> DispatchResult {
			ensure_signed(origin)?;
			Self::do_expire_canary(proposer, commitment)
		}
	}
}
