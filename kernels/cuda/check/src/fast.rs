//! The `Fast` profile: attention against its definition in f64, and the same bits at every repeat.
//!
//! Ragged lengths, packed batches, strides and every edge are the business of the tests under `emulation/tests/`, which
//! `scripts/gpu-check.sh` runs on the GPU as well; here are the sizes that an emulation can't reach. Only kernels that every
//! device runs: the others are [`crate::wgmma`]'s.

use crate::{Finding, Options, Suite};
use noesis_cuda::{
	attention::{
		backward::{self, Backward, Gradients},
		decode::{CacheShape, Filled, KvCache, Step, Tokens, Workspace, SPLIT},
		forward::Inputs,
		reference::{self, random, HostView},
		tuning::{candidates, Kind, Tile},
		Attention, AttentionShape, Lengths, Precision, Strides, View,
	},
	probe_everywhere, sources, Buffer, Device, DeviceError, Form, Source,
};
use noesis_primitives::ContentHash;
use std::sync::Arc;

/// One attention of equal lengths with independent inputs.
pub(crate) struct Case {
	shape: AttentionShape,
	precision: Precision,
	queries: usize,
	keys: usize,
	lengths: Lengths,
	/// q, k, v and the gradient of the output.
	inputs: [Vec<u16>; 4],
}

impl Case {
	pub(crate) fn new(
		precision: Precision,
		heads: [usize; 3],
		[queries, keys]: [usize; 2],
		head_dim: usize,
		causal: bool,
	) -> Self {
		let [batch, query_heads, kv_heads] = heads;
		let (q, k) = (batch * query_heads * queries * head_dim, batch * kv_heads * keys * head_dim);
		let inputs = [(1, q), (2, k), (3, k), (4, q)].map(|(seed, count)| random(seed, count, precision));
		let shape = AttentionShape { batch, query_heads, kv_heads, head_dim, causal };
		Self { shape, precision, queries, keys, lengths: Lengths::Uniform { queries, keys }, inputs }
	}

	/// The one whose bits are asked for again and again.
	pub(crate) fn repeated(small: bool) -> Self {
		if small {
			return Self::new(Precision::F16, [1, 1, 1], [33, 33], 64, true);
		}
		Self::new(Precision::F16, [4, 8, 4], [512, 512], 64, true)
	}

	fn attention(&self) -> Attention<'_> {
		let scale = (self.shape.head_dim as f32).sqrt().recip();
		Attention { shape: self.shape, precision: self.precision, lengths: &self.lengths, scale }
	}

	fn query_strides(&self) -> Strides {
		Strides::heads_first(self.shape.query_heads, self.queries, self.shape.head_dim)
	}

	fn key_strides(&self) -> Strides {
		Strides::heads_first(self.shape.kv_heads, self.keys, self.shape.head_dim)
	}

	fn host(&self, which: usize) -> HostView<'_> {
		let strides = if matches!(which, 0 | 3) { self.query_strides() } else { self.key_strides() };
		HostView::new(&self.inputs[which], strides)
	}

	pub(crate) fn name(&self) -> String {
		let AttentionShape { batch, query_heads, kv_heads, head_dim, causal } = self.shape;
		let (precision, queries, keys) = (self.precision.name(), self.queries, self.keys);
		let mask = if causal { ", causal" } else { "" };
		format!("{precision} [{batch}, {query_heads}/{kv_heads}, {queries}x{keys}, {head_dim}]{mask}")
	}
}

/// A case's arrays on a device.
struct Arrays<'a> {
	case: &'a Case,
	inputs: [Buffer<u16>; 4],
	out: Buffer<u16>,
	lse: Buffer<f32>,
}

