//! The gradients of `Fast` attention against f64, on independent random inputs. Whatever lies between rows and around
//! arrays is NaN in inputs and must be untouched in gradients, in every test.

// What helpers find wrong fails the test that uses them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_cuda::{
	attention::{
		backward::{Backward, Gradients, Inputs, Part, Tiles},
		forward,
		reference::{self, HostView, Row, Side},
		Attention, AttentionShape, Lengths, Offsets, Precision, Strides, View,
	},
	Buffer, Device,
};
use noesis_cuda_emulation::Emulation;
use std::sync::Arc;

/// Not a number in either precision.
const GARBAGE: u16 = 0x7fff;
/// What gradients hold before they are computed.
const UNTOUCHED: u16 = 0x5a5a;
/// Elements before the first row and at least as many after the last.
const START: usize = 24;

const BOTH: [Precision; 2] = [Precision::F16, Precision::Bf16];

/// How long sequences are.
#[derive(Clone, Debug)]
enum Sizes {
	Uniform(usize, usize),
	Packed(Vec<(usize, usize)>),
}

#[derive(Clone, Debug)]
struct Case {
	precision: Precision,
	head_dim: usize,
	heads: (usize, usize),
	causal: bool,
	batch: usize,
	sizes: Sizes,
	garbage: u16,
	seed: u64,
}

impl Case {
	fn new(precision: Precision, head_dim: usize, causal: bool, queries: usize, keys: usize) -> Self {
		let (sizes, seed) = (Sizes::Uniform(queries, keys), (queries * 1000 + keys) as u64);
		Self { precision, head_dim, heads: (1, 1), causal, batch: 1, sizes, garbage: GARBAGE, seed }
	}

	fn shape(&self) -> AttentionShape {
		let (query_heads, kv_heads) = self.heads;
		let Self { batch, head_dim, causal, .. } = *self;
		AttentionShape { batch, query_heads, kv_heads, head_dim, causal }
	}

	fn lengths(&self, device: &Arc<dyn Device>) -> Lengths {
		match &self.sizes {
			Sizes::Uniform(queries, keys) => Lengths::Uniform { queries: *queries, keys: *keys },
			Sizes::Packed(sizes) => {
				let of = |pick: fn(&(usize, usize)) -> usize| {
					Offsets::new(device, &sizes.iter().map(pick).collect::<Vec<_>>()).unwrap()
				};
				Lengths::Variable { queries: of(|size| size.0), keys: of(|size| size.1) }
			},
		}
	}

	/// Heads first where lengths allow it, with gaps after every row and every head; rows first in packed arrays.
	fn strides(&self, heads: usize, rows: usize) -> Strides {
		if let Sizes::Packed(_) = self.sizes {
			return Strides { batch: 0, head: self.head_dim + 8, row: heads * (self.head_dim + 8) };
		}
		let row = self.head_dim + 8;
		let head = (rows + 1) * row;
		Strides { batch: heads * head + 8, head, row }
	}
}

/// Random inputs, and what f64 makes of them.
struct Problem {
	case: Case,
	scale: f32,
	q: Vec<u16>,
	k: Vec<u16>,
	v: Vec<u16>,
	output: Vec<u16>,
	d_output: Vec<u16>,
	lse: Vec<f32>,
	strides: [Strides; 2],
	rows: [Vec<Row>; 2],
	packed: bool,
	expected: reference::Gradients,
}

impl Problem {
	fn new(case: Case) -> Self {
		let device = Emulation::new(0);
		let lengths = case.lengths(&device);
		let scale = 1.5 / (case.head_dim as f32).sqrt();
		let attention =
			Attention { shape: case.shape(), precision: case.precision, lengths: &lengths, scale };
		let rows = [reference::rows(&attention, Side::Queries), reference::rows(&attention, Side::Keys)];
		let (longest_queries, longest_keys) = (lengths.longest_queries(), lengths.longest_keys());
		let strides = [case.strides(case.heads.0, longest_queries), case.strides(case.heads.1, longest_keys)];
		let packed = lengths.is_packed();
		let dim = case.head_dim;
		let lay = |side: usize, values: &[u16]| {
			let starts = || rows[side].iter().map(|row| START + row.start(packed, strides[side]));
			let mut array = vec![case.garbage; starts().max().unwrap_or(0) + dim + START];
			for (row, at) in rows[side].iter().zip(starts()) {
				array[at..at + dim].copy_from_slice(&values[row.index * dim..(row.index + 1) * dim]);
			}
			array
		};
		let random = |side: usize, seed| {
			lay(side, &reference::random(case.seed * 4 + seed, rows[side].len() * dim, case.precision))
		};
		let (q, k, v, d_output) = (random(0, 0), random(1, 1), random(1, 2), random(0, 3));
		let view = |side: usize, values| HostView { values, start: START, strides: strides[side] };
		let (qv, kv, vv, dv) = (view(0, &q), view(1, &k), view(1, &v), view(0, &d_output));
		let forward = reference::forward(&attention, qv, kv, vv);
		let rounded: Vec<u16> = forward.output.iter().map(|x| case.precision.round(*x)).collect();
		let expected = reference::backward(&attention, qv, kv, vv, dv);
		let lse = forward.lse.iter().map(|x| *x as f32).collect();
		let output = lay(0, &rounded);
		Self { case, scale, q, k, v, output, d_output, lse, strides, rows, packed, expected }
	}

