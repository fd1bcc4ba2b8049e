//! Attention, forward and backward: the launches of `canon32_attention.cu`.

use super::{all_are, by_element, int, long, Canon32, Operation, BLOCK};
use crate::{Arg, Buffer, DeviceError, Launch};
use noesis_canon32::attention::AttentionShape;

/// Rows of a tile that passes by.
const TILE: usize = 64;

/// What attention's way back needs of each query, `[batch, heads, tokens]`.
pub struct Softmax {
	/// The largest score.
	pub largest: Buffer<f32>,
	/// The reciprocal of the denominator.
	pub inverse: Buffer<f32>,
}

/// What [`Canon32::attention_backward`] reads of the way forward.
#[derive(Clone, Copy)]
pub struct Forward<'a> {
	/// Queries.
	pub q: &'a Buffer<f32>,
	/// Keys.
	pub k: &'a Buffer<f32>,
	/// Values.
	pub v: &'a Buffer<f32>,
	/// Outputs.
	pub out: &'a Buffer<f32>,
	/// The softmax's numbers.
	pub softmax: &'a Softmax,
}

impl Canon32 {
	/// [`noesis_canon32::attention::forward`], for heads of up to 128.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn attention(
		&self,
		shape: AttentionShape,
		q: &Buffer<f32>,
		k: &Buffer<f32>,
		v: &Buffer<f32>,
		out: &Buffer<f32>,
	) -> Result<Softmax, DeviceError> {
		let wide = attention_fits(shape, &[q, out], &[k, v])?;
		let statistic = || Buffer::uninitialised(&self.device, shape.rows() * shape.tokens);
		let softmax = Softmax { largest: statistic()?, inverse: statistic()? };
		let (kernel, width) =
			if wide { ("canon32_attention_128", 128) } else { ("canon32_attention_64", 64) };
		let floats = 2 * TILE * (width + 1) + TILE * (TILE + 1);
		let outputs = [out.arg(), softmax.largest.arg(), softmax.inverse.arg()];
		let args = [&outputs[..], &[q.arg(), k.arg(), v.arg()], &attention_size(shape)].concat();
		self.queue(kernel, by_tile(shape.tokens, TILE, shape.rows(), floats), &args)?;
		self.watch(Operation::Attention, &[out])?;
		Ok(softmax)
	}

	/// [`noesis_canon32::attention::backward`], for heads of up to 128.
	///
	/// # Errors
	/// As [`Self::linear`].
	pub fn attention_backward(
		&self,
		shape: AttentionShape,
		forward: Forward<'_>,
		dout: &Buffer<f32>,
		dq: &Buffer<f32>,
		dk: &Buffer<f32>,
		dv: &Buffer<f32>,
	) -> Result<(), DeviceError> {
		let Forward { q, k, v, out, softmax } = forward;
		let wide = attention_fits(shape, &[q, out, dout, dq], &[k, v, dk, dv])?;
		let rows = shape.rows() * shape.tokens;
		all_are("a softmax", &[&softmax.largest, &softmax.inverse], rows)?;
		let delta = Buffer::<f32>::uninitialised(&self.device, rows)?;
		let args = [delta.arg(), dout.arg(), out.arg(), long(rows), int(shape.head_dim)];
		self.queue("canon32_attention_delta", by_element(rows), &args)?;

		// Wide heads leave room for half as many own rows.
		let (queries, keys, width, own) = if wide {
			("canon32_attention_dq_128", "canon32_attention_dkdv_128", 128, TILE / 2)
		} else {
			("canon32_attention_dq_64", "canon32_attention_dkdv_64", 64, TILE)
		};
		let floats = (2 * own + TILE) * (width + 1) + own * (TILE + 1);
		let statistics = [softmax.largest.arg(), softmax.inverse.arg(), delta.arg()];
		let inputs =
			[&[q.arg(), k.arg(), v.arg(), dout.arg()][..], &statistics, &attention_size(shape)].concat();
		let args = [&[dq.arg()][..], &inputs].concat();
		self.queue(queries, by_tile(shape.tokens, own, shape.rows(), floats), &args)?;
		let args = [&[dk.arg(), dv.arg()][..], &inputs].concat();
		self.queue(keys, by_tile(shape.tokens, own, shape.batch * shape.kv_heads, floats), &args)?;
		self.watch(Operation::AttentionGradient, &[dq, dk, dv])
	}
}

/// Checks the arrays of an attention; whether its heads are wider than 64.
fn attention_fits(
	shape: AttentionShape,
	queries: &[&Buffer<f32>],
	keys: &[&Buffer<f32>],
) -> Result<bool, DeviceError> {
	if shape.kv_heads == 0
		|| !shape.heads.is_multiple_of(shape.kv_heads)
		|| shape.head_dim > 128
		|| shape.rows() > 65_535
	{
		return Err(DeviceError::Shape(format!("{shape:?} can't be had on a device")));
	}
	let head = shape.tokens * shape.head_dim;
	all_are("an attention's queries", queries, shape.rows() * head)?;
	all_are("an attention's keys and values", keys, shape.batch * shape.kv_heads * head)?;
	Ok(shape.head_dim > 64)
}

/// What all attention kernels take last.
fn attention_size(shape: AttentionShape) -> [Arg; 4] {
	[Arg::F32(shape.scale()), int(shape.tokens), int(shape.heads / shape.kv_heads), int(shape.head_dim)]
}

/// A block per tile of tokens and head.
fn by_tile(tokens: usize, tile: usize, heads: usize, shared_floats: usize) -> Launch {
	let grid = [tokens.div_ceil(tile) as u32, heads as u32, 1];
	Launch { grid, block: [BLOCK as u32, 1, 1], shared: (shared_floats * size_of::<f32>()) as u32 }
}
