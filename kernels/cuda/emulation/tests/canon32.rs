//! Every operation of the `Canon32` profile against `noesis_canon32`, bit for bit, on ragged shapes.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon32::{
	attention::{self, AttentionShape},
	embedding, gate, heads,
	linear::{self, LinearShape},
	loss, norm,
	optimiser::{self, Settings},
	rope::{self, Rotations},
	Backend,
};
use noesis_cuda::{
	canon32::{Canon32, Direction, Forward, Targets, Tokens, Turns},
	Buffer, Device,
};
use noesis_cuda_emulation::Emulation;
use proptest::prelude::*;
use std::sync::Arc;

const CPU: Backend = Backend::Scalar;

/// A device, and numbers from the same seed.
struct Bench {
	device: Arc<dyn Device>,
	canon: Canon32,
	seed: u64,
}

impl Bench {
	fn new(seed: u64) -> Self {
		let device = Emulation::new(seed);
		let canon = Canon32::new(&device).unwrap();
		Self { device, canon, seed }
	}

	/// SplitMix64.
	fn next(&mut self) -> u64 {
		self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let x = (self.seed ^ self.seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
		x ^ x >> 31
	}

	/// Numbers in `[-most, most)`, zeros of either sign among them.
	fn numbers(&mut self, length: usize, most: f32) -> Vec<f32> {
		let mut number = |_| {
			let x = self.next();
			match x % 32 {
				0 => 0.0,
				1 => -0.0,
				_ => ((x >> 40) as f32 / 8_388_608.0 - 1.0) * most,
			}
		};
		(0..length).map(&mut number).collect()
	}

	fn up(&self, values: &[f32]) -> Buffer<f32> {
		Buffer::upload(&self.device, values).unwrap()
	}

	/// Room for a result, holding garbage.
	fn room(&self, length: usize) -> Buffer<f32> {
		Buffer::uninitialised(&self.device, length).unwrap()
	}
}

#[track_caller]
fn same(what: &str, device: &Buffer<f32>, cpu: &[f32]) {
	let device = device.download().unwrap();
	assert_eq!(device.len(), cpu.len(), "{what}");
	for (i, (a, b)) in device.iter().zip(cpu).enumerate() {
		assert_eq!(a.to_bits(), b.to_bits(), "{what}, element {i}: {a:e} on the device, {b:e} on the CPU");
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(8))]

