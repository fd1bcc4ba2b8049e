//! Causal attention with grouped queries, forward and backward, in memory that grows with the tokens only.
//!
//! Sixteen queries (or keys) go side by side, one in each lane: their scores are a strip `[keys][lane]`, which is what
//! the matrix product takes as its right side. Rows of the result are channels. Backward takes two passes, one over
//! queries for `dq` and one over keys for `dk` and `dv`: nothing is added by two threads.
//!
//! Every sum is a dot in blocks of 64: over the channels for scores, over key positions for denominators, outputs and
//! `dq`, over query positions, one head of the group after the other, for `dk` and `dv`. Blocks begin at multiples of 64
//! of the position; a masked pair is a zero, which changes nothing. So every tile size gives the same bits.

use crate::{
	backend::vectorised,
	finite::check,
	matrix::{strip, Matrix, Panels, TALL, WIDE},
	Backend, NotFinite, Real,
};
use noesis_canon::soft::{
	functions::rsqrt,
	leaf::count,
	sums::{dot, larger, BLOCK},
};
use rayon::prelude::*;

/// One number for each of the rows that go side by side.
type Lanes<T> = [T; WIDE];

/// Sizes of an attention. Queries are `[batch, heads, tokens, head_dim]`, keys and values have `kv_heads`, which
/// divides `heads`: query head `h` reads key head `h / (heads / kv_heads)`.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
	/// Sequences.
	pub batch: usize,
	/// Tokens of each.
	pub tokens: usize,
	/// Query heads.
	pub heads: usize,
	/// Key and value heads.
	pub kv_heads: usize,
	/// Width of a head.
	pub head_dim: usize,
}

impl AttentionShape {
	/// What scores are multiplied by: `1 / √head_dim`.
	pub fn scale<T: Real>(&self) -> T {
		rsqrt(count(self.head_dim))
	}

	/// Query heads of all sequences.
	pub fn rows(&self) -> usize {
		self.batch * self.heads
	}

	fn group(&self) -> usize {
		self.heads / self.kv_heads
	}

	/// Elements of one head of one sequence.
	fn head(&self) -> usize {
		self.tokens * self.head_dim
	}

	fn check(&self, queries: [usize; 2], keys: [usize; 2]) {
		assert_eq!(self.heads % self.kv_heads, 0, "key heads divide query heads");
		assert_eq!(queries, [self.rows() * self.head(); 2], "an attention's queries");
		assert_eq!(keys, [self.batch * self.kv_heads * self.head(); 2], "an attention's keys and values");
	}

	/// The heads of a tensor, or their transposes, packed.
	fn pack<T: Real>(&self, x: &[T], transposed: bool) -> Vec<Panels<T>> {
		x.par_chunks(self.head())
			.map(|x| {
				let matrix = self.matrix(x);
				Panels::new(if transposed { matrix.transposed() } else { matrix })
			})
			.collect()
	}

	fn matrix<'a, T: Real>(&self, head: &'a [T]) -> Matrix<'a, T> {
		Matrix::new(head, self.tokens, self.head_dim)
	}
}

/// What the way back needs of the softmax of each query, `[batch, heads, tokens]`.
#[derive(Clone, Debug)]
pub struct Softmax<T> {
	/// The largest score.
	pub largest: Vec<T>,
	/// The reciprocal of `Σ exp(score - largest)`.
	pub inverse: Vec<T>,
}

