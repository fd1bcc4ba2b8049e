//! Whether a device does what kernels are written for: a few instructions against plain arithmetic.

use crate::{
	device::{Arg, Buffer, Device, DeviceError, Launch, Tiles},
	find,
};
use std::sync::Arc;

const ROWS: usize = 16;
const COLUMNS: usize = 8;
const BLOCKS: usize = 4;
const THREADS: usize = 128;
const WGMMA: &str = "probe_wgmma_f16";
/// Rows and columns of the matrices of [`WGMMA`], and the shared memory that it takes.
const SIDE: usize = 64;
const WGMMA_SHARED: u32 = 2 * 2 * (SIDE * SIDE) as u32 + 128;

/// What was tried, and whether it came out right.
///
/// # Errors
/// What the device reports: a kernel can't be loaded or launched.
pub fn probe(device: &Arc<dyn Device>) -> Result<Vec<(&'static str, bool)>, DeviceError> {
	let mut tried = probe_everywhere(device)?;
	tried.extend(probe_sm90(device)?);
	Ok(tried)
}

/// The part of [`probe`] that every device has.
///
/// # Errors
/// As of [`probe`].
pub fn probe_everywhere(device: &Arc<dyn Device>) -> Result<Vec<(&'static str, bool)>, DeviceError> {
	Ok(vec![
		("half-precision tensor cores", halves(device)?),
		("byte tensor cores", bytes(device)?),
		("barriers and shuffles", sums(device)?),
	])
}

/// The part of [`probe`] that only compute capability 9.0 has; nothing on other devices.
///
/// # Errors
/// As of [`probe`].
pub fn probe_sm90(device: &Arc<dyn Device>) -> Result<Option<(&'static str, bool)>, DeviceError> {
	if !find(WGMMA).is_some_and(|source| source.runs_on(device.architecture())) {
		return Ok(None);
	}
	Ok(Some(("copied tiles and products of four warps", tiles(device)?)))
}

fn launch(blocks: usize, threads: usize, shared: u32) -> Launch {
	Launch { grid: [blocks as u32, 1, 1], block: [threads as u32, 1, 1], shared }
}

/// Whole numbers from -8 to 7, whose products and sums are exact.
fn small(count: usize, step: usize) -> Vec<i32> {
	(0..count).map(|i| (i * step % 16) as i32 - 8).collect()
}

/// A whole number from -8 to 8 in half precision.
fn half(x: i32) -> u16 {
	let size = x.unsigned_abs();
	if size == 0 {
		return 0;
	}
	let exponent = 31 - size.leading_zeros();
	let fraction = (size << (10 - exponent)) & 0x3ff;
	((u32::from(x < 0) << 15) | ((exponent + 15) << 10) | fraction) as u16
}

fn halves(device: &Arc<dyn Device>) -> Result<bool, DeviceError> {
	let depth = 16;
	let (a, b) = (small(ROWS * depth, 7), small(COLUMNS * depth, 11));
	let up = |values: &[i32]| Buffer::upload(device, &values.iter().map(|x| half(*x)).collect::<Vec<u16>>());
	let (left, right) = (up(&a)?, up(&b)?);
	let out = Buffer::<f32>::zeros(device, ROWS * COLUMNS)?;
	// SAFETY: the arguments and the shared memory are the kernel's.
	unsafe { device.launch("probe_mma_f16", launch(1, 32, 768), &[out.arg(), left.arg(), right.arg()])? };
	let found = out.download()?;
	Ok((0..32).all(|lane| {
		(0..4).all(|i| {
			let (row, column) = (lane / 4 + 8 * (i / 2), 2 * (lane % 4) + i % 2);
			let sum: i32 = (0..depth).map(|k| a[row * depth + k] * b[column * depth + k]).sum();
			found[lane * 4 + i] == sum as f32
		})
	}))
}

