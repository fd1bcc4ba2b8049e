//! Our own model file, `*.noesis`: tensors as their Merkle leaves see them, tokenizer, manifest.
//!
//! ```text
//! 0   magic "NOESIS\0\x02"      8 bytes
//! 8   manifest offset, length   2 × u64, little endian
//! 24  zeros up to 64
//! 64  tensors, each at a multiple of 64
//!     tokenizer (JSON), manifest (JSON), end of file
//! ```
//! The same model makes the same bytes on every machine. [`Checkpoint::open`] maps the file, checks every range
//! and recomputes every hash; what it returns can be trusted to be what its roots say.

mod manifest;
mod write;

pub use manifest::{Encoding, Manifest, Placement, Shapes, TensorShape};
pub use noesis_primitives::Architecture;
pub use write::{Source, Writer};

use crate::tokenizer::TokenizerData;
use noesis_canon::{graph::CHUNK, linear::row_bound, GROUP};
use noesis_primitives::{merkle, Root};
use rayon::prelude::*;
use std::{fs::File, io, path::Path};

const MAGIC: [u8; 8] = *b"NOESIS\0\x02";
/// Bytes of the magic before the version.
const KIND: usize = 7;
const HEADER: usize = 64;
const ALIGNMENT: usize = 64;
/// Largest manifest that is read: 255 layers need about 200 KiB.
const MAX_MANIFEST: usize = 1 << 22;

/// What is wrong with a checkpoint file.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
	/// Reading or writing failed.
	#[error("{0}")]
	Io(#[from] io::Error),
	/// It is another kind of file.
	#[error("not a Noesis checkpoint")]
	Magic,
	/// It is of another version.
	#[error(
		"a Noesis checkpoint of version {0}, which this program does not read (it reads version {version}): convert the \
		 model again with `noesis checkpoint import`",
		version = MAGIC[KIND]
	)]
	Version(u8),
	/// It ends too early, or says that a part lies outside of it.
	#[error("{0} lies outside the file: is the download complete?")]
	Range(&'static str),
	/// A part can't be read.
	#[error("the {part} can't be read: {reason}")]
	Malformed {
		/// Which part.
		part: &'static str,
		/// Why.
		reason: String,
	},
	/// A hash or derived number is not what the manifest says.
	#[error("the {0} does not match the file's content: the file is damaged or forged")]
	Mismatch(&'static str),
	/// Weights so large that a sum could overflow.
	#[error("row {row} of tensor `{tensor}` could overflow the accumulator")]
	Overflow {
		/// The tensor.
		tensor: &'static str,
		/// Its row.
		row: usize,
	},
}

fn malformed(part: &'static str, reason: impl ToString) -> CheckpointError {
	CheckpointError::Malformed { part, reason: reason.to_string() }
}

/// A tensor of an open checkpoint.
#[derive(Clone, Copy, Debug)]
pub struct TensorView<'a> {
	/// Name and shape.
	pub shape: TensorShape,
	/// How its rows are written.
	pub encoding: Encoding,
	/// All rows.
	pub bytes: &'a [u8],
}