impl<'a> Arrays<'a> {
	fn new(device: &Arc<dyn Device>, case: &'a Case) -> Result<Self, DeviceError> {
		let [q, k, v, d_output] = &case.inputs;
		let up = |values: &Vec<u16>| Buffer::upload(device, values);
		// NaN in either precision: a value that no one writes shows.
		let out = up(&vec![0x7fff; q.len()])?;
		let lse = Buffer::upload(device, &vec![f32::NAN; case.attention().lse_len()])?;
		Ok(Self { case, inputs: [up(q)?, up(k)?, up(v)?, up(d_output)?], out, lse })
	}

	fn queries<'b>(&self, values: &'b Buffer<u16>) -> View<'b> {
		View::new(values, self.case.query_strides())
	}

	fn keys<'b>(&self, values: &'b Buffer<u16>) -> View<'b> {
		View::new(values, self.case.key_strides())
	}

	fn inputs(&self) -> Inputs<'_> {
		let [q, k, v, _] = &self.inputs;
		Inputs { queries: self.queries(q), keys: self.keys(k), values: self.keys(v) }
	}

	fn forward(&self, tile: Tile) -> Result<(), DeviceError> {
		self.case.attention().forward(&self.inputs(), &self.queries(&self.out), Some(&self.lse), tile)
	}

	/// The gradients of q, k and v, after a forward pass.
	fn backward(&self, device: &Arc<dyn Device>) -> Result<[Vec<u16>; 3], DeviceError> {
		let [q, k, v, d_output] = &self.inputs;
		let inputs = backward::Inputs {
			forward: self.inputs(),
			output: self.queries(&self.out),
			d_output: self.queries(d_output),
			lse: &self.lse,
		};
		let room = |like: &Buffer<u16>| Buffer::upload(device, &vec![0x7fff; like.len()]);
		let (dq, dk, dv) = (room(q)?, room(k)?, room(v)?);
		let gradients =
			Gradients { queries: self.queries(&dq), keys: self.keys(&dk), values: self.keys(&dv) };
		Backward::new(self.case.attention(), inputs)?.run(&gradients)?;
		Ok([dq.download()?, dk.download()?, dv.download()?])
	}
}

pub(crate) fn said(error: impl ToString) -> String {
	error.to_string()
}

/// How far values are from their reference, as a share of the reference's length: `‖found − expected‖ / ‖expected‖`.
fn distance(precision: Precision, found: &[u16], expected: &[f64]) -> f64 {
	let difference = |(found, expected): (&u16, &f64)| (precision.value(*found) - expected).powi(2);
	let off: f64 = found.iter().zip(expected).map(difference).sum();
	let size: f64 = expected.iter().map(|x| x * x).sum();
	(off / size).sqrt()
}

/// The roundings that a result goes through: weights, output, and what a sum in 32 bits loses, which is little.
const ROUNDINGS: f64 = 3.0;

/// Compares a forward pass with the definition, value by value: an error is in proportion to the magnitudes that were
/// summed, not to a sum that may be near 0.
fn forward_is_near(case: &Case, out: &[u16], lse: &[f32], expected: &reference::Forward) -> (bool, String) {
	let epsilon = case.precision.epsilon();
	let sizes = expected.output.iter().zip(&expected.magnitude);
	let worst = out.iter().zip(sizes).map(|(found, (output, magnitude))| {
		(case.precision.value(*found) - output).abs() / (epsilon * magnitude)
	});
	// A NaN is worse than any number.
	let larger = |a: f64, b: f64| if b.is_nan() || b > a { b } else { a };
	let worst = worst.fold(0.0, larger);
	let lse = lse.iter().zip(&expected.lse).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, larger);
	let far = distance(case.precision, out, &expected.output);
	let ok = worst <= ROUNDINGS && lse <= 1e-3;
	(ok, format!("worst {worst:.2} roundings, relative {far:.1e}, log-sum-exp {lse:.1e}"))
}

