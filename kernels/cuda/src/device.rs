//! What host code needs of a place where kernels run: memory and launches.

use bytemuck::Pod;
use serde::Serialize;
use std::{marker::PhantomData, sync::Arc, time::Instant};

/// Why a device did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
	/// There is no NVIDIA driver on this machine.
	#[error("no NVIDIA driver was found (libcuda.so is missing): install one, or use the CPU backend")]
	NoDriver,
	/// There is a driver but no such device.
	#[error("CUDA device {ordinal} can't be used: {reason}")]
	NoDevice {
		/// The device that was asked for.
		ordinal: usize,
		/// What the driver said.
		reason: String,
	},
	/// No kernel of this name is known.
	#[error("there is no kernel called {0}")]
	NoKernel(String),
	/// The kernels can't be made to run on this device.
	#[error("the kernels of {name}.cu can't be loaded: {reason}")]
	Load {
		/// The source file.
		name: &'static str,
		/// What the compiler or the driver said.
		reason: String,
	},
	/// A launch failed or the kernel did.
	#[error("kernel {kernel}: {reason}")]
	Kernel {
		/// The kernel.
		kernel: String,
		/// What went wrong.
		reason: String,
	},
	/// Memory could not be had or copied.
	#[error("{bytes} bytes of device memory: {reason}")]
	Memory {
		/// How much was asked for.
		bytes: usize,
		/// What the driver said.
		reason: String,
	},
	/// The device can't do this at all.
	#[error("this device can't {0}")]
	Unsupported(&'static str),
	/// The caller's arguments don't fit together.
	#[error("{0}")]
	Shape(String),
}

/// The size of a launch: blocks, threads per block, dynamic shared memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Launch {
	/// Blocks in x, y, z.
	pub grid: [u32; 3],
	/// Threads in x, y, z.
	pub block: [u32; 3],
	/// Dynamic shared memory per block, bytes.
	pub shared: u32,
}

/// One argument of a kernel, as the kernel declares it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub enum Arg {
	/// A device address.
	Pointer(u64),
	/// `int`.
	I32(i32),
	/// `unsigned`.
	U32(u32),
	/// `long long`.
	I64(i64),
	/// `unsigned long long`.
	U64(u64),
	/// `float`.
	F32(f32),
	/// A map of tiles, copied from where it lies when the kernel is launched: it must still be there.
	Map(*const TensorMap),
}

impl Arg {
	/// Where the value lies, as `cuLaunchKernel` wants it.
	pub fn as_pointer(&self) -> *mut std::ffi::c_void {
		match self {
			Arg::Pointer(x) | Arg::U64(x) => x as *const u64 as *mut _,
			Arg::I32(x) => x as *const i32 as *mut _,
			Arg::U32(x) => x as *const u32 as *mut _,
			Arg::I64(x) => x as *const i64 as *mut _,
			Arg::F32(x) => x as *const f32 as *mut _,
			Arg::Map(map) => *map as *mut _,
		}
	}
}

/// An array of 16-bit values from which a copy engine brings tiles: rows of values, in heads, in sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
	/// The address of its first value, a multiple of 16.
	pub address: u64,
	/// Values of a row, rows, heads, sequences: at least 1 each.
	pub sizes: [u64; 4],
	/// Bytes from row to row, from head to head and from sequence to sequence: multiples of 16.
	pub strides: [u64; 3],
	/// Values of a row and rows that one copy brings: 64 values at most, whose 16-byte chunks are exchanged by the row's
	/// last three bits, and 256 rows.
	pub tile: [u32; 2],
}

/// [`Tiles`] in the form that only a device's copy engine reads.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct TensorMap(pub [u64; 16]);

impl TensorMap {
	/// As a kernel's argument, while it stays where it is.
	pub const fn arg(&self) -> Arg {
		Arg::Map(self)
	}
}

/// What is known of a device, for reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Details {
	/// What it is, for people.
	pub name: String,
	/// The compute capability times ten (90 is 9.0).
	pub architecture: u32,
	/// The number of multiprocessors.
	pub multiprocessors: u32,
	/// The version of CUDA that the driver knows; empty where there is no driver.
	pub driver: String,
	/// Device memory.
	pub memory_bytes: u64,
	/// The second-level cache; 0 where there is none.
	pub l2_bytes: u64,
	/// Most dynamic shared memory that one block may ask for; 0 where there is no bound.
	pub shared_bytes: u32,
}

/// A kernel source that a device has loaded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Loaded {
	/// The source file.
	pub name: &'static str,
	/// BLAKE2b-256 of its text, in hexadecimal.
	pub hash: &'static str,
	/// What was loaded.
	pub form: Form,
}

