//! Calls by name: the arguments are our own types' SCALE bytes, the indices come from the chain's metadata.

use super::ChainError;
use crate::{channel::Signature, AccountId};
use codec::Encode;
use noesis_primitives::{
	merkle::Node, Accused, Architecture, Balance, BatchSpec, Capability, ChannelId, ChannelSpec,
	CheckpointId, CheckpointRecord, Claim, ClaimHash, DisputeId, Draw, Evidence, Item, ItemInput, JobId,
	JobSpec, LengthProof, NodePath, Nodes, Opening, OutputProof, Payload, PromptSeal, Role, Root,
	ShownOutput, Subject, Tally, TextEvidence, Turn, Usage, WordEvidence,
};
use subxt::{
	ext::{
		scale_decode::visitor::{decode_with_visitor, IgnoreVisitor},
		scale_encode::{self, EncodeAsFields, FieldIter},
		scale_type_resolver::TypeResolver,
	},
	tx,
	utils::MultiAddress,
	Metadata,
};

/// A call of one of the chain's pallets.
#[derive(Clone, Debug)]
pub struct Call {
	pallet: &'static str,
	name: &'static str,
	args: Args,
}

/// SCALE bytes of all arguments, one after the other.
#[derive(Clone, Debug)]
pub struct Args(Vec<u8>);

impl EncodeAsFields for Args {
	fn encode_as_fields_to<R: TypeResolver>(
		&self,
		_: &mut dyn FieldIter<'_, R::TypeId>,
		_: &R,
		out: &mut Vec<u8>,
	) -> Result<(), scale_encode::Error> {
		out.extend_from_slice(&self.0);
		Ok(())
	}
}

impl tx::Payload for Call {
	type CallData = Args;

	fn pallet_name(&self) -> &str {
		self.pallet
	}

	fn call_name(&self) -> &str {
		self.name
	}

	fn call_data(&self) -> &Args {
		&self.args
	}
}

impl std::fmt::Display for Call {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "{}.{}", self.pallet, self.name)
	}
}

impl Call {
	/// A call with the SCALE bytes of its arguments.
	pub fn new(pallet: &'static str, name: &'static str, args: impl Encode) -> Self {
		Self { pallet, name, args: Args(args.encode()) }
	}

	/// Whether the chain has the call and reads these bytes as exactly its arguments.
	pub fn check(&self, metadata: &Metadata) -> Result<(), ChainError> {
		let unknown = || ChainError::Unknown(format!("call {self}"));
		let call = metadata
			.pallet_by_name(self.pallet)
			.and_then(|pallet| pallet.call_variant_by_name(self.name))
			.ok_or_else(unknown)?;
		let mut rest = self.args.0.as_slice();
		for field in &call.fields {
			decode_with_visitor(&mut rest, field.ty.id, metadata.types(), IgnoreVisitor::new())
				.map_err(|error| ChainError::shape(format!("the call {self}"), error))?;
		}
		match rest {
			[] => Ok(()),
			more => {
				Err(ChainError::shape(format!("the call {self}"), format!("{} bytes too many", more.len())))
			},
		}
	}

	/// Registers the sender as an operator.
	pub fn register_operator(role: Role, stake: Balance, capability: &Capability) -> Self {
		Self::new("Operators", "register", (role, stake, capability))
	}

	/// Replaces what the sender says it can do.
	pub fn update_capability(capability: &Capability) -> Self {
		Self::new("Operators", "update_capability", (capability,))
	}

	/// Returns after an exclusion.
	pub fn rejoin() -> Self {
		Self::new("Operators", "rejoin", ())
	}

	/// Registers a version of a model.
	pub fn register_checkpoint(record: &CheckpointRecord) -> Self {
		Self::new("Checkpoints", "register", (record,))
	}

	/// Asks for a job and holds at most `max_fee` for it.
	pub fn submit(spec: &JobSpec<AccountId>, max_fee: Balance) -> Self {
		Self::new("Poi", "submit", (spec, max_fee))
	}

