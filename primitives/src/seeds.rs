//! Drawing by seeds that were committed before, the other way to draw in private than a verifiable random function.
//!
//! A validator commits once an era to the end of a chain of hashes. The seed of a block is so many hashes before
//! the end; to speak on a panel that opened in that block, it shows the seed, and its draw is a hash of the seed and
//! of the panel's seed. Each block needs its own seed, because showing one shows all draws that hang on it.
//!
//! **Compared with the VRF** that panels use ([`crate::is_drawn`]). The times are of one core, natively, from the test
//! `seed_should_be_cheaper_to_check_only_when_it_is_shown_often` of `pallet-poc`; its benchmarks `draw_by_vrf` and
//! `draw_by_seed` give the weights in the runtime.
//!
//! | | VRF | committed seed |
//! |---|---|---|
//! | work to check a draw | 164 us, always | 0.7 us, and 0.22 us more for each block since the last seed that was shown: 133 us after an hour of silence, 3.2 ms after a day; dearer than the VRF from some 740 blocks on |
//! | state per validator | its key, once | the last seed shown and its place, written at each verdict |
//! | ahead of the first draw | a key registered before the answer | a commitment for the era: a newcomer, or one whose chain ran out, waits for the next |
//! | from the answer to the draw | one block | one block |
//! | bytes in a verdict | 96 | 36 |
//! | what a lost machine loses | nothing that the key does not bring back | the chain, unless it was kept |
//! | what can be chosen | nothing: one output for a key and a seed | nothing, but the seeds of an era are known to their maker in advance, and can be sold in advance |
//!
//! Both wait for the block after the answer, so the seed gains nothing in latency, and costs a newcomer up to an era.
//! What it saves in work is a fifth or less of a verdict, whose weight is mostly state and openings. Panels therefore
//! draw by the VRF.

use codec::Encode;
use sp_crypto_hashing::blake2_256;

/// Longest way from a seed to the last one shown: the blocks of a day.
pub const MAX_SEED_STEPS: u32 = 14_400;

/// The end of a chain of `steps` hashes that begins with `seed`; at most [`MAX_SEED_STEPS`] are taken.
pub fn seed_chain_end(seed: [u8; 32], steps: u32) -> [u8; 32] {
	(0..steps.min(MAX_SEED_STEPS)).fold(seed, |link, _| blake2_256(&link))
}

/// The number that `seed` draws on a panel, if it lies `steps` hashes before `committed`.
pub fn seed_draw_output(
	seed: [u8; 32],
	steps: u32,
	committed: &[u8; 32],
	panel_seed: &[u8; 32],
) -> Option<u64> {
	if steps == 0 || steps > MAX_SEED_STEPS || seed_chain_end(seed, steps) != *committed {
		return None;
	}
	let hash = (b"noesis:draw:seed", seed, panel_seed).using_encoded(blake2_256);
	hash.first_chunk::<8>().map(|head| u64::from_le_bytes(*head))
}

#[cfg(test)]
mod tests {
	#![allow(clippy::arithmetic_side_effects)]

	use super::*;

	#[test]
	fn seed_should_draw_only_when_it_leads_to_the_commitment() {
		let committed = seed_chain_end([4; 32], 100);
		let seed = seed_chain_end([4; 32], 93);
		let draw = seed_draw_output(seed, 7, &committed, &[1; 32]);
		assert!(draw.is_some());
		assert_ne!(draw, seed_draw_output(seed, 7, &committed, &[2; 32]));
		assert_ne!(draw, seed_draw_output(seed_chain_end([4; 32], 92), 8, &committed, &[1; 32]));
		for (seed, steps) in [(seed, 6), (seed, 8), (seed, 0), ([5; 32], 7), (committed, 0)] {
			assert_eq!(seed_draw_output(seed, steps, &committed, &[1; 32]), None);
		}
		assert_eq!(seed_draw_output(seed, u32::MAX, &committed, &[1; 32]), None);
	}
}
