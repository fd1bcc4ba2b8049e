//! Every operation, made of the steps that a chain executes by integer instructions: the same bits.

// A test may fail loudly.
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod common;

use common::*;
use noesis_canon32::{
	attention::{self, AttentionShape, Forward},
	embedding, gate,
	linear::{self, LinearShape},
	loss, norm,
	optimiser::{self, Settings},
	rope::{self, Rotations},
	soft::step::Step,
	Backend,
};
use proptest::prelude::*;

const PLAIN: Backend = Backend::Scalar;
const ONE: [f32; 1] = [1.0];

/// One step, as the runtime makes it.
fn step(step: Step, pieces: &[&[f32]]) -> Vec<f32> {
	let pieces: Vec<Vec<u8>> =
		pieces.iter().map(|piece| piece.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
	let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
	let bytes = step.evaluate(&pieces).expect("the pieces fit");
	bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
}

/// A step on each of a vector's numbers.
fn each(of: Step, x: &[f32]) -> Vec<f32> {
	x.chunks(500).flat_map(|x| step(of, &[x])).collect()
}

/// A step on the numbers of two vectors, or of a vector and one number.
fn pairs(of: Step, a: &[f32], b: &[f32]) -> Vec<f32> {
	match b.len() {
		1 => a.chunks(500).flat_map(|a| step(of, &[a, b])).collect(),
		_ => a.chunks(500).zip(b.chunks(500)).flat_map(|(a, b)| step(of, &[a, b])).collect(),
	}
}

fn multiply(a: &[f32], b: &[f32]) -> Vec<f32> {
	pairs(Step::Multiply, a, b)
}

fn add(a: &[f32], b: &[f32]) -> Vec<f32> {
	pairs(Step::Add, a, b)
}

fn subtract(a: &[f32], b: &[f32]) -> Vec<f32> {
	pairs(Step::Subtract, a, b)
}

fn divide(a: &[f32], b: &[f32]) -> Vec<f32> {
	pairs(Step::Divide, a, b)
}

/// A chain of steps over parts of a vector.
fn chain(of: Step, terms: &[f32], part: usize) -> Vec<f32> {
	terms.chunks(part).fold(Vec::new(), |before, terms| step(of, &[&before, terms]))
}

fn sum(terms: &[f32]) -> Vec<f32> {
	chain(Step::Sum, terms, 128)
}

fn row_sum(terms: &[f32]) -> Vec<f32> {
	step(Step::Fold, &[&chain(Step::Lanes, terms, 96)])
}

fn largest(values: &[f32]) -> Vec<f32> {
	chain(Step::Largest, values, 50)
}

/// The dots of a vector with some rows: eight rows and two blocks at a time.
fn dots(left: &[f32], rows: &[&[f32]]) -> Vec<f32> {
	let tile = |rows: &[&[f32]]| {
		(0..left.len()).step_by(128).fold(Vec::new(), |before, first| {
			let part = first..left.len().min(first + 128);
			let rows: Vec<f32> = rows.iter().flat_map(|row| &row[part.clone()]).copied().collect();
			step(Step::Dots, &[&before, &left[part], &rows])
		})
	};
	rows.chunks(8).flat_map(tile).collect()
}

/// The sums of some rows, times a weight each, going on with `before`: a block of rows and 50 columns at a time.
fn weighted_from(before: &[f32], weights: &[f32], rows: &[&[f32]]) -> Vec<f32> {
	let columns = |first: usize| {
		let part = first..rows[0].len().min(first + 50);
		let before = before.get(part.clone()).unwrap_or_default().to_vec();
		weights.chunks(64).zip(rows.chunks(64)).fold(before, |before, (weights, rows)| {
			let rows: Vec<f32> = rows.iter().flat_map(|row| &row[part.clone()]).copied().collect();
			step(Step::Weighted, &[&before, weights, &rows])
		})
	};
	(0..rows[0].len()).step_by(50).flat_map(columns).collect()
}

fn weighted(weights: &[f32], rows: &[&[f32]]) -> Vec<f32> {
	weighted_from(&[], weights, rows)
}

fn rows(matrix: &[f32], width: usize) -> Vec<&[f32]> {
	matrix.chunks_exact(width).collect()
}

fn column(matrix: &[f32], width: usize, at: usize) -> Vec<f32> {
	matrix.iter().skip(at).step_by(width).copied().collect()
}

/// `e = exp(x / temperature - largest)`, the largest, and the row sum.
fn exponentials(x: &[f32], temperature: f32) -> [Vec<f32>; 3] {
	let x = divide(x, &[temperature]);
	let most = largest(&x);
	let e = each(Step::Exponential, &subtract(&x, &most));
	let total = row_sum(&e);
	[e, most, total]
}

/// The mean of losses.
fn mean(losses: &[f32], counted: usize) -> Vec<f32> {
	divide(&row_sum(losses), &[counted as f32])
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(8))]

	#[test]
	fn linear(t in 1usize..80, inputs in 1usize..150, outputs in 1usize..80, seed: u64) {
		let shape = LinearShape { rows: t, inputs, outputs };
		let mut stream = Stream(seed);
		let [x, w, dy] = [t * inputs, outputs * inputs, t * outputs].map(|n| stream.numbers(n, 2.0));
		let [mut y, mut dx, mut dw] = [&dy, &x, &w].map(|like| vec![0.0; like.len()]);
		linear::forward(PLAIN, shape, &x, &w, &mut y).unwrap();
		linear::backward_input(PLAIN, shape, &dy, &w, &mut dx).unwrap();
		linear::backward_weights(PLAIN, shape, &dy, &x, &mut dw).unwrap();
		let (of_x, of_w) = (rows(&x, inputs), rows(&w, inputs));
		let forward: Vec<f32> = of_x.iter().flat_map(|x| dots(x, &of_w)).collect();
		let input: Vec<f32> = rows(&dy, outputs).iter().flat_map(|dy| weighted(dy, &of_w)).collect();
		let weights: Vec<f32> = (0..outputs).flat_map(|o| weighted(&column(&dy, outputs, o), &of_x)).collect();
		prop_assert_eq!([bits(&forward), bits(&input), bits(&weights)], [bits(&y), bits(&dx), bits(&dw)]);
	}

	#[test]
	fn norm_and_residual(t in 1usize..140, width in 1usize..150, seed: u64) {
		let mut stream = Stream(seed);
		let [x, dy] = [(); 2].map(|()| stream.numbers(t * width, 3.0));
		let (gain, epsilon) = (stream.numbers(width, 2.0), 1e-5f32);
		let [mut y, mut dx] = [(); 2].map(|()| vec![0.0; x.len()]);
		let (mut inverse, mut dgain) = (vec![0.0; t], vec![0.0; width]);
		norm::forward(PLAIN, &x, &gain, epsilon, &mut y, &mut inverse).unwrap();
		norm::backward(PLAIN, &x, &gain, &inverse, &dy, &mut dx, &mut dgain).unwrap();
		let n = [width as f32];
		let mut turned = Vec::new();
		for t in 0..t {
			let of = |matrix: &[f32]| matrix[t * width..][..width].to_vec();
			let (x, dy) = (of(&x), of(&dy));
			let mean = divide(&row_sum(&multiply(&x, &x)), &n);
			let factor = divide(&ONE, &each(Step::Root, &add(&mean, &[epsilon])));
			prop_assert_eq!(bits(&factor), bits(&inverse[t..][..1]));
			let scaled = multiply(&x, &factor);
			prop_assert_eq!(bits(&multiply(&scaled, &gain)), bits(&of(&y)));
			let slope = multiply(&dy, &gain);
			let mean = divide(&row_sum(&multiply(&slope, &scaled)), &n);
			let back = multiply(&subtract(&slope, &multiply(&scaled, &mean)), &factor);
			prop_assert_eq!(bits(&back), bits(&of(&dx)));
			turned.extend(scaled);
		}
		let of_gain = |i| sum(&multiply(&column(&dy, width, i), &column(&turned, width, i)));
		prop_assert_eq!(bits(&(0..width).flat_map(of_gain).collect::<Vec<_>>()), bits(&dgain));

		let mut sums = x.clone();
		gate::add(&mut sums, &dy).unwrap();
		prop_assert_eq!(bits(&add(&x, &dy)), bits(&sums));
	}

	#[test]
	fn rope_turns(t in 1usize..40, pairs in 1usize..20, seed: u64) {
		let width = 2 * pairs;
		let rotations = Rotations::<f32>::new(10_000, width, t);
		let x = Stream(seed).numbers(t * width, 4.0);
		for back in [false, true] {
			let mut whole = x.clone();
			let turn = if back { rope::backward } else { rope::forward };
			turn(&rotations, t, &mut whole).unwrap();
			let turned = rows(&x, width).into_iter().enumerate().flat_map(|(position, x)| {
				let sign = if back { -1.0 } else { 1.0 };
				let (cos, sin): (Vec<f32>, Vec<f32>) = rotations.at(position).iter().map(|(c, s)| (*c, s * sign)).unzip();
				step(Step::Rotate, &[x, &cos, &sin])
			});
			prop_assert_eq!(bits(&turned.collect::<Vec<_>>()), bits(&whole));
		}
	}

	#[test]
	fn gates(n in 1usize..1500, seed: u64) {
		let mut stream = Stream(seed);
		let [gate, up, d] = [(); 3].map(|()| stream.numbers(n, 9.0));
		let [mut out, mut dgate, mut dup] = [(); 3].map(|()| vec![0.0; n]);
		gate::forward(PLAIN, &gate, &up, &mut out).unwrap();
		gate::backward(PLAIN, &gate, &up, &d, &mut dgate, &mut dup).unwrap();
		let through = each(Step::Silu, &gate);
		prop_assert_eq!(bits(&multiply(&through, &up)), bits(&out));
		prop_assert_eq!(bits(&multiply(&multiply(&d, &up), &each(Step::SiluSlope, &gate))), bits(&dgate));
		prop_assert_eq!(bits(&multiply(&d, &through)), bits(&dup));
		// The other way to the same: `silu(x) = x · sigmoid(x)`.
		prop_assert_eq!(bits(&multiply(&gate, &each(Step::Sigmoid, &gate))), bits(&through));
	}

	#[test]
	fn attention_both_ways(tokens in 1usize..150, width in 1usize..20, kv_heads in 1usize..3, group in 1usize..3, seed: u64) {
		let shape = AttentionShape { batch: 1, tokens, heads: kv_heads * group, kv_heads, head_dim: width };
		let mut stream = Stream(seed);
		let head = tokens * width;
		let [q, dout] = [(); 2].map(|()| stream.numbers(shape.heads * head, 2.0));
		let [k, v] = [(); 2].map(|()| stream.numbers(kv_heads * head, 2.0));
		let mut out = vec![0.0; q.len()];
		let softmax = attention::forward(PLAIN, shape, &q, &k, &v, &mut out).unwrap();
		let (mut dq, mut dk, mut dv) = (vec![0.0; q.len()], vec![0.0; k.len()], vec![0.0; v.len()]);
		let forward = Forward { q: &q, k: &k, v: &v, out: &out, softmax: &softmax };
		attention::backward(PLAIN, shape, forward, &dout, &mut dq, &mut dk, &mut dv).unwrap();

		let scale = divide(&ONE, &each(Step::Root, &[width as f32]));
		let part = |x: &[f32], row: usize| x[row * width..][..width].to_vec();
		for kv in 0..kv_heads {
			let (keys, values) = (rows(&k[kv * head..][..head], width), rows(&v[kv * head..][..head], width));
			// Of each head of the group: probabilities and slopes of the scores, by query.
			let (mut probabilities, mut slopes) = (Vec::new(), Vec::new());
			for row in kv * group * tokens..(kv + 1) * group * tokens {
				let seen = row % tokens + 1;
				let (q, dout, keys, values) = (part(&q, row), part(&dout, row), &keys[..seen], &values[..seen]);
				let scores = multiply(&dots(&q, keys), &scale);
				let most = largest(&scores);
				let e = each(Step::Exponential, &subtract(&scores, &most));
				let inverse = divide(&ONE, &sum(&e));
				prop_assert_eq!(bits(&multiply(&weighted(&e, values), &inverse)), bits(&part(&out, row)));
				let p = multiply(&e, &inverse);
				let delta = dots(&dout, &[&part(&out, row)]);
				let ds = multiply(&p, &subtract(&dots(&dout, values), &delta));
				prop_assert_eq!(bits(&multiply(&weighted(&ds, keys), &scale)), bits(&part(&dq, row)));
				let masked = |x: Vec<f32>| x.into_iter().chain(std::iter::repeat(0.0)).take(tokens).collect::<Vec<f32>>();
				probabilities.push(masked(p));
				slopes.push(masked(ds));
			}
			for key in 0..tokens {
				let (mut of_key, mut of_value) = (Vec::new(), Vec::new());
				for head_of_group in 0..group {
					let row = kv * group + head_of_group;
					let of = |matrix: &[Vec<f32>]| -> Vec<f32> {
						matrix[head_of_group * tokens..][..tokens].iter().map(|row| row[key]).collect()
					};
					let queries = rows(&q[row * head..][..head], width);
					of_key = weighted_from(&of_key, &of(&slopes), &queries);
					let outputs = rows(&dout[row * head..][..head], width);
					of_value = weighted_from(&of_value, &of(&probabilities), &outputs);
				}
				prop_assert_eq!(bits(&multiply(&of_key, &scale)), bits(&part(&dk, kv * tokens + key)));
				prop_assert_eq!(bits(&of_value), bits(&part(&dv, kv * tokens + key)));
			}
		}
	}

	#[test]
	fn losses(t in 1usize..12, vocabulary in 2usize..300, seed: u64) {
		let mut stream = Stream(seed);
		let [logits, teacher] = [(); 2].map(|()| stream.numbers(t * vocabulary, 6.0));
		let targets: Vec<u32> = (0..t as u64).map(|_| (stream.next() % vocabulary as u64) as u32).collect();
		let mut gradient = vec![0.0; logits.len()];
		let loss = loss::cross_entropy(PLAIN, vocabulary, &logits, &targets, &mut gradient).unwrap();
		let weight = divide(&ONE, &[t as f32]);
		let mut of_rows = Vec::new();
		for (row, &target) in targets.iter().enumerate() {
			let of = |matrix: &[f32]| matrix[row * vocabulary..][..vocabulary].to_vec();
			let logits = of(&logits);
			let [e, most, total] = exponentials(&logits, 1.0);
			let mut hot = vec![0.0; vocabulary];
			hot[target as usize] = 1.0;
			let softmax = multiply(&e, &divide(&ONE, &total));
			prop_assert_eq!(bits(&multiply(&subtract(&softmax, &hot), &weight)), bits(&of(&gradient)));
			let reached = subtract(&logits[target as usize..][..1], &most);
			of_rows.extend(subtract(&each(Step::Logarithm, &total), &reached));
		}
		prop_assert_eq!(bits(&mean(&of_rows, t)), bits(&[loss]));

		let temperature = 2.5f32;
		let loss = loss::distillation(PLAIN, vocabulary, &logits, &teacher, temperature, &mut gradient).unwrap();
		let mut of_rows = Vec::new();
		for row in 0..t {
			let of = |matrix: &[f32]| matrix[row * vocabulary..][..vocabulary].to_vec();
			let softmax = |x: &[f32]| {
				let [e, most, total] = exponentials(x, temperature);
				let divided = subtract(&divide(x, &[temperature]), &most);
				let logarithm = subtract(&divided, &each(Step::Logarithm, &total));
				(multiply(&e, &divide(&ONE, &total)), logarithm)
			};
			let ((q, ln_q), (p, ln_p)) = (softmax(&of(&logits)), softmax(&of(&teacher)));
			let divergence = row_sum(&multiply(&p, &subtract(&ln_p, &ln_q)));
			of_rows.extend(multiply(&divergence, &multiply(&[temperature], &[temperature])));
			let back = multiply(&multiply(&subtract(&q, &p), &[temperature]), &weight);
			prop_assert_eq!(bits(&back), bits(&of(&gradient)));
		}
		prop_assert_eq!(bits(&mean(&of_rows, t)), bits(&[loss]));
	}

	#[test]
	fn optimiser_steps(sizes in proptest::collection::vec(1usize..6000, 1..4), number in 1u32..9, clipped: bool, seed: u64) {
		let mut stream = Stream(seed);
		let tensors: Vec<[Vec<f32>; 4]> = sizes.iter().map(|&n| {
			let [w, g, m] = [2.0, 0.5, 0.1].map(|most| stream.numbers(n, most));
			let v = stream.numbers(n, 0.3).into_iter().map(f32::abs).collect();
			[w, g, m, v]
		}).collect();
		let settings = Settings {
			rate: 1e-3f32, beta1: 0.9, beta2: 0.95, epsilon: 1e-8, decay: 0.1, clip: if clipped { 1.0 } else { 1e6 },
		};
		let square = optimiser::square_sum(PLAIN, tensors.iter().map(|[_, g, ..]| g.as_slice())).unwrap();
		let pieces = tensors.iter().flat_map(|[_, g, ..]| g.chunks(optimiser::NORM_CHUNK));
		let pieces: Vec<f32> = pieces.flat_map(|piece| row_sum(&multiply(piece, piece))).collect();
		let squares = row_sum(&pieces);
		prop_assert_eq!(bits(&squares), bits(&[square]));

		let update = settings.step(number, square);
		let clip = step(Step::Clip, &[&squares, &[settings.clip]]);
		prop_assert_eq!(bits(&clip), bits(&[update.clip]));
		let [beta1, beta2] = [[settings.beta1], [settings.beta2]];
		let (correction1, correction2) = ([update.correction1], [update.correction2]);
		for [mut w, g, mut m, mut v] in tensors {
			let (was, first, second) = (w.clone(), m.clone(), v.clone());
			optimiser::step(PLAIN, &update, &mut w, &g, &mut m, &mut v).unwrap();
			let g = multiply(&g, &clip);
			let first = add(&multiply(&first, &beta1), &multiply(&g, &subtract(&ONE, &beta1)));
			let second = add(&multiply(&second, &beta2), &multiply(&multiply(&g, &g), &subtract(&ONE, &beta2)));
			prop_assert_eq!([bits(&first), bits(&second)], [bits(&m), bits(&v)]);
			let below = add(&each(Step::Root, &divide(&second, &correction2)), &[settings.epsilon]);
			let scaled = divide(&divide(&first, &correction1), &below);
			let change = add(&scaled, &multiply(&was, &[settings.decay]));
			prop_assert_eq!(bits(&subtract(&was, &multiply(&change, &[settings.rate]))), bits(&w));
		}
	}

	#[test]
	fn embeddings(t in 1usize..40, width in 1usize..60, vocabulary in 1u32..9, seed: u64) {
		let mut stream = Stream(seed);
		let tokens: Vec<u32> = (0..t).map(|_| (stream.next() % u64::from(vocabulary)) as u32).collect();
		let dx = stream.numbers(t * width, 2.0);
		let before = stream.numbers(vocabulary as usize * width, 2.0);
		let mut table = before.clone();
		embedding::backward(width, &tokens, &dx, &mut table).unwrap();
		for token in 0..vocabulary {
			let own = before[token as usize * width..][..width].to_vec();
			let mine = rows(&dx, width).into_iter().zip(&tokens).filter(|(_, of)| **of == token);
			let row = mine.fold(own, |row, (dx, _)| add(&row, dx));
			prop_assert_eq!(bits(&row), bits(&table[token as usize * width..][..width]));
		}
	}
}
