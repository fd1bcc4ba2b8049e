//! The emulation itself: its instructions, and the mistakes it must notice.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_cuda::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_cuda_emulation::Emulation;
use std::sync::Arc;

fn one_warp(shared: u32) -> Launch {
	Launch { grid: [1, 1, 1], block: [32, 1, 1], shared }
}

/// Small integers, exact in half precision: value and bits.
fn halves(count: usize, step: usize) -> (Vec<f32>, Vec<u16>) {
	let exact = |i: usize| ((i * step) % 15) as f32 - 7.0;
	let bits = |x: f32| {
		if x == 0.0 {
			return 0;
		}
		let single = x.to_bits();
		((single >> 16 & 0x8000) | ((single >> 13 & 0x3ffff) - (112 << 10))) as u16
	};
	(0..count).map(|i| (exact(i), bits(exact(i)))).unzip()
}

#[test]
fn a_half_precision_product_should_equal_the_plain_one_when_fragments_go_through_shared_memory() {
	let ((a, a_bits), (b, b_bits)) = (halves(256, 7), halves(128, 11));
	for seed in 0..20 {
		let device = Emulation::new(seed);
		let out = Buffer::<f32>::zeros(&device, 128).unwrap();
		let (pa, pb) = (Buffer::upload(&device, &a_bits).unwrap(), Buffer::upload(&device, &b_bits).unwrap());
		// SAFETY: the arguments are the kernel's.
		unsafe { device.launch("probe_mma_f16", one_warp(768), &[out.arg(), pa.arg(), pb.arg()]).unwrap() };
		let out = out.download().unwrap();
		for lane in 0..32 {
			for r in 0..4 {
				let (row, column) = (lane / 4 + 8 * (r / 2), 2 * (lane % 4) + r % 2);
				let expected: f32 = (0..16).map(|k| a[row * 16 + k] * b[column * 16 + k]).sum();
				assert_eq!(out[lane * 4 + r], expected, "seed {seed}, row {row}, column {column}");
			}
		}
	}
}

#[test]
fn a_byte_product_should_equal_the_plain_one() {
	let device = Emulation::new(1);
	let a: Vec<u8> = (0..512u32).map(|i| (i * 37 % 256) as u8).collect();
	let b: Vec<i8> = (0..256u32).map(|i| (i * 91 % 256) as u8 as i8).collect();
	let out = Buffer::<i32>::zeros(&device, 128).unwrap();
	let (pa, pb) = (Buffer::upload(&device, &a).unwrap(), Buffer::upload(&device, &b).unwrap());
	// SAFETY: the arguments are the kernel's.
	unsafe { device.launch("probe_mma_bytes", one_warp(0), &[out.arg(), pa.arg(), pb.arg()]).unwrap() };
	for (i, value) in out.download().unwrap().into_iter().enumerate() {
		let (row, column) = (i / 8, i % 8);
		let expected: i32 = (0..32).map(|k| i32::from(a[row * 32 + k]) * i32::from(b[column * 32 + k])).sum();
		assert_eq!(value, expected);
	}
}

fn block_sums(seed: u64, barrier: i32) -> (Vec<f32>, Vec<f32>) {
	let device = Emulation::new(seed);
	let input: Vec<f32> = (0..512).map(|i| i as f32).collect();
	let out = Buffer::<f32>::zeros(&device, 4).unwrap();
	let data = Buffer::upload(&device, &input).unwrap();
	let launch = Launch { grid: [4, 1, 1], block: [128, 1, 1], shared: 512 };
	// SAFETY: the arguments are the kernel's.
	unsafe { device.launch("probe_block_sum", launch, &[out.arg(), data.arg(), Arg::I32(barrier)]).unwrap() };
	(out.download().unwrap(), input.chunks(128).map(|chunk| chunk.iter().sum()).collect())
}

#[test]
fn a_missing_barrier_should_show_under_some_order() {
	for seed in 0..10 {
		let (got, expected) = block_sums(seed, 1);
		assert_eq!(got, expected, "with the barrier every order is right");
	}
	assert!((0..10).any(|seed| {
		let (got, expected) = block_sums(seed, 0);
		got != expected
	}));
}

#[test]
fn a_launch_should_be_refused_when_it_is_not_the_kernels() {
	let device = Emulation::new(1);
	let out = Buffer::<f32>::zeros(&device, 1).unwrap();
	// SAFETY: none of these reaches a kernel.
	let (unknown, few) = unsafe {
		(
			device.launch("no_such_kernel", one_warp(0), &[]),
			device.launch("probe_mma_f16", one_warp(0), &[out.arg()]),
		)
	};
	assert!(matches!(unknown, Err(DeviceError::NoKernel(name)) if name == "no_such_kernel"));
	assert!(few.unwrap_err().to_string().contains("takes 3 arguments and was given 1"));
}

#[test]
fn a_write_outside_an_allocation_or_shared_memory_should_be_reported() {
	let device: Arc<dyn Device> = Emulation::new(1);
	let (short, zeros) =
		(Buffer::<f32>::zeros(&device, 64).unwrap(), Buffer::<u16>::zeros(&device, 256).unwrap());
	// SAFETY: the kernel writes past the end on purpose, into the guard.
	let past =
		unsafe { device.launch("probe_mma_f16", one_warp(768), &[short.arg(), zeros.arg(), zeros.arg()]) };
	assert!(past.unwrap_err().to_string().contains("outside an allocation of 256 bytes"));
	let device: Arc<dyn Device> = Emulation::new(1);
	let (out, zeros) =
		(Buffer::<f32>::zeros(&device, 128).unwrap(), Buffer::<u16>::zeros(&device, 256).unwrap());
	// SAFETY: too little shared memory, which the emulation checks.
	let shared =
		unsafe { device.launch("probe_mma_f16", one_warp(512), &[out.arg(), zeros.arg(), zeros.arg()]) };
	assert!(shared.unwrap_err().to_string().contains("outside the block's shared memory"));
}

#[test]
fn a_barrier_that_threads_miss_should_be_reported() {
	let device = Emulation::new(1);
	let out = Buffer::<f32>::zeros(&device, 1).unwrap();
	let data = Buffer::<f32>::zeros(&device, 128).unwrap();
	let launch = Launch { grid: [1, 1, 1], block: [48, 1, 1], shared: 512 };
	// SAFETY: half a warp leaves before the meeting, which the emulation reports.
	let result = unsafe { device.launch("probe_block_sum", launch, &[out.arg(), data.arg(), Arg::I32(1)]) };
	assert!(result.is_ok(), "the leaving half is a warp of its own");
	let launch = Launch { grid: [1, 1, 1], block: [16, 1, 1], shared: 512 };
	// SAFETY: as above.
	let result = unsafe { device.launch("probe_block_sum", launch, &[out.arg(), data.arg(), Arg::I32(1)]) };
	assert!(result.unwrap_err().to_string().contains("a lane that is not there"));
}
