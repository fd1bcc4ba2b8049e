//! The gradients of attention, deterministic (Dao, FlashAttention-2, arXiv:2307.08691, without its atomic sums).
//!
//! Three kernels: the statistics of every query row (`Δ = Σ dO · O` beside the log-sum-exp), then `dK` and `dV` with a
//! block per tile of keys that walks over the queries, then `dQ` with a block per tile of queries that walks over the
//! keys. Scores are computed twice, 7 products instead of 5, and in return nothing is added across blocks: a row's
//! gradient has the same bits in every run on one kind of device, in every batch, for every choice of [`Tiles`], and
//! alone, which is what [`Part`] is for. Where query heads share a head of keys, `dK` and `dV` sum over them in ascending order.
//!
//! ```no_run
//! # use noesis_cuda::{attention::{backward::{Backward, Gradients, Inputs}, Attention}, DeviceError};
//! # fn gradients(attention: Attention<'_>, inputs: Inputs<'_>, d: Gradients<'_>) -> Result<(), DeviceError> {
//! Backward::new(attention, inputs)?.run(&d)
//! # }
//! ```

use super::{ensure, forward, within, Attention, View, MAX_ROWS};
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use std::{f32::consts::LOG2_E, ops::Range, sync::Arc};

/// As in `attention_backward.cuh`: rows whose statistics lie together.
const STATS_ROWS: usize = 64;
const THREADS: u32 = 128;

/// What the gradients are computed from. All 16-bit arrays have the attention's precision.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
	/// What the forward pass read.
	pub forward: forward::Inputs<'a>,
	/// What it gave: a row per query and query head.
	pub output: View<'a>,
	/// The gradient of that, shaped alike.
	pub d_output: View<'a>,
	/// The log-sum-exp that it gave: `[B, query heads, queries]`, packed `[query heads, total queries]`.
	pub lse: &'a Buffer<f32>,
}

/// Where the gradients go, shaped like what they are gradients of. Every row is written. They share no memory with
/// each other or with inputs.
#[derive(Clone, Copy)]
pub struct Gradients<'a> {
	/// Of the queries.
	pub queries: View<'a>,
	/// Of the keys.
	pub keys: View<'a>,
	/// Of the values.
	pub values: View<'a>,
}

/// How many rows a block works on. It changes the speed, never a bit of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tiles {
	/// Keys of a block that computes `dK` and `dV`.
	pub keys: usize,
	/// Queries of a block that computes `dQ`.
	pub queries: usize,
}

impl Tiles {
	/// All that there are for this head dimension, the largest first.
	pub const fn candidates(head_dim: usize) -> &'static [Tiles] {
		match head_dim {
			64 => &[
				Tiles { keys: 128, queries: 128 },
				Tiles { keys: 128, queries: 64 },
				Tiles { keys: 64, queries: 128 },
				Tiles { keys: 64, queries: 64 },
			],
			128 => &[Tiles { keys: 64, queries: 128 }, Tiles { keys: 64, queries: 64 }],
			_ => &[],
		}
	}

	/// The largest that still give every multiprocessor two blocks, else the smallest.
	fn choose(attention: &Attention<'_>, multiprocessors: u32) -> Self {
		let shape = &attention.shape;
		let wanted = multiprocessors as usize * 2;
		let pick = |heads: usize, rows: usize, tile: fn(&Tiles) -> usize| {
			let blocks = |tile: usize| rows.div_ceil(tile) * heads * shape.batch;
			let sizes = || Self::candidates(shape.head_dim).iter().map(tile);
			let filling = sizes().filter(|tile| blocks(*tile) >= wanted).max();
			filling.or_else(|| sizes().min()).unwrap_or(STATS_ROWS)
		};
		Self {
			keys: pick(shape.kv_heads, attention.lengths.longest_keys(), |tiles| tiles.keys),
			queries: pick(shape.query_heads, attention.lengths.longest_queries(), |tiles| tiles.queries),
		}
	}
}

/// Some of the rows of a gradient: sequences, heads (of queries for `dQ`, of keys for `dK` and `dV`), and rows within
/// each sequence, rounded out to whole tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
	/// Sequences of the batch.
	pub sequences: Range<usize>,
	/// Heads of each of them.
	pub heads: Range<usize>,
	/// Rows of each head; sequences that are shorter end where they end.
	pub rows: Range<usize>,
}

/// A backward pass whose arguments have been checked.
pub struct Backward<'a> {
	attention: Attention<'a>,
	inputs: Inputs<'a>,
	tiles: Tiles,
	/// `[query heads, groups of 64 rows, 2, 64]`.
	statistics: Buffer<f32>,
}