	/// The bits of dQ, dK, dV, rows in the order of the reference.
	fn gradients(&self, seed: u64, tiles: Tiles) -> [Vec<u16>; 3] {
		self.on_device(seed, tiles, |backward, gradients| backward.run(gradients).unwrap())
			.map(|array| array.into_iter().map(|bits| bits.expect("every row is written")).collect())
	}

	/// The same after any launches; `None` where nothing was written.
	fn on_device(
		&self,
		seed: u64,
		tiles: Tiles,
		launch: impl FnOnce(&Backward<'_>, &Gradients<'_>),
	) -> [Vec<Option<u16>>; 3] {
		let device = Emulation::new(seed);
		let lengths = self.case.lengths(&device);
		let up = |values: &[u16]| Buffer::upload(&device, values).unwrap();
		let arrays = [&self.q, &self.k, &self.v, &self.output, &self.d_output].map(|array| up(array));
		let results = [&self.q, &self.k, &self.v].map(|array| up(&vec![UNTOUCHED; array.len()]));
		let lse = Buffer::upload(&device, &self.lse).unwrap();
		let [sq, sk] = self.strides;
		let view = |values, strides| View { values, start: START, strides };
		let inputs = Inputs {
			forward: forward::Inputs {
				queries: view(&arrays[0], sq),
				keys: view(&arrays[1], sk),
				values: view(&arrays[2], sk),
			},
			output: view(&arrays[3], sq),
			d_output: view(&arrays[4], sq),
			lse: &lse,
		};
		let gradients = Gradients {
			queries: view(&results[0], sq),
			keys: view(&results[1], sk),
			values: view(&results[2], sk),
		};
		let Case { precision, .. } = self.case;
		let attention =
			Attention { shape: self.case.shape(), precision, lengths: &lengths, scale: self.scale };
		let backward = Backward::new(attention, inputs).unwrap().with_tiles(tiles).unwrap();
		launch(&backward, &gradients);
		let read = |array: &Buffer<u16>, side: usize| {
			let (mut bits, dim) = (array.download().unwrap(), self.case.head_dim);
			let mut out = Vec::new();
			for row in &self.rows[side] {
				let at = START + row.start(self.packed, self.strides[side]);
				out.extend(
					bits[at..at + dim].iter().map(|bits| Some(*bits).filter(|bits| *bits != UNTOUCHED)),
				);
				bits[at..at + dim].fill(UNTOUCHED);
			}
			assert!(bits.iter().all(|bits| *bits == UNTOUCHED), "{:?}: only rows are written", self.case);
			out
		};
		[read(&results[0], 0), read(&results[1], 1), read(&results[2], 1)]
	}

	/// Rows of one side as numbers, in the order of the reference.
	fn wide(&self, side: usize, array: &[u16]) -> Vec<Vec<f64>> {
		let row = |row: &Row| {
			let at = START + row.start(self.packed, self.strides[side]);
			array[at..at + self.case.head_dim].iter().map(|bits| self.case.precision.value(*bits)).collect()
		};
		self.rows[side].iter().map(row).collect()
	}

	/// Pairs of a query row and a key row that it sees, both as indices.
	fn pairs(&self) -> Vec<(usize, usize)> {
		let group = self.case.heads.0 / self.case.heads.1;
		let count = |side: usize, of: &Row| {
			self.rows[side].iter().filter(|row| row.sequence == of.sequence && row.head == 0).count()
		};
		let mut pairs = Vec::new();
		for query in &self.rows[0] {
			let (queries, keys) = (count(0, query), count(1, query));
			for key in &self.rows[1] {
				let same = key.sequence == query.sequence && key.head == query.head / group;
				if same && (!self.case.causal || key.row + queries <= query.row + keys) {
					pairs.push((query.index, key.index));
				}
			}
		}
		pairs
	}

