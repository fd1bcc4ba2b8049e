//! What holds a shard to its word: a Merkle root over what it said about each row, and a Merkle-sum tree over what all
//! shards said about one row.
//!
//! A shard signs (elsewhere: keys are none of this crate's business) the [`commit`]ment it sends. From it, the statement
//! about any one row can be opened with [`noesis_primitives::merkle`], and whoever has the shard's keys can check it
//! without the others.
//!
//! In the sum tree of a row every node carries the sums of its leaves, so that a path shows by additions alone that a
//! statement is part of a total, and [`Partial::finish`] of the total is the row's output. Nodes without a partner move
//! up, as in the project's other trees.

use super::{stream::Sums, Positions, Shape};
use codec::Encode;
use noesis_canon::shard::{Partial, PartialError};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	Root,
};

/// What one shard says about one row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Statement<N> {
	/// See [`question`].
	pub question: Root,
	/// Number of the row: `token · heads + head`.
	pub row: u32,
	/// The shard's positions.
	pub positions: Positions,
	/// The row's greatest score over all shards.
	pub maximum: i64,
	/// The sums over those of the positions that the row sees.
	pub partial: Partial<N>,
}

impl<N: AsRef<[i64]>> Statement<N> {
	/// The statement's hash: a leaf of the shard's tree.
	pub fn hash(&self) -> Node {
		let Partial { keys, denominator, numerators } = &self.partial;
		let head = (self.question, self.row, self.positions, self.maximum);
		leaf_hash(&(b"noesis partial", head, keys, denominator, numerators.as_ref()).encode())
	}
}

/// Hash of what was asked: tokens of `queries` from position `first` on, in `layer` of `context`.
pub fn question(context: Root, shape: Shape, layer: usize, first: usize, queries: &[i16]) -> Root {
	let head = (context, shape, layer as u32, first as u32);
	Root(leaf_hash(&(b"noesis question", head, queries).encode()))
}

/// A shard's statements about all rows, in order; `maxima` are the rows' over all shards.
pub fn statements<'a>(
	question: Root,
	positions: Positions,
	maxima: &'a [i64],
	sums: &'a Sums,
) -> impl Iterator<Item = Statement<&'a [i64]>> {
	let rows = (0u32..).zip(maxima).zip(sums.rows());
	rows.map(move |((row, &maximum), partial)| Statement { question, row, positions, maximum, partial })
}

/// Root of a shard's statements about all rows.
pub fn commit(question: Root, positions: Positions, maxima: &[i64], sums: &Sums) -> Root {
	let leaves: Vec<Node> = statements(question, positions, maxima, sums).map(|s| s.hash()).collect();
	Root(merkle::root(&leaves))
}

/// A node of the sum tree of one row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SumNode {
	/// Covers everything below, sums included.
	pub hash: Node,
	/// Sums of all leaves below.
	pub sums: Partial<Vec<i64>>,
}

impl SumNode {
	/// The leaf of a statement.
	pub fn leaf<N: AsRef<[i64]>>(statement: &Statement<N>) -> Self {
		let Partial { keys, denominator, numerators } = &statement.partial;
		let sums =
			Partial { keys: *keys, denominator: *denominator, numerators: numerators.as_ref().to_vec() };
		Self { hash: statement.hash(), sums }
	}

	/// The node above two.
	pub fn join(&self, right: &Self) -> Result<Self, PartialError> {
		let mut sums = self.sums.clone();
		sums.merge(&right.sums)?;
		let part =
			|node: &Self| (node.hash, node.sums.keys, node.sums.denominator, node.sums.numerators.clone());
		Ok(Self { hash: leaf_hash(&(b"noesis sum", part(self), part(right)).encode()), sums })
	}
}

fn parents(level: &[SumNode]) -> Result<Vec<SumNode>, PartialError> {
	let join = |pair: &[SumNode]| match pair {
		[left, right] => left.join(right),
		single => Ok(single[0].clone()),
	};
	level.chunks(2).map(join).collect()
}

/// Root of a row's sum tree, leaves in the order of the shards; nothing when there are none.
pub fn sum_root(leaves: &[SumNode]) -> Result<Option<SumNode>, PartialError> {
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		level = parents(&level)?;
	}
	Ok(level.pop())
}

/// The path from leaf `index`, its sibling first; nothing when there is no such leaf.
pub fn sum_path(leaves: &[SumNode], mut index: usize) -> Result<Option<Vec<SumNode>>, PartialError> {
	if index >= leaves.len() {
		return Ok(None);
	}
	let (mut level, mut path) = (leaves.to_vec(), Vec::new());
	while level.len() > 1 {
		path.extend(level.get(index ^ 1).cloned());
		level = parents(&level)?;
		index /= 2;
	}
	Ok(Some(path))
}

