//! The same model on a device as on the CPU: residuals, logits, tokens, roots. The device is the emulation of CUDA.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_cuda::{Arg, Device, DeviceError, Launch};
use noesis_cuda_emulation::Emulation;
use noesis_engine::{
	bench::{bench, BenchOptions},
	import_gguf, testing,
	trace::{TokenLeaf, Trace},
	Architecture, Backend, Checkpoint, Engine, EngineError, EngineOptions, Execution, RunOptions,
};
use noesis_primitives::{merkle, GenerateParams, InputFormat, JobKind};
use std::{
	path::Path,
	sync::{
		atomic::{AtomicUsize, Ordering::SeqCst},
		Arc,
	},
};

/// Two layers with heads of a size that the device's attention has; slices and tiles of ragged sizes.
fn architecture() -> Architecture {
	Architecture { width: 96, heads: 3, kv_heads: 1, head_dim: 64, ..testing::architecture() }
}

fn checkpoint(seed: u64, architecture: Architecture) -> Checkpoint {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("random.noesis");
	testing::write_random_model_of(&path, seed, architecture).unwrap();
	Checkpoint::open(&path).unwrap()
}

fn on_cpu(checkpoint: &Checkpoint) -> Engine {
	let backend = Some(Backend::best());
	Engine::new(checkpoint, &EngineOptions { threads: Some(1), backend, ..Default::default() }).unwrap()
}

fn on(checkpoint: &Checkpoint, device: Arc<dyn Device>) -> Result<Engine, EngineError> {
	Engine::new(checkpoint, &EngineOptions { threads: Some(1), device: Some(device), ..Default::default() })
}

/// Everything that a pass over some tokens leaves behind.
#[derive(Debug, PartialEq)]
struct Pass {
	/// Layer, first position, residuals, by call.
	residuals: Vec<(usize, usize, Vec<i32>)>,
	logits: Vec<i32>,
	leaves: Vec<[u8; 32]>,
}

/// The tokens in pieces of the sizes of `splits`.
fn pass(engine: &Engine, tokens: &[u32], splits: &[usize]) -> Pass {
	engine.install(|| {
		let mut sequence = engine.start(tokens.len()).unwrap();
		let mut trace = Trace::new(&engine.manifest().architecture, &[]);
		let (mut residuals, mut logits) = (Vec::new(), Vec::new());
		let mut rest = tokens;
		for &size in splits {
			let (piece, after) = rest.split_at(size);
			let first = sequence.length();
			let mut after_layer = |layer: usize, residual: &[i32]| {
				trace.record(first, layer, residual);
				residuals.push((layer, first, residual.to_vec()));
			};
			sequence.forward(piece, Some(&mut after_layer)).unwrap();
			sequence.compute_logits(piece.len()).unwrap();
			logits.extend(sequence.logits().unwrap());
			rest = after;
		}
		assert!(rest.is_empty());
		let read: Vec<TokenLeaf> = tokens.iter().chain([&0]).map(|&id| TokenLeaf { id, end: 0 }).collect();
		Pass { residuals, logits, leaves: trace.finish(&read).0 }
	})
}

fn prompt(seed: u32, count: u32) -> Vec<u32> {
	(0..count).map(|i| (i * 31 + seed * 7 + i * i) % 288).collect()
}

#[test]
fn residuals_and_logits_should_equal_the_cpus_for_any_split() {
	for seed in 0..3 {
		let checkpoint = checkpoint(seed, architecture());
		let (cpu, device) = (on_cpu(&checkpoint), on(&checkpoint, Emulation::new(seed)).unwrap());
		let tokens = prompt(seed as u32, 40);
		let splits: [&[usize]; 3] = [&[40], &[7, 1, 32], &[20, 1, 1, 1, 17]];
		let whole = pass(&cpu, &tokens, splits[0]);
		for splits in &splits[..3 - seed as usize / 2] {
			let (expected, found) = (pass(&cpu, &tokens, splits), pass(&device, &tokens, splits));
			assert!(found.residuals == expected.residuals, "seed {seed}, {splits:?}: residuals");
			assert!(found.logits == whole.logits, "seed {seed}, {splits:?}: logits");
			assert!(found.leaves == whole.leaves, "seed {seed}, {splits:?}: leaves");
		}
	}
}

