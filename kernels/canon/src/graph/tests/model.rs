//! A random model, what it computes written plainly, and a program run leaf by leaf.

use crate::{
	activation, attention,
	graph::{Layout, Piece, Program, Shape, Source, CHUNK, SLICE},
	norm::{self, NormConstants},
	rope,
	round::{add_residual, rsr, sat16, sat32},
	sampler::draw,
	silu,
};
use std::collections::BTreeMap;

/// A tensor's rows, as a checkpoint has them.
pub struct Tensor {
	rows: Vec<Vec<u8>>,
}

pub struct Model {
	pub shape: Shape,
	tensors: BTreeMap<(u32, u32), Tensor>,
}

struct Numbers(u64, u32);

impl Numbers {
	fn next(&mut self) -> u64 {
		self.1 += 1;
		draw(self.0, self.1)
	}

	fn bytes(&mut self, count: usize, out: &mut Vec<u8>) {
		(0..count.div_ceil(8)).for_each(|_| out.extend_from_slice(&self.next().to_le_bytes()));
		out.truncate(out.len() + count - count.next_multiple_of(8));
	}

	fn word(&mut self, base: i32, spread: u64, out: &mut Vec<u8>) -> i32 {
		let word = base + (self.next() % spread) as i32;
		out.extend_from_slice(&word.to_le_bytes());
		word
	}

	fn row(&mut self, columns: u32, kind: char) -> Vec<u8> {
		let mut row = Vec::new();
		for _ in 0..columns / 32 {
			match kind {
				'g' => (0..32).for_each(|_| {
					self.word(2000, 4000, &mut row);
				}),
				'4' => {
					let scale = self.word(300_000, 600_000, &mut row);
					row.extend_from_slice(&(-scale * 15 / 2).to_le_bytes());
					self.bytes(16, &mut row);
				},
				_ => {
					self.word(100_000, 200_000, &mut row);
					self.bytes(32, &mut row);
				},
			}
		}
		row
	}
}

impl Model {
	pub fn random(shape: Shape, seed: u64) -> Self {
		let mut numbers = Numbers(seed, 0);
		let (w, f) = (shape.width, shape.feed_forward);
		let (q, k) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
		let mut tensors = BTreeMap::new();
		let mut add = |group, tensor, rows, columns, kind| {
			let rows = (0..rows).map(|_| numbers.row(columns, kind)).collect();
			tensors.insert((group, tensor), Tensor { rows });
		};
		add(0, 0, shape.vocabulary, w, '8');
		add(0, 1, 1, w, 'g');
		for group in 1..=shape.layers {
			let layer = [
				(1, w, 'g'),
				(q, w, '4'),
				(k, w, '8'),
				(k, w, '4'),
				(w, q, '4'),
				(1, w, 'g'),
				(f, w, '4'),
				(f, w, '8'),
				(w, f, '4'),
			];
			for (tensor, (rows, columns, kind)) in layer.into_iter().enumerate() {
				add(group, tensor as u32, rows, columns, kind);
			}
		}
		Self { shape, tensors }
	}

	/// The chunk of a row.
	pub fn chunk(&self, group: u32, tensor: u32, row: u32, chunk: u32) -> &[u8] {
		let row = &self.tensors[&(group, tensor)].rows[row as usize];
		let columns = match (group, tensor) {
			(0, _) => self.shape.width,
			(_, 4) => self.shape.heads * self.shape.head_dim,
			(_, 8) => self.shape.feed_forward,
			_ => self.shape.width,
		};
		let bytes = |before: u32| row.len() / (columns as usize / 32) * (before as usize / 32);
		let from = chunk * CHUNK;
		&row[bytes(from)..bytes(columns.min(from + CHUNK))]
	}

	/// Weights as integers times 2^-24.
	fn weights(&self, group: u32, tensor: u32, row: usize) -> Vec<i64> {
		let row = &self.tensors[&(group, tensor)].rows[row];
		let word = |b: &[u8]| i64::from(i32::from_le_bytes(b[..4].try_into().unwrap()));
		let is_q8 = matches!((group, tensor), (0, 0) | (_, 2) | (_, 7));
		if is_q8 {
			return row
				.chunks(36)
				.flat_map(|g| g[4..].iter().map(move |&c| i64::from(c as i8) * word(g)))
				.collect();
		}
		row.chunks(24)
			.flat_map(|g| {
				(0..32)
					.map(move |i| i64::from(g[8 + i % 16] >> (4 * (i / 16)) & 15) * word(g) + word(&g[4..]))
			})
			.collect()
	}

	fn gain(&self, group: u32, tensor: u32) -> Vec<i32> {
		let row = &self.tensors[&(group, tensor)].rows[0];
		row.chunks(4).map(|b| i32::from_le_bytes(b.try_into().unwrap())).collect()
	}

	fn linear(&self, group: u32, tensor: u32, (a, shift): &(Vec<i16>, i32), from: i32, to: i32) -> Vec<i32> {
		let rows = self.tensors[&(group, tensor)].rows.len();
		let row = |row| {
			let sum: i64 =
				self.weights(group, tensor, row).iter().zip(a).map(|(&w, &a)| w * i64::from(a)).sum();
			sat32(rsr(sum, 24 + from - shift - to))
		};
		(0..rows).map(row).collect()
	}

	fn normed(&self, x: &[i32], group: u32, tensor: u32) -> (Vec<i16>, i32) {
		let constants = NormConstants::new(self.shape.width as usize, self.shape.epsilon);
		let (mut normed, mut a) = (vec![0; x.len()], vec![0; x.len()]);
		norm::rms_norm(x, &self.gain(group, tensor), &constants, &mut normed);
		let shift = activation::quantise_i32(&normed, &mut a);
		(a, shift)
	}

