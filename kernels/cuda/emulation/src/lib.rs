//! CUDA on a CPU, for tests: the kernels of `noesis-cuda`, compiled as C++ and run with one fiber per thread.
//!
//! It is a [`Device`] like any other. What it adds: threads run in an order drawn from a seed, shared and fresh
//! device memory hold garbage until written, memory on both sides of every allocation is watched, and a barrier
//! that a thread misses is an error. It says nothing about speed.

// Offsets stay within an allocation that was made with room for them; `new` gives what callers hold, a device.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, clippy::new_ret_no_self)]

mod graph;

use graph::{EmulatedGraph, Recording};
use noesis_cuda::{Arg, CudaDevice, Device, DeviceError, Graph, Launch, TensorMap, Tiles, Work};
use std::{
	collections::{BTreeMap, HashMap},
	ffi::{c_char, c_int, c_void, CStr, CString},
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
	thread::{self, ThreadId},
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

/// The first word of a map: the emulated copy engine takes no other.
const MAP_MARK: u64 = 0x656c_6974;

/// The emulated device.
pub struct Emulation(Arc<Machine>);

/// What its graphs share with it.
struct Machine {
	architecture: u32,
	seed: AtomicU64,
	allocations: Mutex<BTreeMap<u64, Allocation>>,
	/// What the threads that record graphs have recorded so far.
	recordings: Mutex<HashMap<ThreadId, Recording>>,
}

/// A lock whose holder may have failed: what it guards is whole at all times.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
		Self::of(80, seed)
	}

	/// The same with what only devices of compute capability 9.0 have. Nothing where [`TEST_DEVICE`] is `cuda` and the
	/// first GPU is another.
	///
	/// # Panics
	/// If the GPU that is asked for can't be used.
	pub fn hopper(seed: u64) -> Option<Arc<dyn Device>> {
		Some(Self::of(90, seed)).filter(|device| device.architecture() == 90)
	}

	fn of(architecture: u32, seed: u64) -> Arc<dyn Device> {
		if std::env::var_os(TEST_DEVICE).is_some_and(|device| device == "cuda") {
			return CudaDevice::open(0).unwrap_or_else(|error| panic!("{TEST_DEVICE} is cuda: {error}"));
		}
		let seed = AtomicU64::new(seed);
		let (allocations, recordings) = Default::default();
		Arc::new(Self(Arc::new(Machine { architecture, seed, allocations, recordings })))
	}
}

impl Machine {
	/// Records a step if this thread records a graph; else gives it back.
	fn record<T>(&self, step: T, put: impl FnOnce(&mut Recording, T)) -> Option<T> {
		match locked(&self.recordings).get_mut(&thread::current().id()) {
			None => Some(step),
			Some(recording) => {
				put(recording, step);
				None
			},
		}
	}

	/// Refuses what a graph can't hold.
	fn outside_recordings(&self) -> Result<(), DeviceError> {
		if locked(&self.recordings).contains_key(&thread::current().id()) {
			return Err(DeviceError::Unsupported("copy or wait while it records a graph"));
		}
		Ok(())
	}

