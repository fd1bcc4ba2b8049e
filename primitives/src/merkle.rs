//! Merkle trees over BLAKE2b-256, in the shape of RFC 9162: a level's last node without a partner moves up as
//! it is. Leaves and nodes are hashed under different prefixes, so that neither can stand for the other.
//!
//! Level 0 of a tree of `n` leaves is its leaves, level `k` its `ceil(n / 2^k)` nodes above them. Node `i` of level
//! `k` stands over the leaves `i * 2^k .. (i + 1) * 2^k`, as far as there are any, and is the root of the tree of
//! these leaves, and of the tree of any level of its own below it. Disputes descend by that ([`block`]).

use alloc::vec::Vec;
use core::ops::Range;
use sp_crypto_hashing::blake2_256;

/// A hash in the tree.
pub type Node = [u8; 32];

/// Root of the tree without leaves.
pub const EMPTY: Node = [0; 32];

/// Hash of a leaf's bytes.
pub fn leaf_hash(data: &[u8]) -> Node {
	let mut bytes = Vec::with_capacity(data.len().saturating_add(1));
	bytes.push(0);
	bytes.extend_from_slice(data);
	blake2_256(&bytes)
}

/// Hash of an inner node.
pub fn node_hash(left: &Node, right: &Node) -> Node {
	let mut bytes = [1u8; 65];
	let (head, tail) = bytes.split_at_mut(33);
	if let Some(slot) = head.get_mut(1..) {
		slot.copy_from_slice(left);
	}
	tail.copy_from_slice(right);
	blake2_256(&bytes)
}

fn parents(level: &[Node]) -> Vec<Node> {
	level
		.chunks(2)
		.map(|pair| match pair {
			[left, right] => node_hash(left, right),
			[single] => *single,
			_ => EMPTY,
		})
		.collect()
}

/// Root over leaf hashes; [`EMPTY`] when there are none.
pub fn root(leaves: &[Node]) -> Node {
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		level = parents(&level);
	}
	level.first().copied().unwrap_or(EMPTY)
}

/// The path that shows that leaf `index` is in the tree, from the leaf's sibling upwards. `None` when there is
/// no such leaf.
pub fn path(leaves: &[Node], index: u32) -> Option<Vec<Node>> {
	let mut index = index as usize;
	if index >= leaves.len() {
		return None;
	}
	let mut siblings = Vec::new();
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		siblings.extend(level.get(index ^ 1));
		level = parents(&level);
		index /= 2;
	}
	Some(siblings)
}

/// Whether `leaf` is leaf number `index` of the tree of `count` leaves whose root is `root`.
pub fn verify(root: &Node, count: u32, index: u32, leaf: Node, path: &[Node]) -> bool {
	if index >= count {
		return false;
	}
	let (mut node, mut index, mut last) = (leaf, index, count.saturating_sub(1));
	let mut siblings = path.iter();
	while last > 0 {
		// A last node at an even place has no partner on this level.
		if index != last || index % 2 == 1 {
			let Some(sibling) = siblings.next() else { return false };
			node = if index % 2 == 1 { node_hash(sibling, &node) } else { node_hash(&node, sibling) };
		}
		index /= 2;
		last /= 2;
	}
	siblings.next().is_none() && node == *root
}

/// Levels above the leaves of a tree of `count` leaves: the level of its root.
pub fn levels(count: u32) -> u32 {
	u32::BITS.saturating_sub(count.saturating_sub(1).leading_zeros())
}

/// Nodes of a level of a tree of `count` leaves; at least one, unless there are no leaves.
pub fn nodes(count: u32, level: u32) -> u32 {
	let above = (u64::from(count)).div_ceil(1 << level.min(u32::BITS));
	above.try_into().unwrap_or(u32::MAX)
}

/// The nodes that stand `width` levels below node `index` of `level`, or at the leaves where that is nearer: their
/// level and indices. `None` when there is no such node.
pub fn block(count: u32, level: u32, index: u32, width: u32) -> Option<(u32, Range<u32>)> {
	if level > levels(count) || index >= nodes(count, level) {
		return None;
	}
	let below = level.saturating_sub(width);
	let step = level.saturating_sub(below);
	let at = |index: u32| u64::from(index) << step;
	let end = at(index.saturating_add(1)).min(nodes(count, below).into());
	Some((below, at(index).try_into().ok()?..end.try_into().ok()?))
}

