//! AVX2: attention of one query head, in two passes over the keys.

use super::{squared_length, AttentionScratch};
use noesis_canon::{attention, tables::EXP2};
use std::arch::x86_64::*;

/// Keys after which 32-bit sums of byte planes are widened: `128 · 2 · 255 · 32767 < 2^31`.
const WIDEN: usize = 256;

/// The table of weights in 32 bits, for gathers.
static WIDE_EXP2: [i32; 256] = {
	let mut wide = [0; 256];
	let mut i = 0;
	while i < 256 {
		wide[i] = EXP2[i] as i32;
		i += 1;
	}
	wide
};

/// [`attention::attend`] for heads of a multiple of 16 values, at most 256. `key_bound` is at least the squared
/// length of every key.
///
/// # Safety
/// Needs AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn attend(
	query: &[i16],
	keys: &[i16],
	values: &[i16],
	key_bound: u64,
	multiplier: i64,
	scratch: &mut AttentionScratch,
	out: &mut [i32],
) {
	let dim = query.len();
	let bound = u128::from(squared_length(query)) * u128::from(key_bound);
	let weights = &mut scratch.weights;
	// SAFETY: AVX2 is the caller's. No part of a dot product exceeds the product of the lengths: below 2^30, scores and
	// their differences fit 32 bits.
	let total = unsafe {
		if bound < 1 << 60 {
			narrow_weights(query, keys, multiplier, &mut scratch.narrow, weights)
		} else {
			wide_weights(query, keys, multiplier, &mut scratch.wide, weights)
		}
	};
	scratch.pairs.clear();
	scratch.pairs.extend(weights.chunks(2).map(|pair| {
		let (w0, w1) = (u32::from(pair[0]), pair.get(1).map_or(0, |&w| u32::from(w)));
		[(w0 >> 8) | (w1 >> 8) << 16, (w0 & 255) | (w1 & 255) << 16]
	}));
	let mut first = 0;
	while first < dim {
		// SAFETY: AVX2 is the caller's; the columns are there.
		first += unsafe {
			if dim - first >= 32 {
				columns::<2>(&scratch.pairs, values, dim, first, total, out)
			} else {
				columns::<1>(&scratch.pairs, values, dim, first, total, out)
			}
		};
	}
}

/// Outputs of `16 V` columns from `first`; returns how many.
#[target_feature(enable = "avx2")]
unsafe fn columns<const V: usize>(
	pairs: &[[u32; 2]],
	values: &[i16],
	dim: usize,
	first: usize,
	total: u32,
	out: &mut [i32],
) -> usize {
	let mut sums = [[0i64; 16]; V];
	for (pairs, values) in pairs.chunks(WIDEN / 2).zip(values.chunks(WIDEN * dim)) {
		// SAFETY: `values` has `dim` values per weight, and `first + 16 V <= dim`.
		unsafe { weighted_sum(pairs, values, dim, first, &mut sums) };
	}
	for (o, &sum) in out[first..].iter_mut().zip(sums.iter().flatten()) {
		*o = attention::normalise(sum, total.max(1));
	}
	16 * V
}

/// Weights when every score fits 32 bits; returns their sum.
#[target_feature(enable = "avx2")]
unsafe fn narrow_weights(
	query: &[i16],
	keys: &[i16],
	multiplier: i64,
	scores: &mut Vec<i32>,
	weights: &mut [u16],
) -> u32 {
	let dim = query.len();
	let positions = weights.len();
	scores.resize(positions.next_multiple_of(8), 0);
	let mut largest = i32::MIN;
	for (scores, keys) in scores.chunks_exact_mut(8).zip(keys.chunks(8 * dim)) {
		if keys.len() == 8 * dim {
			// SAFETY: eight keys of `dim` values; room for eight scores.
			unsafe { _mm256_storeu_si256(scores.as_mut_ptr().cast(), eight_scores(query, keys)) };
		} else {
			for (s, key) in scores.iter_mut().zip(keys.chunks_exact(dim)) {
				*s = attention::score(query, key) as i32;
			}
		}
		let count = keys.len() / dim;
		largest = scores[..count].iter().fold(largest, |m, &s| m.max(s));
	}
	let mut total = 0;
	for (weights, scores) in weights.chunks_mut(8).zip(scores.chunks_exact(8)) {
		let mut eight = [0i32; 8];
		// SAFETY: both arrays have eight entries.
		unsafe {
			let scores = _mm256_loadu_si256(scores.as_ptr().cast());
			_mm256_storeu_si256(eight.as_mut_ptr().cast(), eight_weights(scores, largest, multiplier));
		}
		for (w, e) in weights.iter_mut().zip(eight) {
			*w = e as u16;
			total += e as u32;
		}
	}
	total
}

/// Scores of eight keys.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn eight_scores(query: &[i16], keys: &[i16]) -> __m256i {
	let dim = query.len();
	debug_assert!(keys.len() == 8 * dim && dim.is_multiple_of(16));
	// SAFETY: loads stay within the slices.
	unsafe {
		let mut sums = [_mm256_setzero_si256(); 8];
		for i in (0..dim).step_by(16) {
			let q = _mm256_loadu_si256(query.as_ptr().add(i).cast());
			for (j, sum) in sums.iter_mut().enumerate() {
				let k = _mm256_loadu_si256(keys.as_ptr().add(j * dim + i).cast());
				*sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(q, k));
			}
		}
		let [a, b, c, d, e, f, g, h] = sums;
		let low = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
		let high = _mm256_hadd_epi32(_mm256_hadd_epi32(e, f), _mm256_hadd_epi32(g, h));
		_mm256_add_epi32(
			_mm256_permute2x128_si256::<0x20>(low, high),
			_mm256_permute2x128_si256::<0x31>(low, high),
		)
	}
}

