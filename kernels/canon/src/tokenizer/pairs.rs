//! The pairs of neighbours that merge, and how they are looked up in a tree.
//!
//! The tree's leaves are all pairs in ascending order of (left, right), each once. A pair is in it by its leaf; it is not
//! in it by the two leaves between which it would lie, or by the first or last leaf where it lies outside of all.

/// Two neighbouring symbols, left and right.
pub type Pair = (u32, u32);

/// What becomes of a pair.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Merge {
	/// Its place in the order of merges: lower ones go first. Below `u32::MAX`.
	pub rank: u32,
	/// The symbol that it becomes.
	pub result: u32,
}

/// Bytes of a leaf.
pub const PAIR_BYTES: usize = 16;

/// The bytes of a pair's leaf: left, right, rank, result, `u32` little endian each.
pub fn pair_leaf(pair: Pair, merge: Merge) -> [u8; PAIR_BYTES] {
	let mut leaf = [0; PAIR_BYTES];
	let numbers = [pair.0, pair.1, merge.rank, merge.result];
	for (bytes, number) in leaf.chunks_exact_mut(4).zip(numbers) {
		bytes.copy_from_slice(&number.to_le_bytes());
	}
	leaf
}

fn parse(leaf: &[u8; PAIR_BYTES]) -> (Pair, Merge) {
	let number = |at: usize| u32::from_le_bytes([leaf[at], leaf[at + 1], leaf[at + 2], leaf[at + 3]]);
	((number(0), number(4)), Merge { rank: number(8), result: number(12) })
}

/// What becomes of `pair`, by `leaves`, which are those from `first` on of the tree of `count` leaves (that they are is for
/// the caller to check). `Some(None)`: the tree does not have the pair. `None`: the leaves show neither.
pub fn find(pair: Pair, count: u32, first: u32, leaves: &[[u8; PAIR_BYTES]]) -> Option<Option<Merge>> {
	match leaves {
		[] => (count == 0).then_some(None),
		[leaf] => {
			let (found, merge) = parse(leaf);
			let last = first.checked_add(1) == Some(count);
			if found == pair {
				(merge.rank != u32::MAX).then_some(Some(merge))
			} else {
				((first == 0 && pair < found) || (last && found < pair)).then_some(None)
			}
		},
		[low, high] => (parse(low).0 < pair && pair < parse(high).0).then_some(None),
		_ => None,
	}
}
