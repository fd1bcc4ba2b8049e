//! Exact attention over a cache, or over some positions of a context that is kept in several places.
//!
//! A *row* is one head of one token, number `token · heads + head`. It sees the positions up to its own. Every way of
//! sharing out the keys, over blocks or over devices, gives canon's bits: [`Attention::attend`] does all of it;
//! [`Attention::maxima`], [`Attention::sums`] and [`Attention::finish`] are its three steps, between which the results of
//! several devices can be put together by [`merge_maxima`] and [`merge_sums`].

use super::rows::fits;
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_canon::{
	attention::{multiplier, MAX_KEYS},
	tables::EXP2,
};
use std::sync::Arc;

/// Most keys of one split: the kernels' 32-bit sums hold that many.
pub const MAX_SPLIT: usize = 1 << 14;

/// Fewest keys that are worth a split of their own; a multiple of every plan's tile.
const MIN_SPLIT: usize = 128;
/// Most keys that one block goes over even if others stand idle: less than the launches that a split takes more.
const UNDIVIDED: usize = 512;
/// Blocks per multiprocessor that splitting aims at.
const BLOCKS_PER_PROCESSOR: usize = 2;
/// Outputs of a row that one block makes.
const SLICE: usize = 64;
/// Bytes of the table of weights in shared memory.
const TABLE_BYTES: usize = 256 * 32 * 2;
/// Outputs and threads of a block of the kernels that merge sums, and its shared memory.
const MERGE_OUTPUTS: usize = 32;
const MERGE_BLOCK: Launch = Launch { grid: [1, 1, 1], block: [256, 1, 1], shared: 256 * (8 + 4) };

/// Sizes of a layer's attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
	/// Query heads, a multiple of the key-value heads.
	pub heads: usize,
	/// Key-value heads.
	pub kv_heads: usize,
	/// Values per head: 64 or 128.
	pub dim: usize,
}

/// Keys and values of one layer: `[kv_heads, capacity, dim]` each, Q9, magnitude at most 32767.
#[derive(Clone, Copy)]
pub struct Cache<'a> {
	/// Keys.
	pub keys: &'a Buffer<i16>,
	/// Values.
	pub values: &'a Buffer<i16>,
	/// Element of the layer's first number in both; a multiple of 8.
	pub offset: usize,
	/// Positions that there is room for.
	pub capacity: usize,
}

impl Cache<'_> {
	/// Refuses arrays that are shorter than the capacity says.
	pub(super) fn check(&self, heads: &Heads) -> Result<(), DeviceError> {
		let room = self.keys.len().min(self.values.len()).saturating_sub(self.offset);
		fits("the cache", room, heads.kv_heads.saturating_mul(self.capacity), heads.dim)?;
		if !self.offset.is_multiple_of(8) || self.capacity > i32::MAX as usize {
			return Err(DeviceError::Shape(format!(
				"a cache of {} positions at element {}, which should be a multiple of 8",
				self.capacity, self.offset
			)));
		}
		Ok(())
	}
}

/// The positions that a cache's first entries stand for: `first`, `first + stride` and so on, `count` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Positions {
	/// The first position.
	pub first: usize,
	/// From one to the next, at least 1.
	pub stride: usize,
	/// How many: at most the cache's capacity and [`MAX_KEYS`].
	pub count: usize,
}

impl Positions {
	/// The first `count` positions of a context.
	pub fn from_start(count: usize) -> Self {
		Self { first: 0, stride: 1, count }
	}
}

/// Consecutive tokens that ask.
#[derive(Clone, Copy)]
pub struct Queries<'a> {
	/// `[tokens, heads, dim]`, Q9, magnitude at most 32767.
	pub values: &'a Buffer<i16>,
	/// Tokens.
	pub tokens: usize,
	/// Position of the first.
	pub first: usize,
	/// A number on the device that is added to `first` and to the count of the cache's positions (as far as its capacity
	/// goes): with it, launches that were recorded once serve every token.
	pub past: Option<&'a Buffer<i32>>,
}

/// Sums of some rows under their maxima, in one or more parts.
pub struct Sums {
	/// Sums of weights, `[parts, rows]`.
	pub denominators: Buffer<u32>,
	/// Weighted sums of values, `[parts, rows, dim]`.
	pub numerators: Buffer<i64>,
}

impl Sums {
	/// Room for `parts` parts of `rows` rows.
	///
	/// # Errors
	/// [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, parts: usize, rows: usize, dim: usize) -> Result<Self, DeviceError> {
		let total = parts.saturating_mul(rows);
		Ok(Self {
			denominators: Buffer::uninitialised(device, total)?,
			numerators: Buffer::uninitialised(device, total.saturating_mul(dim))?,
		})
	}

	/// The arrays of a pass that leaves its sums here.
	fn to(&self, arrays: Arrays) -> Arrays {
		Arrays { denominators: self.denominators.arg(), numerators: self.numerators.arg(), ..arrays }
	}

	fn check(&self, parts: usize, rows: usize, dim: usize) -> Result<(), DeviceError> {
		fits("the sums of weights", self.denominators.len(), parts, rows)?;
		fits("the sums of values", self.numerators.len(), parts, rows.saturating_mul(dim))
	}
}

