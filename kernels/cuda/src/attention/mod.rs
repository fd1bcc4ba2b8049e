//! The `Fast` profile's attention: half-precision inputs, f32 sums, online softmax, on tensor cores.
//!
//! [`forward`] is prefill and evaluation, [`backward`] its gradients, [`decode`] one token against a cache of keys
//! and values; [`tuning`] chooses tiles, [`mod@reference`] says in f64 what all of them approximate.
//!
//! Values are 16-bit floats travelling as their bits (`u16`); [`Precision`] says which kind. A [`View`] is an array
//! with a stride for batch, head and row, so `[B, H, S, D]`, `[B, S, H, D]` and packed `[total, H, D]` are all the
//! same. With [`AttentionShape::causal`], query `i` sees the keys up to `i + keys − queries`: the last query sees the
//! last key. A query that sees no key has output 0 and log-sum-exp −∞.

pub mod backward;
pub mod decode;
pub mod forward;
pub mod reference;
pub mod tuning;

use crate::{Arg, Buffer, Device, DeviceError};
use serde::{Deserialize, Serialize};
use std::{ops::Range, sync::Arc};

/// Which 16-bit float.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Precision {
	/// IEEE binary16.
	F16,
	/// bfloat16: the upper half of an f32.
	Bf16,
}

impl Precision {
	/// As kernels are named.
	pub const fn name(self) -> &'static str {
		match self {
			Self::F16 => "f16",
			Self::Bf16 => "bf16",
		}
	}
}

/// What does not depend on the lengths of the sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttentionShape {
	/// Sequences, at most 65535.
	pub batch: usize,
	/// Query heads, at most 65535: a multiple of `kv_heads`.
	pub query_heads: usize,
	/// Heads of keys and values; head `h` of the queries reads head `h · kv_heads / query_heads`.
	pub kv_heads: usize,
	/// Values per row: 64 or 128.
	pub head_dim: usize,
	/// Whether a query sees only the keys up to its own place, counted from the end.
	pub causal: bool,
}

impl AttentionShape {
	/// Query heads per head of keys and values.
	pub const fn group(&self) -> usize {
		self.query_heads / self.kv_heads
	}
}

/// Where each sequence of a packed batch starts: `batch + 1` rows, on the host and on the device.
pub struct Offsets {
	host: Vec<usize>,
	device: Buffer<u32>,
}

impl Offsets {
	/// Sequences of these lengths, one after another.
	///
	/// # Errors
	/// [`DeviceError::Shape`] from 2^31 rows in total on, or [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, lengths: &[usize]) -> Result<Self, DeviceError> {
		let mut host = vec![0];
		let mut total = 0usize;
		for length in lengths {
			total = total.saturating_add(*length);
			host.push(total);
		}
		within("rows of all sequences together", total, MAX_ROWS)?;
		let words: Vec<u32> = host.iter().map(|offset| *offset as u32).collect();
		Ok(Self { host, device: Buffer::upload(device, &words)? })
	}

	/// Row `offsets[b]` is where sequence `b` starts, `offsets[b + 1]` where it ends.
	pub fn host(&self) -> &[usize] {
		&self.host
	}

	/// The rows of one sequence.
	pub fn range(&self, sequence: usize) -> Range<usize> {
		self.host[sequence]..self.host[sequence + 1]
	}

	/// Rows of all sequences together.
	pub fn total(&self) -> usize {
		self.host.last().copied().unwrap_or(0)
	}

	/// Rows of the longest sequence.
	pub fn longest(&self) -> usize {
		self.host.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
	}
}

/// How long the sequences are.
pub enum Lengths {
	/// All alike: arrays have a batch dimension.
	Uniform {
		/// Queries per sequence.
		queries: usize,
		/// Keys per sequence.
		keys: usize,
	},
	/// Each its own: arrays are packed, sequence after sequence, and have no batch dimension.
	Variable {
		/// Where each sequence's queries start.
		queries: Offsets,
		/// Where each sequence's keys start.
		keys: Offsets,
	},
}

impl Lengths {
	/// Queries of the longest sequence.
	pub fn longest_queries(&self) -> usize {
		match self {
			Self::Uniform { queries, .. } => *queries,
			Self::Variable { queries, .. } => queries.longest(),
		}
	}

	/// Keys of the longest sequence.
	pub fn longest_keys(&self) -> usize {
		match self {
			Self::Uniform { keys, .. } => *keys,
			Self::Variable { keys, .. } => keys.longest(),
		}
	}

	/// The rows of one sequence: queries, then keys. They start at 0 unless the arrays are packed.
	pub fn of(&self, sequence: usize) -> (Range<usize>, Range<usize>) {
		match self {
			Self::Uniform { queries, keys } => (0..*queries, 0..*keys),
			Self::Variable { queries, keys } => (queries.range(sequence), keys.range(sequence)),
		}
	}

