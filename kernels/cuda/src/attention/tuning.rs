//! Which tile a forward pass runs with: a table by device and size, made by measuring, and before it a reasoned guess.
//!
//! A tile changes how fast a result comes and, in its last bits, what it is: whoever needs the same bits from two
//! devices names the tile.

use super::{Attention, Precision};
use crate::{Device, DeviceError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How a forward pass is cut: the version of the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tile {
	/// Queries of a block.
	pub rows: u32,
	/// Keys of a step.
	pub keys: u32,
	/// Warps of a block.
	pub warps: u32,
	/// Steps whose keys and values fit in shared memory.
	pub stages: u32,
}

const fn tile(rows: u32, keys: u32, warps: u32, stages: u32) -> Tile {
	Tile { rows, keys, warps, stages }
}

/// The versions of `attention_forward.cu`.
const TILES_64: [Tile; 10] = [
	tile(128, 64, 4, 2),
	tile(128, 64, 4, 3),
	tile(128, 32, 4, 4),
	tile(128, 64, 8, 2),
	tile(128, 128, 8, 2),
	tile(64, 64, 2, 2),
	tile(64, 64, 4, 2),
	tile(64, 64, 4, 4),
	tile(64, 128, 4, 2),
	tile(64, 32, 4, 4),
];
const TILES_128: [Tile; 4] =
	[tile(128, 64, 8, 2), tile(128, 32, 4, 2), tile(64, 64, 4, 2), tile(64, 32, 4, 3)];

/// Every tile that there is for a head of 64 or 128 values; none for others.
pub const fn candidates(head_dim: usize) -> &'static [Tile] {
	match head_dim {
		64 => &TILES_64,
		128 => &TILES_128,
		_ => &[],
	}
}

impl Tile {
	/// The kernel that runs it.
	pub fn kernel(&self, precision: Precision, head_dim: usize) -> String {
		let Self { rows, keys, warps, stages } = self;
		format!("attention_forward_{}_d{head_dim}_{rows}x{keys}x{warps}x{stages}", precision.name())
	}

	/// Bytes of shared memory of a block.
	pub const fn shared(&self, head_dim: usize) -> u32 {
		(self.rows + 2 * self.keys * self.stages) * head_dim as u32 * 2
	}
}

/// What a table is keyed by. Sizes are powers of two: the next above the real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Key {
	/// Compute capability times ten.
	pub architecture: u32,
	/// Values per row.
	pub head_dim: usize,
	/// Whether the mask is causal.
	pub causal: bool,
	/// Queries of the longest sequence.
	pub queries: usize,
	/// Keys of the longest sequence.
	pub keys: usize,
	/// Sequences times query heads.
	pub heads: usize,
}

impl Key {
	/// The key of an attention on a device.
	pub fn of(device: &dyn Device, attention: &Attention<'_>) -> Self {
		Self {
			architecture: device.architecture(),
			head_dim: attention.shape.head_dim,
			causal: attention.shape.causal,
			queries: attention.lengths.longest_queries().next_power_of_two(),
			keys: attention.lengths.longest_keys().next_power_of_two(),
			heads: attention.shape.batch.saturating_mul(attention.shape.query_heads).next_power_of_two(),
		}
	}
}

/// A table of measured tiles.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tuning {
	entries: BTreeMap<Key, Tile>,
}

/// A line of the table's JSON.
#[derive(Serialize, Deserialize)]
struct Entry {
	#[serde(flatten)]
	key: Key,
	tile: Tile,
}

impl Tuning {
	/// The measured tile, or else a guess.
	pub fn choose(&self, device: &dyn Device, attention: &Attention<'_>) -> Tile {
		let key = Key::of(device, attention);
		self.entries.get(&key).copied().unwrap_or_else(|| guess(device, attention))
	}

	/// Remembers that a tile was the fastest.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if it is not one of the [`candidates`].
	pub fn set(&mut self, key: Key, tile: Tile) -> Result<(), DeviceError> {
		if !candidates(key.head_dim).contains(&tile) {
			return Err(DeviceError::Shape(format!(
				"there is no {tile:?} for a head of {} values",
				key.head_dim
			)));
		}
		self.entries.insert(key, tile);
		Ok(())
	}

	/// All that was measured.
	pub fn entries(&self) -> impl Iterator<Item = (&Key, &Tile)> {
		self.entries.iter()
	}