#[test]
fn tokens_one_by_one_should_run_as_a_graph_and_give_the_cpus_bits() {
	let checkpoint = checkpoint(5, architecture());
	let (cpu, device) = (on_cpu(&checkpoint), on(&checkpoint, Emulation::new(5)).unwrap());
	// Sizes of batches, and a place to go back to first. More rows of logits than before move them: what was recorded
	// must not write to where they were.
	let steps = [
		(None, 9),
		(None, 1),
		(None, 1),
		(None, 1),
		(Some(10), 1),
		(None, 12),
		(None, 1),
		(Some(3), 1),
		(None, 1),
	];
	let walk = |engine: &Engine| {
		engine.install(|| {
			let mut sequence = engine.start(40).unwrap();
			let mut found = Vec::new();
			for (i, (back, count)) in steps.iter().enumerate() {
				if let Some(length) = back {
					sequence.truncate(*length);
				}
				let mut residuals = Vec::new();
				let mut after_layer = |_: usize, residual: &[i32]| residuals.push(residual.to_vec());
				sequence.forward(&prompt(i as u32, *count), Some(&mut after_layer)).unwrap();
				sequence.compute_logits(*count as usize).unwrap();
				let logits = sequence.logits().unwrap();
				found.push((sequence.is_recorded(), sequence.length(), residuals, logits));
			}
			found
		})
	};
	let (found, expected) = (walk(&device), walk(&cpu));
	let recorded: Vec<bool> = found.iter().map(|step| step.0).collect();
	assert_eq!(recorded, [false, false, true, true, true, false, true, true, true]);
	for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
		assert!(found.1 == expected.1 && found.2 == expected.2 && found.3 == expected.3, "step {i}");
	}
}

fn generate(max_tokens: u32, temperature: u16, top_p: u16) -> JobKind {
	let format = InputFormat::Chat;
	JobKind::Generate(GenerateParams { format, max_tokens, temperature, top_p, seed: 5 })
}

fn run(engine: &Engine, kind: &JobKind, draft: Option<&[u8]>, capture: &[u64]) -> Execution {
	engine.run(kind, b"What is it?", RunOptions { draft, capture, ..Default::default() }).unwrap()
}

#[test]
fn a_run_should_give_the_same_execution_as_on_the_cpu() {
	let capture = [0, 3, 70, 71, 100_000];
	for (seed, temperature, top_p) in [(1, 0, 0), (2, 900, 60_000)] {
		let checkpoint = checkpoint(seed, architecture());
		let (cpu, device) = (on_cpu(&checkpoint), on(&checkpoint, Emulation::new(seed)).unwrap());
		let kind = generate(12, temperature, top_p);
		let expected = run(&cpu, &kind, None, &capture);
		let found = run(&device, &kind, None, &capture);
		assert_eq!(found, expected);
		assert_eq!(found.root(), expected.root());
		let opening = found.opening(3).unwrap();
		assert_eq!(Some(&opening), expected.opening(3).as_ref());
		let hash =
			merkle::leaf_hash(&opening.values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
		assert_eq!(found.leaves[3], hash);

		// A right draft takes one pass, a wrong one costs a truncation; neither shows.
		let mut wrong = expected.output.clone();
		wrong.truncate(wrong.len() / 2);
		wrong.extend_from_slice(b" something else");
		for draft in [&expected.output, &wrong] {
			assert_eq!(run(&device, &kind, Some(draft), &capture), expected, "draft {draft:?}");
		}
	}
}

#[test]
fn a_prompt_longer_than_a_batch_should_equal_the_cpus() {
	// One layer of one small head, so that the emulation is fast.
	let small =
		Architecture { layers: 1, width: 32, heads: 1, feed_forward: 32, context: 600, ..architecture() };
	let checkpoint = checkpoint(4, small);
	let (cpu, device) = (on_cpu(&checkpoint), on(&checkpoint, Emulation::new(4)).unwrap());
	let input: Vec<u8> = prompt(3, 530).iter().flat_map(|id| id.to_le_bytes()).collect();
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, 2));
	let run = |engine: &Engine| engine.run(&kind, &input, RunOptions::default()).unwrap();
	let (found, expected) = (run(&device), run(&cpu));
	assert!(expected.usage.input_tokens > 512, "it takes two batches");
	assert_eq!(found, expected);
}

/// A device that fails at a call to it: launches, copies and allocations count.
struct Failing {
	inner: Arc<dyn Device>,
	left: AtomicUsize,
}

impl Failing {
	/// Counts a call.
	fn call(&self) -> Result<(), DeviceError> {
		match self.left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
			Ok(_) => Ok(()),
			Err(_) => Err(DeviceError::Kernel {
				kernel: "any".into(),
				reason: "the device fell off the bus".into(),
			}),
		}
	}
}

impl Device for Failing {
	fn name(&self) -> String {
		"failing".into()
	}

	fn architecture(&self) -> u32 {
		self.inner.architecture()
	}

	fn multiprocessors(&self) -> u32 {
		self.inner.multiprocessors()
	}

	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
		self.call()?;
		self.inner.allocate(bytes)
	}

	unsafe fn free(&self, address: u64) {
		// SAFETY: the caller's promise, here and below.
		unsafe { self.inner.free(address) }
	}

	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
		self.call()?;
		// SAFETY: as above.
		unsafe { self.inner.write(address, bytes) }
	}

	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
		self.call()?;
		// SAFETY: as above.
		unsafe { self.inner.read(address, bytes) }
	}

	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError> {
		self.call()?;
		// SAFETY: as above.
		unsafe { self.inner.zero(address, bytes) }
	}

	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		self.call()?;
		// SAFETY: as above.
		unsafe { self.inner.launch(kernel, launch, args) }
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		self.call()?;
		self.inner.synchronize()
	}
}