	#[test]
	fn linear_should_equal_the_cpu(rows in 1usize..150, inputs in 1usize..150, outputs in 1usize..150, seed: u64) {
		let mut bench = Bench::new(seed);
		let shape = LinearShape { rows, inputs, outputs };
		let [x, w] = [rows * inputs, outputs * inputs].map(|n| bench.numbers(n, 2.0));
		let dy = bench.numbers(rows * outputs, 2.0);
		let [mut y, mut dx, mut dw] = [vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]];
		linear::forward(CPU, shape, &x, &w, &mut y).unwrap();
		linear::backward_input(CPU, shape, &dy, &w, &mut dx).unwrap();
		linear::backward_weights(CPU, shape, &dy, &x, &mut dw).unwrap();
		let [gx, gw, gdy] = [&x, &w, &dy].map(|values| bench.up(values));
		let [gy, gdx, gdw] = [&y, &dx, &dw].map(|values| bench.room(values.len()));
		bench.canon.linear(shape, &gx, &gw, &gy).unwrap();
		bench.canon.linear_backward_input(shape, &gdy, &gw, &gdx).unwrap();
		bench.canon.linear_backward_weights(shape, &gdy, &gx, &gdw).unwrap();
		same("y", &gy, &y);
		same("dx", &gdx, &dx);
		same("dw", &gdw, &dw);
		prop_assert_eq!(bench.canon.not_finite().unwrap(), None);
	}

	#[test]
	fn norm_should_equal_the_cpu(rows in 1usize..140, width in 1usize..200, seed: u64) {
		let mut bench = Bench::new(seed);
		let [x, dy, gain] = [rows * width, rows * width, width].map(|n| bench.numbers(n, 3.0));
		let [mut y, mut dx] = [vec![0.0; x.len()], vec![0.0; x.len()]];
		let [mut inverse, mut dgain] = [vec![0.0; rows], vec![0.0; width]];
		norm::forward(CPU, &x, &gain, 1e-5, &mut y, &mut inverse).unwrap();
		norm::backward(CPU, &x, &gain, &inverse, &dy, &mut dx, &mut dgain).unwrap();
		let [gx, gdy, ggain] = [&x, &dy, &gain].map(|values| bench.up(values));
		let [gy, gdx, ginverse, gdgain] = [&y, &dx, &inverse, &dgain].map(|values| bench.room(values.len()));
		bench.canon.norm(&gx, &ggain, 1e-5, &gy, &ginverse).unwrap();
		bench.canon.norm_backward(&gx, &ggain, &ginverse, &gdy, &gdx, &gdgain).unwrap();
		same("y", &gy, &y);
		same("inverse", &ginverse, &inverse);
		same("dx", &gdx, &dx);
		same("dgain", &gdgain, &dgain);
		prop_assert_eq!(bench.canon.not_finite().unwrap(), None);
	}

	#[test]
	fn losses_should_equal_the_cpu(rows in 1usize..12, vocabulary in 1usize..200, temperature in 0.5f32..3.0, seed: u64) {
		let mut bench = Bench::new(seed);
		let [student, teacher] = [(); 2].map(|()| bench.numbers(rows * vocabulary, 30.0));
		let targets: Vec<u32> = (0..rows)
			.map(|_| if bench.next().is_multiple_of(4) { loss::IGNORED } else { (bench.next() % vocabulary as u64) as u32 })
			.collect();
		let [mut hard, mut soft] = [(); 2].map(|()| vec![0.0; student.len()]);
		let hard_loss = loss::cross_entropy(CPU, vocabulary, &student, &targets, &mut hard).unwrap();
		let soft_loss = loss::distillation(CPU, vocabulary, &student, &teacher, temperature, &mut soft).unwrap();
		let (gstudent, gteacher) = (bench.up(&student), bench.up(&teacher));
		let targets = Targets::new(&bench.device, &targets, vocabulary).unwrap();
		let gradient = bench.room(student.len());
		let found = bench.canon.cross_entropy(&gstudent, &targets, &gradient).unwrap();
		prop_assert_eq!(found.to_bits(), hard_loss.to_bits());
		same("cross-entropy", &gradient, &hard);
		let found = bench.canon.distillation(vocabulary, &gstudent, &gteacher, temperature, &gradient).unwrap();
		prop_assert_eq!(found.to_bits(), soft_loss.to_bits());
		same("distillation", &gradient, &soft);
		prop_assert_eq!(bench.canon.not_finite().unwrap(), None);
	}

	#[test]
	fn elements_should_equal_the_cpu(length in 1usize..9000, seed: u64) {
		let mut bench = Bench::new(seed);
		let [a, b, d, m, mut weights] = [(); 5].map(|()| bench.numbers(length, 9.0));
		let v: Vec<f32> = m.iter().map(|x| x * x).collect();
		let [ga, gb, gd, gm, gv, gweights] = [&a, &b, &d, &m, &v, &weights].map(|values| bench.up(values));
		let [gout, gda, gdb] = [(); 3].map(|()| bench.room(length));
		let [mut out, mut da, mut db] = [(); 3].map(|()| vec![0.0; length]);
		gate::forward(CPU, &a, &b, &mut out).unwrap();
		gate::backward(CPU, &a, &b, &d, &mut da, &mut db).unwrap();
		bench.canon.gate(&ga, &gb, &gout).unwrap();
		bench.canon.gate_backward(&ga, &gb, &gd, &gda, &gdb).unwrap();
		same("gate", &gout, &out);
		same("dgate", &gda, &da);
		same("dup", &gdb, &db);
		gate::add(&mut out, &d).unwrap();
		bench.canon.add(&gout, &gd).unwrap();
		same("sum", &gout, &out);

		let square = optimiser::square_sum(CPU, [&a[..], &b[..]]).unwrap();
		prop_assert_eq!(bench.canon.square_sum([&ga, &gb]).unwrap().to_bits(), square.to_bits());
		let settings = Settings { rate: 1e-2, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.1, clip: 2.0 };
		let step = settings.step(7, square);
		let (mut m, mut v) = (m, v);
		optimiser::step(CPU, &step, &mut weights, &a, &mut m, &mut v).unwrap();
		bench.canon.step(&step, &gweights, &ga, &gm, &gv).unwrap();
		same("weights", &gweights, &weights);
		same("first moments", &gm, &m);
		same("second moments", &gv, &v);
		prop_assert_eq!(bench.canon.not_finite().unwrap(), None);
	}

	#[test]
	fn embedding_rope_and_heads_should_equal_the_cpu(batch in 1usize..3, tokens in 1usize..20, head_count in 1usize..4, pairs in 1usize..9, seed: u64) {
		let mut bench = Bench::new(seed);
		let (head_dim, vocabulary) = (2 * pairs, 11);
		let width = head_count * head_dim;
		let ids: Vec<u32> = (0..batch * tokens).map(|_| (bench.next() % vocabulary as u64) as u32).collect();
		let table = bench.numbers(vocabulary * width, 1.0);
		let mut x = vec![0.0; ids.len() * width];
		embedding::forward(width, &ids, &table, &mut x);
		let (gtokens, gtable) = (Tokens::new(&bench.device, &ids, vocabulary).unwrap(), bench.up(&table));
		let (gx, gsplit) = (bench.room(x.len()), bench.room(x.len()));
		bench.canon.embedding(width, &gtokens, &gtable, &gx).unwrap();
		same("embedding", &gx, &x);

		let mut split = heads::split(tokens, head_count, head_dim, &x);
		bench.canon.exchange(tokens, head_count, head_dim, &gx, &gsplit).unwrap();
		same("split", &gsplit, &split);
		let rotations = Rotations::new(10_000, head_dim, tokens);
		let turns = Turns::new(&bench.device, &rotations, tokens, head_dim).unwrap();
		rope::forward(&rotations, tokens, &mut split).unwrap();
		bench.canon.rope(&turns, Direction::Forward, &gsplit).unwrap();
		same("rope", &gsplit, &split);
		rope::backward(&rotations, tokens, &mut split).unwrap();
		bench.canon.rope(&turns, Direction::Backward, &gsplit).unwrap();
		same("rope back", &gsplit, &split);
		let merged = heads::merge(tokens, head_count, head_dim, &split);
		bench.canon.exchange(head_count, tokens, head_dim, &gsplit, &gx).unwrap();
		same("merge", &gx, &merged);

		let mut gradient = table;
		embedding::backward(width, &ids, &merged, &mut gradient).unwrap();
		bench.canon.embedding_backward(width, &gtokens, &gx, &gtable).unwrap();
		same("gradient of the table", &gtable, &gradient);
		prop_assert_eq!(bench.canon.not_finite().unwrap(), None);
	}
}

