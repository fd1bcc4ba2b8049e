//! AVX2: the gate of a feed-forward layer.

use noesis_canon::{silu, tables::SIGMOID};
use std::arch::x86_64::*;

/// [`silu::gated`] of every pair.
///
/// # Safety
/// Needs AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn gated(gate: &[i32], up: &[i32], out: &mut [i64]) {
	let (gates, ups) = (gate.chunks_exact(8), up.chunks_exact(8));
	let tail = gates.remainder().iter().zip(ups.remainder());
	let mut outs = out.chunks_exact_mut(8);
	for ((gate, up), out) in gates.zip(ups).zip(&mut outs) {
		// SAFETY: eight values each.
		unsafe {
			let g = _mm256_loadu_si256(gate.as_ptr().cast());
			let u = _mm256_loadu_si256(up.as_ptr().cast());
			let silu = times_sigmoid(g, sigmoid(g));
			let even = shift12(_mm256_mul_epi32(silu, u));
			let odd = shift12(_mm256_mul_epi32(_mm256_srli_epi64::<32>(silu), _mm256_srli_epi64::<32>(u)));
			let (low, high) = (_mm256_unpacklo_epi64(even, odd), _mm256_unpackhi_epi64(even, odd));
			let first = _mm256_permute2x128_si256::<0x20>(low, high);
			let second = _mm256_permute2x128_si256::<0x31>(low, high);
			_mm256_storeu_si256(out.as_mut_ptr().cast(), first);
			_mm256_storeu_si256(out.as_mut_ptr().add(4).cast(), second);
		}
	}
	for ((&g, &u), o) in tail.zip(outs.into_remainder()) {
		*o = silu::gated(g, u);
	}
}

#[inline]
#[target_feature(enable = "avx2")]
unsafe fn sigmoid(x: __m256i) -> __m256i {
	const END: i32 = 16 << 16;
	// SAFETY: indices are 0 to 512, so the two neighbours lie in the table of 514.
	unsafe {
		let end = _mm256_set1_epi32(END);
		let clamped = _mm256_max_epi32(_mm256_min_epi32(x, end), _mm256_set1_epi32(-END));
		let at = _mm256_add_epi32(clamped, end);
		let fraction = _mm256_and_si256(at, _mm256_set1_epi32(0xfff));
		// Both neighbours in one 32-bit load.
		let both = _mm256_i32gather_epi32::<2>(SIGMOID.as_ptr().cast(), _mm256_srli_epi32::<12>(at));
		let low = _mm256_and_si256(both, _mm256_set1_epi32(0xffff));
		let slope = _mm256_sub_epi32(_mm256_srli_epi32::<16>(both), low);
		let rise = _mm256_add_epi32(_mm256_mullo_epi32(slope, fraction), _mm256_set1_epi32(0x800));
		_mm256_add_epi32(low, _mm256_srai_epi32::<12>(rise))
	}
}

/// `rsr(x · s, 15)` for `s` of at most 2^15: fits 32 bits, so that the low halves of logical shifts are right.
#[inline]
#[target_feature(enable = "avx2")]
fn times_sigmoid(x: __m256i, s: __m256i) -> __m256i {
	let half = _mm256_set1_epi64x(1 << 14);
	let even = _mm256_add_epi64(_mm256_mul_epi32(x, s), half);
	let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(x), _mm256_srli_epi64::<32>(s));
	let odd = _mm256_add_epi64(odd, half);
	_mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<15>(even), _mm256_slli_epi64::<17>(odd))
}

/// `rsr(x, 12)` for magnitudes up to 2^62, by way of unsigned numbers.
#[inline]
#[target_feature(enable = "avx2")]
fn shift12(x: __m256i) -> __m256i {
	let raised = _mm256_add_epi64(x, _mm256_set1_epi64x((1 << 11) + (1 << 62)));
	_mm256_sub_epi64(_mm256_srli_epi64::<12>(raised), _mm256_set1_epi64x(1 << 50))
}
