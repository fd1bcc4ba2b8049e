//! Checkpoint files that are not what they say.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_engine::{testing, Checkpoint, CheckpointError, Engine, EngineError, EngineOptions};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

fn good() -> (TempDir, PathBuf, Vec<u8>) {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("model.noesis");
	testing::write_random_model(&path, 1).unwrap();
	let bytes = std::fs::read(&path).unwrap();
	(folder, path, bytes)
}

fn open(path: &Path, bytes: &[u8]) -> Result<Checkpoint, CheckpointError> {
	// A new file each time: a mapped one must not change.
	std::fs::remove_file(path).unwrap();
	std::fs::write(path, bytes).unwrap();
	Checkpoint::open(path)
}

/// Replaces part of the manifest, keeping its length field right.
fn with_manifest(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
	let offset = u64::from_le_bytes(bytes[8..16].try_into().unwrap()) as usize;
	let manifest = std::str::from_utf8(&bytes[offset..]).unwrap();
	assert!(manifest.contains(from), "{from} in {manifest}");
	let changed = manifest.replacen(from, to, 1);
	let mut out = bytes[..offset].to_vec();
	out[16..24].copy_from_slice(&(changed.len() as u64).to_le_bytes());
	out.extend(changed.as_bytes());
	out
}

#[test]
fn a_checkpoint_should_be_the_same_bytes_every_time() {
	let (_folder, path, bytes) = good();
	let other = path.with_extension("other");
	testing::write_random_model(&other, 1).unwrap();
	assert_eq!(std::fs::read(&other).unwrap(), bytes);
	testing::write_random_model(&other, 2).unwrap();
	let (a, b) = (Checkpoint::open(&path).unwrap(), Checkpoint::open(&other).unwrap());
	assert_ne!(a.manifest().weights_root, b.manifest().weights_root);
	assert_eq!(a.manifest().architecture_hash, b.manifest().architecture_hash);
	assert_eq!(a.manifest().tokenizer_hash, b.manifest().tokenizer_hash);
	assert_eq!(a.manifest().layer_roots.len(), 3);
}

#[test]
fn truncated_and_foreign_files_should_be_refused() {
	let (_folder, path, bytes) = good();
	for length in (0..bytes.len()).step_by(bytes.len() / 60).chain([0, 7, 8, 63, 64, bytes.len() - 1]) {
		assert!(open(&path, &bytes[..length]).is_err(), "{length}");
	}
	assert!(matches!(open(&path, b"GGUF"), Err(CheckpointError::Magic)));
	assert!(matches!(open(&path, &[0; 100]), Err(CheckpointError::Magic)));
	let mut old = bytes.clone();
	old[7] = 1;
	let error = open(&path, &old).unwrap_err();
	assert!(matches!(error, CheckpointError::Version(1)));
	assert!(error.to_string().contains("noesis checkpoint import"), "{error}");
	let mut far = bytes.clone();
	far[8..24].fill(0xff);
	assert!(matches!(open(&path, &far), Err(CheckpointError::Range(_))));
	assert!(matches!(Checkpoint::open(&path.with_extension("none")), Err(CheckpointError::Io(_))));
}

#[test]
fn any_flipped_bit_that_matters_should_be_noticed() {
	let (_folder, path, bytes) = good();
	let manifest = open(&path, &bytes).unwrap().manifest().clone();
	let last = manifest.tensors.last().unwrap().offset as usize;
	for at in (64..last).step_by(1009) {
		let mut bad = bytes.clone();
		bad[at] ^= 0x10;
		// Only the zeros between tensors may change unnoticed, and nothing reads them.
		if let Ok(checkpoint) = open(&path, &bad) {
			let inside = (0..checkpoint.manifest().layer_roots.len())
				.flat_map(|g| checkpoint.group(g).unwrap())
				.zip(&manifest.tensors)
				.any(|(t, p)| (p.offset as usize..p.offset as usize + t.bytes.len()).contains(&at));
			assert!(!inside, "byte {at}");
		}
	}
}

#[test]
fn every_forged_manifest_should_get_its_error() {
	let (_folder, path, bytes) = good();
	let table = [
		("\"layers\":2", "\"layers\":3", "architecture hash"),
		("\"layers\":2", "\"layers\":4000000000", "layers is 4000000000"),
		("\"width\":64", "\"width\":0", "width is 0"),
		("\"heads\":4", "\"heads\":0", "heads is 0"),
		("\"head_dim\":16", "\"head_dim\":4294967295", "head_dim is"),
		("\"vocabulary\":288", "\"vocabulary\":287", "architecture hash"),
		("\"epsilon\":", "\"epsilon\":99999999999999", "epsilon is"),
		("\"family\":\"llama\"", "\"family\":\"rwkv\"", "unknown variant `rwkv`"),
		("\"end\":2", "\"end\":3", "architecture hash"),
		("\"units_per_token\":1", "\"units_per_token\":2", "number of parameters"),
		("\"tensors\":[{\"encoding\":\"q8\"", "\"tensors\":[{\"encoding\":\"q4\"", "root of a layer"),
		("\"tensors\":[{\"encoding\":\"q8\"", "\"tensors\":[{\"encoding\":\"gain\"", "misplaced"),
		("\"encoding\":\"q8\",\"offset\":64", "\"encoding\":\"q8\",\"offset\":65", "misplaced"),
		("\"encoding\":\"q8\",\"offset\":64", "\"encoding\":\"q8\",\"offset\":128", "root of a layer"),
		(
			"\"encoding\":\"q8\",\"offset\":64",
			"\"encoding\":\"q8\",\"offset\":18446744073709551552",
			"outside the file",
		),
		("\"tensors\":[", "\"tensors\":[{\"encoding\":\"q4\",\"offset\":64},", "number of tensors"),
		("\"tokenizer\":[", "\"tokenizer\":[1", "tokenizer"),
		("\"profile\":\"Exact\"", "\"profile\":\"Fast\"", "manifest can't be read"),
		("{", "[", "manifest can't be read"),
	];
	for (from, to, expected) in table {
		let error = open(&path, &with_manifest(&bytes, from, to)).expect_err(to).to_string();
		assert!(error.contains(expected), "{to}: {error}");
	}
	let root = open(&path, &bytes).unwrap().manifest().weights_root.to_string();
	let forged = root.replacen("0x", "", 1).chars().rev().collect::<String>();
	let error = open(&path, &with_manifest(&bytes, &root[2..], &forged)).unwrap_err().to_string();
	assert!(error.contains("weights root"), "{error}");
}

#[test]
fn a_missing_vector_unit_should_be_named() {
	use noesis_engine::Backend;
	let (_folder, path, _) = good();
	for backend in [Backend::Scalar, Backend::Avx2, Backend::Avx512] {
		let options = EngineOptions { backend: Some(backend), threads: Some(1), ..Default::default() };
		match Engine::open(&path, &options) {
			Ok(engine) => assert_eq!(engine.backend(), backend),
			Err(error) => assert!(matches!(error, EngineError::Backend(_)) && !backend.is_available()),
		}
	}
}
