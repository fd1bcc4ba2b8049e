//! CUDA on a CPU, for tests: the kernels of `noesis-cuda`, compiled as C++ and run with one fiber per thread.
//!
//! It is a [`Device`] like any other. What it adds: threads run in an order drawn from a seed, shared and fresh
//! device memory hold garbage until written, memory on both sides of every allocation is watched, and a barrier
//! that a thread misses is an error. It says nothing about speed.

// Offsets stay within an allocation that was made with room for them; `new` gives what callers hold, a device.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::new_ret_no_self)]

use noesis_cuda::{Arg, CudaDevice, Device, DeviceError, Launch};
use std::{
	collections::BTreeMap,
	ffi::{c_char, c_int, c_void, CStr, CString},
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc, Mutex, PoisonError,
	},
};

extern "C" {
	fn noesis_emulation_parameters(name: *const c_char) -> c_int;
	fn noesis_emulation_launch(
		name: *const c_char,
		grid: *const u32,
		block: *const u32,
		shared: usize,
		parameters: *mut *mut c_void,
		seed: u64,
		error: *mut c_char,
		error_bytes: usize,
	) -> c_int;
}

/// The environment variable by which the tests of the kernels are run on a GPU instead: all but those of the emulation
/// itself (`tests/probe.rs`), which make mistakes on purpose.
pub const TEST_DEVICE: &str = "NOESIS_TEST_DEVICE";

const ALIGNMENT: usize = 256;
/// Bytes that are watched before and after every allocation, and what they hold: as a float a NaN, as an integer
/// far from zero.
const GUARD: usize = 4096;
const FILL: u8 = 0xfd;

/// The emulated device.
pub struct Emulation {
	seed: AtomicU64,
	allocations: Mutex<BTreeMap<u64, Allocation>>,
}

struct Allocation {
	store: Vec<u8>,
	start: usize,
	bytes: usize,
}

impl Allocation {
	/// True while nobody wrote outside the allocation.
	fn is_whole(&self) -> bool {
		let end = self.start + self.bytes;
		self.store[..self.start].iter().chain(&self.store[end..]).all(|byte| *byte == FILL)
	}
}

impl Emulation {
	/// A device whose threads run in the order that the seed gives; or the first GPU, where [`TEST_DEVICE`] is `cuda`.
	///
	/// # Panics
	/// If the GPU that is asked for can't be used.
	pub fn new(seed: u64) -> Arc<dyn Device> {
		if std::env::var_os(TEST_DEVICE).is_some_and(|device| device == "cuda") {
			return CudaDevice::open(0).unwrap_or_else(|error| panic!("{TEST_DEVICE} is cuda: {error}"));
		}
		Arc::new(Self { seed: AtomicU64::new(seed), allocations: Mutex::default() })
	}

	/// Fails if a kernel wrote outside an allocation.
	fn check_guards(&self, kernel: &str) -> Result<(), DeviceError> {
		let allocations = self.allocations.lock().unwrap_or_else(PoisonError::into_inner);
		match allocations.values().find(|allocation| !allocation.is_whole()) {
			None => Ok(()),
			Some(allocation) => Err(DeviceError::Kernel {
				kernel: kernel.into(),
				reason: format!("it wrote outside an allocation of {} bytes", allocation.bytes),
			}),
		}
	}
}

fn failed(kernel: &str, reason: impl Into<String>) -> DeviceError {
	DeviceError::Kernel { kernel: kernel.into(), reason: reason.into() }
}

impl Device for Emulation {
	fn name(&self) -> String {
		"CUDA emulation on the CPU".into()
	}

	fn architecture(&self) -> u32 {
		80
	}

	fn multiprocessors(&self) -> u32 {
		4
	}

	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
		let store = vec![FILL; bytes + 2 * GUARD + ALIGNMENT];
		let first = store.as_ptr() as usize + GUARD;
		let address = first.next_multiple_of(ALIGNMENT);
		let start = address - store.as_ptr() as usize;
		let mut allocations = self.allocations.lock().unwrap_or_else(PoisonError::into_inner);
		allocations.insert(address as u64, Allocation { store, start, bytes });
		Ok(address as u64)
	}

	unsafe fn free(&self, address: u64) {
		self.allocations.lock().unwrap_or_else(PoisonError::into_inner).remove(&address);
	}

	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
		// SAFETY: the caller's range lies in an allocation.
		unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
		Ok(())
	}

	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
		// SAFETY: the caller's range lies in an allocation.
		unsafe { std::ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
		Ok(())
	}

	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError> {
		// SAFETY: the caller's range lies in an allocation.
		unsafe { std::ptr::write_bytes(address as *mut u8, 0, bytes) };
		Ok(())
	}

	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		let name = CString::new(kernel).map_err(|_| DeviceError::NoKernel(kernel.into()))?;
		// SAFETY: a C string.
		let expected = unsafe { noesis_emulation_parameters(name.as_ptr()) };
		if expected < 0 || noesis_cuda::find(kernel).is_none() {
			return Err(DeviceError::NoKernel(kernel.into()));
		}
		if expected as usize != args.len() {
			return Err(failed(
				kernel,
				format!("it takes {expected} arguments and was given {}", args.len()),
			));
		}
		let mut parameters: Vec<*mut c_void> = args.iter().map(Arg::as_pointer).collect();
		let mut error = [0 as c_char; 512];
		let seed = self.seed.fetch_add(1, Ordering::Relaxed);
		// SAFETY: the caller promises that the arguments are the kernel's.
		let result = unsafe {
			noesis_emulation_launch(
				name.as_ptr(),
				launch.grid.as_ptr(),
				launch.block.as_ptr(),
				launch.shared as usize,
				parameters.as_mut_ptr(),
				seed,
				error.as_mut_ptr(),
				error.len(),
			)
		};
		if result != 0 {
			// SAFETY: the emulation writes a terminated message.
			let reason = unsafe { CStr::from_ptr(error.as_ptr()) }.to_string_lossy().into_owned();
			return Err(failed(kernel, reason));
		}
		self.check_guards(kernel)
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		Ok(())
	}
}
