//! AVX-512 with VNNI: a whole tile per vector, multiply and add in one.

use super::{Accumulators, Token};
use crate::matrix::{Line, Packing, LANES, PAIRS};
use noesis_canon::GROUP;
use std::arch::x86_64::*;

/// Accumulates a tile's rows for `N` tokens.
///
/// # Safety
/// Needs AVX-512 F, BW and VNNI.
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn tile<const N: usize>(
	packing: Packing,
	lines: &[Line],
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	// SAFETY: the caller has the features.
	unsafe {
		match packing {
			Packing::Q4 => q4(lines, tokens, out),
			Packing::Q8 => q8(lines, tokens, out),
		}
	}
}

/// The pair of activations `pair` of group `g`, in every lane.
#[inline(always)]
unsafe fn broadcast(token: &Token<'_>, g: usize, pair: usize) -> __m512i {
	debug_assert!(g * GROUP + 2 * pair + 1 < token.values.len());
	// SAFETY: in bounds as asserted; groups come from the same matrix width as the activations. The features are
	// the caller's.
	unsafe {
		_mm512_set1_epi32(token.values.as_ptr().add(g * GROUP + 2 * pair).cast::<i32>().read_unaligned())
	}
}

#[inline(always)]
unsafe fn load(line: &Line) -> __m512i {
	// SAFETY: a line has 64 bytes, aligned to 64.
	unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

/// Adds `a · b` of even lanes to `acc[0]`, of odd lanes to `acc[1]`.
#[inline(always)]
unsafe fn multiply_add(acc: &mut [__m512i; 2], a: __m512i, b: __m512i, b_odd: __m512i) {
	// SAFETY: the features are the caller's.
	unsafe {
		acc[0] = _mm512_add_epi64(acc[0], _mm512_mul_epi32(a, b));
		acc[1] = _mm512_add_epi64(acc[1], _mm512_mul_epi32(_mm512_srli_epi64::<32>(a), b_odd));
	}
}

#[inline(always)]
unsafe fn store(acc: [__m512i; 2], out: &mut [i64; LANES]) {
	let (mut even, mut odd) = ([0i64; 8], [0i64; 8]);
	// SAFETY: both arrays have 64 bytes.
	unsafe {
		_mm512_storeu_si512(even.as_mut_ptr().cast(), acc[0]);
		_mm512_storeu_si512(odd.as_mut_ptr().cast(), acc[1]);
	}
	for i in 0..8 {
		out[2 * i] += even[i];
		out[2 * i + 1] += odd[i];
	}
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn q4<const N: usize>(lines: &[Line], tokens: &[Token<'_>; N], out: &mut Accumulators<N>) {
	// SAFETY: the features are the caller's; bounds are those of the helpers.
	unsafe {
		let mask = _mm512_set1_epi16(15);
		let mut acc = [[_mm512_setzero_si512(); 2]; N];
		for (g, group) in lines.chunks_exact(Packing::Q4.lines()).enumerate() {
			// Two chains per token hide the latency of the multiplications.
			let mut dots = [[_mm512_setzero_si512(); 2]; N];
			for v in 0..PAIRS / 4 {
				let packed = load(&group[2 + v]);
				let codes = [
					_mm512_and_si512(packed, mask),
					_mm512_and_si512(_mm512_srli_epi16::<4>(packed), mask),
					_mm512_and_si512(_mm512_srli_epi16::<8>(packed), mask),
					_mm512_srli_epi16::<12>(packed),
				];
				for (n, code) in codes.into_iter().enumerate() {
					for (dot, token) in dots.iter_mut().zip(tokens) {
						let a = broadcast(token, g, 4 * v + n);
						dot[n % 2] = _mm512_dpwssd_epi32(dot[n % 2], code, a);
					}
				}
			}
			let (scale, minimum) = (load(&group[0]), load(&group[1]));
			let (scale_odd, minimum_odd) = (_mm512_srli_epi64::<32>(scale), _mm512_srli_epi64::<32>(minimum));
			for ((acc, dot), token) in acc.iter_mut().zip(dots).zip(tokens) {
				multiply_add(acc, _mm512_add_epi32(dot[0], dot[1]), scale, scale_odd);
				multiply_add(acc, _mm512_set1_epi32(token.sums[g]), minimum, minimum_odd);
			}
		}
		for (acc, out) in acc.into_iter().zip(out) {
			store(acc, out);
		}
	}
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
unsafe fn q8<const N: usize>(lines: &[Line], tokens: &[Token<'_>; N], out: &mut Accumulators<N>) {
	// SAFETY: the features are the caller's; bounds are those of the helpers.
	unsafe {
		let mut acc = [[_mm512_setzero_si512(); 2]; N];
		for (g, group) in lines.chunks_exact(Packing::Q8.lines()).enumerate() {
			let mut dots = [[_mm512_setzero_si512(); 2]; N];
			for v in 0..PAIRS / 2 {
				let packed = load(&group[1 + v]);
				let codes =
					[_mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(packed)), _mm512_srai_epi16::<8>(packed)];
				for (n, code) in codes.into_iter().enumerate() {
					for (dot, token) in dots.iter_mut().zip(tokens) {
						let a = broadcast(token, g, 2 * v + n);
						dot[n] = _mm512_dpwssd_epi32(dot[n], code, a);
					}
				}
			}
			let scale = load(&group[0]);
			let scale_odd = _mm512_srli_epi64::<32>(scale);
			for (acc, dot) in acc.iter_mut().zip(dots) {
				multiply_add(acc, _mm512_add_epi32(dot[0], dot[1]), scale, scale_odd);
			}
		}
		for (acc, out) in acc.into_iter().zip(out) {
			store(acc, out);
		}
	}
}
