//! The kernels for compute capability 9.0 alone (products of four warps, tiles that the copy engine brings) against the
//! definition of attention in f64, and the same bits at every repeat. Their barriers wait for ever where a copy does not come:
//! run this part last, in a process of its own.

use crate::{
	fast::{forward, kernels, repeats, said, Case},
	Options, Suite,
};
use noesis_cuda::{
	attention::{tuning::wgmma_candidates, Precision},
	probe_sm90, Device,
};
use std::sync::Arc;

/// All of it; nothing on a device that has no such instructions.
pub fn check(suite: &mut Suite<'_>, device: &Arc<dyn Device>, options: &Options) {
	use Precision::{Bf16, F16};
	if !wgmma_candidates(64)[0].runs_on(device.architecture()) {
		return;
	}
	kernels(suite, device, options, "for this device alone", |source| source.only.is_some());
	suite.check("wgmma: copied tiles and products of four warps", || {
		let right = probe_sm90(device).map_err(said)?.is_some_and(|(_, right)| right);
		Ok((right, if right { "as expected".into() } else { "they are wrong".into() }))
	});

	let small = suite.quick;
	let long = if small { 70 } else { 1000 };
	for (precision, head_dim) in [(F16, 64), (Bf16, 64), (F16, 128), (Bf16, 128)] {
		let case = Case::new(precision, [1, 2, 1], [long, long], head_dim, true);
		let all = wgmma_candidates(head_dim);
		let tiles = if small { &all[..1] } else { all };
		suite.check(format!("wgmma forward, {} tiles: {}", tiles.len(), case.name()), || {
			forward(device, &case, tiles)
		});
	}
	if !small {
		for causal in [false, true] {
			let case = Case::new(F16, [1, 1, 1], [4096, 4096], 128, causal);
			let tiles = wgmma_candidates(128);
			suite.check(format!("wgmma forward, {} tiles: {}", tiles.len(), case.name()), || {
				forward(device, &case, tiles)
			});
		}
	}
	let case = Case::repeated(small);
	suite.check(format!("wgmma, the same bits every time: {}", case.name()), || {
		repeats(device, &case, wgmma_candidates(64)[0], options.repeats)
	});
}
