//! The same model in 32-bit floats, for measuring what the integers cost. Plain and slow; nothing that is checked
//! between machines depends on it.

use crate::{
	checkpoint::{Architecture, Checkpoint, CheckpointError, Encoding, TensorShape, TensorView},
	gguf::Gguf,
	import,
};
use noesis_canon::GROUP;
use rayon::prelude::*;

/// A float view of a checkpoint's codes.
#[derive(Debug)]
pub struct FloatModel<'a> {
	architecture: &'a Architecture,
	groups: Vec<Vec<TensorView<'a>>>,
	/// Gains by group and place in the group.
	gains: Vec<Vec<Vec<f32>>>,
	epsilon: f32,
}

impl<'a> FloatModel<'a> {
	/// Weights of a checkpoint; with the gains before rounding if the file it came from is given.
	pub fn new(checkpoint: &'a Checkpoint, original: Option<&Gguf<'_>>) -> Result<Self, CheckpointError> {
		let architecture = &checkpoint.manifest().architecture;
		let groups: Vec<_> =
			(0..=architecture.layers as usize).map(|g| checkpoint.group(g)).collect::<Result<_, _>>()?;
		let gain = |group: usize, tensor: &TensorView<'_>| -> Vec<f32> {
			if !tensor.shape.is_gain {
				return Vec::new();
			}
			let layer = (group as u32).checked_sub(1);
			match original.and_then(|gguf| original_gain(gguf, layer, &tensor.shape)) {
				Some(gain) => gain,
				None => tensor.gain().iter().map(|&g| g as f32 / 4096.0).collect(),
			}
		};
		let gains = groups
			.iter()
			.enumerate()
			.map(|(g, tensors)| tensors.iter().map(|tensor| gain(g, tensor)).collect())
			.collect();
		let epsilon = architecture.epsilon as f64 / f64::from(architecture.width) / f64::from(1 << 24);
		Ok(Self { architecture, groups, gains, epsilon: epsilon as f32 })
	}

	/// Logits after every one of `tokens`, row by row.
	pub fn logits(&self, tokens: &[u32]) -> Vec<f32> {
		let width = self.architecture.width as usize;
		let mut x = vec![0.0; tokens.len() * width];
		for (&token, x) in tokens.iter().zip(x.chunks_exact_mut(width)) {
			dequantise(&self.groups[0][0], token as usize, x);
		}
		for layer in 1..self.groups.len() {
			self.attention(layer, &mut x);
			self.feed_forward(layer, &mut x);
		}
		self.linear(0, 0, &self.norm(&x, 0, 1))
	}

	fn norm(&self, x: &[f32], group: usize, tensor: usize) -> Vec<f32> {
		let width = self.architecture.width as usize;
		let mut out = x.to_vec();
		for row in out.chunks_exact_mut(width) {
			let mean = row.iter().map(|v| v * v).sum::<f32>() / width as f32;
			let scale = 1.0 / (mean + self.epsilon).sqrt();
			row.iter_mut().zip(&self.gains[group][tensor]).for_each(|(v, g)| *v *= scale * g);
		}
		out
	}

	fn linear(&self, group: usize, tensor: usize, x: &[f32]) -> Vec<f32> {
		let tensor = &self.groups[group][tensor];
		let (rows, columns) = (tensor.shape.rows, tensor.shape.columns);
		let tokens = x.len() / columns;
		let mut transposed = vec![0.0; rows * tokens];
		transposed.par_chunks_exact_mut(tokens).enumerate().for_each_init(
			|| vec![0.0; columns],
			|weights, (row, out)| {
				dequantise(tensor, row, weights);
				for (out, x) in out.iter_mut().zip(x.chunks_exact(columns)) {
					*out = dot(weights, x);
				}
			},
		);
		let mut out = vec![0.0; rows * tokens];
		out.par_chunks_exact_mut(rows).enumerate().for_each(|(t, out)| {
			out.iter_mut().enumerate().for_each(|(row, out)| *out = transposed[row * tokens + t]);
		});
		out
	}

	fn rotate(&self, x: &mut [f32], heads: usize) {
		let dim = self.architecture.head_dim as usize;
		for (position, row) in x.chunks_exact_mut(heads * dim).enumerate() {
			for head in row.chunks_exact_mut(dim) {
				for (pair, x) in head.chunks_exact_mut(2).enumerate() {
					let turn = f64::from(self.architecture.rope_base).powf(-2.0 * pair as f64 / dim as f64);
					let (sin, cos) = (position as f64 * turn).sin_cos();
					let (sin, cos) = (sin as f32, cos as f32);
					(x[0], x[1]) = (x[0] * cos - x[1] * sin, x[0] * sin + x[1] * cos);
				}
			}
		}
	}

	fn attention(&self, layer: usize, x: &mut [f32]) {
		let a = self.architecture;
		let (heads, kv_heads, dim) = (a.heads as usize, a.kv_heads as usize, a.head_dim as usize);
		let h = self.norm(x, layer, 0);
		let [mut q, mut k, v] = [1, 2, 3].map(|tensor| self.linear(layer, tensor, &h));
		self.rotate(&mut q, heads);
		self.rotate(&mut k, kv_heads);
		let mut out = vec![0.0; q.len()];
		out.par_chunks_exact_mut(dim).enumerate().for_each(|(i, out)| {
			let (t, head) = (i / heads, i % heads * kv_heads / heads);
			let row = |m: &'_ [f32], j: usize| -> std::ops::Range<usize> {
				let at = (j * kv_heads + head) * dim;
				debug_assert!(at + dim <= m.len());
				at..at + dim
			};
			let query = &q[i * dim..(i + 1) * dim];
			let scale = 1.0 / (dim as f32).sqrt();
			let mut scores: Vec<f32> = (0..=t).map(|j| dot(query, &k[row(&k, j)]) * scale).collect();
			let largest = scores.iter().copied().fold(f32::MIN, f32::max);
			scores.iter_mut().for_each(|s| *s = (*s - largest).exp());
			let total: f32 = scores.iter().sum();
			for (j, s) in scores.iter().enumerate() {
				out.iter_mut().zip(&v[row(&v, j)]).for_each(|(o, v)| *o += s / total * v);
			}
		});
		let branch = self.linear(layer, 4, &out);
		x.iter_mut().zip(branch).for_each(|(x, b)| *x += b);
	}

	fn feed_forward(&self, layer: usize, x: &mut [f32]) {
		let h = self.norm(x, layer, 5);
		let gate = self.linear(layer, 6, &h);
		let mut inner = self.linear(layer, 7, &h);
		inner.iter_mut().zip(gate).for_each(|(u, g)| *u *= g / (1.0 + (-g).exp()));
		let branch = self.linear(layer, 8, &inner);
		x.iter_mut().zip(branch).for_each(|(x, b)| *x += b);
	}
}