/// `out[q] = (Σ_k e · v[k]) · (1 / Σ_k e)` over `k <= q`, `e = exp(score - largest)`, `score = q·k · scale`.
///
/// The bits are those of [`attend`](noesis_canon::soft::leaf::attend). `out` is shaped like `q`.
pub fn forward<T: Real>(
	backend: Backend,
	shape: AttentionShape,
	q: &[T],
	k: &[T],
	v: &[T],
	out: &mut [T],
) -> Result<Softmax<T>, NotFinite> {
	shape.check([q.len(), out.len()], [k.len(), v.len()]);
	let (keys, values) = (shape.pack(k, false), shape.pack(v, true));
	let mut softmax = Softmax {
		largest: vec![T::ZERO; shape.rows() * shape.tokens],
		inverse: vec![T::ZERO; shape.rows() * shape.tokens],
	};
	let statistics =
		softmax.largest.par_chunks_mut(shape.tokens).zip(softmax.inverse.par_chunks_mut(shape.tokens));
	out.par_chunks_mut(shape.head()).zip(statistics).enumerate().for_each(
		|(row, (out, (largest, inverse)))| {
			let q = shape.matrix(&q[row * shape.head()..][..shape.head()]);
			let (keys, values) = (&keys[row / shape.group()], &values[row / shape.group()]);
			out.par_chunks_mut(WIDE * shape.head_dim)
				.zip(largest.par_chunks_mut(WIDE).zip(inverse.par_chunks_mut(WIDE)))
				.enumerate()
				.for_each_init(Vec::new, |scores, (panel, (out, (largest, inverse)))| {
					let first = panel * WIDE;
					let seen = shape.tokens.min(first + WIDE);
					score(backend, keys, 0..seen, &strip(q, first), scores);
					let (m, sum) = exponentials(backend, first, shape.scale(), &mut scores[..seen]);
					let reciprocal = sum.map(|sum| T::ONE / sum);
					largest.copy_from_slice(&m[..largest.len()]);
					inverse.copy_from_slice(&reciprocal[..inverse.len()]);
					let mut sums = channels(shape);
					values.add_products(backend, 0, 0, &scores[..seen], &mut sums);
					unload(&sums, reciprocal, shape.head_dim, out);
				});
		},
	);
	check("attention", out)?;
	Ok(softmax)
}

/// What [`backward`] reads of the way forward.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a, T> {
	/// Queries.
	pub q: &'a [T],
	/// Keys.
	pub k: &'a [T],
	/// Values.
	pub v: &'a [T],
	/// Outputs.
	pub out: &'a [T],
	/// The softmax's numbers.
	pub softmax: &'a Softmax<T>,
}

/// The gradients of queries, keys and values.
///
/// With `p = exp(score - largest) · inverse`, `delta[q] = dout[q]·out[q]` and `ds = p · (dout[q]·v[k] - delta[q])`:
/// `dv[k] = Σ p · dout[q]`, `dk[k] = (Σ ds · q) · scale`, both over the group's heads and then `q >= k`;
/// `dq[q] = (Σ ds · k) · scale` over `k <= q`.
pub fn backward<T: Real>(
	backend: Backend,
	shape: AttentionShape,
	forward: Forward<'_, T>,
	dout: &[T],
	dq: &mut [T],
	dk: &mut [T],
	dv: &mut [T],
) -> Result<(), NotFinite> {
	let Forward { q, k, v, out, .. } = forward;
	shape.check([q.len(), dout.len()], [k.len(), v.len()]);
	shape.check([out.len(), dq.len()], [dk.len(), dv.len()]);
	let delta: Vec<T> = dout
		.par_chunks(shape.head_dim)
		.zip(out.par_chunks(shape.head_dim))
		.map(|(dout, out)| dot(dout, out))
		.collect();
	queries_backward(backend, shape, forward, &delta, dout, dq);
	keys_backward(backend, shape, forward, &delta, dout, dk, dv);
	check("attention, gradient of the queries", dq)?;
	check("attention, gradient of the keys", dk)?;
	check("attention, gradient of the values", dv)
}

/// Queries side by side, over all keys that they see.
fn queries_backward<T: Real>(
	backend: Backend,
	shape: AttentionShape,
	forward: Forward<'_, T>,
	delta: &[T],
	dout: &[T],
	dq: &mut [T],
) {
	let (keys, channels_of_keys) = (shape.pack(forward.k, false), shape.pack(forward.k, true));
	let values = shape.pack(forward.v, false);
	dq.par_chunks_mut(shape.head()).enumerate().for_each(|(row, dq)| {
		let (q, dout) = (head(shape, forward.q, row), head(shape, dout, row));
		let group = row / shape.group();
		dq.par_chunks_mut(WIDE * shape.head_dim).enumerate().for_each_init(
			|| (Vec::new(), Vec::new()),
			|(scores, slopes), (panel, dq)| {
				let first = panel * WIDE;
				let seen = shape.tokens.min(first + WIDE);
				score(backend, &keys[group], 0..seen, &strip(q, first), scores);
				score(backend, &values[group], 0..seen, &strip(dout, first), slopes);
				let numbers = Numbers {
					softmax: forward.softmax,
					delta,
					start: row * shape.tokens,
					tokens: shape.tokens,
				};
				query_slopes(
					backend,
					first,
					shape.scale(),
					numbers,
					&mut scores[..seen],
					&mut slopes[..seen],
				);
				let mut sums = channels(shape);
				channels_of_keys[group].add_products(backend, 0, 0, &slopes[..seen], &mut sums);
				unload(&sums, [shape.scale(); WIDE], shape.head_dim, dq);
			},
		);
	});
}