impl<'a> Backward<'a> {
	/// Checks the shapes, allocates the statistics and queues the kernel that fills them.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what doesn't fit, or what the device reports.
	pub fn new(attention: Attention<'a>, inputs: Inputs<'a>) -> Result<Self, DeviceError> {
		attention.check()?;
		within("queries of all sequences together", attention.query_rows(), MAX_ROWS / 2)?;
		attention.check_queries("queries", &inputs.forward.queries)?;
		attention.check_keys("keys", &inputs.forward.keys)?;
		attention.check_keys("values", &inputs.forward.values)?;
		attention.check_queries("output", &inputs.output)?;
		attention.check_queries("gradient of the output", &inputs.d_output)?;
		attention.check_lse("log-sum-exp", inputs.lse)?;
		let device = inputs.output.values.device();
		let length = attention.shape.query_heads.saturating_mul(stats_per_head(&attention));
		let statistics = Buffer::uninitialised(device, length)?;
		let tiles = Tiles::choose(&attention, device.multiprocessors());
		let backward = Self { attention, inputs, tiles, statistics };
		backward.compute_statistics()?;
		Ok(backward)
	}

	/// The same with other tiles.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are no such tiles for this head dimension.
	pub fn with_tiles(mut self, tiles: Tiles) -> Result<Self, DeviceError> {
		let head_dim = self.attention.shape.head_dim;
		ensure(Tiles::candidates(head_dim).contains(&tiles), || {
			format!("no {tiles:?} for heads of {head_dim} values")
		})?;
		self.tiles = tiles;
		Ok(self)
	}

	/// The tiles that were chosen.
	pub const fn tiles(&self) -> Tiles {
		self.tiles
	}

	/// Queues the statistics again, for inputs whose contents have changed since.
	///
	/// # Errors
	/// What the device reports.
	pub fn compute_statistics(&self) -> Result<(), DeviceError> {
		let Attention { shape, precision, lengths, .. } = &self.attention;
		let [query_offsets, _, queries, _] = lengths.args();
		let Inputs { output, d_output, lse, .. } = &self.inputs;
		let mut args =
			vec![self.statistics.arg(), output.arg(), d_output.arg(), lse.arg(), query_offsets, queries];
		args.extend(output.strides.args());
		args.extend(d_output.strides.args());
		args.extend(self.attention.lse_strides());
		args.push(Arg::I64(stats_per_head(&self.attention) as i64));
		let kernel = format!("attention_delta_{}_d{}", precision.name(), shape.head_dim);
		let blocks = lengths.longest_queries().div_ceil(STATS_ROWS);
		// SAFETY: `attention_delta.cu` takes these, and `new` has checked every array.
		unsafe { self.launch(&kernel, [blocks, shape.query_heads, shape.batch], 0, &args) }
	}

	/// All gradients, from the statistics that are there.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what doesn't fit, or what the device reports.
	pub fn run(&self, gradients: &Gradients<'_>) -> Result<(), DeviceError> {
		let Attention { shape, lengths, .. } = &self.attention;
		let part = |heads, rows| Part { sequences: 0..shape.batch, heads: 0..heads, rows: 0..rows };
		self.run_keys(&part(shape.kv_heads, lengths.longest_keys()), &gradients.keys, &gradients.values)?;
		self.run_queries(&part(shape.query_heads, lengths.longest_queries()), &gradients.queries)
	}

	/// `dK` and `dV` of some keys. The arrays have room for all.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what doesn't fit, or what the device reports.
	pub fn run_keys(&self, part: &Part, dk: &View<'_>, dv: &View<'_>) -> Result<(), DeviceError> {
		let Attention { shape, lengths, .. } = &self.attention;
		for (name, view) in [("gradient of the keys", dk), ("gradient of the values", dv)] {
			self.attention.check_keys(name, view)?;
			self.check_apart(name, view, shape.kv_heads, self.attention.key_rows())?;
		}
		let mut args = vec![dk.arg(), dv.arg()];
		args.extend(dk.strides.args());
		args.extend(dv.strides.args());
		// Two stages of 64 rows of Q and dO with their statistics.
		let stages = 2 * (2 * STATS_ROWS * shape.head_dim * 2 + 2 * STATS_ROWS * 4);
		self.run_part("kv", part, [shape.kv_heads, lengths.longest_keys()], self.tiles.keys, stages, args)
	}

	/// `dQ` of some queries. The array has room for all.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what doesn't fit, or what the device reports.
	pub fn run_queries(&self, part: &Part, dq: &View<'_>) -> Result<(), DeviceError> {
		let Attention { shape, lengths, .. } = &self.attention;
		let name = "gradient of the queries";
		self.attention.check_queries(name, dq)?;
		self.check_apart(name, dq, shape.query_heads, self.attention.query_rows())?;
		let mut args = vec![dq.arg()];
		args.extend(dq.strides.args());
		// Two stages of rows of K and V: fewer where Q and dO already take 64 KiB.
		let step = if shape.head_dim == 128 && self.tiles.queries == 128 { 32 } else { 64 };
		let stages = 2 * (2 * step * shape.head_dim * 2);
		self.run_part(
			"q",
			part,
			[shape.query_heads, lengths.longest_queries()],
			self.tiles.queries,
			stages,
			args,
		)
	}