impl<'a> TensorView<'a> {
	/// The rows' bytes.
	pub fn rows(&self) -> std::slice::ChunksExact<'a, u8> {
		self.bytes.chunks_exact(self.encoding.row_bytes(self.shape.columns))
	}

	/// The values of a gain, Q12.
	pub fn gain(&self) -> Vec<i32> {
		self.bytes.chunks_exact(4).map(|b| i32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()
	}

	/// Chunks of a row.
	pub fn chunks(&self) -> usize {
		self.shape.columns.div_ceil(CHUNK as usize)
	}

	/// A chunk of a row, if there is one.
	pub fn chunk(&self, row: usize, chunk: usize) -> Option<&'a [u8]> {
		let bytes = self.rows().nth(row)?;
		bytes.chunks(self.encoding.row_bytes(CHUNK as usize)).nth(chunk)
	}

	/// Hashes of a row's chunks.
	fn chunk_hashes(&self, row: &[u8]) -> Vec<merkle::Node> {
		row.chunks(self.encoding.row_bytes(CHUNK as usize)).map(merkle::leaf_hash).collect()
	}

	/// Leaves of the tensor's tree: the roots of its rows.
	pub fn row_roots(&self) -> Vec<merkle::Node> {
		let row = self.encoding.row_bytes(self.shape.columns);
		self.bytes.par_chunks_exact(row).map(|row| merkle::root(&self.chunk_hashes(row))).collect()
	}

	/// The path of a chunk within its row.
	pub fn chunk_path(&self, row: usize, chunk: usize) -> Option<Vec<merkle::Node>> {
		merkle::path(&self.chunk_hashes(self.rows().nth(row)?), u32::try_from(chunk).ok()?)
	}

	/// Root of the tensor.
	pub fn root(&self) -> merkle::Node {
		merkle::root(&self.row_roots())
	}

	/// Refuses weights with which an accumulator could leave 62 bits, and gains of 16 or more.
	fn check_bounds(&self) -> Result<(), CheckpointError> {
		let bounded = |row: &[u8]| match self.encoding {
			Encoding::Gain => row.chunks_exact(4).all(|b| word(b).unsigned_abs() < 1 << 16),
			Encoding::Q4 => total_bound(row.chunks_exact(24).map(|g| row_bound(word(g), word(&g[4..]), 15))),
			Encoding::Q8 => total_bound(row.chunks_exact(36).map(|g| row_bound(word(g), 0, 128))),
		};
		match self.rows().position(|row| !bounded(row)) {
			None => Ok(()),
			Some(row) => Err(CheckpointError::Overflow { tensor: self.shape.name, row }),
		}
	}
}