#[test]
fn a_device_that_fails_should_give_an_error_and_never_a_result() {
	let small = Architecture { layers: 1, width: 32, heads: 1, feed_forward: 32, ..architecture() };
	let checkpoint = checkpoint(6, small);
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 3));
	let expected = on_cpu(&checkpoint).run(&kind, b"on", RunOptions::default()).unwrap();
	let mut failures = [0, 0];
	for calls in 0.. {
		let device = Arc::new(Failing { inner: Emulation::new(1), left: AtomicUsize::new(calls) });
		let engine = match on(&checkpoint, device) {
			Ok(engine) => engine,
			Err(error) => {
				assert!(
					matches!(error, EngineError::Device(_)) && error.to_string().contains("fell off the bus")
				);
				failures[0] += 1;
				continue;
			},
		};
		match engine.run(&kind, b"on", RunOptions::default()) {
			Err(error) => {
				assert!(
					matches!(error, EngineError::Device(_)) && error.to_string().contains("fell off the bus")
				);
				failures[1] += 1;
			},
			Ok(execution) => {
				assert_eq!(execution, expected);
				break;
			},
		}
	}
	assert!(failures[0] > 20 && failures[1] > 40, "{failures:?}");
}

#[test]
fn a_model_without_kernels_should_be_refused_with_a_reason() {
	// The heads of the smallest test model have 16 values.
	let error = on(&checkpoint(1, testing::architecture()), Emulation::new(1)).unwrap_err();
	assert!(matches!(error, EngineError::Device(DeviceError::Shape(_))));
	assert!(error.to_string().contains("64 or 128 values"), "{error}");
}

/// As `noesis worker --backend auto` does it.
fn on_or_cpu(checkpoint: &Checkpoint, device: Arc<dyn Device>) -> Result<Engine, EngineError> {
	let options =
		EngineOptions { threads: Some(1), device: Some(device), fallback: true, ..Default::default() };
	Engine::new(checkpoint, &options)
}

#[test]
fn a_model_without_kernels_should_run_on_the_cpu_when_it_may() {
	let checkpoint = checkpoint(1, testing::architecture());
	let engine = on_or_cpu(&checkpoint, Emulation::new(1)).unwrap();
	assert!(engine.device_model().is_none());
	let kind = generate(4, 0, 0);
	assert_eq!(run(&engine, &kind, None, &[]), run(&on_cpu(&checkpoint), &kind, None, &[]));
}

#[test]
fn a_device_whose_kernels_fail_should_leave_the_model_to_the_cpu_when_it_may() {
	let small = Architecture { layers: 1, width: 32, heads: 1, feed_forward: 32, ..architecture() };
	let checkpoint = checkpoint(6, small);
	let failing = |calls| Arc::new(Failing { inner: Emulation::new(1), left: AtomicUsize::new(calls) });
	let used = {
		let device = failing(usize::MAX);
		assert!(on(&checkpoint, device.clone()).is_ok());
		usize::MAX - device.left.load(SeqCst)
	};
	// While weights are uploaded, and while the model is tried out, to the last call.
	for calls in [0, used / 4, used / 2, used - 1] {
		assert!(
			on_or_cpu(&checkpoint, failing(calls)).unwrap().device_model().is_none(),
			"after {calls} calls"
		);
	}
	assert!(on_or_cpu(&checkpoint, failing(usize::MAX)).unwrap().device_model().is_some());
}

#[test]
fn a_device_should_be_measured_and_named() {
	let small = Architecture { layers: 1, width: 32, heads: 1, feed_forward: 32, ..architecture() };
	let checkpoint = checkpoint(2, small);
	let device = Emulation::new(1);
	let engine = on(&checkpoint, device.clone()).unwrap();
	assert!(engine.model().is_none() && engine.device_model().unwrap().bytes() > 0);
	let result = bench(&engine, &BenchOptions { prefill: 9, decode: 2, repeats: 1 }).unwrap();
	assert_eq!(result.device, Some(device.name()));
	assert!(result.decode_tps > 0.0 && result.prefill_tps > 0.0);
	assert_eq!(
		bench(&on_cpu(&checkpoint), &BenchOptions { prefill: 9, decode: 2, repeats: 1 }).unwrap().device,
		None
	);
}

#[test]
fn the_real_model_should_give_the_cpus_bits_on_a_device() {
	let Some(model) = std::env::var_os("NOESIS_MODEL") else {
		eprintln!("no model: set NOESIS_MODEL to SmolLM2-135M-Instruct.Q4_1.gguf to run this test");
		return;
	};
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("smollm2.noesis");
	import_gguf(Path::new(&model), &path, &mut |_| {}).unwrap();
	let checkpoint = Checkpoint::open(&path).unwrap();
	let device = on(&checkpoint, Emulation::new(1)).unwrap();
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 2));
	let run = |engine: &Engine| engine.run(&kind, b"The capital of France", RunOptions::default()).unwrap();
	assert_eq!(run(&device), run(&on_cpu(&checkpoint)));
}
