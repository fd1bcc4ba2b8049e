//! The CUDA kernels of Noesis and what launches them.
//!
//! Every kernel is written once, in `cu/*.cu`, against the few instructions of `cu/device.cuh`. The same text is
//! compiled by nvcc (binaries embedded at build time), by NVRTC (at run time, where they were not) and by g++ under
//! `emulation/`, which runs it on a CPU with fibers for threads and is how the kernels are tested without a GPU.
//! Host code speaks to a [`Device`]; it can't tell the three apart.

mod device;
mod source;

pub use device::{Arg, Buffer, Device, DeviceError, Element, Launch};
pub use source::{find, sources, Source};