	/// Takes a job.
	pub fn claim(job: JobId) -> Self {
		Self::new("Poi", "claim", (job,))
	}

	/// Gives a claimed job back.
	pub fn release(job: JobId) -> Self {
		Self::new("Poi", "release", (job,))
	}

	/// Answers a claimed job.
	pub fn answer(job: JobId, output: &Payload, root: Root, leaves: u32, usage: Usage) -> Self {
		Self::new("Poi", "answer", (job, output, root, leaves, usage))
	}

	/// Takes back a job that nobody claimed.
	pub fn cancel(job: JobId) -> Self {
		Self::new("Poi", "cancel", (job,))
	}

	/// Ends what is past its time: a job that nobody claimed, or a claim that was not answered.
	pub fn expire(job: JobId) -> Self {
		Self::new("Poi", "expire", (job,))
	}

	/// Pays for, or refunds, an answered job whose panel is over.
	pub fn settle(job: JobId) -> Self {
		Self::new("Poi", "settle", (job,))
	}

	/// Says what the sender found for a subject, and shows it.
	pub fn verdict(subject: Subject, claim: &Claim, draw: &Draw, openings: &[Opening]) -> Self {
		Self::new("Poc", "verdict", (subject, claim, draw, openings))
	}

	/// Disputes a claim.
	pub fn challenge(subject: Subject, accused: &Accused<AccountId>, claim: &Claim) -> Self {
		Self::new("Dispute", "challenge", (subject, accused, claim))
	}

	/// Shows the nodes below the node in dispute.
	pub fn reveal(dispute: DisputeId, nodes: &Nodes) -> Self {
		Self::new("Dispute", "reveal", (dispute, nodes))
	}

	/// Names the first node that the sender does not agree with.
	pub fn choose(dispute: DisputeId, child: u32) -> Self {
		Self::new("Dispute", "choose", (dispute, child))
	}

	/// Commits to the computation of a leaf of the trace.
	pub fn expand(
		dispute: DisputeId,
		architecture: &Architecture,
		root: Root,
		leaf: &[i32],
		path: &NodePath,
	) -> Self {
		Self::new("Dispute", "expand", (dispute, architecture, root, leaf, path))
	}

	/// Shows the input of ids that a token was read from.
	pub fn prove_input(
		dispute: DisputeId,
		architecture: &Architecture,
		leaf: &[i32],
		payload: &[u8],
		seal: Option<&PromptSeal>,
	) -> Self {
		Self::new("Dispute", "prove_input", (dispute, architecture, leaf, payload, seal))
	}

	/// Shows what a leaf of the fine tree is computed from.
	pub fn prove(dispute: DisputeId, leaf: &[u8], evidence: &Evidence) -> Self {
		Self::new("Dispute", "prove", (dispute, leaf, evidence))
	}

	/// Shows what the tokenizer makes of the text at a token.
	pub fn prove_text(dispute: DisputeId, leaf: &[i32], evidence: &TextEvidence) -> Self {
		Self::new("Dispute", "prove_text", (dispute, leaf, evidence))
	}

	/// Shows what a state of a word is made from.
	pub fn prove_word(dispute: DisputeId, evidence: &WordEvidence) -> Self {
		Self::new("Dispute", "prove_word", (dispute, evidence))
	}

	/// Ends a dispute in which a side did not move in time.
	pub fn timeout(dispute: DisputeId) -> Self {
		Self::new("Dispute", "timeout", (dispute,))
	}

	/// Shows that a claim contradicts its job.
	pub fn prove_length(
		subject: Subject,
		accused: &Accused<AccountId>,
		claim: &Claim,
		architecture: &Architecture,
		proof: &LengthProof,
	) -> Self {
		Self::new("Dispute", "prove_length", (subject, accused, claim, architecture, proof))
	}

	/// Demands the output that a claim names.
	pub fn demand(subject: Subject, accused: &Accused<AccountId>, claim: &Claim) -> Self {
		Self::new("Dispute", "demand", (subject, accused, claim))
	}

