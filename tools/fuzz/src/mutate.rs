//! Random changes of bytes, for those who have no libFuzzer.

/// A stream of numbers from a seed.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
	/// The next number (SplitMix64).
	pub fn number(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		mixed ^ (mixed >> 31)
	}

	/// A number below `limit`, 0 if that is 0.
	pub fn below(&mut self, limit: usize) -> usize {
		self.number().checked_rem(limit as u64).unwrap_or(0) as usize
	}
}

/// Bytes with which decoders often fail.
const EDGES: [&[u8]; 6] =
	[&[0; 8], &[0xff; 8], &[0xff, 0xff, 0xff, 0x7f], &[0, 0, 0, 0x80], &[0xfe], &[1, 0, 0, 0]];

/// Some changes of `bytes`; `other` is what parts are taken from.
pub fn changed(bytes: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
	let mut bytes = bytes.to_vec();
	for _ in 0..=random.below(4) {
		let at = random.below(bytes.len() + 1);
		let end = (at + random.below(9)).min(bytes.len());
		match random.below(8) {
			0 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
			1 if at < bytes.len() => bytes[at] = random.number() as u8,
			2 => bytes.truncate(at),
			3 => drop(bytes.drain(at..end)),
			4 => {
				let part = bytes[at..end].to_vec();
				bytes.splice(at..at, part);
			},
			5 => {
				let edge = EDGES[random.below(EDGES.len())];
				let end = (at + edge.len()).min(bytes.len());
				bytes.splice(at..end, edge.iter().copied());
			},
			6 => {
				let from = random.below(other.len() + 1);
				let to = (from + random.below(65)).min(other.len());
				bytes.splice(at..end, other[from..to].iter().copied());
			},
			_ => {
				let more: Vec<u8> = (0..random.below(9)).map(|_| random.number() as u8).collect();
				bytes.splice(at..at, more);
			},
		}
	}
	bytes
}
