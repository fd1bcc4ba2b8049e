//! The kernels that measure ceilings do the work that is counted.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_cuda::{Arg, Buffer, Launch};
use noesis_cuda_emulation::Emulation;

/// 1 and small whole numbers in both half precisions, exactly.
const ONE: [u16; 2] = [0x3c00, 0x3f80];
const TWO: [u16; 2] = [0x4000, 0x4000];

#[test]
fn a_multiplying_warp_should_add_every_product_once_a_step() {
	for (which, kernel) in ["ceiling_mma_f16", "ceiling_mma_bf16"].into_iter().enumerate() {
		let device = Emulation::new(which as u64);
		let pair = |bits: u16| u32::from(bits) | u32::from(bits) << 16;
		// A of ones, B of twos: every sum grows by 16 * 2 at a step.
		let lane = [[pair(ONE[which]); 4].as_slice(), [pair(TWO[which]); 2].as_slice()].concat();
		let operands = Buffer::upload(&device, &lane.repeat(32)).unwrap();
		let out = Buffer::<f32>::zeros(&device, 2 * 128).unwrap();
		let launch = Launch { grid: [2, 1, 1], block: [128, 1, 1], shared: 0 };
		// SAFETY: the arguments are the kernel's.
		unsafe { device.launch(kernel, launch, &[out.arg(), operands.arg(), Arg::I32(3)]).unwrap() };
		// Eight chains of four sums that began at the chain's number.
		let expected = (0..8).map(|chain| 4.0 * (chain as f32 + 3.0 * 32.0)).sum::<f32>();
		assert_eq!(out.download().unwrap(), vec![expected; 256], "{kernel}");
	}
}

#[test]
fn a_copy_should_reach_every_value_and_no_other() {
	for count in [1, 255, 256, 2048, 5000] {
		let device = Emulation::new(count as u64);
		let values: Vec<[u32; 4]> = (0..count as u32).map(|i| [i, i ^ 7, !i, i.wrapping_mul(97)]).collect();
		let source = Buffer::upload(&device, &values).unwrap();
		let target = Buffer::<[u32; 4]>::zeros(&device, count).unwrap();
		let launch = Launch { grid: [3, 1, 1], block: [256, 1, 1], shared: 0 };
		let args = [target.arg(), source.arg(), Arg::U64(count as u64)];
		// SAFETY: the arguments are the kernel's.
		unsafe { device.launch("ceiling_copy", launch, &args).unwrap() };
		assert!(target.download().unwrap() == values, "{count} values");
	}
}
