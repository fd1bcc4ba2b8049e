//! The forward pass: prefill, evaluation, and the log-sum-exp that the backward pass needs.

use super::{
	ensure,
	tuning::{candidates, Tile},
	Attention, View,
};
use crate::{Arg, Buffer, DeviceError, Launch};

/// What a forward pass reads.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
	/// A row per query and query head.
	pub queries: View<'a>,
	/// A row per key and head of keys.
	pub keys: View<'a>,
	/// A row per key and head of keys.
	pub values: View<'a>,
}

impl Attention<'_> {
	/// `softmax(scale · Q Kᵀ) V` into `output` (a row per query and query head), and into `lse` the logarithm of each
	/// row's `Σ exp(scale · q·k)`: f32 `[B, query_heads, queries]`, packed `[query_heads, total]`.
	///
	/// The same inputs give the same bits on one kind of device, whatever else is in the batch; another tile or
	/// generation of devices may differ in the last bits. Nothing is waited for. FlashAttention-2, arXiv:2307.08691.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if arrays, strides, lengths or the tile don't fit together; what the launch reports.
	pub fn forward(
		&self,
		inputs: &Inputs<'_>,
		output: &View<'_>,
		lse: Option<&Buffer<f32>>,
		tile: Tile,
	) -> Result<(), DeviceError> {
		self.check()?;
		self.check_queries("queries", &inputs.queries)?;
		self.check_keys("keys", &inputs.keys)?;
		self.check_keys("values", &inputs.values)?;
		self.check_queries("output", output)?;
		if let Some(lse) = lse {
			self.check_lse("log-sum-exp", lse)?;
		}
		let shape = self.shape;
		ensure(candidates(shape.head_dim).contains(&tile), || {
			format!("there is no {tile:?} for a head of {} values", shape.head_dim)
		})?;
		let blocks = self.lengths.longest_queries().div_ceil(tile.rows as usize);
		if shape.batch == 0 || blocks == 0 {
			return Ok(());
		}
		let mut args = vec![
			output.arg(),
			lse.map_or(Arg::Pointer(0), Buffer::arg),
			inputs.queries.arg(),
			inputs.keys.arg(),
			inputs.values.arg(),
		];
		args.extend(self.lengths.args());
		args.push(Arg::I32(shape.group() as i32));
		for view in [&inputs.queries, &inputs.keys, &inputs.values, output] {
			args.extend(view.strides.args());
		}
		args.extend(self.lse_strides());
		args.extend([Arg::F32(self.scale), Arg::I32(i32::from(shape.causal))]);
		let launch = Launch {
			grid: [blocks as u32, shape.query_heads as u32, shape.batch as u32],
			block: [tile.warps * 32, 1, 1],
			shared: tile.shared(shape.head_dim),
		};
		// SAFETY: the arguments are those of attention_forward.cu, and all that it touches was checked above.
		unsafe { output.values.device().launch(&tile.kernel(self.precision, shape.head_dim), launch, &args) }
	}
}