/// How a kernel's blocks are laid out: the plans of `exact_attention.cu`.
struct Plan {
	name: &'static str,
	dim: usize,
	rows: usize,
	tile: usize,
	threads: u32,
}

impl Plan {
	/// The plan for `rows` rows of every key-value head.
	const fn of(dim: usize, rows: usize) -> Self {
		match (dim, rows <= 16) {
			(64, true) => Self { name: "narrow_64", dim, rows: 16, tile: 128, threads: 128 },
			(64, false) => Self { name: "wide_64", dim, rows: 64, tile: 64, threads: 128 },
			(_, true) => Self { name: "narrow_128", dim, rows: 16, tile: 64, threads: 64 },
			(_, false) => Self { name: "wide_128", dim, rows: 64, tile: 64, threads: 128 },
		}
	}

	/// Two stages of keys and slices of values.
	const fn stage_bytes(&self) -> usize {
		2 * self.tile * (self.dim + SLICE) * size_of::<i16>()
	}
}

/// A call whose arrays were checked, and how its work is shared out.
struct Call<'a> {
	queries: Queries<'a>,
	cache: Cache<'a>,
	positions: Positions,
	rows: usize,
	plan: Plan,
	tiles: usize,
	/// Keys per split, and how many splits there are.
	split: usize,
	splits: usize,
}

/// A pass over keys.
#[derive(Clone, Copy)]
enum Kind {
	Maximum,
	Sums,
	Attend,
}

/// What a pass reads and writes besides queries, keys and values.
#[derive(Clone, Copy)]
struct Arrays {
	out: Arg,
	maxima: Arg,
	maximum_parts: usize,
	denominators: Arg,
	numerators: Arg,
}

const NOTHING: Arrays = Arrays {
	out: Arg::Pointer(0),
	maxima: Arg::Pointer(0),
	maximum_parts: 0,
	denominators: Arg::Pointer(0),
	numerators: Arg::Pointer(0),
};

/// Attention of one shape on one device.
pub struct Attention {
	device: Arc<dyn Device>,
	heads: Heads,
	multiplier: u32,
	exp2: Buffer<u16>,
	/// Keys per split where the caller wants to say it.
	split_keys: Option<usize>,
	maxima: Buffer<i64>,
	sums: Sums,
}

impl Attention {
	/// For layers of this shape. Memory for splits is taken when a call first needs it, and kept.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if there are no such kernels, or [`DeviceError::Memory`].
	pub fn new(device: &Arc<dyn Device>, heads: Heads) -> Result<Self, DeviceError> {
		let Heads { heads: queries, kv_heads, dim } = heads;
		if queries == 0
			|| kv_heads == 0
			|| !queries.is_multiple_of(kv_heads)
			|| queries > 1 << 16
			|| ![64, 128].contains(&dim)
		{
			return Err(DeviceError::Shape(format!(
				"{queries} heads over {kv_heads} of {dim} values: they should divide, and have 64 or 128 values"
			)));
		}
		Ok(Self {
			device: device.clone(),
			heads,
			multiplier: multiplier(dim) as u32,
			exp2: Buffer::upload(device, &EXP2)?,
			split_keys: None,
			maxima: Buffer::uninitialised(device, 1)?,
			sums: Sums::new(device, 1, 1, dim)?,
		})
	}

	/// Shares out keys in splits of `keys` (rounded up to a multiple of 128, at most [`MAX_SPLIT`]) instead of what suits
	/// the device; `None` goes back to that. The bits are the same.
	pub fn set_split(&mut self, keys: Option<usize>) {
		self.split_keys = keys;
	}

	/// Queues attention: `out` gets `[tokens, heads, dim]`, Q16; rows that see nothing are 0.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
	pub fn attend(
		&mut self,
		queries: &Queries<'_>,
		cache: &Cache<'_>,
		positions: Positions,
		out: &Buffer<i32>,
	) -> Result<(), DeviceError> {
		let call = self.call(queries, cache, positions)?;
		fits("the output", out.len(), call.rows, self.heads.dim)?;
		if call.splits == 1 {
			return self.pass(Kind::Attend, &call, Arrays { out: out.arg(), ..NOTHING });
		}
		self.reserve(&call)?;
		let maxima = Arrays { maxima: self.maxima.arg(), maximum_parts: call.splits, ..NOTHING };
		self.pass(Kind::Maximum, &call, maxima)?;
		self.pass(Kind::Sums, &call, self.sums.to(maxima))?;
		self.finish(&self.sums, call.splits, call.rows, out)
	}

