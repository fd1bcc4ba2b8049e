//! Model files: GGUF, our own, and their descriptions.

use crate::cut::Cut;
use noesis_engine::{
	checkpoint::{Checkpoint, Manifest},
	gguf::Gguf,
	import, testing, Shapes,
};
use std::{cell::RefCell, fs, sync::LazyLock};
use tempfile::TempDir;

thread_local! {
	/// Where files are written.
	static FOLDER: RefCell<TempDir> = RefCell::new(folder());
}

fn folder() -> TempDir {
	// In memory where there is such a place.
	tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

fn in_folder<R>(f: impl FnOnce(&std::path::Path) -> R) -> R {
	FOLDER.with_borrow(|folder| f(folder.path()))
}

/// A GGUF file: what is imported of it opens.
pub fn gguf(bytes: &[u8]) {
	let Ok(gguf) = Gguf::parse(bytes) else { return };
	let _ = (import::architecture(&gguf), import::tokenizer(&gguf));
	in_folder(|folder| {
		let path = folder.join("imported");
		if let Ok(manifest) = import::import_bytes(bytes, &path, &mut |_| ()) {
			let opened = Checkpoint::open(&path).expect("what was imported opens");
			assert_eq!(*opened.manifest(), manifest);
		}
	});
}

/// Pieces of a GGUF file.
struct File(Vec<u8>);

impl File {
	fn text(&mut self, text: &str) -> &mut Self {
		self.0.extend_from_slice(&(text.len() as u64).to_le_bytes());
		self.0.extend_from_slice(text.as_bytes());
		self
	}

	fn number(&mut self, number: u32) -> &mut Self {
		self.0.extend_from_slice(&number.to_le_bytes());
		self
	}

	fn long(&mut self, number: u64) -> &mut Self {
		self.0.extend_from_slice(&number.to_le_bytes());
		self
	}

	fn texts<T: AsRef<str>>(&mut self, key: &str, texts: &[T]) {
		self.text(key).number(9).number(8).long(texts.len() as u64);
		for text in texts {
			self.text(text.as_ref());
		}
	}
}

/// A model of one layer that can be imported, and the beginnings of files.
pub fn gguf_seeds() -> Vec<Vec<u8>> {
	let data = testing::tokenizer_data();
	let vocabulary = data.tokens.len() as u64;
	let mut file = File(b"GGUF\x03\0\0\0".to_vec());
	let tensors: [(&str, &[u64], u32); 11] = [
		("token_embd.weight", &[32, vocabulary], 8),
		("output_norm.weight", &[32], 0),
		("blk.0.attn_norm.weight", &[32], 0),
		("blk.0.attn_q.weight", &[32, 32], 3),
		("blk.0.attn_k.weight", &[32, 32], 3),
		("blk.0.attn_v.weight", &[32, 32], 3),
		("blk.0.attn_output.weight", &[32, 32], 3),
		("blk.0.ffn_norm.weight", &[32], 0),
		("blk.0.ffn_gate.weight", &[32, 32], 3),
		("blk.0.ffn_up.weight", &[32, 32], 3),
		("blk.0.ffn_down.weight", &[32, 32], 3),
	];
	let numbers = [
		("llama.embedding_length", 32),
		("llama.attention.head_count", 2),
		("llama.attention.head_count_kv", 2),
		("llama.block_count", 1),
		("llama.feed_forward_length", 32),
		("llama.context_length", 64),
		("tokenizer.ggml.eos_token_id", 2),
	];
	let texts = [
		("general.architecture", "llama"),
		("tokenizer.ggml.model", "gpt2"),
		("tokenizer.ggml.pre", "smollm"),
		("tokenizer.chat_template", testing::TEMPLATE),
	];
	file.long(tensors.len() as u64).long((numbers.len() + texts.len() + 5) as u64);
	for (key, number) in numbers {
		file.text(key).number(4).number(number);
	}
	for (key, text) in texts {
		file.text(key).number(8).text(text);
	}
	for (key, value) in
		[("llama.rope.freq_base", 10_000f32), ("llama.attention.layer_norm_rms_epsilon", 1e-5)]
	{
		file.text(key).number(6).number(value.to_bits());
	}
	file.texts("tokenizer.ggml.tokens", &data.tokens);
	file.texts("tokenizer.ggml.merges", &data.merges);
	file.text("tokenizer.ggml.token_type").number(9).number(5).long(vocabulary);
	for id in 0..vocabulary as u32 {
		file.number(if data.special.contains(&id) { 3 } else { 1 });
	}
	let bytes = |shape: &[u64], kind: u32| {
		let values: u64 = shape.iter().product();
		match kind {
			0 => values * 4,
			3 => values / 32 * 20,
			_ => values / 32 * 34,
		}
	};
	let mut offset = 0;
	for (name, shape, kind) in tensors {
		file.text(name).number(shape.len() as u32);
		for size in shape {
			file.long(*size);
		}
		file.number(kind).long(offset);
		offset += bytes(shape, kind).next_multiple_of(32);
	}
	let start = file.0.len().next_multiple_of(32);
	file.0.resize(start, 0);
	for (_, shape, kind) in tensors {
		let one: &[u8] = match kind {
			0 => &[0, 0, 0x80, 0x3f],
			// Scale and minimum of a half and minus four, then codes.
			3 => &[0, 0x38, 0, 0xc4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
			_ => &[0, 0x38],
		};
		let length = bytes(shape, kind) as usize;
		let tensor = one.iter().copied().cycle().take(length);
		file.0.extend(tensor);
		let end = start + (file.0.len() - start).next_multiple_of(32);
		file.0.resize(end, 0);
	}
	let whole = file.0;
	vec![whole[..400].to_vec(), whole[..24].to_vec(), whole]
}

/// A small model's file.
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
	let folder = folder();
	let path = folder.path().join("model");
	let small = noesis_primitives::Architecture {
		layers: 1,
		width: 32,
		heads: 2,
		kv_heads: 1,
		feed_forward: 32,
		..testing::architecture()
	};
	testing::write_random_model_of(&path, 1, small).unwrap();
	fs::read(path).unwrap()
});

