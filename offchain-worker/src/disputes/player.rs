//! What to do in a dispute: the next move, from the phase and from what came out here.
//!
//! Both sides play by the same rules: the accused shows what it has, the challenger names the first thing that differs
//! from what it has. Whoever computed truly wins.

use super::{
	output::{other_output, shown},
	text::Text,
};
use crate::{chain::Call, sealed::Seals};
use noesis_engine::dispute::{DisputeError, FineTrace, Prover};
use noesis_engine::{tokenizer::Tokenizer, trace::TokenLeaf, Architecture};
use noesis_primitives::{
	merkle::{self, Node},
	Claim, DisputeView, Evidence, LengthProof, NodePath, Nodes, Opening, OutputProof, OutputSeal, Phase,
	PromptSeal, Root, ShownOutput, Spot, TextEvidence, TraceLeaf, Tree, Usage, WordEvidence, SLICE,
};
use std::{ops::Range, sync::Arc};

/// Why there is no move.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
	/// What is asked for can't be computed.
	#[error(transparent)]
	Compute(#[from] DisputeError),
	/// The chain stands at a place of the tree that there is not.
	#[error("the dispute stands at a place that this job's trace does not have")]
	NoPlace,
	/// What came out here is not what was claimed with this key.
	#[error("what this key claimed does not come out here: it can't be defended")]
	Indefensible,
	/// The accused has shown an output that is right.
	#[error("the output that was shown has the bytes of its tokens: there is nothing wrong with it")]
	SameOutput,
	/// Something is too long for the chain.
	#[error("{0} is longer than the chain takes")]
	TooLong(&'static str),
}

/// The computation behind one leaf of the trace.
#[derive(Debug)]
pub struct Expanded {
	/// The leaf.
	pub leaf: u32,
	/// Its computation.
	pub trace: FineTrace,
	/// The fine leaf that comes out as this leaf.
	pub result: u32,
}

/// A job as it came out somewhere, as far as it may have to be shown.
pub trait Witness {
	/// Hashes of the leaves of the job's trace.
	fn leaves(&self) -> &[Node];

	/// What leaf `index` of the job's trace holds.
	fn leaf(&self, index: u32) -> Option<TraceLeaf>;

	/// Tokens read and produced.
	fn usage(&self) -> Usage;

	/// The tokens of the job's trace, read and produced.
	fn tokens(&self) -> &[TokenLeaf];

	/// An opening of a token of the job's trace.
	fn token(&self, position: u32) -> Option<Opening>;

	/// The computation behind leaf `index` of the job's trace, and the fine leaf that comes out as this leaf.
	fn fine_trace(&self, index: u32) -> Result<(FineTrace, u32), DisputeError>;

	/// What leaf `index` of a fine trace of this job is computed from, with proofs.
	fn evidence(&self, fine: &FineTrace, index: u32) -> Result<Evidence, DisputeError>;

	/// The model's tokenizer.
	fn tokenizer(&self) -> &Tokenizer;
}

impl Witness for Prover<'_> {
	fn leaves(&self) -> &[Node] {
		Prover::leaves(self)
	}

	fn leaf(&self, index: u32) -> Option<TraceLeaf> {
		Prover::leaf(self, index)
	}

	fn usage(&self) -> Usage {
		Prover::usage(self)
	}

	fn tokens(&self) -> &[TokenLeaf] {
		Prover::tokens(self)
	}

	fn token(&self, position: u32) -> Option<Opening> {
		Prover::token(self, position)
	}

	fn fine_trace(&self, index: u32) -> Result<(FineTrace, u32), DisputeError> {
		Prover::fine_trace(self, index)
	}

	fn evidence(&self, fine: &FineTrace, index: u32) -> Result<Evidence, DisputeError> {
		Prover::evidence(self, fine, index)
	}

	fn tokenizer(&self) -> &Tokenizer {
		Prover::tokenizer(self)
	}
}

