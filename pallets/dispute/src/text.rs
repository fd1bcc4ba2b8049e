//! What the runtime computes of a tokenizer: where a token of an input or an output comes from.

use crate::referee::EvidenceError;
use alloc::vec::Vec;
use noesis_canon::tokenizer::{find, repaired, Head, Place, Token, WordProgram};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	InputFormat, InputMark, JobKind, Move, Rules, TextEvidence, TokenSource, TraceLeaf, WordCommitment,
	WordEvidence, WordTree,
};

/// What is wrong with what is shown of a token.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum TextError {
	/// Not the subject's input.
	Input,
	/// Not what such a token is held against, or a token before that there is not.
	Pieces,
	/// Something is not in the tree that it should be in.
	Proof,
	/// The token does not come out of the word.
	Word,
}

/// A token whose leaf is disputed.
pub(crate) struct Disputed<'a> {
	pub rules: &'a Rules,
	/// The leaf.
	pub leaf: u32,
	/// What it holds.
	pub values: &'a [i32],
	/// The context of the model.
	pub context: u32,
}

impl Disputed<'_> {
	/// What follows from the evidence, whose head is the checkpoint's. `input` is what the subject's input is held
	/// against.
	pub fn judge(&self, input: &InputMark, evidence: &TextEvidence) -> Result<Move, TextError> {
		let Some(TraceLeaf::Token { position }) = self.rules.leaf(self.leaf) else {
			return Err(TextError::Pieces);
		};
		let Ok(head) = Head::decode(&evidence.head) else { return Ok(Move::Beyond) };
		let is_input = self.rules.is_input(position);
		let reads_text =
			self.format() != InputFormat::Tokens && self.rules.is_input(position.saturating_sub(1));
		if !is_input && !reads_text {
			return self.judge_output(&head, position, evidence);
		}
		if !input.is_of(evidence.seal.as_ref(), &evidence.input) {
			return Err(TextError::Input);
		}
		let text = match self.format() {
			InputFormat::Chat => head.chat(&evidence.input),
			InputFormat::Text => repaired(&evidence.input).into_owned(),
			InputFormat::Tokens => return Err(TextError::Pieces),
		};
		// A text that leaves no room for an answer loses its beginning, and its ends count from there.
		let room = self.context.saturating_sub(1);
		let is_cut = self.rules.claim.usage.input_tokens >= room && text.len() > room as usize;
		let Some(previous) = self.end_before(position, evidence)? else { return Ok(Move::Proved(false)) };
		let place = (!is_cut).then(|| head.place(&text, position, previous));
		match (is_input, place) {
			(true, Some(place)) => self.judge_input(&head, place, previous, evidence),
			(true, None) => Ok(Move::Beyond),
			(false, None | Some(Place::End)) => self.judge_output(&head, position, evidence),
			(false, Some(_)) => Ok(Move::Proved(false)),
		}
	}

	/// A token of a text, of which `place` comes next.
	fn judge_input(
		&self,
		head: &Head,
		place: Place,
		previous: u32,
		evidence: &TextEvidence,
	) -> Result<Move, TextError> {
		let claimed = self.token();
		match (place, &evidence.source) {
			(Place::Token(token), TokenSource::Text) => Ok(Move::Proved(claimed == Some(token))),
			(Place::End, TokenSource::Text) => Ok(Move::Proved(false)),
			(Place::Word(program), TokenSource::Word(shown)) => {
				let word = self.commit(head, &program, shown).ok_or(TextError::Proof)?;
				let read = program.token(previous, &shown.last);
				(read.is_some() && read == claimed).then_some(Move::Word(word)).ok_or(TextError::Word)
			},
			_ => Err(TextError::Pieces),
		}
	}

	/// A token of the output: it ends where its bytes do.
	fn judge_output(&self, head: &Head, position: u32, evidence: &TextEvidence) -> Result<Move, TextError> {
		let TokenSource::Output(proof) = &evidence.source else { return Err(TextError::Pieces) };
		let id = self.values.first().and_then(|id| u32::try_from(*id).ok()).ok_or(TextError::Proof)?;
		if !proof.verify(&head.vocabulary_root, head.vocabulary, id) {
			return Err(TextError::Proof);
		}
		let is_first = self.rules.is_input(position.saturating_sub(1));
		let previous = if is_first { Some(0) } else { self.end_before(position, evidence)? };
		let end = previous.map(|previous| head.output_end(id, &proof.bytes, previous));
		let holds = end.is_some() && end == self.token().map(|token| token.end);
		Ok(if holds { Move::Follows } else { Move::Proved(false) })
	}

	fn format(&self) -> InputFormat {
		let JobKind::Generate(params) = &self.rules.kind;
		params.format
	}

	/// The disputed token; `None` when the leaf can't hold one.
	fn token(&self) -> Option<Token> {
		let [id, end] = self.values else { return None };
		Some(Token { id: u32::try_from(*id).ok()?, end: u32::try_from(*end).ok()? })
	}

	/// Where the token before `position` ends, on which both sides agree; `None` when that leaf can't hold a token.
	fn end_before(&self, position: u32, evidence: &TextEvidence) -> Result<Option<u32>, TextError> {
		let Some(before) = position.checked_sub(1) else {
			return if evidence.previous.is_none() { Ok(Some(0)) } else { Err(TextError::Pieces) };
		};
		let opening = evidence.previous.as_ref().ok_or(TextError::Pieces)?;
		let index = self.rules.shape.index(TraceLeaf::Token { position: before }).ok_or(TextError::Pieces)?;
		if !opening.verify(&self.rules.claim, index) {
			return Err(TextError::Proof);
		}
		Ok(opening.token().and_then(|(_, end)| u32::try_from(end).ok()))
	}

	/// The tree of a word's states; `None` when the last state is not in it.
	fn commit(&self, head: &Head, program: &WordProgram, shown: &WordCommitment) -> Option<WordTree> {
		let states = program.steps();
		let last = states.checked_sub(1)?;
		let word = WordTree {
			leaf: self.leaf,
			root: shown.root,
			states,
			symbols: u32::try_from(program.symbols().len()).ok()?,
			first: leaf_hash(&program.evaluate(0, &[], &[])?),
			pairs_root: head.pairs_root,
			pairs: head.pairs,
		};
		merkle::verify(&shown.root.0, states, last, leaf_hash(&shown.last), &shown.path).then_some(word)
	}
}

