//! The job: a total, pure function of checkpoint, kind and input.
//!
//! # From input to tokens
//! - `Chat`: the input, invalid UTF-8 replaced by U+FFFD, is the one user message of the checkpoint's template.
//! - `Text`: the input, invalid UTF-8 replaced, as it is.
//! - `Tokens`: four bytes per id, little endian. An id outside the vocabulary reads as 0; one to three bytes at the
//!   end are ignored.
//!
//! No tokens at all read as `[0]`. A prompt longer than `context - 1` keeps its last `context - 1` tokens. `max_tokens`
//! of 0 reads as 1 and is cut so that prompt and output fit the context. Generation ends with the end token, which
//! counts as a token of the output and adds nothing to its bytes.

use crate::{
	sequence::{Loaded, Sequence},
	template::ChatTemplate,
	tokenizer::Tokenizer,
	trace::{TokenLeaf, Trace},
	EngineError, Execution, OnToken, RunOptions, TokenEvent,
};
use noesis_canon::sampler::Sampling;
use noesis_primitives::{GenerateParams, InputFormat, Usage};

/// Tokens of an input and where they end, before they are fitted to the context.
pub fn input_tokens(
	format: InputFormat,
	input: &[u8],
	tokenizer: &Tokenizer,
	template: &ChatTemplate,
	vocabulary: u32,
) -> Vec<TokenLeaf> {
	let ids = match format {
		InputFormat::Chat => tokenizer.encode(template.apply(&String::from_utf8_lossy(input)).as_bytes()),
		InputFormat::Text => tokenizer.encode(input),
		InputFormat::Tokens => input
			.chunks_exact(4)
			.map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]))
			.map(|id| if id < vocabulary { id } else { 0 })
			.collect(),
	};
	let bytes = |id| match format {
		InputFormat::Tokens => 4,
		InputFormat::Chat | InputFormat::Text => tokenizer.written(id).len() as u32,
	};
	if ids.is_empty() {
		return vec![TokenLeaf { id: 0, end: if format == InputFormat::Tokens { 4 } else { 0 } }];
	}
	let mut end = 0;
	ids.into_iter()
		.map(|id| {
			end += bytes(id);
			TokenLeaf { id, end }
		})
		.collect()
}

/// The last tokens that leave room for at least one more, and how many more may come. What is left out counts for
/// nothing: the first token kept begins the text.
fn fit(mut prompt: Vec<TokenLeaf>, max_tokens: u32, context: u32) -> (Vec<TokenLeaf>, usize) {
	let context = context as usize;
	let surplus = prompt.len().saturating_sub(context - 1);
	let before = prompt.drain(..surplus).next_back();
	if let Some(before) = before {
		prompt.iter_mut().for_each(|token| token.end -= before.end);
	}
	let room = context - prompt.len();
	(prompt, (max_tokens.max(1) as usize).min(room))
}

/// How many tokens of a draft are tried at once: more while they are right, fewer when they are not.
struct Pace {
	tokens: usize,
	most: usize,
}

impl Pace {
	fn adapt(&mut self, tried: usize, right: usize) {
		self.tokens =
			if right == tried { (self.tokens * 2).min(self.most) } else { (self.tokens / 2).max(4) };
	}
}

/// Bytes of a draft that are tokenised at once: bounds what a useless draft costs per token.
const DRAFT_PART: usize = 2048;

struct Run<'a> {
	tokenizer: &'a Tokenizer,
	sampling: Sampling,
	limit: usize,
	sequence: Sequence<'a>,
	trace: Trace,
	tokens: Vec<u32>,
	output: Vec<u8>,
	/// All tokens so far, read and produced.
	leaves: Vec<TokenLeaf>,
}