pub(crate) fn forward(device: &Arc<dyn Device>, case: &Case, tiles: &[Tile]) -> Finding {
	let expected = reference::forward(&case.attention(), case.host(0), case.host(1), case.host(2));
	let mut last = (true, String::new());
	for tile in tiles {
		let arrays = Arrays::new(device, case).map_err(said)?;
		arrays.forward(*tile).map_err(said)?;
		let (out, lse) = (arrays.out.download().map_err(said)?, arrays.lse.download().map_err(said)?);
		last = forward_is_near(case, &out, &lse, &expected);
		if !last.0 {
			return Ok((false, format!("{tile:?}: {}", last.1)));
		}
	}
	Ok(last)
}

fn gradients(device: &Arc<dyn Device>, case: &Case, tile: Tile) -> Finding {
	let expected =
		reference::backward(&case.attention(), case.host(0), case.host(1), case.host(2), case.host(3));
	let arrays = Arrays::new(device, case).map_err(said)?;
	arrays.forward(tile).map_err(said)?;
	let found = arrays.backward(device).map_err(said)?;
	let expected = [&expected.queries, &expected.keys, &expected.values];
	let far: Vec<f64> = found
		.iter()
		.zip(expected)
		.map(|(found, expected)| distance(case.precision, found, expected))
		.collect();
	// Two rounded matrices (P or dS, and the output in delta) before the last rounding; a NaN is not below.
	let ok = far.iter().all(|far| *far <= 2.0 * ROUNDINGS * case.precision.epsilon());
	Ok((ok, format!("relative: dq {:.1e}, dk {:.1e}, dv {:.1e}", far[0], far[1], far[2])))
}

/// One token per sequence against a cache, compared with the definition.
fn decode(device: &Arc<dyn Device>, case: &Case) -> Finding {
	let AttentionShape { batch, query_heads, kv_heads, head_dim, .. } = case.shape;
	let expected = reference::forward(&case.attention(), case.host(0), case.host(1), case.host(2));
	let run = || -> Result<_, DeviceError> {
		let arrays = Arrays::new(device, case)?;
		let [q, k, v, _] = &arrays.inputs;
		let shape = CacheShape { batch, kv_heads, head_dim, capacity: case.keys };
		let cache = KvCache::new(device, shape, case.precision)?;
		let mut filled = Filled::new(device, batch)?;
		cache.append(&filled, &Tokens::Each(case.keys), &arrays.keys(k), &arrays.keys(v))?;
		filled.advance(&Tokens::Each(case.keys))?;
		let workspace = Workspace::new(device, shape, query_heads, SPLIT)?;
		let step = Step {
			query_heads,
			scale: case.attention().scale,
			queries: arrays.queries(q),
			output: arrays.queries(&arrays.out),
			lse: Some(&arrays.lse),
		};
		cache.decode(&filled, &step, &workspace)?;
		Ok((arrays.out.download()?, arrays.lse.download()?))
	};
	let (out, lse) = run().map_err(said)?;
	Ok(forward_is_near(case, &out, &lse, &expected))
}

/// Runs forward and backward again and again, and asks for the same bits.
pub(crate) fn repeats(device: &Arc<dyn Device>, case: &Case, tile: Tile, count: usize) -> Finding {
	let arrays = Arrays::new(device, case).map_err(said)?;
	let once = || -> Result<Vec<u16>, DeviceError> {
		arrays.forward(tile)?;
		let gradients = arrays.backward(device)?;
		Ok([arrays.out.download()?].into_iter().chain(gradients).flatten().collect())
	};
	let first = once().map_err(said)?;
	for repeat in 1..count {
		if once().map_err(said)? != first {
			return Ok((false, format!("repeat {repeat} differs")));
		}
	}
	let bytes: Vec<u8> = first.into_iter().flat_map(u16::to_le_bytes).collect();
	Ok((true, format!("{count} times {}", ContentHash::of(&bytes))))
}