	/// How far each value may be off: P and dS are rounded once before they are multiplied, O once before it enters
	/// Delta, and the result once; everything else is f32. Numbers too small for f16 lose up to `tiny` each.
	fn bounds(&self) -> [Vec<f64>; 3] {
		let dim = self.case.head_dim;
		let (q, d_output) = (self.wide(0, &self.q), self.wide(0, &self.d_output));
		let (k, v) = (self.wide(1, &self.k), self.wide(1, &self.v));
		let output = self.wide(0, &self.output);
		let scale = f64::from(self.scale);
		let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
		let (epsilon, tiny) = (2.1 * self.case.precision.epsilon(), 2f64.powi(-25));
		let mut bounds = [q.len(), k.len(), v.len()].map(|rows| vec![2.0 * tiny; rows * dim]);
		for (i, j) in self.pairs() {
			let weight = (scale * dot(&q[i], &k[j]) - f64::from(self.lse[i])).exp();
			let delta: f64 = output[i].iter().zip(&d_output[i]).map(|(a, b)| (a * b).abs()).sum();
			let d_score = weight * ((dot(&d_output[i], &v[j]).abs() + delta) * epsilon + 1e-5) + tiny;
			for d in 0..dim {
				bounds[0][i * dim + d] += scale * d_score * k[j][d].abs();
				bounds[1][j * dim + d] += scale * d_score * q[i][d].abs();
				bounds[2][j * dim + d] += (weight * epsilon + tiny) * d_output[i][d].abs();
			}
		}
		bounds
	}

	fn check(&self, seed: u64, tiles: Tiles) {
		let (bounds, got) = (self.bounds(), self.gradients(seed, tiles));
		let expected = [&self.expected.queries, &self.expected.keys, &self.expected.values];
		for (which, name) in ["dq", "dk", "dv"].into_iter().enumerate() {
			for (at, bits) in got[which].iter().enumerate() {
				let (got, expected) = (self.case.precision.value(*bits), expected[which][at]);
				let (error, bound) = ((got - expected).abs(), bounds[which][at]);
				let dim = self.case.head_dim;
				let place = (name, at / dim, at % dim);
				assert!(
					error <= bound,
					"{:?}, {tiles:?}, {place:?}: {got}, not {expected} ± {bound}",
					self.case
				);
			}
		}
	}
}

/// A different choice each time.
fn some_tiles(head_dim: usize, number: usize) -> Tiles {
	let all = Tiles::candidates(head_dim);
	all[number % all.len()]
}

fn largest(head_dim: usize) -> Tiles {
	some_tiles(head_dim, 0)
}

#[test]
fn gradients_should_equal_the_reference_up_to_rounding() {
	let sizes = [(1, 1), (17, 63), (64, 64), (65, 130), (130, 65), (63, 17)];
	let mut number = 0;
	for head_dim in [64, 128] {
		for precision in BOTH {
			for causal in [false, true] {
				for (queries, keys) in sizes {
					let problem = Problem::new(Case::new(precision, head_dim, causal, queries, keys));
					problem.check(number as u64, some_tiles(head_dim, number));
					number += 1;
				}
				number += 1;
			}
		}
	}
}

#[test]
fn keys_and_values_should_sum_over_the_query_heads_of_their_group() {
	for (head_dim, precision) in [(64, Precision::Bf16), (128, Precision::F16)] {
		for (number, heads) in [(3, 1), (6, 2), (4, 4)].into_iter().enumerate() {
			let case = Case { heads, batch: 2, ..Case::new(precision, head_dim, number != 1, 33, 70) };
			Problem::new(case).check(40 + number as u64, some_tiles(head_dim, number));
		}
	}
}

#[test]
fn sequences_should_have_lengths_of_their_own() {
	let sizes = vec![(0, 5), (17, 0), (65, 64), (0, 0), (1, 130), (64, 63), (3, 3)];
	for (number, (head_dim, precision)) in
		[(64, Precision::F16), (128, Precision::Bf16)].into_iter().enumerate()
	{
		for causal in [false, true] {
			let batch = sizes.len();
			let sizes = Sizes::Packed(sizes.clone());
			let case = Case { heads: (2, 1), batch, sizes, ..Case::new(precision, head_dim, causal, 7, 7) };
			Problem::new(case).check(50 + number as u64, some_tiles(head_dim, number));
		}
	}
}

