//! Writing a checkpoint, one tensor at a time, from whatever the tensors come from.

use super::{
	group_root, units_per_token, weights_root, Architecture, CheckpointError, Encoding, Manifest, Placement,
	Shapes, TensorShape, TensorView, ALIGNMENT, HEADER, MAGIC,
};
use crate::tokenizer::TokenizerData;
use noesis_primitives::{Profile, Root};
use std::{
	fs::{self, File},
	io::{self, BufWriter, Seek, SeekFrom, Write},
	path::{Path, PathBuf},
};

/// Where tensors come from.
pub trait Source {
	/// What can go wrong.
	type Error: From<CheckpointError>;

	/// Encoding and rows of tensor `shape` of layer `layer`; `None` is the embedding group.
	fn tensor(&mut self, layer: Option<u32>, shape: &TensorShape)
		-> Result<(Encoding, Vec<u8>), Self::Error>;
}

/// Writes to a file beside the target and moves it there when complete.
#[derive(Debug)]
pub struct Writer {
	target: PathBuf,
	partial: PathBuf,
	file: BufWriter<File>,
	at: u64,
}

impl Drop for Writer {
	fn drop(&mut self) {
		// Gone already after success; nothing to be done about a failure.
		let _ = fs::remove_file(&self.partial);
	}
}

impl Writer {
	/// Begins a file at `target`.
	pub fn create(target: &Path) -> Result<Self, CheckpointError> {
		let mut partial = target.as_os_str().to_owned();
		partial.push(format!(".{}.partial", std::process::id()));
		let partial = PathBuf::from(partial);
		let file = BufWriter::with_capacity(1 << 20, File::create(&partial)?);
		let mut writer = Self { target: target.into(), partial, file, at: 0 };
		writer.append(&[0; HEADER])?;
		Ok(writer)
	}

	fn append(&mut self, bytes: &[u8]) -> Result<(u64, u64), io::Error> {
		let offset = self.at.next_multiple_of(ALIGNMENT as u64);
		self.file.write_all(&[0; ALIGNMENT][..(offset - self.at) as usize])?;
		self.file.write_all(bytes)?;
		self.at = offset + bytes.len() as u64;
		Ok((offset, bytes.len() as u64))
	}

	/// Writes all tensors of `source`, the tokenizer and the manifest, and moves the file to its place.
	pub fn finish<S: Source>(
		mut self,
		name: &str,
		architecture: Architecture,
		tokenizer: &TokenizerData,
		source: &mut S,
	) -> Result<Manifest, S::Error> {
		let invalid = |part, reason: String| S::Error::from(super::malformed(part, reason));
		architecture.check().map_err(|e| invalid("architecture", e))?;
		tokenizer.check(architecture.vocabulary).map_err(|e| invalid("tokenizer", e.to_string()))?;
		if tokenizer.end != architecture.end {
			return Err(CheckpointError::Mismatch("token that ends an answer").into());
		}
		let mut tensors = Vec::new();
		let mut layer_roots = Vec::new();
		let embedding = architecture.embedding_shapes();
		let layer = architecture.layer_shapes();
		layer_roots.push(self.group(None, &embedding, source, &mut tensors)?);
		for index in 0..architecture.layers {
			layer_roots.push(self.group(Some(index), &layer, source, &mut tensors)?);
		}
		let text = serde_json::to_vec(tokenizer).map_err(|e| invalid("tokenizer", e.to_string()))?;
		let parameters = architecture.parameters();
		let manifest = Manifest {
			name: name.into(),
			profile: Profile::Exact,
			architecture_hash: architecture.hash(),
			tokenizer_hash: tokenizer.hash().map_err(|e| invalid("tokenizer", e.to_string()))?,
			weights_root: weights_root(&layer_roots),
			layer_roots,
			parameters,
			units_per_token: units_per_token(parameters),
			tensors,
			tokenizer: self.append(&text).map_err(CheckpointError::from)?,
			architecture,
		};
		let text = serde_json::to_vec(&manifest).map_err(|e| invalid("manifest", e.to_string()))?;
		self.close(&text)?;
		Ok(manifest)
	}

	fn group<S: Source>(
		&mut self,
		layer: Option<u32>,
		shapes: &[TensorShape],
		source: &mut S,
		placements: &mut Vec<Placement>,
	) -> Result<Root, S::Error> {
		let mut parts = Vec::with_capacity(shapes.len());
		for shape in shapes {
			let (encoding, bytes) = source.tensor(layer, shape)?;
			if bytes.len() != shape.rows * encoding.row_bytes(shape.columns) {
				return Err(super::malformed("tensor", format!("`{}` has another size", shape.name)).into());
			}
			let (offset, _) = self.append(&bytes).map_err(CheckpointError::from)?;
			placements.push(Placement { encoding, offset });
			parts.push((*shape, encoding, bytes));
		}
		let views: Vec<TensorView<'_>> = parts
			.iter()
			.map(|(shape, encoding, bytes)| TensorView { shape: *shape, encoding: *encoding, bytes })
			.collect();
		for view in &views {
			view.check_bounds()?;
		}
		Ok(group_root(&views))
	}

	fn close(&mut self, manifest: &[u8]) -> Result<(), CheckpointError> {
		let (offset, length) = self.append(manifest)?;
		self.file.seek(SeekFrom::Start(0))?;
		self.file.write_all(&MAGIC)?;
		self.file.write_all(&offset.to_le_bytes())?;
		self.file.write_all(&length.to_le_bytes())?;
		self.file.flush()?;
		self.file.get_ref().sync_all()?;
		fs::rename(&self.partial, &self.target)?;
		Ok(())
	}
}
