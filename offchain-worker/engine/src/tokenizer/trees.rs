//! The two trees of a tokenizer, and proofs from them.

use super::{pairs::Pairs, Tokenizer};
use noesis_canon::tokenizer::{pair_leaf, Head, Merge, Pair};
use noesis_primitives::{
	merkle::{self, Node},
	PairProof, TokenProof,
};
use rayon::prelude::*;

/// A tree of [`merkle`] with all its levels, for many proofs from it.
#[derive(Debug)]
struct Tree(Vec<Vec<Node>>);

impl Tree {
	fn new(leaves: Vec<Node>) -> Self {
		let mut levels = vec![leaves];
		while let Some(level) = levels.last().filter(|level| level.len() > 1) {
			let parent = |pair: &[Node]| match pair {
				[left, right] => merkle::node_hash(left, right),
				_ => pair[0],
			};
			let above = level.par_chunks(2).map(parent).collect();
			levels.push(above);
		}
		Self(levels)
	}

	fn root(&self) -> Node {
		self.0.last().and_then(|level| level.first()).copied().unwrap_or(merkle::EMPTY)
	}

	/// [`merkle::range_siblings`] of the `count` leaves from `first` on, which there are.
	fn siblings(&self, first: usize, count: usize) -> Vec<Node> {
		let (mut low, mut high) = (first, first + count);
		let mut siblings = Vec::new();
		for level in self.0.iter().take_while(|level| level.len() > 1) {
			if low % 2 == 1 {
				siblings.push(level[low - 1]);
			}
			if high % 2 == 1 {
				siblings.extend(level.get(high));
			}
			(low, high) = (low / 2, high.div_ceil(2));
		}
		siblings
	}
}

/// The trees, and the head with their roots.
#[derive(Debug)]
pub(super) struct Trees {
	pub(super) head: Head,
	sorted: Vec<(Pair, Merge)>,
	pairs: Tree,
	tokens: Tree,
}

impl Trees {
	/// The trees of all pairs and of what each token stands for in an output.
	pub(super) fn new<'a>(shape: &Head, pairs: &Pairs, vocabulary: impl Iterator<Item = &'a [u8]>) -> Self {
		let sorted = pairs.sorted();
		let leaf = |&(pair, merge): &(Pair, Merge)| merkle::leaf_hash(&pair_leaf(pair, merge));
		let pairs = Tree::new(sorted.par_iter().map(leaf).collect());
		let vocabulary: Vec<&[u8]> = vocabulary.collect();
		let tokens = Tree::new(vocabulary.par_iter().map(|bytes| merkle::leaf_hash(bytes)).collect());
		let head = Head { pairs_root: pairs.root(), vocabulary_root: tokens.root(), ..shape.clone() };
		Self { head, sorted, pairs, tokens }
	}
}

impl Tokenizer {
	/// What shows that `pair` merges, or that it does not.
	pub fn pair_proof(&self, pair: Pair) -> PairProof {
		let Trees { sorted, pairs, .. } = self.trees();
		if sorted.is_empty() {
			return PairProof::default();
		}
		let (first, last) = match sorted.binary_search_by_key(&pair, |&(pair, _)| pair) {
			Ok(at) => (at, at),
			Err(at) => (at.saturating_sub(1), at.min(sorted.len() - 1)),
		};
		let leaves: Vec<_> =
			sorted[first..=last].iter().map(|&(pair, merge)| pair_leaf(pair, merge)).collect();
		let siblings = pairs.siblings(first, leaves.len());
		// One or two leaves of a tree of at most 2^22: neither is ever too long.
		PairProof {
			first: first as u32,
			leaves: leaves.try_into().unwrap_or_default(),
			siblings: siblings.try_into().unwrap_or_default(),
		}
	}