fn open(bytes: &[u8]) -> Option<Checkpoint> {
	in_folder(|folder| {
		let path = folder.join("model");
		fs::write(&path, bytes).unwrap();
		Checkpoint::open(&path).ok()
	})
}

/// A checkpoint's file: a small one of which bytes are replaced, so that the change is what is looked at.
pub fn checkpoint(bytes: &[u8]) {
	let mut cut = Cut(bytes);
	let mut file = if cut.byte() % 8 == 7 { Vec::new() } else { FILE.clone() };
	while !cut.0.is_empty() {
		let (at, count) = (cut.number() as usize, usize::from(cut.byte()) % 64);
		let part = cut.bytes(count);
		match at % 4 {
			0 => file.truncate(at / 4 % (file.len() + 1)),
			1 => file.extend_from_slice(part),
			_ => {
				// From the front or from the back, where the description is.
				let at = at / 4 % (file.len() + 1);
				let end = (at + part.len()).min(file.len());
				file.splice(at..end, part.iter().copied());
			},
		}
	}
	if let Some(checkpoint) = open(&file) {
		check(&checkpoint);
	}
}

/// What was opened is whole.
fn check(checkpoint: &Checkpoint) {
	let manifest = checkpoint.manifest();
	for group in 0..manifest.layer_roots.len() {
		for tensor in checkpoint.group(group).expect("a group that was checked") {
			assert_eq!(tensor.rows().count(), tensor.shape.rows);
		}
	}
	assert_eq!(manifest.architecture.hash(), manifest.architecture_hash);
}

/// Replaced bytes here and there.
pub fn checkpoint_seeds() -> Vec<Vec<u8>> {
	let mut seeds = vec![vec![0], [&[7, 1, 0, 0, 0, 63][..], &FILE[..63]].concat()];
	seeds.extend((0..24u32).map(|i| [&[0][..], &(i * 997 * 4 + 2).to_le_bytes(), &[4, 9, 9, 9, 9]].concat()));
	seeds
}

/// The description of a checkpoint, in the file that it describes or not.
pub fn manifest(bytes: &[u8]) {
	if let Ok(manifest) = serde_json::from_slice::<Manifest>(bytes) {
		let again = serde_json::from_slice::<Manifest>(&serde_json::to_vec(&manifest).unwrap()).unwrap();
		assert_eq!(again, manifest);
		if manifest.architecture.check().is_ok() {
			let architecture = &manifest.architecture;
			assert!(architecture.graph().is_valid(), "a shape that no program computes");
			assert!(architecture.parameters() > 0);
		}
	}
	let at = u64::from_le_bytes(FILE[8..16].try_into().unwrap()) as usize;
	let mut file = FILE[..at].to_vec();
	file.extend_from_slice(bytes);
	file[16..24].copy_from_slice(&(bytes.len() as u64).to_le_bytes());
	if let Some(checkpoint) = open(&file) {
		check(&checkpoint);
	}
}

/// The description of the small model.
pub fn manifest_seeds() -> Vec<Vec<u8>> {
	let at = u64::from_le_bytes(FILE[8..16].try_into().unwrap()) as usize;
	let length = u64::from_le_bytes(FILE[16..24].try_into().unwrap()) as usize;
	vec![FILE[at..][..length].to_vec()]
}