	/// The table as JSON: a list of lines.
	///
	/// # Errors
	/// [`DeviceError::Shape`] with what the writer says.
	pub fn to_json(&self) -> Result<String, DeviceError> {
		let lines: Vec<Entry> =
			self.entries.iter().map(|(key, tile)| Entry { key: *key, tile: *tile }).collect();
		serde_json::to_string_pretty(&lines).map_err(|error| DeviceError::Shape(error.to_string()))
	}

	/// Reads what [`Tuning::to_json`] wrote.
	///
	/// # Errors
	/// [`DeviceError::Shape`] if it is no such list, or names a tile that there is not.
	pub fn from_json(text: &str) -> Result<Self, DeviceError> {
		let lines: Vec<Entry> = serde_json::from_str(text)
			.map_err(|error| DeviceError::Shape(format!("the table of tiles can't be read: {error}")))?;
		let mut tuning = Self::default();
		for Entry { key, tile } in lines {
			tuning.set(key, tile)?;
		}
		Ok(tuning)
	}
}

/// Large tiles read keys and values less often; but a device that is not full is idle, so tiles shrink until there is a
/// block for every multiprocessor.
///
/// With 32 rows per warp a fragment of keys feeds twice the products, which counts as soon as several steps follow
/// each other. A sequence of few keys is all latency: then all of its keys are asked for at once, and warps have 16
/// rows, so that there are twice as many to hide each other's waits.
fn guess(device: &dyn Device, attention: &Attention<'_>) -> Tile {
	let heads = attention.shape.batch.saturating_mul(attention.shape.query_heads);
	let (queries, keys) = (attention.lengths.longest_queries(), attention.lengths.longest_keys());
	let blocks = |rows: usize| heads.saturating_mul(queries.div_ceil(rows));
	let fills = |rows| blocks(rows) >= device.multiprocessors() as usize;
	match attention.shape.head_dim {
		64 => match keys {
			// Both steps, or all four, are under way from the start.
			..=128 if queries > 64 && blocks(64) > 2 * device.multiprocessors() as usize => {
				tile(128, 64, 8, 2)
			},
			..=128 => tile(64, 64, 4, 2),
			..=256 if !fills(128) => tile(64, 64, 4, 4),
			_ if fills(128) && queries > 64 => tile(128, 64, 4, 2),
			_ if fills(64) => tile(64, 64, 2, 2),
			_ => tile(64, 64, 4, 4),
		},
		_ if !fills(128) || queries <= 64 => tile(64, 64, 4, 2),
		// The large tile's 96 KiB leave room for a single block, unless there is as much as on Hopper.
		_ if device.architecture() >= 90 => tile(128, 64, 8, 2),
		_ => tile(64, 32, 4, 3),
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::find;

	#[test]
	fn every_tile_should_have_its_kernel_and_fit_every_device() {
		for head_dim in [64, 128] {
			for tile in candidates(head_dim) {
				for precision in [Precision::F16, Precision::Bf16] {
					let kernel = tile.kernel(precision, head_dim);
					assert!(find(&kernel).is_some(), "{kernel}");
				}
				assert!(tile.shared(head_dim) <= 99 << 10, "{tile:?}");
			}
		}
	}

	#[test]
	fn every_kernel_should_be_a_candidate() {
		let kernels = find("attention_forward_f16_d64_128x64x4x2").unwrap().kernels;
		assert_eq!(kernels.len(), 2 * (TILES_64.len() + TILES_128.len()));
	}

	#[test]
	fn a_table_should_survive_json_and_refuse_tiles_that_are_not() {
		let mut tuning = Tuning::default();
		let key = Key { architecture: 90, head_dim: 64, causal: false, queries: 512, keys: 512, heads: 256 };
		tuning.set(key, TILES_64[3]).unwrap();
		tuning.set(Key { causal: true, ..key }, TILES_64[0]).unwrap();
		let text = tuning.to_json().unwrap();
		assert_eq!(Tuning::from_json(&text).unwrap(), tuning);
		assert!(Tuning::from_json(&text.replace("\"warps\": 8", "\"warps\": 16")).is_err());
		assert!(Tuning::from_json("{}").unwrap_err().to_string().contains("can't be read"));
		assert!(tuning.set(Key { head_dim: 128, ..key }, TILES_64[0]).is_err());
	}
}
