//! Kernels on their way to a GPU: the embedded binary, or what NVRTC makes of the embedded text.

use super::{
	driver_reason, failed,
	nvrtc::{self, Nvrtc},
};
use crate::{
	device::{Details, DeviceError, Form, Loaded, Resources},
	source::{find, Source},
};
use cudarc::driver::{result, sys};
use std::{
	collections::{BTreeMap, HashMap},
	ffi::CString,
	sync::{
		atomic::{AtomicU32, Ordering},
		Arc, Mutex, PoisonError, RwLock,
	},
};

/// Dynamic shared memory that a block gets without being allowed more.
const SHARED_BY_DEFAULT: u32 = 48 << 10;

/// The sources that were loaded, and the kernels that were looked up in them.
#[derive(Default)]
pub(super) struct Modules {
	modules: Mutex<BTreeMap<&'static str, Module>>,
	functions: RwLock<HashMap<&'static str, Arc<Function>>>,
}

struct Module {
	handle: sys::CUmodule,
	loaded: Loaded,
}

/// A kernel that can be launched.
pub(super) struct Function {
	handle: sys::CUfunction,
	/// Dynamic shared memory that it was allowed so far, bytes.
	allowed: AtomicU32,
}

// SAFETY: the driver's handles may be used from any thread in which the context is current.
unsafe impl Send for Function {}
// SAFETY: as above; what changes is atomic.
unsafe impl Sync for Function {}

impl Modules {
	/// A kernel by its name; the context is current.
	pub(super) fn function(&self, kernel: &str, device: &Details) -> Result<Arc<Function>, DeviceError> {
		let functions = self.functions.read().unwrap_or_else(PoisonError::into_inner);
		if let Some(function) = functions.get(kernel) {
			return Ok(function.clone());
		}
		drop(functions);
		let (source, name) = find(kernel)
			.and_then(|source| {
				source.kernels.iter().find(|name| **name == kernel).map(|name| (source, *name))
			})
			.ok_or_else(|| DeviceError::NoKernel(kernel.into()))?;
		let refused = |reason| DeviceError::Load { name: source.name, reason };
		let mut modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
		let module = match modules.get(source.name) {
			Some(module) => module.handle,
			None => {
				let (handle, form) = load(source, device.architecture).map_err(refused)?;
				let loaded = Loaded { name: source.name, hash: source.hash, form };
				modules.insert(source.name, Module { handle, loaded });
				handle
			},
		};
		let symbol = CString::new(name).map_err(|_| DeviceError::NoKernel(kernel.into()))?;
		// SAFETY: the module is loaded.
		let handle = unsafe { result::module::get_function(module, symbol) }
			.map_err(|error| refused(format!("{kernel}: {}", driver_reason(error))))?;
		let function = Arc::new(Function { handle, allowed: AtomicU32::new(SHARED_BY_DEFAULT) });
		let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
		Ok(functions.entry(name).or_insert(function).clone())
	}

	pub(super) fn loaded(&self) -> Vec<Loaded> {
		let modules = self.modules.lock().unwrap_or_else(PoisonError::into_inner);
		modules.values().map(|module| module.loaded.clone()).collect()
	}

	/// # Safety
	/// No kernel runs or is launched any more.
	pub(super) unsafe fn unload(&self) {
		let modules = std::mem::take(&mut *self.modules.lock().unwrap_or_else(PoisonError::into_inner));
		for module in modules.into_values() {
			// SAFETY: the caller's promise.
			let _ = unsafe { result::module::unload(module.handle) };
		}
	}
}

/// Loads the embedded binary that this device can run best; where there is none, or the driver refuses it (those of nvcc 13
/// need a driver for CUDA 13), what NVRTC makes of the text.
fn load(source: &'static Source, architecture: u32) -> Result<(sys::CUmodule, Form), String> {
	let version = |architecture: u32| format!("{}.{}", architecture / 10, architecture % 10);
	if let Some(only) = source.only.filter(|only| *only != architecture) {
		return Err(format!(
			"they are for compute capability {} alone, and this device's is {}",
			version(only),
			version(architecture)
		));
	}
	let why = match source.binary_for(architecture) {
		Some((target, binary)) => match load_image(binary) {
			Ok(handle) => return Ok((handle, Form::Embedded(target))),
			Err(reason) => format!(
				"the driver refuses the embedded binary for compute capability {} ({reason})",
				version(target)
			),
		},
		None => format!(
			"no binary for compute capability {} was embedded when this program was built",
			version(architecture)
		),
	};
	let compiled = match Nvrtc::open() {
		Ok(compiler) => compiler
			.compile(source, architecture)
			.and_then(|(code, form)| Ok((load_image(code.image())?, form))),
		Err(reason) => Err(format!(
			"{reason}. Install NVRTC (libnvrtc.so, for example PyPI nvidia-cuda-nvrtc==13.0.88) and set {} to its \
			 folder, or build with NOESIS_CUBINS (see scripts/cuda-compiler.sh)",
			nvrtc::FOLDER
		)),
	};
	compiled.map_err(|reason| format!("{why}, and they can't be compiled here: {reason}"))
}

/// Loads a binary, or intermediate code that a zero byte closes; the context is current.
fn load_image(bytes: &[u8]) -> Result<sys::CUmodule, String> {
	// Embedded bytes may lie anywhere; a copy lies where the allocator puts it, which is aligned.
	let image = bytes.to_vec();
	// SAFETY: the image is a whole binary, or text with an end.
	unsafe { result::module::load_data(image.as_ptr().cast()) }.map_err(driver_reason)
}

impl Function {
	pub(super) fn handle(&self) -> sys::CUfunction {
		self.handle
	}

	/// Sees to it that blocks may have so much dynamic shared memory.
	pub(super) fn allow_shared(&self, kernel: &str, bytes: u32, most: u32) -> Result<(), DeviceError> {
		if bytes <= self.allowed.load(Ordering::Relaxed) {
			return Ok(());
		}
		if bytes > most {
			return Err(DeviceError::Kernel {
				kernel: kernel.into(),
				reason: format!(
					"it needs {bytes} bytes of shared memory and a block has at most {most} here"
				),
			});
		}
		let which = sys::CUfunction_attribute::CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES;
		let value = i32::try_from(bytes).unwrap_or(i32::MAX);
		// SAFETY: the function's module is loaded.
		unsafe { result::function::set_function_attribute(self.handle, which, value) }
			.map_err(|error| failed(kernel, error))?;
		self.allowed.fetch_max(bytes, Ordering::Relaxed);
		Ok(())
	}

	pub(super) fn resources(&self, kernel: &str) -> Result<Resources, DeviceError> {
		use sys::CUfunction_attribute as Attribute;
		let ask = |which| {
			// SAFETY: the function's module is loaded.
			unsafe { result::function::get_function_attribute(self.handle, which) }
				.map(i32::unsigned_abs)
				.map_err(|error| failed(kernel, error))
		};
		Ok(Resources {
			registers: ask(Attribute::CU_FUNC_ATTRIBUTE_NUM_REGS)?,
			local_bytes: ask(Attribute::CU_FUNC_ATTRIBUTE_LOCAL_SIZE_BYTES)?,
			shared_bytes: ask(Attribute::CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES)?,
		})
	}
}
