//! Provisional output of the jobs that are being computed, for whoever wants to watch.

use noesis_primitives::JobId;
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex},
};
use tokio::sync::watch;

/// Jobs whose output is remembered after they ended.
const KEPT: usize = 64;

/// What there is of a job's output.
#[derive(Clone, Debug, Default)]
pub struct Partial {
	/// The bytes so far; the last ones may be part of a character.
	pub bytes: Vec<u8>,
	/// Whether no more will come.
	pub done: bool,
}

/// All jobs that are being computed here. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Live {
	jobs: Arc<Mutex<BTreeMap<JobId, watch::Sender<Partial>>>>,
}

impl Live {
	fn with<R>(&self, f: impl FnOnce(&mut BTreeMap<JobId, watch::Sender<Partial>>) -> R) -> R {
		f(&mut self.jobs.lock().unwrap_or_else(|poisoned| poisoned.into_inner()))
	}

	/// Begins a job's output, anew if it was begun before.
	pub fn begin(&self, job: JobId) {
		self.with(|jobs| {
			jobs.insert(job, watch::Sender::new(Partial::default()));
			while jobs.len() > KEPT {
				jobs.pop_first();
			}
		});
	}

	/// Adds to a job's output.
	pub fn push(&self, job: JobId, bytes: &[u8]) {
		self.with(|jobs| {
			if let Some(sender) = jobs.get(&job) {
				sender.send_modify(|partial| partial.bytes.extend_from_slice(bytes));
			}
		});
	}

	/// Says that no more of a job's output will come.
	pub fn end(&self, job: JobId) {
		self.with(|jobs| {
			if let Some(sender) = jobs.get(&job) {
				sender.send_modify(|partial| partial.done = true);
			}
		});
	}

	/// Follows a job's output; `None` when it is not computed here.
	pub fn follow(&self, job: JobId) -> Option<watch::Receiver<Partial>> {
		self.with(|jobs| jobs.get(&job).map(watch::Sender::subscribe))
	}
}
