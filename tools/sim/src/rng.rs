//! A small stream of random numbers, the same for the same seed on every machine.

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
	/// The stream of a seed.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// 64 random bits.
	pub fn bits(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		mixed ^ (mixed >> 31)
	}

	/// A number below `bound`; 0 when that is 0.
	pub fn below(&mut self, bound: usize) -> usize {
		((u128::from(self.bits()) * bound as u128) >> 64) as usize
	}

	/// Whether something of this chance happens.
	pub fn happens(&mut self, chance: f64) -> bool {
		((self.bits() >> 11) as f64) < chance * (1u64 << 53) as f64
	}

	/// One of several; `None` when there are none.
	pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
		of.get(self.below(of.len()))
	}

	/// Puts them into a random order.
	pub fn shuffle<T>(&mut self, of: &mut [T]) {
		for last in (1..of.len()).rev() {
			of.swap(last, self.below(last + 1));
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn numbers_should_be_those_of_the_published_generator() {
		// The first outputs of SplitMix64 with seed 1234567.
		let mut rng = Rng::new(1_234_567);
		assert_eq!([rng.bits(), rng.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
	}

	#[test]
	fn chances_should_be_kept_when_there_are_many_tries() {
		let mut rng = Rng::new(5);
		let hits = (0..10_000).filter(|_| rng.happens(0.3)).count();
		assert!((2_850..3_150).contains(&hits), "{hits}");
		assert!(!(0..1_000).any(|_| rng.happens(0.0)) && (0..1_000).all(|_| rng.happens(1.0)));
		let mut counts = [0; 5];
		(0..10_000).for_each(|_| counts[rng.below(5)] += 1);
		assert!(counts.iter().all(|count| (1_850..2_150).contains(count)), "{counts:?}");
	}

	#[test]
	fn shuffling_should_keep_everything() {
		let mut numbers: Vec<u32> = (0..50).collect();
		Rng::new(9).shuffle(&mut numbers);
		assert_ne!(numbers, (0..50).collect::<Vec<u32>>());
		numbers.sort_unstable();
		assert_eq!(numbers, (0..50).collect::<Vec<u32>>());
	}
}
