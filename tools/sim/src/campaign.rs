//! All settings, each with several seeds, on several threads.

use crate::{
	library::Library,
	setting::{Numbers, Setting},
	summary::Summary,
	world::{self, Tally},
	Error,
};
use std::{
	sync::{
		atomic::{AtomicBool, AtomicUsize, Ordering},
		mpsc,
	},
	thread,
};

/// What is played.
pub struct Campaign {
	/// The settings.
	pub settings: Vec<Setting>,
	/// The numbers of each run.
	pub numbers: Numbers,
	/// Runs of each setting.
	pub runs: u32,
	/// Seed of the model and of the first run.
	pub seed: u64,
	/// Threads.
	pub threads: usize,
}

impl Campaign {
	/// Runs of all settings together.
	pub fn total(&self) -> usize {
		self.settings.len() * self.runs as usize
	}

	/// Plays all runs, and calls `done` after each. The figures do not depend on the number of threads.
	///
	/// # Errors
	/// That of the first run that fails, in the order of settings and seeds.
	pub fn play(&self, mut done: impl FnMut()) -> Result<Vec<Summary>, Error> {
		let library = Library::new(self.seed)?;
		let total = self.total();
		let (next, failed) = (AtomicUsize::new(0), AtomicBool::new(false));
		let mut results: Vec<Option<Result<Tally, Error>>> = (0..total).map(|_| None).collect();
		thread::scope(|scope| {
			let (sender, receiver) = mpsc::channel();
			for _ in 0..self.threads.clamp(1, total.max(1)) {
				let (sender, library, next, failed) = (sender.clone(), &library, &next, &failed);
				scope.spawn(move || loop {
					let index = next.fetch_add(1, Ordering::Relaxed);
					if index >= total || failed.load(Ordering::Relaxed) {
						return;
					}
					let (setting, run) = (index / self.runs as usize, index % self.runs as usize);
					let result =
						world::play(library, self.settings[setting], self.numbers, self.run_seed(run));
					failed.fetch_or(result.is_err(), Ordering::Relaxed);
					if sender.send((index, result)).is_err() {
						return;
					}
				});
			}
			drop(sender);
			for (index, result) in receiver {
				results[index] = Some(result);
				done();
			}
		});
		let mut summaries = Vec::new();
		let mut results = results.into_iter().flatten();
		for setting in &self.settings {
			let runs: Vec<Tally> = results.by_ref().take(self.runs as usize).collect::<Result<_, _>>()?;
			summaries.push(Summary::new(*setting, &self.numbers, &runs));
		}
		Ok(summaries)
	}

	/// The seed of a run: the same in all settings, so that they differ by nothing else.
	fn run_seed(&self, run: usize) -> u64 {
		self.seed.wrapping_mul(0x0001_0000_0001).wrapping_add(run as u64)
	}
}