/// [`attention::weight`] of eight scores.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn eight_weights(scores: __m256i, largest: i32, multiplier: i64) -> __m256i {
	// SAFETY: AVX2 is the caller's; gathered indices are below 256.
	unsafe {
		let below = _mm256_sub_epi32(_mm256_set1_epi32(largest), scores);
		// Beyond 2^27 a weight is 0 for every head size; clamping keeps the product's octaves in 32 bits.
		let below = _mm256_min_epu32(below, _mm256_set1_epi32(1 << 27));
		let by = _mm256_set1_epi64x(multiplier);
		let even = _mm256_srli_epi64::<28>(_mm256_mul_epu32(below, by));
		let odd = _mm256_srli_epi64::<28>(_mm256_mul_epu32(_mm256_srli_epi64::<32>(below), by));
		let octaves = _mm256_or_si256(even, _mm256_slli_epi64::<32>(odd));
		let table = _mm256_and_si256(octaves, _mm256_set1_epi32(255));
		let weight = _mm256_i32gather_epi32::<4>(WIDE_EXP2.as_ptr(), table);
		// Shifts of 32 and more give 0, as do those of 16 and more.
		_mm256_srlv_epi32(weight, _mm256_srli_epi32::<8>(octaves))
	}
}

/// Weights for any scores; returns their sum.
#[target_feature(enable = "avx2")]
unsafe fn wide_weights(
	query: &[i16],
	keys: &[i16],
	multiplier: i64,
	scores: &mut Vec<i64>,
	weights: &mut [u16],
) -> u32 {
	scores.clear();
	// SAFETY: both have as many values.
	scores.extend(keys.chunks_exact(query.len()).map(|key| unsafe { dot(query, key) }));
	let largest = scores.iter().copied().max().unwrap_or(0);
	let mut total = 0u32;
	for (w, &s) in weights.iter_mut().zip(scores.iter()) {
		*w = attention::weight(largest - s, multiplier);
		total += u32::from(*w);
	}
	total
}

/// `Σ a·b`; lengths are equal multiples of 16.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn dot(a: &[i16], b: &[i16]) -> i64 {
	debug_assert!(a.len() == b.len() && a.len().is_multiple_of(16));
	// SAFETY: loads stay within the slices. A product of pairs is below 2^31 because both sides are saturated to
	// ±32767.
	unsafe {
		let mut wide = _mm256_setzero_si256();
		for i in (0..a.len()).step_by(16) {
			let x = _mm256_loadu_si256(a.as_ptr().add(i).cast());
			let y = _mm256_loadu_si256(b.as_ptr().add(i).cast());
			let pairs = _mm256_madd_epi16(x, y);
			wide = _mm256_add_epi64(wide, _mm256_cvtepi32_epi64(_mm256_castsi256_si128(pairs)));
			wide = _mm256_add_epi64(wide, _mm256_cvtepi32_epi64(_mm256_extracti128_si256::<1>(pairs)));
		}
		let half = _mm_add_epi64(_mm256_castsi256_si128(wide), _mm256_extracti128_si256::<1>(wide));
		_mm_cvtsi128_si64(_mm_add_epi64(half, _mm_unpackhi_epi64(half, half)))
	}
}

/// Adds `Σ weight·value` of `16 V` columns from `first`, of at most [`WIDEN`] positions. `pairs` holds the high and the
/// low bytes of two positions' weights.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn weighted_sum<const V: usize>(
	pairs: &[[u32; 2]],
	values: &[i16],
	dim: usize,
	first: usize,
	sums: &mut [[i64; 16]; V],
) {
	let positions = values.len() / dim;
	let row = |j: usize, vector: usize| {
		let at = j * dim + first + 16 * vector;
		debug_assert!(at + 16 <= values.len());
		// SAFETY: in bounds as asserted.
		unsafe { _mm256_loadu_si256(values.as_ptr().add(at).cast()) }
	};
	let zero = _mm256_setzero_si256();
	let (mut high, mut low) = ([[zero; 2]; V], [[zero; 2]; V]);
	for (i, &[both_high, both_low]) in pairs.iter().enumerate() {
		// Most keys of a long text weigh nothing.
		if both_high | both_low == 0 {
			continue;
		}
		let both_high = _mm256_set1_epi32(both_high as i32);
		let both_low = _mm256_set1_epi32(both_low as i32);
		for vector in 0..V {
			let v0 = row(2 * i, vector);
			let v1 = if 2 * i + 1 < positions { row(2 * i + 1, vector) } else { zero };
			let pair = [_mm256_unpacklo_epi16(v0, v1), _mm256_unpackhi_epi16(v0, v1)];
			for n in 0..2 {
				let (high, low) = (&mut high[vector][n], &mut low[vector][n]);
				*high = _mm256_add_epi32(*high, _mm256_madd_epi16(pair[n], both_high));
				*low = _mm256_add_epi32(*low, _mm256_madd_epi16(pair[n], both_low));
			}
		}
	}
	for vector in 0..V {
		for n in 0..2 {
			let (mut h, mut l) = ([0i32; 8], [0i32; 8]);
			// SAFETY: both arrays have 32 bytes.
			unsafe {
				_mm256_storeu_si256(h.as_mut_ptr().cast(), high[vector][n]);
				_mm256_storeu_si256(l.as_mut_ptr().cast(), low[vector][n]);
			}
			for lane in 0..8 {
				// Unpacking works within halves of 128 bits: lanes 0-3 are columns 0-3 or 4-7, lanes 4-7 eight on.
				let column = lane % 4 + 4 * n + 8 * (lane / 4);
				sums[vector][column] += 256 * i64::from(h[lane]) + i64::from(l[lane]);
			}
		}
	}
}
