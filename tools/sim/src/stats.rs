//! Rates, means and inequality, with 95 % confidence intervals.

use serde::Serialize;

/// The 97.5 % quantile of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A share of cases, with Wilson's score interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rate {
	/// Cases that count.
	pub hits: u64,
	/// All cases.
	pub cases: u64,
	/// `hits / cases`; `None` when there is no case.
	pub rate: Option<f64>,
	/// Where the true share lies with 95 % confidence; 0 to 1 when there is no case.
	pub interval: [f64; 2],
}

impl Rate {
	/// The share of `hits` in `cases`, of which it is at most all.
	pub fn new(hits: u64, cases: u64) -> Self {
		if cases == 0 {
			return Self { hits, cases, rate: None, interval: [0.0, 1.0] };
		}
		let (n, p) = (cases as f64, hits as f64 / cases as f64);
		let denominator = 1.0 + Z * Z / n;
		let centre = (p + Z * Z / (2.0 * n)) / denominator;
		let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt() / denominator;
		// At the ends the formula gives exactly the end, but for rounding.
		let low = if hits == 0 { 0.0 } else { (centre - half).max(0.0) };
		let high = if hits == cases { 1.0 } else { (centre + half).min(1.0) };
		Self { hits, cases, rate: Some(p), interval: [low, high] }
	}

	/// Whether `value` lies in the interval.
	pub fn admits(&self, value: f64) -> bool {
		(self.interval[0]..=self.interval[1]).contains(&value)
	}
}

/// A mean over runs, with Student's interval: runs with different seeds are independent, what happens in one is not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Mean {
	/// Runs that had a value.
	pub runs: usize,
	/// The mean; `None` when no run had a value.
	pub mean: Option<f64>,
	/// Where the true mean lies with 95 % confidence; `None` with fewer than two runs.
	pub interval: Option<[f64; 2]>,
}

impl Mean {
	/// The mean of `values`.
	pub fn of(values: &[f64]) -> Self {
		let runs = values.len();
		if runs == 0 {
			return Self { runs, mean: None, interval: None };
		}
		let mean = values.iter().sum::<f64>() / runs as f64;
		let interval = (runs > 1).then(|| {
			let freedom = runs - 1;
			let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / freedom as f64;
			let half = student(freedom) * (variance / runs as f64).sqrt();
			[mean - half, mean + half]
		});
		Self { runs, mean: Some(mean), interval }
	}
}

/// The 97.5 % quantile of Student's distribution with `freedom` degrees of freedom, at least 1.
fn student(freedom: usize) -> f64 {
	const TABLE: [f64; 10] =
		[12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.3060, 2.2622, 2.2281];
	if let Some(quantile) = TABLE.get(freedom.saturating_sub(1)) {
		return *quantile;
	}
	// The expansion of Cornish and Fisher: right to 4 digits from 10 degrees on.
	let n = freedom as f64;
	let (z3, z5, z7) = (Z.powi(3), Z.powi(5), Z.powi(7));
	Z + (z3 + Z) / (4.0 * n)
		+ (5.0 * z5 + 16.0 * z3 + 3.0 * Z) / (96.0 * n * n)
		+ (3.0 * z7 + 19.0 * z5 + 17.0 * z3 - 15.0 * Z) / (384.0 * n * n * n)
}

/// Gini's coefficient of incomes: 0 when all earn the same, near 1 when one earns all. `None` when nobody earns.
pub fn gini(incomes: &[f64]) -> Option<f64> {
	let mut sorted: Vec<f64> = incomes.iter().map(|income| income.max(0.0)).collect();
	sorted.sort_by(f64::total_cmp);
	let total: f64 = sorted.iter().sum();
	if total <= 0.0 {
		return None;
	}
	let n = sorted.len() as f64;
	let weighted: f64 = sorted.iter().zip(1u32..).map(|(income, rank)| f64::from(rank) * income).sum();
	Some(2.0 * weighted / (n * total) - (n + 1.0) / n)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn close(a: f64, b: f64, by: f64) -> bool {
		(a - b).abs() < by
	}

	#[test]
	fn rate_should_have_the_published_interval_when_hits_are_few() {
		// Newcombe (1998), table I: 81/263, 15/148, 0/20, 1/29.
		for (hits, cases, low, high) in [
			(81, 263, 0.2553, 0.3662),
			(15, 148, 0.0624, 0.1605),
			(0, 20, 0.0, 0.1611),
			(1, 29, 0.0061, 0.1718),
		] {
			let [found_low, found_high] = Rate::new(hits, cases).interval;
			assert!(close(found_low, low, 5e-5) && close(found_high, high, 5e-5), "{hits} of {cases}");
		}
		assert_eq!(Rate::new(0, 0).interval, [0.0, 1.0]);
		assert_eq!(Rate::new(9, 9).interval[1], 1.0);
	}

	#[test]
	fn mean_should_have_the_textbook_interval_when_runs_are_few() {
		// 2.306 * 2.7386 / 3.
		let found = Mean::of(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
		let [low, high] = found.interval.unwrap();
		assert_eq!(found.mean, Some(5.0));
		assert!(close(high - 5.0, 2.1051, 1e-3) && close(5.0 - low, 2.1051, 1e-3), "{low} {high}");
		assert_eq!(Mean::of(&[]), Mean { runs: 0, mean: None, interval: None });
		assert_eq!(Mean::of(&[3.0]), Mean { runs: 1, mean: Some(3.0), interval: None });
	}

	#[test]
	fn quantiles_should_be_those_of_the_tables() {
		for (freedom, quantile) in
			[(1, 12.706), (9, 2.262), (11, 2.2010), (15, 2.1314), (30, 2.0423), (120, 1.9799)]
		{
			assert!(close(student(freedom), quantile, 6e-4), "{freedom}: {}", student(freedom));
		}
	}

	#[test]
	fn gini_should_be_that_of_the_written_out_sum() {
		assert_eq!(gini(&[]), None);
		assert_eq!(gini(&[0.0, 0.0]), None);
		assert!(close(gini(&[5.0; 7]).unwrap(), 0.0, 1e-12));
		assert!(close(gini(&[0.0, 0.0, 0.0, 8.0]).unwrap(), 0.75, 1e-12));
		// Mean absolute difference of 1, 2, 3 over twice the mean: (4 * 1 + 2 * 2) / 9 / 4.
		assert!(close(gini(&[1.0, 2.0, 3.0]).unwrap(), 8.0 / 36.0, 1e-12));
	}

	proptest! {
		#[test]
		fn interval_should_hold_the_rate_and_narrow_with_more_cases(hits in 0u64..500, more in 0u64..500) {
			let cases = hits + more + 1;
			let (few, many) = (Rate::new(hits, cases), Rate::new(hits * 10, cases * 10));
			prop_assert!(few.admits(few.rate.unwrap()));
			prop_assert!(0.0 <= few.interval[0] && few.interval[1] <= 1.0);
			prop_assert!(many.interval[1] - many.interval[0] < few.interval[1] - few.interval[0]);
		}

		#[test]
		fn gini_should_equal_the_mean_difference_when_incomes_are_any(incomes in prop::collection::vec(0.0f64..1e6, 1..40)) {
			let sum: f64 = incomes.iter().sum();
			prop_assume!(sum > 1.0);
			let n = incomes.len() as f64;
			let pairs: f64 = incomes.iter().flat_map(|a| incomes.iter().map(move |b| (a - b).abs())).sum();
			prop_assert!(close(gini(&incomes).unwrap(), pairs / (2.0 * n * sum), 1e-9));
		}
	}
}
