//! What works on one token's values: norm, quantisation, rotary positions, the gate.
//!
//! A quantised row holds, in [`Activations`], 16-bit values and the shift that brought them there.

use super::{
	attention::{Cache, Heads},
	Activations,
};
use crate::{Arg, Buffer, Device, DeviceError, Launch};
use noesis_canon::{norm::NormConstants, rope, tables::SIGMOID};
use std::sync::Arc;

/// Widest row that [`norm`] takes: it lies in a block's shared memory.
pub const MAX_NORM_WIDTH: usize = 1 << 14;

/// Threads of a block of `exact_rows.cu`.
const THREADS: usize = 256;
/// Shared memory of one reduction over a block.
const REDUCTION_BYTES: usize = THREADS / 32 * 8;

/// How many bits of a value quantisation keeps: a matrix's format says which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
	/// [`noesis_canon::activation::quantise`], for weights with a scale per group.
	Bits16,
	/// [`noesis_canon::linear::quantise_14`], for weights with a scale per row.
	Bits14,
}

impl Precision {
	fn magnitude_bits(self) -> Arg {
		Arg::I32(match self {
			Self::Bits16 => 15,
			Self::Bits14 => 13,
		})
	}
}

/// Refuses rows that an array has no room for.
pub(super) fn fits(what: &str, have: usize, rows: usize, width: usize) -> Result<(), DeviceError> {
	if rows.checked_mul(width).is_some_and(|need| need <= have) {
		return Ok(());
	}
	Err(DeviceError::Shape(format!("{what}: {rows} rows of {width} values in an array of {have}")))
}

fn outputs_fit(out: &Activations, tokens: usize, width: usize) -> Result<(), DeviceError> {
	fits("the quantised values", out.values.len(), tokens, width)?;
	fits("the shifts", out.shifts.len(), tokens, 1)
}

/// One block per token.
fn by_token(tokens: usize, shared: usize) -> Launch {
	Launch { grid: [tokens as u32, 1, 1], block: [THREADS as u32, 1, 1], shared: shared as u32 }
}

/// Canon's table of sigmoids on a device, for [`gate`].
///
/// # Errors
/// [`DeviceError::Memory`].
pub fn sigmoid_table(device: &Arc<dyn Device>) -> Result<Buffer<u16>, DeviceError> {
	Buffer::upload(device, &SIGMOID)
}

/// Sines and cosines on a device, for [`rope`]: those of `positions` positions, for heads of `dim` values.
pub struct Angles {
	/// `[positions, dim / 2]`: a cosine in the low half, a sine in the high half, Q14.
	words: Buffer<u32>,
	positions: usize,
	pairs: usize,
}

impl Angles {
	/// Canon's table for a model's base (at least 2) and head size (even, at most 1024).
	///
	/// # Errors
	/// [`DeviceError::Shape`] if a size is out of range, or [`DeviceError::Memory`].
	pub fn new(
		device: &Arc<dyn Device>,
		base: u32,
		dim: usize,
		positions: usize,
	) -> Result<Self, DeviceError> {
		if base < 2 || dim == 0 || !dim.is_multiple_of(2) || dim > 1024 || positions > i32::MAX as usize {
			return Err(DeviceError::Shape(format!(
				"angles of base {base} for {positions} positions and {dim} values"
			)));
		}
		let pairs = dim / 2;
		let frequencies: Vec<u64> =
			(0..pairs).map(|pair| rope::frequency(base, pairs as u32, pair as u32)).collect();
		let word = |frequency: u64, position: usize| {
			let (cos, sin) = rope::cos_sin(frequency, position as u32);
			u32::from(cos as u16) | u32::from(sin as u16) << 16
		};
		let words: Vec<u32> =
			(0..positions).flat_map(|position| frequencies.iter().map(move |&f| word(f, position))).collect();
		Ok(Self { words: Buffer::upload(device, &words)?, positions, pairs })
	}
}

/// Queues RMSNorm and quantisation of `tokens` rows of `residual` (Q12) that start at element `offset`; `gain` (Q12,
/// one number per value) says how wide they are.
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short or rows are wider than [`MAX_NORM_WIDTH`], or what the device reports.
pub fn norm(
	residual: &Buffer<i32>,
	offset: usize,
	gain: &Buffer<i32>,
	constants: &NormConstants,
	tokens: usize,
	precision: Precision,
	out: &Activations,
) -> Result<(), DeviceError> {
	let width = gain.len();
	fits("the residual", residual.len().saturating_sub(offset), tokens, width)?;
	outputs_fit(out, tokens, width)?;
	if width == 0 || width > MAX_NORM_WIDTH {
		return Err(DeviceError::Shape(format!(
			"a norm over {width} values: from 1 to {MAX_NORM_WIDTH} can be had"
		)));
	}
	if tokens == 0 {
		return Ok(());
	}
	let launch = by_token(tokens, width.div_ceil(2) * 8 + 2 * REDUCTION_BYTES);
	let args = [
		out.values.arg(),
		out.shifts.arg(),
		residual.arg_at(offset),
		gain.arg(),
		Arg::I32(width as i32),
		precision.magnitude_bits(),
		Arg::U64(constants.epsilon),
		Arg::U64(constants.root_width),
	];
	// SAFETY: the arguments are the kernel's, and all arrays hold `tokens` rows.
	unsafe { residual.device().launch("exact_norm", launch, &args) }
}