/// The siblings that show, together with the `count` leaves from `first` on, that these are in the tree: level by
/// level upwards, the one on the left before the one on the right. Of one leaf they are its [`path`]. `None` when
/// there are no such leaves.
pub fn range_siblings(leaves: &[Node], first: u32, count: u32) -> Option<Vec<Node>> {
	let (mut low, mut high) = (first as usize, (first as usize).checked_add(count as usize)?);
	if low >= high || high > leaves.len() {
		return None;
	}
	let mut siblings = Vec::new();
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		if low % 2 == 1 {
			siblings.extend(level.get(low.saturating_sub(1)));
		}
		if high % 2 == 1 {
			siblings.extend(level.get(high));
		}
		level = parents(&level);
		low /= 2;
		high = high.div_ceil(2);
	}
	Some(siblings)
}

/// Root of the tree of `count` leaves in which `leaves` are those from `first` on, by their [`range_siblings`];
/// `None` when these can't be such leaves and siblings.
pub fn range_root(count: u32, first: u32, leaves: &[Node], siblings: &[Node]) -> Option<Node> {
	let mut high = first.checked_add(u32::try_from(leaves.len()).ok()?)?;
	if leaves.is_empty() || high > count {
		return None;
	}
	let (mut low, mut width) = (first, count);
	let mut siblings = siblings.iter();
	let mut level = leaves.to_vec();
	while width > 1 {
		let mut whole = Vec::with_capacity(level.len().saturating_add(2));
		if low % 2 == 1 {
			whole.push(*siblings.next()?);
		}
		whole.append(&mut level);
		// A last node at an even place has no partner on this level.
		if high % 2 == 1 && high < width {
			whole.push(*siblings.next()?);
		}
		level = parents(&whole);
		low /= 2;
		high = high.div_ceil(2);
		width = width.div_ceil(2);
	}
	let root = level.first().copied();
	root.filter(|_| siblings.next().is_none())
}

