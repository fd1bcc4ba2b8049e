//! # Disputes: the verification game
//!
//! Decides whether a claim about a subject is right, by computing one small step of it on chain. No committee decides,
//! and one honest challenger is enough.
//!
//! ## Words
//!
//! - **Subject**: what a claim is about; the answer of a job.
//! - **Accused**: whose claim is disputed: the worker, or a validator that spoke on the subject's panel.
//! - **Challenger**: who disputes it. It holds a bond.
//! - **Trace**: the Merkle tree that the claim names; see [`noesis_primitives::TraceShape`] for its leaves.
//! - **Fine tree**: the computation of one leaf of the trace, step by step ([`noesis_canon::graph`]).
//! - **Docket**: the disputes of one subject, and how the last ones ended.
//!
//! ## The game
//!
//! ```text
//! challenge -> Reveal <-> Choose -> Expand -> Reveal <-> Choose -> Prove -> it stands, or falls
//!              \_ down the trace _/           \_ down the fine tree _/
//! ```
//!
//! A leaf that holds a token is first held against the tokenizer ([`Pallet::prove_text`]): the accused shows its head,
//! whose hash the checkpoint registers, and the token before, of which both agree where it ends. A token of the input
//! follows from the text at once, or is read from a word, whose states are descended like a fine tree and end in
//! [`Pallet::prove_word`]. Of a token of the output the accused shows the bytes, which fix where it ends, and for the
//! first after a text that the text ends there; then it expands the leaf like any other.
//!
//! The accused reveals the nodes below a node, the challenger chooses the first that it does not agree with. To choose
//! one is to agree with all to the left of it. So at the end there is one leaf of which both sides agree on everything
//! that it is computed from. The accused shows that, with Merkle paths, and the runtime computes the leaf.
//!
//! Who does not move in time loses: within [`Config::ResponseWindow`] blocks, and as many times that as the moves in all of
//! the player's open disputes take at [`Config::MovesPerWindow`] each; one over a claim of more than [`Config::UnitsPerMove`] counts
//! for several. Every move is [`noesis_primitives::Phase::transition`].
//!
//! Where a claim contradicts its job for all to see, there is no game: [`Pallet::prove_length`].
//!
//! The trace has the tokens of the output and where each ends; the output itself is named by a hash. Who agrees with
//! the trace and has other bytes of that hash shows one token that they are not: [`Pallet::prove_output`]. Who does not
//! have the bytes demands them ([`Pallet::demand`]): the accused shows them or falls, and then the challenger shows the
//! token or loses its bond.
//!
//! ## Who loses what
//!
//! | it ends | the accused | the challenger |
//! |---|---|---|
//! | the claim falls | is slashed, the governed share of it to the challenger | gets its bond back |
//! | the claim stands | gets [`Config::WinnerShare`] of the bond, the pot the rest | loses its bond |
//! | undecided, or another dispute ended it | nothing | gets its bond back |
//!
//! When a worker's claim falls, the subject is overturned. Then:
//!
//! - If the claim itself contradicts the job ([`noesis_primitives::Ground::Record`]), the validators that found the same
//!   are slashed at once.
//! - If the worker lost a game, or was silent, that shows how it played, not what the model computes: it may have lost on
//!   purpose, to an account of its own. So the validators that found the same become **liable**: for
//!   [`Config::LiabilityPeriod`] blocks anyone may dispute their claim, which they can defend.
//!
//! ## Key ideas
//!
//! - **An honest accused never loses**: it can make every move, whatever the challenger chooses, and has the time for it,
//!   however many disputes are opened against it at once.
//! - **An honest challenger never loses to a liar**: the leaf that it leads to is computed by the runtime.
//! - **A sham dispute blocks nobody**: up to [`noesis_primitives::MAX_OPEN_DISPUTES`] run side by side, and each that was
//!   lost doubles the bond of the next.
//! - **No block walks a list without end.** Deadlines wait in an agenda by block that is served as far as the block's
//!   weight reaches; what it would do, anybody may do: [`Pallet::timeout`].
//! - **The numbers of a dispute stand when it opens.**
//!
//! ## What the chain can't tell
//!
//! - What a model computes that no program fits, what a tokenizer makes whose registered head is none, and which part of
//!   a text is read that does not fit the context. A game that comes to such a leaf ends undecided, and the claim stands.
//! - Whether an output has the bytes of its tokens that is longer than [`noesis_primitives::MAX_OUTPUT_BYTES`].

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod agenda;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod bond;
mod dispute;
mod docket;
#[cfg(any(feature = "std", feature = "try-runtime"))]
mod integrity;
mod length;
#[cfg(test)]
mod mock;
mod moves;
mod output;
mod referee;
#[cfg(test)]
mod tests;
mod text;
mod verdict;
mod views;
pub mod weights;