	/// Queues the first pass: every row's greatest score among the keys that it sees, `i64::MIN` where it sees none.
	/// `out` gets `[tokens, heads]`.
	///
	/// # Errors
	/// As [`Attention::attend`].
	pub fn maxima(
		&mut self,
		queries: &Queries<'_>,
		cache: &Cache<'_>,
		positions: Positions,
		out: &Buffer<i64>,
	) -> Result<(), DeviceError> {
		let call = self.call(queries, cache, positions)?;
		fits("the maxima", out.len(), call.rows, 1)?;
		if call.splits == 1 {
			return self.pass(Kind::Maximum, &call, Arrays { maxima: out.arg(), ..NOTHING });
		}
		self.reserve(&call)?;
		self.pass(Kind::Maximum, &call, Arrays { maxima: self.maxima.arg(), ..NOTHING })?;
		merge_maxima(&self.maxima, call.splits, call.rows, out)
	}

	/// Queues the second pass: every row's sums over the keys that it sees. `maxima` holds one number per row, the
	/// greatest score among all keys that it sees anywhere: none less than what [`Attention::maxima`] found here. `out`
	/// gets one part.
	///
	/// # Errors
	/// As [`Attention::attend`].
	pub fn sums(
		&mut self,
		queries: &Queries<'_>,
		cache: &Cache<'_>,
		positions: Positions,
		maxima: &Buffer<i64>,
		out: &Sums,
	) -> Result<(), DeviceError> {
		let call = self.call(queries, cache, positions)?;
		fits("the maxima", maxima.len(), call.rows, 1)?;
		out.check(1, call.rows, self.heads.dim)?;
		let maxima = Arrays { maxima: maxima.arg(), maximum_parts: 1, ..NOTHING };
		if call.splits == 1 {
			return self.pass(Kind::Sums, &call, out.to(maxima));
		}
		self.reserve(&call)?;
		self.pass(Kind::Sums, &call, self.sums.to(maxima))?;
		merge_sums(&self.sums, call.splits, call.rows, self.heads.dim, out)
	}

	/// Queues the last step: the outputs of `rows` rows (`[rows, dim]`, Q16) from `parts` parts of their sums.
	///
	/// # Errors
	/// As [`Attention::attend`].
	pub fn finish(
		&self,
		sums: &Sums,
		parts: usize,
		rows: usize,
		out: &Buffer<i32>,
	) -> Result<(), DeviceError> {
		let dim = self.heads.dim;
		sums.check(parts, rows, dim)?;
		fits("the output", out.len(), rows, dim)?;
		let args = [
			out.arg(),
			sums.denominators.arg(),
			sums.numerators.arg(),
			Arg::I32(parts as i32),
			Arg::I32(rows as i32),
			Arg::I32(dim as i32),
		];
		// SAFETY: the arguments are the kernel's, and the arrays hold all parts of all rows.
		unsafe { merge(&self.device, "exact_finish", rows * dim, MERGE_BLOCK, &args) }
	}

