//! What a leaf's bytes are, given its sources: every function bounded, none that trusts what it is given.

use super::{
	layout::Layout,
	pick,
	read::{activations, ensure, gain, i32s, i64s, number, saturated, u16s, Weights},
	stage::{Heads, Linear, Rule, Stage, Vector},
	Piece, Program, Shape, Source, CHUNK, SLICE, TILE,
};
use crate::{
	activation::activation_shift,
	attention::{multiplier, normalise, score, weight, MAX_KEYS},
	linear::requantise,
	norm::{self, NormScale},
	rope,
	round::{add_residual, rsr, sat16},
	sampler::Sampling,
	silu, ATTENTION_BITS, LINEAR_BITS,
};
use alloc::vec::Vec;

/// Largest magnitude that a chain carries: that of a gated value is at most 2^50.
const MAX_MAGNITUDE: i64 = 1 << 50;
/// Largest shift of an activation: of the largest magnitude.
const MAX_SHIFT: i64 = 48;
/// Magnitudes of accumulators stay below this.
const MAX_ACCUMULATOR: u64 = 1 << 62;
/// Largest weight of a key, and largest magnitude of a value.
const WHOLE: i64 = 65_535;
const LARGEST_VALUE: i64 = 32_767;

/// A leaf that is being written.
struct Out(Vec<u8>);

impl Out {
	fn header(numbers: impl IntoIterator<Item = i64>) -> Self {
		Self(Vec::new()).i64s(numbers)
	}

	fn i64s(mut self, numbers: impl IntoIterator<Item = i64>) -> Self {
		numbers.into_iter().for_each(|v| self.0.extend_from_slice(&v.to_le_bytes()));
		self
	}

	fn i32s(mut self, numbers: impl IntoIterator<Item = i32>) -> Self {
		numbers.into_iter().for_each(|v| self.0.extend_from_slice(&v.to_le_bytes()));
		self
	}

	fn u16s(mut self, numbers: impl IntoIterator<Item = u16>) -> Self {
		numbers.into_iter().for_each(|v| self.0.extend_from_slice(&v.to_le_bytes()));
		self
	}

	fn i16s(self, numbers: impl IntoIterator<Item = i16>) -> Self {
		self.u16s(numbers.into_iter().map(|v| v as u16))
	}
}

/// The pieces of a leaf, each of the kind and length that its source says.
struct Inputs<'a, 'b>(&'a [Piece<'b>]);

impl<'b> Inputs<'_, 'b> {
	fn fine(&self, at: usize) -> Option<&'b [u8]> {
		match self.0.get(at)? {
			Piece::Fine(bytes) => Some(bytes),
			_ => None,
		}
	}

	fn residual(&self, at: usize) -> Option<&'b [i32]> {
		match self.0.get(at)? {
			Piece::Residual(values) => Some(values),
			_ => None,
		}
	}

	fn token(&self, at: usize) -> Option<i32> {
		match self.0.get(at)? {
			Piece::Token { id, .. } => Some(*id),
			_ => None,
		}
	}

	fn weights(&self, at: usize) -> Option<&[&'b [u8]]> {
		match self.0.get(at)? {
			Piece::Weights(rows) => Some(rows),
			_ => None,
		}
	}
}