	/// What shows what `token` adds to an output; `None` outside of the vocabulary.
	pub fn token_proof(&self, token: u32) -> Option<TokenProof> {
		if token >= self.shape.vocabulary {
			return None;
		}
		let path = self.trees().tokens.siblings(token as usize, 1);
		Some(TokenProof { bytes: self.bytes(token).to_vec().try_into().ok()?, path: path.try_into().ok()? })
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::testing::tokenizer_data;
	use noesis_canon::tokenizer::find;
	use proptest::prelude::*;

	#[test]
	fn every_pair_should_be_shown_as_it_is() {
		let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
		let head = tokenizer.head();
		let mut merging = 0;
		for left in 0..head.vocabulary {
			for right in (0..head.vocabulary).step_by(1 + left as usize % 7) {
				let proof = tokenizer.pair_proof((left, right));
				assert!(proof.verify(&head.pairs_root, head.pairs));
				let found = find((left, right), head.pairs, proof.first, &proof.leaves);
				assert_eq!(found, Some(tokenizer.pairs.get((left, right))));
				merging += usize::from(found.flatten().is_some());
			}
		}
		assert!(merging > 0);
		let outside = tokenizer.pair_proof((u32::MAX, u32::MAX));
		assert!(outside.verify(&head.pairs_root, head.pairs));
		assert_eq!(find((u32::MAX, u32::MAX), head.pairs, outside.first, &outside.leaves), Some(None));
	}

	#[test]
	fn no_pair_should_be_shown_when_there_are_none() {
		let mut data = tokenizer_data();
		data.merges.clear();
		let tokenizer = Tokenizer::new(&data).unwrap();
		let (head, proof) = (tokenizer.head(), tokenizer.pair_proof((3, 4)));
		assert!(proof.verify(&head.pairs_root, 0) && !proof.verify(&head.pairs_root, 1));
		assert_eq!(find((3, 4), 0, proof.first, &proof.leaves), Some(None));
	}

	#[test]
	fn every_token_should_be_shown_as_it_is() {
		let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
		let head = tokenizer.head();
		for id in 0..head.vocabulary {
			let proof = tokenizer.token_proof(id).unwrap();
			assert_eq!(&proof.bytes[..], tokenizer.bytes(id));
			assert!(proof.verify(&head.vocabulary_root, head.vocabulary, id));
			let next = (id + 1) % head.vocabulary;
			let are_equal = tokenizer.bytes(id) == tokenizer.bytes(next);
			assert!(are_equal || !proof.verify(&head.vocabulary_root, head.vocabulary, next));
		}
		assert_eq!(tokenizer.token_proof(head.vocabulary), None);
	}

	proptest! {
		#[test]
		fn a_tree_should_be_that_of_the_leaves_alone(
			count in 0u32..80, first in any::<prop::sample::Index>(), width in any::<prop::sample::Index>(),
		) {
			let leaves: Vec<Node> = (0..count).map(|i| merkle::leaf_hash(&i.to_le_bytes())).collect();
			let tree = Tree::new(leaves.clone());
			prop_assert_eq!(tree.root(), merkle::root(&leaves));
			if count > 0 {
				let first = first.index(leaves.len());
				let width = 1 + width.index(leaves.len() - first);
				let expected = merkle::range_siblings(&leaves, first as u32, width as u32);
				prop_assert_eq!(Some(tree.siblings(first, width)), expected);
			}
		}

		#[test]
		fn a_pair_should_not_be_shown_when_its_proof_is_changed(
			left in 0u32..300, right in 0u32..300, leaf in any::<prop::sample::Index>(), byte in 0usize..16, bit in 0u8..8,
		) {
			let tokenizer = Tokenizer::new(&tokenizer_data()).unwrap();
			let head = tokenizer.head();
			let mut proof = tokenizer.pair_proof((left, right));
			let at = leaf.index(proof.leaves.len());
			proof.leaves.get_mut(at).unwrap()[byte] ^= 1 << bit;
			prop_assert!(!proof.verify(&head.pairs_root, head.pairs));
		}
	}
}