/// Keys side by side, over all queries that see them, one head of the group after the other.
fn keys_backward<T: Real>(
	backend: Backend,
	shape: AttentionShape,
	forward: Forward<'_, T>,
	delta: &[T],
	dout: &[T],
	dk: &mut [T],
	dv: &mut [T],
) {
	let (queries, channels_of_queries) = (shape.pack(forward.q, false), shape.pack(forward.q, true));
	let (slopes_out, channels_of_slopes) = (shape.pack(dout, false), shape.pack(dout, true));
	let heads = dk.par_chunks_mut(shape.head()).zip(dv.par_chunks_mut(shape.head()));
	heads.enumerate().for_each(|(row, (dk, dv))| {
		let (k, v) = (head(shape, forward.k, row), head(shape, forward.v, row));
		dk.par_chunks_mut(WIDE * shape.head_dim)
			.zip(dv.par_chunks_mut(WIDE * shape.head_dim))
			.enumerate()
			.for_each_init(
				|| (Vec::new(), Vec::new()),
				|(scores, slopes), (panel, (dk, dv))| {
					let first = panel * WIDE;
					// The first query that sees any of these keys is in this block.
					let start = first - first % BLOCK;
					let (k, v) = (strip(k, first), strip(v, first));
					let (mut key_sums, mut value_sums) = (channels(shape), channels(shape));
					for query_row in row * shape.group()..(row + 1) * shape.group() {
						score(backend, &queries[query_row], start..shape.tokens, &k, scores);
						score(backend, &slopes_out[query_row], start..shape.tokens, &v, slopes);
						let numbers = Numbers {
							softmax: forward.softmax,
							delta,
							start: query_row * shape.tokens + start,
							tokens: shape.tokens - start,
						};
						let rows = numbers.tokens;
						key_slopes(
							backend,
							first - start,
							shape.scale(),
							numbers,
							&mut scores[..rows],
							&mut slopes[..rows],
						);
						channels_of_slopes[query_row].add_products(
							backend,
							0,
							start,
							&scores[..rows],
							&mut value_sums,
						);
						channels_of_queries[query_row].add_products(
							backend,
							0,
							start,
							&slopes[..rows],
							&mut key_sums,
						);
					}
					unload(&key_sums, [shape.scale(); WIDE], shape.head_dim, dk);
					unload(&value_sums, [T::ONE; WIDE], shape.head_dim, dv);
				},
			);
	});
}

fn head<'a, T: Real>(shape: AttentionShape, x: &'a [T], row: usize) -> Matrix<'a, T> {
	shape.matrix(&x[row * shape.head()..][..shape.head()])
}

/// Products of packed rows with a strip; `range.start` is a multiple of [`BLOCK`]. Past the range's end there are up to
/// three rows of padding.
fn score<T: Real>(
	backend: Backend,
	rows: &Panels<T>,
	range: core::ops::Range<usize>,
	strip: &[Lanes<T>],
	out: &mut Vec<Lanes<T>>,
) {
	out.clear();
	out.resize(range.len().next_multiple_of(TALL), [T::ZERO; WIDE]);
	rows.add_products(backend, range.start, 0, strip, out);
}

/// Room for one number for each channel and lane.
fn channels<T: Real>(shape: AttentionShape) -> Vec<Lanes<T>> {
	vec![[T::ZERO; WIDE]; shape.head_dim.next_multiple_of(TALL)]
}