impl Layout {
	/// See [`super::evaluate`].
	pub fn evaluate(&self, index: u32, pieces: &[Piece<'_>]) -> Option<Vec<u8>> {
		let (stage, local) = self.stage(index)?;
		let sources = stage.sources(local);
		ensure(sources.len() == pieces.len())?;
		for (source, piece) in sources.iter().zip(pieces) {
			ensure(self.fits(source, piece)?)?;
		}
		let bytes = compute(stage, local, &self.shape, &self.program, &Inputs(pieces))?.0;
		// What the stage says of its leaves holds of this one.
		ensure(bytes.len() == stage.format(local).bytes() as usize)?;
		Some(bytes)
	}

	/// Whether a piece has the kind and length of its source. Rows of weights tell their length only to the operation.
	fn fits(&self, source: &Source, piece: &Piece<'_>) -> Option<bool> {
		Some(match (source, piece) {
			(Source::Fine { first, count }, Piece::Fine(bytes)) => {
				bytes.len() == self.bytes(*first, *count)? as usize
			},
			(Source::Token { .. }, Piece::Token { .. }) => true,
			(Source::Residual { slice, .. }, Piece::Residual(values)) => {
				values.len() == (self.shape.width - slice * SLICE).min(SLICE) as usize
			},
			(Source::Embedding { .. }, Piece::Weights(rows)) => rows.len() == 1,
			(Source::Weights { rows: count, .. }, Piece::Weights(rows)) => rows.len() == *count as usize,
			_ => false,
		})
	}

	/// Bytes of consecutive leaves of one stage.
	fn bytes(&self, first: u32, count: u32) -> Option<u32> {
		let (stage, local) = self.stage(first)?;
		Some((local..local + count).map(|local| stage.format(local).bytes()).sum())
	}
}

fn compute(
	stage: &Stage,
	local: u32,
	shape: &Shape,
	program: &Program,
	from: &Inputs<'_, '_>,
) -> Option<Out> {
	let sampling = match program {
		Program::Pick { sampling, .. } => *sampling,
		Program::Layer { .. } => Sampling { temperature: 0, top_p: 0, seed: 0 },
	};
	let chained = !local.is_multiple_of(stage.chain);
	let before = |at| if chained { from.fine(at).map(Some) } else { Some(None) };
	let chunk_of = |of: &Vector| local % of.columns.div_ceil(CHUNK);
	let out = Out(Vec::new());
	Some(match &stage.rule {
		Rule::Copy { .. } => {
			let values = from.residual(0)?;
			ensure(!values.contains(&i32::MIN))?;
			out.i32s(values.iter().copied())
		},
		Rule::Embed { width } => embed(local, *width, shape.vocabulary, from)?,
		Rule::Largest { of } => {
			let values = chunk(of, chunk_of(of), from.fine(0)?)?;
			let before = before(1)?.map(number).unwrap_or(Some(0))?;
			ensure((0..=MAX_MAGNITUDE).contains(&before))?;
			let largest = values.iter().fold(before, |m, v| m.max(v.saturating_abs()));
			ensure(largest <= MAX_MAGNITUDE)?;
			Out::header([largest])
		},
		Rule::Squares { of, .. } => {
			let values = chunk(of, chunk_of(of), from.fine(0)?)?;
			let down = norm::down(u32::try_from(number(from.fine(1)?)?).ok()?);
			let before = match before(2)? {
				Some(before) => u64::try_from(number(before)?).ok()?,
				None => norm::first_sum(down, &shape.norm()),
			};
			ensure(before < MAX_ACCUMULATOR)?;
			let sum = values.iter().try_fold(before, |sum, &v| {
				let v = i32::try_from(v).ok()?;
				sum.checked_add(norm::square(v, down)).filter(|&sum| sum < MAX_ACCUMULATOR)
			});
			Out::header([sum? as i64])
		},
		Rule::Scale { .. } => {
			let down = norm::down(u32::try_from(number(from.fine(0)?)?).ok()?);
			let sum = u64::try_from(number(from.fine(1)?)?).ok()?;
			ensure((1..MAX_ACCUMULATOR).contains(&sum))?;
			let scale = NormScale::new(down, sum, &shape.norm());
			Out::header([scale.down.into(), scale.inverse, scale.shift.into()])
		},
		Rule::Norm { of, .. } => {
			let values = chunk(of, chunk_of(of), from.fine(0)?)?;
			let scale = scale(from.fine(1)?)?;
			let gain = gain(from.weights(2)?.first()?, values.len())?;
			let normed = values.iter().zip(gain).map(|(&v, gain)| {
				let v = i32::try_from(v).ok()?;
				scale.admits(v).then(|| scale.apply(v, gain))
			});
			out.i32s(normed.collect::<Option<Vec<i32>>>()?)
		},
		Rule::Quantise { of, .. } => {
			let values = chunk(of, chunk_of(of), from.fine(0)?)?;
			let largest = number(from.fine(1)?)?;
			ensure((0..=MAX_MAGNITUDE).contains(&largest))?;
			let shift = activation_shift(largest as u64);
			Out::header([shift.into()]).i16s(values.iter().map(|&v| sat16(rsr(v, shift))))
		},
		Rule::Accumulate(_) => out.i64s(accumulate(from, chained)?.1),
		Rule::Linear(linear) => rows(linear, local, from)?,
		Rule::Turn { positions, first, dim, .. } => {
			turn(from.fine(0)?, shape.rope_base, *dim, first + local % positions)?
		},
		Rule::Narrow { .. } => {
			let values = saturated(from.fine(0)?)?;
			out.i16s(values.iter().map(|&v| sat16(rsr(v.into(), LINEAR_BITS - ATTENTION_BITS))))
		},
		Rule::Scores(heads) => {
			let query = activations(from.fine(0)?)?;
			let keys = activations(from.fine(1)?)?;
			let scores: Vec<i64> =
				keys.chunks_exact(heads.dim as usize).map(|key| score(&query, key)).collect();
			let before = match before(2)? {
				Some(before) => score_in_range(number(before)?, heads)?,
				None => i64::MIN,
			};
			let largest = scores.iter().fold(before, |m, &s| m.max(s));
			Out::header([largest]).i64s(scores)
		},
		Rule::Weights(heads) => {
			let largest = score_in_range(number(from.fine(1)?)?, heads)?;
			let by = multiplier(heads.dim as usize);
			let weigh = |score| {
				let below = largest - score_in_range(score, heads)?;
				(below >= 0).then(|| weight(below, by))
			};
			let weights = i64s(from.fine(0)?.get(8..)?).map(weigh).collect::<Option<Vec<u16>>>()?;
			let before = before(2)?.map(number).unwrap_or(Some(0))?;
			let most = WHOLE * MAX_KEYS as i64;
			ensure((0..=most).contains(&before))?;
			let total = before + weights.iter().map(|&w| i64::from(w)).sum::<i64>();
			ensure(total <= most)?;
			Out::header([total]).u16s(weights)
		},
		Rule::Sums(heads) => {
			let weights = from.fine(0)?.get(8..)?;
			let values = activations(from.fine(1)?)?;
			let most = LARGEST_VALUE * WHOLE * MAX_KEYS as i64;
			let mut sums: Vec<i64> = match before(2)? {
				Some(before) => i64s(before).collect(),
				None => core::iter::repeat_n(0, heads.dim as usize).collect(),
			};
			ensure(sums.iter().all(|sum| (-most..=most).contains(sum)))?;
			for (weight, value) in u16s(weights).zip(values.chunks_exact(heads.dim as usize)) {
				for (sum, &v) in sums.iter_mut().zip(value) {
					*sum += i64::from(weight) * i64::from(v);
				}
			}
			ensure(sums.iter().all(|sum| (-most..=most).contains(sum)))?;
			out.i64s(sums)
		},
		Rule::Attend(_) => {
			let total = number(from.fine(1)?)?;
			ensure((WHOLE..=WHOLE * MAX_KEYS as i64).contains(&total))?;
			let most = LARGEST_VALUE * total;
			let attended = i64s(from.fine(0)?)
				.map(|sum| (-most..=most).contains(&sum).then(|| normalise(sum, total as u32)));
			out.i32s(attended.collect::<Option<Vec<i32>>>()?)
		},
		Rule::Join { .. } => out.i32s(saturated(from.fine(0)?)?),
		Rule::Gate { .. } => {
			let (gate, up) = (saturated(from.fine(0)?)?, saturated(from.fine(1)?)?);
			out.i64s(gate.iter().zip(up).map(|(&gate, up)| silu::gated(gate, up)))
		},
		Rule::Best(_) => Out::header(pick::best(logits(from)?, local * TILE, before(1)?)?),
		Rule::Total(_) => Out::header([pick::total(logits(from)?, from.fine(1)?, before(2)?, &sampling)?]),
		Rule::Bins(_, digit) => {
			let choice = if *digit > 0 { Some(from.fine(2)?) } else { None };
			let before = before(if *digit > 0 { 3 } else { 2 })?;
			Out::header(pick::bins(logits(from)?, from.fine(1)?, choice, before, &sampling, *digit)?)
		},
		Rule::Choice { digit, .. } => {
			Out::header(pick::choice(from.fine(0)?, from.fine(1)?, *digit, &sampling)?)
		},
		Rule::Target { nucleus, .. } => match program {
			Program::Pick { index, .. } => {
				Out::header(pick::end(from.fine(0)?, *nucleus, &sampling, *index)?)
			},
			Program::Layer { .. } => return None,
		},
		Rule::Find(_) => {
			let (best, end) = (from.fine(1)?, from.fine(2)?);
			Out::header(pick::find(logits(from)?, local * TILE, best, end, before(3)?, &sampling)?)
		},
		Rule::Token { header, .. } => Out::header([pick::token(from.fine(0)?, *header, shape.vocabulary)?]),
	})
}

fn logits<'b>(from: &Inputs<'_, 'b>) -> Option<&'b [u8]> {
	let bytes = from.fine(0)?;
	saturated(bytes)?;
	Some(bytes)
}

/// The values of a chunk, out of the leaves in which it lies.
fn chunk(of: &Vector, chunk: u32, bytes: &[u8]) -> Option<Vec<i64>> {
	let (skip, take) = (of.skipped(chunk) as usize, of.chunk_columns(chunk) as usize);
	let values: Vec<i64> = match of.width {
		4 => i32s(bytes).skip(skip).take(take).map(i64::from).collect(),
		_ => i64s(bytes).skip(skip).take(take).collect(),
	};
	ensure(values.len() == take && values.iter().all(|v| (-MAX_MAGNITUDE..=MAX_MAGNITUDE).contains(v)))?;
	Some(values)
}

fn embed(local: u32, width: u32, vocabulary: u32, from: &Inputs<'_, '_>) -> Option<Out> {
	ensure((0..i64::from(vocabulary)).contains(&from.token(0)?.into()))?;
	let first = local % width.div_ceil(SLICE) * SLICE;
	let chunk = (width - first / CHUNK * CHUNK).min(CHUNK);
	let row = Weights::new(from.weights(1)?.first()?, chunk as usize)?;
	let columns = first % CHUNK..(first % CHUNK + SLICE).min(chunk);
	Some(Out(Vec::new()).i32s(columns.map(|column| row.embed(column as usize))))
}

fn scale(bytes: &[u8]) -> Option<NormScale> {
	let mut numbers = i64s(bytes);
	let down = i32::try_from(numbers.next()?).ok()?;
	let inverse = numbers.next()?;
	let shift = i32::try_from(numbers.next()?).ok()?;
	ensure((0..=10).contains(&down) && (0..1 << 34).contains(&inverse) && (0..=36).contains(&shift))?;
	Some(NormScale { down, inverse, shift })
}

/// Shift of the activations, and the accumulators with this chunk in them.
fn accumulate(from: &Inputs<'_, '_>, chained: bool) -> Option<(i32, Vec<i64>)> {
	let input = from.fine(0)?;
	let shift = number(input)?;
	ensure((0..=MAX_SHIFT).contains(&shift))?;
	let input = activations(input.get(8..)?)?;
	let rows = from.weights(1)?;
	let mut sums: Vec<i64> =
		if chained { i64s(from.fine(2)?).collect() } else { core::iter::repeat_n(0, rows.len()).collect() };
	ensure(sums.len() == rows.len())?;
	for (sum, row) in sums.iter_mut().zip(rows) {
		ensure(sum.unsigned_abs() < MAX_ACCUMULATOR)?;
		*sum += Weights::new(row, input.len())?.dot(&input);
		ensure(sum.unsigned_abs() < MAX_ACCUMULATOR)?;
	}
	Some((shift as i32, sums))
}

fn rows(linear: &Linear, local: u32, from: &Inputs<'_, '_>) -> Option<Out> {
	let chained = linear.is_chained();
	let (shift, sums) = accumulate(from, chained)?;
	let values = sums.into_iter().map(|sum| requantise(sum, linear.from, shift, linear.to));
	let Some(first) = linear.place_in_residual(local) else {
		return Some(Out(Vec::new()).i32s(values));
	};
	let residual = saturated(from.fine(if chained { 3 } else { 2 })?)?;
	let residual = residual.get(first as usize..)?;
	Some(Out(Vec::new()).i32s(values.zip(residual).map(|(change, &x)| add_residual(x, change))))
}

fn turn(bytes: &[u8], base: u32, dim: u32, position: u32) -> Option<Out> {
	let (values, pairs) = (saturated(bytes)?, dim / 2);
	let root = rope::root(base, pairs);
	let turned = values.chunks_exact(2).zip(0..pairs).flat_map(|(x, pair)| {
		let (cos, sin) = rope::cos_sin(rope::frequency_of(root, pair), position);
		let (x, y) = rope::rotate(x[0], x[1], cos, sin);
		[x, y]
	});
	Some(Out(Vec::new()).i16s(turned))
}

fn score_in_range(score: i64, heads: &Heads) -> Option<i64> {
	let most = i64::from(heads.dim) << 30;
	(-most..=most).contains(&score).then_some(score)
}