/// How the states of a word follow from each other. Only the first depends on what the symbols are.
pub(crate) fn program(word: &WordTree) -> Option<WordProgram> {
	let program = WordProgram::new(alloc::vec![0; word.symbols.min(MAX_SYMBOLS) as usize], 0)?;
	(program.steps() == word.states).then_some(program)
}

/// More than any word has.
const MAX_SYMBOLS: u32 = noesis_canon::tokenizer::MAX_WORD as u32 + 1;

/// Hash of state `step` of a word, computed from evidence whose every piece is proved.
pub(crate) fn state(word: &WordTree, step: u32, evidence: &WordEvidence) -> Result<Node, EvidenceError> {
	let Some(before) = step.checked_sub(1) else {
		let is_empty = evidence.previous.leaves.is_empty() && evidence.pairs.is_empty();
		return if is_empty { Ok(word.first) } else { Err(EvidenceError::Pieces) };
	};
	let program = program(word).ok_or(EvidenceError::Malformed)?;
	if !evidence.previous.verify(&word.root.0, word.states, before, 1) {
		return Err(EvidenceError::Proof);
	}
	let previous = evidence.previous.bytes();
	let pairs = program.pairs(step, &previous).ok_or(EvidenceError::Malformed)?;
	if pairs.len() != evidence.pairs.len() {
		return Err(EvidenceError::Pieces);
	}
	let mut merges = Vec::with_capacity(pairs.len());
	for (pair, proof) in pairs.into_iter().zip(&evidence.pairs) {
		if !proof.verify(&word.pairs_root, word.pairs) {
			return Err(EvidenceError::Proof);
		}
		let merge = find(pair, word.pairs, proof.first, &proof.leaves).ok_or(EvidenceError::Malformed)?;
		merges.push(merge);
	}
	let state = program.evaluate(step, &previous, &merges).ok_or(EvidenceError::Malformed)?;
	Ok(leaf_hash(&state))
}