#[test]
fn rows_that_see_or_are_seen_by_nothing_should_have_no_gradient() {
	for head_dim in [64, 128] {
		let blind = Problem::new(Case::new(Precision::F16, head_dim, true, 80, 10));
		let [dq, ..] = blind.gradients(1, largest(head_dim));
		let (unseeing, seeing) = dq.split_at(70 * head_dim);
		assert!(unseeing.iter().all(|bits| *bits == 0));
		// The first query that sees a key sees only one: its weight is 1 whatever the query.
		assert!(seeing[head_dim..].iter().any(|bits| *bits != 0));
		for (queries, keys) in [(0, 70), (70, 0)] {
			let problem = Problem::new(Case::new(Precision::Bf16, head_dim, false, queries, keys));
			for array in problem.gradients(2, largest(head_dim)) {
				assert!(array.iter().all(|bits| *bits == 0));
			}
		}
	}
}

/// Two causal query heads over one head of keys, of a ragged size.
fn ragged(precision: Precision, head_dim: usize) -> Case {
	Case { heads: (2, 1), ..Case::new(precision, head_dim, true, 130, 150) }
}

#[test]
fn bits_should_depend_on_neither_the_run_nor_the_tiles() {
	for head_dim in [64, 128] {
		let problem = Problem::new(ragged(Precision::F16, head_dim));
		let first = problem.gradients(0, largest(head_dim));
		for (seed, tiles) in Tiles::candidates(head_dim).iter().enumerate() {
			assert!(problem.gradients(100 + seed as u64, *tiles) == first, "{head_dim}, {tiles:?}");
		}
	}
}

#[test]
fn bits_should_not_depend_on_what_lies_between_rows() {
	for (head_dim, precision) in [(64, Precision::F16), (128, Precision::Bf16)] {
		let case = Case { heads: (2, 2), ..Case::new(precision, head_dim, true, 65, 40) };
		let zeros = Problem::new(Case { garbage: 0, ..case.clone() });
		let tiles = largest(head_dim);
		assert!(Problem::new(case).gradients(3, tiles) == zeros.gradients(4, tiles));
	}
}

#[test]
fn a_sequence_should_have_the_same_bits_alone_and_in_a_batch() {
	for (head_dim, packed) in [(64, false), (64, true), (128, true)] {
		let (queries, keys) = (70, 65);
		let sizes = match packed {
			true => Sizes::Packed(vec![(queries, keys), (31, 90)]),
			false => Sizes::Uniform(queries, keys),
		};
		let case = Case { batch: 2, heads: (2, 1), sizes, ..Case::new(Precision::F16, head_dim, true, 0, 0) };
		let both = Problem::new(case.clone());
		let together = both.gradients(5, largest(head_dim));
		for sequence in 0..2 {
			let size = match packed && sequence == 1 {
				true => (31, 90),
				false => (queries, keys),
			};
			let mut alone =
				Problem::new(Case { batch: 1, sizes: Sizes::Uniform(size.0, size.1), ..case.clone() });
			let rows = |side: usize| both.rows[side].iter().filter(move |row| row.sequence == sequence);
			let copy = |side: usize, to: &mut Vec<u16>, from: &[u16]| {
				for (mine, theirs) in alone.rows[side].iter().zip(rows(side)) {
					let to_at = START + mine.start(false, alone.strides[side]);
					let from_at = START + theirs.start(packed, both.strides[side]);
					to[to_at..to_at + head_dim].copy_from_slice(&from[from_at..from_at + head_dim]);
				}
			};
			let mut arrays = [&alone.q, &alone.k, &alone.v, &alone.output, &alone.d_output].map(Clone::clone);
			for (to, (side, from)) in arrays.iter_mut().zip([
				(0, &both.q),
				(1, &both.k),
				(1, &both.v),
				(0, &both.output),
				(0, &both.d_output),
			]) {
				copy(side, to, from);
			}
			[alone.q, alone.k, alone.v, alone.output, alone.d_output] = arrays;
			alone.lse = rows(0).map(|row| both.lse[row.index]).collect();
			let [dq, dk, dv] = alone.gradients(6, largest(head_dim));
			for (side, alone, together) in
				[(0, dq, &together[0]), (1, dk, &together[1]), (1, dv, &together[2])]
			{
				let theirs =
					rows(side).flat_map(|row| &together[row.index * head_dim..(row.index + 1) * head_dim]);
				assert!(alone.iter().eq(theirs), "{head_dim}, sequence {sequence}, packed {packed}");
			}
		}
	}
}