	/// Runs a kernel to its end.
	///
	/// # Safety
	/// The arguments are the kernel's.
	unsafe fn launch(
		&self,
		name: &CStr,
		kernel: &str,
		launch: Launch,
		args: &[Arg],
	) -> Result<(), DeviceError> {
		let mut parameters: Vec<*mut c_void> = args.iter().map(Arg::as_pointer).collect();
		let mut error = [0 as c_char; 512];
		let seed = self.seed.fetch_add(1, Ordering::Relaxed);
		// SAFETY: the caller's promise.
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

	fn free(&self, address: u64) {
		locked(&self.allocations).remove(&address);
	}

	/// # Safety
	/// The range lies in an allocation.
	unsafe fn zero(address: u64, bytes: usize) {
		// SAFETY: the caller's promise.
		unsafe { std::ptr::write_bytes(address as *mut u8, 0, bytes) };
	}

	/// Fails if a kernel wrote outside an allocation.
	fn check_guards(&self, kernel: &str) -> Result<(), DeviceError> {
		match locked(&self.allocations).values().find(|allocation| !allocation.is_whole()) {
			None => Ok(()),
			Some(allocation) => Err(DeviceError::Kernel {
				kernel: kernel.into(),
				reason: format!("it wrote outside an allocation of {} bytes", allocation.bytes),
			}),
		}
	}
}

/// A kernel that the device has, and its name as C writes it.
fn known(kernel: &str, architecture: u32, arguments: usize) -> Result<CString, DeviceError> {
	let name = CString::new(kernel).map_err(|_| DeviceError::NoKernel(kernel.into()))?;
	// SAFETY: a C string.
	let expected = unsafe { noesis_emulation_parameters(name.as_ptr()) };
	let source = noesis_cuda::find(kernel).filter(|_| expected >= 0);
	let source = source.ok_or_else(|| DeviceError::NoKernel(kernel.into()))?;
	if !source.runs_on(architecture) {
		let reason = format!("they are not for compute capability {architecture}");
		return Err(DeviceError::Load { name: source.name, reason });
	}
	if expected as usize != arguments {
		let reason = format!("it takes {expected} arguments and was given {arguments}");
		return Err(failed(kernel, reason));
	}
	Ok(name)
}

fn failed(kernel: &str, reason: impl Into<String>) -> DeviceError {
	DeviceError::Kernel { kernel: kernel.into(), reason: reason.into() }
}

impl Device for Emulation {
	fn name(&self) -> String {
		"CUDA emulation on the CPU".into()
	}

	fn architecture(&self) -> u32 {
		self.0.architecture
	}

	fn multiprocessors(&self) -> u32 {
		4
	}

	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
		let store = vec![FILL; bytes + 2 * GUARD + ALIGNMENT];
		let first = store.as_ptr() as usize + GUARD;
		let address = first.next_multiple_of(ALIGNMENT);
		let start = address - store.as_ptr() as usize;
		locked(&self.0.allocations).insert(address as u64, Allocation { store, start, bytes });
		Ok(address as u64)
	}

	unsafe fn free(&self, address: u64) {
		// What a recording frees, its graph still uses.
		if let Some(address) = self.0.record(address, Recording::hold) {
			self.0.free(address);
		}
	}

	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
		self.0.outside_recordings()?;
		// SAFETY: the caller's range lies in an allocation.
		unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), address as *mut u8, bytes.len()) };
		Ok(())
	}

	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
		self.0.outside_recordings()?;
		// SAFETY: the caller's range lies in an allocation.
		unsafe { std::ptr::copy_nonoverlapping(address as *const u8, bytes.as_mut_ptr(), bytes.len()) };
		Ok(())
	}

	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError> {
		if self.0.record((address, bytes), Recording::zero).is_some() {
			// SAFETY: the caller's range lies in an allocation.
			unsafe { Machine::zero(address, bytes) };
		}
		Ok(())
	}

	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		let name = known(kernel, self.0.architecture, args.len())?;
		if self.0.record((kernel, launch, args), Recording::launch).is_none() {
			return Ok(());
		}
		// SAFETY: the caller promises that the arguments are the kernel's.
		unsafe { self.0.launch(&name, kernel, launch, args) }
	}

	fn tensor_map(&self, tiles: &Tiles) -> Result<TensorMap, DeviceError> {
		let Tiles { address, sizes, strides, tile } = tiles;
		let aligned = strides.iter().chain([address]).all(|x| x.is_multiple_of(16));
		if !aligned || sizes.contains(&0) || tile[0] > 64 || tile[1] > 256 || self.0.architecture < 90 {
			return Err(DeviceError::Shape(format!("the copy engine can't take {tiles:?}")));
		}
		let mut words = [0; 16];
		words[0] = MAP_MARK;
		words[1] = *address;
		words[2..6].copy_from_slice(sizes);
		words[6..9].copy_from_slice(strides);
		words[9..11].copy_from_slice(&tile.map(u64::from));
		Ok(TensorMap(words))
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		self.0.outside_recordings()
	}

	unsafe fn capture(&self, work: &mut Work<'_>) -> Result<Box<dyn Graph>, DeviceError> {
		self.0.outside_recordings()?;
		let thread = thread::current().id();
		locked(&self.0.recordings).insert(thread, Recording::default());
		let outcome = work();
		let recording = locked(&self.0.recordings).remove(&thread).unwrap_or_default();
		let graph = EmulatedGraph::new(self.0.clone(), recording);
		outcome.map(|()| Box::new(graph) as Box<dyn Graph>)
	}
}
