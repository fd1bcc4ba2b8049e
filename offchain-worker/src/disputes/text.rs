//! What to show of a token of a text or of an output.

use super::player::{PlayError, Witness};
use noesis_canon::tokenizer::{repaired, Place};
use noesis_engine::tokenizer::WordTrace;
use noesis_primitives::{
	merkle, Claim, InputFormat, JobKind, PromptSeal, TextEvidence, TokenSource, TraceLeaf, WordCommitment,
};

/// The text behind the tokens of a job, as it came out here.
pub(super) struct Text<'a> {
	/// The job.
	pub witness: &'a dyn Witness,
	/// What was asked.
	pub kind: &'a JobKind,
	/// The claim in dispute: it says how many tokens are the input's.
	pub claim: &'a Claim,
	/// The job's input.
	pub input: &'a [u8],
	/// The seal of a prompt that was sealed.
	pub seal: Option<PromptSeal>,
}

impl<'a> Text<'a> {
	/// The states of the word that the token of a leaf is read from; `None` when it is read from no word.
	pub fn word(&self, leaf: u32) -> Result<Option<WordTrace<'a>>, PlayError> {
		let position = self.position(leaf)?;
		let tokenizer = self.witness.tokenizer();
		let text = match self.format() {
			InputFormat::Chat => tokenizer.chat(self.input),
			InputFormat::Text => repaired(self.input).into_owned(),
			InputFormat::Tokens => return Ok(None),
		};
		let previous = match position.checked_sub(1) {
			Some(before) => self.witness.token(before).and_then(|before| before.token()),
			None => Some((0, 0)),
		};
		let previous = previous.and_then(|(_, end)| u32::try_from(end).ok()).ok_or(PlayError::NoPlace)?;
		Ok(match tokenizer.place(&text, position, previous) {
			Place::Word(program) => Some(tokenizer.word_trace(program)),
			Place::Token(_) | Place::End => None,
		})
	}

	/// What shows the token of a leaf.
	pub fn evidence(&self, leaf: u32) -> Result<TextEvidence, PlayError> {
		let position = self.position(leaf)?;
		let read = self.claim.usage.input_tokens.max(1);
		let (is_input, is_first) = (position < read, position == read);
		let is_text = self.format() != InputFormat::Tokens;
		let input = if is_text && (is_input || is_first) { self.input } else { &[] };
		let previous = match position.checked_sub(1).filter(|_| is_text || !is_first) {
			Some(before) => Some(self.witness.token(before).ok_or(PlayError::NoPlace)?),
			None => None,
		};
		let tokenizer = self.witness.tokenizer();
		let head = tokenizer.head().encode();
		Ok(TextEvidence {
			head: head.try_into().map_err(|_| PlayError::TooLong("the tokenizer's head"))?,
			input: input.to_vec().try_into().map_err(|_| PlayError::TooLong("the input"))?,
			previous,
			source: if is_input { self.input_source(leaf)? } else { self.output_source(position)? },
			seal: self.seal.filter(|_| is_text && (is_input || is_first)),
		})
	}

	fn input_source(&self, leaf: u32) -> Result<TokenSource, PlayError> {
		let Some(trace) = self.word(leaf)? else { return Ok(TokenSource::Text) };
		let last = trace.leaves().len().checked_sub(1).and_then(|last| u32::try_from(last).ok());
		let path = last.and_then(|last| merkle::path(trace.leaves(), last)).ok_or(PlayError::NoPlace)?;
		let state = trace.states().last().ok_or(PlayError::NoPlace)?;
		Ok(TokenSource::Word(WordCommitment {
			root: trace.root(),
			last: state.clone().try_into().map_err(|_| PlayError::TooLong("a word"))?,
			path: path.try_into().map_err(|_| PlayError::TooLong("a path"))?,
		}))
	}

	fn output_source(&self, position: u32) -> Result<TokenSource, PlayError> {
		let token = self.witness.token(position).and_then(|opening| opening.token());
		let id = token.and_then(|(id, _)| u32::try_from(id).ok()).ok_or(PlayError::NoPlace)?;
		let proof = self.witness.tokenizer().token_proof(id).ok_or(PlayError::NoPlace)?;
		Ok(TokenSource::Output(proof))
	}

	fn position(&self, leaf: u32) -> Result<u32, PlayError> {
		match self.witness.leaf(leaf) {
			Some(TraceLeaf::Token { position }) => Ok(position),
			_ => Err(PlayError::NoPlace),
		}
	}

	fn format(&self) -> InputFormat {
		let JobKind::Generate(params) = self.kind;
		params.format
	}
}
