//! The ChaCha20 block function (RFC 8439).

const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

fn quarter(s: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
	for (rotate_d, rotate_b) in [(16, 12), (8, 7)] {
		s[a] = s[a].wrapping_add(s[b]);
		s[d] = (s[d] ^ s[a]).rotate_left(rotate_d);
		s[c] = s[c].wrapping_add(s[d]);
		s[b] = (s[b] ^ s[c]).rotate_left(rotate_b);
	}
}

/// One block of the stream, as sixteen little-endian words.
pub(crate) fn block(key: &[u32; 8], counter: u32, nonce: &[u32; 3]) -> [u32; 16] {
	let mut state = [0; 16];
	state[..4].copy_from_slice(&CONSTANTS);
	state[4..12].copy_from_slice(key);
	state[12] = counter;
	state[13..].copy_from_slice(nonce);
	let start = state;
	for _ in 0..10 {
		for i in 0..4 {
			quarter(&mut state, i, 4 + i, 8 + i, 12 + i);
		}
		for i in 0..4 {
			quarter(&mut state, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
		}
	}
	for (s, i) in state.iter_mut().zip(start) {
		*s = s.wrapping_add(i);
	}
	state
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn block_should_equal_the_rfc_when_given_its_vector() {
		let key = core::array::from_fn(|i| u32::from_le_bytes(core::array::from_fn(|j| (4 * i + j) as u8)));
		let out = block(&key, 1, &[0x0900_0000, 0x4a00_0000, 0]);
		assert_eq!(out[..4], [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3]);
		assert_eq!(out[15], 0x4e3c_50a2);
	}
}
