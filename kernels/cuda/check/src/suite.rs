//! Checks one after the other, each with what it found.

use noesis_cuda::{
	bench::{Environment, ExactReport, Report},
	Device,
};
use serde::Serialize;
use std::{sync::Arc, time::Instant};

/// One thing that was checked.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
	/// What must hold.
	pub name: String,
	/// Whether it does.
	pub ok: bool,
	/// What was found: an error's size, a hash, or why it failed.
	pub detail: String,
	/// How long it took.
	pub seconds: f64,
}

/// What a check found: whether it holds, and what to say of it.
pub type Finding = Result<(bool, String), String>;

/// What came of all checks so far.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
	/// Where and with what.
	pub environment: Environment,
	/// The check that began last; none once the run came to its end.
	pub under_way: Option<String>,
	/// Checks that passed.
	pub passed: usize,
	/// Checks that failed.
	pub failed: usize,
	/// All that ended.
	pub checks: Vec<Check>,
	/// Speed, of the shapes that were measured so far.
	pub bench: Option<Report>,
	/// Speed of exact attention, of the shapes that were measured so far.
	pub exact_bench: Option<ExactReport>,
}

/// The checks so far.
pub struct Suite<'a> {
	/// A small part of the shapes only.
	pub quick: bool,
	device: Arc<dyn Device>,
	outcome: Outcome,
	tell: &'a mut dyn FnMut(&Outcome),
}

impl<'a> Suite<'a> {
	/// None yet. What was found is told as each check begins and ends: whatever happens to this process, it is known.
	pub fn new(quick: bool, device: &Arc<dyn Device>, tell: &'a mut dyn FnMut(&Outcome)) -> Self {
		let outcome = Outcome {
			environment: Environment::of(Some(device)),
			under_way: None,
			passed: 0,
			failed: 0,
			checks: Vec::new(),
			bench: None,
			exact_bench: None,
		};
		Self { quick, device: device.clone(), outcome, tell }
	}

	/// Runs one. An error is a failure like any other, and the next one runs all the same.
	pub fn check(&mut self, name: impl Into<String>, body: impl FnOnce() -> Finding) {
		self.run(name, |_| body());
	}

	/// The same for one that measures, and hands its report over as it grows.
	pub fn measure(
		&mut self,
		name: impl Into<String>,
		body: impl FnOnce(&mut dyn FnMut(&Report)) -> Finding,
	) {
		self.run(name, |suite| {
			body(&mut |report| {
				suite.outcome.bench = Some(report.clone());
				suite.publish();
			})
		});
	}

	/// The same for one that measures exact attention.
	pub fn measure_exact(
		&mut self,
		name: impl Into<String>,
		body: impl FnOnce(&mut dyn FnMut(&ExactReport)) -> Finding,
	) {
		self.run(name, |suite| {
			body(&mut |report| {
				suite.outcome.exact_bench = Some(report.clone());
				suite.publish();
			})
		});
	}

	fn run(&mut self, name: impl Into<String>, body: impl FnOnce(&mut Self) -> Finding) {
		let (name, started) = (name.into(), Instant::now());
		self.outcome.under_way = Some(name.clone());
		self.publish();
		let (ok, detail) = body(self).unwrap_or_else(|error| (false, error));
		if ok {
			self.outcome.passed += 1;
		} else {
			self.outcome.failed += 1;
		}
		self.outcome.checks.push(Check { name, ok, detail, seconds: started.elapsed().as_secs_f64() });
		self.publish();
	}

	fn publish(&mut self) {
		self.outcome.environment = Environment::of(Some(&self.device));
		(self.tell)(&self.outcome);
	}

	/// All of them.
	pub fn finish(mut self) -> Outcome {
		self.outcome.under_way = None;
		self.publish();
		self.outcome
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_cuda_emulation::Emulation;

	#[test]
	fn what_was_found_should_be_told_when_a_check_begins_and_when_it_ends() {
		let mut told = Vec::new();
		let mut tell = |outcome: &Outcome| {
			told.push((outcome.under_way.clone(), outcome.passed, outcome.failed, outcome.checks.len()));
		};
		let mut suite = Suite::new(true, &Emulation::new(1), &mut tell);
		suite.check("right", || Ok((true, String::new())));
		suite.check("wrong", || Err("no memory".into()));
		assert_eq!(suite.finish().checks[1].detail, "no memory");
		let (right, wrong) = (Some("right".to_owned()), Some("wrong".to_owned()));
		let expected = [
			(right.clone(), 0, 0, 0),
			(right, 1, 0, 1),
			(wrong.clone(), 1, 0, 1),
			(wrong, 1, 1, 2),
			(None, 1, 1, 2),
		];
		assert_eq!(told, expected);
	}
}
