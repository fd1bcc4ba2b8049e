//! Every operation: the same bits on every backend, with any number of threads, in soft-float, and as defined by the
//! rows of `noesis_canon::soft`.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use common::*;
use noesis_canon32::{
	attention::{self, AttentionShape, Forward},
	embedding, gate, heads,
	linear::{self, LinearShape},
	loss,
	model::{Objective, Trainer},
	norm,
	optimiser::{self, Settings},
	rope::{self, Rotations},
	soft::{
		leaf,
		sums::{blocked_sum, dot},
		Binary32,
	},
	Backend, NotFinite, Real,
};
use proptest::prelude::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn linear_should_be_dots_in_blocks_of_64(rows in 1usize..90, inputs in 1usize..200, outputs in 1usize..300, seed: u64) {
		let shape = LinearShape { rows, inputs, outputs };
		let mut stream = Stream(seed);
		let (x, w) = (stream.numbers(rows * inputs, 2.0), stream.numbers(outputs * inputs, 2.0));
		let dy = stream.numbers(rows * outputs, 2.0);
		let [y, dx, dw] = everywhere(|backend| linear_all(backend, shape, &x, &w, &dy));
		for t in 0..rows {
			for o in 0..outputs {
				let expected = dot(&x[t * inputs..][..inputs], &w[o * inputs..][..inputs]);
				prop_assert_eq!(y[t * outputs + o], expected.to_bits());
			}
			for i in 0..inputs {
				let expected = blocked_sum(outputs, |o| dy[t * outputs + o] * w[o * inputs + i]);
				prop_assert_eq!(dx[t * inputs + i], expected.to_bits());
			}
		}
		for o in 0..outputs {
			for i in 0..inputs {
				let expected = blocked_sum(rows, |t| dy[t * outputs + o] * x[t * inputs + i]);
				prop_assert_eq!(dw[o * inputs + i], expected.to_bits());
			}
		}
	}

	#[test]
	fn norm_should_be_its_rows(rows in 1usize..140, width in 1usize..150, seed: u64) {
		let mut stream = Stream(seed);
		let (x, dy) = (stream.numbers(rows * width, 3.0), stream.numbers(rows * width, 3.0));
		let gain = stream.numbers(width, 2.0);
		let [y, inverse, dx, dgain] = everywhere(|backend| norm_all(backend, &x, &gain, &dy, rows));
		for (t, &inverse) in inverse.iter().enumerate() {
			let row = t * width..(t + 1) * width;
			let mut expected = vec![0.0; width];
			let factor = leaf::norm(&x[row.clone()], &gain, 1e-5, &mut expected);
			prop_assert_eq!(&y[row.clone()], bits(&expected));
			prop_assert_eq!(inverse, factor.to_bits());
			leaf::norm_backward(&x[row.clone()], &gain, factor, &dy[row.clone()], &mut expected);
			prop_assert_eq!(&dx[row], bits(&expected));
		}
		for i in 0..width {
			let term = |t| dy[t * width + i] * (x[t * width + i] * f32::from_bits(inverse[t]));
			prop_assert_eq!(dgain[i], blocked_sum(rows, term).to_bits());
		}
	}

	#[test]
	fn attention_should_be_its_queries(
		batch in 1usize..3, tokens in 1usize..150, kv_heads in 1usize..3, group in 1usize..4, head_dim in 1usize..40, seed: u64,
	) {
		let shape = AttentionShape { batch, tokens, heads: kv_heads * group, kv_heads, head_dim };
		let mut stream = Stream(seed);
		let [q, dout] = [(); 2].map(|()| stream.numbers(shape.rows() * tokens * head_dim, 3.0));
		let [k, v] = [(); 2].map(|()| stream.numbers(batch * kv_heads * tokens * head_dim, 3.0));
		let [out, largest, inverse, dq, dk, dv] = everywhere(|backend| attention_all(backend, shape, &q, &k, &v, &dout));
		let (expected, expected_gradients) = attention_plain(shape, &q, &k, &v, &dout);
		prop_assert_eq!([out, largest, inverse], expected);
		prop_assert_eq!([dq, dk, dv], expected_gradients);
	}

	#[test]
	fn losses_should_be_their_rows(rows in 1usize..40, vocabulary in 1usize..300, temperature in 0.5f32..4.0, seed: u64) {
		let mut stream = Stream(seed);
		let [student, teacher] = [(); 2].map(|()| stream.numbers(rows * vocabulary, 20.0));
		let targets: Vec<u32> = (0..rows)
			.map(|_| if stream.next() & 3 == 0 { loss::IGNORED } else { (stream.next() % vocabulary as u64) as u32 })
			.collect();
		let [gradient, distilled] = everywhere(|backend| loss_all(backend, &student, &teacher, &targets, temperature));
		let counted = targets.iter().filter(|&&t| t != loss::IGNORED).count().max(1);
		for (t, &target) in targets.iter().enumerate() {
			let row = t * vocabulary..(t + 1) * vocabulary;
			let mut expected = vec![0.0; vocabulary];
			if target != loss::IGNORED {
				leaf::cross_entropy(&student[row.clone()], target as usize, 1.0 / counted as f32, &mut expected);
			}
			prop_assert_eq!(&gradient[row.clone()], bits(&expected));
			let (p, q) = (&student[row.clone()], &teacher[row.clone()]);
			leaf::distillation(p, q, temperature, 1.0 / rows as f32, &mut vec![0.0; vocabulary], &mut expected);
			prop_assert_eq!(&distilled[row], bits(&expected));
		}
	}

	#[test]
	fn elements_should_not_depend_on_the_way(length in 1usize..9000, seed: u64) {
		let mut stream = Stream(seed);
		let values = [(); 5].map(|()| stream.numbers(length, 9.0));
		let [gated, updated] = everywhere(|backend| elements_all(backend, &values));
		for (i, &gated) in gated.iter().enumerate().take(length) {
			prop_assert_eq!(gated, leaf::gated(values[0][i], values[1][i]).to_bits());
		}
		prop_assert_eq!(updated.len(), 3 * length);
	}
}