	/// The residual of every position, before the first layer and after each.
	pub fn residuals(&self, tokens: &[u32]) -> Vec<Vec<Vec<i32>>> {
		let s = self.shape;
		let (dim, pairs) = (s.head_dim as usize, s.head_dim / 2);
		let turn = |x: &[i32], position: u32| -> Vec<i16> {
			let pair = |(i, x): (usize, &[i32])| {
				let f = rope::frequency(s.rope_base, pairs, i as u32 % pairs);
				let (cos, sin) = rope::cos_sin(f, position);
				<[i16; 2]>::from(rope::rotate(x[0], x[1], cos, sin))
			};
			x.chunks(2).enumerate().flat_map(pair).collect()
		};
		let embed = |&token: &u32| {
			self.weights(0, 0, token as usize).iter().map(|&w| sat32(rsr(w, 12))).collect::<Vec<i32>>()
		};
		let mut all = vec![tokens.iter().map(embed).collect::<Vec<_>>()];
		for group in 1..=s.layers {
			let mut cache: Vec<(Vec<i16>, Vec<i16>)> = Vec::new();
			let mut after = Vec::new();
			for (position, x) in all.last().unwrap().iter().enumerate() {
				let input = self.normed(x, group, 0);
				let key = turn(&self.linear(group, 2, &input, 20, 16), position as u32);
				let value = self.linear(group, 3, &input, 20, 16);
				cache.push((key, value.iter().map(|&v| sat16(rsr(v.into(), 7))).collect()));
				let query = turn(&self.linear(group, 1, &input, 20, 16), position as u32);
				let mut attended = vec![0; query.len()];
				for (head, (query, out)) in query.chunks(dim).zip(attended.chunks_mut(dim)).enumerate() {
					let kv = head * s.kv_heads as usize / s.heads as usize;
					let part = |all: &[i16]| all[kv * dim..(kv + 1) * dim].to_vec();
					let keys: Vec<i16> = cache.iter().flat_map(|(k, _)| part(k)).collect();
					let values: Vec<i16> = cache.iter().flat_map(|(_, v)| part(v)).collect();
					let mut weights = vec![0; cache.len()];
					attention::attend(query, &keys, &values, attention::multiplier(dim), &mut weights, out);
				}
				let mut a = vec![0; attended.len()];
				let shift = activation::quantise_i32(&attended, &mut a);
				let add = |x: &[i32], change: Vec<i32>| -> Vec<i32> {
					x.iter().zip(change).map(|(&x, change)| add_residual(x, change)).collect()
				};
				let middle = add(x, self.linear(group, 4, &(a, shift), 16, 12));
				let input = self.normed(&middle, group, 5);
				let (gate, up) =
					(self.linear(group, 6, &input, 20, 16), self.linear(group, 7, &input, 20, 16));
				let gated: Vec<i64> = gate.iter().zip(up).map(|(&g, u)| silu::gated(g, u)).collect();
				let mut a = vec![0; gated.len()];
				let shift = activation::quantise(&gated, &mut a);
				after.push(add(&middle, self.linear(group, 8, &(a, shift), 20, 12)));
			}
			all.push(after);
		}
		all
	}

	/// The logits after a residual.
	pub fn logits(&self, x: &[i32]) -> Vec<i32> {
		self.linear(0, 0, &self.normed(x, 0, 1), 20, 16)
	}
}

/// What sources of the trace and of the checkpoint resolve to.
pub struct World<'a> {
	pub model: &'a Model,
	pub tokens: &'a [u32],
	/// By layer (0: before the first), position.
	pub residuals: &'a [Vec<Vec<i32>>],
}

impl World<'_> {
	/// The pieces of a leaf, given the bytes of all earlier leaves.
	pub fn pieces<'a>(
		&'a self,
		sources: &[Source],
		fine: &'a [Vec<u8>],
		joined: &'a mut Vec<Vec<u8>>,
	) -> Vec<Piece<'a>> {
		*joined = sources
			.iter()
			.map(|source| match *source {
				Source::Fine { first, count } => fine[first as usize..(first + count) as usize].concat(),
				_ => Vec::new(),
			})
			.collect();
		let mut token = 0;
		let resolve = |(source, joined): (&Source, &'a Vec<u8>)| match *source {
			Source::Fine { .. } => Piece::Fine(joined),
			Source::Token { position } => {
				token = self.tokens[position as usize];
				Piece::Token { id: token as i32, end: 0 }
			},
			Source::Residual { position, layer, slice } => {
				let row = &self.residuals[layer as usize + 1][position as usize];
				Piece::Residual(row.chunks(SLICE as usize).nth(slice as usize).unwrap())
			},
			Source::Embedding { chunk } => Piece::Weights(vec![self.model.chunk(0, 0, token, chunk)]),
			Source::Weights { group, tensor, first_row, rows, chunk } => Piece::Weights(
				(first_row..first_row + rows)
					.map(|row| self.model.chunk(group, tensor, row, chunk))
					.collect(),
			),
		};
		sources.iter().zip(joined.iter()).map(resolve).collect()
	}

	/// All leaves of a program.
	pub fn run(&self, program: &Program) -> Vec<Vec<u8>> {
		let layout = Layout::new(&self.model.shape, program).unwrap();
		let mut fine = Vec::new();
		for index in 0..layout.leaves() {
			let leaf = layout.leaf(index).unwrap();
			let mut joined = Vec::new();
			let pieces = self.pieces(&leaf.sources, &fine, &mut joined);
			let bytes = layout
				.evaluate(index, &pieces)
				.unwrap_or_else(|| panic!("leaf {index} {:?}", leaf.operation));
			assert_eq!(bytes.len(), leaf.format.bytes() as usize);
			fine.push(bytes);
		}
		fine
	}
}