/// A move.
#[derive(Clone, Debug)]
pub enum Play {
	/// Shows the nodes below the node in dispute.
	Reveal(Nodes),
	/// Names the first of them that is not agreed with.
	Choose(u32),
	/// Commits to the computation of a leaf of the trace.
	Expand {
		/// The model's shape.
		architecture: Architecture,
		/// Root of the fine tree.
		root: Root,
		/// The leaf's values.
		leaf: Vec<i32>,
		/// The path of the fine leaf in which they come out.
		path: NodePath,
	},
	/// Shows the input of ids that a token was read from.
	Input {
		/// The model's shape.
		architecture: Architecture,
		/// The token's leaf.
		leaf: Vec<i32>,
		/// The input.
		payload: Vec<u8>,
		/// The seal of a prompt that was sealed.
		seal: Option<PromptSeal>,
	},
	/// Shows what a leaf of the fine tree is computed from.
	Prove {
		/// The leaf.
		leaf: Vec<u8>,
		/// What it is computed from.
		evidence: Evidence,
	},
	/// Shows what the tokenizer makes of the text at a token.
	Text {
		/// The token's leaf.
		leaf: Vec<i32>,
		/// What the token follows from.
		evidence: Box<TextEvidence>,
	},
	/// Shows what a state of a word is made from.
	Word {
		/// What it is made from.
		evidence: WordEvidence,
	},
	/// Shows the output.
	Output(Box<ShownOutput>),
	/// Shows a token that the output does not have.
	Compare(Box<OutputProof>),
}

impl Play {
	/// The move as a call in the dispute that is seen.
	pub fn call(&self, view: &DisputeView<crate::AccountId>) -> Call {
		let id = view.id;
		match self {
			Self::Reveal(nodes) => Call::reveal(id, nodes),
			Self::Choose(child) => Call::choose(id, *child),
			Self::Expand { architecture, root, leaf, path } => {
				Call::expand(id, architecture, *root, leaf, path)
			},
			Self::Input { architecture, leaf, payload, seal } => {
				Call::prove_input(id, architecture, leaf, payload, seal.as_ref())
			},
			Self::Prove { leaf, evidence } => Call::prove(id, leaf, evidence),
			Self::Text { leaf, evidence } => Call::prove_text(id, leaf, evidence),
			Self::Word { evidence } => Call::prove_word(id, evidence),
			Self::Output(output) => Call::show_output(id, output),
			Self::Compare(proof) => Call::prove_output(view.subject, &view.accused, &view.claim, proof),
		}
	}
}

/// A player with what it computed.
pub struct Player<'a> {
	/// The job, as it came out here.
	pub witness: &'a dyn Witness,
	/// The model's shape.
	pub architecture: &'a Architecture,
	/// The job's input.
	pub input: &'a [u8],
	/// The seals of a sealed job.
	pub seals: Option<Seals>,
	/// The job's output, as it came out here.
	pub output: &'a [u8],
	/// The output that the accused has shown, where one is to be compared.
	pub shown: &'a [u8],
	/// The last computation, kept from move to move.
	pub expanded: Option<Arc<Expanded>>,
}