	fn run_part(
		&self,
		kind: &str,
		part: &Part,
		[heads, rows]: [usize; 2],
		tile: usize,
		stages: usize,
		mut args: Vec<Arg>,
	) -> Result<(), DeviceError> {
		let Attention { shape, precision, lengths, scale } = &self.attention;
		let Part { sequences, heads: of_heads, rows: of_rows } = part;
		for (name, range, count) in
			[("sequences", sequences, shape.batch), ("heads", of_heads, heads), ("rows", of_rows, rows)]
		{
			ensure(range.start <= range.end && range.end <= count, || {
				format!("{name} {range:?} of {count}")
			})?;
		}
		let forward::Inputs { queries, keys, values } = &self.inputs.forward;
		let views = [queries, keys, values, &self.inputs.d_output];
		args.extend(views.map(View::arg));
		args.push(self.statistics.arg());
		args.extend(lengths.args());
		args.push(Arg::I32(shape.group() as i32));
		args.extend(views.iter().flat_map(|view| view.strides.args()));
		args.push(Arg::I64(stats_per_head(&self.attention) as i64));
		args.extend([Arg::F32(*scale), Arg::F32(*scale * LOG2_E), Arg::I32(i32::from(shape.causal))]);
		let first = [of_rows.start / tile, of_heads.start, sequences.start];
		args.extend(first.map(|first| Arg::I32(first as i32)));
		let kernel = format!("attention_backward_{kind}_{}_d{}_r{tile}", precision.name(), shape.head_dim);
		let blocks = if of_rows.is_empty() { 0 } else { of_rows.end.div_ceil(tile) - first[0] };
		let shared = 2 * tile * shape.head_dim * 2 + stages;
		// SAFETY: `attention_backward.cuh` lists these, and every array has been checked.
		unsafe { self.launch(&kernel, [blocks, of_heads.len(), sequences.len()], shared, &args) }
	}

	/// Checks that no two of all `rows` rows of each head overlap, which would make the result a matter of chance.
	fn check_apart(&self, name: &str, view: &View<'_>, heads: usize, rows: usize) -> Result<(), DeviceError> {
		let (shape, strides) = (&self.attention.shape, view.strides);
		let batch = if self.attention.lengths.is_packed() { 1 } else { shape.batch.max(1) };
		let mut steps = [(batch, strides.batch), (heads, strides.head), (rows / batch, strides.row)];
		steps.sort_by_key(|(_, stride)| *stride);
		let mut extent = shape.head_dim;
		for (count, stride) in steps.into_iter().filter(|(count, _)| *count > 1) {
			ensure(stride >= extent, || format!("rows of {name} overlap with {strides:?}"))?;
			extent += stride * (count - 1);
		}
		Ok(())
	}

	/// # Safety
	/// The arguments are those of the kernel.
	unsafe fn launch(
		&self,
		kernel: &str,
		grid: [usize; 3],
		shared: usize,
		args: &[Arg],
	) -> Result<(), DeviceError> {
		if grid.contains(&0) {
			return Ok(());
		}
		let launch = Launch { grid: grid.map(|n| n as u32), block: [THREADS, 1, 1], shared: shared as u32 };
		// SAFETY: the caller's promise.
		unsafe { self.device().launch(kernel, launch, args) }
	}

	fn device(&self) -> &Arc<dyn Device> {
		self.statistics.device()
	}
}

/// Floats of the statistics of one head: every sequence starts a group of its own.
fn stats_per_head(attention: &Attention<'_>) -> usize {
	(attention.query_rows() / STATS_ROWS).saturating_add(attention.shape.batch).saturating_mul(2 * STATS_ROWS)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::attention::{AttentionShape, Lengths, Precision};

	#[test]
	fn tiles_should_be_the_largest_that_fill_the_device() {
		let chosen = |head_dim, rows, multiprocessors| {
			let shape = AttentionShape { batch: 16, query_heads: 4, kv_heads: 2, head_dim, causal: true };
			let lengths = Lengths::Uniform { queries: rows, keys: rows };
			let attention = Attention { shape, precision: Precision::F16, lengths: &lengths, scale: 1.0 };
			Tiles::choose(&attention, multiprocessors)
		};
		// 256 blocks of 128 queries and 128 of 128 keys.
		assert_eq!(chosen(64, 512, 64), Tiles { keys: 128, queries: 128 });
		assert_eq!(chosen(64, 512, 65), Tiles { keys: 64, queries: 128 });
		assert_eq!(chosen(64, 512, 132), Tiles { keys: 64, queries: 64 });
		assert_eq!(chosen(128, 512, 64), Tiles { keys: 64, queries: 128 });
		assert_eq!(chosen(128, 0, 132), Tiles { keys: 64, queries: 64 });
	}
}
