//! Canaries: work that is wrong by arrangement.

use super::{Forgery, Person, Work};
use noesis_engine::trace;
use noesis_primitives::{
	canary_commitment, canary_mark, merkle, plant, BlockNumber, BlockRandomness, CheckpointId, ContentHash,
	JobKind, Opening, TraceLeaf, SLICE,
};
use noesis_runtime::{Beacon, Runtime};
use pallet_poc::Call;

/// Position and layer of the leaf that carries the mark.
const PLANTED: (u32, u32) = (1, 0);

/// An arrangement to answer wrongly.
#[derive(Clone, Debug)]
pub struct Canary {
	/// Who proposes it.
	pub proposer: Person,
	/// Who asks.
	pub requester: Person,
	/// Who answers.
	pub worker: Person,
	/// What nobody else knows.
	pub salt: [u8; 32],
}

impl Canary {
	/// What is committed to, where this is the truth.
	pub fn commitment(&self, truth: &Work) -> [u8; 32] {
		let (proposer, requester) = (&self.proposer.account, &self.requester.account);
		canary_commitment(proposer, requester, &self.worker.account, &truth.claim.hash(), &self.salt)
	}

	/// The call of the proposer that commits to it.
	pub fn commit(&self, truth: &Work, checkpoint: CheckpointId) -> Call<Runtime> {
		Call::commit_canary { commitment: self.commitment(truth), checkpoint }
	}

	/// The work that carries the mark of a commitment of block `committed`, and the leaf that shows it. `None` before
	/// the mark is known.
	pub fn plant(
		&self,
		truth: &Work,
		kind: JobKind,
		checkpoint: CheckpointId,
		committed: BlockNumber,
	) -> Option<(Work, u32, Opening)> {
		let randomness = Beacon::after(committed)?;
		let input = ContentHash::of(&truth.input);
		let mark = canary_mark(&self.salt, &randomness, checkpoint, &kind, input);
		let (tokens, read) = (truth.tokens(), truth.claim.usage.input_tokens);
		let mut forgery = Forgery::of_tokens(truth.model, kind, &tokens, read);
		let (position, layer) = PLANTED;
		let architecture = truth.model.architecture();
		let from = (position * architecture.width) as usize;
		plant(&mut forgery.trace.residuals[layer as usize][from..][..SLICE as usize], &mark);
		forgery.trace.leaves = trace::trace_of(architecture, &tokens, &forgery.trace.residuals);
		let leaf = TraceLeaf::Residual { position, layer, slice: 0 };
		let index = trace::index(architecture, tokens.len(), leaf)?;
		let opening = Opening {
			values: forgery.values(index).try_into().unwrap(),
			path: merkle::path(&forgery.trace.leaves, index)?.try_into().unwrap(),
		};
		Some((Work::forged(forgery, &truth.input), index, opening))
	}
}
