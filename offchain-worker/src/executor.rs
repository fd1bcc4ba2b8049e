//! Runs jobs. The product has one executor, over the engine; tests put others in its place.

use crate::models::Models;
use noesis_engine::{dispute::Lie, EngineError, RunOptions, TokenEvent};
use noesis_primitives::{CheckpointId, Claim, ContentHash, JobKind, Opening};
use std::sync::Arc;

/// A job to run.
pub struct Task<'a> {
	/// The model version.
	pub checkpoint: CheckpointId,
	/// What to compute.
	pub kind: &'a JobKind,
	/// What to compute it from.
	pub input: &'a [u8],
	/// Somebody's claim of the output. It changes how fast the result comes, not the result.
	pub draft: Option<&'a [u8]>,
	/// Leaves of the trace to open.
	pub open: &'a [u32],
	/// Hears the output as it comes; the run is given up when it returns false.
	pub on_output: &'a mut (dyn FnMut(&[u8]) -> bool + Send),
}

/// What a run found.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
	/// The output.
	pub output: Vec<u8>,
	/// What can be said of it on chain.
	pub claim: Claim,
	/// The leaves that were asked for, as far as the trace has them, in the order of the question.
	pub openings: Vec<Opening>,
}

/// Why a run found nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
	/// The checkpoint is not loaded here.
	#[error("checkpoint {0} is not loaded here: pass its file with --checkpoint")]
	NotLoaded(CheckpointId),
	/// `on_output` said so, or the job is gone.
	#[error("the run was given up")]
	Cancelled,
	/// The engine failed.
	#[error(transparent)]
	Engine(EngineError),
}

/// Runs jobs.
pub trait Executor: Send + Sync {
	/// Runs a job to its end. Blocks.
	fn execute(&self, task: Task<'_>) -> Result<Finding, ExecuteError>;
}

/// Runs jobs on the loaded models.
pub struct EngineExecutor {
	models: Arc<Models>,
	lie: Option<Lie>,
}

impl EngineExecutor {
	/// An executor over `models`.
	pub fn new(models: Arc<Models>) -> Self {
		Self { models, lie: None }
	}

	/// The same with a lie, if any: for rehearsals of disputes.
	pub fn lying(models: Arc<Models>, lie: Option<Lie>) -> Self {
		Self { models, lie }
	}
}

impl Executor for EngineExecutor {
	fn execute(&self, task: Task<'_>) -> Result<Finding, ExecuteError> {
		let model = self.models.get(task.checkpoint).ok_or(ExecuteError::NotLoaded(task.checkpoint))?;
		run_with(&model.engine, task, self.lie)
	}
}

/// Runs a job on one engine.
pub fn run(engine: &noesis_engine::Engine, task: Task<'_>) -> Result<Finding, ExecuteError> {
	run_with(engine, task, None)
}

fn run_with(
	engine: &noesis_engine::Engine,
	task: Task<'_>,
	lie: Option<Lie>,
) -> Result<Finding, ExecuteError> {
	let capture: Vec<u64> = task.open.iter().map(|index| u64::from(*index)).collect();
	let on_output = task.on_output;
	let mut on_token = |event: TokenEvent<'_>| on_output(event.bytes);
	let fault = lie.and_then(Lie::fault);
	let options = RunOptions {
		draft: task.draft,
		capture: &capture,
		on_token: Some(&mut on_token),
		fault,
		..RunOptions::default()
	};
	let mut execution = engine.run(task.kind, task.input, options).map_err(|error| match error {
		EngineError::Cancelled => ExecuteError::Cancelled,
		error => ExecuteError::Engine(error),
	})?;
	if let Some(lie) = lie {
		lie.tell(&mut execution.output);
	}
	let claim = Claim {
		root: execution.root(),
		leaves: execution.leaf_count(),
		output: ContentHash::of(&execution.output),
		usage: execution.usage,
	};
	let openings = capture.iter().filter_map(|index| execution.opening(*index)).collect();
	Ok(Finding { output: execution.output, claim, openings })
}
