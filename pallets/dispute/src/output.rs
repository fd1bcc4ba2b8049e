//! Outputs: whether their bytes are those of the tokens of the claim that names them.

use crate::{docket::Way, referee::EvidenceError, Config, Error, Pallet, ShownOutputs};
use noesis_canon::tokenizer::Head;
use noesis_primitives::{
	Accused, CheckpointRegistry, Claim, ContentHash, DisputeId, Move, Opening, OutputProof, Phase,
	ShownOutput, Side, Subject, TraceLeaf, TraceShape, MAX_OUTPUT_BYTES,
};
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure};

/// Id and end of the token at `position` of a claim's trace, as the opening shows it.
fn token(
	claim: &Claim,
	shape: &TraceShape,
	position: u32,
	opening: &Opening,
) -> Result<(u32, u32), EvidenceError> {
	let index = shape.index(TraceLeaf::Token { position }).ok_or(EvidenceError::Pieces)?;
	if !opening.verify(claim, index) {
		return Err(EvidenceError::Proof);
	}
	let (id, end) = opening.token().ok_or(EvidenceError::Malformed)?;
	match (u32::try_from(id), u32::try_from(end)) {
		(Ok(id), Ok(end)) => Ok((id, end)),
		_ => Err(EvidenceError::Malformed),
	}
}

/// Whether the output does not have the bytes of the token that is shown where that token is, or another end than the
/// last token. The output is the claim's, and the head the checkpoint's.
pub(crate) fn contradicts(
	claim: &Claim,
	shape: &TraceShape,
	proof: &OutputProof,
) -> Result<bool, EvidenceError> {
	let (first, last) = (claim.usage.input_tokens, shape.positions);
	if !(first..=last).contains(&proof.position) {
		return Err(EvidenceError::Pieces);
	}
	let (id, end) = token(claim, shape, proof.position, &proof.token)?;
	let before = proof.position.checked_sub(1).filter(|_| proof.position != first);
	let previous = match (before, &proof.previous) {
		(None, None) => 0,
		(Some(before), Some(opening)) => token(claim, shape, before, opening)?.1,
		_ => return Err(EvidenceError::Pieces),
	};
	let head = Head::decode(&proof.head).map_err(|_| EvidenceError::Malformed)?;
	if !proof.bytes.verify(&head.vocabulary_root, head.vocabulary, id) {
		return Err(EvidenceError::Proof);
	}
	let has_it = head.output_has(&proof.output, id, &proof.bytes.bytes, previous, end);
	let has_another_end = proof.position == last && proof.output.len() != end as usize;
	Ok(!has_it || has_another_end)
}

impl<T: Config> Pallet<T> {
	/// Opens a dispute in which the accused shows the output that its claim names.
	pub(crate) fn demand_output(
		challenger: T::AccountId,
		subject: Subject,
		accused: Accused<T::AccountId>,
		claim: Claim,
	) -> DispatchResult {
		Self::open(challenger, subject, accused, claim, Way::Output)
	}

	/// Takes in what the accused shows of its output.
	pub(crate) fn show_bytes(who: &T::AccountId, id: DisputeId, shown: ShownOutput) -> DispatchResult {
		let dispute = Self::turn_of(who, id, Side::Accused)?;
		ensure!(dispute.phase == Phase::Output, Error::<T>::OutOfTurn);
		let rules = &dispute.rules;
		let by = match shown {
			ShownOutput::Bytes { bytes, seal } => {
				let (subject, output) = (&dispute.subject, rules.claim.output);
				let is_it = dispute.input.has_output(subject, output, seal.as_ref(), &bytes);
				ensure!(is_it, Error::<T>::WrongOutput);
				ShownOutputs::<T>::insert(id, (bytes, seal));
				Move::Shown
			},
			ShownOutput::TooLong(opening) => {
				let last = token(&rules.claim, &rules.shape, rules.shape.positions, &opening);
				let (_, end) = last.map_err(Error::<T>::from)?;
				ensure!(end > MAX_OUTPUT_BYTES, Error::<T>::OutputFits);
				Move::Proved(true)
			},
		};
		Self::play(id, dispute, by)
	}

	/// Convicts who claimed an output that does not have the bytes of its tokens.
	pub(crate) fn convict_by_output(
		who: &T::AccountId,
		subject: Subject,
		accused: Accused<T::AccountId>,
		claim: Claim,
		proof: &OutputProof,
	) -> DispatchResult {
		let docket = Self::docket(subject);
		let case = Self::case(who, &docket, subject, accused, claim)?;
		ensure!(!case.contradicts_itself(), Error::<T>::Contradiction);
		let registered = T::Checkpoints::tokenizer(case.disputed.checkpoint);
		ensure!(registered == Some(ContentHash::of(&proof.head)), Error::<T>::WrongHead);
		let mark = case.disputed.input_mark();
		let is_it = mark.has_output(&subject, claim.output, proof.seal.as_ref(), &proof.output);
		ensure!(is_it, Error::<T>::WrongOutput);
		let shape = case.facts.trace_shape(claim.usage.positions()).ok_or(Error::<T>::Contradiction)?;
		let contradicts = contradicts(&claim, &shape, proof).map_err(Error::<T>::from)?;
		ensure!(contradicts, Error::<T>::NoContradiction);
		Self::convict_at_once(who, subject, docket, &case)
	}
}
