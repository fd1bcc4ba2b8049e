//! A model ready to run, and what a run gives.

use crate::{
	checkpoint::{Checkpoint, CheckpointError, Manifest},
	device_model::DeviceModel,
	dispute::Fault,
	generate,
	kernels::Backend,
	model::Model,
	plant::Plant,
	sequence::{Loaded, Sequence},
	template::ChatTemplate,
	tokenizer::{Tokenizer, TokenizerError},
	trace::TokenLeaf,
};
use noesis_cuda::{Device, DeviceError};
use noesis_primitives::{merkle, JobKind, Opening, Root, Usage};
use std::{collections::BTreeMap, fmt, path::Path, sync::Arc};

/// Why an engine can't be made or a run ended early.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
	/// The checkpoint file is not usable.
	#[error(transparent)]
	Checkpoint(#[from] CheckpointError),
	/// The checkpoint's tokenizer does not work.
	#[error("tokenizer: {0}")]
	Tokenizer(#[from] TokenizerError),
	/// Threads can't be started.
	#[error("threads can't be started: {0}")]
	Threads(#[from] rayon::ThreadPoolBuildError),
	/// This machine lacks the vector unit that was asked for.
	#[error("this machine can't run the {0} backend")]
	Backend(&'static str),
	/// The device can't hold the model, or failed while it ran.
	#[error(transparent)]
	Device(#[from] DeviceError),
	/// A device computes what is right.
	#[error("what is wrong on purpose is computed on the CPU only: open the engine without a device")]
	NoFaults,
	/// The callback said stop.
	#[error("cancelled")]
	Cancelled,
}

/// How an engine runs; no choice changes a result.
#[derive(Clone, Default)]
pub struct EngineOptions {
	/// Threads; all cores by default.
	pub threads: Option<usize>,
	/// Vector unit; the best one by default.
	pub backend: Option<Backend>,
	/// Where the model runs instead of the CPU, which then only tokenises and hashes.
	pub device: Option<Arc<dyn Device>>,
	/// The CPU takes over a model that the device can't run: one of another shape, one too large, or one whose kernels
	/// can't be loaded there. Without, such a model is refused.
	pub fallback: bool,
}

impl fmt::Debug for EngineOptions {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		f.debug_struct("EngineOptions")
			.field("threads", &self.threads)
			.field("backend", &self.backend)
			.field("device", &self.device.as_ref().map(|device| device.name()))
			.field("fallback", &self.fallback)
			.finish()
	}
}

/// A model ready to run. Runs may go on at the same time; they share the engine's threads.
#[derive(Debug)]
pub struct Engine {
	manifest: Manifest,
	model: Loaded,
	backend: Backend,
	tokenizer: Tokenizer,
	template: ChatTemplate,
	pool: rayon::ThreadPool,
}

/// A token, as soon as it is certain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TokenEvent<'a> {
	/// Its place in the output.
	pub index: u32,
	/// Its id.
	pub token: u32,
	/// What it adds to the output; nothing for special tokens. May end inside a UTF-8 character.
	pub bytes: &'a [u8],
}

/// Called with every token; says whether to go on.
pub type OnToken<'a> = &'a mut (dyn FnMut(TokenEvent<'_>) -> bool + Send);

/// What may accompany a run; nothing but `fault` and `plant` changes its result.
#[derive(Default)]
pub struct RunOptions<'a> {
	/// Somebody's claim of the output. As far as it is true the run takes one pass instead of one per token.
	pub draft: Option<&'a [u8]>,
	/// Leaves of the trace whose values are kept.
	pub capture: &'a [u64],
	/// Called with every token; the run is cancelled when it returns false.
	pub on_token: Option<OnToken<'a>>,
	/// A value that is computed wrongly, for rehearsals.
	pub fault: Option<Fault>,
	/// A leaf that is wrong by arrangement, for canaries.
	pub plant: Option<Plant>,
}

/// The result of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Execution {
	/// The answer's bytes.
	pub output: Vec<u8>,
	/// The answer's tokens, an end token included.
	pub tokens: Vec<u32>,
	/// Tokens read and produced.
	pub usage: Usage,
	/// All tokens, read and produced, as the trace has them.
	pub token_leaves: Vec<TokenLeaf>,
	/// Hashes of the trace's leaves.
	pub leaves: Vec<[u8; 32]>,
	/// Values of the captured leaves that exist.
	pub captured: BTreeMap<u64, Vec<i32>>,
}

impl Execution {
	/// Root of the trace.
	pub fn root(&self) -> Root {
		Root(merkle::root(&self.leaves))
	}

	/// Number of leaves of the trace.
	pub fn leaf_count(&self) -> u32 {
		self.leaves.len() as u32
	}

	/// A captured leaf with its path; `None` when it was not captured or does not exist.
	pub fn opening(&self, index: u64) -> Option<Opening> {
		let values = self.captured.get(&index)?.clone().try_into().ok()?;
		let path = merkle::path(&self.leaves, u32::try_from(index).ok()?)?.try_into().ok()?;
		Some(Opening { values, path })
	}
}

/// A model on the device; none if the CPU is to run it, which the log says.
fn on_device(
	checkpoint: &Checkpoint,
	device: &Arc<dyn Device>,
	fallback: bool,
) -> Result<Option<DeviceModel>, EngineError> {
	// Kernels are loaded when they are first launched: one token shows whether they can be.
	let tried = DeviceModel::load(checkpoint, device).and_then(|model| model.try_out().map(|()| model));
	let model = settle(tried, fallback)?;
	let name = device.name();
	match &model {
		Ok(_) => {
			tracing::info!(device = name, "the model runs on the GPU");
			for kernel in device.loaded() {
				tracing::info!(source = kernel.name, hash = kernel.hash, form = ?kernel.form, "kernels loaded");
			}
		},
		Err(reason) => {
			tracing::warn!(device = name, %reason, "the model runs on the CPU: the GPU can't run it")
		},
	}
	Ok(model.ok())
}

/// Whether what came of loading a model to a device is final, or, with `fallback`, a reason for the CPU to run it. What
/// is wrong with the checkpoint itself would be wrong on the CPU too.
fn settle<T>(loaded: Result<T, EngineError>, fallback: bool) -> Result<Result<T, DeviceError>, EngineError> {
	match loaded {
		Ok(model) => Ok(Ok(model)),
		Err(EngineError::Device(reason)) if fallback => Ok(Err(reason)),
		Err(error) => Err(error),
	}
}

impl Engine {
	/// Opens and checks the checkpoint file at `path` and loads its weights.
	pub fn open(path: &Path, options: &EngineOptions) -> Result<Self, EngineError> {
		Self::open_with_checkpoint(path, options).map(|(engine, _)| engine)
	}

	/// The same, with the open checkpoint, for those who show its tensors in disputes.
	pub fn open_with_checkpoint(
		path: &Path,
		options: &EngineOptions,
	) -> Result<(Self, Checkpoint), EngineError> {
		let pool = pool(options)?;
		let checkpoint = pool.install(|| Checkpoint::open(path))?;
		Ok((Self::assemble(&checkpoint, options, pool)?, checkpoint))
	}

	/// Loads the weights of an open checkpoint.
	pub fn new(checkpoint: &Checkpoint, options: &EngineOptions) -> Result<Self, EngineError> {
		Self::assemble(checkpoint, options, pool(options)?)
	}

	fn assemble(
		checkpoint: &Checkpoint,
		options: &EngineOptions,
		pool: rayon::ThreadPool,
	) -> Result<Self, EngineError> {
		let backend = options.backend.unwrap_or_else(Backend::best);
		if !backend.is_available() {
			return Err(EngineError::Backend(backend.name()));
		}
		let device = options.device.as_ref();
		let device = device.map(|device| pool.install(|| on_device(checkpoint, device, options.fallback)));
		let model = match device.transpose()?.flatten() {
			None => Loaded::Cpu(Box::new(pool.install(|| Model::load(checkpoint, backend))?)),
			Some(model) => Loaded::Device(Box::new(model)),
		};
		Ok(Self {
			manifest: checkpoint.manifest().clone(),
			model,
			backend,
			tokenizer: Tokenizer::new(checkpoint.tokenizer())?,
			template: checkpoint.tokenizer().chat_template.clone(),
			pool,
		})
	}

	/// The checkpoint's description.
	pub fn manifest(&self) -> &Manifest {
		&self.manifest
	}

	/// The tokenizer.
	pub fn tokenizer(&self) -> &Tokenizer {
		&self.tokenizer
	}

	/// The model where it runs on the CPU, for measurements. Run it inside [`Engine::install`].
	pub fn model(&self) -> Option<&Model> {
		match &self.model {
			Loaded::Cpu(model) => Some(model),
			Loaded::Device(_) => None,
		}
	}

	/// The model where it runs on a device.
	pub fn device_model(&self) -> Option<&DeviceModel> {
		match &self.model {
			Loaded::Cpu(_) => None,
			Loaded::Device(model) => Some(model),
		}
	}

	/// Begins a sequence of at most `capacity` positions (cut to the context), for measurements. Run it inside
	/// [`Engine::install`].
	///
	/// # Errors
	/// [`EngineError::Device`] if the device has no room for it.
	pub fn start(&self, capacity: usize) -> Result<Sequence<'_>, EngineError> {
		Ok(self.model.start(capacity)?)
	}

	/// The loops that run on the CPU.
	pub fn backend(&self) -> Backend {
		self.backend
	}

	/// Number of threads.
	pub fn threads(&self) -> usize {
		self.pool.current_num_threads()
	}

	/// Runs `f` on the engine's threads.
	pub fn install<R: Send>(&self, f: impl FnOnce() -> R + Send) -> R {
		self.pool.install(f)
	}

	/// Tokens that a job reads, template included, before they are fitted to the context.
	pub fn input_tokens(&self, kind: &JobKind, input: &[u8]) -> Vec<u32> {
		self.input_leaves(kind, input).into_iter().map(|token| token.id).collect()
	}

	/// The same, with where they end.
	fn input_leaves(&self, kind: &JobKind, input: &[u8]) -> Vec<TokenLeaf> {
		let JobKind::Generate(params) = kind;
		let vocabulary = self.manifest.architecture.vocabulary;
		generate::input_tokens(params.format, input, &self.tokenizer, &self.template, vocabulary)
	}

	/// Runs a job.
	///
	/// # Errors
	/// [`EngineError::Cancelled`], when the callback says so; [`EngineError::Device`], when the engine's device fails.
	pub fn run(
		&self,
		kind: &JobKind,
		input: &[u8],
		options: RunOptions<'_>,
	) -> Result<Execution, EngineError> {
		let prompt = self.input_leaves(kind, input);
		let JobKind::Generate(params) = kind;
		self.pool.install(|| generate::generate(&self.model, &self.tokenizer, prompt, params, options))
	}

	/// The residual after `layer` of all `tokens`, position by position; `fault` as in [`RunOptions`].
	///
	/// # Errors
	/// [`EngineError::Device`], when the engine's device fails; [`EngineError::NoFaults`].
	pub fn residuals(
		&self,
		tokens: &[u32],
		layer: u32,
		fault: Option<Fault>,
	) -> Result<Vec<i32>, EngineError> {
		self.pool.install(|| {
			let mut sequence = self.model.start(tokens.len())?;
			if let Some(fault) = fault {
				sequence.set_fault(fault)?;
			}
			let mut residuals = Vec::new();
			let mut keep = |at: usize, residual: &[i32]| {
				if at == layer as usize {
					residuals.extend_from_slice(residual);
				}
			};
			for batch in tokens.chunks(sequence.max_batch()) {
				sequence.forward(batch, Some(&mut keep))?;
			}
			Ok(residuals)
		})
	}
}

fn pool(options: &EngineOptions) -> Result<rayon::ThreadPool, EngineError> {
	let builder = rayon::ThreadPoolBuilder::new().thread_name(|i| format!("engine-{i}"));
	Ok(builder.num_threads(options.threads.unwrap_or(0)).build()?)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_a_devices_own_failure_should_be_a_reason_to_fall_back() {
		let device = || EngineError::Device(DeviceError::Shape("heads of 80 values".into()));
		let checkpoint = || EngineError::Checkpoint(CheckpointError::Mismatch("encoding of a matrix"));
		assert!(matches!(settle(Ok(7), true), Ok(Ok(7))));
		assert!(matches!(settle(Ok(7), false), Ok(Ok(7))));
		assert!(matches!(settle::<()>(Err(device()), true), Ok(Err(DeviceError::Shape(_)))));
		assert!(matches!(settle::<()>(Err(device()), false), Err(EngineError::Device(_))));
		for fallback in [false, true] {
			assert!(matches!(settle::<()>(Err(checkpoint()), fallback), Err(EngineError::Checkpoint(_))));
		}
	}
}
