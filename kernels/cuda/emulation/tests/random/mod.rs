//! Numbers for tests that must give the same ones every time.

/// xorshift64*.
pub struct Random(pub u64);

impl Random {
	/// Any 64 bits.
	pub fn next(&mut self) -> u64 {
		self.0 ^= self.0 >> 12;
		self.0 ^= self.0 << 25;
		self.0 ^= self.0 >> 27;
		self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
	}

	/// A number less than `n`.
	pub fn below(&mut self, n: u64) -> u64 {
		(self.next() >> 11) % n
	}
}
