//! Attention problems for the tests of the forward kernels: inputs on the host, a run, and the comparison with f64.

// Helpers of tests, over sizes that the tests choose; not every test needs all of them.
#![allow(dead_code)]

use noesis_cuda::{
	attention::{
		forward::Inputs,
		reference::{self, HostView, Side},
		tuning::Tile,
		Attention, AttentionShape, Lengths, Precision, Strides, View,
	},
	Buffer, Device, DeviceError,
};
use std::sync::Arc;

pub const PRECISIONS: [Precision; 2] = [Precision::F16, Precision::Bf16];
/// What outputs hold before the kernel runs.
const UNTOUCHED: u16 = 0x7bad;

pub fn shape(
	batch: usize,
	query_heads: usize,
	kv_heads: usize,
	head_dim: usize,
	causal: bool,
) -> AttentionShape {
	AttentionShape { batch, query_heads, kv_heads, head_dim, causal }
}

/// Where an array's rows lie.
#[derive(Clone, Copy)]
pub struct Layout {
	pub start: usize,
	pub strides: Strides,
	pub length: usize,
}

/// A host's array and how it lies.
pub type Array = (Layout, Vec<u16>);

/// `[B, heads, rows, D]` without gaps.
pub fn heads_first(attention: &Attention<'_>, side: Side) -> Layout {
	let (heads, rows) = sizes(attention, side);
	let strides = Strides::heads_first(heads, rows, attention.shape.head_dim);
	Layout { start: 0, strides, length: attention.shape.batch * strides.batch }
}

/// `[B, rows, heads, D]` or packed, with gaps after heads, rows and sequences.
pub fn gapped(attention: &Attention<'_>, side: Side) -> Layout {
	let (heads, rows) = sizes(attention, side);
	let head = attention.shape.head_dim + 8;
	let row = heads * head + 24;
	let strides = Strides { batch: rows * row + 40, head, row };
	Layout { start: 16, strides, length: 16 + attention.shape.batch.max(1) * strides.batch }
}

fn sizes(attention: &Attention<'_>, side: Side) -> (usize, usize) {
	let rows = |total: usize| match attention.lengths {
		Lengths::Uniform { .. } => total / attention.shape.batch,
		Lengths::Variable { .. } => total,
	};
	match side {
		Side::Queries => (attention.shape.query_heads, rows(attention.query_rows())),
		Side::Keys => (attention.shape.kv_heads, rows(attention.key_rows())),
	}
}

/// The arrays of one attention on the host.
pub struct Arrays {
	pub queries: Array,
	pub keys: Array,
	pub values: Array,
}

impl Arrays {
	pub fn random(attention: &Attention<'_>, layout: fn(&Attention<'_>, Side) -> Layout, seed: u64) -> Self {
		let array = |side, seed| {
			let Layout { start, strides, length } = layout(attention, side);
			let values = reference::inputs(attention, side, seed, length, start, strides);
			(layout(attention, side), values)
		};
		Self {
			queries: array(Side::Queries, 3 * seed),
			keys: array(Side::Keys, 3 * seed + 1),
			values: array(Side::Keys, 3 * seed + 2),
		}
	}

	/// The arrays of sequence `b` of a batch that lies without gaps.
	pub fn sequence(&self, b: usize) -> Self {
		let part = |(layout, values): &Array| {
			let size = layout.strides.batch;
			(Layout { length: size, ..*layout }, values[b * size..(b + 1) * size].to_vec())
		};
		Self { queries: part(&self.queries), keys: part(&self.keys), values: part(&self.values) }
	}

	pub fn forward(&self, attention: &Attention<'_>) -> reference::Forward {
		let [queries, keys, values] = [&self.queries, &self.keys, &self.values].map(host);
		reference::forward(attention, queries, keys, values)
	}
}

pub fn host((layout, values): &Array) -> HostView<'_> {
	HostView { values, start: layout.start, strides: layout.strides }
}

/// Runs the kernel; the output lies like the queries.
pub fn run(
	device: &Arc<dyn Device>,
	attention: &Attention<'_>,
	arrays: &Arrays,
	tile: Tile,
) -> Result<(Array, Vec<f32>), DeviceError> {
	let upload = |array: &Array| Buffer::upload(device, &array.1);
	let (queries, keys, values) = (upload(&arrays.queries)?, upload(&arrays.keys)?, upload(&arrays.values)?);
	let layout = arrays.queries.0;
	let output = Buffer::upload(device, &vec![UNTOUCHED; layout.length])?;
	let lse = Buffer::<f32>::uninitialised(device, attention.lse_len())?;
	let view = |values, layout: Layout| View { values, start: layout.start, strides: layout.strides };
	let inputs = Inputs {
		queries: view(&queries, layout),
		keys: view(&keys, arrays.keys.0),
		values: view(&values, arrays.values.0),
	};
	attention.forward(&inputs, &view(&output, layout), Some(&lse), tile)?;
	Ok(((layout, output.download()?), lse.download()?))
}

/// Runs the kernel and compares all that it wrote; returns it.
pub fn check(
	device: &Arc<dyn Device>,
	attention: &Attention<'_>,
	arrays: &Arrays,
	tile: Tile,
) -> (Vec<u16>, Vec<f32>) {
	let what = format!("{tile:?}, {:?}, {:?}", attention.shape, attention.precision);
	let (output, lse) = run(device, attention, arrays, tile).expect(&what);
	let expected = arrays.forward(attention);
	let (output_error, lse_error) =
		(expected.output_error(attention, host(&output)), expected.lse_error(&lse));
	assert!(output_error <= 1.0, "output is off by {output_error} bounds: {what}");
	assert!(lse_error <= 1.0, "log-sum-exp is off by {lse_error} bounds: {what}");
	let written = output.1.iter().filter(|bits| **bits != UNTOUCHED).count();
	assert_eq!(written, expected.output.len(), "rows and nothing else are written: {what}");
	(output.1, lse)
}
