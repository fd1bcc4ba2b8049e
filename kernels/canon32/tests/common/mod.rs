//! Numbers, shapes and ways to run.
// Each test file uses some of it.
#![allow(dead_code)]

use noesis_canon32::{
	model::{Config, Weights},
	soft::{Binary32, F32},
	Backend, Real,
};

/// Repeatable numbers.
pub struct Stream(pub u64);

impl Stream {
	/// SplitMix64.
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
		x ^ x >> 31
	}

	/// Numbers in `[-most, most)` with 24 bits, now and then a zero of either sign or a subnormal.
	pub fn numbers(&mut self, length: usize, most: f32) -> Vec<f32> {
		(0..length)
			.map(|_| {
				let x = self.next();
				match x % 64 {
					0 => 0.0,
					1 => -0.0,
					2 => f32::from_bits((x >> 40) as u32 | (x as u32 & 1 << 31)),
					_ => ((x >> 40) as f32 / 8_388_608.0 - 1.0) * most,
				}
			})
			.collect()
	}
}

/// The same numbers on another arithmetic.
pub fn on<T: Real>(values: &[f32]) -> Vec<T> {
	values.iter().map(|v| T::from_bits(v.to_bits())).collect()
}

/// Patterns.
pub fn bits<T: Binary32>(values: &[T]) -> Vec<u32> {
	values.iter().map(|v| v.to_bits()).collect()
}

/// What a computation gives on each backend of this machine with one and with several threads: all the same.
pub fn everywhere<R: PartialEq + std::fmt::Debug + Send>(compute: impl Fn(Backend) -> R + Sync) -> R {
	let reference = with_threads(1, || compute(Backend::Scalar));
	for backend in [Backend::Scalar, Backend::Avx2].into_iter().filter(|b| b.is_available()) {
		for threads in [1, 2, 5] {
			let result = with_threads(threads, || compute(backend));
			assert!(result == reference, "{backend:?} with {threads} threads has other bits");
		}
	}
	reference
}

/// Runs on a pool of its own.
pub fn with_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
	rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}

/// A decoder with everything that can go wrong: grouped heads, sizes that fit no tile.
pub fn tiny(tied: bool) -> Config {
	Config {
		vocabulary: 37,
		hidden: 20,
		intermediate: 27,
		layers: 2,
		heads: 4,
		kv_heads: 2,
		head_dim: 6,
		rope_base: 10_000,
		epsilon_bits: 1e-5f32.to_bits(),
		tied,
	}
}

/// Random weights: gains near one, the rest small.
pub fn weights(config: &Config, seed: u64) -> Weights<f32> {
	let mut stream = Stream(seed);
	Weights::build(config, |length| {
		let gain = if length == config.hidden { 1.0 } else { 0.0 };
		stream.numbers(length, 0.4).into_iter().map(|x| x + gain).collect()
	})
}

/// The same weights on another arithmetic.
pub fn weights_on<T: Real>(config: &Config, weights: &Weights<f32>) -> Weights<T> {
	let mut tensors = weights.tensors();
	Weights::build(config, |_| on(tensors.next().unwrap()))
}

/// Every pattern of some weights in order.
pub fn weight_bits<T: Binary32>(weights: &Weights<T>) -> Vec<u32> {
	weights.tensors().flat_map(bits).collect()
}

/// Tokens below a vocabulary, and targets of which some do not count.
pub fn tokens(config: &Config, rows: usize, seed: u64) -> (Vec<u32>, Vec<u32>) {
	let mut stream = Stream(seed);
	let mut token = || (stream.next() % config.vocabulary as u64) as u32;
	let tokens = (0..rows).map(|_| token()).collect();
	let targets =
		(0..rows).map(|row| if row % 5 == 1 { noesis_canon32::loss::IGNORED } else { token() }).collect();
	(tokens, targets)
}

/// Soft-float.
pub type Soft = F32;
