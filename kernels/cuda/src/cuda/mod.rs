//! A GPU through the CUDA driver, which is found at run time: without one, the program starts all the same.

mod module;
pub mod nvrtc;

use crate::device::{
	Arg, Details, Device, DeviceError, Graph, Launch, Loaded, Resources, TensorMap, Tiles, Work,
};
use cudarc::driver::{
	result::{self, DriverError},
	sys,
};
use module::Modules;
use std::{
	ffi::c_void,
	ptr,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc, Mutex, PoisonError,
	},
	thread::{self, ThreadId},
};

/// The oldest driver whose functions are used here, as the driver counts: 12.0. It may refuse the embedded binaries, which
/// are then compiled by NVRTC.
const OLDEST_DRIVER: i32 = 12_000;

/// What came of a driver call.
fn driver_reason(error: DriverError) -> String {
	match (error.error_name(), error.error_string()) {
		(Ok(name), Ok(text)) => format!("{} ({})", text.to_string_lossy(), name.to_string_lossy()),
		_ => format!("{:?}", error.0),
	}
}

/// One GPU and one queue on it.
pub struct CudaDevice {
	inner: Arc<Inner>,
}

/// Everything that a recorded graph needs to stay usable.
struct Inner {
	handle: sys::CUdevice,
	context: sys::CUcontext,
	stream: sys::CUstream,
	/// Where a thread's launches go while it records a graph, beside those of the others.
	recording: sys::CUstream,
	/// Who records. One at a time: `recorder_turn`.
	recorder: Mutex<Option<ThreadId>>,
	recorder_turn: Mutex<()>,
	/// Somebody does.
	capturing: AtomicBool,
	/// Memory is had and given back in the order of the queue, without waiting.
	pooled: bool,
	details: Details,
	modules: Modules,
}

// SAFETY: the driver's handles may be used from any thread; `enter` makes the context current in the caller's.
unsafe impl Send for Inner {}
// SAFETY: as above; the driver locks what it must.
unsafe impl Sync for Inner {}

impl CudaDevice {
	/// The number of CUDA devices; 0 without a driver.
	pub fn count() -> usize {
		// SAFETY: it only asks whether the library can be loaded.
		if !unsafe { sys::is_culib_present() } || result::init().is_err() {
			return 0;
		}
		result::device::get_count().ok().and_then(|count| usize::try_from(count).ok()).unwrap_or(0)
	}

	/// Opens the device with this number, from 0.
	///
	/// # Errors
	/// [`DeviceError::NoDriver`] without a driver, [`DeviceError::NoDevice`] if the driver can't give this device or
	/// either is too old.
	pub fn open(ordinal: usize) -> Result<Arc<Self>, DeviceError> {
		// SAFETY: it only asks whether the library can be loaded. Every other call panics where it can't.
		if !unsafe { sys::is_culib_present() } {
			return Err(DeviceError::NoDriver);
		}
		let unusable = |reason: String| DeviceError::NoDevice { ordinal, reason };
		let inner = Inner::open(ordinal, &unusable)?;
		Ok(Arc::new(Self { inner: Arc::new(inner) }))
	}
}

impl Inner {
	fn open(ordinal: usize, unusable: &dyn Fn(String) -> DeviceError) -> Result<Self, DeviceError> {
		let fail = |error| unusable(driver_reason(error));
		result::init().map_err(fail)?;
		let mut driver = 0;
		// SAFETY: a place for the answer.
		unsafe { sys::cuDriverGetVersion(&mut driver) }.result().map_err(fail)?;
		let version = format!("{}.{}", driver / 1000, driver % 1000 / 10);
		if driver < OLDEST_DRIVER {
			return Err(unusable(format!(
				"its driver knows CUDA {version}; 12.0 (driver 525) or newer is needed"
			)));
		}
		let handle = i32::try_from(ordinal).map_err(|_| unusable("there is no such number".into()))?;
		let handle = result::device::get(handle).map_err(fail)?;
		use sys::CUdevice_attribute as Attribute;
		// SAFETY: the handle came from the driver.
		let attribute =
			|which| unsafe { result::device::get_attribute(handle, which) }.map(|value| value.unsigned_abs());
		let ask = |which| attribute(which).map_err(fail);
		let architecture = ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)? * 10
			+ ask(Attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
		if architecture < 80 {
			let reason = format!(
				"its compute capability is {}.{}, and the kernels need 8.0 (Ampere) or newer",
				architecture / 10,
				architecture % 10
			);
			return Err(unusable(reason));
		}
		let details = Details {
			name: result::device::get_name(handle).map_err(fail)?,
			architecture,
			multiprocessors: ask(Attribute::CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT)?,
			driver: version,
			// SAFETY: the handle came from the driver.
			memory_bytes: unsafe { result::device::total_mem(handle) }.map_err(fail)? as u64,
			l2_bytes: ask(Attribute::CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE)?.into(),
			shared_bytes: ask(Attribute::CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN)?,
		};
		let pooled =
			attribute(Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED).is_ok_and(|yes| yes != 0);
		// SAFETY: the handle came from the driver.
		let context = unsafe { result::primary_ctx::retain(handle) }.map_err(fail)?;
		let mut inner = Self {
			handle,
			context,
			stream: ptr::null_mut(),
			recording: ptr::null_mut(),
			recorder: Mutex::new(None),
			recorder_turn: Mutex::new(()),
			capturing: AtomicBool::new(false),
			pooled,
			details,
			modules: Modules::default(),
		};
		inner.make_current().map_err(fail)?;
		// A queue of its own: the default one can't be recorded.
		inner.stream = result::stream::create(result::stream::StreamKind::NonBlocking).map_err(fail)?;
		inner.recording = result::stream::create(result::stream::StreamKind::NonBlocking).map_err(fail)?;
		if pooled {
			inner.keep_freed_memory().map_err(fail)?;
		}
		Ok(inner)
	}