impl Player<'_> {
	/// The move that the dispute waits for.
	pub fn play<AccountId>(&mut self, view: &DisputeView<AccountId>) -> Result<Play, PlayError> {
		Ok(match &view.phase {
			Phase::Reveal { at } => {
				let leaves = self.leaves(view, &at.tree)?;
				let (level, below) = self.below(view, at)?;
				let nodes: Option<Vec<Node>> =
					below.map(|index| node(&leaves, level, index, leaves.len())).collect();
				let nodes = nodes.ok_or(PlayError::Indefensible)?;
				if merkle::root(&nodes) != at.hash {
					return Err(PlayError::Indefensible);
				}
				Play::Reveal(Nodes::try_from(nodes).map_err(|_| PlayError::TooLong("a move"))?)
			},
			Phase::Choose { at, nodes } => {
				Play::Choose(self.choose(view, at, nodes)?.ok_or(PlayError::NoPlace)?)
			},
			Phase::Expand { leaf, .. } => {
				let architecture = *self.architecture;
				let expanded = self.expand(*leaf)?;
				let path =
					merkle::path(expanded.trace.hashes(), expanded.result).ok_or(PlayError::NoPlace)?;
				let path = NodePath::try_from(path).map_err(|_| PlayError::TooLong("a path"))?;
				let root = Root(expanded.trace.root());
				Play::Expand { architecture, root, leaf: self.values(*leaf)?, path }
			},
			Phase::Input { leaf, .. } => Play::Input {
				architecture: *self.architecture,
				leaf: self.values(*leaf)?,
				payload: self.input.to_vec(),
				seal: self.seals.map(|seals| seals.prompt),
			},
			Phase::Prove { fine, index, .. } => {
				let expanded = self.expand(fine.leaf)?;
				let leaf = expanded.trace.leaf(*index).ok_or(PlayError::NoPlace)?.to_vec();
				Play::Prove { leaf, evidence: self.witness.evidence(&expanded.trace, *index)? }
			},
			Phase::Text { leaf, .. } => {
				let evidence = Box::new(self.text(view).evidence(*leaf)?);
				Play::Text { leaf: self.values(*leaf)?, evidence }
			},
			Phase::Word { word, index, .. } => {
				let trace = self.text(view).word(word.leaf)?.ok_or(PlayError::NoPlace)?;
				Play::Word { evidence: trace.evidence(*index).ok_or(PlayError::NoPlace)? }
			},
			Phase::Output => {
				Play::Output(Box::new(shown(self.witness, view, self.output, self.output_seal())?))
			},
			Phase::Compare => {
				let proof = other_output(self.witness, &view.claim, self.shown, self.output_seal());
				Play::Compare(Box::new(proof.ok_or(PlayError::SameOutput)?))
			},
		})
	}

	fn output_seal(&self) -> Option<OutputSeal> {
		self.seals.map(|seals| seals.output)
	}

	/// The child that differs, or that shows where the claim goes on after its end. Where all is the same, the one with the
	/// token that the claim counts to the input and this side to the output, or the other way round; or else the last.
	/// `None` when there is none.
	fn choose<AccountId>(
		&mut self,
		view: &DisputeView<AccountId>,
		at: &Spot,
		nodes: &[Node],
	) -> Result<Option<u32>, PlayError> {
		let own = self.leaves(view, &at.tree)?;
		let (level, below) = self.below(view, at)?;
		let claimed = at.tree.leaves(&view.claim) as usize;
		let differs = below.clone().zip(nodes).position(|(index, node_of_theirs)| {
			node(&own, level, index, claimed).as_ref() != Some(node_of_theirs)
		});
		let chosen = match differs {
			// All that there is here is the same, and theirs goes on: the last token here is what they went on after.
			Some(first) if is_beyond(level, below.start, first, own.len()) => first.checked_sub(1),
			Some(first) => Some(first),
			None => {
				let miscounted =
					self.miscounted(view, at).map(|leaf| leaf.checked_shr(level).unwrap_or_default());
				let child = miscounted.filter(|node| below.contains(node)).map(|node| node - below.start);
				child.map(|child| child as usize).or(nodes.len().checked_sub(1))
			},
		};
		Ok(chosen.and_then(|child| u32::try_from(child).ok()))
	}

	/// The leaf of the first token that the claim counts to the other part of the job than this side does.
	fn miscounted<AccountId>(&self, view: &DisputeView<AccountId>, at: &Spot) -> Option<u32> {
		let (claimed, own) = (view.claim.usage.input_tokens, self.witness.usage().input_tokens);
		let position = claimed.min(own);
		let shape = self.architecture.trace(view.claim.usage.positions().try_into().ok()?);
		let leaf = shape.index(TraceLeaf::Token { position });
		leaf.filter(|_| claimed != own && at.tree == Tree::Claimed)
	}

	/// Hashes of the leaves of a tree, as they came out here.
	fn leaves<AccountId>(
		&mut self,
		view: &DisputeView<AccountId>,
		tree: &Tree,
	) -> Result<Vec<Node>, PlayError> {
		Ok(match tree {
			Tree::Claimed => self.witness.leaves().to_vec(),
			Tree::Fine(fine) => self.expand(fine.leaf)?.trace.hashes().to_vec(),
			Tree::Word(word) => self.text(view).word(word.leaf)?.ok_or(PlayError::NoPlace)?.leaves().to_vec(),
		})
	}

	/// The text behind the tokens.
	fn text<'b, AccountId>(&'b self, view: &'b DisputeView<AccountId>) -> Text<'b> {
		Text {
			witness: self.witness,
			kind: &view.kind,
			claim: &view.claim,
			input: self.input,
			seal: self.seals.map(|seals| seals.prompt),
		}
	}

	/// The nodes that a move shows, by level and index.
	fn below<AccountId>(
		&self,
		view: &DisputeView<AccountId>,
		at: &Spot,
	) -> Result<(u32, Range<u32>), PlayError> {
		let leaves = at.tree.leaves(&view.claim);
		merkle::block(leaves, at.level, at.index, view.arity.max(2).ilog2()).ok_or(PlayError::NoPlace)
	}

	/// The computation behind a leaf.
	fn expand(&mut self, leaf: u32) -> Result<Arc<Expanded>, PlayError> {
		if let Some(known) = self.expanded.as_ref().filter(|known| known.leaf == leaf) {
			return Ok(known.clone());
		}
		let (trace, result) = self.witness.fine_trace(leaf)?;
		let expanded = Arc::new(Expanded { leaf, trace, result });
		self.expanded = Some(expanded.clone());
		Ok(expanded)
	}

	/// The values of a leaf of the trace.
	fn values(&mut self, leaf: u32) -> Result<Vec<i32>, PlayError> {
		match self.witness.leaf(leaf).ok_or(PlayError::NoPlace)? {
			TraceLeaf::Token { position } => {
				let opening = self.witness.token(position).ok_or(PlayError::NoPlace)?;
				Ok(opening.values.into_inner())
			},
			TraceLeaf::Residual { .. } => {
				let expanded = self.expand(leaf)?;
				let bytes = expanded.trace.leaf(expanded.result).ok_or(PlayError::NoPlace)?;
				let values =
					bytes.chunks_exact(4).filter_map(|b| b.first_chunk().copied()).map(i32::from_le_bytes);
				Ok(values.take(SLICE as usize).collect())
			},
		}
	}
}