	/// True if the arrays are packed.
	pub const fn is_packed(&self) -> bool {
		matches!(self, Self::Variable { .. })
	}

	/// The kernels' `query_offsets, key_offsets, queries, keys`.
	pub fn args(&self) -> [Arg; 4] {
		match self {
			Self::Uniform { queries, keys } => {
				[Arg::Pointer(0), Arg::Pointer(0), Arg::I32(*queries as i32), Arg::I32(*keys as i32)]
			},
			Self::Variable { queries, keys } => {
				[queries.device.arg(), keys.device.arg(), Arg::I32(0), Arg::I32(0)]
			},
		}
	}
}

/// How far apart things lie, in elements. All are multiples of 8: kernels move 16 bytes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
	/// From sequence to sequence; without meaning in packed arrays.
	pub batch: usize,
	/// From head to head.
	pub head: usize,
	/// From row to row.
	pub row: usize,
}

impl Strides {
	/// `[B, heads, rows, D]` without gaps.
	pub const fn heads_first(heads: usize, rows: usize, head_dim: usize) -> Self {
		Self { batch: heads * rows * head_dim, head: rows * head_dim, row: head_dim }
	}

	/// `[B, rows, heads, D]`, or packed `[total, heads, D]`, without gaps.
	pub const fn rows_first(heads: usize, rows: usize, head_dim: usize) -> Self {
		Self { batch: rows * heads * head_dim, head: head_dim, row: heads * head_dim }
	}

	/// The kernels' `batch, head, row`.
	pub fn args(&self) -> [Arg; 3] {
		[Arg::I64(self.batch as i64), Arg::I64(self.head as i64), Arg::I64(self.row as i64)]
	}
}

/// Queries, keys, values, outputs or gradients on a device.
#[derive(Clone, Copy)]
pub struct View<'a> {
	/// The array that they lie in.
	pub values: &'a Buffer<u16>,
	/// The element at which they start, a multiple of 8.
	pub start: usize,
	/// How they lie.
	pub strides: Strides,
}

impl<'a> View<'a> {
	/// All of an array.
	pub const fn new(values: &'a Buffer<u16>, strides: Strides) -> Self {
		Self { values, start: 0, strides }
	}

	/// The first element as a kernel's argument.
	pub fn arg(&self) -> Arg {
		self.values.arg_at(self.start)
	}
}

/// One attention to be computed: what forward and backward have in common.
pub struct Attention<'a> {
	/// Heads and mask.
	pub shape: AttentionShape,
	/// The kind of every 16-bit array.
	pub precision: Precision,
	/// Queries and keys per sequence.
	pub lengths: &'a Lengths,
	/// What scores are multiplied by before the softmax, usually `1 / √head_dim`: positive and finite.
	pub scale: f32,
}

/// Most rows of a sequence, or of a packed batch: row numbers are `i32`, and tiles may reach past the end.
pub const MAX_ROWS: usize = (i32::MAX as usize) - 1024;
/// Most elements from row to row: kernels multiply row numbers by 32-bit strides.
pub const MAX_ROW_STRIDE: usize = i32::MAX as usize;
const MAX_GRID: usize = 65535;

