//! Small numbers and pieces out of bytes, until there are none left.

/// What is left of some bytes.
pub struct Cut<'a>(pub &'a [u8]);

impl<'a> Cut<'a> {
	/// The next byte; 0 at the end.
	pub fn byte(&mut self) -> u8 {
		self.bytes(1).first().copied().unwrap_or(0)
	}

	/// The next two bytes as a number.
	pub fn short(&mut self) -> u16 {
		u16::from_le_bytes([self.byte(), self.byte()])
	}

	/// The next four bytes as a number.
	pub fn number(&mut self) -> u32 {
		u32::from(self.short()) | u32::from(self.short()) << 16
	}

	/// The next bytes, fewer at the end.
	pub fn bytes(&mut self, count: usize) -> &'a [u8] {
		let (head, rest) = self.0.split_at(count.min(self.0.len()));
		self.0 = rest;
		head
	}

	/// Exactly so many bytes, zeros at the end.
	pub fn filled(&mut self, count: usize) -> Vec<u8> {
		let mut bytes = self.bytes(count).to_vec();
		bytes.resize(count, 0);
		bytes
	}
}
