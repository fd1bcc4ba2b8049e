//! What the leaves of a stage are, and where their sources lie.

use super::{Format, Operation, Source, CHUNK, MAX_SOURCES, ROWS, SLICE, TILE};
use alloc::vec::Vec;

/// Multiplications of one leaf of scores.
const SCORE_WORK: u32 = 4096;

/// Rows of values in consecutive leaves without a header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Vector {
	/// Leaf of the first value of the first row.
	pub first: u32,
	/// Values of a row.
	pub columns: u32,
	/// Values of a leaf, the last of a row aside.
	pub piece: u32,
	/// Bytes of a value.
	pub width: u32,
}

impl Vector {
	pub fn leaves_per_row(&self) -> u32 {
		self.columns.div_ceil(self.piece)
	}

	/// Values of a chunk.
	pub fn chunk_columns(&self, chunk: u32) -> u32 {
		columns_of(self.columns, chunk)
	}

	/// The leaves in which a chunk of a row lies.
	fn chunk(&self, row: u32, chunk: u32) -> Source {
		let (from, to) = (chunk * CHUNK, chunk * CHUNK + self.chunk_columns(chunk));
		let (low, high) = (from / self.piece, to.div_ceil(self.piece));
		Source::Fine { first: self.first + row * self.leaves_per_row() + low, count: high - low }
	}

	/// Values in those leaves before the chunk.
	pub fn skipped(&self, chunk: u32) -> u32 {
		chunk * CHUNK % self.piece
	}
}

/// A linear layer on quantised rows.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Linear {
	/// Leaf of the first chunk of the first row of activations.
	pub input: u32,
	/// Columns.
	pub columns: u32,
	/// Rows of the matrix.
	pub rows: u32,
	/// Where the matrix is.
	pub group: u32,
	pub tensor: u32,
	/// Fraction bits of the activations before they were shifted, and of the result.
	pub from: i32,
	pub to: i32,
	/// The residual that the result is added to: one row of it.
	pub add: Option<Vector>,
	/// First leaf of its accumulators.
	pub sums: u32,
}

impl Linear {
	/// Leaves of eight rows.
	pub fn groups(&self) -> u32 {
		self.rows.div_ceil(ROWS)
	}

	pub fn chunks(&self) -> u32 {
		self.columns.div_ceil(CHUNK)
	}

	/// Whether a row has columns before its last chunk.
	pub fn is_chained(&self) -> bool {
		self.columns > CHUNK
	}

	/// Where, in its slice of the residual, the first value of leaf `local` is added, if it is.
	pub fn place_in_residual(&self, local: u32) -> Option<u32> {
		self.add.as_ref().map(|_| local % self.groups() * ROWS % SLICE)
	}

	/// Rows of leaf `group`.
	fn rows_of(&self, group: u32) -> u32 {
		(self.rows - group * ROWS).min(ROWS)
	}

	/// Sources of the leaf that counts `chunk` of rows `group` for activations `row`.
	fn sources(&self, row: u32, group: u32, chunk: u32) -> Vec<Source> {
		let chunks = self.chunks();
		let mut sources = Vec::with_capacity(MAX_SOURCES);
		sources.push(one(self.input + row * chunks + chunk));
		sources.push(Source::Weights {
			group: self.group,
			tensor: self.tensor,
			first_row: group * ROWS,
			rows: self.rows_of(group),
			chunk,
		});
		if chunk > 0 {
			sources.push(one(self.sums + (row * self.groups() + group) * (chunks - 1) + chunk - 1));
		}
		sources
	}
}

/// Attention of one position over `positions`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Heads {
	pub positions: u32,
	/// Query heads that share a key-value head.
	pub shared: u32,
	pub dim: u32,
	/// First leaves: one per head; one per key-value head and position; one per head and tile.
	pub queries: u32,
	pub keys: u32,
	pub values: u32,
	pub scores: u32,
	pub weights: u32,
	pub sums: u32,
}

impl Heads {
	fn tile(&self) -> u32 {
		(SCORE_WORK / self.dim).max(1)
	}

	pub fn tiles(&self) -> u32 {
		self.positions.div_ceil(self.tile())
	}

	/// Keys of a tile.
	pub fn keys_of(&self, tile: u32) -> u32 {
		(self.positions - tile * self.tile()).min(self.tile())
	}

	/// Leaves of the tile in `cache`, one per key-value head and position.
	fn cached(&self, cache: u32, head: u32, tile: u32) -> Source {
		let first = cache + head / self.shared * self.positions + tile * self.tile();
		Source::Fine { first, count: self.keys_of(tile) }
	}
}

/// The sampler's view of the logits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pool {
	/// First leaf of the logits.
	pub logits: u32,
	pub vocabulary: u32,
	/// First leaf of the largest logits.
	pub best: u32,
	/// Leaf of the last choice or of the target, where there is one.
	pub after: u32,
}

