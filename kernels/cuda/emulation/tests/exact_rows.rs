//! The kernels of `exact_rows.cu` against canon, bit for bit.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod random;

use noesis_canon::{activation, linear, norm, rope, round, silu, ATTENTION_BITS, LINEAR_BITS};
use noesis_cuda::{
	exact::{
		attention::{Cache, Heads},
		rows::{self, Angles, Precision, Span},
		Activations,
	},
	Arg, Buffer, Device, DeviceError, Launch,
};
use noesis_cuda_emulation::Emulation;
use random::Random;
use std::sync::Arc;

impl Random {
	/// Any magnitude is as likely as any other, and the ends come up.
	fn wide(&mut self) -> i64 {
		match self.below(12) {
			0 => i64::MAX,
			1 => i64::MIN,
			2 => 0,
			_ => self.next() as i64 >> self.below(64),
		}
	}

	/// As `wide`, in `-i32::MAX..=i32::MAX`.
	fn number(&mut self) -> i32 {
		round::sat32(self.wide() >> self.below(33))
	}
}

/// Rows of one kind each: zeros, ends, small and large numbers, one outlier.
fn matrix(random: &mut Random, tokens: usize, width: usize) -> Vec<i32> {
	(0..tokens)
		.flat_map(|t| {
			let outlier = random.below(width as u64) as usize;
			(0..width)
				.map(|i| match t % 6 {
					0 => random.number(),
					1 => 0,
					2 => i32::MAX,
					3 => [-i32::MAX, i32::MAX][i % 2],
					4 if i == outlier => -i32::MAX,
					_ => random.number() >> 20,
				})
				.collect::<Vec<_>>()
		})
		.collect()
}

/// What canon's quantiser makes of rows.
fn quantised(rows: &[i64], width: usize, precision: Precision) -> (Vec<i16>, Vec<i32>) {
	let (mut values, mut shifts) = (vec![0; rows.len()], Vec::new());
	for (row, out) in rows.chunks(width).zip(values.chunks_mut(width)) {
		shifts.push(match precision {
			Precision::Bits16 => activation::quantise(row, out),
			Precision::Bits14 => linear::quantise_14(row, out),
		});
	}
	(values, shifts)
}

fn activations(device: &Arc<dyn Device>, tokens: usize, width: usize) -> Activations {
	Activations::new(device, tokens, width).unwrap()
}

fn download(out: &Activations) -> (Vec<i16>, Vec<i32>) {
	(out.values.download().unwrap(), out.shifts.download().unwrap())
}

const PRECISIONS: [Precision; 2] = [Precision::Bits16, Precision::Bits14];