	/// Checks all arrays that every pass reads, and shares out the keys.
	fn call<'a>(
		&self,
		queries: &Queries<'a>,
		cache: &Cache<'a>,
		positions: Positions,
	) -> Result<Call<'a>, DeviceError> {
		let Heads { heads, kv_heads, dim } = self.heads;
		cache.check(&self.heads)?;
		let rows = queries.tokens.saturating_mul(heads);
		fits("the queries", queries.values.len(), rows, dim)?;
		let Positions { first, stride, count } = positions;
		let keys = if queries.past.is_some() { cache.capacity } else { count };
		let end = queries.first.saturating_add(queries.tokens).max(first).max(stride).max(rows);
		if stride == 0 || count > cache.capacity || keys > MAX_KEYS || end > i32::MAX as usize / 2 {
			return Err(DeviceError::Shape(format!(
				"{count} keys from position {first} by {stride} in a cache of {}, asked by {rows} rows from position {}",
				cache.capacity, queries.first
			)));
		}
		if queries.past.is_some_and(Buffer::is_empty) {
			return Err(DeviceError::Shape("the number of past positions is missing".into()));
		}

		let plan = Plan::of(dim, rows / kv_heads);
		let tiles = (rows / kv_heads).div_ceil(plan.rows);
		let blocks = tiles * kv_heads * (dim / SLICE);
		let aim = BLOCKS_PER_PROCESSOR * self.device.multiprocessors() as usize;
		let even = || keys.div_ceil((aim / blocks.max(1)).max(1));
		let wanted = self.split_keys.unwrap_or_else(|| if keys <= UNDIVIDED { keys } else { even() });
		let split = wanted.clamp(1, MAX_SPLIT).next_multiple_of(MIN_SPLIT);
		let splits = keys.div_ceil(split).max(1);
		Ok(Call { queries: *queries, cache: *cache, positions, rows, plan, tiles, split, splits })
	}

	/// Makes room for the parts of a call in splits.
	fn reserve(&mut self, call: &Call<'_>) -> Result<(), DeviceError> {
		let (splits, rows, dim) = (call.splits, call.rows, self.heads.dim);
		if self.maxima.len() < splits * rows {
			self.maxima = Buffer::uninitialised(&self.device, splits * rows)?;
		}
		if self.sums.check(splits, rows, dim).is_err() {
			self.sums = Sums::new(&self.device, splits, rows, dim)?;
		}
		Ok(())
	}

	fn pass(&self, kind: Kind, call: &Call<'_>, arrays: Arrays) -> Result<(), DeviceError> {
		let Call { queries, cache, positions, plan, .. } = call;
		if call.tiles == 0 {
			return Ok(());
		}
		let (name, slices, table) = match kind {
			Kind::Maximum => ("maximum", 1, 0),
			Kind::Sums => ("sums", plan.dim / SLICE, TABLE_BYTES),
			Kind::Attend => ("attend", plan.dim / SLICE, TABLE_BYTES),
		};
		let launch = Launch {
			grid: [(call.tiles * slices) as u32, self.heads.kv_heads as u32, call.splits as u32],
			block: [plan.threads, 1, 1],
			shared: (plan.stage_bytes() + table) as u32,
		};
		let args = [
			arrays.out,
			arrays.maxima,
			arrays.denominators,
			arrays.numerators,
			queries.values.arg(),
			cache.keys.arg_at(cache.offset),
			cache.values.arg_at(cache.offset),
			self.exp2.arg(),
			Arg::I32(queries.tokens as i32),
			Arg::I32(self.heads.heads as i32),
			Arg::I32(self.heads.kv_heads as i32),
			Arg::I32(cache.capacity as i32),
			Arg::I32(queries.first as i32),
			Arg::I32(positions.first as i32),
			Arg::I32(positions.stride as i32),
			Arg::I32(positions.count as i32),
			Arg::U32(self.multiplier),
			Arg::I32(arrays.maximum_parts as i32),
			Arg::I32(call.split as i32),
			queries.past.map_or(Arg::Pointer(0), Buffer::arg),
		];
		// SAFETY: the arguments are the kernel's; `call` checked the inputs and the caller the arrays against rows and splits.
		unsafe { self.device.launch(&format!("exact_{name}_{}", plan.name), launch, &args) }
	}
}

/// Queues the greatest of `parts` maxima of every row: `maxima` is `[parts, rows]`, `out` gets `[rows]`.
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
pub fn merge_maxima(
	maxima: &Buffer<i64>,
	parts: usize,
	rows: usize,
	out: &Buffer<i64>,
) -> Result<(), DeviceError> {
	fits("the maxima", maxima.len(), parts, rows)?;
	fits("the merged maxima", out.len(), rows, 1)?;
	let args = [out.arg(), maxima.arg(), Arg::I32(parts as i32), Arg::I32(rows as i32)];
	// SAFETY: the arguments are the kernel's, and the arrays hold all parts of all rows.
	unsafe {
		merge(out.device(), "exact_merge_maxima", rows, Launch { block: [32, 1, 1], ..MERGE_BLOCK }, &args)
	}
}

/// Queues the addition of `parts` parts of the sums of `rows` rows; `out` gets one part.
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
pub fn merge_sums(sums: &Sums, parts: usize, rows: usize, dim: usize, out: &Sums) -> Result<(), DeviceError> {
	sums.check(parts, rows, dim)?;
	out.check(1, rows, dim)?;
	let args = [
		out.denominators.arg(),
		out.numerators.arg(),
		sums.denominators.arg(),
		sums.numerators.arg(),
		Arg::I32(parts as i32),
		Arg::I32(rows as i32),
		Arg::I32(dim as i32),
	];
	// SAFETY: the arguments are the kernel's, and the arrays hold all parts of all rows.
	unsafe { merge(out.numerators.device(), "exact_merge_sums", rows * dim, MERGE_BLOCK, &args) }
}

/// Queues a kernel whose blocks make [`MERGE_OUTPUTS`] of `outputs` each.
///
/// # Safety
/// As [`Device::launch`].
unsafe fn merge(
	device: &Arc<dyn Device>,
	kernel: &str,
	outputs: usize,
	block: Launch,
	args: &[Arg],
) -> Result<(), DeviceError> {
	if outputs == 0 {
		return Ok(());
	}
	let grid = [outputs.div_ceil(MERGE_OUTPUTS) as u32, 1, 1];
	// SAFETY: the caller's promise.
	unsafe { device.launch(kernel, Launch { grid, ..block }, args) }
}
