//! What players do.

use crate::{referee, text, Config, Dispute, Disputes, Due, Error, Event, Pallet, WeightInfo};
use codec::Encode;
use noesis_primitives::{
	merkle::leaf_hash, Architecture, BlockNumber, CheckpointRegistry, ContentHash, DisputeId, Evidence,
	LeafBytes, Move, MoveError, Next, NodePath, Nodes, Opening, Phase, PromptSeal, Root, Side, TextEvidence,
	WordEvidence, MAX_EVIDENCE_BYTES,
};
use noesis_support::Wait;
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure, weights::Weight};

impl<T: Config> Pallet<T> {
	/// The dispute, if `who` plays this side of it, has the move, and is in time.
	pub(crate) fn turn_of(
		who: &T::AccountId,
		id: DisputeId,
		side: Side,
	) -> Result<Dispute<T::AccountId>, Error<T>> {
		let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NoDispute)?;
		let plays = |side| dispute.player(side) == who;
		ensure!(plays(Side::Accused) || plays(Side::Challenger), Error::<T>::NotPlayer);
		ensure!(plays(side) && dispute.phase.mover() == side, Error::<T>::OutOfTurn);
		ensure!(Self::now() <= dispute.due, Error::<T>::Overdue);
		Ok(dispute)
	}

	/// Makes a move. The only place where a dispute moves or ends by a move.
	pub(crate) fn play(id: DisputeId, mut dispute: Dispute<T::AccountId>, by: Move) -> DispatchResult {
		let from = dispute.phase.stage();
		match dispute.phase.clone().transition(by, &dispute.rules).map_err(Error::<T>::from)? {
			Next::Over(verdict) => Self::conclude(id, dispute, verdict),
			Next::Phase(phase) => {
				dispute.phase = phase;
				dispute.due = Self::next_due(dispute.mover());
				let (to, at, due) = (dispute.phase.stage(), Self::now(), dispute.due);
				Self::deposit_event(Event::Moved { dispute: id, from, to, at, due });
				// Without a place in the agenda, anybody can still end it when it is due.
				let _ = Self::schedule(Due::Move(id), due);
				Disputes::<T>::insert(id, dispute);
			},
		}
		Ok(())
	}

	pub(crate) fn show_nodes(who: &T::AccountId, id: DisputeId, nodes: Nodes) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		Self::play(id, dispute, Move::Reveal(nodes))
	}

	pub(crate) fn choose_child(who: &T::AccountId, id: DisputeId, child: u32) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Challenger)?;
		Self::play(id, dispute, Move::Choose(child))
	}

	pub(crate) fn end_by_silence(id: DisputeId, last: BlockNumber) -> DispatchResult {
		let dispute = Disputes::<T>::get(id).ok_or(Error::<T>::NoDispute)?;
		ensure!(dispute.due <= last, Error::<T>::NotDue { opens_in: Wait::until(dispute.due, last) });
		Self::play(id, dispute, Move::Silence)
	}

	pub(crate) fn commit_to_fine_tree(
		who: &T::AccountId,
		id: DisputeId,
		architecture: Architecture,
		root: Root,
		values: &[i32],
		path: &NodePath,
	) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		let Phase::Expand { leaf, hash } = dispute.phase else { return Err(Error::<T>::OutOfTurn.into()) };
		Self::ensure_architecture(&dispute, &architecture)?;
		let by = match referee::Computation::of(&dispute.rules, leaf, &architecture) {
			None => Move::Beyond,
			Some(computation) => {
				ensure!(leaf_hash(&Opening::leaf_bytes(values)) == hash, Error::<T>::WrongLeaf);
				let fine = computation.fine_tree(root, values, path);
				match computation.is_premature_end(&dispute.rules, values) {
					true => Move::WentOn,
					false => Move::Expand(fine.ok_or(Error::<T>::WrongResult)?),
				}
			},
		};
		Self::play(id, dispute, by)
	}

	pub(crate) fn show_input(
		who: &T::AccountId,
		id: DisputeId,
		architecture: Architecture,
		values: &[i32],
		payload: &[u8],
		seal: Option<&PromptSeal>,
	) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		let Phase::Input { leaf, hash } = dispute.phase else { return Err(Error::<T>::OutOfTurn.into()) };
		Self::ensure_architecture(&dispute, &architecture)?;
		ensure!(leaf_hash(&Opening::leaf_bytes(values)) == hash, Error::<T>::WrongLeaf);
		ensure!(dispute.input.is_of(seal, payload), Error::<T>::WrongInput);
		let token = referee::input_token(&dispute.rules, leaf, &architecture, payload);
		let holds = token.is_some_and(|token| token == values);
		Self::play(id, dispute, Move::Proved(holds))
	}

	pub(crate) fn show_evidence(
		who: &T::AccountId,
		id: DisputeId,
		leaf: &LeafBytes,
		evidence: &Evidence,
	) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		let Phase::Prove { fine, index, hash } = dispute.phase else {
			return Err(Error::<T>::OutOfTurn.into());
		};
		ensure!(leaf_hash(leaf) == hash, Error::<T>::WrongLeaf);
		ensure!(evidence.encoded_size() <= MAX_EVIDENCE_BYTES as usize, Error::<T>::EvidenceTooLong);
		let group_root = |group| T::Checkpoints::group_root(dispute.checkpoint, group);
		let found = referee::evaluate(&dispute.rules, &fine, index, evidence, group_root);
		let holds = found.map_err(Error::<T>::from)? == leaf.as_slice();
		Self::play(id, dispute, Move::Proved(holds))
	}

	pub(crate) fn show_text(
		who: &T::AccountId,
		id: DisputeId,
		values: &[i32],
		evidence: &TextEvidence,
	) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		let Phase::Text { leaf, hash } = dispute.phase else { return Err(Error::<T>::OutOfTurn.into()) };
		ensure!(leaf_hash(&Opening::leaf_bytes(values)) == hash, Error::<T>::WrongLeaf);
		let facts = T::Checkpoints::facts(dispute.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		let registered = T::Checkpoints::tokenizer(dispute.checkpoint);
		ensure!(registered == Some(ContentHash::of(&evidence.head)), Error::<T>::WrongHead);
		let token = text::Disputed { rules: &dispute.rules, leaf, values, context: facts.context };
		let by = token.judge(&dispute.input, evidence).map_err(Error::<T>::from)?;
		Self::play(id, dispute, by)
	}

	pub(crate) fn show_word(who: &T::AccountId, id: DisputeId, evidence: &WordEvidence) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		let Phase::Word { word, index, hash } = dispute.phase else {
			return Err(Error::<T>::OutOfTurn.into());
		};
		ensure!(evidence.encoded_size() <= MAX_EVIDENCE_BYTES as usize, Error::<T>::EvidenceTooLong);
		let holds = text::state(&word, index, evidence).map_err(Error::<T>::from)? == hash;
		Self::play(id, dispute, Move::Proved(holds))
	}

	/// What the dearest leaf takes: eight rows of weights, a range of as many leaves as there may be, or a tile of
	/// logits.
	pub(crate) fn prove_weight() -> Weight {
		T::WeightInfo::prove_linear().max(T::WeightInfo::prove_range()).max(T::WeightInfo::prove_sampler())
	}

	fn ensure_architecture(
		dispute: &Dispute<T::AccountId>,
		architecture: &Architecture,
	) -> Result<(), Error<T>> {
		let registered = T::Checkpoints::architecture(dispute.checkpoint);
		ensure!(registered == Some(architecture.hash()), Error::<T>::WrongArchitecture);
		Ok(())
	}
}

impl<T> From<MoveError> for Error<T> {
	fn from(error: MoveError) -> Self {
		match error {
			MoveError::OutOfTurn => Self::OutOfTurn,
			MoveError::WrongNodes => Self::WrongNodes,
			MoveError::NoChild => Self::NoChild,
		}
	}
}

impl<T> From<referee::EvidenceError> for Error<T> {
	fn from(error: referee::EvidenceError) -> Self {
		match error {
			referee::EvidenceError::Pieces => Self::WrongPieces,
			referee::EvidenceError::Proof => Self::WrongProof,
			referee::EvidenceError::Malformed => Self::Malformed,
		}
	}
}

impl<T> From<text::TextError> for Error<T> {
	fn from(error: text::TextError) -> Self {
		match error {
			text::TextError::Input => Self::WrongInput,
			text::TextError::Pieces => Self::WrongPieces,
			text::TextError::Proof => Self::WrongProof,
			text::TextError::Word => Self::WrongWord,
		}
	}
}
