//! What the chain keeps of disputes.

use codec::{Decode, Encode, MaxEncodedLen};
use noesis_primitives::{
	Accused, Balance, BlockNumber, CheckpointId, Claim, DisputeId, InputMark, Phase, Rules, Side, Subject,
	MAX_OPEN_DISPUTES, MAX_PANEL,
};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// An open dispute.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Dispute<AccountId> {
	/// Over what.
	pub subject: Subject,
	/// Whose claim.
	pub accused: Accused<AccountId>,
	/// The account that defends it.
	pub defender: AccountId,
	/// Who disputes it.
	pub challenger: AccountId,
	/// Held on the challenger.
	pub bond: Balance,
	/// The model.
	pub checkpoint: CheckpointId,
	/// What the subject's input is held against when it is shown.
	pub input: InputMark,
	/// The claim, and how its trace is descended.
	pub rules: Rules,
	/// How much time a move may take: as that of so many moves over claims of at most [`crate::Config::UnitsPerMove`].
	pub effort: u32,
	/// Block at which it was opened.
	pub opened: BlockNumber,
	/// Last block at which the move can be made.
	pub due: BlockNumber,
	/// Where the game stands.
	pub phase: Phase,
}

impl<AccountId> Dispute<AccountId> {
	/// The account of a side.
	pub fn player(&self, side: Side) -> &AccountId {
		match side {
			Side::Accused => &self.defender,
			Side::Challenger => &self.challenger,
		}
	}

	/// The account whose move it is.
	pub fn mover(&self) -> &AccountId {
		self.player(self.phase.mover())
	}
}

/// How a worker's claim stands.
#[derive(Clone, Debug, Decode, Default, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum Standing<AccountId> {
	/// No dispute overturned it.
	#[default]
	#[codec(index = 0)]
	Stands,
	/// It fell.
	#[codec(index = 1)]
	Overturned {
		/// The claim.
		claim: Claim,
		/// Validators that found the same and were not convicted for it.
		liable: BoundedVec<AccountId, ConstU32<MAX_PANEL>>,
	},
}

/// The disputes of a subject.
#[derive(Clone, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub struct Docket<AccountId> {
	/// Those that are open.
	pub open: BoundedVec<DisputeId, ConstU32<MAX_OPEN_DISPUTES>>,
	/// How many were lost by their challengers, or left undecided.
	pub upheld: u32,
	/// How the worker's claim stands.
	pub standing: Standing<AccountId>,
	/// Block at whose end it is forgotten, if no dispute is open then.
	pub until: BlockNumber,
}

impl<AccountId> Default for Docket<AccountId> {
	fn default() -> Self {
		Self { open: BoundedVec::new(), upheld: 0, standing: Standing::Stands, until: 0 }
	}
}

impl<AccountId> Docket<AccountId> {
	/// Whether its open disputes suspend the subject.
	pub fn suspends(&self) -> bool {
		matches!(self.standing, Standing::Stands) && !self.open.is_empty()
	}
}

/// An entry of the agenda.
#[derive(Clone, Copy, Debug, Decode, Encode, Eq, MaxEncodedLen, PartialEq, TypeInfo)]
pub enum Due {
	/// A move of a dispute.
	#[codec(index = 0)]
	Move(DisputeId),
	/// A subject's docket is to be forgotten.
	#[codec(index = 1)]
	Docket(Subject),
}
