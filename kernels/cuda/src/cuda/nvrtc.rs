//! NVIDIA's run-time compiler, for devices that no embedded binary fits. Loaded when it is needed.

use crate::{device::Form, source::Source};
use libloading::{Library, Symbol};
use std::{
	borrow::Cow,
	env,
	ffi::{c_char, c_int, c_void, CStr, CString},
	fs,
	path::{Path, PathBuf},
	ptr,
};

/// The environment variable that names the folder of `libnvrtc.so`.
pub const FOLDER: &str = "NOESIS_NVRTC";
const NAMES: [&str; 3] = ["libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so"];

type Program = *mut c_void;
/// `nvrtcResult`: 0 is success.
type Status = c_int;
type GetSize = unsafe extern "C" fn(Program, *mut usize) -> Status;
type GetBytes = unsafe extern "C" fn(Program, *mut c_char) -> Status;

/// What a driver can load.
pub enum Code<'a> {
	/// Machine code.
	Binary(Cow<'a, [u8]>),
	/// Intermediate code, closed by a zero byte.
	Intermediate(Vec<u8>),
}

impl Code<'_> {
	/// The bytes, as the driver takes them.
	pub fn image(&self) -> &[u8] {
		match self {
			Code::Binary(bytes) => bytes,
			Code::Intermediate(bytes) => bytes,
		}
	}
}

/// The compiler.
pub struct Nvrtc {
	library: Library,
	/// It looks for this one by name only when it compiles, and not beside itself: loaded before, it is found.
	_builtins: Vec<Library>,
}

impl Nvrtc {
	/// Looks for it in the folder that [`FOLDER`] names, or, without one, where the system looks for libraries.
	///
	/// # Errors
	/// The names that were tried, and what the loader said of the last.
	pub fn open() -> Result<Self, String> {
		let folder = env::var_os(FOLDER).filter(|folder| !folder.is_empty()).map(PathBuf::from);
		let mut reason = String::new();
		for name in NAMES {
			let path = folder.as_ref().map_or_else(|| PathBuf::from(name), |folder| folder.join(name));
			// SAFETY: NVRTC runs no code of ours when it is loaded.
			match unsafe { Library::new(&path) } {
				Ok(library) => {
					let builtins = folder.as_deref().map(builtins).unwrap_or_default();
					return Ok(Self { library, _builtins: builtins });
				},
				Err(error) => reason = error.to_string(),
			}
		}
		let place = folder.map_or_else(|| "the library path".into(), |folder| folder.display().to_string());
		Err(format!("none of {} is in {place} ({reason})", NAMES.join(", ")))
	}

