//! Random weights, as a checkpoint's file has them, and proofs that a piece of a row is among them.

use noesis_canon::{graph::CHUNK, sampler, GROUP};
use noesis_primitives::{
	merkle::{self, Node},
	Architecture, RowPiece, WeightsPiece,
};

/// A tensor: its rows in pieces of at most [`CHUNK`] columns.
struct Tensor {
	rows: Vec<Vec<Vec<u8>>>,
	/// Root of each row.
	roots: Vec<Node>,
}

/// All tensors by group: the embedding, then the layers.
pub(super) struct Weights {
	groups: Vec<Vec<Tensor>>,
}

/// A stream of numbers from a seed.
struct Numbers {
	seed: u64,
	at: u32,
}

impl Numbers {
	fn next(&mut self) -> u64 {
		self.at += 1;
		sampler::draw(self.seed, self.at)
	}

	/// About 0.6 to 1 of `size`.
	fn near(&mut self, size: i32) -> i32 {
		size - (self.next() % (size as u64 * 2 / 5 + 1)) as i32
	}

	/// Groups of 8-bit codes up to ±2 as residual: tokens differ clearly.
	fn embedding(&mut self, columns: usize) -> Vec<u8> {
		let mut bytes = Vec::new();
		for _ in 0..columns / GROUP {
			bytes.extend_from_slice(&self.near(1 << 18).to_le_bytes());
			(0..GROUP / 8).for_each(|_| bytes.extend_from_slice(&self.next().to_le_bytes()));
		}
		bytes
	}

	/// Groups of 4-bit codes, centred.
	fn matrix(&mut self, columns: usize) -> Vec<u8> {
		let mut bytes = Vec::new();
		for _ in 0..columns / GROUP {
			let scale = self.near(900_000);
			bytes.extend_from_slice(&scale.to_le_bytes());
			bytes.extend_from_slice(&(-scale * 15 / 2).to_le_bytes());
			(0..GROUP / 16).for_each(|_| bytes.extend_from_slice(&self.next().to_le_bytes()));
		}
		bytes
	}

	fn gain(&mut self, columns: usize) -> Vec<u8> {
		(0..columns).flat_map(|_| self.near(5000).to_le_bytes()).collect()
	}
}

impl Tensor {
	fn new(rows: u32, columns: u32, mut write: impl FnMut(usize) -> Vec<u8>) -> Self {
		let pieces: Vec<usize> =
			(0..columns.div_ceil(CHUNK)).map(|chunk| (columns - chunk * CHUNK).min(CHUNK) as usize).collect();
		let rows: Vec<Vec<Vec<u8>>> =
			(0..rows).map(|_| pieces.iter().map(|columns| write(*columns)).collect()).collect();
		let root = |row: &Vec<Vec<u8>>| merkle::root(&hashes(row));
		let roots = rows.iter().map(root).collect();
		Self { rows, roots }
	}

	fn root(&self) -> Node {
		merkle::root(&self.roots)
	}
}

fn hashes(pieces: &[Vec<u8>]) -> Vec<Node> {
	pieces.iter().map(|piece| merkle::leaf_hash(piece)).collect()
}

impl Weights {
	pub fn random(seed: u64, a: &Architecture) -> Self {
		let mut numbers = Numbers { seed, at: 0 };
		let (queries, keys) = (a.heads * a.head_dim, a.kv_heads * a.head_dim);
		let mut groups = vec![vec![
			Tensor::new(a.vocabulary, a.width, |columns| numbers.embedding(columns)),
			Tensor::new(1, a.width, |columns| numbers.gain(columns)),
		]];
		for _ in 0..a.layers {
			let mut matrix = |rows, columns| Tensor::new(rows, columns, |columns| numbers.matrix(columns));
			let matrices = [
				matrix(queries, a.width),
				matrix(keys, a.width),
				matrix(keys, a.width),
				matrix(a.width, queries),
				matrix(a.feed_forward, a.width),
				matrix(a.feed_forward, a.width),
				matrix(a.width, a.feed_forward),
			];
			let [query, key, value, out, gate, up, down] = matrices;
			let mut gain = || Tensor::new(1, a.width, |columns| numbers.gain(columns));
			groups.push(vec![gain(), query, key, value, out, gain(), gate, up, down]);
		}
		Self { groups }
	}

	pub fn group_root(&self, group: u32) -> Option<Node> {
		let tensors = self.groups.get(group as usize)?;
		Some(merkle::root(&tensors.iter().map(Tensor::root).collect::<Vec<_>>()))
	}

	fn tensor(&self, group: u32, tensor: u32) -> Option<&Tensor> {
		self.groups.get(group as usize)?.get(tensor as usize)
	}

	/// A piece of each of `rows` rows.
	pub fn rows(&self, group: u32, tensor: u32, first: u32, rows: u32, chunk: u32) -> Option<Vec<&[u8]>> {
		let tensor = self.tensor(group, tensor)?;
		let rows = tensor.rows.get(first as usize..(first + rows) as usize)?;
		rows.iter().map(|row| row.get(chunk as usize).map(Vec::as_slice)).collect()
	}

	/// The same with the proof that they are the checkpoint's.
	pub fn prove(&self, group: u32, tensor: u32, first: u32, rows: u32, chunk: u32) -> Option<WeightsPiece> {
		let tensors = self.groups.get(group as usize)?;
		let of = self.tensor(group, tensor)?;
		let row = |row: &Vec<Vec<u8>>| {
			Some(RowPiece {
				bytes: row.get(chunk as usize)?.clone().try_into().ok()?,
				path: merkle::path(&hashes(row), chunk)?.try_into().ok()?,
			})
		};
		let shown = of.rows.get(first as usize..(first + rows) as usize)?.iter().map(row);
		let roots: Vec<Node> = tensors.iter().map(Tensor::root).collect();
		Some(WeightsPiece {
			rows: shown.collect::<Option<Vec<_>>>()?.try_into().ok()?,
			siblings: merkle::range_siblings(&of.roots, first, rows)?.try_into().ok()?,
			tensor: merkle::path(&roots, tensor)?.try_into().ok()?,
		})
	}
}