use polkadot_sdk::{frame_support, frame_system, sp_runtime};

pub use dispute::{Dispute, Docket, Due, Standing};
pub use pallet::*;
pub use weights::WeightInfo;

/// A bond doubles at most so often. What a liar's accomplices lose must not price out who is right.
pub const MAX_DOUBLINGS: u32 = 3;

#[allow(clippy::expect_used, reason = "the pallet macros expand to it")]
#[allow(clippy::large_enum_variant, reason = "a call's arguments are its variant")]
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
		Accused, Architecture, Balance, BlockNumber, CheckpointRegistry, Claim, Disputable, DisputeId,
		Evidence, Ground, LeafBytes, LengthProof, NodePath, Nodes, OperatorRegistry, OutputBytes,
		OutputProof, OutputSeal, Panels, PromptSeal, Root, ShownOutput, Stage, Subject, TextEvidence,
		Verdict, WordEvidence, MAX_TOKEN_BYTES, SLICE,
	};
	use noesis_support::Wait;
	use sp_runtime::{Permill, SaturatedConversion};

	/// The version of the storage below.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// Disputes.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the pallet needs. The numbers may be governed; a dispute keeps those it opened with.
	#[pallet::config]
	pub trait Config: polkadot_sdk::frame_system::Config {
		/// What bonds are paid with.
		type Currency: fungible::Mutate<Self::AccountId, Balance = Balance>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;

		/// The reasons for holds of the runtime.
		type RuntimeHoldReason: From<HoldReason>;

		/// The models.
		type Checkpoints: CheckpointRegistry;

		/// Who is slashed.
		type Operators: OperatorRegistry<Self::AccountId>;

		/// What validators found.
		type Panels: Panels<Self::AccountId>;

		/// What is disputed.
		type Subjects: Disputable<Self::AccountId>;

		/// What it weighs at most to overturn one, beside the claim itself that falls.
		type OverturnWeight: Get<Weight>;

		/// The bond of a subject's first dispute.
		type Bond: Get<Balance>;

		/// Share of a lost bond that the accused gets; the pot gets the rest.
		type WinnerShare: Get<Permill>;

		/// Most nodes that a move reveals: a power of two, 2 to [`noesis_primitives::MAX_ARITY`]. What is not is
		/// brought in.
		type Arity: Get<u32>;

		/// Blocks that a player of one dispute has for a move; at least 1.
		type ResponseWindow: Get<u32>;

		/// Moves that a player may be asked for within a response window; at least 1. Who plays in more disputes at a time
		/// has more windows for each move.
		type MovesPerWindow: Get<u32>;

		/// Units, tokens times millions of parameters, that a player computes in the time of a move; at least 1. A move over
		/// a longer claim counts for more.
		type UnitsPerMove: Get<u64>;

		/// Most windows that a player has for a move, however much it plays; at least 1. A game has to end.
		type MaxWindows: Get<u32>;

		/// Blocks for which validators that found what an overturned worker claimed answer for it, and for which the
		/// disputes of a subject are counted; at least 1. It should be shorter than the unbonding period. While as many
		/// disputes are open as may be, each that ends leaves a sixteenth of it at least.
		type LiabilityPeriod: Get<u32>;

		/// The account of the pot. It should exist, or its small amounts go back to challengers.
		type Pot: Get<Self::AccountId>;

		/// What the calls weigh.
		type WeightInfo: WeightInfo;
	}

	/// Why money of a challenger is held.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// For an open dispute.
		#[codec(index = 0)]
		DisputeBond,
	}

	/// The number of the next dispute.
	#[pallet::storage]
	pub type NextDispute<T> = StorageValue<_, DisputeId, ValueQuery>;

	/// Open disputes.
	#[pallet::storage]
	pub type Disputes<T: Config> = StorageMap<_, Twox64Concat, DisputeId, Dispute<T::AccountId>>;

	/// The disputes of a subject, until they are forgotten.
	#[pallet::storage]
	pub type Dockets<T: Config> = StorageMap<_, Twox64Concat, Subject, Docket<T::AccountId>>;

	/// Open disputes by their players: challengers and those that defend a claim.
	#[pallet::storage]
	pub type Players<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, T::AccountId, Twox64Concat, DisputeId, ()>;

	/// For how many moves the moves of all open disputes count in which an account plays.
	#[pallet::storage]
	pub type Load<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// Outputs that were shown in open disputes, with their seals if the jobs are sealed, until these end: for whoever wants
	/// to compare them.
	#[pallet::storage]
	pub type ShownOutputs<T> = StorageMap<_, Twox64Concat, DisputeId, (OutputBytes, Option<OutputSeal>)>;

	/// What to look at, by block. An entry may be out of date: the dispute's or docket's own block is what holds.
	#[pallet::storage]
	pub type Agenda<T> = StorageMap<_, Twox64Concat, BlockNumber, noesis_support::Entries<Due>, ValueQuery>;

	/// First block of the agenda that is not served yet; there is none before the first dispute.
	#[pallet::storage]
	pub type Cursor<T> = StorageValue<_, BlockNumber>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// Somebody disputes a claim. The accused moves first.
		Challenged {
			/// The dispute.
			dispute: DisputeId,
			/// Over what.
			subject: Subject,
			/// Whose claim.
			accused: Accused<T::AccountId>,
			/// The account that defends it.
			defender: T::AccountId,
			/// Who disputes it.
			challenger: T::AccountId,
			/// Held on the challenger.
			bond: Balance,
			/// What is to be done first.
			stage: Stage,
			/// Last block at which it can be done.
			due: BlockNumber,
		},
		/// A player moved.
		Moved {
			/// The dispute.
			dispute: DisputeId,
			/// Where it stood.
			from: Stage,
			/// Where it stands.
			to: Stage,
			/// Block of the move.
			at: BlockNumber,
			/// Last block at which the next move can be made.
			due: BlockNumber,
		},
		/// A dispute is over and forgotten.
		Ended {
			/// The dispute.
			dispute: DisputeId,
			/// Over what.
			subject: Subject,
			/// How it ended.
			verdict: Verdict,
			/// At this block.
			at: BlockNumber,
			/// Of the bond, paid to the account that defended the claim.
			defender_paid: Balance,
			/// Of the bond, paid to the pot.
			pot: Balance,
			/// Of the bond, given back to the challenger.
			returned: Balance,
		},
		/// A claim fell.
		Convicted {
			/// About what.
			subject: Subject,
			/// Who made it.
			who: T::AccountId,
			/// Why it fell.
			ground: Ground,
			/// Taken from the stake.
			taken: Balance,
			/// Of that, paid to who disputed it.
			rewarded: Balance,
		},
		/// The disputes of a subject were forgotten.
		Forgotten {
			/// The subject.
			subject: Subject,
		},
	}

	/// Why a call is refused.
	#[pallet::error]
	pub enum Error<T> {
		/// There is no such dispute, or it is over. Look at `open_disputes` for those there are.
		NoDispute,
		/// There is no such subject. Name the job whose answer is wrong.
		UnknownSubject,
		/// The subject has no answer yet. Wait for one.
		NotAnswered,
		/// The subject ended, and nobody answers for it any more. Dispute answers before they are settled.
		Settled,
		/// The accused made another claim, or none. Take the claim from the subject's view, or from the verdict.
		WrongClaim,
		/// The claim is your own. Leave it to others to dispute it.
		OwnClaim,
		/// You dispute this claim already. Play that dispute.
		AlreadyDisputed,
		/// As many disputes are open on this subject as may be. Try again when one is over.
		DocketFull,
		/// The claim's numbers contradict the job. No game is needed: call `prove_length` with `Numbers`.
		Contradiction,
		/// What is shown does not contradict the claim. Show a token that does, or dispute the claim with `challenge`.
		NoContradiction,
		/// The chain knows no such checkpoint, or not what it is made of. Wait until it is registered in full.
		UnknownCheckpoint,
		/// Too many moves fall due around the block of this one. Try again in the next block.
		AgendaFull,
		/// You are not a player of this dispute. Open your own.
		NotPlayer,
		/// It is the other side's move, or another kind of move. Read the dispute's phase.
		OutOfTurn,
		/// The block by which you had to move has passed. Anybody may call `timeout` now.
		Overdue,
		/// The side whose move it is still has time. Wait so many blocks, until the one after the dispute's `due`.
		NotDue {
			/// In how many blocks.
			opens_in: Wait,
		},
		/// There are not as many nodes as there are below the node, or they do not hash to it. Reveal the nodes of
		/// the tree that you claimed.
		WrongNodes,
		/// There is no such child. Count from 0, up to the number of nodes revealed.
		NoChild,
		/// This is not the architecture of the checkpoint. Take it from the checkpoint's file.
		WrongArchitecture,
		/// This is not the leaf in dispute. Show the one that you committed to.
		WrongLeaf,
		/// The disputed leaf does not come out of the fine tree where it should. Give the path of the result leaf in
		/// the tree of this root.
		WrongResult,
		/// This is not the subject's input. Show the bytes that its hash names; of a sealed job, the prompt to which it
		/// commits, with its seal.
		WrongInput,
		/// There is not one piece for each of the leaf's sources, or one is of the wrong kind. Give them in their
		/// order.
		WrongPieces,
		/// A piece of the evidence does not belong to the tree that it should. Show the leaves with their siblings.
		WrongProof,
		/// A piece of the evidence is not of the form that its source has. Show the bytes as they were hashed.
		Malformed,
		/// This is not the head of the checkpoint's tokenizer. Take it from the checkpoint's file.
		WrongHead,
		/// The disputed token does not come out of the word's last state. Commit to the states from which you read it.
		WrongWord,
		/// The evidence is longer than any leaf needs. Show only what the leaf is computed from.
		EvidenceTooLong,
		/// These are not the bytes of the output that the claim names. Show the bytes that its hash names; of a sealed job,
		/// the bytes that are sealed, with their seal.
		WrongOutput,
		/// The output is on the chain already. Show with `prove_output` what is wrong with it.
		OutputKnown,
		/// Somebody demands this output already. Wait until it is shown, and call `prove_output`.
		OutputDemanded,
		/// The output is not too long to be shown. Show its bytes.
		OutputFits,
		/// The job is sealed, and a dispute would show what it hides. Leave it to its requester, its worker, and the
		/// validators of its checkpoint.
		Sealed,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Serves a few entries of the blocks before, whatever else the block holds.
		fn on_poll(n: BlockNumberFor<T>, meter: &mut WeightMeter) {
			let now: BlockNumber = n.saturated_into();
			Self::serve_slice(meter, now.saturating_sub(1));
		}

		/// Serves what is due up to this block with half of the weight that is left.
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
		/// Disputes a claim. Holds the bond: [`Config::Bond`], doubled for each dispute of the subject that was lost
		/// before. The first open dispute suspends the subject.
		///
		/// - `subject`: about what.
		/// - `accused`: whose claim: the worker's, or that of a validator that spoke.
		/// - `claim`: the claim, as it was made.
		///
		/// Emits [`Event::Challenged`].
		///
		/// Errors: [`Error::UnknownSubject`], [`Error::NotAnswered`], [`Error::Settled`],
		/// [`Error::UnknownCheckpoint`] about the subject; [`Error::WrongClaim`], [`Error::Contradiction`] about the
		/// claim; [`Error::OwnClaim`], [`Error::AlreadyDisputed`], [`Error::Sealed`] about the caller; [`Error::DocketFull`],
		/// [`Error::AgendaFull`] when there is no room; and the currency's own when the caller can't pay.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::challenge().saturating_add(T::DbWeight::get().reads(3)))]
		pub fn challenge(
			origin: OriginFor<T>,
			subject: Subject,
			accused: Accused<T::AccountId>,
			claim: Claim,
		) -> DispatchResult {
			let challenger = ensure_signed(origin)?;
			Self::open(challenger, subject, accused, claim, docket::Way::Trace)
		}

		/// Shows the nodes below the node in dispute, by the accused.
		///
		/// - `dispute`: which.
		/// - `nodes`: all nodes that many levels below it, or the leaves where they are nearer, from left to right.
		///
		/// Emits [`Event::Moved`].
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongNodes`].
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::reveal(nodes.len() as u32))]
		pub fn reveal(origin: OriginFor<T>, dispute: DisputeId, nodes: Nodes) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::show_nodes(&who, dispute, nodes)
		}

		/// Names the first of the revealed nodes that the challenger does not agree with. It agrees with those to the
		/// left.
		///
		/// - `dispute`: which.
		/// - `child`: the node, counted from 0.
		///
		/// Emits [`Event::Moved`].
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::NoChild`].
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::choose())]
		pub fn choose(origin: OriginFor<T>, dispute: DisputeId, child: u32) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::choose_child(&who, dispute, child)
		}

		/// Commits to the computation of the disputed leaf of the trace, by the accused.
		///
		/// - `dispute`: which.
		/// - `architecture`: the checkpoint's.
		/// - `root`: the root of the fine tree.
		/// - `leaf`: the values of the disputed leaf.
		/// - `path`: the path of the leaf of the fine tree in which the same values come out.
		///
		/// Emits [`Event::Moved`]; or [`Event::Ended`] if the chain can't compute such a model; or [`Event::Ended`] and
		/// [`Event::Convicted`] if the leaf is the token that ends an answer, and the claim goes on after it.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongArchitecture`], [`Error::WrongLeaf`], [`Error::WrongResult`].
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::expand().saturating_add(T::WeightInfo::close().max(Pallet::<T>::convict_weight())))]
		pub fn expand(
			origin: OriginFor<T>,
			dispute: DisputeId,
			architecture: Architecture,
			root: Root,
			leaf: BoundedVec<i32, ConstU32<SLICE>>,
			path: NodePath,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::commit_to_fine_tree(&who, dispute, architecture, root, &leaf, &path)?;
			Ok(Self::weight_of_move(dispute, T::WeightInfo::expand()))
		}

		/// Shows the input of ids that the disputed token was read from, by the accused. Decides the dispute.
		///
		/// - `dispute`: which.
		/// - `architecture`: the checkpoint's.
		/// - `leaf`: id and end of the disputed token.
		/// - `payload`: the subject's input; of a sealed job, the prompt, which is public from then on.
		/// - `seal`: of a sealed job, the prompt's seal.
		///
		/// Emits [`Event::Ended`], and [`Event::Convicted`] if the claim falls.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongArchitecture`], [`Error::WrongLeaf`], [`Error::WrongInput`].
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::prove_input(payload.len() as u32).saturating_add(Pallet::<T>::convict_weight()))]
		pub fn prove_input(
			origin: OriginFor<T>,
			dispute: DisputeId,
			architecture: Architecture,
			leaf: BoundedVec<i32, ConstU32<2>>,
			payload: BoundedVec<u8, ConstU32<MAX_TOKEN_BYTES>>,
			seal: Option<PromptSeal>,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::show_input(&who, dispute, architecture, &leaf, &payload, seal.as_ref())
		}

		/// Shows what the disputed leaf of the fine tree is computed from, by the accused. The runtime computes it,
		/// which decides the dispute.
		///
		/// - `dispute`: which.
		/// - `leaf`: the leaf's bytes.
		/// - `evidence`: one piece for each of the leaf's sources, in their order.
		///
		/// Emits [`Event::Ended`], and [`Event::Convicted`] if the claim falls.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongLeaf`], [`Error::EvidenceTooLong`], [`Error::WrongPieces`], [`Error::WrongProof`],
		/// [`Error::Malformed`]. After these the accused may try again until the move is due.
		#[pallet::call_index(5)]
		#[pallet::weight(Pallet::<T>::prove_weight().saturating_add(Pallet::<T>::convict_weight()))]
		pub fn prove(
			origin: OriginFor<T>,
			dispute: DisputeId,
			leaf: LeafBytes,
			evidence: Evidence,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::show_evidence(&who, dispute, &leaf, &evidence)
		}

		/// Ends a dispute in which a side did not move in time, against that side; anybody may.
		///
		/// - `dispute`: which.
		///
		/// Emits [`Event::Ended`], and [`Event::Convicted`] if the claim falls.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotDue`].
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::timeout().saturating_add(Pallet::<T>::convict_weight()))]
		pub fn timeout(origin: OriginFor<T>, dispute: DisputeId) -> DispatchResult {
			ensure_signed(origin)?;
			Self::end_by_silence(dispute, Self::now().saturating_sub(1))
		}

		/// Shows that a claim contradicts its job, whatever the model computes; anybody but who made it may. The claim
		/// falls at once.
		///
		/// - `subject`: about what.
		/// - `accused`: whose claim.
		/// - `claim`: the claim, as it was made.
		/// - `architecture`: the checkpoint's.
		/// - `proof`: what is wrong with it.
		///
		/// Emits [`Event::Convicted`], and [`Event::Ended`] for every open dispute of the claim.
		///
		/// Errors: those of [`Pallet::challenge`] about subject, claim and caller; [`Error::WrongArchitecture`],
		/// [`Error::WrongProof`], [`Error::NoContradiction`].
		#[pallet::call_index(8)]
		#[pallet::weight(T::WeightInfo::prove_length().saturating_add(Pallet::<T>::convict_weight()))]
		pub fn prove_length(
			origin: OriginFor<T>,
			subject: Subject,
			accused: Accused<T::AccountId>,
			claim: Claim,
			architecture: Architecture,
			proof: LengthProof,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::convict_by_length(&who, subject, accused, claim, &architecture, &proof)
		}

		/// Shows what the tokenizer makes of the text at the disputed token, by the accused.
		///
		/// - `dispute`: which.
		/// - `leaf`: id and end of the disputed token.
		/// - `evidence`: the tokenizer's head, the token before, and what the token follows from: the input, and the
		///   states of the word that it is read from, if it is one of the input; its bytes, if it is one of the output.
		///
		/// A token of the input that follows from the text alone decides the dispute; one that is read from a word leads
		/// into the tree of the word's states. A token of the output that ends where it should is to be expanded.
		///
		/// Emits [`Event::Moved`]; or [`Event::Ended`], and [`Event::Convicted`] if the claim falls.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongLeaf`], [`Error::WrongHead`], [`Error::WrongInput`], [`Error::WrongPieces`],
		/// [`Error::WrongProof`], [`Error::WrongWord`]. After these the accused may try again until the move is due.
		#[pallet::call_index(9)]
		#[pallet::weight(
			T::WeightInfo::prove_text(evidence.input.len() as u32).saturating_add(Pallet::<T>::convict_weight())
		)]
		pub fn prove_text(
			origin: OriginFor<T>,
			dispute: DisputeId,
			leaf: BoundedVec<i32, ConstU32<2>>,
			evidence: TextEvidence,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			Self::show_text(&who, dispute, &leaf, &evidence)?;
			Ok(Self::weight_of_move(dispute, T::WeightInfo::prove_text(evidence.input.len() as u32)))
		}

		/// Shows what the disputed state of a word is made from, by the accused. The runtime makes it, which decides the
		/// dispute.
		///
		/// - `dispute`: which.
		/// - `evidence`: the state before it, and a proof for each pair that it looks up; nothing for the first state.
		///
		/// Emits [`Event::Ended`], and [`Event::Convicted`] if the claim falls.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::EvidenceTooLong`], [`Error::WrongPieces`], [`Error::WrongProof`], [`Error::Malformed`]. After these
		/// the accused may try again until the move is due.
		#[pallet::call_index(10)]
		#[pallet::weight(T::WeightInfo::prove_word().saturating_add(Pallet::<T>::convict_weight()))]
		pub fn prove_word(
			origin: OriginFor<T>,
			dispute: DisputeId,
			evidence: WordEvidence,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::show_word(&who, dispute, &evidence)
		}

		/// Demands the output that a claim names, to hold it against the tokens of the claim's trace. For who agrees with
		/// the whole trace, and does not have the output. Holds the bond and suspends the subject as
		/// [`Pallet::challenge`] does.
		///
		/// The accused shows the output with [`Pallet::show_output`], or loses. Then the challenger shows with
		/// [`Pallet::prove_output`] that it is not what the tokens stand for, or loses its bond.
		///
		/// - `subject`: about what.
		/// - `accused`: whose claim.
		/// - `claim`: the claim, as it was made.
		///
		/// Emits [`Event::Challenged`].
		///
		/// Errors: those of [`Pallet::challenge`]; [`Error::OutputKnown`], [`Error::OutputDemanded`] where there is nothing
		/// to demand.
		#[pallet::call_index(11)]
		#[pallet::weight(T::WeightInfo::demand().saturating_add(T::DbWeight::get().reads(3)))]
		pub fn demand(
			origin: OriginFor<T>,
			subject: Subject,
			accused: Accused<T::AccountId>,
			claim: Claim,
		) -> DispatchResult {
			let challenger = ensure_signed(origin)?;
			Self::demand_output(challenger, subject, accused, claim)
		}

		/// Shows the output that is demanded, by the accused. It stays on the chain until the dispute is over. That of a sealed
		/// job is public from then on; its prompt is not.
		///
		/// - `dispute`: which.
		/// - `output`: its bytes, with their seal if the job is sealed; or the leaf of the claim's last token, if that ends beyond what the chain takes.
		///
		/// Emits [`Event::Moved`]; or [`Event::Ended`], if the output is too long: who demands it agrees with the trace, and
		/// could have known.
		///
		/// Errors: [`Error::NoDispute`], [`Error::NotPlayer`], [`Error::OutOfTurn`], [`Error::Overdue`],
		/// [`Error::WrongOutput`], [`Error::OutputFits`], [`Error::WrongProof`], [`Error::Malformed`]. After these the
		/// accused may try again until the move is due.
		#[pallet::call_index(12)]
		#[pallet::weight(
			T::WeightInfo::show_output(output.bytes())
				.saturating_add(T::WeightInfo::seal_output(output.sealed()))
				.saturating_add(T::WeightInfo::close())
		)]
		pub fn show_output(origin: OriginFor<T>, dispute: DisputeId, output: ShownOutput) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::show_bytes(&who, dispute, output)
		}

		/// Shows that the output of a claim does not have the bytes of one of the claim's tokens where that token is;
		/// anybody but who made the claim may, with a dispute or without. The claim falls at once.
		///
		/// - `subject`: about what.
		/// - `accused`: whose claim.
		/// - `claim`: the claim, as it was made.
		/// - `proof`: the output, and the token.
		///
		/// Emits [`Event::Convicted`], and [`Event::Ended`] for every open dispute of the claim.
		///
		/// Errors: those of [`Pallet::challenge`] about subject, claim and caller; [`Error::WrongHead`],
		/// [`Error::WrongOutput`], [`Error::WrongPieces`], [`Error::WrongProof`],
		/// [`Error::Malformed`], [`Error::NoContradiction`].
		#[pallet::call_index(13)]
		#[pallet::weight(
			T::WeightInfo::prove_output(proof.output.len() as u32)
				.saturating_add(T::WeightInfo::seal_output(proof.sealed()))
				.saturating_add(Pallet::<T>::convict_weight())
		)]
		pub fn prove_output(
			origin: OriginFor<T>,
			subject: Subject,
			accused: Accused<T::AccountId>,
			claim: Claim,
			proof: OutputProof,
		) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::convict_by_output(&who, subject, accused, claim, &proof)
		}
	}
}