#[test]
fn arithmetic_should_equal_canons_when_numbers_are_extreme() {
	let mut random = Random(11);
	let device = Emulation::new(1);
	let mut x: Vec<i64> = vec![0, 1, -1, i64::MAX, i64::MIN, u32::MAX.into(), 1 << 62];
	// Squares and their neighbours, where a root's floor changes.
	for i in 0..2000 {
		let root = random.next() >> 32 >> (i % 2 * random.below(32));
		x.extend([0, 1, 2].map(|by| root.wrapping_mul(root).wrapping_add(by).wrapping_sub(1) as i64));
	}
	x.extend((0..1000).map(|_| random.wide()));
	let count = x.len();
	let shifts: Vec<i32> = (0..count).map(|_| random.below(160) as i32 - 80).collect();
	let dens: Vec<i64> =
		(0..count).map(|_| 1 + (random.next() as i64 >> 2 >> random.below(62)).abs()).collect();
	let roots = Buffer::<u64>::uninitialised(&device, count).unwrap();
	let (rounded, quotients) = (
		Buffer::<i64>::uninitialised(&device, count).unwrap(),
		Buffer::<i64>::uninitialised(&device, count).unwrap(),
	);
	let clamped = Buffer::<i32>::uninitialised(&device, 2 * count).unwrap();
	let (px, ps, pd) = (
		Buffer::upload(&device, &x).unwrap(),
		Buffer::upload(&device, &shifts).unwrap(),
		Buffer::upload(&device, &dens).unwrap(),
	);
	let args = [
		roots.arg(),
		rounded.arg(),
		quotients.arg(),
		clamped.arg(),
		px.arg(),
		ps.arg(),
		pd.arg(),
		Arg::I32(count as i32),
	];
	let launch = Launch { grid: [count.div_ceil(64) as u32, 1, 1], block: [64, 1, 1], shared: 0 };
	// SAFETY: the arguments are the kernel's.
	unsafe { device.launch("exact_arithmetic", launch, &args).unwrap() };
	let (roots, rounded) = (roots.download().unwrap(), rounded.download().unwrap());
	let (quotients, clamped) = (quotients.download().unwrap(), clamped.download().unwrap());
	for i in 0..count {
		assert_eq!(roots[i], round::isqrt(x[i] as u64), "root of {}", x[i] as u64);
		assert_eq!(rounded[i], round::rsr(x[i], shifts[i]), "{} by {}", x[i], shifts[i]);
		assert_eq!(quotients[i], round::div_round(x[i] / 4, dens[i]), "{} / {}", x[i] / 4, dens[i]);
		assert_eq!(clamped[2 * i], i32::from(round::sat16(x[i])));
		assert_eq!(clamped[2 * i + 1], round::sat32(x[i]));
	}
}

#[test]
fn norm_should_equal_canons_for_all_widths_and_magnitudes() {
	for (seed, (tokens, width)) in
		[(6, 1), (6, 31), (7, 64), (6, 576), (6, 1000), (1, 4099)].into_iter().enumerate()
	{
		let mut random = Random(seed as u64 + 1);
		let device = Emulation::new(seed as u64);
		let offset = 3 * seed;
		let x = matrix(&mut random, tokens, width);
		let gain: Vec<i32> = (0..width)
			.map(|_| match random.below(4) {
				0 => [65_535, -65_535][random.below(2) as usize],
				_ => random.below(20_000) as i32 - 4000,
			})
			.collect();
		let padded: Vec<i32> = vec![7; offset].into_iter().chain(x.iter().copied()).collect();
		let (residual, gains) =
			(Buffer::upload(&device, &padded).unwrap(), Buffer::upload(&device, &gain).unwrap());
		for (epsilon, precision) in
			[(1, Precision::Bits14), (96_637, Precision::Bits16), (1 << 60, Precision::Bits16)]
		{
			let constants = norm::NormConstants::new(width, epsilon);
			let out = activations(&device, tokens, width);
			rows::norm(&residual, offset, &gains, &constants, tokens, precision, &out).unwrap();
			let mut normed = vec![0; x.len()];
			for (x, out) in x.chunks(width).zip(normed.chunks_mut(width)) {
				norm::rms_norm(x, &gain, &constants, out);
			}
			let normed: Vec<i64> = normed.into_iter().map(i64::from).collect();
			assert_eq!(download(&out), quantised(&normed, width, precision), "{tokens} x {width}, {epsilon}");
		}
	}
}

#[test]
fn quantise_should_equal_canons_when_rows_are_zero_or_saturate() {
	for (seed, (tokens, width)) in [(12, 1), (6, 33), (7, 576), (6, 700)].into_iter().enumerate() {
		let mut random = Random(seed as u64 + 77);
		let device = Emulation::new(seed as u64);
		let mut x = matrix(&mut random, tokens, width);
		// Rounding carries over into the next bit: the clamp decides.
		x[0] = 65_535;
		for precision in PRECISIONS {
			let out = activations(&device, tokens, width);
			rows::quantise(&Buffer::upload(&device, &x).unwrap(), tokens, width, precision, &out).unwrap();
			let wide: Vec<i64> = x.iter().map(|&v| v.into()).collect();
			assert_eq!(download(&out), quantised(&wide, width, precision), "{tokens} x {width}");
		}
	}
}