#[test]
fn any_block_should_be_computable_alone() {
	for head_dim in [64, 128] {
		let case = Case { batch: 2, heads: (4, 2), ..Case::new(Precision::Bf16, head_dim, true, 150, 140) };
		let problem = Problem::new(case);
		let tiles = Tiles { keys: 64, queries: 64 };
		let [dq, dk, dv] = problem.gradients(7, tiles);
		let part = Part { sequences: 1..2, heads: 1..2, rows: 70..71 };
		let alone = problem.on_device(8, tiles, |backward, gradients| {
			backward.run_queries(&part, &gradients.queries).unwrap();
			backward.run_keys(&part, &gradients.keys, &gradients.values).unwrap();
		});
		for (side, whole, alone) in [(0, dq, &alone[0]), (1, dk, &alone[1]), (1, dv, &alone[2])] {
			for row in &problem.rows[side] {
				let inside = row.sequence == 1 && row.head == 1 && (64..128).contains(&row.row);
				for at in row.index * head_dim..(row.index + 1) * head_dim {
					assert_eq!(alone[at], Some(whole[at]).filter(|_| inside), "{row:?}");
				}
			}
		}
	}
}

#[test]
fn statistics_should_follow_inputs_that_change() {
	let tiles = largest(64);
	let [old, new] =
		[1, 2].map(|seed| Problem::new(Case { seed, ..Case::new(Precision::F16, 64, true, 20, 20) }));
	let device = Emulation::new(9);
	let lengths = old.case.lengths(&device);
	let up = |values: &[u16]| Buffer::upload(&device, values).unwrap();
	let arrays = [&old.q, &old.k, &old.v, &old.output, &old.d_output].map(|array| up(array));
	let results = [(); 3].map(|()| up(&vec![UNTOUCHED; old.q.len()]));
	let lse = Buffer::upload(&device, &old.lse).unwrap();
	let view = |values| View { values, start: START, strides: old.strides[0] };
	let [queries, keys, values, output, d_output] = arrays.each_ref().map(view);
	let forward = forward::Inputs { queries, keys, values };
	let attention =
		Attention { shape: old.case.shape(), precision: Precision::F16, lengths: &lengths, scale: old.scale };
	let backward = Backward::new(attention, Inputs { forward, output, d_output, lse: &lse }).unwrap();
	for (array, values) in arrays.iter().zip([&new.q, &new.k, &new.v, &new.output, &new.d_output]) {
		array.write(values).unwrap();
	}
	lse.write(&new.lse).unwrap();
	backward.compute_statistics().unwrap();
	let [queries, keys, values] = results.each_ref().map(view);
	backward.run(&Gradients { queries, keys, values }).unwrap();
	let expected = new.on_device(10, tiles, |backward, gradients| backward.run(gradients).unwrap());
	for (result, (side, expected)) in
		results.iter().zip([(0, &expected[0]), (1, &expected[1]), (1, &expected[2])])
	{
		let bits = result.download().unwrap();
		let rows = new.rows[side].iter().flat_map(|row| {
			let at = START + row.start(false, new.strides[side]);
			bits[at..at + 64].iter().map(|bits| Some(*bits))
		});
		assert!(rows.eq(expected.iter().copied()));
	}
}

