//! The kernel of `exact_sample.cu` against canon's sampler: the same tokens, always.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod random;

use noesis_canon::{
	sampler::{greedy, sample, Sampling},
	tables::EXP2,
};
use noesis_cuda::{exact::sample::Sampler, Arg, Buffer, DeviceError, Launch};
use noesis_cuda_emulation::Emulation;
use random::Random;

/// Runs the kernel on all rows at once and compares every token.
fn check(seed: u64, logits: &[i32], vocabulary: usize, settings: &[(Sampling, u32)]) {
	let device = Emulation::new(seed);
	let rows = logits.len() / vocabulary;
	let sampler = Sampler::new(&device, rows).unwrap();
	sampler.set(settings).unwrap();
	let (input, tokens) = (Buffer::upload(&device, logits).unwrap(), Buffer::zeros(&device, rows).unwrap());
	sampler.run(&input, 0, vocabulary, rows, &tokens).unwrap();
	let mut scratch = vec![0; vocabulary];
	for (row, (token, (sampling, position))) in
		tokens.download().unwrap().into_iter().zip(settings).enumerate()
	{
		let logits = &logits[row * vocabulary..][..vocabulary];
		let expected = sample(logits, sampling, *position, &mut scratch);
		assert_eq!(token as usize, expected, "row {row} of {vocabulary}, {sampling:?}, position {position}");
	}
}

#[test]
fn greedy_should_take_the_lowest_index_when_logits_are_equal() {
	for (seed, vocabulary) in [1, 2, 33, 1024, 3000].into_iter().enumerate() {
		let mut random = Random(seed as u64 + 9);
		let mut logits: Vec<i32> = Vec::new();
		for row in 0..5 {
			logits.extend((0..vocabulary).map(|_| match row {
				0 => i32::MIN,
				1 => i32::MAX,
				2 => random.next() as i32,
				3 => random.below(3) as i32 - 1,
				_ => -(random.below(2) as i32) - 5,
			}));
		}
		let device = Emulation::new(seed as u64);
		let sampler = Sampler::new(&device, 5).unwrap();
		let tokens = Buffer::<u32>::zeros(&device, 5).unwrap();
		let padded: Vec<i32> = [i32::MAX; 7].into_iter().chain(logits.iter().copied()).collect();
		sampler.run(&Buffer::upload(&device, &padded).unwrap(), 7, vocabulary, 5, &tokens).unwrap();
		let expected: Vec<u32> = logits.chunks(vocabulary).map(|row| greedy(row) as u32).collect();
		assert_eq!(tokens.download().unwrap(), expected, "{vocabulary}");
	}
}

#[test]
fn sampling_should_equal_canons_whatever_the_settings() {
	for seed in 0..12u64 {
		let mut random = Random(seed + 40);
		let vocabulary = [1, 5, 32, 777, 1025, 2500][seed as usize % 6];
		let (mut logits, mut settings) = (Vec::new(), Vec::new());
		for row in 0..7 {
			// From a few equal logits to all of the range.
			let span = [1, 4, 3000, 200_000, 3_000_000, 1 << 31, 1 << 32][row];
			let base = random.next() as i32 as i64;
			logits.extend(
				(0..vocabulary).map(|_| {
					(base + random.below(span) as i64).clamp(i32::MIN.into(), i32::MAX.into()) as i32
				}),
			);
			let temperature = [1, 7, 700, 1000, 1500, 30_000, u16::MAX][random.below(7) as usize];
			let top_p =
				[0, 1, 20_000, 58_982, 65_534, u16::MAX, random.next() as u16][random.below(7) as usize];
			settings.push((Sampling { temperature, top_p, seed: random.next() }, random.next() as u32));
		}
		check(seed, &logits, vocabulary, &settings);
	}
}