/// Writes `[channel][lane]` times a lane's factor as rows of channels.
fn unload<T: Real>(sums: &[Lanes<T>], factors: Lanes<T>, head_dim: usize, out: &mut [T]) {
	for ((lane, out), factor) in out.chunks_exact_mut(head_dim).enumerate().zip(factors) {
		for (out, sums) in out.iter_mut().zip(sums) {
			*out = sums[lane] * factor;
		}
	}
}

vectorised! {
	/// Turns products into `exp(score - largest)` for the queries from `first` on; gives the largest scores and the sums.
	fn exponentials<T: Real>(first: usize, scale: T, scores: &mut [Lanes<T>]) -> (Lanes<T>, Lanes<T>) {
		// Every query sees key 0.
		let mut largest = scores[0].map(|s| s * scale);
		for (key, scores) in scores.iter_mut().enumerate() {
			for (lane, (score, largest)) in scores.iter_mut().zip(&mut largest).enumerate() {
				*score = *score * scale;
				*largest = if key <= first + lane { larger(*score, *largest) } else { *largest };
			}
		}
		let largest = largest.map(|m| m + T::ZERO);
		let mut totals = [T::ZERO; WIDE];
		for (number, chunk) in scores.chunks_mut(BLOCK).enumerate() {
			let mut block = [T::ZERO; WIDE];
			for (key, scores) in (number * BLOCK..).zip(chunk) {
				for (lane, (score, block)) in scores.iter_mut().zip(&mut block).enumerate() {
					let e = (*score - largest[lane]).exp();
					*score = if key <= first + lane { e } else { T::ZERO };
					*block = *block + *score;
				}
			}
			for (total, block) in totals.iter_mut().zip(block) {
				*total = *total + block;
			}
		}
		(largest, totals)
	}
}

/// The numbers of some queries of one head.
#[derive(Clone, Copy)]
struct Numbers<'a, T> {
	softmax: &'a Softmax<T>,
	delta: &'a [T],
	/// Where the first of them is.
	start: usize,
	/// How many there are.
	tokens: usize,
}

impl<'a, T: Real> Numbers<'a, T> {
	/// Largest scores, reciprocals and deltas.
	#[inline(always)]
	fn slices(&self) -> [&'a [T]; 3] {
		[&self.softmax.largest, &self.softmax.inverse, self.delta].map(|x| &x[self.start..][..self.tokens])
	}
}

/// A pair's probability, and the gradient of its score before it is scaled.
#[inline(always)]
fn slope<T: Real>(seen: bool, product: T, slope: T, scale: T, [largest, inverse, delta]: [T; 3]) -> (T, T) {
	let p = (product * scale - largest).exp() * inverse;
	let p = if seen { p } else { T::ZERO };
	(p, p * (slope - delta))
}

vectorised! {
	/// Products of queries and keys to probabilities, and of slopes and values to slopes of scores; a query in each lane.
	fn query_slopes<T: Real>(first: usize, scale: T, numbers: Numbers<'_, T>, scores: &mut [Lanes<T>], slopes: &mut [Lanes<T>]) {
		let slices = numbers.slices();
		let lanes: [Lanes<T>; 3] = slices.map(|x| core::array::from_fn(|lane| x.get(first + lane).copied().unwrap_or(T::ZERO)));
		for (key, (scores, slopes)) in scores.iter_mut().zip(slopes).enumerate() {
			for lane in 0..WIDE {
				let numbers = [lanes[0][lane], lanes[1][lane], lanes[2][lane]];
				(scores[lane], slopes[lane]) = slope(key <= first + lane, scores[lane], slopes[lane], scale, numbers);
			}
		}
	}
}

vectorised! {
	/// The same with a key in each lane, the first of them `first` after the first query.
	fn key_slopes<T: Real>(first: usize, scale: T, numbers: Numbers<'_, T>, scores: &mut [Lanes<T>], slopes: &mut [Lanes<T>]) {
		let [largest, inverse, delta] = numbers.slices();
		for (query, (scores, slopes)) in scores.iter_mut().zip(slopes).enumerate() {
			let numbers = [largest[query], inverse[query], delta[query]];
			for lane in 0..WIDE {
				(scores[lane], slopes[lane]) = slope(first + lane <= query, scores[lane], slopes[lane], scale, numbers);
			}
		}
	}
}