/// How kernels came to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
	/// The binary that was embedded at build time, for this compute capability times ten.
	Embedded(u32),
	/// A binary that NVRTC made of the embedded text.
	Compiled(u32),
	/// Intermediate code that NVRTC made of the embedded text and the driver translated.
	Translated(u32),
}

/// What one kernel takes of a multiprocessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Resources {
	/// Registers per thread.
	pub registers: u32,
	/// Bytes of local memory per thread: spills and stack frame.
	pub local_bytes: u32,
	/// Bytes of static shared memory per block.
	pub shared_bytes: u32,
}

/// Launches that were recorded once, to be queued again at little cost.
pub trait Graph: Send {
	/// Queues all of them.
	///
	/// # Errors
	/// [`DeviceError::Kernel`].
	fn launch(&self) -> Result<(), DeviceError>;
}

/// A piece of work made of launches, as a caller hands it to a device.
pub type Work<'a> = dyn FnMut() -> Result<(), DeviceError> + 'a;

/// A place where kernels run: a GPU, or the emulation of one.
///
/// Work is queued in the order of the calls; `read` and `synchronize` wait for it. Raw addresses are for [`Buffer`] only.
pub trait Device: Send + Sync {
	/// What it is, for people.
	fn name(&self) -> String;

	/// The compute capability times ten (90 is 9.0).
	fn architecture(&self) -> u32;

	/// The number of multiprocessors.
	fn multiprocessors(&self) -> u32;

	/// Fresh memory, aligned to 256 bytes, its contents undefined.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError>;

	/// Gives memory back, after the work that was queued before.
	///
	/// # Safety
	/// `address` came from `allocate` of this device and is not used again.
	unsafe fn free(&self, address: u64);

	/// Copies from the host.
	///
	/// # Safety
	/// The range lies in one allocation of this device.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError>;

	/// Copies to the host, after all work that was queued before.
	///
	/// # Safety
	/// The range lies in one allocation of this device.
	///
	/// # Errors
	/// [`DeviceError::Memory`], or the error of an earlier launch.
	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError>;

	/// Fills with zero bytes.
	///
	/// # Safety
	/// The range lies in one allocation of this device.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError>;

	/// Queues a kernel.
	///
	/// # Safety
	/// The arguments are those that the kernel declares, in number, type and the sizes that it documents.
	///
	/// # Errors
	/// [`DeviceError::NoKernel`], [`DeviceError::Load`] or [`DeviceError::Kernel`].
	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError>;

	/// Describes an array to the device's copy engine.
	///
	/// # Errors
	/// [`DeviceError::Unsupported`] if the device has none, or [`DeviceError::Shape`] if it can't take the array.
	fn tensor_map(&self, tiles: &Tiles) -> Result<TensorMap, DeviceError> {
		let _ = tiles;
		Err(DeviceError::Unsupported("copy tiles by a map"))
	}

	/// Waits for all queued work.
	///
	/// # Errors
	/// The error of an earlier launch.
	fn synchronize(&self) -> Result<(), DeviceError>;

	/// What is known of it, for reports.
	fn details(&self) -> Details {
		Details {
			name: self.name(),
			architecture: self.architecture(),
			multiprocessors: self.multiprocessors(),
			..Details::default()
		}
	}

	/// The kernel sources that were loaded so far, by name.
	fn loaded(&self) -> Vec<Loaded> {
		Vec::new()
	}

	/// What a kernel takes, which is loaded if it was not; nothing where kernels have no such thing.
	///
	/// # Errors
	/// [`DeviceError::NoKernel`] or [`DeviceError::Load`].
	fn resources(&self, kernel: &str) -> Result<Option<Resources>, DeviceError> {
		let _ = kernel;
		Ok(None)
	}

	/// Seconds from before the first to after the last launch of the work, on the device's own clock where it has one.
	///
	/// # Errors
	/// Those of the work, or of an earlier launch.
	fn time(&self, work: &mut Work<'_>) -> Result<f64, DeviceError> {
		self.synchronize()?;
		let start = Instant::now();
		work()?;
		self.synchronize()?;
		Ok(start.elapsed().as_secs_f64())
	}

	/// Records the launches of the work instead of running them. Each of its kernels has been launched before, it
	/// copies nothing from or to the host. What other threads queue meanwhile is no part of it. Most callers want
	/// [`Replay`].
	///
	/// # Safety
	/// Memory that the work uses and did not allocate itself lives as long as the graph.
	///
	/// # Errors
	/// [`DeviceError::Unsupported`] where graphs are not to be had, or those of the work.
	unsafe fn capture(&self, work: &mut Work<'_>) -> Result<Box<dyn Graph>, DeviceError> {
		let _ = work;
		Err(DeviceError::Unsupported("record graphs"))
	}
}

/// Work that is run often: as a graph where the device has graphs, else by doing it again.
pub struct Replay<'a> {
	graph: Option<Box<dyn Graph>>,
	work: Box<Work<'a>>,
}