	/// Freed memory stays with the pool: the next buffer costs nothing.
	fn keep_freed_memory(&self) -> Result<(), DriverError> {
		let mut threshold = u64::MAX;
		// SAFETY: the handle came from the driver, and this attribute is a 64-bit number.
		unsafe {
			let pool = result::device::get_default_mem_pool(self.handle)?;
			let which = sys::CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD;
			result::mem_pool::set_attribute(pool, which, ptr::from_mut(&mut threshold).cast())
		}
	}

	fn make_current(&self) -> Result<(), DriverError> {
		// SAFETY: the context was retained and is never released.
		unsafe { result::ctx::set_current(self.context) }
	}

	/// To be called before every other call of the driver, in whatever thread.
	fn enter(&self, what: &str) -> Result<(), DeviceError> {
		self.make_current().map_err(|error| failed(what, error))
	}

	/// Whether this thread records a graph.
	fn records(&self) -> bool {
		self.capturing.load(Ordering::Relaxed)
			&& *self.recorder.lock().unwrap_or_else(PoisonError::into_inner) == Some(thread::current().id())
	}

	/// Where this thread's work goes.
	fn queue(&self) -> sys::CUstream {
		if self.records() {
			self.recording
		} else {
			self.stream
		}
	}

	/// Makes this thread the one that records, or none.
	fn set_recorder(&self, recorder: Option<ThreadId>) {
		*self.recorder.lock().unwrap_or_else(PoisonError::into_inner) = recorder;
		self.capturing.store(recorder.is_some(), Ordering::Relaxed);
	}

	/// As `enter`, for calls that a graph can't hold.
	fn enter_outside_capture(&self, what: &'static str) -> Result<(), DeviceError> {
		if self.records() {
			return Err(DeviceError::Unsupported("copy or wait while it records a graph"));
		}
		self.enter(what)
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		self.enter_outside_capture("queued work")?;
		// SAFETY: the stream is this device's.
		unsafe { result::stream::synchronize(self.stream) }.map_err(|error| failed("queued work", error))
	}

	/// Ends a recording, whatever came of it.
	///
	/// # Safety
	/// This thread began one.
	unsafe fn end_capture(&self) -> Result<sys::CUgraph, DeviceError> {
		// SAFETY: the caller's promise.
		unsafe { result::stream::end_capture(self.recording) }
			.map_err(|error| failed("a recorded graph", error))
	}
}

impl Drop for Inner {
	fn drop(&mut self) {
		// Errors have no one to go to: the process may be ending, and the driver with it.
		if self.make_current().is_err() {
			return;
		}
		// The context stays with the process: to make it again for the next device would take half a second.
		// SAFETY: nothing uses the queue or the modules after this.
		unsafe {
			if !self.stream.is_null() {
				let _ = result::stream::synchronize(self.stream);
				self.modules.unload();
				let _ = result::stream::destroy(self.stream);
			}
			if !self.recording.is_null() {
				let _ = result::stream::destroy(self.recording);
			}
		}
	}
}

fn failed(kernel: &str, error: DriverError) -> DeviceError {
	DeviceError::Kernel { kernel: kernel.into(), reason: driver_reason(error) }
}

fn no_memory(bytes: usize, error: DriverError) -> DeviceError {
	DeviceError::Memory { bytes, reason: driver_reason(error) }
}

impl Device for CudaDevice {
	fn name(&self) -> String {
		self.inner.details.name.clone()
	}

	fn architecture(&self) -> u32 {
		self.inner.details.architecture
	}

	fn multiprocessors(&self) -> u32 {
		self.inner.details.multiprocessors
	}

