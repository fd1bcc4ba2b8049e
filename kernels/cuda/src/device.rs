//! What host code needs of a place where kernels run: memory and launches.

use bytemuck::Pod;
use std::{marker::PhantomData, sync::Arc};

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
		}
	}
}

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

	/// Waits for all queued work.
	///
	/// # Errors
	/// The error of an earlier launch.
	fn synchronize(&self) -> Result<(), DeviceError>;
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
		assert!(index <= self.length, "element {index} of an array of {}", self.length);
		Arg::Pointer(self.address + (index * size_of::<T>()) as u64)
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
