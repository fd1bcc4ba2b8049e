//! The emulation itself: its instructions, and the mistakes it must notice.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_cuda::{probe, Arg, Buffer, Device, DeviceError, Launch, Replay, TensorMap, Tiles};
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

#[test]
fn copied_tiles_and_products_of_four_warps_should_equal_plain_ones_under_any_order() {
	for seed in 0..10 {
		let device = Emulation::hopper(seed).unwrap();
		let tried = probe(&device).unwrap();
		assert!(tried.len() == 4 && tried.iter().all(|(_, right)| *right), "seed {seed}: {tried:?}");
	}
	assert_eq!(probe(&Emulation::new(1)).unwrap().len(), 3, "no other generation has them");
}

/// Launches the probe of copied tiles on two arrays of ones; the products.
fn tiles(
	seed: u64,
	launch: Launch,
	map: &dyn Fn(&dyn Device, &Buffer<u16>) -> TensorMap,
	wait: i32,
) -> Result<Vec<f32>, DeviceError> {
	let device = Emulation::hopper(seed).unwrap();
	let ones = Buffer::upload(&device, &[0x3c00_u16; 64 * 64])?;
	let out = [(); 2].map(|()| Buffer::<f32>::zeros(&device, 64 * 64).unwrap());
	let map = map(&*device, &ones);
	// SAFETY: the arguments are the kernel's, or something that the emulation must notice.
	unsafe {
		let args = [out[0].arg(), out[1].arg(), map.arg(), map.arg(), Arg::I32(wait)];
		device.launch("probe_wgmma_f16", launch, &args)?;
	}
	out[0].download()
}

fn half(device: &dyn Device, values: &Buffer<u16>, tile: [u32; 2]) -> TensorMap {
	let (sizes, strides) = ([64, 64, 1, 1], [128, 16, 16]);
	device.tensor_map(&Tiles { address: values.address_at(0), sizes, strides, tile }).unwrap()
}

#[test]
fn mistakes_with_tiles_should_be_reported() {
	let whole = Launch { grid: [1; 3], block: [128, 1, 1], shared: 2 * 8192 + 128 };
	let good = |device: &dyn Device, values: &Buffer<u16>| half(device, values, [64, 64]);
	assert!(tiles(1, whole, &good, 1).unwrap().iter().all(|sum| *sum == 64.0));
	let refused = |launch, map: &dyn Fn(&dyn Device, &Buffer<u16>) -> TensorMap, why: &str| {
		let said = tiles(1, launch, map, 1).unwrap_err().to_string();
		assert!(said.contains(why), "{said}, which does not say {why}");
	};
	refused(whole, &|_, _| TensorMap([7; 16]), "a map that no host made");
	refused(whole, &|device, values| half(device, values, [32, 64]), "a map whose box is no half");
	// Fewer bytes come than were announced.
	refused(whole, &|device, values| half(device, values, [64, 32]), "lacks 0 threads and 8192 bytes");
	refused(Launch { shared: 8192, ..whole }, &good, "outside");
	refused(Launch { block: [96, 1, 1], ..whole }, &good, "four whole warps are needed");
	// Read before they have come: wrong, or the block is over before them.
	let early = |seed| tiles(seed, whole, &good, 0).map(|sums| sums.iter().all(|sum| *sum == 64.0));
	assert!((0..10).any(|seed| matches!(early(seed), Ok(false) | Err(_))));
	let device = Emulation::hopper(1).unwrap();
	let odd = Tiles { address: 8, sizes: [64, 64, 1, 1], strides: [128, 16, 16], tile: [64, 64] };
	assert!(matches!(device.tensor_map(&odd), Err(DeviceError::Shape(_))));
	assert!(Emulation::new(1).tensor_map(&Tiles { address: 0, ..odd }).is_err());
}

#[test]
fn a_recorded_launch_should_run_later_with_the_arguments_it_had() {
	let device = Emulation::new(1);
	let input = Buffer::upload(&device, &[1.0_f32; 128]).unwrap();
	let out = Buffer::<f32>::zeros(&device, 1).unwrap();
	let launch = Launch { grid: [1; 3], block: [128, 1, 1], shared: 512 };
	let mut runs = 0;
	let work = || {
		runs += 1;
		// SAFETY: the arguments are the kernel's.
		unsafe { device.launch("probe_block_sum", launch, &[out.arg(), input.arg(), Arg::I32(1)]) }
	};
	let mut replay = Replay::record(&device, work).unwrap();
	assert!(replay.is_graph());
	assert_eq!(out.download().unwrap(), [128.0]);
	input.write(&[2.0; 128]).unwrap();
	assert_eq!(out.download().unwrap(), [128.0], "it was recorded, not run");
	for value in [2.0, 3.0] {
		input.write(&[value; 128]).unwrap();
		replay.run().unwrap();
		assert_eq!(out.download().unwrap(), [128.0 * value]);
	}
	drop(replay);
	assert_eq!(runs, 2, "once to load the kernels and once to record them");
	// What a graph can't hold.
	// SAFETY: the array lives longer than the graph that never is.
	let copied = unsafe { device.capture(&mut || input.write(&[0.0])) };
	assert!(matches!(copied.err(), Some(DeviceError::Unsupported(_))));
	input.write(&[0.0]).unwrap();
}
