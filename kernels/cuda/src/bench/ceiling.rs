//! The most that a device gives, measured in the same run as what is compared with it.

use crate::{
	attention::{reference::random, Precision},
	device::{Arg, Buffer, Device, DeviceError, Launch},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const THREADS: u32 = 128;
const WARPS: f64 = 4.0;
/// Blocks that are at home on a multiprocessor together: sixteen warps, four for each of its tensor cores.
const BLOCKS: u32 = 4;
/// Products per step of the kernel, and operations in each.
const CHAINS: f64 = 8.0;
const OPERATIONS: f64 = 2.0 * 16.0 * 8.0 * 16.0;
/// Words of fragments per lane.
const OPERANDS: usize = 32 * 6;
const COPY_THREADS: u32 = 256;

/// What was reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ceilings {
	/// `mma.sync` of binary16 out of registers, TFLOP/s. On Hopper the library's products, which use `wgmma`, go higher:
	/// `scripts/gpu/sdpa.py` measures those.
	pub mma_f16_tflops: f64,
	/// The same of bfloat16.
	pub mma_bf16_tflops: f64,
	/// A copy far larger than the cache: bytes read plus bytes written, GB/s.
	pub copy_gbs: f64,
}

/// Measures the ceilings; `scale` is the share of the full effort (1 on a GPU, almost nothing on the emulation).
///
/// # Errors
/// What the device reports.
pub fn measure(device: &Arc<dyn Device>, scale: f64) -> Result<Ceilings, DeviceError> {
	let scaled = |full: f64| (full * scale).ceil();
	Ok(Ceilings {
		mma_f16_tflops: multiply(device, Precision::F16, scaled(20_000.0) as i32)?,
		mma_bf16_tflops: multiply(device, Precision::Bf16, scaled(20_000.0) as i32)?,
		copy_gbs: copy(device, scaled(f64::from(1 << 26)) as usize)?,
	})
}

fn best(
	device: &Arc<dyn Device>,
	mut work: impl FnMut() -> Result<(), DeviceError>,
) -> Result<f64, DeviceError> {
	// The first also brings the clocks up.
	let mut best = f64::INFINITY;
	for _ in 0..10 {
		best = best.min(device.time(&mut work)?);
	}
	Ok(best)
}

fn multiply(device: &Arc<dyn Device>, precision: Precision, steps: i32) -> Result<f64, DeviceError> {
	let kernel = format!("ceiling_mma_{}", precision.name());
	let blocks = device.multiprocessors() * BLOCKS;
	// Ordinary values: a product of zeros takes less power and goes faster than real ones.
	let values = random(1, 2 * OPERANDS, precision);
	let operands: Vec<u32> =
		values.chunks_exact(2).map(|pair| u32::from(pair[0]) | u32::from(pair[1]) << 16).collect();
	let operands = Buffer::upload(device, &operands)?;
	let out = Buffer::<f32>::zeros(device, (blocks * THREADS) as usize)?;
	let launch = Launch { grid: [blocks, 1, 1], block: [THREADS, 1, 1], shared: 0 };
	let seconds = best(device, || {
		// SAFETY: the kernel reads 192 words and writes one value per thread.
		unsafe { device.launch(&kernel, launch, &[out.arg(), operands.arg(), Arg::I32(steps)]) }
	})?;
	Ok(f64::from(blocks) * WARPS * f64::from(steps) * CHAINS * OPERATIONS / seconds / 1e12)
}

/// Copies `count` values of 16 bytes.
fn copy(device: &Arc<dyn Device>, count: usize) -> Result<f64, DeviceError> {
	let source = Buffer::<[u32; 4]>::uninitialised(device, count)?;
	let target = Buffer::<[u32; 4]>::uninitialised(device, count)?;
	let launch =
		Launch { grid: [device.multiprocessors() * 8, 1, 1], block: [COPY_THREADS, 1, 1], shared: 0 };
	let seconds = best(device, || {
		// SAFETY: both hold `count` values.
		unsafe {
			device.launch("ceiling_copy", launch, &[target.arg(), source.arg(), Arg::U64(count as u64)])
		}
	})?;
	Ok(2.0 * 16.0 * count as f64 / seconds / 1e9)
}