impl Run<'_> {
	/// Puts tokens through the model and traces them; the logits after the last `wanted` of them are kept.
	fn feed(&mut self, tokens: &[u32], wanted: usize) -> Result<(), EngineError> {
		for batch in tokens.chunks(self.sequence.max_batch()) {
			let first = self.sequence.length();
			let trace = &mut self.trace;
			let mut record = |layer: usize, residual: &[i32]| trace.record(first, layer, residual);
			self.sequence.forward(batch, Some(&mut record))?;
		}
		Ok(self.sequence.compute_logits(wanted)?)
	}

	/// The token that follows row `row` of the kept logits.
	fn pick(&mut self, row: usize) -> Result<u32, EngineError> {
		Ok(self.sequence.pick(row, &self.sampling, self.tokens.len() as u32)?)
	}

	/// Takes a token into the output; whether generation goes on.
	fn accept(&mut self, token: u32, on_token: &mut Option<OnToken<'_>>) -> Result<bool, EngineError> {
		let bytes = self.tokenizer.added(token);
		let index = self.tokens.len();
		self.tokens.push(token);
		let ended = token == self.tokenizer.end();
		self.output.extend_from_slice(bytes);
		self.leaves.push(TokenLeaf { id: token, end: self.output.len() as u32 });
		if let Some(on_token) = on_token {
			if !on_token(TokenEvent { index: index as u32, token, bytes }) {
				return Err(EngineError::Cancelled);
			}
		}
		Ok(!ended && self.tokens.len() < self.limit)
	}

	/// Tokens of the next part of the draft, as long as it agrees with the output.
	fn rest_of(&self, draft: Option<&[u8]>) -> Vec<u32> {
		let rest = draft.and_then(|draft| draft.strip_prefix(self.output.as_slice())).unwrap_or_default();
		match rest.len().min(DRAFT_PART) {
			0 => Vec::new(),
			part => self.tokenizer.encode(&rest[..part]),
		}
	}
}

/// Runs a generation.
pub(crate) fn generate(
	model: &Loaded,
	tokenizer: &Tokenizer,
	prompt: Vec<TokenLeaf>,
	params: &GenerateParams,
	options: RunOptions<'_>,
) -> Result<Execution, EngineError> {
	let RunOptions { draft, capture, mut on_token, fault, plant } = options;
	let (prompt, limit) = fit(prompt, params.max_tokens, model.architecture().context);
	let mut run = Run {
		tokenizer,
		sampling: Sampling { temperature: params.temperature, top_p: params.top_p, seed: params.seed },
		limit,
		sequence: model.start(prompt.len() + limit)?,
		trace: Trace::new(model.architecture(), capture),
		tokens: Vec::new(),
		output: Vec::new(),
		leaves: prompt,
	};
	if let Some(fault) = fault {
		run.sequence.set_fault(fault)?;
	}
	if let Some(plant) = plant {
		run.sequence.set_plant(plant)?;
	}
	let ids: Vec<u32> = run.leaves.iter().map(|token| token.id).collect();
	run.feed(&ids, 1)?;
	let mut next = run.pick(0)?;
	let mut guess = run.rest_of(draft);
	let mut at = 0;
	let mut pace = Pace { tokens: 32, most: run.sequence.max_batch() };
	run.tokens.reserve(limit);
	run.leaves.reserve(limit);
	let mut batch = Vec::with_capacity(pace.most);
	while run.accept(next, &mut on_token)? {
		if guess.get(at) == Some(&next) {
			at += 1;
		} else {
			// The draft's bytes may still be right, cut into other tokens, or this part of it is used up.
			guess = run.rest_of(draft);
			at = 0;
		}
		// The token just taken and what the draft says comes after it, all of which the model may read before the
		// limit.
		let room = run.limit - run.tokens.len();
		let tried = (guess.len() - at).min(pace.tokens - 1).min(room.saturating_sub(1));
		let start = run.sequence.length();
		batch.clear();
		batch.push(next);
		batch.extend_from_slice(&guess[at..at + tried]);
		run.feed(&batch, batch.len())?;
		let mut right = 0;
		next = run.pick(0)?;
		while right < tried && next == guess[at + right] {
			if !run.accept(next, &mut on_token)? {
				// The draft goes on after the true end.
				run.trace.truncate(start + 1 + right);
				return Ok(finish(run, ids.len()));
			}
			right += 1;
			next = run.pick(right)?;
		}
		run.sequence.truncate(start + 1 + right);
		run.trace.truncate(start + 1 + right);
		at += right;
		if tried > 0 {
			pace.adapt(tried, right);
		}
	}
	Ok(finish(run, ids.len()))
}

fn finish(run: Run<'_>, input_tokens: usize) -> Execution {
	let usage = Usage { input_tokens: input_tokens as u32, output_tokens: run.tokens.len() as u32 };
	let (leaves, captured) = run.trace.finish(&run.leaves);
	Execution { output: run.output, tokens: run.tokens, usage, token_leaves: run.leaves, leaves, captured }
}