/// Whether kernels can be loaded, and how they came to the device.
pub(crate) fn kernels(
	suite: &mut Suite<'_>,
	device: &Arc<dyn Device>,
	options: &Options,
	whose: &str,
	which: impl Fn(&Source) -> bool,
) {
	let here: Vec<&Source> =
		sources().iter().filter(|source| source.runs_on(device.architecture()) && which(source)).collect();
	let verb = if options.instrumented { "can be loaded" } else { "can be loaded and spills nothing" };
	suite.check(format!("every kernel {whose} {verb}"), || {
		let mut most = None;
		for kernel in here.iter().flat_map(|source| source.kernels) {
			let Some(taken) = device.resources(kernel).map_err(said)? else { continue };
			if taken.local_bytes > 0 && !options.instrumented {
				return Ok((false, format!("{kernel} uses {} bytes of local memory", taken.local_bytes)));
			}
			most = most.max(Some(taken.registers));
		}
		Ok((true, most.map_or("nothing is loaded here".into(), |most| format!("at most {most} registers"))))
	});
	suite.check(format!("every kernel {whose} comes from its embedded binary, if it has one"), || {
		let (mut embedded, mut compiled, mut refused) = (0, 0, Vec::new());
		for loaded in device.loaded() {
			let Some(source) = here.iter().find(|source| source.name == loaded.name) else { continue };
			match loaded.form {
				Form::Embedded(_) => embedded += 1,
				Form::Compiled(_) | Form::Translated(_) => {
					compiled += 1;
					if source.binary_for(device.architecture()).is_some() {
						refused.push(source.name);
					}
				},
			}
		}
		let mut found = format!("{embedded} sources embedded, {compiled} compiled by NVRTC");
		if !refused.is_empty() {
			found += &format!(", though the driver was given a binary of {}", refused.join(", "));
		}
		Ok((refused.is_empty(), found))
	});
}

/// All of it.
pub fn check(suite: &mut Suite<'_>, device: &Arc<dyn Device>, options: &Options) {
	use Precision::{Bf16, F16};
	// A table of measured tiles may name one of the other kind.
	let choose = |case: &Case| match options.tuning.choose(&**device, &case.attention()) {
		tile if tile.kind == Kind::Mma => tile,
		_ => candidates(case.shape.head_dim)[0],
	};
	kernels(suite, device, options, "for all devices", |source| source.only.is_none());
	suite.check("the device's instructions", || {
		let tried = probe_everywhere(device).map_err(said)?;
		let wrong: Vec<&str> = tried.iter().filter(|(_, right)| !right).map(|(name, _)| *name).collect();
		Ok((wrong.is_empty(), wrong.join(", ")))
	});

	let small = suite.quick;
	let long = if small { 70 } else { 1000 };
	for (precision, head_dim) in [(F16, 64), (Bf16, 64), (F16, 128), (Bf16, 128)] {
		let case = Case::new(precision, [1, 2, 1], [long, long], head_dim, true);
		// All on a GPU; each kernel takes the emulation its time.
		let all = candidates(head_dim);
		let tiles = if small { &all[..1] } else { all };
		suite.check(format!("forward, {} tiles: {}", tiles.len(), case.name()), || {
			forward(device, &case, tiles)
		});
		let tile = choose(&case);
		suite.check(format!("backward: {}", case.name()), || gradients(device, &case, tile));
		let case = Case::new(precision, [2, 4, 2], [1, long], head_dim, true);
		suite.check(format!("decode: {}", case.name()), || decode(device, &case));
	}
	if !small {
		// FlashCore's lengths; the reference takes its time over a batch of 8.
		for length in [128, 256, 512] {
			let case = Case::new(F16, [8, 8, 8], [length, length], 64, false);
			let tile = choose(&case);
			suite.check(format!("forward: {}", case.name()), || forward(device, &case, &[tile]));
		}
		for causal in [false, true] {
			let case = Case::new(F16, [1, 1, 1], [4096, 4096], 128, causal);
			let tile = choose(&case);
			suite.check(format!("forward: {}", case.name()), || forward(device, &case, &[tile]));
		}
	}
	let case = Case::repeated(small);
	let tile = choose(&case);
	suite.check(format!("the same bits every time: {}", case.name()), || {
		repeats(device, &case, tile, options.repeats)
	});
}