	/// A function of the library.
	///
	/// # Safety
	/// `F` is its type.
	unsafe fn function<F>(&self, name: &str) -> Result<Symbol<'_, F>, String> {
		// SAFETY: the caller's promise.
		unsafe { self.library.get(name.as_bytes()) }.map_err(|error| error.to_string())
	}

	/// Fails with the compiler's word for a status.
	fn check(&self, status: Status) -> Result<(), String> {
		if status == 0 {
			return Ok(());
		}
		// SAFETY: the function's type; it gives a constant text.
		let text = unsafe {
			let name =
				self.function::<unsafe extern "C" fn(Status) -> *const c_char>("nvrtcGetErrorString")?;
			CStr::from_ptr(name(status))
		};
		Err(text.to_string_lossy().into_owned())
	}

	/// Its version, such as 13.0.
	///
	/// # Errors
	/// What the library said.
	pub fn version(&self) -> Result<String, String> {
		let (mut major, mut minor) = (0, 0);
		// SAFETY: the function's type, and places for the answer.
		let status = unsafe {
			self.function::<unsafe extern "C" fn(*mut c_int, *mut c_int) -> Status>("nvrtcVersion")?(
				&mut major, &mut minor,
			)
		};
		self.check(status).map(|()| format!("{major}.{minor}"))
	}

	/// The compute capabilities that it compiles for, times ten, ascending.
	///
	/// # Errors
	/// What the library said.
	pub fn architectures(&self) -> Result<Vec<u32>, String> {
		let mut count = 0;
		// SAFETY: the functions' types, and places for the answers.
		unsafe {
			let status = self
				.function::<unsafe extern "C" fn(*mut c_int) -> Status>("nvrtcGetNumSupportedArchs")?(
				&mut count
			);
			self.check(status)?;
			let mut list: Vec<c_int> = vec![0; usize::try_from(count).unwrap_or(0)];
			let status = self
				.function::<unsafe extern "C" fn(*mut c_int) -> Status>("nvrtcGetSupportedArchs")?(
				list.as_mut_ptr()
			);
			self.check(status)?;
			Ok(list.into_iter().map(c_int::unsigned_abs).collect())
		}
	}

	/// Compiles a source for a device: to machine code, or to intermediate code where the device is newer than the
	/// compiler.
	///
	/// # Errors
	/// The compiler's messages.
	pub fn compile(&self, source: &Source, architecture: u32) -> Result<(Code<'static>, Form), String> {
		let known = self.architectures()?;
		if known.contains(&architecture) {
			let bytes = self.build(source, &format!("sm_{}", target(architecture)), "nvrtcGetCUBIN")?;
			return Ok((Code::Binary(bytes.into()), Form::Compiled(architecture)));
		}
		let older = known.into_iter().filter(|known| *known < architecture).max();
		let Some(older) = older else {
			return Err(format!("NVRTC {} knows no such device", self.version()?));
		};
		let bytes = self.build(source, &format!("compute_{older}"), "nvrtcGetPTX")?;
		Ok((Code::Intermediate(bytes), Form::Translated(older)))
	}

	/// The compiled form that `get` asks for.
	fn build(&self, source: &Source, target: &str, get: &str) -> Result<Vec<u8>, String> {
		let text = CString::new(source.text).map_err(|error| error.to_string())?;
		let name = CString::new(format!("{}.cu", source.name)).map_err(|error| error.to_string())?;
		let target =
			CString::new(format!("--gpu-architecture={target}")).map_err(|error| error.to_string())?;
		let options = [target.as_c_str(), c"--std=c++17", c"--diag-suppress=177"];
		let options = options.map(CStr::as_ptr);
		let mut program: Program = ptr::null_mut();
		type Create = unsafe extern "C" fn(
			*mut Program,
			*const c_char,
			*const c_char,
			c_int,
			*const *const c_char,
			*const *const c_char,
		) -> Status;
		type Compile = unsafe extern "C" fn(Program, c_int, *const *const c_char) -> Status;
		// SAFETY: the functions' types; the texts outlive the program, which is destroyed below.
		unsafe {
			let create = self.function::<Create>("nvrtcCreateProgram")?;
			let compile = self.function::<Compile>("nvrtcCompileProgram")?;
			let destroy =
				self.function::<unsafe extern "C" fn(*mut Program) -> Status>("nvrtcDestroyProgram")?;
			self.check(create(&mut program, text.as_ptr(), name.as_ptr(), 0, ptr::null(), ptr::null()))?;
			let count = c_int::try_from(options.len()).unwrap_or(c_int::MAX);
			let built = match self.check(compile(program, count, options.as_ptr())) {
				Ok(()) => self.bytes(program, &format!("{get}Size"), get),
				Err(reason) => {
					let log = self.bytes(program, "nvrtcGetProgramLogSize", "nvrtcGetProgramLog")?;
					Err(format!("{reason}: {}", String::from_utf8_lossy(&log).trim_end_matches('\0')))
				},
			};
			let _ = destroy(&mut program);
			built
		}
	}

	/// # Safety
	/// The program exists, and the names are those of a pair that gives a size and the bytes.
	unsafe fn bytes(&self, program: Program, size: &str, bytes: &str) -> Result<Vec<u8>, String> {
		let mut length = 0;
		// SAFETY: the functions' types by the caller's promise, and room for what they write.
		unsafe {
			self.check(self.function::<GetSize>(size)?(program, &mut length))?;
			let mut out = vec![0_u8; length];
			self.check(self.function::<GetBytes>(bytes)?(program, out.as_mut_ptr().cast()))?;
			Ok(out)
		}
	}
}

/// The compiler's second library, under whatever version its name carries.
fn builtins(folder: &Path) -> Vec<Library> {
	let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
	entries
		.filter_map(Result::ok)
		.filter(|entry| entry.file_name().to_string_lossy().starts_with("libnvrtc-builtins.so"))
		// SAFETY: it runs no code of ours when it is loaded.
		.filter_map(|entry| unsafe { Library::new(entry.path()) }.ok())
		.collect()
}

/// A compute capability as compilers name it: 9.0 has instructions that only its own name, 90a, gives.
pub fn target(architecture: u32) -> String {
	if architecture == 90 {
		"90a".into()
	} else {
		architecture.to_string()
	}
}