fn linear_all<T: Binary32>(
	backend: Backend,
	shape: LinearShape,
	x: &[T],
	w: &[T],
	dy: &[T],
) -> [Vec<u32>; 3] {
	let (mut y, mut dx, mut dw) = (dy.to_vec(), x.to_vec(), w.to_vec());
	linear::forward(backend, shape, x, w, &mut y).unwrap();
	linear::backward_input(backend, shape, dy, w, &mut dx).unwrap();
	linear::backward_weights(backend, shape, dy, x, &mut dw).unwrap();
	[bits(&y), bits(&dx), bits(&dw)]
}

fn norm_all(backend: Backend, x: &[f32], gain: &[f32], dy: &[f32], rows: usize) -> [Vec<u32>; 4] {
	let (mut y, mut inverse) = (vec![0.0; x.len()], vec![0.0; rows]);
	norm::forward(backend, x, gain, 1e-5, &mut y, &mut inverse).unwrap();
	let (mut dx, mut dgain) = (vec![0.0; x.len()], vec![0.0; gain.len()]);
	norm::backward(backend, x, gain, &inverse, dy, &mut dx, &mut dgain).unwrap();
	[bits(&y), bits(&inverse), bits(&dx), bits(&dgain)]
}

fn attention_all(
	backend: Backend,
	shape: AttentionShape,
	q: &[f32],
	k: &[f32],
	v: &[f32],
	dout: &[f32],
) -> [Vec<u32>; 6] {
	let mut out = vec![0.0; q.len()];
	let softmax = attention::forward(backend, shape, q, k, v, &mut out).unwrap();
	let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
	let forward = Forward { q, k, v, out: &out, softmax: &softmax };
	attention::backward(backend, shape, forward, dout, &mut dq, &mut dk, &mut dv).unwrap();
	[bits(&out), bits(&softmax.largest), bits(&softmax.inverse), bits(&dq), bits(&dk), bits(&dv)]
}