impl Attention<'_> {
	/// Floats of the log-sum-exp: `[B, query_heads, queries]`, or `[query_heads, total queries]` if packed.
	pub fn lse_len(&self) -> usize {
		self.query_rows().saturating_mul(self.shape.query_heads)
	}

	/// Queries of all sequences together.
	pub fn query_rows(&self) -> usize {
		match self.lengths {
			Lengths::Uniform { queries, .. } => self.shape.batch.saturating_mul(*queries),
			Lengths::Variable { queries, .. } => queries.total(),
		}
	}

	/// Keys of all sequences together.
	pub fn key_rows(&self) -> usize {
		match self.lengths {
			Lengths::Uniform { keys, .. } => self.shape.batch.saturating_mul(*keys),
			Lengths::Variable { keys, .. } => keys.total(),
		}
	}

	/// The strides of the log-sum-exp: of a sequence and of a head, in floats.
	pub fn lse_strides(&self) -> [Arg; 2] {
		let head = match self.lengths {
			Lengths::Uniform { queries, .. } => *queries,
			Lengths::Variable { queries, .. } => queries.total(),
		};
		[Arg::I64((head * self.shape.query_heads) as i64), Arg::I64(head as i64)]
	}

	/// Checks everything but the arrays.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what is wrong.
	pub fn check(&self) -> Result<(), DeviceError> {
		let AttentionShape { batch, query_heads, kv_heads, head_dim, .. } = self.shape;
		check_heads(batch, query_heads, kv_heads, head_dim)?;
		check_scale(self.scale)?;
		match self.lengths {
			Lengths::Uniform { queries, keys } => {
				within("queries per sequence", *queries, MAX_ROWS)?;
				within("keys per sequence", *keys, MAX_ROWS)
			},
			Lengths::Variable { queries, keys } => {
				for (name, offsets) in [("queries", queries), ("keys", keys)] {
					let sequences = offsets.host.len() - 1;
					ensure(sequences == batch, || {
						format!("offsets of {name} for {sequences} sequences in a batch of {batch}")
					})?;
				}
				Ok(())
			},
		}
	}

	/// Checks an array that has a row per query and query head.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what is wrong.
	pub fn check_queries(&self, name: &str, view: &View<'_>) -> Result<(), DeviceError> {
		let rows = match self.lengths {
			Lengths::Uniform { queries, .. } => *queries,
			Lengths::Variable { queries, .. } => queries.total(),
		};
		self.check_view(name, view, self.shape.query_heads, rows)
	}

	/// Checks an array that has a row per key and head of keys.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what is wrong.
	pub fn check_keys(&self, name: &str, view: &View<'_>) -> Result<(), DeviceError> {
		let rows = match self.lengths {
			Lengths::Uniform { keys, .. } => *keys,
			Lengths::Variable { keys, .. } => keys.total(),
		};
		self.check_view(name, view, self.shape.kv_heads, rows)
	}

	fn check_view(&self, name: &str, view: &View<'_>, heads: usize, rows: usize) -> Result<(), DeviceError> {
		let batch = if self.lengths.is_packed() { 1 } else { self.shape.batch };
		check_view(name, view, [batch, heads, rows], self.shape.head_dim)
	}

	/// Checks an array of one float per query and query head, such as the log-sum-exp.
	///
	/// # Errors
	/// [`DeviceError::Shape`] that says what is wrong.
	pub fn check_lse(&self, name: &str, values: &Buffer<f32>) -> Result<(), DeviceError> {
		ensure(values.len() >= self.lse_len(), || {
			format!("{name} has {} floats, not {}", values.len(), self.lse_len())
		})
	}
}

fn ensure(holds: bool, what: impl FnOnce() -> String) -> Result<(), DeviceError> {
	if holds {
		return Ok(());
	}
	Err(DeviceError::Shape(what()))
}

fn within(name: &str, value: usize, most: usize) -> Result<(), DeviceError> {
	ensure(value <= most, || format!("{value} {name}: at most {most} are possible"))
}

fn check_scale(scale: f32) -> Result<(), DeviceError> {
	ensure(scale.is_finite() && scale > 0.0, || format!("a scale of {scale}: it must be positive and finite"))
}

fn check_heads(
	batch: usize,
	query_heads: usize,
	kv_heads: usize,
	head_dim: usize,
) -> Result<(), DeviceError> {
	within("sequences", batch, MAX_GRID)?;
	within("query heads", query_heads, MAX_GRID)?;
	ensure(kv_heads > 0 && query_heads > 0 && query_heads.is_multiple_of(kv_heads), || {
		format!("{query_heads} query heads can't share {kv_heads} heads of keys and values evenly")
	})?;
	ensure(matches!(head_dim, 64 | 128), || format!("a head of {head_dim} values: it must be 64 or 128"))
}

/// Checks that `[batch, heads, rows]` rows of `head_dim` values lie within an array as 16-byte pieces.
fn check_view(
	name: &str,
	view: &View<'_>,
	[batch, heads, rows]: [usize; 3],
	head_dim: usize,
) -> Result<(), DeviceError> {
	let View { values, start, strides } = view;
	let whole = [*start, strides.batch, strides.head, strides.row].iter().all(|at| at % 8 == 0);
	ensure(whole, || {
		format!("{name}: start and strides must be multiples of 8, not {start} and {strides:?}")
	})?;
	within("elements from row to row", strides.row, MAX_ROW_STRIDE)?;
	ensure(*start <= values.len(), || format!("{name} starts past its array's {} values", values.len()))?;
	if batch == 0 || heads == 0 || rows == 0 {
		return Ok(());
	}
	let steps = [(batch, strides.batch), (heads, strides.head), (rows, strides.row)];
	let last = steps
		.iter()
		.try_fold(*start, |at, (count, stride)| at.checked_add((count - 1).checked_mul(*stride)?));
	let end = last.and_then(|last| last.checked_add(head_dim));
	ensure(end.is_some_and(|end| end <= values.len()), || {
		format!("{name}: [{batch}, {heads}, {rows}, {head_dim}] with {strides:?} from {start} on need more than the {} values there are", values.len())
	})
}