fn original_gain(gguf: &Gguf<'_>, layer: Option<u32>, shape: &TensorShape) -> Option<Vec<f32>> {
	let tensor = import::find(gguf, layer, shape).ok()?;
	Some(tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn dequantise(tensor: &TensorView<'_>, row: usize, out: &mut [f32]) {
	let size = tensor.encoding.row_bytes(tensor.shape.columns);
	let bytes = &tensor.bytes[row * size..(row + 1) * size];
	let q24 = |b: &[u8]| i32::from_le_bytes([b[0], b[1], b[2], b[3]]) as f32 / 16_777_216.0;
	let (group_bytes, is_q4) = match tensor.encoding {
		Encoding::Q4 => (24, true),
		_ => (36, false),
	};
	for (group, out) in bytes.chunks_exact(group_bytes).zip(out.chunks_exact_mut(GROUP)) {
		let scale = q24(group);
		if is_q4 {
			let minimum = q24(&group[4..]);
			for i in 0..16 {
				out[i] = scale * f32::from(group[8 + i] & 15) + minimum;
				out[i + 16] = scale * f32::from(group[8 + i] >> 4) + minimum;
			}
		} else {
			out.iter_mut().zip(&group[4..]).for_each(|(o, &code)| *o = scale * f32::from(code as i8));
		}
	}
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
	#[cfg(target_arch = "x86_64")]
	if std::is_x86_feature_detected!("avx2") {
		// SAFETY: the feature is there.
		return unsafe { dot_avx2(a, b) };
	}
	dot_lanes(a, b)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
	dot_lanes(a, b)
}

/// Thirty-two sums side by side, which compilers turn into vectors.
#[inline(always)]
fn dot_lanes(a: &[f32], b: &[f32]) -> f32 {
	let mut lanes = [0.0f32; 32];
	let (a_chunks, b_chunks) = (a.chunks_exact(32), b.chunks_exact(32));
	let tail: f32 = a_chunks.remainder().iter().zip(b_chunks.remainder()).map(|(a, b)| a * b).sum();
	for (a, b) in a_chunks.zip(b_chunks) {
		for i in 0..32 {
			lanes[i] += a[i] * b[i];
		}
	}
	lanes.iter().sum::<f32>() + tail
}