#[test]
fn gradients_should_be_the_slopes_of_the_forward_pass() {
	for (head_dim, precision) in [(64, Precision::F16), (128, Precision::Bf16)] {
		let problem = Problem::new(Case { heads: (2, 1), ..Case::new(precision, head_dim, true, 3, 5) });
		let bounds = problem.bounds();
		let gradients = problem.gradients(11, largest(head_dim));
		let inputs = [(0, &problem.q), (1, &problem.k), (1, &problem.v)];
		let inputs = inputs.map(|(side, array)| problem.wide(side, array));
		let (d_output, pairs) = (problem.wide(0, &problem.d_output), problem.pairs());
		let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
		let loss = |[q, k, v]: &[Vec<Vec<f64>>; 3]| -> f64 {
			(0..q.len())
				.map(|i| {
					let seen = || pairs.iter().filter(|pair| pair.0 == i).map(|pair| pair.1);
					let weight = |j: usize| (f64::from(problem.scale) * dot(&q[i], &k[j])).exp();
					let sum: f64 = seen().map(weight).sum();
					seen().map(|j| weight(j) / sum * dot(&v[j], &d_output[i])).sum::<f64>()
				})
				.sum()
		};
		for which in 0..3 {
			for at in (0..gradients[which].len()).step_by(11) {
				let moved = |by: f64| {
					let mut inputs = inputs.clone();
					inputs[which][at / head_dim][at % head_dim] += by;
					loss(&inputs)
				};
				let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
				let got = precision.value(gradients[which][at]);
				let bound = bounds[which][at] + 1e-6;
				assert!(
					(got - slope).abs() <= bound,
					"array {which}, value {at}: {got}, not {slope} ± {bound}"
				);
			}
		}
	}
}

#[test]
fn what_does_not_fit_should_be_an_error() {
	let device = Emulation::new(12);
	let array = |rows: usize| Buffer::<u16>::zeros(&device, rows * 64).unwrap();
	let (queries, keys) = (array(2 * 6 * 40), array(2 * 3 * 50));
	let (lse, six) = (Buffer::<f32>::zeros(&device, 2 * 6 * 40).unwrap(), Buffer::zeros(&device, 6).unwrap());
	let lengths = Lengths::Uniform { queries: 40, keys: 50 };
	let (of_queries, of_keys) = (Strides::heads_first(6, 40, 64), Strides::heads_first(3, 50, 64));
	let (q, k) = (View::new(&queries, of_queries), View::new(&keys, of_keys));
	let forward = forward::Inputs { queries: q, keys: k, values: k };
	let inputs = Inputs { forward, output: q, d_output: q, lse: &lse };
	let shape = AttentionShape { batch: 2, query_heads: 6, kv_heads: 3, head_dim: 64, causal: true };
	let attention = |shape, scale| Attention { shape, precision: Precision::F16, lengths: &lengths, scale };
	let refused = |inputs, shape, scale| match Backward::new(attention(shape, scale), inputs) {
		Ok(_) => panic!("this fits"),
		Err(error) => error.to_string(),
	};
	let short = View::new(&keys, of_queries);
	let of = |forward| Inputs { forward, ..inputs };
	for (name, inputs) in [
		("queries: [2, 6, 40, 64]", of(forward::Inputs { queries: short, ..forward })),
		("keys: [2, 3, 50, 64]", of(forward::Inputs { keys: View { start: 8, ..k }, ..forward })),
		("values: start and strides", of(forward::Inputs { values: View { start: 4, ..k }, ..forward })),
		("output: [2, 6, 40, 64]", Inputs { output: short, ..inputs }),
		("gradient of the output: [2, 6, 40, 64]", Inputs { d_output: short, ..inputs }),
		("log-sum-exp has 6 floats", Inputs { lse: &six, ..inputs }),
	] {
		let error = refused(inputs, shape, 0.1);
		assert!(error.starts_with(name), "{error}");
	}
	assert!(refused(inputs, AttentionShape { head_dim: 96, ..shape }, 0.1).contains("a head of 96 values"));
	assert!(refused(inputs, AttentionShape { kv_heads: 4, ..shape }, 0.1).contains("evenly"));
	assert!(refused(inputs, shape, 0.0).contains("scale"));

	let backward = Backward::new(attention(shape, 0.1), inputs).unwrap();
	let overlapping = View::new(&queries, Strides { row: 56, ..of_queries });
	for (name, queries, values) in [("queries overlap", overlapping, k), ("values: [2, 3, 50, 64]", q, short)]
	{
		let error = backward.run(&Gradients { queries, keys: k, values }).unwrap_err().to_string();
		assert!(error.contains(&format!("gradient of the {name}")), "{error}");
	}
	let too_far = Part { sequences: 0..2, heads: 0..6, rows: 0..41 };
	assert!(backward.run_queries(&too_far, &q).unwrap_err().to_string().contains("rows 0..41 of 40"));
	let error = backward.run_keys(&Part { rows: 0..40, ..too_far }, &k, &k).unwrap_err();
	assert!(error.to_string().contains("heads 0..6 of 3"));
	let error = backward.with_tiles(Tiles { keys: 32, queries: 64 }).map(|_| ()).unwrap_err();
	assert!(error.to_string().contains("for heads of 64 values"));
}
