//! GGUF files, good and bad.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_engine::{
	gguf::{Gguf, GgufError},
	import::{import_bytes, ImportError},
	testing, Architecture, Engine, EngineOptions, RunOptions,
};
use noesis_primitives::{GenerateParams, InputFormat, JobKind};
use std::collections::BTreeMap;

/// A metadata value and its type's number.
#[derive(Clone)]
struct Raw(u32, Vec<u8>);

fn text_bytes(text: &str) -> Vec<u8> {
	[&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat()
}

fn text(text: &str) -> Raw {
	Raw(8, text_bytes(text))
}

fn number(value: u32) -> Raw {
	Raw(4, value.to_le_bytes().into())
}

fn float(value: f32) -> Raw {
	Raw(6, value.to_le_bytes().into())
}

fn list(kind: u32, items: impl ExactSizeIterator<Item = Vec<u8>>) -> Raw {
	let mut bytes = kind.to_le_bytes().to_vec();
	bytes.extend((items.len() as u64).to_le_bytes());
	items.for_each(|item| bytes.extend(item));
	Raw(9, bytes)
}

#[derive(Clone)]
struct Parts {
	magic: [u8; 4],
	version: u32,
	metadata: BTreeMap<String, Raw>,
	/// Shape, type and data.
	tensors: BTreeMap<String, (Vec<u64>, u32, Vec<u8>)>,
}

fn noise(length: usize) -> Vec<u8> {
	let mut state = 12_345u32;
	let next = || {
		state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
		(state >> 24) as u8
	};
	std::iter::repeat_with(next).take(length).collect()
}

impl Parts {
	fn good() -> Self {
		let a: Architecture = testing::architecture();
		let t = testing::tokenizer_data();
		let mut metadata = BTreeMap::new();
		let mut set = |key: &str, value: Raw| metadata.insert(key.to_owned(), value);
		set("general.architecture", text("llama"));
		set("general.name", text("tiny"));
		set("llama.block_count", number(a.layers));
		set("llama.context_length", number(a.context));
		set("llama.embedding_length", number(a.width));
		set("llama.feed_forward_length", number(a.feed_forward));
		set("llama.attention.head_count", number(a.heads));
		set("llama.attention.head_count_kv", number(a.kv_heads));
		set("llama.rope.freq_base", float(10_000.0));
		set("llama.attention.layer_norm_rms_epsilon", float(1e-5));
		set("tokenizer.ggml.model", text("gpt2"));
		set("tokenizer.ggml.pre", text("smollm"));
		set("tokenizer.ggml.tokens", list(8, t.tokens.iter().map(|s| text_bytes(s))));
		set("tokenizer.ggml.merges", list(8, t.merges.iter().map(|s| text_bytes(s))));
		let types = (0..t.tokens.len()).map(|i| if i < 3 { 3i32 } else { 1 }.to_le_bytes().to_vec());
		set("tokenizer.ggml.token_type", list(5, types));
		set("tokenizer.ggml.eos_token_id", number(t.end));
		set("tokenizer.chat_template", text(testing::TEMPLATE));
		let mut tensors = BTreeMap::new();
		let mut gain = |name: String, n: u32| {
			let ones = (0..n).flat_map(|_| 1.0f32.to_le_bytes()).collect();
			tensors.insert(name, (vec![n.into()], 0, ones));
		};
		gain("output_norm.weight".into(), a.width);
		for layer in 0..a.layers {
			gain(format!("blk.{layer}.attn_norm.weight"), a.width);
			gain(format!("blk.{layer}.ffn_norm.weight"), a.width);
		}
		let mut matrix = |name: String, rows: u32, columns: u32, kind: u32| {
			let (header, codes): (&[u8], usize) =
				if kind == 8 { (&[0, 0x1c], 32) } else { (&[0, 0x28, 0, 0xb4], 16) };
			let blocks = (rows * columns / 32) as usize;
			let data = noise(blocks * codes).chunks(codes).flat_map(|c| [header, c].concat()).collect();
			tensors.insert(name, (vec![columns.into(), rows.into()], kind, data));
		};
		matrix("token_embd.weight".into(), a.vocabulary, a.width, 8);
		let keys = a.kv_heads * a.head_dim;
		for layer in 0..a.layers {
			let mut of =
				|name: &str, rows, columns| matrix(format!("blk.{layer}.{name}.weight"), rows, columns, 3);
			of("attn_q", a.width, a.width);
			of("attn_k", keys, a.width);
			of("attn_v", keys, a.width);
			of("attn_output", a.width, a.width);
			of("ffn_gate", a.feed_forward, a.width);
			of("ffn_up", a.feed_forward, a.width);
			of("ffn_down", a.width, a.feed_forward);
		}
		Self { magic: *b"GGUF", version: 3, metadata, tensors }
	}

	fn bytes(&self) -> Vec<u8> {
		let mut out = self.magic.to_vec();
		out.extend(self.version.to_le_bytes());
		out.extend((self.tensors.len() as u64).to_le_bytes());
		out.extend((self.metadata.len() as u64).to_le_bytes());
		for (key, Raw(kind, value)) in &self.metadata {
			out.extend(text_bytes(key));
			out.extend(kind.to_le_bytes());
			out.extend(value);
		}
		let mut offset = 0u64;
		for (name, (shape, kind, data)) in &self.tensors {
			out.extend(text_bytes(name));
			out.extend((shape.len() as u32).to_le_bytes());
			shape.iter().for_each(|d| out.extend(d.to_le_bytes()));
			out.extend(kind.to_le_bytes());
			out.extend(offset.to_le_bytes());
			offset = (offset + data.len() as u64).next_multiple_of(32);
		}
		for (_, _, data) in self.tensors.values() {
			out.resize(out.len().next_multiple_of(32), 0);
			out.extend(data);
		}
		out
	}
}

fn import(bytes: &[u8]) -> Result<(), ImportError> {
	let folder = tempfile::tempdir().unwrap();
	let target = folder.path().join("model.noesis");
	let result = import_bytes(bytes, &target, &mut |_| {});
	let files = std::fs::read_dir(folder.path()).unwrap().count();
	assert_eq!(files, usize::from(result.is_ok()), "a failed import leaves nothing behind");
	result.map(|_| ())
}

#[test]
fn a_good_file_should_import_and_run() {
	let folder = tempfile::tempdir().unwrap();
	let target = folder.path().join("model.noesis");
	let mut seen = Vec::new();
	let manifest =
		import_bytes(&Parts::good().bytes(), &target, &mut |p| seen.push((p.done, p.total))).unwrap();
	assert_eq!(seen, (1..=20).map(|i| (i, 20)).collect::<Vec<_>>());
	assert_eq!(manifest.architecture, testing::architecture());
	assert_eq!((manifest.name.as_str(), manifest.units_per_token), ("tiny", 1));
	let engine = Engine::open(&target, &EngineOptions::default()).unwrap();
	assert_eq!(engine.manifest(), &manifest);
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 5));
	assert!(engine.run(&kind, b"Hello", RunOptions::default()).unwrap().usage.output_tokens > 0);
	let again = folder.path().join("again.noesis");
	import_bytes(&Parts::good().bytes(), &again, &mut |_| {}).unwrap();
	assert_eq!(std::fs::read(&target).unwrap(), std::fs::read(&again).unwrap());
}