	fn allocate(&self, bytes: usize) -> Result<u64, DeviceError> {
		let inner = &self.inner;
		inner.enter("an allocation")?;
		// The driver refuses an allocation of nothing.
		let size = bytes.max(1);
		if inner.pooled {
			// SAFETY: the stream is this device's, and all uses of the memory go through it.
			unsafe { result::malloc_async(inner.queue(), size) }
		} else {
			// SAFETY: the memory is not read before it is written.
			unsafe { result::malloc_sync(size) }
		}
		.map_err(|error| no_memory(bytes, error))
	}

	unsafe fn free(&self, address: u64) {
		let inner = &self.inner;
		if inner.make_current().is_err() {
			return;
		}
		// A failure here is that of an earlier launch, which whoever waits for it is told.
		// SAFETY: the caller's address came from `allocate`.
		let _ = unsafe {
			if inner.pooled {
				result::free_async(address, inner.queue())
			} else {
				result::free_sync(address)
			}
		};
	}

	unsafe fn write(&self, address: u64, bytes: &[u8]) -> Result<(), DeviceError> {
		self.inner.enter_outside_capture("a copy to the device")?;
		if bytes.is_empty() {
			return Ok(());
		}
		// The bytes were copied aside by the time this returns: they are in pageable memory.
		// SAFETY: the caller's range lies in an allocation.
		unsafe { result::memcpy_htod_async(address, bytes, self.inner.stream) }
			.map_err(|error| no_memory(bytes.len(), error))
	}

	unsafe fn read(&self, address: u64, bytes: &mut [u8]) -> Result<(), DeviceError> {
		self.inner.enter_outside_capture("a copy to the host")?;
		if bytes.is_empty() {
			return Ok(());
		}
		// SAFETY: the caller's range lies in an allocation, and the copy is waited for.
		unsafe { result::memcpy_dtoh_async(bytes, address, self.inner.stream) }
			.map_err(|error| no_memory(bytes.len(), error))?;
		self.inner.synchronize()
	}

	unsafe fn zero(&self, address: u64, bytes: usize) -> Result<(), DeviceError> {
		self.inner.enter("filling with zeros")?;
		if bytes == 0 {
			return Ok(());
		}
		// SAFETY: the caller's range lies in an allocation.
		unsafe { result::memset_d8_async(address, 0, bytes, self.inner.queue()) }
			.map_err(|error| no_memory(bytes, error))
	}

	unsafe fn launch(&self, kernel: &str, launch: Launch, args: &[Arg]) -> Result<(), DeviceError> {
		let inner = &self.inner;
		inner.enter(kernel)?;
		let function = inner.modules.function(kernel, &inner.details)?;
		if launch.grid.contains(&0) {
			// Nothing to do, as on the emulation; the driver would call it an error.
			return Ok(());
		}
		function.allow_shared(kernel, launch.shared, inner.details.shared_bytes)?;
		let mut pointers: Vec<*mut c_void> = args.iter().map(Arg::as_pointer).collect();
		let ([gx, gy, gz], [bx, by, bz]) = (launch.grid, launch.block);
		// SAFETY: the function belongs to this context, and the caller promises that the arguments are its own.
		unsafe {
			result::launch_kernel(
				function.handle(),
				(gx, gy, gz),
				(bx, by, bz),
				launch.shared,
				inner.queue(),
				&mut pointers,
			)
		}
		.map_err(|error| DeviceError::Kernel {
			kernel: kernel.into(),
			reason: format!("{} at {launch:?}", driver_reason(error)),
		})
	}

	fn tensor_map(&self, tiles: &Tiles) -> Result<TensorMap, DeviceError> {
		if self.inner.details.architecture < 90 {
			return Err(DeviceError::Unsupported("copy tiles by a map"));
		}
		self.inner.enter("a map of tiles")?;
		let mut map = sys::CUtensorMap { opaque: [0; 16] };
		// SAFETY: places for the answer and for as many numbers as there are dimensions (one stride less). The driver
		// does not touch the array itself.
		let result = unsafe {
			sys::cuTensorMapEncodeTiled(
				&mut map,
				sys::CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_UINT16,
				tiles.sizes.len() as u32,
				tiles.address as *mut c_void,
				tiles.sizes.as_ptr(),
				tiles.strides.as_ptr(),
				[tiles.tile[0], tiles.tile[1], 1, 1].as_ptr(),
				[1; 4].as_ptr(),
				sys::CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
				sys::CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
				sys::CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
				sys::CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
			)
		};
		result.result().map_err(|error| {
			DeviceError::Shape(format!("the copy engine can't take {tiles:?}: {}", driver_reason(error)))
		})?;
		Ok(TensorMap(map.opaque))
	}

	fn synchronize(&self) -> Result<(), DeviceError> {
		self.inner.synchronize()
	}

