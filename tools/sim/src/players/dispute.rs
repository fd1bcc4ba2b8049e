//! How both sides of a dispute play, each from the trace that it stands by.

use crate::library::{Answer, Library};
use noesis_primitives::{
	merkle::{self, Node},
	Architecture, DisputeView, Evidence, LeafBytes, NodePath, Nodes, Payload, Phase, Root, Spot,
	TextEvidence, TokenSource, TraceLeaf, Tree, SLICE,
};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};

/// A move, ready to be made.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Play {
	/// `reveal`.
	Reveal(Nodes),
	/// `expand`.
	Expand {
		/// The model.
		architecture: Box<Architecture>,
		/// Root of the fine trace.
		root: Root,
		/// The leaf of the trace.
		leaf: BoundedVec<i32, ConstU32<SLICE>>,
		/// Path of the fine trace's leaf in which it comes out.
		path: NodePath,
	},
	/// `prove_input`.
	Input {
		/// The model.
		architecture: Box<Architecture>,
		/// The token's leaf.
		leaf: BoundedVec<i32, ConstU32<2>>,
		/// The input.
		payload: Vec<u8>,
	},
	/// `prove`.
	Prove {
		/// The leaf.
		leaf: LeafBytes,
		/// What it is computed from.
		evidence: Box<Evidence>,
	},
	/// `prove_text`.
	Text {
		/// The token's leaf.
		leaf: BoundedVec<i32, ConstU32<2>>,
		/// What the token follows from.
		evidence: Box<TextEvidence>,
	},
	/// `choose`.
	Choose(u32),
}

/// The nodes of a level of the tree over `leaves`.
fn nodes(leaves: &[Node], level: u32, range: std::ops::Range<u32>) -> Option<Vec<Node>> {
	let count = leaves.len() as u64;
	let node = |index: u32| {
		let (first, end) = (u64::from(index) << level, (u64::from(index) + 1) << level);
		let under = leaves.get(first as usize..end.min(count) as usize)?;
		(!under.is_empty()).then(|| merkle::root(under))
	};
	range.map(node).collect()
}

/// The nodes below `at` in the trace of `answer`.
fn below<AccountId>(
	library: &Library,
	prompt: usize,
	answer: Answer,
	view: &DisputeView<AccountId>,
	at: &Spot,
) -> Option<Vec<Node>> {
	let fine;
	let (leaves, count) = match at.tree {
		Tree::Claimed => (library.trace(prompt, answer)?.hashes(), view.claim.leaves),
		Tree::Fine(tree) => {
			fine = library.fine(prompt, answer, tree.leaf)?;
			(fine.hashes(), tree.leaves)
		},
		// Inputs are ids here: there are no words.
		Tree::Word(_) => return None,
	};
	let (level, range) = merkle::block(count, at.level, at.index, view.arity.ilog2())?;
	nodes(leaves, level, range)
}

/// What an accused that stands by `answer` shows next. `None` when it is not its move, or it has nothing to show.
pub fn defend<AccountId>(
	library: &Library,
	prompt: usize,
	answer: Answer,
	view: &DisputeView<AccountId>,
) -> Option<Play> {
	let trace = library.trace(prompt, answer)?;
	let architecture = Box::new(library.model.architecture());
	Some(match &view.phase {
		Phase::Reveal { at } => Play::Reveal(below(library, prompt, answer, view, at)?.try_into().ok()?),
		Phase::Expand { leaf, .. } => {
			let fine = library.fine(prompt, answer, *leaf)?;
			let root = fine.tree(*leaf, *architecture).root;
			let result = trace.program(*leaf, &view.kind).and_then(|(_, slice)| fine.result(slice))?;
			let path = fine.path(result)?.try_into().ok()?;
			Play::Expand { architecture, root, leaf: trace.at(*leaf)?.to_vec().try_into().ok()?, path }
		},
		Phase::Input { leaf, .. } => {
			let Payload::Inline(bytes) = &library.prompt(prompt)?.input else { return None };
			let leaf = trace.at(*leaf)?.to_vec().try_into().ok()?;
			Play::Input { architecture, leaf, payload: bytes.to_vec() }
		},
		Phase::Prove { fine, index, .. } => {
			let trace_of = library.fine(prompt, answer, fine.leaf)?;
			let evidence = Box::new(trace_of.evidence(&library.model, trace, *index)?);
			Play::Prove { leaf: trace_of.leaf(*index)?, evidence }
		},
		Phase::Text { leaf, .. } => {
			let values = trace.at(*leaf)?;
			let TraceLeaf::Token { position } = trace.shape.leaf(*leaf)? else { return None };
			let is_first = position == trace.claim.usage.input_tokens;
			let before = position.checked_sub(1).filter(|_| !is_first);
			let previous = match before {
				Some(position) => Some(trace.open(trace.shape.index(TraceLeaf::Token { position })?)?),
				None => None,
			};
			let proof = library.model.token_proof(u32::try_from(*values.first()?).ok()?)?;
			let evidence = Box::new(TextEvidence {
				head: library.model.head().encode().try_into().ok()?,
				input: Default::default(),
				previous,
				source: TokenSource::Output(proof),
				seal: None,
			});
			Play::Text { leaf: values.to_vec().try_into().ok()?, evidence }
		},
		// Outputs are inline here: nobody has to demand one.
		Phase::Word { .. } | Phase::Choose { .. } | Phase::Output | Phase::Compare => return None,
	})
}

/// Which of the revealed nodes a challenger names that stands by `answer`: the first that differs from its own; `None`
/// when none does, or it is not its move.
pub fn choose<AccountId>(
	library: &Library,
	prompt: usize,
	answer: Answer,
	view: &DisputeView<AccountId>,
) -> Option<Play> {
	let Phase::Choose { at, nodes } = &view.phase else { return None };
	let own = below(library, prompt, answer, view, at)?;
	let differs = own.iter().zip(nodes).position(|(own, shown)| own != shown)?;
	Some(Play::Choose(differs as u32))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn nodes_should_be_the_levels_of_the_tree() {
		let leaves: Vec<Node> = (0..11u32).map(|i| merkle::leaf_hash(&i.to_le_bytes())).collect();
		for level in 0..=merkle::levels(11) {
			let all = nodes(&leaves, level, 0..merkle::nodes(11, level)).unwrap();
			assert_eq!(merkle::root(&all), merkle::root(&leaves), "{level}");
		}
		assert_eq!(nodes(&leaves, 0, 10..12), None);
	}
}