fn word(bytes: &[u8]) -> i32 {
	i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn total_bound(groups: impl Iterator<Item = u64>) -> bool {
	groups.map(u128::from).sum::<u128>() < 1 << 62
}

/// Root of a group of tensors, given in the order of the architecture.
fn group_root(tensors: &[TensorView<'_>]) -> Root {
	Root(merkle::root(&tensors.iter().map(TensorView::root).collect::<Vec<_>>()))
}

fn weights_root(groups: &[Root]) -> Root {
	Root(merkle::root(&groups.iter().map(|root| root.0).collect::<Vec<_>>()))
}

/// A mapped and checked checkpoint file.
#[derive(Debug)]
pub struct Checkpoint {
	map: memmap2::Mmap,
	manifest: Manifest,
	tokenizer: TokenizerData,
}

impl Checkpoint {
	/// Maps the file at `path` and checks all of it.
	///
	/// The file must not be changed while it is open.
	pub fn open(path: &Path) -> Result<Self, CheckpointError> {
		let file = File::open(path)?;
		// SAFETY: the map is only read, as plain bytes, and never handed out beyond `self`.
		let map = unsafe { memmap2::Mmap::map(&file)? };
		let header = map.get(..HEADER).ok_or(CheckpointError::Magic)?;
		if header[..KIND] != MAGIC[..KIND] {
			return Err(CheckpointError::Magic);
		}
		if header[KIND] != MAGIC[KIND] {
			return Err(CheckpointError::Version(header[KIND]));
		}
		let number = |at: usize| {
			let bytes: [u8; 8] = std::array::from_fn(|i| header[at + i]);
			u64::from_le_bytes(bytes)
		};
		let manifest = range(&map, number(8), number(16)).ok_or(CheckpointError::Range("the manifest"))?;
		if manifest.len() > MAX_MANIFEST {
			return Err(CheckpointError::Range("the manifest"));
		}
		let manifest: Manifest = serde_json::from_slice(manifest).map_err(|e| malformed("manifest", e))?;
		manifest.architecture.check().map_err(|e| malformed("manifest", e))?;
		let (offset, length) = manifest.tokenizer;
		let tokenizer = range(&map, offset, length).ok_or(CheckpointError::Range("the tokenizer"))?;
		let tokenizer: TokenizerData =
			serde_json::from_slice(tokenizer).map_err(|e| malformed("tokenizer", e))?;
		if tokenizer.hash().map_err(|e| malformed("tokenizer", e))? != manifest.tokenizer_hash {
			return Err(CheckpointError::Mismatch("tokenizer hash"));
		}
		let checkpoint = Self { map, manifest, tokenizer };
		checkpoint.check()?;
		Ok(checkpoint)
	}

	fn check(&self) -> Result<(), CheckpointError> {
		let m = &self.manifest;
		let a = &m.architecture;
		if m.architecture_hash != a.hash() {
			return Err(CheckpointError::Mismatch("architecture hash"));
		}
		if (m.parameters, m.units_per_token) != (a.parameters(), units_per_token(a.parameters())) {
			return Err(CheckpointError::Mismatch("number of parameters"));
		}
		if m.tensors.len() != 2 + 9 * a.layers as usize || m.layer_roots.len() != 1 + a.layers as usize {
			return Err(malformed("manifest", "the number of tensors or roots is not the architecture's"));
		}
		self.tokenizer.check(a.vocabulary).map_err(|e| malformed("tokenizer", e))?;
		if self.tokenizer.end != a.end {
			return Err(CheckpointError::Mismatch("token that ends an answer"));
		}
		for group in 0..m.layer_roots.len() {
			let tensors = self.group(group)?;
			tensors.par_iter().try_for_each(TensorView::check_bounds)?;
			if m.layer_roots[group] != group_root(&tensors) {
				return Err(CheckpointError::Mismatch("root of a layer"));
			}
		}
		if m.weights_root != weights_root(&m.layer_roots) {
			return Err(CheckpointError::Mismatch("weights root"));
		}
		Ok(())
	}

	/// The description.
	pub fn manifest(&self) -> &Manifest {
		&self.manifest
	}

	/// Vocabulary, merges, chat template.
	pub fn tokenizer(&self) -> &TokenizerData {
		&self.tokenizer
	}

	/// Tensors of a group, in the architecture's order: 0 is the embedding, `n` is layer `n - 1`.
	pub fn group(&self, group: usize) -> Result<Vec<TensorView<'_>>, CheckpointError> {
		let a = &self.manifest.architecture;
		let (first, shapes) = match group {
			0 => (0, a.embedding_shapes().to_vec()),
			n => (2 + 9 * (n - 1), a.layer_shapes().to_vec()),
		};
		let placed = self.manifest.tensors.get(first..).unwrap_or_default();
		if placed.len() < shapes.len() {
			return Err(CheckpointError::Range("a tensor"));
		}
		let view = |(shape, place): (TensorShape, &Placement)| {
			if shape.is_gain != (place.encoding == Encoding::Gain) || place.offset % ALIGNMENT as u64 != 0 {
				return Err(malformed("manifest", format!("tensor `{}` is misplaced", shape.name)));
			}
			let length = shape.rows * place.encoding.row_bytes(shape.columns);
			let bytes = range(&self.map, place.offset, length as u64);
			let bytes = bytes.ok_or(CheckpointError::Range("a tensor"))?;
			Ok(TensorView { shape, encoding: place.encoding, bytes })
		};
		shapes.into_iter().zip(placed).map(view).collect()
	}
}

fn range(bytes: &[u8], offset: u64, length: u64) -> Option<&[u8]> {
	let from = usize::try_from(offset).ok()?;
	bytes.get(from..from.checked_add(usize::try_from(length).ok()?)?)
}

fn units_per_token(parameters: u64) -> u32 {
	u32::try_from((parameters / 1_000_000).max(1)).unwrap_or(u32::MAX)
}

const _: () = assert!(GROUP == 32);