/// Whether `statement` is number `index` of the `count` statements that add up to `root`.
pub fn verify_sum<N: AsRef<[i64]>>(
	root: &SumNode,
	count: usize,
	mut index: usize,
	statement: &Statement<N>,
	path: &[SumNode],
) -> bool {
	let (mut node, mut last) = (SumNode::leaf(statement), count.saturating_sub(1));
	let mut siblings = path.iter();
	if index >= count {
		return false;
	}
	while last > 0 {
		if index != last || index % 2 == 1 {
			let Some(sibling) = siblings.next() else { return false };
			let joined = if index % 2 == 1 { sibling.join(&node) } else { node.join(sibling) };
			let Ok(joined) = joined else { return false };
			node = joined;
		}
		index /= 2;
		last /= 2;
	}
	siblings.next().is_none() && node == *root
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn statements_of(count: u32) -> Vec<Statement<Vec<i64>>> {
		let statement = |i: u32| Statement {
			question: Root([7; 32]),
			row: 5,
			positions: Positions { first: i, stride: count, count: 40 },
			maximum: 1234,
			partial: Partial {
				keys: 40,
				denominator: 70_000 + i,
				numerators: vec![i64::from(i), -9, 1000 * i64::from(i)],
			},
		};
		(0..count).map(statement).collect()
	}

	#[test]
	fn root_should_carry_the_total_when_there_are_three_shards() {
		let leaves: Vec<SumNode> = statements_of(3).iter().map(SumNode::leaf).collect();
		let root = sum_root(&leaves).unwrap().unwrap();
		assert_eq!(root, leaves[0].join(&leaves[1]).unwrap().join(&leaves[2]).unwrap());
		assert_eq!(root.sums, Partial { keys: 120, denominator: 210_003, numerators: vec![3, -27, 3000] });
		assert_eq!(sum_root(&[]), Ok(None));
	}

	#[test]
	fn a_tree_should_be_refused_when_its_keys_are_too_many() {
		let mut statements = statements_of(2);
		statements.iter_mut().for_each(|s| s.partial.keys = 40_000);
		let leaves: Vec<SumNode> = statements.iter().map(SumNode::leaf).collect();
		assert_eq!(sum_root(&leaves), Err(PartialError::TooManyKeys));
	}

	#[test]
	fn a_commitment_should_open_row_by_row() {
		let sums =
			Sums { keys: vec![4, 5], denominators: vec![65_535, 65_536], numerators: vec![1, 2, 3, 4] };
		let (question, positions) = (Root([1; 32]), Positions::from_start(9));
		let commitment = commit(question, positions, &[10, -20], &sums);
		let leaves: Vec<Node> =
			statements(question, positions, &[10, -20], &sums).map(|s| s.hash()).collect();
		let partial = Partial { keys: 5, denominator: 65_536, numerators: [3, 4] };
		let opened = Statement { question, row: 1, positions, maximum: -20, partial };
		let path = merkle::path(&leaves, 1).unwrap();
		assert!(merkle::verify(&commitment.0, 2, 1, opened.hash(), &path));
		let other = Statement { maximum: -19, ..opened };
		assert!(!merkle::verify(&commitment.0, 2, 1, other.hash(), &path));
	}

	proptest! {
		#[test]
		fn a_statement_should_be_part_of_the_total_only_as_it_was_made(
			count in 1u32..20, at in any::<u32>(), change in 0usize..9,
		) {
			let statements = statements_of(count);
			let leaves: Vec<SumNode> = statements.iter().map(SumNode::leaf).collect();
			let root = sum_root(&leaves).unwrap().unwrap();
			let index = (at % count) as usize;
			let path = sum_path(&leaves, index).unwrap().unwrap();
			prop_assert!(verify_sum(&root, count as usize, index, &statements[index], &path));
			prop_assert_eq!(sum_path(&leaves, count as usize), Ok(None));

			let (mut r, mut s, mut p) = (root, statements[index].clone(), path);
			let (mut n, mut i) = (count as usize, index);
			match change {
				0 => s.partial.numerators[0] += 1,
				1 => s.partial.denominator += 1,
				2 => s.maximum += 1,
				3 => s.row += 1,
				4 => r.sums.numerators[1] -= 1,
				5 => p.push(leaves[0].clone()),
				6 if !p.is_empty() => p[0].sums.numerators[0] -= 1,
				7 if count > 1 => i = (index + 1) % count as usize,
				_ => n = 0,
			}
			prop_assert!(!verify_sum(&r, n, i, &s, &p));
		}
	}
}