	fn details(&self) -> Details {
		self.inner.details.clone()
	}

	fn loaded(&self) -> Vec<Loaded> {
		self.inner.modules.loaded()
	}

	fn resources(&self, kernel: &str) -> Result<Option<Resources>, DeviceError> {
		self.inner.enter(kernel)?;
		self.inner.modules.function(kernel, &self.inner.details)?.resources(kernel).map(Some)
	}

	fn time(&self, work: &mut Work<'_>) -> Result<f64, DeviceError> {
		self.synchronize()?;
		let (start, end) = (Event::new()?, Event::new()?);
		start.record(&self.inner)?;
		work()?;
		end.record(&self.inner)?;
		self.synchronize()?;
		// SAFETY: both events were recorded, and the queue is empty.
		let milliseconds =
			unsafe { result::event::elapsed(start.0, end.0) }.map_err(|error| failed("timed work", error))?;
		Ok(f64::from(milliseconds) / 1000.0)
	}

	unsafe fn capture(&self, work: &mut Work<'_>) -> Result<Box<dyn Graph>, DeviceError> {
		let inner = &self.inner;
		if !inner.pooled {
			return Err(DeviceError::Unsupported("allocate memory inside a graph"));
		}
		inner.enter_outside_capture("a recorded graph")?;
		let turn = inner.recorder_turn.lock().unwrap_or_else(PoisonError::into_inner);
		// Relaxed: what the driver does beside, such as loading a module, is no part of the graph.
		let mode = sys::CUstreamCaptureMode::CU_STREAM_CAPTURE_MODE_RELAXED;
		// SAFETY: the stream is this device's.
		unsafe { result::stream::begin_capture(inner.recording, mode) }
			.map_err(|error| failed("a recorded graph", error))?;
		inner.set_recorder(Some(thread::current().id()));
		let outcome = work();
		inner.set_recorder(None);
		// SAFETY: it was begun above, in this thread.
		let graph = unsafe { inner.end_capture() };
		drop(turn);
		outcome?;
		let graph = graph?;
		let none = sys::CUgraphInstantiate_flags(0);
		// SAFETY: the graph was just made; what runs is the instance.
		let instance = unsafe { result::graph::instantiate(graph, none) };
		// SAFETY: as above.
		let _ = unsafe { result::graph::destroy(graph) };
		let instance = instance.map_err(|error| failed("a recorded graph", error))?;
		Ok(Box::new(CudaGraph { instance, inner: inner.clone() }))
	}
}

/// A graph that is ready to run.
struct CudaGraph {
	instance: sys::CUgraphExec,
	inner: Arc<Inner>,
}

// SAFETY: the driver's handles may be used from any thread, one at a time.
unsafe impl Send for CudaGraph {}

impl Graph for CudaGraph {
	fn launch(&self) -> Result<(), DeviceError> {
		self.inner.enter("a recorded graph")?;
		// SAFETY: the instance and the stream are alive; its memory is, by the promise made to `capture`.
		unsafe { result::graph::launch(self.instance, self.inner.stream) }
			.map_err(|error| failed("a recorded graph", error))
	}
}

impl Drop for CudaGraph {
	fn drop(&mut self) {
		if self.inner.synchronize().is_ok() {
			// SAFETY: it is not queued any more, and not used after this.
			let _ = unsafe { result::graph::exec_destroy(self.instance) };
		}
	}
}

/// A point in a queue whose time is taken.
struct Event(sys::CUevent);

impl Event {
	fn new() -> Result<Self, DeviceError> {
		result::event::create(sys::CUevent_flags::CU_EVENT_DEFAULT)
			.map(Self)
			.map_err(|error| failed("timed work", error))
	}

	fn record(&self, inner: &Inner) -> Result<(), DeviceError> {
		// SAFETY: the event is not null.
		unsafe { result::event::record(self.0, inner.stream) }.map_err(|error| failed("timed work", error))
	}
}

impl Drop for Event {
	fn drop(&mut self) {
		// SAFETY: it is not used after this.
		let _ = unsafe { result::event::destroy(self.0) };
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_machine_without_a_driver_should_be_told_so_instead_of_panicking() {
		// SAFETY: it only asks whether the library can be loaded.
		if unsafe { sys::is_culib_present() } {
			let error = CudaDevice::open(4096).err().expect("no machine has so many devices");
			assert!(matches!(error, DeviceError::NoDevice { ordinal: 4096, .. }), "{error}");
		} else {
			assert_eq!(CudaDevice::count(), 0);
			let error = CudaDevice::open(0).err().expect("there is no driver");
			assert!(matches!(error, DeviceError::NoDriver), "{error}");
			assert!(error.to_string().contains("libcuda.so is missing"));
		}
	}
}