fn check_attention(seed: u64, shape: AttentionShape) {
	let mut bench = Bench::new(seed);
	let (queries, keys) = (
		shape.rows() * shape.tokens * shape.head_dim,
		shape.batch * shape.kv_heads * shape.tokens * shape.head_dim,
	);
	let [q, dout] = [(); 2].map(|()| bench.numbers(queries, 3.0));
	let [k, v] = [(); 2].map(|()| bench.numbers(keys, 3.0));
	let [mut out, mut dq] = [(); 2].map(|()| vec![0.0; queries]);
	let [mut dk, mut dv] = [(); 2].map(|()| vec![0.0; keys]);
	let softmax = attention::forward(CPU, shape, &q, &k, &v, &mut out).unwrap();
	let forward = attention::Forward { q: &q, k: &k, v: &v, out: &out, softmax: &softmax };
	attention::backward(CPU, shape, forward, &dout, &mut dq, &mut dk, &mut dv).unwrap();

	let [gq, gk, gv, gdout] = [&q, &k, &v, &dout].map(|values| bench.up(values));
	let [gout, gdq, gdk, gdv] = [&out, &dq, &dk, &dv].map(|values| bench.room(values.len()));
	let gsoftmax = bench.canon.attention(shape, &gq, &gk, &gv, &gout).unwrap();
	same("out", &gout, &out);
	same("largest", &gsoftmax.largest, &softmax.largest);
	same("inverse", &gsoftmax.inverse, &softmax.inverse);
	let forward = Forward { q: &gq, k: &gk, v: &gv, out: &gout, softmax: &gsoftmax };
	bench.canon.attention_backward(shape, forward, &gdout, &gdq, &gdk, &gdv).unwrap();
	same("dq", &gdq, &dq);
	same("dk", &gdk, &dk);
	same("dv", &gdv, &dv);
	assert_eq!(bench.canon.not_finite().unwrap(), None);
}

#[test]
fn attention_should_equal_the_cpu() {
	let shapes = [
		(1, 1, 1, 1, 2),
		(2, 13, 4, 2, 6),
		(1, 64, 1, 1, 64),
		(1, 131, 3, 1, 20),
		(1, 70, 2, 2, 80),
		(1, 66, 2, 1, 128),
	];
	for (seed, (batch, tokens, heads, kv_heads, head_dim)) in shapes.into_iter().enumerate() {
		check_attention(seed as u64, AttentionShape { batch, tokens, heads, kv_heads, head_dim });
	}
}

#[test]
fn an_infinity_should_be_found_and_named() {
	let bench = Bench::new(1);
	let shape = LinearShape { rows: 1, inputs: 1, outputs: 2 };
	let [x, w, y] = [&[1e20][..], &[1e20, 1.0], &[0.0, 0.0]].map(|values| bench.up(values));
	bench.canon.linear(shape, &x, &w, &y).unwrap();
	assert_eq!(bench.canon.not_finite().unwrap(), Some("linear"));
}

#[test]
fn arrays_and_tokens_that_do_not_fit_should_be_refused() {
	let bench = Bench::new(1);
	let [x, w, y] = [3, 4, 5].map(|length| bench.room(length));
	let shape = LinearShape { rows: 3, inputs: 1, outputs: 4 };
	assert!(bench.canon.linear(shape, &x, &w, &y).unwrap_err().to_string().contains("where 12 are due"));
	assert!(Tokens::new(&bench.device, &[1, 7], 7).is_err());
	assert!(Targets::new(&bench.device, &[loss::IGNORED, 8], 8).is_err());
}
