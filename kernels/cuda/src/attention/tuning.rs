//! Which tile a forward pass runs with: a table by device and size, made by measuring, and before it a reasoned guess.
//!
//! A tile changes how fast a result comes and, in its last bits, what it is: whoever needs the same bits from two
//! devices names the tile.
//!
//! A guess is always a tile of [`Kind::Mma`]. Those of [`Kind::Wgmma`] run only where the table says so, and
//! [`crate::bench::tune`] writes them into it only after it has compared their results with another tile's.

use super::{Attention, Precision};
use crate::{Device, DeviceError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which instructions a forward kernel is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
	/// `mma.sync`, of one warp: `attention_forward.cu`, for every device.
	#[default]
	Mma,
	/// `wgmma` and the copy engine: `attention_forward_sm90.cu`, for compute capability 9.0 alone.
	Wgmma,
}

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
	/// The instructions.
	#[serde(default)]
	pub kind: Kind,
}

const fn tile(rows: u32, keys: u32, warps: u32, stages: u32) -> Tile {
	Tile { rows, keys, warps, stages, kind: Kind::Mma }
}

/// Four of the warps copy, the others have 16 rows each.
const fn wgmma(rows: u32, keys: u32, stages: u32) -> Tile {
	Tile { rows, keys, warps: rows / 16 + 4, stages, kind: Kind::Wgmma }
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

/// The versions of `attention_forward_sm90.cu`, those that should suit long sequences best first.
const WGMMA_64: [Tile; 6] = [
	wgmma(192, 128, 3),
	wgmma(192, 128, 2),
	wgmma(128, 128, 4),
	wgmma(128, 128, 2),
	wgmma(128, 176, 3),
	wgmma(128, 64, 4),
];
const WGMMA_128: [Tile; 3] = [wgmma(128, 128, 2), wgmma(128, 176, 2), wgmma(128, 64, 4)];

/// The tiles of [`Kind::Wgmma`] for a head of 64 or 128 values; none for others.
pub const fn wgmma_candidates(head_dim: usize) -> &'static [Tile] {
	match head_dim {
		64 => &WGMMA_64,
		128 => &WGMMA_128,
		_ => &[],
	}
}

/// Every tile that a device of this compute capability (times ten) can run.
pub fn candidates_on(architecture: u32, head_dim: usize) -> impl Iterator<Item = Tile> {
	let all = candidates(head_dim).iter().chain(wgmma_candidates(head_dim));
	all.copied().filter(move |tile| tile.runs_on(architecture))
}

/// Every tile that runs on all devices, for a head of 64 or 128 values; none for others.
pub const fn candidates(head_dim: usize) -> &'static [Tile] {
	match head_dim {
		64 => &TILES_64,
		128 => &TILES_128,
		_ => &[],
	}
}

impl Tile {
	/// Whether a device of this compute capability (times ten) can run it.
	pub const fn runs_on(&self, architecture: u32) -> bool {
		matches!(self.kind, Kind::Mma) || architecture == 90
	}

	/// The kernel that runs it.
	pub fn kernel(&self, precision: Precision, head_dim: usize) -> String {
		let Self { rows, keys, warps, stages, kind } = self;
		let source = match kind {
			Kind::Mma => "attention_forward",
			Kind::Wgmma => "attention_forward_sm90",
		};
		format!("{source}_{}_d{head_dim}_{rows}x{keys}x{warps}x{stages}", precision.name())
	}

	/// Bytes of shared memory of a block.
	pub const fn shared(&self, head_dim: usize) -> u32 {
		let tiles = (self.rows + 2 * self.keys * self.stages) * head_dim as u32 * 2;
		match self.kind {
			Kind::Mma => tiles,
			// The barriers.
			Kind::Wgmma => tiles + 256,
		}
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
	/// [`DeviceError::Shape`] if it is not one of the [`candidates_on`] such a device.
	pub fn set(&mut self, key: Key, tile: Tile) -> Result<(), DeviceError> {
		check(key.architecture, key.head_dim, &tile)?;
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

/// Refuses a tile that a device of this compute capability (times ten) has not.
pub(super) fn check(architecture: u32, head_dim: usize, tile: &Tile) -> Result<(), DeviceError> {
	if candidates_on(architecture, head_dim).any(|candidate| candidate == *tile) {
		return Ok(());
	}
	let missing = format!("there is no {tile:?} for a head of {head_dim} values");
	Err(DeviceError::Shape(if wgmma_candidates(head_dim).contains(tile) {
		format!("{missing} on compute capability {}.{}: it needs 9.0", architecture / 10, architecture % 10)
	} else {
		missing
	}))
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
			for tile in candidates(head_dim).iter().chain(wgmma_candidates(head_dim)) {
				for precision in [Precision::F16, Precision::Bf16] {
					let kernel = tile.kernel(precision, head_dim);
					assert!(find(&kernel).is_some(), "{kernel}");
				}
				let room = if tile.kind == Kind::Wgmma { 227 } else { 99 };
				assert!(tile.shared(head_dim) <= room << 10, "{tile:?}");
			}
		}
	}

	#[test]
	fn every_kernel_should_be_a_candidate() {
		let kernels = find("attention_forward_f16_d64_128x64x4x2").unwrap().kernels;
		assert_eq!(kernels.len(), 2 * (TILES_64.len() + TILES_128.len()));
		let kernels = find(&WGMMA_64[0].kernel(Precision::F16, 64)).unwrap().kernels;
		assert_eq!(kernels.len(), 2 * (WGMMA_64.len() + WGMMA_128.len()));
	}

	#[test]
	fn a_tile_for_one_generation_should_be_refused_in_the_table_of_another() {
		let mut tuning = Tuning::default();
		let key = Key { architecture: 90, head_dim: 64, causal: false, queries: 512, keys: 512, heads: 256 };
		tuning.set(key, WGMMA_64[0]).unwrap();
		for architecture in [80, 89, 100, 120] {
			let refused = tuning.set(Key { architecture, ..key }, WGMMA_64[0]).unwrap_err().to_string();
			assert!(refused.contains("it needs 9.0"), "{refused}");
			assert!(candidates_on(architecture, 64).all(|tile| tile.kind == Kind::Mma));
		}
		let text = tuning.to_json().unwrap();
		assert_eq!(Tuning::from_json(&text).unwrap(), tuning);
		assert!(Tuning::from_json(&text.replace("\"architecture\": 90", "\"architecture\": 80")).is_err());
		// Tables of the time before there was a choice name none.
		let old = r#"[{"architecture":90,"head_dim":64,"causal":false,"queries":512,"keys":512,"heads":256,
			"tile":{"rows":64,"keys":64,"warps":4,"stages":2}}]"#;
		assert_eq!(Tuning::from_json(old).unwrap().entries().next(), Some((&key, &tile(64, 64, 4, 2))));
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