impl<'a> Replay<'a> {
	/// Runs the work once, then records it. What it uses stays borrowed.
	///
	/// # Errors
	/// Those of the work.
	pub fn record(
		device: &Arc<dyn Device>,
		work: impl FnMut() -> Result<(), DeviceError> + 'a,
	) -> Result<Self, DeviceError> {
		let mut work: Box<Work<'a>> = Box::new(work);
		work()?;
		device.synchronize()?;
		// SAFETY: the closure borrows or owns what it uses, and is kept beside the graph.
		let graph = match unsafe { device.capture(&mut *work) } {
			Ok(graph) => Some(graph),
			Err(DeviceError::Unsupported(_)) => None,
			Err(error) => return Err(error),
		};
		Ok(Self { graph, work })
	}

	/// True if the launches were recorded as a graph.
	pub fn is_graph(&self) -> bool {
		self.graph.is_some()
	}

	/// Queues the work once more.
	///
	/// # Errors
	/// Those of the work.
	pub fn run(&mut self) -> Result<(), DeviceError> {
		match &self.graph {
			Some(graph) => graph.launch(),
			None => (self.work)(),
		}
	}
}

/// A type whose values can be copied to a device as they lie in memory.
pub trait Element: Pod {}
impl<T: Pod> Element for T {}

/// An array in a device's memory, freed when dropped.
pub struct Buffer<T> {
	device: Arc<dyn Device>,
	address: u64,
	length: usize,
	kind: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
	/// An array of zeros.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn zeros(device: &Arc<dyn Device>, length: usize) -> Result<Self, DeviceError> {
		let buffer = Self::uninitialised(device, length)?;
		// SAFETY: the range is the fresh allocation.
		unsafe { device.zero(buffer.address, buffer.bytes())? };
		Ok(buffer)
	}

	/// An array whose contents are undefined until a kernel writes them.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn uninitialised(device: &Arc<dyn Device>, length: usize) -> Result<Self, DeviceError> {
		let bytes = length.saturating_mul(size_of::<T>());
		let address = device.allocate(bytes)?;
		Ok(Self { device: device.clone(), address, length, kind: PhantomData })
	}

	/// A copy of the host's values.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn upload(device: &Arc<dyn Device>, values: &[T]) -> Result<Self, DeviceError> {
		let buffer = Self::uninitialised(device, values.len())?;
		buffer.write(values)?;
		Ok(buffer)
	}

	/// Overwrites the first values.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are more values than places, or [`DeviceError::Memory`].
	pub fn write(&self, values: &[T]) -> Result<(), DeviceError> {
		self.fits(values.len())?;
		// SAFETY: the range was checked against this allocation.
		unsafe { self.device.write(self.address, bytemuck::cast_slice(values)) }
	}

	/// Copies the first values to the host, after all queued work.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are fewer, or what the device reports.
	pub fn read(&self, values: &mut [T]) -> Result<(), DeviceError> {
		self.fits(values.len())?;
		// SAFETY: the range was checked against this allocation.
		unsafe { self.device.read(self.address, bytemuck::cast_slice_mut(values)) }
	}

	/// All values, after all queued work.
	///
	/// # Errors
	/// What the device reports.
	pub fn download(&self) -> Result<Vec<T>, DeviceError> {
		let mut values = vec![T::zeroed(); self.length];
		self.read(&mut values)?;
		Ok(values)
	}

	/// The array's address as a kernel's argument.
	pub fn arg(&self) -> Arg {
		Arg::Pointer(self.address)
	}

	/// The address of the element at `index` (at most the length) as a kernel's argument.
	pub fn arg_at(&self, index: usize) -> Arg {
		Arg::Pointer(self.address_at(index))
	}

	/// The address of the element at `index` (at most the length), for [`Tiles`].
	pub fn address_at(&self, index: usize) -> u64 {
		assert!(index <= self.length, "element {index} of an array of {}", self.length);
		self.address + (index * size_of::<T>()) as u64
	}

	/// The number of elements.
	pub fn len(&self) -> usize {
		self.length
	}

	/// True if there is none.
	pub fn is_empty(&self) -> bool {
		self.length == 0
	}

	/// The device that holds it.
	pub fn device(&self) -> &Arc<dyn Device> {
		&self.device
	}

	fn bytes(&self) -> usize {
		self.length * size_of::<T>()
	}

	fn fits(&self, length: usize) -> Result<(), DeviceError> {
		if length <= self.length {
			return Ok(());
		}
		Err(DeviceError::Shape(format!("{length} values for an array of {}", self.length)))
	}
}

impl<T> Drop for Buffer<T> {
	fn drop(&mut self) {
		// SAFETY: the address came from this device and dies with the buffer.
		unsafe { self.device.free(self.address) }
	}
}
