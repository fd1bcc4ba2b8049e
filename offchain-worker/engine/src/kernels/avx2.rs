//! AVX2: eight rows per vector, half a tile at a time.

use super::{Accumulators, Token};
use crate::matrix::{Line, Packing, LANES, PAIRS};
use noesis_canon::GROUP;
use std::arch::x86_64::*;

/// Accumulates a tile's rows for `N` tokens.
///
/// # Safety
/// Needs AVX2 and F16C.
#[target_feature(enable = "avx2,f16c")]
pub(super) unsafe fn tile<const N: usize>(
	packing: Packing,
	lines: &[Line],
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	for half in 0..2 {
		// SAFETY: the caller has AVX2.
		unsafe {
			match packing {
				Packing::Q4 => half_q4::<N, false>(lines, half, tokens, out),
				Packing::Q4Wide => half_q4::<N, true>(lines, half, tokens, out),
				Packing::Q8 => half_q8(lines, half, tokens, out),
			}
		}
	}
}

/// The pair of activations `pair` of group `g`, in every lane.
#[inline(always)]
unsafe fn broadcast(token: &Token<'_>, g: usize, pair: usize) -> __m256i {
	debug_assert!(g * GROUP + 2 * pair + 1 < token.values.len());
	// SAFETY: in bounds as asserted; groups come from the same matrix width as the activations. AVX2 is the
	// caller's.
	unsafe {
		_mm256_set1_epi32(token.values.as_ptr().add(g * GROUP + 2 * pair).cast::<i32>().read_unaligned())
	}
}

#[inline(always)]
unsafe fn load(line: &Line, half: usize) -> __m256i {
	// SAFETY: a line has two halves of 32 bytes, aligned to 64.
	unsafe { _mm256_load_si256(line.0.as_ptr().add(32 * (half & 1)).cast()) }
}

/// Quarter `quarter` of a line of 16-bit floats as Q24: exact, as 2^24 times a 16-bit float below 128 is an integer of
/// 31 bits with 11 significant ones.
#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn from_half(line: &Line, quarter: usize) -> __m256i {
	// SAFETY: a line has four quarters of 16 bytes, aligned to 64.
	let halves = unsafe { _mm_load_si128(line.0.as_ptr().add(16 * (quarter & 3)).cast()) };
	_mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtph_ps(halves), _mm256_set1_ps(16_777_216.0)))
}

/// Adds `a · b` of even lanes to `acc[0]`, of odd lanes to `acc[1]`.
#[inline(always)]
unsafe fn multiply_add(acc: &mut [__m256i; 2], a: __m256i, b: __m256i, b_odd: __m256i) {
	// SAFETY: AVX2 is the caller's.
	unsafe {
		acc[0] = _mm256_add_epi64(acc[0], _mm256_mul_epi32(a, b));
		acc[1] = _mm256_add_epi64(acc[1], _mm256_mul_epi32(_mm256_srli_epi64::<32>(a), b_odd));
	}
}

#[inline(always)]
unsafe fn store(acc: [__m256i; 2], half: usize, out: &mut [i64; LANES]) {
	let (mut even, mut odd) = ([0i64; 4], [0i64; 4]);
	// SAFETY: both arrays have 32 bytes.
	unsafe {
		_mm256_storeu_si256(even.as_mut_ptr().cast(), acc[0]);
		_mm256_storeu_si256(odd.as_mut_ptr().cast(), acc[1]);
	}
	for i in 0..4 {
		out[8 * half + 2 * i] += even[i];
		out[8 * half + 2 * i + 1] += odd[i];
	}
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn half_q4<const N: usize, const WIDE: bool>(
	lines: &[Line],
	half: usize,
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	// SAFETY: AVX2 is the caller's; bounds are those of the helpers.
	unsafe {
		let mask = _mm256_set1_epi16(15);
		let mut acc = [[_mm256_setzero_si256(); 2]; N];
		let packing = if WIDE { Packing::Q4Wide } else { Packing::Q4 };
		for (g, group) in lines.chunks_exact(packing.lines()).enumerate() {
			let mut dots = [_mm256_setzero_si256(); N];
			for v in 0..PAIRS / 4 {
				let packed = load(&group[packing.header() + v], half);
				let codes = [
					_mm256_and_si256(packed, mask),
					_mm256_and_si256(_mm256_srli_epi16::<4>(packed), mask),
					_mm256_and_si256(_mm256_srli_epi16::<8>(packed), mask),
					_mm256_srli_epi16::<12>(packed),
				];
				for (n, code) in codes.into_iter().enumerate() {
					for (dot, token) in dots.iter_mut().zip(tokens) {
						let a = broadcast(token, g, 4 * v + n);
						*dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(code, a));
					}
				}
			}
			let (scale, minimum) = if WIDE {
				(load(&group[0], half), load(&group[1], half))
			} else {
				(from_half(&group[0], half), from_half(&group[0], 2 + half))
			};
			let (scale_odd, minimum_odd) = (_mm256_srli_epi64::<32>(scale), _mm256_srli_epi64::<32>(minimum));
			for ((acc, dot), token) in acc.iter_mut().zip(dots).zip(tokens) {
				multiply_add(acc, dot, scale, scale_odd);
				multiply_add(acc, _mm256_set1_epi32(token.sums[g]), minimum, minimum_odd);
			}
		}
		for (acc, out) in acc.into_iter().zip(out) {
			store(acc, half, out);
		}
	}
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn half_q8<const N: usize>(
	lines: &[Line],
	half: usize,
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	// SAFETY: AVX2 is the caller's; bounds are those of the helpers.
	unsafe {
		let mut acc = [[_mm256_setzero_si256(); 2]; N];
		for (g, group) in lines.chunks_exact(Packing::Q8.lines()).enumerate() {
			let mut dots = [_mm256_setzero_si256(); N];
			for v in 0..PAIRS / 2 {
				let packed = load(&group[1 + v], half);
				let codes =
					[_mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(packed)), _mm256_srai_epi16::<8>(packed)];
				for (n, code) in codes.into_iter().enumerate() {
					for (dot, token) in dots.iter_mut().zip(tokens) {
						let a = broadcast(token, g, 2 * v + n);
						*dot = _mm256_add_epi32(*dot, _mm256_madd_epi16(code, a));
					}
				}
			}
			let scale = load(&group[0], half);
			let scale_odd = _mm256_srli_epi64::<32>(scale);
			for (acc, dot) in acc.iter_mut().zip(dots) {
				multiply_add(acc, dot, scale, scale_odd);
			}
		}
		for (acc, out) in acc.into_iter().zip(out) {
			store(acc, half, out);
		}
	}
}
