//! Times and what is made of them.

use serde::{Deserialize, Serialize};

/// Percentiles of times, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Percentiles {
	/// Half of the times are at most this.
	pub p50: f64,
	/// 95 of 100 are.
	pub p95: f64,
	/// 99 of 100 are.
	pub p99: f64,
	/// How many times there were.
	pub trials: usize,
}

impl Percentiles {
	/// Of times in seconds, by the nearest rank.
	pub fn of_seconds(mut seconds: Vec<f64>) -> Self {
		seconds.sort_by(f64::total_cmp);
		let rank = |percent: usize| {
			let rank = (seconds.len() * percent).div_ceil(100).max(1) - 1;
			seconds.get(rank).map_or(f64::NAN, |time| time * 1e6)
		};
		Self { p50: rank(50), p95: rank(95), p99: rank(99), trials: seconds.len() }
	}

	/// The same, of one of `parts` equal parts.
	pub fn divided_by(self, parts: usize) -> Self {
		let parts = parts as f64;
		Self { p50: self.p50 / parts, p95: self.p95 / parts, p99: self.p99 / parts, trials: self.trials }
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn percentiles_should_be_the_nearest_ranks() {
		let times: Vec<f64> = (1..=1000).rev().map(|i| f64::from(i) * 1e-6).collect();
		let found = Percentiles::of_seconds(times);
		assert_eq!([found.p50, found.p95, found.p99].map(f64::round), [500.0, 950.0, 990.0]);
		assert_eq!(found.divided_by(2).p50.round(), 250.0);
		assert_eq!(Percentiles::of_seconds(vec![3e-6]).p99.round(), 3.0);
		assert!(Percentiles::of_seconds(Vec::new()).p50.is_nan());
	}
}
