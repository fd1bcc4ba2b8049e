//! The CUDA kernels of Noesis and what launches them.
//!
//! Every kernel is written once, in `cu/*.cu`, against the few instructions of `cu/device.cuh`. The same text is
//! compiled by nvcc (binaries embedded at build time), by NVRTC (at run time, where none fits) and by g++ under
//! `emulation/`, which runs it on a CPU with fibers for threads and is how the kernels are tested without a GPU.
//! Host code speaks to a [`Device`]; it can't tell the three apart.

// Indices and sums stay within shapes that are checked before a launch.
#![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

pub mod attention;
pub mod bench;
pub mod canon32;
mod choose;
pub mod cuda;
mod device;
pub mod exact;
mod probe;
mod source;

pub use choose::{choose, Backend, Chosen, MakeEmulation};
pub use cuda::CudaDevice;
pub use device::{
	Arg, Buffer, Details, Device, DeviceError, Element, Form, Graph, Launch, Loaded, Replay, Resources,
	TensorMap, Tiles, Work,
};
pub use probe::{probe, probe_everywhere, probe_sm90};
pub use source::{embedded, find, sources, Source};
