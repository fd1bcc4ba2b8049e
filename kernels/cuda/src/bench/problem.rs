//! One shape on a device, ready to run: inputs, outputs and the kernel's variant.

use super::{Cell, Number, Pass};
use crate::{
	attention::{
		backward::{self, Backward, Gradients},
		decode::{CacheShape, Filled, KvCache, Step, Tokens, Workspace, SPLIT},
		forward::Inputs,
		reference::random,
		tuning::{candidates, Key, Kind, Tile, Tuning},
		Attention, AttentionShape, Lengths, Precision, Strides, View,
	},
	device::{Buffer, Device, DeviceError},
};
use rayon::prelude::*;
use std::sync::Arc;

/// How many roundings to 16 bits two outputs of one problem may be apart.
const ROUNDINGS: f64 = 3.0;
/// Values that are drawn; longer arrays repeat them, each from another place.
pub(super) const DRAWN: usize = 1 << 20;

/// One shape with as many sets of buffers as take turns.
pub(super) struct Problem {
	cell: Cell,
	shape: AttentionShape,
	precision: Precision,
	lengths: Lengths,
	/// The forward pass's.
	tile: Tile,
	sets: Vec<Set>,
}

/// The buffers of one call.
struct Set {
	q: Buffer<u16>,
	out: Buffer<u16>,
	rest: Rest,
}

/// What only one kind of call has.
enum Rest {
	Forward {
		k: Buffer<u16>,
		v: Buffer<u16>,
	},
	Backward {
		k: Buffer<u16>,
		v: Buffer<u16>,
		lse: Buffer<f32>,
		d_output: Buffer<u16>,
		/// Of q, k and v.
		gradients: [Buffer<u16>; 3],
	},
	Decode {
		cache: KvCache,
		filled: Filled,
		workspace: Workspace,
	},
}

/// `‖found − expected‖ / ‖expected‖`.
fn distance(precision: Precision, found: &[u16], expected: &[u16]) -> f64 {
	let squares = |(found, expected): (&u16, &u16)| {
		let (found, expected) = (precision.value(*found), precision.value(*expected));
		((found - expected).powi(2), expected * expected)
	};
	let add = |a: (f64, f64), b: (f64, f64)| (a.0 + b.0, a.1 + b.1);
	let (off, size) = found.par_iter().zip(expected).map(squares).reduce(|| (0.0, 0.0), add);
	(off / size).sqrt()
}

impl Problem {
	/// # Errors
	/// [`DeviceError::Shape`] for numbers that no kernel takes, or what the device reports.
	pub fn new(
		device: &Arc<dyn Device>,
		cell: &Cell,
		sets: usize,
		tuning: &Tuning,
	) -> Result<Self, DeviceError> {
		let precision = match cell.number {
			Number::F16 => Precision::F16,
			Number::Bf16 => Precision::Bf16,
			Number::F32 => return Err(DeviceError::Shape("no Fast kernel takes 32-bit floats".into())),
		};
		let shape = AttentionShape {
			batch: cell.batch,
			query_heads: cell.heads,
			kv_heads: cell.kv_heads,
			head_dim: cell.head_dim,
			causal: cell.causal,
		};
		let lengths = Lengths::Uniform { queries: cell.queries(), keys: cell.length };
		let mut problem =
			Self { cell: *cell, shape, precision, lengths, tile: candidates(64)[0], sets: Vec::new() };
		problem.tile = tuning.choose(&**device, &problem.attention());
		let drawn = random(1, DRAWN, precision);
		problem.sets = (0..sets).map(|set| problem.set(device, &drawn, set)).collect::<Result<_, _>>()?;
		Ok(problem)
	}

	fn set(&self, device: &Arc<dyn Device>, drawn: &[u16], set: usize) -> Result<Set, DeviceError> {
		let (queries, keys) = (self.cell.query_elements(), self.cell.key_elements());
		let upload = |which: usize, count: usize| {
			// No array is another moved by a whole row.
			let from = (set * 4 + which) * 80_021 % DRAWN;
			let values: Vec<u16> = drawn.iter().cycle().skip(from).take(count).copied().collect();
			Buffer::upload(device, &values)
		};
		let room = |count| Buffer::uninitialised(device, count);
		let (q, k, v, out) = (upload(0, queries)?, upload(1, keys)?, upload(2, keys)?, room(queries)?);
		let rest = match self.cell.pass {
			Pass::Forward => Rest::Forward { k, v },
			Pass::Backward => {
				let lse = Buffer::uninitialised(device, self.attention().lse_len())?;
				let inputs = self.inputs(&q, &k, &v);
				self.attention().forward(&inputs, &self.query_view(&out), Some(&lse), self.tile)?;
				let gradients = [room(queries)?, room(keys)?, room(keys)?];
				Rest::Backward { k, v, lse, d_output: upload(3, queries)?, gradients }
			},
			Pass::Decode => {
				let Cell { batch, heads, kv_heads, length, head_dim, .. } = self.cell;
				let shape = CacheShape { batch, kv_heads, head_dim, capacity: length };
				let cache = KvCache::new(device, shape, self.precision)?;
				let mut filled = Filled::new(device, batch)?;
				cache.append(&filled, &Tokens::Each(length), &self.key_view(&k), &self.key_view(&v))?;
				filled.advance(&Tokens::Each(length))?;
				Rest::Decode { cache, filled, workspace: Workspace::new(device, shape, heads, SPLIT)? }
			},
		};
		Ok(Set { q, out, rest })
	}