/// Queues quantisation of the first `tokens` rows of `width` values of `x`.
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
pub fn quantise(
	x: &Buffer<i32>,
	tokens: usize,
	width: usize,
	precision: Precision,
	out: &Activations,
) -> Result<(), DeviceError> {
	fits("the values", x.len(), tokens, width)?;
	outputs_fit(out, tokens, width)?;
	if tokens == 0 || width == 0 {
		return Ok(());
	}
	let args =
		[out.values.arg(), out.shifts.arg(), x.arg(), Arg::I32(width as i32), precision.magnitude_bits()];
	// SAFETY: the arguments are the kernel's, and all arrays hold `tokens` rows.
	unsafe { x.device().launch("exact_quantise", by_token(tokens, REDUCTION_BYTES), &args) }
}

/// Queues the gate: `silu(gate) · up`, quantised. `gate_up` is `[tokens, gate | up]` (Q16), `width` values each;
/// `sigmoids` is [`sigmoid_table`].
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short, or what the device reports.
pub fn gate(
	gate_up: &Buffer<i32>,
	sigmoids: &Buffer<u16>,
	tokens: usize,
	width: usize,
	precision: Precision,
	out: &Activations,
) -> Result<(), DeviceError> {
	let stride = width.saturating_mul(2);
	fits("gate and up", gate_up.len(), tokens, stride)?;
	fits("the sigmoids", sigmoids.len(), 1, SIGMOID.len())?;
	outputs_fit(out, tokens, width)?;
	if tokens == 0 || width == 0 {
		return Ok(());
	}
	let args = [
		out.values.arg(),
		out.shifts.arg(),
		gate_up.arg(),
		gate_up.arg_at(width),
		sigmoids.arg(),
		Arg::I32(width as i32),
		precision.magnitude_bits(),
		Arg::I32(stride as i32),
	];
	let launch = by_token(tokens, REDUCTION_BYTES + SIGMOID.len() * size_of::<u16>());
	// SAFETY: the arguments are the kernel's, and all arrays hold `tokens` rows.
	unsafe { gate_up.device().launch("exact_gate", launch, &args) }
}

/// Which positions a batch of consecutive tokens has, and where a cache keeps them.
#[derive(Clone, Copy)]
pub struct Span<'a> {
	/// Tokens.
	pub tokens: usize,
	/// Position of the first.
	pub first: usize,
	/// Place of the first in the cache.
	pub slot: usize,
	/// A number on the device that is added to both: with it, launches that were recorded once serve every token. What
	/// would lie beyond the cache or the angles is left out.
	pub past: Option<&'a Buffer<i32>>,
}

/// Queues rotary positions: queries to `queries` (`[tokens, heads, dim]`, Q9), keys and values to the cache. `qkv` is
/// `[tokens, queries | keys | values]`, Q16.
///
/// # Errors
/// [`DeviceError::Shape`] if an array is too short, if angles or cache end before the span, or what the device reports.
pub fn rope(
	qkv: &Buffer<i32>,
	angles: &Angles,
	heads: &Heads,
	span: &Span<'_>,
	queries: &Buffer<i16>,
	cache: &Cache<'_>,
) -> Result<(), DeviceError> {
	let stride = (heads.heads + 2 * heads.kv_heads).saturating_mul(heads.dim);
	fits("queries, keys and values", qkv.len(), span.tokens, stride)?;
	fits("the queries", queries.len(), span.tokens, heads.heads * heads.dim)?;
	cache.check(heads)?;
	if heads.dim != 2 * angles.pairs {
		return Err(DeviceError::Shape(format!(
			"heads of {} values, angles for {}",
			heads.dim,
			2 * angles.pairs
		)));
	}
	let ends = (span.first.saturating_add(span.tokens), span.slot.saturating_add(span.tokens));
	if ends.0 > angles.positions || ends.1 > cache.capacity || span.past.is_some_and(Buffer::is_empty) {
		return Err(DeviceError::Shape(format!(
			"positions up to {} of {}, places up to {} of {}",
			ends.0, angles.positions, ends.1, cache.capacity
		)));
	}
	if span.tokens == 0 {
		return Ok(());
	}
	let args = [
		queries.arg(),
		cache.keys.arg_at(cache.offset),
		cache.values.arg_at(cache.offset),
		qkv.arg(),
		angles.words.arg(),
		Arg::I32(heads.heads as i32),
		Arg::I32(heads.kv_heads as i32),
		Arg::I32(heads.dim as i32),
		Arg::I32(stride as i32),
		Arg::I32(cache.capacity as i32),
		Arg::I32(angles.positions as i32),
		Arg::I32(span.first as i32),
		Arg::I32(span.slot as i32),
		span.past.map_or(Arg::Pointer(0), Buffer::arg),
	];
	let grid = [(stride / 2).div_ceil(THREADS) as u32, span.tokens as u32, 1];
	let launch = Launch { grid, block: [THREADS as u32, 1, 1], shared: 0 };
	// SAFETY: the arguments are the kernel's; all arrays hold the span, and the kernel leaves out what a `past` moves
	// beyond them.
	unsafe { qkv.device().launch("exact_rope", launch, &args) }
}