/// Attention one pair at a time, from the definition.
fn attention_plain(
	shape: AttentionShape,
	q: &[f32],
	k: &[f32],
	v: &[f32],
	dout: &[f32],
) -> ([Vec<u32>; 3], [Vec<u32>; 3]) {
	let (tokens, width, scale) = (shape.tokens, shape.head_dim, shape.scale::<f32>());
	let head = tokens * width;
	let group = shape.heads / shape.kv_heads;
	let (mut out, mut largest, mut inverse) = (vec![0.0; q.len()], Vec::new(), Vec::new());
	let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
	// Probabilities and slopes, [row][query][key].
	let (mut p, mut ds) =
		(vec![0.0; shape.rows() * tokens * tokens], vec![0.0; shape.rows() * tokens * tokens]);
	for row in 0..shape.rows() {
		let (k, v) = (&k[row / group * head..][..head], &v[row / group * head..][..head]);
		for i in 0..tokens {
			let at = row * head + i * width;
			let (q, dout) = (&q[at..at + width], &dout[at..at + width]);
			let (k, v) = (&k[..(i + 1) * width], &v[..(i + 1) * width]);
			let (m, r) = leaf::attend(q, k, v, scale, &mut vec![0.0; i + 1], &mut out[at..at + width]);
			largest.push(m);
			inverse.push(r);
			let delta = dot(dout, &out[at..at + width]);
			let pairs = (row * tokens + i) * tokens;
			for j in 0..=i {
				let key = j * width..(j + 1) * width;
				p[pairs + j] = Real::exp(dot(q, &k[key.clone()]) * scale - m) * r;
				ds[pairs + j] = p[pairs + j] * (dot(dout, &v[key]) - delta);
			}
			for c in 0..width {
				dq[at + c] = blocked_sum(i + 1, |j| ds[pairs + j] * k[j * width + c]) * scale;
			}
		}
	}
	for kv_row in 0..shape.batch * shape.kv_heads {
		for j in 0..tokens {
			for c in 0..width {
				let (mut key, mut value) = (0.0, 0.0);
				for row in kv_row * group..(kv_row + 1) * group {
					// Block by block on the same total: heads follow one another.
					for start in (0..tokens).step_by(64) {
						let queries = tokens.min(start + 64) - start;
						let pair = |i: usize| (row * tokens + start + i) * tokens + j;
						let at = |i: usize| row * head + (start + i) * width + c;
						key += blocked_sum(queries, |i| ds[pair(i)] * q[at(i)]);
						value += blocked_sum(queries, |i| p[pair(i)] * dout[at(i)]);
					}
				}
				dk[kv_row * head + j * width + c] = key * scale;
				dv[kv_row * head + j * width + c] = value;
			}
		}
	}
	([bits(&out), bits(&largest), bits(&inverse)], [bits(&dq), bits(&dk), bits(&dv)])
}

fn loss_all(
	backend: Backend,
	student: &[f32],
	teacher: &[f32],
	targets: &[u32],
	temperature: f32,
) -> [Vec<u32>; 2] {
	let vocabulary = student.len() / targets.len();
	let (mut hard, mut soft) = (vec![0.0; student.len()], vec![0.0; student.len()]);
	let loss = loss::cross_entropy(backend, vocabulary, student, targets, &mut hard).unwrap();
	hard.push(loss);
	let loss = loss::distillation(backend, vocabulary, student, teacher, temperature, &mut soft).unwrap();
	soft.push(loss);
	[bits(&hard), bits(&soft)]
}

fn elements_all(backend: Backend, [a, b, c, d, e]: &[Vec<f32>; 5]) -> [Vec<u32>; 2] {
	let mut out = a.clone();
	gate::forward(backend, a, b, &mut out).unwrap();
	let (mut da, mut db) = (a.clone(), b.clone());
	gate::backward(backend, a, b, c, &mut da, &mut db).unwrap();
	let square = optimiser::square_sum(backend, [&a[..], &b[..]]).unwrap();
	out.extend(da.into_iter().chain(db).chain([square]));
	let step = settings().step(3, square);
	let (mut weights, mut first) = (c.clone(), d.clone());
	let mut second: Vec<f32> = e.iter().map(|x| x * x).collect();
	optimiser::step(backend, &step, &mut weights, a, &mut first, &mut second).unwrap();
	weights.extend(first.into_iter().chain(second));
	[bits(&out), bits(&weights)]
}

fn settings<T: Real>() -> Settings<T> {
	let constant = |x: f32| T::from_bits(x.to_bits());
	Settings {
		rate: constant(1e-2),
		beta1: constant(0.9),
		beta2: constant(0.999),
		epsilon: constant(1e-8),
		decay: constant(0.1),
		clip: constant(0.5),
	}
}

