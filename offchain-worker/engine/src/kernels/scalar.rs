//! Plain loops over tiles, written so that compilers can use whatever vectors there are.

use super::{Accumulators, Token};
use crate::matrix::{Group, Line, Packing, LANES};
use noesis_canon::{linear::group_term, GROUP};

type Lanes = [i32; LANES];

/// Adds two weights of each row, given by their codes, for `N` tokens; `k` is the first weight's column.
#[inline(always)]
fn add_pair<const N: usize>(
	dots: &mut [Lanes; N],
	tokens: &[Token<'_>; N],
	k: usize,
	even: &Lanes,
	odd: &Lanes,
) {
	for (dot, token) in dots.iter_mut().zip(tokens) {
		let (a, b) = (i32::from(token.values[k]), i32::from(token.values[k + 1]));
		for r in 0..LANES {
			dot[r] += even[r] * a + odd[r] * b;
		}
	}
}

/// Accumulates a tile's rows for `N` tokens.
pub(super) fn tile<const N: usize>(
	packing: Packing,
	lines: &[Line],
	tokens: &[Token<'_>; N],
	out: &mut Accumulators<N>,
) {
	for (g, lines) in lines.chunks_exact(packing.lines()).enumerate() {
		let group = Group::new(packing, lines);
		let mut dots = [[0; LANES]; N];
		match packing {
			Packing::Q4 | Packing::Q4Wide => {
				for v in 0..4 {
					let packed = group.codes(v);
					for n in 0..4 {
						let even = packed.map(|w| w >> (4 * n) & 15);
						let odd = packed.map(|w| w >> (16 + 4 * n) & 15);
						add_pair(&mut dots, tokens, g * GROUP + 2 * (4 * v + n), &even, &odd);
					}
				}
			},
			Packing::Q8 => {
				for v in 0..8 {
					let packed = group.codes(v);
					for n in 0..2 {
						let even = packed.map(|w| w << (24 - 8 * n) >> 24);
						let odd = packed.map(|w| w << (8 - 8 * n) >> 24);
						add_pair(&mut dots, tokens, g * GROUP + 2 * (2 * v + n), &even, &odd);
					}
				}
			},
		}
		let scales: Lanes = std::array::from_fn(|lane| group.scale(lane));
		let minima: Lanes = std::array::from_fn(|lane| group.minimum(lane));
		for ((out, dot), token) in out.iter_mut().zip(&dots).zip(tokens) {
			for r in 0..LANES {
				out[r] += group_term(scales[r], dot[r], minima[r], token.sums[g]);
			}
		}
	}
}