impl Pool {
	pub fn tiles(&self) -> u32 {
		self.vocabulary.div_ceil(TILE)
	}

	fn tile(&self, tile: u32) -> Source {
		let per_tile = TILE / ROWS;
		let all = self.vocabulary.div_ceil(ROWS);
		Source::Fine { first: self.logits + tile * per_tile, count: (all - tile * per_tile).min(per_tile) }
	}

	fn last(&self, first: u32) -> Source {
		one(first + self.tiles() - 1)
	}
}

/// What a stage's leaves are, and where its sources lie.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Rule {
	Copy { layer: u32, position: u32, width: u32 },
	Embed { width: u32 },
	Largest { of: Vector },
	Squares { of: Vector, largest: u32 },
	Scale { chunks: u32, largest: u32, squares: u32 },
	Norm { of: Vector, scale: u32, group: u32, tensor: u32 },
	Quantise { of: Vector, largest: u32 },
	Accumulate(Linear),
	Linear(Linear),
	Turn { rows: u32, heads: u32, positions: u32, first: u32, dim: u32 },
	Narrow { rows: u32, heads: u32, positions: u32, dim: u32 },
	Scores(Heads),
	Weights(Heads),
	Sums(Heads),
	Attend(Heads),
	Join { rows: u32, width: u32 },
	Gate { gate: u32, up: u32, columns: u32 },
	Best(Pool),
	Total(Pool),
	Bins(Pool, u32),
	Choice { bins: u32, from: u32, digit: u32 },
	Target { from: u32, nucleus: bool },
	Find(Pool),
	Token { found: u32, header: u32 },
}

/// Leaves of one kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Stage {
	/// What it is a part of.
	pub part: &'static str,
	/// What makes its leaves.
	pub operation: Operation,
	/// Its first leaf.
	pub first: u32,
	/// How many, at least 1.
	pub count: u32,
	/// Leaves of a chain: each takes the one before, the chain's first aside. 1 where there are no chains.
	pub chain: u32,
	pub(super) rule: Rule,
}

const fn one(leaf: u32) -> Source {
	Source::Fine { first: leaf, count: 1 }
}

/// Columns of a chunk of a row of `columns`.
const fn columns_of(columns: u32, chunk: u32) -> u32 {
	let rest = columns - chunk * CHUNK;
	if rest < CHUNK {
		rest
	} else {
		CHUNK
	}
}

impl Stage {
	/// What the bytes of leaf `local` of the stage are.
	pub fn format(&self, local: u32) -> Format {
		let header = |header| Format { header, count: 0, width: 8 };
		let body = |count, width| Format { header: 0, count, width };
		let slice = |columns: u32| {
			let slice = local % columns.div_ceil(SLICE);
			(columns - slice * SLICE).min(SLICE)
		};
		let chunk = |of: &Vector| of.chunk_columns(local % of.columns.div_ceil(CHUNK));
		match &self.rule {
			Rule::Copy { width, .. } | Rule::Embed { width } | Rule::Join { width, .. } => {
				body(slice(*width), 4)
			},
			Rule::Largest { .. } | Rule::Squares { .. } | Rule::Total(_) | Rule::Token { .. } => header(1),
			Rule::Scale { .. } | Rule::Choice { .. } | Rule::Target { .. } | Rule::Find(_) => header(3),
			Rule::Norm { of, .. } => body(chunk(of), 4),
			Rule::Quantise { of, .. } => Format { header: 1, count: chunk(of), width: 2 },
			Rule::Accumulate(linear) => {
				body(linear.rows_of(local / (linear.chunks() - 1) % linear.groups()), 8)
			},
			Rule::Linear(linear) => body(linear.rows_of(local % linear.groups()), 4),
			Rule::Turn { dim, .. } | Rule::Narrow { dim, .. } => body(*dim, 2),
			Rule::Scores(heads) => {
				Format { header: 1, count: heads.keys_of(local % heads.tiles()), width: 8 }
			},
			Rule::Weights(heads) => {
				Format { header: 1, count: heads.keys_of(local % heads.tiles()), width: 2 }
			},
			Rule::Sums(heads) => body(heads.dim, 8),
			Rule::Attend(heads) => body(heads.dim, 4),
			Rule::Gate { columns, .. } => body(slice(*columns), 8),
			Rule::Best(_) => header(2),
			Rule::Bins(..) => body(super::pick::BINS as u32, 8),
		}
	}