/// Two whole steps of training: the losses and every bit of the gradients, weights and moments.
fn train<T: Binary32>(backend: Backend, tied: bool, batch: usize, length: usize) -> Vec<u32> {
	let config = tiny(tied);
	let weights = weights_on(&config, &weights(&config, 7));
	let mut trainer = Trainer::<T>::new(backend, &config, batch, length, settings(), weights);
	let (tokens, targets) = tokens(&config, batch * length, 8);
	let teacher = on::<T>(&Stream(9).numbers(batch * length * config.vocabulary, 3.0));
	let mut result = Vec::new();
	let objectives =
		[Objective::Targets(&targets), Objective::Teacher { logits: &teacher, temperature: T::from_i32(2) }];
	for objective in objectives {
		let (loss, gradient) = trainer.gradients(&tokens, objective).unwrap();
		let square = trainer.apply(&gradient).unwrap();
		result.extend([loss.to_bits(), square.to_bits()]);
		result.extend(weight_bits(&gradient));
	}
	result.extend([&trainer.weights, &trainer.first, &trainer.second].into_iter().flat_map(weight_bits));
	result
}

#[test]
fn training_should_lower_the_loss() {
	let config = tiny(true);
	let settings = Settings { clip: 1e9, ..settings::<f32>() };
	let mut trainer = Trainer::new(Backend::best(), &config, 2, 19, settings, weights(&config, 7));
	let (tokens, targets) = tokens(&config, 2 * 19, 8);
	let losses: Vec<f32> = (0..40)
		.map(|_| {
			let (loss, gradient) = trainer.gradients(&tokens, Objective::Targets(&targets)).unwrap();
			trainer.apply(&gradient).unwrap();
			loss
		})
		.collect();
	assert!(losses[39] < losses[0] / 4.0, "{losses:?}");
}

#[test]
fn training_should_have_the_same_bits_in_soft_float_and_on_every_path() {
	for tied in [true, false] {
		let hard = everywhere(|backend| train::<f32>(backend, tied, 2, 19));
		assert_eq!(train::<Soft>(Backend::Scalar, tied, 2, 19), hard);
	}
	let hard = everywhere(|backend| train::<f32>(backend, true, 1, 70));
	assert_eq!(train::<Soft>(Backend::Scalar, true, 1, 70), hard);
}

#[test]
fn heads_should_come_back_when_split_and_merged() {
	let x = Stream(1).numbers(2 * 5 * 3 * 4, 1.0);
	let split = heads::split(5, 3, 4, &x);
	assert_eq!(split[5 * 4..][..4], x[4..8]);
	assert_eq!(bits(&heads::merge(5, 3, 4, &split)), bits(&x));
}

#[test]
fn rotations_should_turn_back_and_keep_position_zero() {
	let rotations = Rotations::new(10_000, 8, 33);
	let original = Stream(2).numbers(3 * 33 * 8, 1.0);
	let mut x = original.clone();
	rope::forward(&rotations, 33, &mut x).unwrap();
	assert_eq!(x[..8], original[..8]);
	assert_ne!(x[8..16], original[8..16]);
	rope::backward(&rotations, 33, &mut x).unwrap();
	assert!(x.iter().zip(&original).all(|(a, b)| (a - b).abs() < 2e-4));
	let (cos, sin) = rotations.at(1)[0];
	assert!((cos - 1f32.cos()).abs() < 4e-5 && (sin - 1f32.sin()).abs() < 4e-5);
}

#[test]
fn embedding_should_add_in_the_order_of_tokens() {
	let table = [1.0f32, 2.0, 3.0, 4.0];
	let mut x = [0.0; 6];
	embedding::forward(2, &[1, 0, 1], &table, &mut x);
	assert_eq!(x, [3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
	// 2^24 swallows a one that comes after it.
	let mut gradient = [0.0f32, 0.0, 1.0, 0.0];
	embedding::backward(2, &[1, 0, 1], &[16_777_216.0, 5.0, 7.0, 8.0, 1.0, 6.0], &mut gradient).unwrap();
	assert_eq!(gradient, [7.0, 8.0, 16_777_216.0, 11.0]);
}

#[test]
fn overflow_should_fail_the_job_and_say_where() {
	let shape = LinearShape { rows: 2, inputs: 1, outputs: 3 };
	let mut y = [0.0; 6];
	let result = linear::forward(Backend::best(), shape, &[1.0, 1e20], &[1.0, 1e20, f32::NAN], &mut y);
	assert_eq!(result, Err(NotFinite { operation: "linear", index: 2 }));
	let result = linear::forward(Backend::best(), shape, &[1.0, 1e20], &[1.0, 1e20, 2.0], &mut y);
	assert_eq!(result, Err(NotFinite { operation: "linear", index: 4 }));
	assert!(result.unwrap_err().to_string().contains("index 4"));
}
