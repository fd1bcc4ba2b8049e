//! The forward pass: prefill, evaluation, and the log-sum-exp that the backward pass needs.

use super::{
	tuning::{check, Kind, Tile},
	Attention, View,
};
use crate::{Arg, Buffer, DeviceError, Launch, TensorMap, Tiles};

/// Columns of a half of a tile: `hopper.cuh`.
const HALF_COLUMNS: u32 = 64;

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
		let (shape, device) = (self.shape, output.values.device());
		check(device.architecture(), shape.head_dim, &tile)?;
		let blocks = self.lengths.longest_queries().div_ceil(tile.rows as usize);
		if shape.batch == 0 || blocks == 0 {
			return Ok(());
		}
		let maps;
		let mut args = vec![output.arg(), lse.map_or(Arg::Pointer(0), Buffer::arg)];
		let Inputs { queries, keys, values } = inputs;
		match tile.kind {
			Kind::Mma => args.extend([queries.arg(), keys.arg(), values.arg()]),
			Kind::Wgmma => {
				maps = self.maps(inputs, &tile)?;
				args.extend(maps.iter().map(TensorMap::arg));
				args.push(values.arg());
			},
		}
		args.extend(self.lengths.args());
		args.push(Arg::I32(shape.group() as i32));
		match tile.kind {
			Kind::Mma => {
				args.extend([queries, keys, values].into_iter().flat_map(|view| view.strides.args()))
			},
			Kind::Wgmma => {
				args.extend([values.strides.head, values.strides.row].map(|by| Arg::I64(by as i64)))
			},
		}
		args.extend(output.strides.args());
		args.extend(self.lse_strides());
		args.extend([Arg::F32(self.scale), Arg::I32(i32::from(shape.causal))]);
		let launch = Launch {
			grid: [blocks as u32, shape.query_heads as u32, shape.batch as u32],
			block: [tile.warps * 32, 1, 1],
			shared: tile.shared(shape.head_dim),
		};
		// SAFETY: the arguments are those of attention_forward.cu or attention_forward_sm90.cu, all that they touch was
		// checked above, and the maps live until here.
		unsafe { device.launch(&tile.kernel(self.precision, shape.head_dim), launch, &args) }
	}

	/// Queries, keys and values as the copy engine takes them. Packed arrays are one sequence.
	fn maps(&self, inputs: &Inputs<'_>, tile: &Tile) -> Result<[TensorMap; 3], DeviceError> {
		let Inputs { queries, keys, values } = inputs;
		let batch = if self.lengths.is_packed() { 1 } else { self.shape.batch };
		let (kv_heads, key_rows) = (self.shape.kv_heads, self.key_rows() / batch);
		let map = |view: &View<'_>, rows: usize, heads: usize, tile_rows: u32| {
			let sizes = [self.shape.head_dim, rows, heads, batch].map(|size| size.max(1) as u64);
			let strides = [view.strides.row, view.strides.head, view.strides.batch];
			let tiles = Tiles {
				address: view.values.address_at(view.start),
				sizes,
				// Where there is one, nothing is a step away; but a step must be a possible one.
				strides: std::array::from_fn(|i| if sizes[i + 1] == 1 { 16 } else { 2 * strides[i] as u64 }),
				tile: [HALF_COLUMNS, tile_rows],
			};
			view.values.device().tensor_map(&tiles)
		};
		Ok([
			map(queries, self.query_rows() / batch, self.shape.query_heads, tile.rows)?,
			map(keys, key_rows, kv_heads, tile.keys)?,
			map(values, key_rows, kv_heads, tile.keys)?,
		])
	}
}