#[test]
fn gate_should_equal_canons_over_the_whole_range() {
	for (seed, (tokens, width)) in [(6, 1), (6, 65), (7, 1536)].into_iter().enumerate() {
		let mut random = Random(seed as u64 + 5);
		let device = Emulation::new(seed as u64);
		let sigmoids = rows::sigmoid_table(&device).unwrap();
		let mut gate_up = matrix(&mut random, tokens, 2 * width);
		// Inside the table, where it is interpolated.
		for gate in gate_up.iter_mut().step_by(3) {
			*gate = random.below(2 * (17 << 16)) as i32 - (17 << 16);
		}
		gate_up[0] = i32::MIN;
		let wide: Vec<i64> = gate_up
			.chunks(2 * width)
			.flat_map(|row| (0..width).map(|i| silu::gated(row[i], row[width + i])).collect::<Vec<_>>())
			.collect();
		let buffer = Buffer::upload(&device, &gate_up).unwrap();
		for precision in PRECISIONS {
			let out = activations(&device, tokens, width);
			rows::gate(&buffer, &sigmoids, tokens, width, precision, &out).unwrap();
			assert_eq!(download(&out), quantised(&wide, width, precision), "{tokens} x {width}");
		}
	}
}

/// What is in a cache that nobody wrote to.
const UNTOUCHED: i16 = 12_345;

#[test]
fn rope_should_equal_canons_and_fill_the_cache_at_its_place() {
	let shapes = [(9, 3, 64), (2, 1, 128), (3, 3, 16)];
	for (seed, (heads, kv_heads, dim)) in shapes.into_iter().enumerate() {
		let heads = Heads { heads, kv_heads, dim };
		let mut random = Random(seed as u64 + 3);
		let device = Emulation::new(seed as u64);
		let (tokens, first, slot, capacity, offset, positions) = (5, 37, 4, 11, 24, 50);
		let angles = Angles::new(&device, 100_000, dim, positions).unwrap();
		let stride = (heads.heads + 2 * kv_heads) * dim;
		let qkv: Vec<i32> = (0..tokens * stride).map(|_| random.number()).collect();
		let input = Buffer::upload(&device, &qkv).unwrap();
		let past = Buffer::upload(&device, &[3i32]).unwrap();
		// The same span, whole from the host or moved on the device; and moved so far that its end falls off.
		for (first, slot, past, moved) in
			[(first, slot, None, 0), (first - 3, slot - 3, Some(&past), 3), (first, 7, Some(&past), 3)]
		{
			let queries = Buffer::<i16>::zeros(&device, tokens * heads.heads * dim).unwrap();
			let untouched = vec![UNTOUCHED; offset + kv_heads * capacity * dim];
			let keys = Buffer::upload(&device, &untouched).unwrap();
			let values = Buffer::upload(&device, &untouched).unwrap();
			let cache = Cache { keys: &keys, values: &values, offset, capacity };
			let tokens = tokens.min(capacity - slot);
			rows::rope(&input, &angles, &heads, &Span { tokens, first, slot, past }, &queries, &cache)
				.unwrap();
			let (queries, keys, values) =
				(queries.download().unwrap(), keys.download().unwrap(), values.download().unwrap());
			let mut written = 0;
			for t in 0..tokens {
				let (position, place) = (first + moved + t, slot + moved + t);
				for head in 0..heads.heads + 2 * kv_heads {
					for pair in 0..dim / 2 {
						let x = &qkv[t * stride + head * dim + 2 * pair..][..2];
						let (cos, sin) = rope::cos_sin(
							rope::frequency(100_000, dim as u32 / 2, pair as u32),
							position as u32,
						);
						let turned = rope::rotate(x[0], x[1], cos, sin);
						let plain = |v: i32| round::sat16(round::rsr(v.into(), LINEAR_BITS - ATTENTION_BITS));
						let (found, at, expected) = if head < heads.heads {
							(&queries, (t * heads.heads + head) * dim, turned)
						} else if head < heads.heads + kv_heads {
							(&keys, offset + ((head - heads.heads) * capacity + place) * dim, turned)
						} else {
							let head = head - heads.heads - kv_heads;
							(&values, offset + (head * capacity + place) * dim, (plain(x[0]), plain(x[1])))
						};
						if place >= capacity {
							continue;
						}
						assert_eq!(
							(found[at + 2 * pair], found[at + 2 * pair + 1]),
							expected,
							"{t} {head} {pair}"
						);
						written += if head < heads.heads { 0 } else { 2 };
					}
				}
			}
			let changed = keys.iter().chain(&values).filter(|v| **v != UNTOUCHED).count();
			assert!(changed <= written, "{changed} of {written} places changed");
		}
	}
}