/// Whether `leaves` are those from `first` on of the tree of `count` leaves whose root is `root`.
pub fn verify_range(root: &Node, count: u32, first: u32, leaves: &[Node], siblings: &[Node]) -> bool {
	range_root(count, first, leaves, siblings).is_some_and(|found| found == *root)
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;
	use proptest::prelude::*;

	fn leaves(count: u32) -> Vec<Node> {
		(0..count).map(|i| leaf_hash(&i.to_le_bytes())).collect()
	}

	#[test]
	fn root_should_equal_the_written_out_tree_when_there_are_three_leaves() {
		let l = leaves(3);
		assert_eq!(root(&l), node_hash(&node_hash(&l[0], &l[1]), &l[2]));
		assert_eq!(root(&l[..1]), l[0]);
		assert_eq!(root(&[]), EMPTY);
	}

	#[test]
	fn every_leaf_should_open_when_the_tree_has_any_size() {
		for count in 1..70 {
			let l = leaves(count);
			let r = root(&l);
			for index in 0..count {
				let p = path(&l, index).unwrap();
				assert!(verify(&r, count, index, l[index as usize], &p), "{index} of {count}");
			}
			assert_eq!(path(&l, count), None);
		}
	}

	proptest! {
		#[test]
		fn opening_should_fail_when_anything_is_changed(
			count in 1u32..200, at in any::<u32>(), change in 0usize..5, bit in 0usize..256,
		) {
			let l = leaves(count);
			let index = at % count;
			let (mut r, mut i, mut n) = (root(&l), index, count);
			let mut leaf = l[index as usize];
			let mut p = path(&l, index).unwrap();
			let flip = |node: &mut Node| node[bit / 8] ^= 1 << (bit % 8);
			match change {
				0 => flip(&mut r),
				1 => flip(&mut leaf),
				2 if !p.is_empty() => { let k = bit % p.len(); flip(&mut p[k]) },
				3 if count > 1 => i = (index + 1) % count,
				4 => p.push(leaf),
				_ => n = 0,
			}
			prop_assert!(!verify(&r, n, i, leaf, &p));
		}
	}

	/// Every level of a tree, the leaves first.
	fn tree(count: u32) -> Vec<Vec<Node>> {
		let mut tree = vec![leaves(count)];
		while tree.last().unwrap().len() > 1 {
			tree.push(parents(tree.last().unwrap()));
		}
		tree
	}

	#[test]
	fn levels_and_nodes_should_be_those_of_the_tree_when_it_has_any_size() {
		for count in 1..140 {
			let tree = tree(count);
			assert_eq!(levels(count) as usize, tree.len() - 1, "{count}");
			for (level, all) in tree.iter().enumerate() {
				assert_eq!(nodes(count, level as u32) as usize, all.len(), "level {level} of {count}");
			}
		}
		assert_eq!((levels(0), nodes(0, 0), levels(u32::MAX), nodes(u32::MAX, 32)), (0, 0, 32, 1));
		assert_eq!(nodes(u32::MAX, u32::MAX), 1);
	}

	#[test]
	fn siblings_should_be_the_path_when_the_range_is_one_leaf() {
		for count in 1..40 {
			let l = leaves(count);
			for index in 0..count {
				assert_eq!(range_siblings(&l, index, 1), path(&l, index));
			}
		}
		assert_eq!(range_siblings(&leaves(3), 2, 2), None);
		assert_eq!(range_siblings(&leaves(3), 1, 0), None);
		assert_eq!(range_root(3, 2, &leaves(2), &[]), None);
		assert_eq!(range_root(u32::MAX, u32::MAX, &leaves(1), &[]), None);
	}

	proptest! {
		#[test]
		fn block_should_hash_to_its_node_when_it_lies_any_number_of_levels_below(
			count in 1u32..600, level in 0u32..11, index in any::<u32>(), width in 0u32..9,
		) {
			let tree = tree(count);
			let level = level.min(levels(count));
			let all = nodes(count, level);
			prop_assert_eq!(block(count, level, all, width), None);
			prop_assert_eq!(block(count, levels(count) + 1, 0, width), None);
			let index = index % all;
			let (below, range) = block(count, level, index, width).unwrap();
			prop_assert_eq!(below, level.saturating_sub(width));
			let block = &tree[below as usize][range.start as usize..range.end as usize];
			prop_assert_eq!(root(block), tree[level as usize][index as usize]);
		}

		#[test]
		fn every_range_should_open_when_the_tree_has_any_size(
			count in 1u32..300, first in any::<u32>(), width in any::<u32>(),
		) {
			let l = leaves(count);
			let first = first % count;
			let width = 1 + width % (count - first);
			let siblings = range_siblings(&l, first, width).unwrap();
			let range = &l[first as usize..(first + width) as usize];
			prop_assert!(verify_range(&root(&l), count, first, range, &siblings));
			prop_assert!(siblings.len() as u32 <= 2 * levels(count));
		}

		#[test]
		fn range_should_fail_when_anything_is_changed(
			count in 2u32..300, at in any::<u32>(), width in any::<u32>(), change in 0usize..8, bit in 0usize..256,
		) {
			let l = leaves(count);
			let (mut r, mut n, mut first) = (root(&l), count, at % count);
			let width = 1 + width % (count - first);
			let mut siblings = range_siblings(&l, first, width).unwrap();
			let mut range = l[first as usize..(first + width) as usize].to_vec();
			let flip = |node: &mut Node| node[bit / 8] ^= 1 << (bit % 8);
			match change {
				0 => flip(&mut r),
				1 => { let k = bit % range.len(); flip(&mut range[k]) },
				2 if !siblings.is_empty() => { let k = bit % siblings.len(); flip(&mut siblings[k]) },
				3 if first > 0 => first -= 1,
				3 | 4 if first + width < count => first += 1,
				5 => siblings.push(l[0]),
				6 if siblings.len() > 1 => {
					siblings.pop();
				},
				7 if range.len() > 1 => {
					range.pop();
				},
				_ => n = 0,
			}
			prop_assert!(!verify_range(&r, n, first, &range, &siblings));
		}

		#[test]
		fn range_should_not_panic_when_it_is_nonsense(
			count in any::<u32>(), first in any::<u32>(), size in 0u32..9, siblings in 0u32..70,
		) {
			let found = range_root(count, first, &leaves(size), &leaves(siblings));
			prop_assert!(found.is_none() || first.checked_add(size).is_some_and(|end| end <= count));
		}
	}
}
