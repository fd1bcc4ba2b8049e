//! From logits to a token: greedy, or drawn with a seed, in integers.
//!
//! # What is drawn
//! Let `m` be the largest logit. A token whose logit is `d` below it weighs
//! `(EXP2[x & 255] << 16) >> (x >> 8)` with `x = floor(d · 369330 / (temperature · 65536))`, an exponent in 1/256
//! octaves (369330 is `round(log2(e) · 256 · 1000)`); from 32 octaves on it weighs 0.
//!
//! Tokens are ranked by logit, largest first, equal logits by index, lowest first. The nucleus is the shortest
//! front part of that ranking whose weight, times 65535, reaches `top_p` times the weight of all; at least one
//! token.
//!
//! The token drawn is the first, in the order of index, at which the running weight of the nucleus exceeds
//! `floor(draw · W / 2^64)`, where `W` is the nucleus' weight and `draw` the position's random number (see
//! [`draw`]): each position has its own, so any position can be checked alone.

use crate::{chacha, tables::EXP2};
use core::cmp::Reverse;

/// `round(log2(e) · 256 · 1000)`.
const OCTAVES: u64 = 369_330;

/// How a token is chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sampling {
	/// In thousandths; 0 takes the likeliest token.
	pub temperature: u16,
	/// Mass of the nucleus in 65535ths; 65535 keeps every token.
	pub top_p: u16,
	/// Seed of the stream.
	pub seed: u64,
}

/// Index of the largest logit, the lowest if there are several; 0 when there are none.
pub fn greedy(logits: &[i32]) -> usize {
	let mut best = 0;
	for (i, &l) in logits.iter().enumerate() {
		if l > logits[best] {
			best = i;
		}
	}
	best
}

/// The random number of an output position: the first eight bytes, little endian, of block `position` of the
/// ChaCha20 stream whose key is the seed (little endian) and `b"noesis sampler, ChaCha20"`, and whose nonce is 0.
pub fn draw(seed: u64, position: u32) -> u64 {
	let mut key = [0u8; 32];
	key[..8].copy_from_slice(&seed.to_le_bytes());
	key[8..].copy_from_slice(b"noesis sampler, ChaCha20");
	let words = core::array::from_fn(|i| u32::from_le_bytes(core::array::from_fn(|j| key[4 * i + j])));
	let block = chacha::block(&words, position, &[0; 3]);
	u64::from(block[0]) | u64::from(block[1]) << 32
}

/// Weight of a token whose logit (Q16) lies `below < 2^32` under the largest; `temperature >= 1`. Below 2^32; 0 from a
/// distance of less than 2^27 on.
pub fn weight(below: u64, temperature: u16) -> u64 {
	let octaves = below * OCTAVES / (u64::from(temperature) << 16);
	if octaves >= 32 << 8 {
		return 0;
	}
	(u64::from(EXP2[(octaves & 255) as usize]) << 16) >> (octaves >> 8)
}

/// The least weight that a nucleus has, of `total` of all tokens: at least 1. `total` below 2^63.
pub fn reach(total: u64, top_p: u16) -> u64 {
	((u128::from(total) * u128::from(top_p)).div_ceil(65_535) as u64).max(1)
}

/// `floor(draw · kept / 2^64)`.
pub fn target(draw: u64, kept: u64) -> u64 {
	((u128::from(draw) * u128::from(kept)) >> 64) as u64
}