	/// What leaf `local` of the stage is made from.
	pub(super) fn sources(&self, local: u32) -> Vec<Source> {
		let mut sources = Vec::with_capacity(MAX_SOURCES);
		// The leaf before in the same chain comes last.
		let mut before = (!local.is_multiple_of(self.chain)).then(|| one(self.first + local - 1));
		match &self.rule {
			Rule::Copy { layer, position, width } => {
				let slices = width.div_ceil(SLICE);
				let (row, slice) = (local / slices, local % slices);
				sources.push(Source::Residual { position: position + row, layer: *layer, slice });
			},
			Rule::Embed { width } => {
				let slices = width.div_ceil(SLICE);
				sources.push(Source::Token { position: local / slices });
				sources.push(Source::Embedding { chunk: local % slices * SLICE / CHUNK });
			},
			Rule::Largest { of } => {
				let chunks = of.columns.div_ceil(CHUNK);
				sources.push(of.chunk(local / chunks, local % chunks));
			},
			Rule::Squares { of, largest } => {
				let chunks = of.columns.div_ceil(CHUNK);
				let row = local / chunks;
				sources.push(of.chunk(row, local % chunks));
				sources.push(one(largest + row * chunks + chunks - 1));
			},
			Rule::Scale { chunks, largest, squares } => {
				sources.push(one(largest + local * chunks + chunks - 1));
				sources.push(one(squares + local * chunks + chunks - 1));
			},
			Rule::Norm { of, scale, group, tensor } => {
				let chunks = of.columns.div_ceil(CHUNK);
				let (row, chunk) = (local / chunks, local % chunks);
				sources.push(of.chunk(row, chunk));
				sources.push(one(scale + row));
				let (group, tensor) = (*group, *tensor);
				sources.push(Source::Weights { group, tensor, first_row: 0, rows: 1, chunk });
			},
			Rule::Quantise { of, largest } => {
				let chunks = of.columns.div_ceil(CHUNK);
				let (row, chunk) = (local / chunks, local % chunks);
				sources.push(of.chunk(row, chunk));
				sources.push(one(largest + row * chunks + chunks - 1));
			},
			Rule::Accumulate(linear) => {
				// A chain's leaves differ in the chunk; what came before is among the sources already.
				before = None;
				let (which, chunk) = (local / self.chain, local % self.chain);
				sources = linear.sources(which / linear.groups(), which % linear.groups(), chunk);
			},
			Rule::Linear(linear) => {
				let (row, group) = (local / linear.groups(), local % linear.groups());
				sources = linear.sources(row, group, linear.chunks() - 1);
				if let Some(add) = &linear.add {
					sources.push(one(add.first + group * ROWS / SLICE));
				}
			},
			Rule::Turn { rows, heads, positions, dim, .. } | Rule::Narrow { rows, heads, positions, dim } => {
				let (head, position, per_head) = (local / positions, local % positions, dim / ROWS);
				let first = rows + (position * heads + head) * per_head;
				sources.push(Source::Fine { first, count: per_head });
			},
			Rule::Scores(heads) => {
				let (head, tile) = (local / heads.tiles(), local % heads.tiles());
				sources.push(one(heads.queries + head));
				sources.push(heads.cached(heads.keys, head, tile));
			},
			Rule::Weights(heads) => {
				let head = local / heads.tiles();
				sources.push(one(heads.scores + local));
				sources.push(one(heads.scores + (head + 1) * heads.tiles() - 1));
			},
			Rule::Sums(heads) => {
				let (head, tile) = (local / heads.tiles(), local % heads.tiles());
				sources.push(one(heads.weights + local));
				sources.push(heads.cached(heads.values, head, tile));
			},
			Rule::Attend(heads) => {
				let last = (local + 1) * heads.tiles() - 1;
				sources.push(one(heads.sums + last));
				sources.push(one(heads.weights + last));
			},
			Rule::Join { rows, width } => {
				let per_slice = SLICE / ROWS;
				let count = (width / ROWS - local * per_slice).min(per_slice);
				sources.push(Source::Fine { first: rows + local * per_slice, count });
			},
			Rule::Gate { gate, up, columns } => {
				let per_slice = SLICE / ROWS;
				let count = (columns / ROWS - local * per_slice).min(per_slice);
				for rows in [gate, up] {
					sources.push(Source::Fine { first: rows + local * per_slice, count });
				}
			},
			Rule::Best(pool) => sources.push(pool.tile(local)),
			Rule::Total(pool) => sources.extend([pool.tile(local), pool.last(pool.best)]),
			Rule::Bins(pool, digit) => {
				sources.extend([pool.tile(local), pool.last(pool.best)]);
				if *digit > 0 {
					sources.push(one(pool.after));
				}
			},
			Rule::Choice { bins, from, .. } => sources.extend([one(*bins), one(*from)]),
			Rule::Target { from, .. } => sources.push(one(*from)),
			Rule::Find(pool) => sources.extend([pool.tile(local), pool.last(pool.best), one(pool.after)]),
			Rule::Token { found, .. } => sources.push(one(*found)),
		}
		sources.extend(before);
		sources
	}
}