#[test]
fn nucleus_should_end_inside_equal_logits_by_index() {
	// Thousands of equals, more than a warp's run, so that the last ones are counted across warps.
	let vocabulary = 2100;
	let logits: Vec<i32> =
		(0..vocabulary).map(|i| if i % 3 == 0 { 70_000 } else { 69_999 - (i % 2) as i32 }).collect();
	let rows = 14;
	let settings: Vec<(Sampling, u32)> = (0..rows)
		.map(|i| (Sampling { temperature: 900, top_p: 5000 * i as u16, seed: 3 }, 100 + i))
		.collect();
	check(1, &logits.repeat(rows as usize), vocabulary, &settings);
}

#[test]
fn nucleus_should_end_where_the_mass_is_reached_exactly() {
	// 255 equal tokens: 257 j of 65535 are j tokens, neither more nor less.
	let rows = 40;
	let settings: Vec<(Sampling, u32)> = (0..rows)
		.map(|i| (Sampling { temperature: 500, top_p: 257 * (1 + i as u16 / 10) - i as u16 % 2, seed: 8 }, i))
		.collect();
	check(5, &vec![-9; 255 * rows as usize], 255, &settings);
}

#[test]
fn a_draw_on_the_border_of_two_tokens_should_take_the_later() {
	let device = Emulation::new(3);
	let (vocabulary, weight) = (2100u64, 65_535u64 << 16);
	let tokens: Vec<u64> = vec![1, 31, 32, 33, 96, 150, 2099];
	// The least draw whose share of the mass is that of the tokens before, and the greatest below it.
	let draws: Vec<u64> = tokens
		.iter()
		.flat_map(|token| {
			let least = ((u128::from(token * weight) << 64).div_ceil(u128::from(vocabulary * weight))) as u64;
			[least, least - 1]
		})
		.collect();
	let rows = draws.len();
	let out = Buffer::<u32>::zeros(&device, rows).unwrap();
	let logits = Buffer::upload(&device, &vec![4i32; rows * vocabulary as usize]).unwrap();
	let settings = Buffer::upload(&device, &vec![1000u32 | 65_535 << 16; rows]).unwrap();
	let (draws, exp2) = (Buffer::upload(&device, &draws).unwrap(), Buffer::upload(&device, &EXP2).unwrap());
	let launch = Launch { grid: [rows as u32, 1, 1], block: [1024, 1, 1], shared: 46_808 };
	let args =
		[out.arg(), logits.arg(), settings.arg(), draws.arg(), exp2.arg(), Arg::I32(vocabulary as i32)];
	// SAFETY: the arguments are the kernel's.
	unsafe { device.launch("exact_sample", launch, &args).unwrap() };
	let expected: Vec<u32> = tokens.iter().flat_map(|token| [*token as u32, *token as u32 - 1]).collect();
	assert_eq!(out.download().unwrap(), expected);
}

#[test]
fn a_whole_vocabulary_should_be_sampled_as_canon_does() {
	let mut random = Random(123);
	let vocabulary = 49_152;
	let logits: Vec<i32> = (0..vocabulary)
		.map(|_| {
			let sum: i64 = (0..4).map(|_| random.below(400_000) as i64).sum();
			(sum - 800_000) as i32
		})
		.collect();
	let settings = [
		(Sampling { temperature: 800, top_p: 62_258, seed: 5 }, 17),
		(Sampling { temperature: 1200, top_p: u16::MAX, seed: 6 }, 18),
	];
	check(2, &logits.repeat(2), vocabulary, &settings);
}

#[test]
fn arrays_that_are_too_short_should_be_refused() {
	let device = Emulation::new(1);
	let sampler = Sampler::new(&device, 2).unwrap();
	let (logits, tokens) =
		(Buffer::<i32>::zeros(&device, 20).unwrap(), Buffer::<u32>::zeros(&device, 3).unwrap());
	sampler.run(&logits, 0, 10, 2, &tokens).unwrap();
	let settings = (Sampling { temperature: 1, top_p: 1, seed: 1 }, 0);
	let refused = [
		sampler.run(&logits, 1, 10, 2, &tokens),
		sampler.run(&logits, 0, 6, 3, &tokens),
		sampler.run(&logits, 0, 0, 2, &tokens),
		sampler.set(&[settings; 3]),
	];
	for result in refused {
		assert!(matches!(result, Err(DeviceError::Shape(_))), "{result:?}");
	}
}