/// The token at output position `position`, from its logits (Q16; fewer than 2^31 of them). `scratch` holds at
/// least as many entries as there are logits.
pub fn sample(logits: &[i32], sampling: &Sampling, position: u32, scratch: &mut [u32]) -> usize {
	let likeliest = greedy(logits);
	if sampling.temperature == 0 || logits.is_empty() {
		return likeliest;
	}
	let top = i64::from(logits[likeliest]);
	let weigh = |index: usize| weight((top - i64::from(logits[index])) as u64, sampling.temperature);

	let mut candidates = 0;
	let mut total = 0u64;
	for index in 0..logits.len() {
		let w = weigh(index);
		if w > 0 {
			scratch[candidates] = index as u32;
			candidates += 1;
			total += w;
		}
	}
	let candidates = &mut scratch[..candidates];
	let (mut nucleus, mut kept) = (candidates.len(), total);
	if sampling.top_p < u16::MAX {
		candidates.sort_unstable_by_key(|&index| (Reverse(logits[index as usize]), index));
		(nucleus, kept) = (0, 0);
		let reach = reach(total, sampling.top_p);
		for &index in candidates.iter() {
			kept += weigh(index as usize);
			nucleus += 1;
			if kept >= reach {
				break;
			}
		}
		candidates[..nucleus].sort_unstable();
	}
	let target = target(draw(sampling.seed, position), kept);
	let mut running = 0;
	for &index in &candidates[..nucleus] {
		running += weigh(index as usize);
		if running > target {
			return index as usize;
		}
	}
	likeliest
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn pick(logits: &[i32], sampling: Sampling, position: u32) -> usize {
		sample(logits, &sampling, position, &mut vec![0; logits.len()])
	}

	#[test]
	fn greedy_should_take_the_lowest_index_when_logits_are_equal() {
		assert_eq!(greedy(&[1, 5, 5, 2]), 1);
		assert_eq!(greedy(&[i32::MIN; 3]), 0);
		assert_eq!(greedy(&[]), 0);
	}

	#[test]
	fn frequencies_should_follow_the_softmax() {
		// Logits ln 1, ln 2, ln 5 in Q16.
		let logits = [0, 45_426, 105_476];
		let mut counts = [0u32; 3];
		for position in 0..40_000 {
			counts[pick(&logits, Sampling { temperature: 1000, top_p: u16::MAX, seed: 7 }, position)] += 1;
		}
		for (count, expected) in counts.iter().zip([5_000.0, 10_000.0, 25_000.0]) {
			assert!((f64::from(*count) - expected).abs() < 400.0, "{counts:?}");
		}
	}

	#[test]
	fn nucleus_should_drop_the_tail_and_break_ties_by_index() {
		let logits = [10 << 16, 10 << 16, 10 << 16, 0];
		for position in 0..200 {
			// A third of the mass: one token, the lowest of the equals. A little more: two.
			assert_eq!(pick(&logits, Sampling { temperature: 1000, top_p: 21_000, seed: 1 }, position), 0);
			assert!(pick(&logits, Sampling { temperature: 1000, top_p: 23_000, seed: 1 }, position) < 2);
			assert_eq!(pick(&logits, Sampling { temperature: 1000, top_p: 0, seed: 1 }, position), 0);
		}
	}

	#[test]
	fn draws_should_stay_what_they_are() {
		assert_eq!(draw(0, 0), draw(0, 0));
		assert_ne!(draw(0, 0), draw(0, 1));
		assert_ne!(draw(0, 0), draw(1, 0));
	}

	proptest! {
		#[test]
		fn sample_should_be_total_and_inside_the_vocabulary(
			logits in prop::collection::vec(any::<i32>(), 1..60),
			temperature in any::<u16>(), top_p in any::<u16>(), seed in any::<u64>(), position in any::<u32>(),
		) {
			let sampling = Sampling { temperature, top_p, seed };
			let token = pick(&logits, sampling, position);
			prop_assert!(token < logits.len());
			let top = i64::from(logits[greedy(&logits)]);
			if temperature > 0 {
				prop_assert!(weight((top - i64::from(logits[token])) as u64, temperature) > 0);
			}
		}

		#[test]
		fn sample_should_equal_a_plain_reading_of_its_definition(
			logits in prop::collection::vec(-300_000i32..300_000, 1..40),
			temperature in 1u16..3000, top_p in any::<u16>(), position in any::<u32>(),
		) {
			let sampling = Sampling { temperature, top_p, seed: 3 };
			let top = i64::from(*logits.iter().max().unwrap());
			let weights: Vec<u128> =
				logits.iter().map(|&l| u128::from(weight((top - i64::from(l)) as u64, temperature))).collect();
			let total: u128 = weights.iter().sum();
			let mut ranking: Vec<usize> = (0..logits.len()).collect();
			ranking.sort_by_key(|&i| (-i64::from(logits[i]), i));
			let mut nucleus = Vec::new();
			let mut mass = 0;
			for i in ranking {
				nucleus.push(i);
				mass += weights[i];
				if mass * 65_535 >= total * u128::from(top_p) {
					break;
				}
			}
			nucleus.sort();
			let target = (u128::from(draw(3, position)) * mass) >> 64;
			let mut running = 0;
			let expected = nucleus.into_iter().find(|&i| { running += weights[i]; running > target }).unwrap();
			prop_assert_eq!(pick(&logits, sampling, position), expected);
		}
	}
}