	fn query_view<'a>(&self, values: &'a Buffer<u16>) -> View<'a> {
		View::new(values, Strides::heads_first(self.cell.heads, self.cell.queries(), self.cell.head_dim))
	}

	fn key_view<'a>(&self, values: &'a Buffer<u16>) -> View<'a> {
		View::new(values, Strides::heads_first(self.cell.kv_heads, self.cell.length, self.cell.head_dim))
	}

	fn inputs<'a>(&self, q: &'a Buffer<u16>, k: &'a Buffer<u16>, v: &'a Buffer<u16>) -> Inputs<'a> {
		Inputs { queries: self.query_view(q), keys: self.key_view(k), values: self.key_view(v) }
	}

	fn attention(&self) -> Attention<'_> {
		Attention {
			shape: self.shape,
			precision: self.precision,
			lengths: &self.lengths,
			scale: self.scale(),
		}
	}

	fn scale(&self) -> f32 {
		(self.cell.head_dim as f32).sqrt().recip()
	}

	/// The kernel's variant, for people.
	pub fn variant(&self) -> String {
		let Tile { rows, keys, warps, stages, kind } = self.tile;
		let kind = if kind == Kind::Wgmma { " wgmma" } else { "" };
		match self.cell.pass {
			Pass::Forward => format!("{rows}x{keys}x{warps}x{stages}{kind}"),
			Pass::Backward => "as chosen by shape".into(),
			Pass::Decode => format!("splits of {SPLIT}"),
		}
	}

	/// The forward pass's tile.
	pub fn tile(&self) -> Tile {
		self.tile
	}

	/// What one call on the first set of buffers gives.
	pub fn output(&self) -> Result<Vec<u16>, DeviceError> {
		self.run(0)?;
		self.sets[0].out.download()
	}

	/// Refuses an output that is further from another's than the rounding of weights and outputs explains.
	pub fn agree(&self, found: &[u16], expected: &[u16]) -> Result<(), DeviceError> {
		let far = distance(self.precision, found, expected);
		if far <= ROUNDINGS * self.precision.epsilon() {
			return Ok(());
		}
		Err(DeviceError::Shape(format!(
			"{} of {}: its output is {far:.1e} of its size away from another tile's",
			self.variant(),
			self.cell
		)))
	}

	/// Runs the forward pass with another tile from now on.
	pub fn set_tile(&mut self, tile: Tile) {
		self.tile = tile;
	}

	/// Where the table of tiles keeps this shape.
	pub fn key(&self, device: &Arc<dyn Device>) -> Key {
		Key::of(&**device, &self.attention())
	}

	/// Sets of buffers.
	pub fn sets(&self) -> usize {
		self.sets.len()
	}

	/// Queues one call on a set of buffers.
	pub fn run(&self, set: usize) -> Result<(), DeviceError> {
		let Set { q, out, rest } = &self.sets[set];
		let output = self.query_view(out);
		match rest {
			Rest::Forward { k, v } => {
				self.attention().forward(&self.inputs(q, k, v), &output, None, self.tile)
			},
			Rest::Backward { k, v, lse, d_output, gradients: [dq, dk, dv] } => {
				let inputs = backward::Inputs {
					forward: self.inputs(q, k, v),
					output,
					d_output: self.query_view(d_output),
					lse,
				};
				let gradients = Gradients {
					queries: self.query_view(dq),
					keys: self.key_view(dk),
					values: self.key_view(dv),
				};
				Backward::new(self.attention(), inputs)?.run(&gradients)
			},
			Rest::Decode { cache, filled, workspace } => {
				let step = Step {
					query_heads: self.cell.heads,
					scale: self.scale(),
					queries: self.query_view(q),
					output,
					lse: None,
				};
				cache.decode(filled, &step, workspace)
			},
		}
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn outputs_should_count_as_equal_only_within_their_roundings() {
		let precision = Precision::F16;
		let expected = random(3, 4096, precision);
		let moved = |by: f64| -> Vec<u16> {
			expected.iter().map(|bits| precision.round(precision.value(*bits) * (1.0 + by))).collect()
		};
		assert_eq!(distance(precision, &expected, &expected), 0.0);
		assert!(distance(precision, &moved(0.001), &expected) <= ROUNDINGS * precision.epsilon());
		assert!(distance(precision, &moved(0.01), &expected) > ROUNDINGS * precision.epsilon());
		let mut broken = expected.clone();
		broken[7] = 0x7fff;
		assert!(distance(precision, &broken, &expected).is_nan(), "which is not below any bound");
	}
}