fn bytes(device: &Arc<dyn Device>) -> Result<bool, DeviceError> {
	let depth = 32;
	let a: Vec<u8> = (0..ROWS * depth).map(|i| (i * 37 % 256) as u8).collect();
	let b: Vec<i8> = (0..COLUMNS * depth).map(|i| (i * 91 % 256) as u8 as i8).collect();
	let (left, right) = (Buffer::upload(device, &a)?, Buffer::upload(device, &b)?);
	let out = Buffer::<i32>::zeros(device, ROWS * COLUMNS)?;
	// SAFETY: the arguments are the kernel's.
	unsafe { device.launch("probe_mma_bytes", launch(1, 32, 0), &[out.arg(), left.arg(), right.arg()])? };
	let found = out.download()?;
	Ok(found.iter().enumerate().all(|(i, found)| {
		let (row, column) = (i / COLUMNS, i % COLUMNS);
		*found
			== (0..depth)
				.map(|k| i32::from(a[row * depth + k]) * i32::from(b[column * depth + k]))
				.sum::<i32>()
	}))
}

/// Both products of two square matrices, which the copy engine brings.
fn tiles(device: &Arc<dyn Device>) -> Result<bool, DeviceError> {
	let side = |step: usize| small(SIDE * SIDE, step);
	let (a, b) = (side(7), side(11));
	let up = |values: &[i32]| Buffer::upload(device, &values.iter().map(|x| half(*x)).collect::<Vec<u16>>());
	let (left, right) = (up(&a)?, up(&b)?);
	let map = |values: &Buffer<u16>| {
		let side = SIDE as u64;
		let (sizes, strides) = ([side, side, 1, 1], [2 * side, 16, 16]);
		device.tensor_map(&Tiles { address: values.address_at(0), sizes, strides, tile: [SIDE as u32; 2] })
	};
	let (left_map, right_map) = (map(&left)?, map(&right)?);
	let by_rows = Buffer::<f32>::zeros(device, SIDE * SIDE)?;
	let by_columns = Buffer::<f32>::zeros(device, SIDE * SIDE)?;
	let args = [by_rows.arg(), by_columns.arg(), left_map.arg(), right_map.arg(), Arg::I32(1)];
	// SAFETY: the arguments and the shared memory are the kernel's.
	unsafe { device.launch(WGMMA, launch(1, THREADS, WGMMA_SHARED), &args)? };
	let (by_rows, by_columns) = (by_rows.download()?, by_columns.download()?);
	Ok((0..SIDE * SIDE).all(|i| {
		let (row, column) = (i / SIDE, i % SIDE);
		let sum =
			|right: &dyn Fn(usize) -> i32| -> i32 { (0..SIDE).map(|k| a[row * SIDE + k] * right(k)).sum() };
		by_rows[i] == sum(&|k| b[column * SIDE + k]) as f32
			&& by_columns[i] == sum(&|k| b[k * SIDE + column]) as f32
	}))
}

fn sums(device: &Arc<dyn Device>) -> Result<bool, DeviceError> {
	let values: Vec<f32> = (0..BLOCKS * THREADS).map(|i| i as f32).collect();
	let input = Buffer::upload(device, &values)?;
	let out = Buffer::<f32>::zeros(device, BLOCKS)?;
	// SAFETY: the arguments and the shared memory are the kernel's.
	unsafe {
		let args = [out.arg(), input.arg(), Arg::I32(1)];
		device.launch("probe_block_sum", launch(BLOCKS, THREADS, 4 * THREADS as u32), &args)?;
	}
	let expected: Vec<f32> = values.chunks(THREADS).map(|block| block.iter().sum()).collect();
	Ok(out.download()? == expected)
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn small_numbers_should_have_their_half_precision_bits() {
		let expected = [(0, 0), (1, 0x3c00), (-1, 0xbc00), (2, 0x4000), (7, 0x4700), (-8, 0xc800)];
		for (x, bits) in expected {
			assert_eq!(half(x), bits, "{x}");
		}
	}
}