	/// Shows an output that is demanded.
	pub fn show_output(dispute: DisputeId, output: &ShownOutput) -> Self {
		Self::new("Dispute", "show_output", (dispute, output))
	}

	/// Shows that the output of a claim does not have the bytes of one of its tokens.
	pub fn prove_output(
		subject: Subject,
		accused: &Accused<AccountId>,
		claim: &Claim,
		proof: &OutputProof,
	) -> Self {
		Self::new("Dispute", "prove_output", (subject, accused, claim, proof))
	}

	/// Says that the sender is there.
	pub fn heartbeat() -> Self {
		Self::new("Operators", "heartbeat", ())
	}

	/// Offers a worker a channel and holds its escrow.
	pub fn open_channel(spec: &ChannelSpec<AccountId>) -> Self {
		Self::new("Poi", "open_channel", (spec,))
	}

	/// Accepts a channel.
	pub fn accept_channel(channel: ChannelId) -> Self {
		Self::new("Poi", "accept_channel", (channel,))
	}

	/// Closes a channel by the other side's signature, which the empty tally does not need; or takes an offer back.
	pub fn close_channel(tally: &Tally, signature: Option<Signature>) -> Self {
		Self::new("Poi", "close_channel", (tally, signature.map(multi)))
	}

	/// Answers a requester's close with a later tally that the requester signed.
	pub fn contest_close(tally: &Tally, signature: Signature) -> Self {
		Self::new("Poi", "contest_close", (tally, multi(signature)))
	}

	/// Shows a turn of a closed channel by its path.
	pub fn present_turn(turn: &Turn, path: &[Node]) -> Self {
		Self::new("Poi", "present_turn", (turn.channel, turn.index, turn, path))
	}

	/// Asks for a batch and holds at most `max_fee` for it.
	pub fn submit_batch(spec: &BatchSpec<AccountId>, max_fee: Balance) -> Self {
		Self::new("Poi", "submit_batch", (spec, max_fee))
	}

	/// Shows an item of an answered batch, the one before it, and the input that was asked at its place.
	pub fn present_item(
		batch: JobId,
		index: u32,
		item: &(Item, Vec<Node>),
		before: &Option<(Item, Vec<Node>)>,
		asked: &(ItemInput, Vec<Node>),
	) -> Self {
		Self::new("Poi", "present_item", (batch, index, item, before, asked))
	}

	/// Commits to an answer that will be wrong by arrangement.
	pub fn commit_canary(commitment: &[u8; 32], checkpoint: CheckpointId) -> Self {
		Self::new("Poc", "commit_canary", (commitment, checkpoint))
	}

	/// Shows that an answer was a canary.
	pub fn reveal_canary(
		subject: Subject,
		proposer: AccountId,
		truth: &ClaimHash,
		salt: &[u8; 32],
		index: u32,
		opening: &Opening,
	) -> Self {
		Self::new("Poc", "reveal_canary", (subject, proposer, truth, salt, index, opening))
	}

	/// Moves a channel on that is due.
	pub fn settle_channel(channel: ChannelId) -> Self {
		Self::new("Poi", "settle_channel", (channel,))
	}

	/// Moves DOT.
	pub fn transfer(to: AccountId, amount: Balance) -> Self {
		let to = MultiAddress::<AccountId, ()>::Id(to);
		Self::new("Balances", "transfer_keep_alive", (to, codec::Compact(amount)))
	}
}

/// A signature as the chain reads one: of a kind by number.
fn multi(signature: Signature) -> (u8, Signature) {
	const SR25519: u8 = 1;
	(SR25519, signature)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn args_should_be_the_fields_one_after_the_other() {
		let call = Call::claim(JobId(7));
		assert_eq!(call.args.0, 7u64.to_le_bytes());
		assert_eq!(call.to_string(), "Poi.claim");
		assert!(Call::rejoin().args.0.is_empty());
	}
}
