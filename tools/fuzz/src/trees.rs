//! Proofs of trees, and the places of a trace.

use crate::cut::Cut;
use noesis_primitives::{
	merkle::{self, Node},
	TraceShape,
};

fn nodes(cut: &mut Cut<'_>, most: usize) -> Vec<Node> {
	let count = usize::from(cut.byte()) % (most + 1);
	(0..count).map(|_| [cut.byte(); 32]).collect()
}

/// A tree of few leaves, a proof in it, and the same with anything changed; a shape of a trace, and a place in it.
pub fn run(bytes: &[u8]) {
	let mut cut = Cut(bytes);
	let shape = TraceShape { positions: cut.number(), layers: cut.number() >> 20, width: cut.number() >> 16 };
	let index = cut.number();
	if let Some(leaf) = shape.leaf(index) {
		assert_eq!(shape.index(leaf), Some(index), "a leaf is at two places");
		assert!(shape.leaves().is_some_and(|leaves| index < leaves));
		assert!(shape.values(leaf) <= 64);
	}

	let leaves = nodes(&mut cut, 40);
	let (count, root) = (leaves.len() as u32, merkle::root(&leaves));
	let (first, shown) = (u32::from(cut.byte()) % 48, u32::from(cut.byte()) % 48);
	let siblings = merkle::range_siblings(&leaves, first, shown);
	let there = shown > 0 && first + shown <= count;
	assert_eq!(siblings.is_some(), there, "a proof exists where the leaves do");
	if let Some(siblings) = siblings {
		let range = &leaves[first as usize..][..shown as usize];
		assert!(merkle::verify_range(&root, count, first, range, &siblings));
		if shown == 1 {
			assert!(merkle::verify(&root, count, first, range[0], &siblings));
		}
	}
	// Whatever is shown: what verifies is there.
	let (claimed, path) = (nodes(&mut cut, 40), nodes(&mut cut, 40));
	let (first, total) = (cut.number(), cut.number());
	if merkle::verify_range(&root, count, first % 48, &claimed, &path) {
		assert_eq!(
			leaves.get(first as usize % 48..).and_then(|rest| rest.get(..claimed.len())),
			Some(&claimed[..])
		);
	}
	let _ = merkle::verify_range(&root, total, first, &claimed, &path);
	let _ = merkle::verify(&root, total, first, [7; 32], &path);
	let (level, width) = (u32::from(cut.byte()) % 40, u32::from(cut.byte()) % 12);
	if let Some((below, range)) = merkle::block(total, level, first, width) {
		assert!(below <= level && !range.is_empty() && range.end <= merkle::nodes(total, below));
	}
}

/// A few trees.
pub fn seeds() -> Vec<Vec<u8>> {
	(0..12u8)
		.map(|salt| (0..120u8).map(|i| i.wrapping_mul(salt).rotate_left(salt.into())).collect())
		.collect()
}
