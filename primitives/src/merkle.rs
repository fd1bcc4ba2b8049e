//! Merkle trees over BLAKE2b-256, in the shape of RFC 9162: a level's last node without a partner moves up as
//! it is. Leaves and nodes are hashed under different prefixes, so that neither can stand for the other.

use alloc::vec::Vec;
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
}