#[test]
fn arrays_that_are_too_short_should_be_refused() {
	let device = Emulation::new(1);
	let shape =
		|result: Result<(), DeviceError>| assert!(matches!(result, Err(DeviceError::Shape(_))), "{result:?}");
	let (x, short) =
		(Buffer::<i32>::zeros(&device, 128).unwrap(), Buffer::<i32>::zeros(&device, 127).unwrap());
	let (out, less) = (activations(&device, 2, 64), activations(&device, 1, 64));
	let gain = Buffer::<i32>::zeros(&device, 64).unwrap();
	let constants = norm::NormConstants::new(64, 1);
	let precision = Precision::Bits16;
	rows::norm(&x, 0, &gain, &constants, 2, precision, &out).unwrap();
	shape(rows::norm(&x, 1, &gain, &constants, 2, precision, &out));
	shape(rows::norm(&x, 0, &gain, &constants, 2, precision, &less));
	let wide = Buffer::<i32>::zeros(&device, rows::MAX_NORM_WIDTH + 1).unwrap();
	let room = activations(&device, 1, wide.len());
	shape(rows::norm(&wide, 0, &wide, &constants, 1, precision, &room));
	shape(rows::quantise(&short, 2, 64, precision, &out));
	shape(rows::quantise(&x, usize::MAX, 64, precision, &out));
	let sigmoids = rows::sigmoid_table(&device).unwrap();
	shape(rows::gate(&short, &sigmoids, 1, 64, precision, &out));
	shape(rows::gate(&x, &Buffer::zeros(&device, 513).unwrap(), 1, 64, precision, &out));
	assert!(Angles::new(&device, 1, 64, 4).is_err() && Angles::new(&device, 10_000, 63, 4).is_err());
	let angles = Angles::new(&device, 10_000, 16, 4).unwrap();
	let heads = Heads { heads: 2, kv_heads: 1, dim: 16 };
	let (q, kv) =
		(Buffer::<i16>::zeros(&device, 64).unwrap(), Buffer::<i16>::zeros(&device, 16 * 4 + 8).unwrap());
	let cache = Cache { keys: &kv, values: &kv, offset: 8, capacity: 4 };
	let span = Span { tokens: 2, first: 2, slot: 2, past: None };
	rows::rope(&x, &angles, &heads, &span, &q, &cache).unwrap();
	shape(rows::rope(&x, &angles, &heads, &Span { first: 3, ..span }, &q, &cache));
	shape(rows::rope(&x, &angles, &heads, &Span { slot: 3, ..span }, &q, &cache));
	shape(rows::rope(&x, &angles, &heads, &span, &q, &Cache { offset: 4, ..cache }));
	shape(rows::rope(&x, &angles, &heads, &span, &q, &Cache { offset: 16, ..cache }));
	shape(rows::rope(&x, &angles, &Heads { dim: 8, ..heads }, &span, &q, &cache));
}
