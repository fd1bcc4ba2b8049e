//! The `Canon32` profile: the CPU's bits, at sizes of a real layer.
//!
//! Ragged shapes and every other operation are the business of `emulation/tests/canon32.rs`, which
//! `scripts/gpu-check.sh` runs on the GPU as well.

use crate::{Finding, Suite};
use noesis_canon32::{
	attention::{self, AttentionShape},
	gate,
	linear::{self, LinearShape},
	norm, Backend,
};
use noesis_cuda::{
	attention::{reference::random, Precision},
	canon32::{Canon32, Forward},
	Buffer, Device, DeviceError,
};
use noesis_primitives::ContentHash;
use std::sync::Arc;

/// SmolLM2-135M's sizes.
const WIDTH: usize = 576;
const INNER: usize = 1536;
const HEADS: usize = 9;
const KV_HEADS: usize = 3;
const HEAD_DIM: usize = 64;

fn numbers(seed: u64, count: usize) -> Vec<f32> {
	let bits = random(seed, count, Precision::F16);
	bits.into_iter().map(|bits| Precision::F16.value(bits) as f32).collect()
}

/// Whether the device's arrays have the CPU's bits, and the hash of those.
fn same(pairs: &[(&Buffer<f32>, &[f32])]) -> Finding {
	let mut bytes = Vec::new();
	for (which, (device, cpu)) in pairs.iter().enumerate() {
		let found = device.download().map_err(said)?;
		let differing = found.iter().zip(*cpu).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
		if differing > 0 || found.len() != cpu.len() {
			return Ok((false, format!("{differing} of {} numbers of array {which} differ", cpu.len())));
		}
		bytes.extend(cpu.iter().flat_map(|x| x.to_le_bytes()));
	}
	Ok((true, ContentHash::of(&bytes).to_string()))
}

fn said(error: impl ToString) -> String {
	error.to_string()
}

/// Linear layers, norm, gate and attention with their gradients.
pub fn check(suite: &mut Suite<'_>, device: &Arc<dyn Device>) {
	let tokens = if suite.quick { 17 } else { 512 };
	let [width, inner] = if suite.quick { [40, 70] } else { [WIDTH, INNER] };
	let up = |values: &[f32]| Buffer::upload(device, values);
	let room = |count: usize| Buffer::<f32>::uninitialised(device, count);
	let cpu = Backend::best();

	suite.check(
		format!("canon32: a linear layer {width} to {inner} on {tokens} tokens, and its gradients"),
		|| {
			let shape = LinearShape { rows: tokens, inputs: width, outputs: inner };
			let (x, w, dy) =
				(numbers(1, tokens * width), numbers(2, inner * width), numbers(3, tokens * inner));
			let (mut y, mut dx, mut dw) = (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; w.len()]);
			linear::forward(cpu, shape, &x, &w, &mut y).map_err(said)?;
			linear::backward_input(cpu, shape, &dy, &w, &mut dx).map_err(said)?;
			linear::backward_weights(cpu, shape, &dy, &x, &mut dw).map_err(said)?;
			let queued = || -> Result<_, DeviceError> {
				let canon = Canon32::new(device)?;
				let (gx, gw, gdy) = (up(&x)?, up(&w)?, up(&dy)?);
				let (gy, gdx, gdw) = (room(y.len())?, room(dx.len())?, room(dw.len())?);
				canon.linear(shape, &gx, &gw, &gy)?;
				canon.linear_backward_input(shape, &gdy, &gw, &gdx)?;
				canon.linear_backward_weights(shape, &gdy, &gx, &gdw)?;
				Ok([gy, gdx, gdw])
			};
			let [gy, gdx, gdw] = queued().map_err(said)?;
			same(&[(&gy, &y), (&gdx, &dx), (&gdw, &dw)])
		},
	);

	suite.check(format!("canon32: norm and gate on {tokens} tokens of {width}"), || {
		let (x, gain, other) = (numbers(4, tokens * width), numbers(5, width), numbers(6, tokens * width));
		let (mut y, mut inverse, mut gated) = (vec![0.0; x.len()], vec![0.0; tokens], vec![0.0; x.len()]);
		norm::forward(cpu, &x, &gain, 1e-5, &mut y, &mut inverse).map_err(said)?;
		gate::forward(cpu, &x, &other, &mut gated).map_err(said)?;
		let queued = || -> Result<_, DeviceError> {
			let canon = Canon32::new(device)?;
			let (gx, ggain, gother) = (up(&x)?, up(&gain)?, up(&other)?);
			let (gy, ginverse, ggated) = (room(y.len())?, room(tokens)?, room(x.len())?);
			canon.norm(&gx, &ggain, 1e-5, &gy, &ginverse)?;
			canon.gate(&gx, &gother, &ggated)?;
			Ok([gy, ginverse, ggated])
		};
		let [gy, ginverse, ggated] = queued().map_err(said)?;
		same(&[(&gy, &y), (&ginverse, &inverse), (&ggated, &gated)])
	});

	let (heads, kv_heads) = if suite.quick { (2, 1) } else { (HEADS, KV_HEADS) };
	suite.check(
		format!("canon32: attention of {heads} heads over {tokens} tokens, and its gradients"),
		|| {
			let shape = AttentionShape { batch: 1, tokens, heads, kv_heads, head_dim: HEAD_DIM };
			let (queries, keys) = (heads * tokens * HEAD_DIM, kv_heads * tokens * HEAD_DIM);
			let (q, k, v, dout) =
				(numbers(7, queries), numbers(8, keys), numbers(9, keys), numbers(10, queries));
			let mut out = vec![0.0; queries];
			let softmax = attention::forward(cpu, shape, &q, &k, &v, &mut out).map_err(said)?;
			let (mut dq, mut dk, mut dv) = (vec![0.0; queries], vec![0.0; keys], vec![0.0; keys]);
			let forward = attention::Forward { q: &q, k: &k, v: &v, out: &out, softmax: &softmax };
			attention::backward(cpu, shape, forward, &dout, &mut dq, &mut dk, &mut dv).map_err(said)?;
			let queued = || -> Result<_, DeviceError> {
				let canon = Canon32::new(device)?;
				let (gq, gk, gv, gdout) = (up(&q)?, up(&k)?, up(&v)?, up(&dout)?);
				let (gout, gdq, gdk, gdv) = (room(queries)?, room(queries)?, room(keys)?, room(keys)?);
				let softmax = canon.attention(shape, &gq, &gk, &gv, &gout)?;
				let forward = Forward { q: &gq, k: &gk, v: &gv, out: &gout, softmax: &softmax };
				canon.attention_backward(shape, forward, &gdout, &gdq, &gdk, &gdv)?;
				Ok([gout, gdq, gdk, gdv])
			};
			let [gout, gdq, gdk, gdv] = queued().map_err(said)?;
			same(&[(&gout, &out), (&gdq, &dq), (&gdk, &dk), (&gdv, &dv)])
		},
	);
}
