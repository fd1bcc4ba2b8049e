//! A device that breaks in the middle: what was measured before is kept.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use noesis_cuda::{Arg, Device, DeviceError, Launch};
use noesis_cuda_emulation::Emulation;
use noesis_gpu_check::{run, Options, Part};
use std::sync::{
	atomic::{AtomicBool, Ordering::SeqCst},
	Arc,
};

/// The emulation, until a kernel whose name begins so is launched: then every call fails, as on a GPU after a fault.
struct Breaking {
	inner: Arc<dyn Device>,
	at: &'static str,
	broken: AtomicBool,
}

impl Breaking {
	fn on(at: &'static str) -> Arc<dyn Device> {
		Arc::new(Self { inner: Emulation::new(1), at, broken: AtomicBool::new(false) })
	}

	fn works(&self) -> Result<(), DeviceError> {
		if self.broken.load(SeqCst) {
			let reason = "an illegal memory access was encountered".into();
			return Err(DeviceError::Kernel { kernel: "queued work".into(), reason });
		}
		Ok(())
	}
}

impl Device for Breaking {
	fn name(&self) -> String {
		"breaking".into()
	}

	fn architecture(&self) -> u32 {
		self.inner.architecture()
	}

	fn multiprocessors(&self) -> u32 {
		self.inner.multiprocessors()
	}

	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
		self.works()?;
		self.inner.allocate(bytes)
	}

	unsafe fn free(&self, address: u64) {
		// SAFETY: the caller's promise, here and below.
		unsafe { self.inner.free(address) }
	}

	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
		self.works()?;
		// SAFETY: as above.
		unsafe { self.inner.write(address, bytes) }
	}

	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
		self.works()?;
		// SAFETY: as above.
		unsafe { self.inner.read(address, bytes) }
	}

	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError> {
		self.works()?;
		// SAFETY: as above.
		unsafe { self.inner.zero(address, bytes) }
	}

	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		self.broken.fetch_or(kernel.starts_with(self.at), SeqCst);
		self.works()?;
		// SAFETY: as above.
		unsafe { self.inner.launch(kernel, launch, args) }
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		self.works()?;
		self.inner.synchronize()
	}
}

fn only(part: Part) -> Options {
	Options {
		quick: true,
		instrumented: false,
		parts: vec![part],
		repeats: 2,
		tuning: Default::default(),
		checkpoint: None,
	}
}

#[test]
fn a_fault_should_end_the_bench_of_exact_attention() {
	let device = Breaking::on("attention_forward");
	let mut shapes = Vec::new();
	let outcome = run(&device, &only(Part::ExactBench), &mut |outcome| {
		shapes.extend(outcome.exact_bench.as_ref().map(|bench| bench.cells.len()));
	});
	assert_eq!(shapes, [1, 1, 1], "told after the shape, after the check and at the end");
	let cells = &outcome.exact_bench.unwrap().cells;
	assert!(cells[0].measured.is_none());
	assert!(cells[0].error.as_ref().unwrap().contains("illegal memory access"));
	let check = &outcome.checks[0];
	assert!(!check.ok && outcome.failed == 1);
	assert!(check.detail.ends_with("the last 1 of 2 shapes were not measured"), "{}", check.detail);
}

#[test]
fn a_fault_should_end_the_bench_and_leave_the_shapes_before_it() {
	let device = Breaking::on("attention_backward");
	let mut shapes = Vec::new();
	let outcome = run(&device, &only(Part::Bench), &mut |outcome| {
		shapes.extend(outcome.bench.as_ref().map(|bench| bench.cells.len()));
	});
	assert_eq!(shapes, [1, 2, 2, 2], "told after each shape, after the check and at the end");
	let cells = &outcome.bench.unwrap().cells;
	assert!(cells[0].measured.is_some() && cells[0].error.is_none());
	assert!(cells[1].measured.is_none());
	let check = &outcome.checks[0];
	assert!(!check.ok && outcome.failed == 1);
	assert!(check.detail.contains(&format!("{}: kernel", cells[1].name)), "{}", check.detail);
	assert!(check.detail.contains("illegal memory access"), "{}", check.detail);
	assert!(check.detail.ends_with("the last 1 of 3 shapes were not measured"), "{}", check.detail);
}
