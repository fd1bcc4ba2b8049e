//! GFLOP/s of the operations that training spends its time in, for every backend of this machine, in one run.
//!
//! `cargo bench -p noesis-canon32 --profile dev`. `RAYON_NUM_THREADS=1` measures one core.

// A benchmark stops at the first surprise.
#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects)]

use noesis_canon32::{
	attention::{self, AttentionShape, Forward},
	gate,
	linear::{self, LinearShape},
	Backend,
};
use std::time::Instant;

/// Numbers in `[-1, 1)` that need no generator.
fn numbers(length: usize) -> Vec<f32> {
	(0..length as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / 8_388_608.0 - 1.0).collect()
}

/// The best of some runs, as 10^9 operations per second.
fn measure(name: &str, backend: Backend, operations: f64, mut run: impl FnMut()) {
	run();
	let best = (0..5).map(|_| {
		let start = Instant::now();
		run();
		start.elapsed().as_secs_f64()
	});
	let best = best.fold(f64::INFINITY, f64::min);
	println!("{name:<32} {backend:<8?} {:>8.2} ms {:>8.2} G/s", best * 1e3, operations / best / 1e9);
}

fn main() {
	println!("{} threads", std::thread::available_parallelism().map_or(1, usize::from));
	for backend in [Backend::Scalar, Backend::Avx2].into_iter().filter(|b| b.is_available()) {
		bench_linear(backend);
		bench_attention(backend);
		bench_gate(backend);
	}
}

fn bench_linear(backend: Backend) {
	let shape = LinearShape { rows: 512, inputs: 576, outputs: 1536 };
	let (x, w) = (numbers(shape.rows * shape.inputs), numbers(shape.outputs * shape.inputs));
	let mut y = vec![0.0; shape.rows * shape.outputs];
	let (mut dx, mut dw) = (vec![0.0; x.len()], vec![0.0; w.len()]);
	let flops = 2.0 * (shape.rows * shape.inputs * shape.outputs) as f64;
	measure("linear 512x576x1536", backend, flops, || {
		linear::forward(backend, shape, &x, &w, &mut y).unwrap();
	});
	measure("linear backward, input", backend, flops, || {
		linear::backward_input(backend, shape, &y, &w, &mut dx).unwrap();
	});
	measure("linear backward, weights", backend, flops, || {
		linear::backward_weights(backend, shape, &y, &x, &mut dw).unwrap();
	});
}

fn bench_attention(backend: Backend) {
	let shape = AttentionShape { batch: 1, tokens: 1024, heads: 9, kv_heads: 3, head_dim: 64 };
	let (queries, keys) = (9 * 1024 * 64, 3 * 1024 * 64);
	let (q, k, v, dout) = (numbers(queries), numbers(keys), numbers(keys), numbers(queries));
	let mut out = vec![0.0; queries];
	let (mut dq, mut dk, mut dv) = (vec![0.0; queries], vec![0.0; keys], vec![0.0; keys]);
	// Two products over the lower half of the pairs; the two backward passes have seven.
	let product = (9 * 1024 * 1024 * 64) as f64;
	measure("attention 1024 tokens, 9/3 heads", backend, 2.0 * product, || {
		attention::forward(backend, shape, &q, &k, &v, &mut out).unwrap();
	});
	let softmax = attention::forward(backend, shape, &q, &k, &v, &mut out).unwrap();
	let forward = Forward { q: &q, k: &k, v: &v, out: &out, softmax: &softmax };
	measure("attention backward", backend, 7.0 * product, || {
		attention::backward(backend, shape, forward, &dout, &mut dq, &mut dk, &mut dv).unwrap();
	});
}

fn bench_gate(backend: Backend) {
	let length = 512 * 1536;
	let (gate, up) = (numbers(length), numbers(length));
	let mut out = vec![0.0; length];
	measure("silu(gate) * up, elements", backend, length as f64, || {
		gate::forward(backend, &gate, &up, &mut out).unwrap();
	});
}
