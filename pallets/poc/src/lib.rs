//! # Panels: Proof of Contribution
//!
//! Decides whether what a worker claims is what its job gives. Validators run the job again and say what they
//! found; when enough of them found the same, that is the outcome.
//!
//! ## Words
//!
//! - **Subject**: what a panel is over; today the answer of a job.
//! - **Claim**: what somebody says the result is (root of the trace, leaves, hash of the output, usage).
//! - **Verdict**: a validator's claim, with the proof that it was drawn and that it has the trace.
//! - **Window**: a stretch of blocks after the answer. Window 0 begins with the next block; the chance to be
//!   drawn doubles with every window.
//! - **Seat**: one of the verdicts that a panel takes. First come, first seated among those drawn.
//!
//! ## Key ideas
//!
//! - **Nobody knows who will check before they speak.** A validator draws for itself, by a verifiable random
//!   function over the seed of the panel, with the key that it registered before the answer. The seed depends
//!   on the worker's claim and on randomness that came after it.
//! - **A verdict can't be copied.** It shows the values of leaves of the trace that its own claim names, at
//!   positions that differ from validator to validator. Who did not compute the trace has no such leaves.
//! - **A verdict that disagrees is a claim too**, and counts only together with equal ones: validators that
//!   each found something else do not add up.
//! - **The numbers of a panel stand when it opens**; what governance changes later is for later panels.
//!
//! ## How a panel ends
//!
//! It is over when every seat is taken, or at the end of a window in which or before which some claim had a
//! quorum, or after the last window. Then ([`Panel::verdict`]):
//!
//! | what it found | outcome |
//! |---|---|
//! | the worker's claim has a quorum | confirmed |
//! | another claim has a quorum | rejected |
//! | no quorum, and more verdicts agree with the worker than not | confirmed |
//! | anything else | lapsed |
//!
//! A quorum is more than half of the seats, so two claims never both have one.
//!
//! The pallet that opened the panel closes it ([`noesis_primitives::Panels`]). When the last seat is taken it
//! hears of it at once ([`noesis_primitives::SubjectHandler`]).

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod draw;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod integrity;
#[cfg(test)]
mod mock;
mod panel;
mod panels;
#[cfg(test)]
mod tests;
mod verdicts;
mod views;
pub mod weights;

use polkadot_sdk::{frame_support, frame_system};

pub use draw::draw_input;
pub use pallet::*;
pub use panel::{Panel, Terms};
pub use weights::WeightInfo;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[allow(clippy::large_enum_variant, reason = "a call's arguments are its variant")]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use frame_support::{pallet_prelude::*, traits::StorageVersion};
	use frame_system::pallet_prelude::*;
	use noesis_primitives::{
		BlockRandomness, CheckpointId, Claim, ClaimHash, Draw, Opening, OperatorRegistry, PanelOutcome,
		Subject, SubjectHandler, MAX_OPENINGS,
	};

	/// The version of the storage below.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Panels over subjects.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs. The numbers may be governed; a panel keeps those it opened with.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// Who may validate, and with which draw key.
		type Operators: OperatorRegistry<Self::AccountId>;

		/// Randomness that comes after an answer. It must stay the same, and stay known, while a panel is open:
		/// [`Self::Window`] times [`Self::MaxWindows`] blocks.
		type Randomness: BlockRandomness;

		/// Who hears of panels whose last seat is taken.
		type Subjects: SubjectHandler;

		/// Seats of a panel, and verdicts expected in window 0: 1 to [`noesis_primitives::MAX_PANEL`].
		type PanelSize: Get<u32>;

		/// Equal verdicts that decide: more than half of the seats, at most all. What is outside is brought in.
		type Quorum: Get<u32>;

		/// Leaves that a verdict opens: 1 to [`noesis_primitives::MAX_OPENINGS`].
		type Openings: Get<u32>;

		/// Blocks of a window; at least 1.
		type Window: Get<u32>;

		/// Windows until a panel without a quorum ends; at least 1.
		type MaxWindows: Get<u32>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	/// Panels that are not closed yet.
	#[pallet::storage]
	pub type Panels<T: Config> = StorageMap<_, Twox64Concat, Subject, Panel<T::AccountId>>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A panel opened; validators may speak from the next block on.
		PanelOpened {
			/// Over what.
			subject: Subject,
			/// On which checkpoint.
			checkpoint: CheckpointId,
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
		/// A panel is over and forgotten.
		PanelClosed {
			/// Over what.
			subject: Subject,
			/// How it ended.
			outcome: PanelOutcome,
		},
	}

	/// Why a verdict is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no open panel on this subject. Look at `open_panels` for those there are.
		NoPanel,
		/// The seed of this panel is not known yet. Speak from the block after the answer on.
		NotYet,
		/// This panel is over. Leave it to `settle`.
		PanelOver,
		/// The worker and the requester of a job do not sit on its panel. Validate other jobs.
		Interested,
		/// You spoke on this subject already. One verdict counts; there is nothing more to do.
		AlreadySpoke,
		/// You are not registered. Register as a validator; you may judge answers given after that.
		NotRegistered,
		/// You are registered as a worker. Validate from another account.
		NotValidator,
		/// You are leaving. Register again to validate.
		Unbonding,
		/// You are shut out. Come back when the exclusion ends.
		ShutOut,
		/// You do not offer this checkpoint. Add it to your capability for later answers.
		CannotRun,
		/// You registered, or changed your capability, after this answer. Judge later ones.
		TooNew,
		/// The draw is not one of your draw key on this panel's seed. Sign the seed with the registered key.
		BadDraw,
		/// You are not drawn in this window. Try again in the next one, which draws twice as many.
		NotDrawn,
		/// A trace has at least one leaf. Claim the number of leaves that the job's usage gives.
		EmptyTrace,
		/// The verdict opens too few or too many leaves. Open as many as the panel asks for.
		WrongOpeningCount,
		/// An opened leaf is not the one asked for of the trace that you claim. Open the leaves at your own
		/// positions, in their order.
		WrongOpening,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
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
		/// Errors: [`Error::NoPanel`], [`Error::PanelOver`], [`Error::NotYet`] about the panel;
		/// [`Error::Interested`], [`Error::AlreadySpoke`], [`Error::NotRegistered`], [`Error::NotValidator`],
		/// [`Error::Unbonding`], [`Error::ShutOut`], [`Error::CannotRun`], [`Error::TooNew`] about who speaks;
		/// [`Error::BadDraw`], [`Error::NotDrawn`] about the draw; [`Error::EmptyTrace`],
		/// [`Error::WrongOpeningCount`], [`Error::WrongOpening`] about the openings.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::verdict(openings.len() as u32).saturating_add(Pallet::<T>::handler_weight()))]
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
	}
}