/// Node `index` of `level` of a tree of `claimed` leaves of which `leaves` are known; `None` when it covers one that is
/// not.
fn node(leaves: &[Node], level: u32, index: u32, claimed: usize) -> Option<Node> {
	let from = (index as usize).checked_shl(level)?;
	let to = ((index as usize).checked_add(1)?.checked_shl(level)?).min(claimed);
	leaves.get(from..to).filter(|part| !part.is_empty()).map(merkle::root)
}

/// Whether child `child` of a block that begins with node `start` begins where the known leaves end.
fn is_beyond(level: u32, start: u32, child: usize, known: usize) -> bool {
	(start as usize).checked_add(child).and_then(|index| index.checked_shl(level)) == Some(known)
}

/// What shows at once that a claim is wrong, if its trace is the beginning of the true one: it stopped too early.
pub fn stopped_short(witness: &dyn Witness, claim: &Claim) -> Option<LengthProof> {
	let part = witness.leaves().get(..claim.leaves as usize)?;
	let positions = u32::try_from(claim.usage.positions()).ok()?;
	if claim.leaves as usize >= witness.leaves().len() || merkle::root(part) != claim.root.0 {
		return None;
	}
	let values = witness.token(positions)?.values;
	let path = merkle::path(part, claim.leaves.checked_sub(1)?)?.try_into().ok()?;
	Some(LengthProof::StoppedShort { opening: Opening { values, path } })
}
