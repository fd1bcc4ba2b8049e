//! What to show of an output: its bytes, and a token that it does not have.

use super::player::{PlayError, Witness};
use noesis_engine::trace::TokenLeaf;
use noesis_primitives::{Claim, ContentHash, DisputeView, OutputBytes, OutputProof, OutputSeal, ShownOutput};

/// What the accused shows of its output, which `output` should be; `seal` seals that of a sealed job.
pub(super) fn shown<AccountId>(
	witness: &dyn Witness,
	view: &DisputeView<AccountId>,
	output: &[u8],
	seal: Option<OutputSeal>,
) -> Result<ShownOutput, PlayError> {
	let hash = match seal {
		None => ContentHash::of(output),
		Some(seal) => ContentHash::of(&seal.seal(&view.subject, output)),
	};
	if hash != view.claim.output {
		return Err(PlayError::Indefensible);
	}
	if let Ok(bytes) = OutputBytes::try_from(output.to_vec()) {
		return Ok(ShownOutput::Bytes { bytes, seal });
	}
	let last = u32::try_from(view.claim.usage.positions()).map_err(|_| PlayError::NoPlace)?;
	Ok(ShownOutput::TooLong(witness.token(last).ok_or(PlayError::NoPlace)?))
}

/// What shows that `output`, which the claim names, sealed with `seal` if the job is, is not that of the claim's trace, if the trace is the one that came out
/// here: the first token that it does not have, or the last one, after which it goes on. `None` where there is no such
/// token, or the output is longer than the chain takes.
pub fn other_output(
	witness: &dyn Witness,
	claim: &Claim,
	output: &[u8],
	seal: Option<OutputSeal>,
) -> Option<OutputProof> {
	let tokenizer = witness.tokenizer();
	let (first, last) = (claim.usage.input_tokens, u32::try_from(claim.usage.positions()).ok()?);
	let mut previous = 0;
	for position in first..=last {
		let TokenLeaf { id, end } = *witness.tokens().get(position as usize)?;
		let has_it = tokenizer.head().output_has(output, id, tokenizer.bytes(id), previous, end);
		if has_it && (position != last || output.len() == end as usize) {
			previous = end;
			continue;
		}
		let before = position.checked_sub(1).filter(|_| position != first);
		return Some(OutputProof {
			head: tokenizer.head().encode().try_into().ok()?,
			output: output.to_vec().try_into().ok()?,
			seal,
			position,
			previous: match before {
				Some(before) => Some(witness.token(before)?),
				None => None,
			},
			token: witness.token(position)?,
			bytes: tokenizer.token_proof(id)?,
		});
	}
	None
}
