//! From logits to a token: [`crate::sampler::sample`] in bounded steps.
//!
//! A token counts if its weight is not 0; then its logit lies less than 2^27 under the largest. That distance has four
//! digits of seven bits. To find where the nucleus ends without sorting, the weights are summed by the first digit, the
//! digit is chosen at which the sum reaches what the nucleus needs, then the same among the tokens with this digit for
//! the second, and so on. Tokens with the same distance have the same weight: how many of them, lowest index first,
//! belong to the nucleus is a division.

use super::{
	layout::DIGITS,
	read::{ensure, i32s, i64s},
};
use crate::sampler::{draw, reach, target, weight, Sampling};
use alloc::vec::Vec;

/// Bits of a digit.
const DIGIT_BITS: u32 = 7;
/// Values of a digit.
pub(super) const BINS: usize = 1 << DIGIT_BITS;
/// A distance that no token that counts has.
const BEYOND: i64 = 1 << (DIGITS * DIGIT_BITS);
/// Sums of weights stay below this: 2^20 tokens of less than 2^32.
const MAX_TOTAL: i64 = 1 << 52;
/// The token of a search that has not found it.
const NONE: i64 = -1;

/// Largest logit and its first token, from those before and a tile from token `first` on.
pub(super) fn best(logits: &[u8], first: u32, before: Option<&[u8]>) -> Option<Vec<i64>> {
	let (mut value, mut token) = match before {
		Some(before) => pair(before)?,
		None => (i64::MIN, 0),
	};
	for (logit, index) in i32s(logits).zip(first..) {
		if i64::from(logit) > value {
			(value, token) = (logit.into(), index.into());
		}
	}
	Some([value, token].into())
}

fn pair(bytes: &[u8]) -> Option<(i64, i64)> {
	let mut numbers = i64s(bytes);
	Some((numbers.next()?, numbers.next()?))
}

fn triple(bytes: &[u8]) -> Option<[i64; 3]> {
	let mut numbers = i64s(bytes);
	Some([numbers.next()?, numbers.next()?, numbers.next()?])
}

/// Distance under the largest and weight of every token of a tile; `None` if one is larger than the largest.
fn weigh<'a>(
	logits: &'a [u8],
	best: &[u8],
	sampling: &'a Sampling,
) -> Option<impl Iterator<Item = Option<(i64, i64)>> + 'a> {
	let (largest, _) = pair(best)?;
	ensure(i32::try_from(largest).is_ok())?;
	Some(i32s(logits).map(move |logit| {
		let below = u64::try_from(largest - i64::from(logit)).ok()?;
		Some((below as i64, weight(below, sampling.temperature) as i64))
	}))
}

fn total_in_range(total: i64) -> Option<i64> {
	(0..=MAX_TOTAL).contains(&total).then_some(total)
}

/// Sum of the weights so far.
pub(super) fn total(logits: &[u8], best: &[u8], before: Option<&[u8]>, sampling: &Sampling) -> Option<i64> {
	let mut sum = match before {
		Some(before) => total_in_range(i64s(before).next()?)?,
		None => 0,
	};
	for token in weigh(logits, best, sampling)? {
		sum += token?.1;
	}
	total_in_range(sum)
}

/// Sums of the weights so far by digit number `digit`, of the tokens whose digits before are those chosen.
pub(super) fn bins(
	logits: &[u8],
	best: &[u8],
	choice: Option<&[u8]>,
	before: Option<&[u8]>,
	sampling: &Sampling,
	digit: u32,
) -> Option<Vec<i64>> {
	let prefix = match choice {
		Some(choice) => triple(choice)?[2],
		None => 0,
	};
	let mut bins: Vec<i64> = match before {
		Some(before) => i64s(before).map(total_in_range).collect::<Option<_>>()?,
		None => [0; BINS].into(),
	};
	ensure(bins.len() == BINS)?;
	let shift = (DIGITS - 1 - digit) * DIGIT_BITS;
	for token in weigh(logits, best, sampling)? {
		let (below, weight) = token?;
		if weight > 0 && below >> (shift + DIGIT_BITS) == prefix {
			bins[(below >> shift) as usize % BINS] += weight;
		}
	}
	bins.into_iter().map(total_in_range).collect()
}

/// What the nucleus needs, the weight that lies before the digits chosen, and those digits.
pub(super) fn choice(bins: &[u8], from: &[u8], digit: u32, sampling: &Sampling) -> Option<Vec<i64>> {
	let [need, mut before, prefix] = match digit {
		0 => [reach(total_in_range(i64s(from).next()?)? as u64, sampling.top_p) as i64, 0, 0],
		_ => triple(from)?,
	};
	ensure((1..=MAX_TOTAL).contains(&need) && (0..need).contains(&before))?;
	ensure((0..1 << (digit * DIGIT_BITS)).contains(&prefix))?;
	for (bin, sum) in i64s(bins).enumerate() {
		let sum = total_in_range(sum)?;
		if before + sum >= need {
			return Some([need, before, prefix << DIGIT_BITS | bin as i64].into());
		}
		before += sum;
	}
	None
}

/// The last distance of the nucleus, how many tokens of that distance belong to it, and the weight that is drawn.
pub(super) fn end(from: &[u8], nucleus: bool, sampling: &Sampling, index: u32) -> Option<Vec<i64>> {
	let (limit, ties, kept) = if nucleus {
		let [need, before, limit] = triple(from)?;
		ensure((1..=MAX_TOTAL).contains(&need) && (0..need).contains(&before))?;
		ensure((0..BEYOND).contains(&limit))?;
		let each = weight(limit as u64, sampling.temperature) as i64;
		ensure(each > 0)?;
		let ties = ((need - before) as u64).div_ceil(each as u64) as i64;
		(limit, ties, before + ties * each)
	} else {
		(BEYOND, 0, total_in_range(i64s(from).next()?)?)
	};
	let drawn = target(draw(sampling.seed, index), kept as u64);
	Some([limit, ties, drawn as i64].into())
}

/// Weight of the nucleus so far, tokens of the last distance that are still to come, and the token, if found.
pub(super) fn find(
	logits: &[u8],
	first: u32,
	best: &[u8],
	end: &[u8],
	before: Option<&[u8]>,
	sampling: &Sampling,
) -> Option<Vec<i64>> {
	let [limit, ties, drawn] = triple(end)?;
	let [mut running, mut ties, mut token] = match before {
		Some(before) => triple(before)?,
		None => [0, ties, NONE],
	};
	total_in_range(running)?;
	ensure((0..=MAX_TOTAL).contains(&ties))?;
	for (weighed, index) in weigh(logits, best, sampling)?.zip(first..) {
		let (below, weight) = weighed?;
		if token != NONE || weight == 0 || below > limit {
			continue;
		}
		if below == limit {
			if ties == 0 {
				continue;
			}
			ties -= 1;
		}
		running += weight;
		if running > drawn {
			token = index.into();
		}
	}
	Some([total_in_range(running)?, ties, token].into())
}

/// The token found.
pub(super) fn token(found: &[u8], header: u32, vocabulary: u32) -> Option<i64> {
	let token = i64s(found).nth(header as usize - 1)?;
	(0..i64::from(vocabulary)).contains(&token).then_some(token)
}
