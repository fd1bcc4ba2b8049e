//! Checks one after the other, each with what it found.

use serde::Serialize;
use std::time::Instant;

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

/// The checks so far.
pub struct Suite<'a> {
	/// A small part of the shapes only.
	pub quick: bool,
	checks: Vec<Check>,
	tell: &'a mut dyn FnMut(&Check),
}

impl<'a> Suite<'a> {
	/// None yet; every one is told as it ends.
	pub fn new(quick: bool, tell: &'a mut dyn FnMut(&Check)) -> Self {
		Self { quick, checks: Vec::new(), tell }
	}

	/// Runs one. An error is a failure like any other, and the next one runs all the same.
	pub fn check(&mut self, name: impl Into<String>, body: impl FnOnce() -> Finding) {
		let started = Instant::now();
		let (ok, detail) = body().unwrap_or_else(|error| (false, error));
		let check = Check { name: name.into(), ok, detail, seconds: started.elapsed().as_secs_f64() };
		(self.tell)(&check);
		self.checks.push(check);
	}

	/// All of them.
	pub fn finish(self) -> Vec<Check> {
		self.checks
	}
}
