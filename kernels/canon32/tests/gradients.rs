//! Gradients: of every operation and of a whole decoder, against differences in `f64`.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use common::*;
use noesis_canon32::{
	attention::{self, AttentionShape, Forward},
	gate, loss,
	model::{Config, Model, Weights},
	norm, Backend, Real,
};

const BACKEND: Backend = Backend::Scalar;
const STEP: f64 = 1e-5;

/// Compares a gradient with central differences of a function, at every element.
fn check(what: &str, x: &[f64], gradient: &[f64], value: impl Fn(&[f64]) -> f64) {
	let mut moved = x.to_vec();
	for (i, &g) in gradient.iter().enumerate() {
		moved[i] = x[i] + STEP;
		let above = value(&moved);
		moved[i] = x[i] - STEP;
		let difference = (above - value(&moved)) / (2.0 * STEP);
		moved[i] = x[i];
		assert!((difference - g).abs() < 1e-7 * (1.0 + g.abs()), "{what} {i}: {g}, difference {difference}");
	}
}

/// A sum with weights, so that every output counts differently.
fn weighted(values: &[f64], weights: &[f64]) -> f64 {
	values.iter().zip(weights).map(|(a, b)| a * b).sum()
}

fn normal(seed: u64, length: usize) -> Vec<f64> {
	on(&Stream(seed).numbers(length, 1.5))
}

#[test]
fn norm_gradients_should_equal_differences() {
	let (x, gain, dy) = (normal(1, 3 * 45), normal(2, 45), normal(3, 3 * 45));
	let forward = |x: &[f64], gain: &[f64]| {
		let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; 3]);
		norm::forward(BACKEND, x, gain, 1e-5, &mut y, &mut inverse).unwrap();
		(y, inverse)
	};
	let (_, inverse) = forward(&x, &gain);
	let (mut dx, mut dgain) = (vec![0.0; x.len()], vec![0.0; gain.len()]);
	norm::backward(BACKEND, &x, &gain, &inverse, &dy, &mut dx, &mut dgain).unwrap();
	check("dx", &x, &dx, |x| weighted(&forward(x, &gain).0, &dy));
	check("dgain", &gain, &dgain, |gain| weighted(&forward(&x, gain).0, &dy));
}

#[test]
fn gate_gradients_should_equal_differences() {
	let (a, b, d) = (normal(1, 50), normal(2, 50), normal(3, 50));
	let forward = |a: &[f64], b: &[f64]| {
		let mut out = vec![0.0; a.len()];
		gate::forward(BACKEND, a, b, &mut out).unwrap();
		weighted(&out, &d)
	};
	let (mut da, mut db) = (vec![0.0; 50], vec![0.0; 50]);
	gate::backward(BACKEND, &a, &b, &d, &mut da, &mut db).unwrap();
	check("gate", &a, &da, |a| forward(a, &b));
	check("up", &b, &db, |b| forward(&a, b));
}

#[test]
fn attention_gradients_should_equal_differences_when_tokens_pass_a_block() {
	let shape = AttentionShape { batch: 1, tokens: 67, heads: 2, kv_heads: 1, head_dim: 3 };
	let (q, k, v, dout) =
		(normal(1, 2 * 67 * 3), normal(2, 67 * 3), normal(3, 67 * 3), normal(4, 2 * 67 * 3));
	let forward = |q: &[f64], k: &[f64], v: &[f64]| {
		let mut out = vec![0.0; q.len()];
		let softmax = attention::forward(BACKEND, shape, q, k, v, &mut out).unwrap();
		(out, softmax)
	};
	let (out, softmax) = forward(&q, &k, &v);
	let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
	let saved = Forward { q: &q, k: &k, v: &v, out: &out, softmax: &softmax };
	attention::backward(BACKEND, shape, saved, &dout, &mut dq, &mut dk, &mut dv).unwrap();
	check("dq", &q, &dq, |q| weighted(&forward(q, &k, &v).0, &dout));
	check("dk", &k, &dk, |k| weighted(&forward(&q, k, &v).0, &dout));
	check("dv", &v, &dv, |v| weighted(&forward(&q, &k, v).0, &dout));
}

#[test]
fn loss_gradients_should_equal_differences() {
	let (student, teacher) = (normal(1, 4 * 33), normal(2, 4 * 33));
	let targets = [3, loss::IGNORED, 32, 0];
	let mut gradient = vec![0.0; student.len()];
	let hard = |x: &[f64], d: &mut [f64]| loss::cross_entropy(BACKEND, 33, x, &targets, d).unwrap();
	hard(&student, &mut gradient);
	check("cross-entropy", &student, &gradient, |x| hard(x, &mut vec![0.0; x.len()]));
	let soft = |x: &[f64], d: &mut [f64]| loss::distillation(BACKEND, 33, x, &teacher, 2.5, d).unwrap();
	soft(&student, &mut gradient);
	check("distillation", &student, &gradient, |x| soft(x, &mut vec![0.0; x.len()]));
}

/// Loss and gradients of a tiny decoder.
fn run<T: Real>(config: &Config, weights: &Weights<T>, batch: usize, length: usize) -> (T, Weights<T>) {
	let model = Model::new(BACKEND, config.clone(), batch, length);
	let (tokens, targets) = tokens(config, batch * length, 11);
	let tape = model.forward(weights, &tokens).unwrap();
	let mut dlogits = vec![T::ZERO; tape.logits.len()];
	let loss = loss::cross_entropy(BACKEND, config.vocabulary, &tape.logits, &targets, &mut dlogits).unwrap();
	(loss, model.backward(weights, &tape, &dlogits).unwrap())
}

#[test]
fn gradients_of_a_whole_decoder_should_equal_differences() {
	for tied in [true, false] {
		let config = tiny(tied);
		let weights = weights_on::<f64>(&config, &weights(&config, 5));
		let (_, gradient) = run(&config, &weights, 2, 9);
		for (number, (tensor, gradient)) in weights.tensors().zip(gradient.tensors()).enumerate() {
			// Some elements of each tensor, the first and the last among them.
			for i in (0..tensor.len()).step_by((tensor.len() / 24).max(1)).chain([tensor.len() - 1]) {
				let loss = |change: f64| {
					let mut weights = weights.clone();
					weights.tensors_mut().nth(number).unwrap()[i] += change;
					run(&config, &weights, 2, 9).0
				};
				let difference = (loss(STEP) - loss(-STEP)) / (2.0 * STEP);
				let g = gradient[i];
				assert!(
					(difference - g).abs() < 1e-7 * (1.0 + g.abs()),
					"tensor {number}, {i}: {g}, {difference}"
				);
			}
		}
	}
}

#[test]
fn gradients_in_binary32_should_be_those_of_f64_to_four_digits() {
	let config = tiny(true);
	let weights = weights(&config, 6);
	let (loss, gradient) = run(&config, &weights, 2, 40);
	let (real_loss, real) = run(&config, &weights_on::<f64>(&config, &weights), 2, 40);
	assert!((f64::from(loss) - real_loss).abs() < 1e-5 * real_loss);
	for (gradient, real) in gradient.tensors().zip(real.tensors()) {
		let scale = real.iter().fold(0.0f64, |m, x| m.max(x.abs()));
		for (&g, &r) in gradient.iter().zip(real) {
			assert!((f64::from(g) - r).abs() < 1e-4 * r.abs() + 1e-5 * scale, "{g} {r}");
		}
	}
}
