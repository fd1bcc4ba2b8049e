//! AVX-512 with VNNI: a whole tile per vector, multiply and add in one.

use super::{Accumulators, Token};
use crate::matrix::{Line, Packing, LANES};
use noesis_canon::GROUP;
use std::arch::{asm, x86_64::*};

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
			Packing::Q4 => q4::<N, false>(lines, tokens, out),
			Packing::Q4Wide => q4::<N, true>(lines, tokens, out),
			Packing::Q8 => q8(lines, tokens, out),
		}
	}
}

/// Adds the products of a vector of codes and the pair of activations `$pair` of a group, in every lane. Written out,
/// because the compiler would take the instruction apart into three.
macro_rules! multiply_pair {
	($dots:ident, $codes:expr, $activations:ident, $pair:literal) => {
		for (dot, activations) in $dots.iter_mut().zip(&$activations) {
			asm!(
				"vpdpwssd {dot}, {codes}, dword ptr [{activations} + 4 * {pair}]{{1to16}}",
				dot = inout(zmm_reg) *dot,
				codes = in(zmm_reg) $codes,
				activations = in(reg) *activations,
				pair = const $pair,
				options(pure, readonly, nostack, preserves_flags),
			);
		}
	};
}

/// Where group `g` of every token's activations begins.
#[inline(always)]
fn activations<const N: usize>(tokens: &[Token<'_>; N], g: usize) -> [*const i16; N] {
	std::array::from_fn(|t| tokens[t].values[g * GROUP..(g + 1) * GROUP].as_ptr())
}

#[inline(always)]
unsafe fn load(line: &Line) -> __m512i {
	// SAFETY: a line has 64 bytes, aligned to 64.
	unsafe { _mm512_load_si512(line.0.as_ptr().cast()) }
}

/// Half `half` of a line of 16-bit floats as Q24: exact, as 2^24 times a 16-bit float below 128 is an integer of 31 bits
/// with 11 significant ones.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn from_half(line: &Line, half: usize) -> __m512i {
	// SAFETY: a line has two halves of 32 bytes, aligned to 64.
	let halves = unsafe { _mm256_load_si256(line.0.as_ptr().add(32 * (half & 1)).cast()) };
	_mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtph_ps(halves), _mm512_set1_ps(16_777_216.0)))
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
unsafe fn q4<const N: usize, const WIDE: bool>(
	lines: &[Line],
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	let packing = if WIDE { Packing::Q4Wide } else { Packing::Q4 };
	// SAFETY: the features are the caller's; pairs 0 to 15 of a group lie in its 32 activations.
	unsafe {
		let mask = _mm512_set1_epi16(15);
		let mut acc = [[_mm512_setzero_si512(); 2]; N];
		for (g, group) in lines.chunks_exact(packing.lines()).enumerate() {
			let a = activations(tokens, g);
			let mut dots = [_mm512_setzero_si512(); N];
			macro_rules! line {
				($v:literal, $p0:literal, $p1:literal, $p2:literal, $p3:literal) => {
					let packed = load(&group[packing.header() + $v]);
					multiply_pair!(dots, _mm512_and_si512(packed, mask), a, $p0);
					multiply_pair!(dots, _mm512_and_si512(_mm512_srli_epi16::<4>(packed), mask), a, $p1);
					multiply_pair!(dots, _mm512_and_si512(_mm512_srli_epi16::<8>(packed), mask), a, $p2);
					multiply_pair!(dots, _mm512_srli_epi16::<12>(packed), a, $p3);
				};
			}
			line!(0, 0, 1, 2, 3);
			line!(1, 4, 5, 6, 7);
			line!(2, 8, 9, 10, 11);
			line!(3, 12, 13, 14, 15);
			let (scale, minimum) = if WIDE {
				(load(&group[0]), load(&group[1]))
			} else {
				(from_half(&group[0], 0), from_half(&group[0], 1))
			};
			let (scale_odd, minimum_odd) = (_mm512_srli_epi64::<32>(scale), _mm512_srli_epi64::<32>(minimum));
			for ((acc, dot), token) in acc.iter_mut().zip(dots).zip(tokens) {
				multiply_add(acc, dot, scale, scale_odd);
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
	// SAFETY: the features are the caller's; pairs 0 to 15 of a group lie in its 32 activations.
	unsafe {
		let mut acc = [[_mm512_setzero_si512(); 2]; N];
		for (g, group) in lines.chunks_exact(Packing::Q8.lines()).enumerate() {
			let a = activations(tokens, g);
			let mut dots = [_mm512_setzero_si512(); N];
			macro_rules! line {
				($v:literal, $p0:literal, $p1:literal) => {
					let packed = load(&group[1 + $v]);
					multiply_pair!(dots, _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(packed)), a, $p0);
					multiply_pair!(dots, _mm512_srai_epi16::<8>(packed), a, $p1);
				};
			}
			line!(0, 0, 1);
			line!(1, 2, 3);
			line!(2, 4, 5);
			line!(3, 6, 7);
			line!(4, 8, 9);
			line!(5, 10, 11);
			line!(6, 12, 13);
			line!(7, 14, 15);
			let scale = load(&group[0]);
			let scale_odd = _mm512_srli_epi64::<32>(scale);
			for (acc, dot) in acc.iter_mut().zip(dots) {
				multiply_add(acc, dot, scale, scale_odd);
			}
		}
		for (acc, out) in acc.into_iter().zip(out) {
			store(acc, out);
		}
	}
}
