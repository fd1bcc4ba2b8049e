//! Decoding: a cache of keys and values, and one query token per sequence against it.
//!
//! [`KvCache`] is one layer's cache. [`Filled`] says how full the caches of all layers are: after every layer has
//! appended its rows, [`Filled::advance`] moves on, and [`KvCache::decode`] reads what is there.

use super::{
	check_heads, check_scale, check_view, ensure, within, Attention, AttentionShape, Lengths, Offsets,
	Precision, Strides, View, MAX_GRID, MAX_ROWS, MAX_ROW_STRIDE,
};
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use std::sync::Arc;

/// Keys of a split, unless a [`Workspace`] says otherwise. Another size gives other last bits.
pub const SPLIT: usize = 256;
/// Splits are multiples of this: the keys of one step of `attention_decode.cu`, as for what follows.
const STEP: usize = 64;
const HEADS: usize = 16;
const SPLIT_THREADS: u32 = 128;
const COMBINE_THREADS: u32 = 256;
const COPY_THREADS: usize = 256;
const RING_BYTES: u32 = 64 << 10;

/// How many tokens each sequence of a batch has in its caches.
pub struct Filled {
	host: Vec<usize>,
	device: Buffer<u32>,
}

impl Filled {
	/// Empty caches.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, batch: usize) -> Result<Self, DeviceError> {
		Ok(Self { host: vec![0; batch], device: Buffer::zeros(device, batch)? })
	}

	/// Counts of tokens, by sequence.
	pub fn lengths(&self) -> &[usize] {
		&self.host
	}

	/// Sets the counts: to give a place to another sequence, or to take tokens back.
	///
	/// # Errors
	/// [`DeviceError::Shape`] for another number of sequences, or [`DeviceError::Memory`].
	pub fn set(&mut self, lengths: &[usize]) -> Result<(), DeviceError> {
		ensure(lengths.len() == self.host.len(), || {
			format!("lengths of {} sequences in a batch of {}", lengths.len(), self.host.len())
		})?;
		within("tokens of a sequence", lengths.iter().copied().max().unwrap_or(0), MAX_ROWS)?;
		let words: Vec<u32> = lengths.iter().map(|length| *length as u32).collect();
		self.device.write(&words)?;
		self.host.copy_from_slice(lengths);
		Ok(())
	}

	/// Counts tokens that every cache has appended.
	///
	/// # Errors
	/// As [`Filled::set`].
	pub fn advance(&mut self, tokens: &Tokens<'_>) -> Result<(), DeviceError> {
		tokens.check(self.host.len())?;
		let lengths: Vec<usize> =
			self.host.iter().enumerate().map(|(b, length)| length.saturating_add(tokens.of(b))).collect();
		self.set(&lengths)
	}
}

/// How many tokens each sequence brings.
#[derive(Clone, Copy)]
pub enum Tokens<'a> {
	/// All as many: arrays have a batch dimension.
	Each(usize),
	/// Each its own: arrays are packed.
	Packed(&'a Offsets),
}

impl Tokens<'_> {
	fn of(&self, sequence: usize) -> usize {
		match self {
			Self::Each(tokens) => *tokens,
			Self::Packed(offsets) => offsets.range(sequence).len(),
		}
	}

	fn check(&self, batch: usize) -> Result<(), DeviceError> {
		match self {
			Self::Each(_) => Ok(()),
			Self::Packed(offsets) => ensure(offsets.host().len() == batch + 1, || {
				format!("offsets of {} sequences in a batch of {batch}", offsets.host().len() - 1)
			}),
		}
	}
}

/// The size of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheShape {
	/// Sequences.
	pub batch: usize,
	/// Heads of keys and values.
	pub kv_heads: usize,
	/// Values per row: 64 or 128.
	pub head_dim: usize,
	/// Most tokens of a sequence.
	pub capacity: usize,
}

/// The keys and values of one layer: `[batch, kv_heads, capacity, head_dim]` each. What lies beyond a sequence's length
/// is never read.
pub struct KvCache {
	shape: CacheShape,
	precision: Precision,
	keys: Buffer<u16>,
	values: Buffer<u16>,
}

/// Where partial results of [`KvCache::decode`] go. Layers that run one after another share it.
pub struct Workspace {
	split: usize,
	splits: usize,
	rows: usize,
	partial: Buffer<f32>,
	stats: Buffer<f32>,
}