#[test]
fn every_malformed_file_should_get_its_error() {
	type Change = fn(&mut Parts);
	let table: &[(&str, Change, &str)] = &[
		("magic", |p| p.magic = *b"GGML", "not a GGUF file"),
		("version 2", |p| p.version = 2, "version 2 is not supported"),
		(
			"no architecture",
			|p| drop(p.metadata.remove("general.architecture")),
			"`general.architecture` is missing",
		),
		("other family", |p| set(p, "general.architecture", text("mamba")), "its architecture is `mamba`"),
		(
			"layers as text",
			|p| set(p, "llama.block_count", text("two")),
			"`llama.block_count` should be an integer",
		),
		("no layers", |p| set(p, "llama.block_count", number(0)), "`llama.block_count` should be an integer"),
		("too many layers", |p| set(p, "llama.block_count", number(4_000_000_000)), "layers is 4000000000"),
		(
			"too wide",
			|p| set(p, "llama.embedding_length", number(u32::MAX)),
			"`llama.embedding_length` should be",
		),
		(
			"odd width",
			|p| set(p, "llama.embedding_length", number(65)),
			"width is 65, should be a multiple of 32",
		),
		("heads", |p| set(p, "llama.attention.head_count", number(5)), "head_dim is 12"),
		("no heads", |p| set(p, "llama.attention.head_count", number(0)), "should be an integer"),
		(
			"kv heads",
			|p| set(p, "llama.attention.head_count_kv", number(3)),
			"heads is 4, should be a multiple of 3",
		),
		("context", |p| set(p, "llama.context_length", number(1)), "context is 1"),
		("base", |p| set(p, "llama.rope.freq_base", float(f32::NAN)), "base of its rotary positions is NaN"),
		("scaled rope", |p| set(p, "llama.rope.scaling.type", text("yarn")), "scales rotary positions"),
		("epsilon", |p| set(p, "llama.attention.layer_norm_rms_epsilon", float(0.0)), "epsilon of its norms"),
		("rotated part", |p| set(p, "llama.rope.dimension_count", number(8)), "is not the size of a head"),
		("tokenizer", |p| set(p, "tokenizer.ggml.model", text("llama")), "tokenizer.ggml.model is `llama`"),
		("pre-tokenizer", |p| set(p, "tokenizer.ggml.pre", text("qwen2")), "tokenizer.ggml.pre is `qwen2`"),
		("bos", |p| set(p, "tokenizer.ggml.add_bos_token", Raw(7, vec![1])), "add_bos_token is `true`"),
		("vocabulary", |p| set(p, "llama.vocab_size", number(300)), "288 tokens for a model of 300"),
		(
			"end token",
			|p| set(p, "tokenizer.ggml.eos_token_id", number(288)),
			"end is 288, should be 0 to 287",
		),
		(
			"merges",
			|p| set(p, "tokenizer.ggml.merges", list(8, [text_bytes("a")].into_iter())),
			"merge 0 is not a pair",
		),
		("template", |p| set(p, "tokenizer.chat_template", text("{% if %}")), "chat template does not work"),
		(
			"trimming template",
			|p| set(p, "tokenizer.chat_template", text("a {{ messages[0]['content'] | trim }}")),
			"does more than put the same text",
		),
		(
			"list type",
			|p| set(p, "x", Raw(9, [9u32.to_le_bytes(), [0; 4], [0; 4]].concat())),
			"`x` has the unsupported type 9",
		),
		("value type", |p| set(p, "x", Raw(99, vec![])), "`x` has the unsupported type 99"),
		(
			"huge list",
			|p| set(p, "x", Raw(9, [&8u32.to_le_bytes()[..], &[0xff; 8]].concat())),
			"claims 18446744073709551615 metadata list",
		),
		(
			"alignment",
			|p| set(p, "general.alignment", number(3)),
			"`general.alignment` should be a power of two",
		),
		("untied", |p| insert(p, "output.weight", vec![64], 0, 256), "its output layer is not the embedding"),
		("no tensor", |p| drop(p.tensors.remove("blk.1.ffn_up.weight")), "`blk.1.ffn_up.weight` is missing"),
		(
			"tensor type",
			|p| tensor(p, "blk.0.attn_q.weight").1 = 12,
			"`blk.0.attn_q.weight` has the unsupported type 12",
		),
		(
			"tensor as f32",
			|p| insert(p, "blk.0.attn_k.weight", vec![64, 32], 0, 8192),
			"`blk.0.attn_k.weight` is F32",
		),
		(
			"shape",
			|p| tensor(p, "blk.0.attn_q.weight").0 = vec![32, 128],
			"has shape [32, 128], expected [64, 64]",
		),
		(
			"torn block",
			|p| tensor(p, "blk.0.attn_q.weight").0 = vec![33, 64],
			"has shape [33, 64], expected [64, 64]",
		),
		("dimensions", |p| tensor(p, "blk.0.attn_q.weight").0 = vec![1; 9], "claims 9 dimensions"),
		(
			"huge tensor",
			|p| tensor(p, "blk.0.attn_q.weight").0 = vec![1 << 40, 1 << 40],
			"beyond the end of the file",
		),
		(
			"infinite gain",
			|p| tensor(p, "output_norm.weight").2[..4].copy_from_slice(&f32::INFINITY.to_le_bytes()),
			"`output_norm.weight` has a value",
		),
		(
			"infinite scale",
			|p| tensor(p, "blk.0.ffn_up.weight").2[..2].copy_from_slice(&[0, 0x7c]),
			"`blk.0.ffn_up.weight` has a value",
		),
	];
	fn set(parts: &mut Parts, key: &str, value: Raw) {
		parts.metadata.insert(key.into(), value);
	}
	fn insert(parts: &mut Parts, name: &str, shape: Vec<u64>, kind: u32, length: usize) {
		parts.tensors.insert(name.into(), (shape, kind, vec![0; length]));
	}
	fn tensor<'a>(parts: &'a mut Parts, name: &str) -> &'a mut (Vec<u64>, u32, Vec<u8>) {
		parts.tensors.get_mut(name).unwrap()
	}
	assert!(import(&Parts::good().bytes()).is_ok());
	for (case, change, expected) in table {
		let mut parts = Parts::good();
		change(&mut parts);
		let error = import(&parts.bytes()).expect_err(case).to_string();
		assert!(error.contains(expected), "{case}: {error}");
	}
}

#[test]
fn every_truncated_file_should_be_an_error() {
	let bytes = Parts::good().bytes();
	for length in (0..bytes.len()).step_by(97).chain(0..64).chain([bytes.len() - 1]) {
		let error = import(&bytes[..length]).expect_err("truncated");
		assert!(matches!(error, ImportError::Gguf(_)), "{length}: {error}");
	}
}

#[test]
fn huge_counts_should_be_errors_before_anything_is_allocated() {
	for at in [8, 16, 24] {
		let mut bytes = Parts::good().bytes();
		bytes[at..at + 8].fill(0xff);
		assert!(matches!(Gguf::parse(&bytes), Err(GgufError::Count { count: u64::MAX, .. })), "{at}");
	}
}

#[test]
fn flipped_bits_should_never_panic() {
	let bytes = Parts::good().bytes();
	// The head of the file: counts, keys, types, lengths.
	for at in (0..1200).chain((1200..12_000).step_by(13)) {
		for bit in [0, 3, 7] {
			let mut bad = bytes.clone();
			bad[at] ^= 1 << bit;
			if let Ok(gguf) = Gguf::parse(&bad) {
				let _ = noesis_engine::import::architecture(&gguf);
			}
		}
	}
}
