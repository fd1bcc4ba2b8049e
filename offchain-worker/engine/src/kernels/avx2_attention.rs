//! AVX2: scores of one query head, their weights, and the sums that they weigh.

use super::attention::RUN;
use noesis_canon::{attention, shard::RowMaximum, tables::EXP2};
use std::arch::x86_64::*;

/// Beyond this much under the maximum a weight is 0 for every head size up to 1024.
const VANISHED: i32 = 1 << 27;
/// Narrow scores have a smaller magnitude.
const NARROW: i64 = 1 << 30;

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

/// Appends scores that all fit 30 bits, eight at a time; what the last eight lack is [`i32::MIN`]. Returns the
/// greatest.
///
/// # Safety
/// Needs AVX2. The query has a multiple of 16 values, and its length times that of any key is below 2^30.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn narrow_scores(query: &[i16], keys: &[i16], scores: &mut Vec<i32>) -> RowMaximum {
	let dim = query.len();
	let start = scores.len();
	scores.resize(start + (keys.len() / dim).next_multiple_of(8), i32::MIN);
	let scores = &mut scores[start..];
	for (scores, keys) in scores.chunks_exact_mut(8).zip(keys.chunks(8 * dim)) {
		if keys.len() == 8 * dim {
			// SAFETY: eight keys of `dim` values; room for eight scores.
			unsafe { _mm256_storeu_si256(scores.as_mut_ptr().cast(), eight_scores(query, keys)) };
		} else {
			for (s, key) in scores.iter_mut().zip(keys.chunks_exact(dim)) {
				*s = attention::score(query, key) as i32;
			}
		}
	}
	RowMaximum(scores.iter().copied().max().map(i64::from))
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

/// Appends scores of any size. Returns the greatest.
///
/// # Safety
/// Needs AVX2. The query has a multiple of 16 values; all values lie in `-32767..=32767`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn wide_scores(query: &[i16], keys: &[i16], scores: &mut Vec<i64>) -> RowMaximum {
	let start = scores.len();
	// SAFETY: both have as many values.
	scores.extend(keys.chunks_exact(query.len()).map(|key| unsafe { dot(query, key) }));
	RowMaximum(scores[start..].iter().copied().max())
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

/// Weights of a run of keys as byte planes: two 16-bit halves of a number are the high (or the low) bytes of two
/// consecutive keys' weights.
pub(super) struct Weights {
	high: [u32; RUN / 2],
	low: [u32; RUN / 2],
}

impl Default for Weights {
	fn default() -> Self {
		Self { high: [0; RUN / 2], low: [0; RUN / 2] }
	}
}

impl Weights {
	/// Weights of narrow scores, a multiple of eight and at most [`RUN`]; returns their sum.
	///
	/// # Safety
	/// Needs AVX2.
	#[target_feature(enable = "avx2")]
	pub(super) unsafe fn of_narrow(&mut self, scores: &[i32], maximum: i64, multiplier: i64) -> u32 {
		// A maximum from elsewhere may be far above these scores: then all of them weigh 0, as they do at this cut.
		let maximum = maximum.min(NARROW + i64::from(VANISHED)) as i32;
		let planes = self.high.chunks_exact_mut(4).zip(self.low.chunks_exact_mut(4));
		let mut sums = [0u32; 8];
		// SAFETY: AVX2 is the caller's; eight scores become eight weights in two planes of 16 bytes.
		unsafe {
			let mut total = _mm256_setzero_si256();
			for (scores, (high, low)) in scores.chunks_exact(8).zip(planes) {
				let scores = _mm256_loadu_si256(scores.as_ptr().cast());
				let weights = eight_weights(scores, maximum, multiplier);
				total = _mm256_add_epi32(total, weights);
				let short =
					_mm_packus_epi32(_mm256_castsi256_si128(weights), _mm256_extracti128_si256::<1>(weights));
				_mm_storeu_si128(high.as_mut_ptr().cast(), _mm_srli_epi16::<8>(short));
				_mm_storeu_si128(low.as_mut_ptr().cast(), _mm_and_si128(short, _mm_set1_epi16(255)));
			}
			_mm256_storeu_si256(sums.as_mut_ptr().cast(), total);
		}
		sums.iter().sum()
	}

	/// Weights of any scores, at most [`RUN`]; returns their sum.
	pub(super) fn of_wide(&mut self, scores: &[i64], maximum: i64, multiplier: i64) -> u32 {
		let mut total = 0;
		for (pair, (high, low)) in scores.chunks(2).zip(self.high.iter_mut().zip(&mut self.low)) {
			let weight = |i: usize| pair.get(i).map_or(0, |s| attention::weight(maximum - s, multiplier));
			let [w0, w1] = [weight(0), weight(1)].map(u32::from);
			(*high, *low) = ((w0 >> 8) | (w1 >> 8) << 16, (w0 & 255) | (w1 & 255) << 16);
			total += w0 + w1;
		}
		total
	}

	/// Adds the weighted `values` of the run; their columns are as many as `sums`, a multiple of 16.
	///
	/// # Safety
	/// Needs AVX2. There are no more values than weights.
	#[target_feature(enable = "avx2")]
	pub(super) unsafe fn add(&self, values: &[i16], sums: &mut [i64]) {
		let dim = sums.len();
		for (i, sums) in sums.chunks_mut(32).enumerate() {
			// SAFETY: AVX2 is the caller's; the columns are there.
			unsafe {
				if sums.len() == 32 {
					self.add_columns::<2>(values, dim, 32 * i, sums);
				} else {
					self.add_columns::<1>(values, dim, 32 * i, sums);
				}
			}
		}
	}

	/// Adds `16 V` columns from `first` on.
	#[inline]
	#[target_feature(enable = "avx2")]
	unsafe fn add_columns<const V: usize>(&self, values: &[i16], dim: usize, first: usize, sums: &mut [i64]) {
		let positions = values.len() / dim;
		let row = |j: usize, vector: usize| {
			let at = j * dim + first + 16 * vector;
			debug_assert!(at + 16 <= values.len());
			// SAFETY: in bounds as asserted.
			unsafe { _mm256_loadu_si256(values.as_ptr().add(at).cast()) }
		};
		let zero = _mm256_setzero_si256();
		let (mut high, mut low) = ([[zero; 2]; V], [[zero; 2]; V]);
		let pairs = self.high.iter().zip(&self.low).take(positions.div_ceil(2));
		for (i, (&both_high, &both_low)) in pairs.enumerate() {
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
					let column = 16 * vector + lane % 4 + 4 * n + 8 * (lane / 4);
					sums[column] += 256 * i64::from(h[lane]) + i64::from(l[lane]);
				}
			}
		}
	}
}

/// [`attention::weight`] of eight scores.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn eight_weights(scores: __m256i, maximum: i32, multiplier: i64) -> __m256i {
	// SAFETY: AVX2 is the caller's; gathered indices are below 256.
	unsafe {
		// Clamping keeps the product's octaves in 32 bits.
		let below = _mm256_sub_epi32(_mm256_set1_epi32(maximum), scores);
		let below = _mm256_min_epu32(below, _mm256_set1_epi32(VANISHED));
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