impl Workspace {
	/// Room for caches of a shape, read in splits of `split` keys: a multiple of 64, usually [`SPLIT`].
	///
	/// # Errors
	/// [`DeviceError::Shape`] for an impossible size, or [`DeviceError::Memory`].
	pub fn new(
		device: &Arc<dyn Device>,
		shape: CacheShape,
		query_heads: usize,
		split: usize,
	) -> Result<Self, DeviceError> {
		ensure(split > 0 && split.is_multiple_of(STEP) && split <= MAX_ROWS, || {
			format!("splits of {split} keys: they must be multiples of {STEP}")
		})?;
		let (rows, splits) = (shape.batch.saturating_mul(query_heads), shape.capacity.div_ceil(split));
		let entries = rows.saturating_mul(splits);
		Ok(Self {
			split,
			splits,
			rows,
			partial: Buffer::uninitialised(device, entries.saturating_mul(shape.head_dim))?,
			stats: Buffer::uninitialised(device, entries.saturating_mul(2))?,
		})
	}
}

/// What [`KvCache::decode`] reads and writes.
#[derive(Clone, Copy)]
pub struct Step<'a> {
	/// Query heads, a multiple of the cache's heads.
	pub query_heads: usize,
	/// What scores are multiplied by before the softmax: positive and finite.
	pub scale: f32,
	/// One row per sequence and query head; the stride of rows has no meaning.
	pub queries: View<'a>,
	/// As the queries.
	pub output: View<'a>,
	/// The log-sum-exp `[batch, query_heads]`, if it is wanted.
	pub lse: Option<&'a Buffer<f32>>,
}

impl KvCache {
	/// An empty cache.
	///
	/// # Errors
	/// [`DeviceError::Shape`] for an impossible shape, or [`DeviceError::Memory`].
	pub fn new(
		device: &Arc<dyn Device>,
		shape: CacheShape,
		precision: Precision,
	) -> Result<Self, DeviceError> {
		let CacheShape { batch, kv_heads, head_dim, capacity } = shape;
		check_heads(batch, kv_heads, kv_heads, head_dim)?;
		// Places in a sequence's rows are 32-bit, in units of 16 bytes.
		within("tokens of a cache", capacity, MAX_ROWS / (head_dim / 8))?;
		let values = [batch, kv_heads, capacity, head_dim].into_iter().fold(1usize, usize::saturating_mul);
		Ok(Self {
			shape,
			precision,
			keys: Buffer::uninitialised(device, values)?,
			values: Buffer::uninitialised(device, values)?,
		})
	}

	/// The cache's size.
	pub const fn shape(&self) -> CacheShape {
		self.shape
	}

