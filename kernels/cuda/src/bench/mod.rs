//! Measures attention: FlashCore's nine cells and more, on whatever device there is.
//!
//! Each shape is timed twice. **From an idle device**, as FlashCore was: an event, one call, an event, wait; the window
//! holds the launch. **In a row**: calls that take turns over sets of buffers which together exceed the cache, recorded
//! as a graph where the device has graphs; per call. Rates are of the second, beside ceilings measured in the same run.
//! Exact attention is timed in a row alone, beside the `Fast` forward pass of the same shape.

mod ceiling;
mod cells;
mod cpu;
mod device;
mod exact;
mod problem;
mod report;
mod stats;

pub use ceiling::Ceilings;
pub use cells::{Cell, Number, Pass};
pub use cpu::run_cpu;
pub use device::{run_device, run_device_telling, tune, TuneProgress};
pub use exact::{run_exact_telling, ExactMeasured, ExactOutcome, ExactReport};
pub use report::{Environment, Measured, Other, Outcome, Replayed, Report};
pub use stats::Percentiles;

/// How much is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Effort {
	/// Calls before any is timed.
	pub warm_ups: usize,
	/// Calls that are timed one by one, as long as they fit in `seconds`.
	pub trials: usize,
	/// Most seconds for the timed calls of a shape, one by one and again in a row; three are always made.
	pub seconds: f64,
	/// Calls in a row.
	pub calls: usize,
	/// How often that is done.
	pub repeats: usize,
	/// Share of the full size of what measures the ceilings.
	pub ceiling: f64,
}

impl Effort {
	/// FlashCore's: 100 warm-ups, 1000 trials.
	pub const FULL: Self =
		Self { warm_ups: 100, trials: 1000, seconds: 0.3, calls: 32, repeats: 50, ceiling: 1.0 };
	/// For processors, on which a call takes a thousand times as long.
	pub const CPU: Self = Self { warm_ups: 1, trials: 20, seconds: 2.0, calls: 1, repeats: 1, ceiling: 0.0 };
	/// To see that everything runs, on the emulation too.
	pub const DRY: Self = Self { warm_ups: 1, trials: 3, seconds: 0.0, calls: 2, repeats: 2, ceiling: 1e-4 };

	/// How many calls of so many seconds are timed.
	fn trials(&self, one: f64) -> usize {
		let fitting = (self.seconds / one.max(1e-9)) as usize;
		fitting.clamp(3, self.trials.max(3))
	}

	/// How many calls are made in a row over so many sets of buffers, each set as often as the others, and how often
	/// that is repeated.
	fn in_a_row(&self, one: f64, sets: usize) -> (usize, usize) {
		let fitting = (self.seconds / one.max(1e-9)) as usize;
		let calls = self.calls.min(fitting / 5).max(1).next_multiple_of(sets.max(1));
		(calls, (fitting / calls).clamp(self.repeats.min(3), self.repeats))
	}
}

/// What is told while it runs: a shape and what came of it.
pub type Progress<'a> = dyn FnMut(&Outcome) + 'a;

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn trials_should_fit_in_the_time_and_be_three_at_least() {
		assert_eq!(Effort::FULL.trials(20e-6), 1000);
		assert_eq!(Effort::FULL.trials(3e-3), 100);
		assert_eq!(Effort::FULL.trials(1.0), 3);
		assert_eq!(Effort::DRY.trials(1e-6), 3);
		assert_eq!(Effort::FULL.in_a_row(20e-6, 5), (35, 50));
		assert_eq!(Effort::FULL.in_a_row(10e-3, 2), (6, 5), "long calls are made less often");
		assert_eq!(Effort::FULL.in_a_row(1.0, 2), (2, 3));
		assert_eq!(Effort::DRY.in_a_row(1e-3, 1), (1, 2));
	}
}
