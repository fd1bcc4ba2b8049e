//! Executors with a fault, over the honest one.

use noesis_primitives::{ContentHash, Root};
use noesis_worker::executor::{EngineExecutor, ExecuteError, Executor, Finding, Task};
use std::{thread, time::Duration};

/// What is wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
	/// The output.
	Output,
	/// The root of the trace.
	Root,
	/// It never ends.
	Hang,
	/// It takes so long for every token.
	Slow(Duration),
}

/// An executor with a fault.
pub struct Faulty {
	fault: Fault,
	honest: EngineExecutor,
}

impl Faulty {
	/// Puts `fault` over `honest`.
	pub fn new(fault: Fault, honest: EngineExecutor) -> Self {
		Self { fault, honest }
	}
}

impl Executor for Faulty {
	fn execute(&self, task: Task<'_>) -> Result<Finding, ExecuteError> {
		let pause = match self.fault {
			Fault::Slow(pause) => pause,
			Fault::Hang => {
				while (task.on_output)(b"") {
					thread::sleep(Duration::from_millis(100));
				}
				return Err(ExecuteError::Cancelled);
			},
			Fault::Output | Fault::Root => Duration::ZERO,
		};
		let on_output = task.on_output;
		let mut slow = |bytes: &[u8]| {
			thread::sleep(pause);
			on_output(bytes)
		};
		let mut finding = self.honest.execute(Task { on_output: &mut slow, ..task })?;
		match self.fault {
			Fault::Output => {
				finding.output = b"It is made of cheese.".to_vec();
				finding.claim.output = ContentHash::of(&finding.output);
			},
			Fault::Root => finding.claim.root = Root([7; 32]),
			Fault::Hang | Fault::Slow(_) => {},
		}
		Ok(finding)
	}
}