	/// Keys as [`Attention::forward`] takes them, for a prefill over what the cache holds (all sequences alike).
	pub const fn keys(&self) -> View<'_> {
		View::new(&self.keys, self.strides())
	}

	/// Values as [`Attention::forward`] takes them.
	pub const fn values(&self) -> View<'_> {
		View::new(&self.values, self.strides())
	}

	const fn strides(&self) -> Strides {
		Strides::heads_first(self.shape.kv_heads, self.shape.capacity, self.shape.head_dim)
	}

	fn check_filled(&self, filled: &Filled) -> Result<(), DeviceError> {
		ensure(filled.host.len() == self.shape.batch, || {
			format!("lengths of {} sequences for a cache of {}", filled.host.len(), self.shape.batch)
		})
	}

	/// Copies rows of new tokens behind those that each sequence has.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if arrays don't fit or a sequence would grow past the capacity; what the launch reports.
	pub fn append(
		&self,
		filled: &Filled,
		tokens: &Tokens<'_>,
		keys: &View<'_>,
		values: &View<'_>,
	) -> Result<(), DeviceError> {
		let CacheShape { batch, kv_heads, head_dim, capacity } = self.shape;
		self.check_filled(filled)?;
		tokens.check(batch)?;
		for (b, length) in filled.host.iter().enumerate() {
			let grown = length.saturating_add(tokens.of(b));
			ensure(grown <= capacity, || {
				format!("sequence {b} would have {grown} tokens in a cache of {capacity}")
			})?;
		}
		let (rows, longest, offsets, each) = match tokens {
			Tokens::Each(tokens) => ([batch, kv_heads, *tokens], *tokens, Arg::Pointer(0), *tokens),
			Tokens::Packed(offsets) => {
				([1, kv_heads, offsets.total()], offsets.longest(), offsets.device.arg(), 0)
			},
		};
		check_view("keys", keys, rows, head_dim)?;
		check_view("values", values, rows, head_dim)?;
		if batch == 0 || longest == 0 {
			return Ok(());
		}
		let chunks = head_dim / 8;
		let mut args =
			vec![self.keys.arg(), self.values.arg(), keys.arg(), values.arg(), filled.device.arg(), offsets];
		args.extend([Arg::I32(each as i32), Arg::I32(chunks as i32), Arg::I64(capacity as i64)]);
		args.extend(keys.strides.args());
		args.extend(values.strides.args());
		let launch = Launch {
			grid: [(longest * chunks).div_ceil(COPY_THREADS) as u32, kv_heads as u32, batch as u32],
			block: [COPY_THREADS as u32, 1, 1],
			shared: 0,
		};
		// SAFETY: the arguments are those of attention_decode.cu, and all that it touches was checked above.
		unsafe { self.keys.device().launch("attention_cache_append", launch, &args) }
	}

	/// Attends from one token per sequence to all tokens that the sequence has, itself included.
	///
	/// A sequence's bits depend on its own values and on the workspace's split alone: not on the batch, the capacity or
	/// how busy the device is. An empty sequence gives 0 and −∞. Nothing is waited for.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if arrays don't fit together; what the launches report.
	pub fn decode(&self, filled: &Filled, step: &Step<'_>, workspace: &Workspace) -> Result<(), DeviceError> {
		let CacheShape { batch, kv_heads, head_dim, capacity } = self.shape;
		let Step { query_heads, scale, queries, output, lse } = *step;
		let rows = [batch, query_heads, 1];
		check_heads(batch, query_heads, kv_heads, head_dim)?;
		check_scale(scale)?;
		self.check_filled(filled)?;
		check_view("queries", &queries, rows, head_dim)?;
		check_view("output", &output, rows, head_dim)?;
		// The heads of a group are the rows of a tile.
		within("elements from query head to query head", queries.strides.head, MAX_ROW_STRIDE)?;
		let longest = filled.host.iter().copied().max().unwrap_or(0);
		within("tokens of a sequence", longest, capacity)?;
		let entries = batch * query_heads;
		if let Some(lse) = lse {
			ensure(lse.len() >= entries, || format!("log-sum-exp has {} floats, not {entries}", lse.len()))?;
		}
		let splits = longest.div_ceil(workspace.split);
		let room = workspace.rows * workspace.splits * head_dim <= workspace.partial.len();
		ensure(room && entries <= workspace.rows && splits <= workspace.splits, || {
			format!(
				"a workspace for {} rows of {} splits, not {entries} of {splits}",
				workspace.rows, workspace.splits
			)
		})?;
		let group_blocks = kv_heads * (query_heads / kv_heads).div_ceil(HEADS);
		within("blocks of query heads", group_blocks, MAX_GRID)?;
		if batch == 0 {
			return Ok(());
		}
		let device = output.values.device();
		let name = |part| format!("attention_decode_{part}_{}_d{head_dim}", self.precision.name());
		let sizes = [Arg::I32(workspace.split as i32), Arg::I32(workspace.splits as i32), Arg::F32(scale)];
		if splits > 0 {
			let mut args = vec![workspace.partial.arg(), workspace.stats.arg(), queries.arg()];
			args.extend([self.keys.arg(), self.values.arg(), filled.device.arg()]);
			args.extend([Arg::I32(query_heads as i32), Arg::I32(kv_heads as i32), Arg::I64(capacity as i64)]);
			args.extend(&queries.strides.args()[..2]);
			args.extend(sizes);
			let launch = Launch {
				grid: [splits as u32, group_blocks as u32, batch as u32],
				block: [SPLIT_THREADS, 1, 1],
				shared: RING_BYTES + (HEADS * head_dim * 2) as u32,
			};
			// SAFETY: the arguments are those of attention_decode.cu, and all that it touches was checked above.
			unsafe { device.launch(&name("split"), launch, &args)? };
		}
		let mut args = vec![output.arg(), lse.map_or(Arg::Pointer(0), Buffer::arg)];
		args.extend([workspace.partial.arg(), workspace.stats.arg(), filled.device.arg()]);
		args.extend(&output.strides.args()[..2]);
		args.extend(sizes);
		let parts = COMBINE_THREADS / (head_dim as u32 / 4);
		let launch = Launch {
			grid: [query_heads as u32, batch as u32, 1],
			block: [COMBINE_THREADS, 1, 1],
			shared: (parts * head_dim as u32 + parts + COMBINE_THREADS / 32) * 4,
		};
		// SAFETY: as above.
		unsafe { device.launch(&name("combine"), launch, &args) }
	}

	/// The attention of `queries` tokens per sequence over a cache that holds `tokens` of each: what a prefill into the
	/// cache runs, for [`Attention::forward`] with [`KvCache::keys`] and [`KvCache::values`].
	pub const fn prefill<'a>(&self, lengths: &'a Lengths, query_heads: usize, scale: f32) -> Attention<'a> {
		let CacheShape { batch, kv_heads, head_dim, .. } = self.shape;
		let shape = AttentionShape { batch, query_heads, kv_heads, head_dim, causal: true };
		Attention { shape, precision: self.precision, lengths, scale }
	}
}
