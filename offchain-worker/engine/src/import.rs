//! From GGUF to a checkpoint, without touching a weight: the file's own codes, its half-precision scales as exact
//! integers.

use crate::{
	checkpoint::{Architecture, CheckpointError, Encoding, Manifest, Source, TensorShape, Writer},
	gguf::{Gguf, GgufError, Tensor, TensorKind, Value},
	template::{ChatTemplate, TemplateError},
	tokenizer::{Tokenizer, TokenizerData, TokenizerError},
};
use noesis_canon::{linear::f16_to_q24, norm};
use noesis_primitives::Family;
use std::{fs::File, io, path::Path};

/// Why a file can't be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
	/// Reading failed.
	#[error("{0}")]
	Io(#[from] io::Error),
	/// The GGUF file is malformed or lacks something.
	#[error(transparent)]
	Gguf(#[from] GgufError),
	/// A kind of model that the `Exact` profile does not cover.
	#[error("this model is not supported: {0}")]
	Unsupported(String),
	/// A weight that has no exact integer form: an infinity, NaN, or out of range.
	#[error("tensor `{0}` has a value that is infinite, not a number, or out of range")]
	Weight(String),
	/// The tokenizer's data do not fit together.
	#[error("tokenizer: {0}")]
	Tokenizer(#[from] TokenizerError),
	/// The chat template does not work, or does more than put text around a message.
	#[error(transparent)]
	Template(#[from] TemplateError),
	/// Writing the checkpoint failed.
	#[error(transparent)]
	Checkpoint(#[from] CheckpointError),
}

/// How far an import is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Progress {
	/// Tensors written.
	pub done: u32,
	/// Tensors there are.
	pub total: u32,
}

/// Imports the GGUF file at `source` as a checkpoint at `target`; `progress` is called after every tensor.
pub fn import_gguf(
	source: &Path,
	target: &Path,
	progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, ImportError> {
	let file = File::open(source)?;
	// SAFETY: the map is only read, as plain bytes, and lives until the end of this function.
	let map = unsafe { memmap2::Mmap::map(&file)? };
	import_bytes(&map, target, progress)
}

/// [`import_gguf`] of a file in memory.
pub fn import_bytes(
	bytes: &[u8],
	target: &Path,
	progress: &mut dyn FnMut(Progress),
) -> Result<Manifest, ImportError> {
	let gguf = Gguf::parse(bytes)?;
	let architecture = architecture(&gguf)?;
	let tokenizer = tokenizer(&gguf)?;
	tokenizer.check(architecture.vocabulary)?;
	Tokenizer::new(&tokenizer)?;
	let name = gguf.text("general.name").unwrap_or("unnamed");
	let total = 2 + 9 * architecture.layers;
	let mut source = GgufSource { gguf: &gguf, progress, state: Progress { done: 0, total } };
	Writer::create(target)?.finish(name, architecture, &tokenizer, &mut source)
}

/// The token that ends an answer.
fn end_token(gguf: &Gguf<'_>) -> Result<u32, GgufError> {
	gguf.integer("tokenizer.ggml.eos_token_id", 0..=u32::MAX)
}

/// The architecture that the metadata describe.
pub fn architecture(gguf: &Gguf<'_>) -> Result<Architecture, ImportError> {
	let family = gguf.text("general.architecture")?;
	if family != "llama" {
		return Err(ImportError::Unsupported(format!("its architecture is `{family}`, not `llama`")));
	}
	if gguf.has_tensor("output.weight") {
		return Err(ImportError::Unsupported("its output layer is not the embedding".into()));
	}
	if let Some(Value::Text(kind)) = gguf.get("llama.rope.scaling.type") {
		if *kind != "none" {
			return Err(ImportError::Unsupported(format!("it scales rotary positions (`{kind}`)")));
		}
	}
	const ANY: std::ops::RangeInclusive<u32> = 1..=u32::MAX;
	let width = gguf.integer("llama.embedding_length", 1..=1 << 15)?;
	let heads = gguf.integer("llama.attention.head_count", ANY)?;
	let head_dim = match gguf.get("llama.attention.key_length") {
		Some(_) => gguf.integer("llama.attention.key_length", 1..=1 << 15)?,
		None => width / heads,
	};
	for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
		if gguf.get(key).is_some() && gguf.integer(key, ANY)? != head_dim {
			return Err(ImportError::Unsupported(format!("{key} is not the size of a head, {head_dim}")));
		}
	}
	let base = f32::from_bits(gguf.f32_bits("llama.rope.freq_base")?);
	if !(2.0..=4e9).contains(&base) || base.fract() != 0.0 {
		return Err(ImportError::Unsupported(format!("the base of its rotary positions is {base}")));
	}
	let epsilon = gguf.f32_bits("llama.attention.layer_norm_rms_epsilon")?;
	let vocabulary = match gguf.get("llama.vocab_size") {
		Some(_) => gguf.integer("llama.vocab_size", ANY)?,
		None => gguf.texts("tokenizer.ggml.tokens")?.len() as u32,
	};
	let architecture = Architecture {
		family: Family::Llama,
		layers: gguf.integer("llama.block_count", ANY)?,
		width,
		heads,
		kv_heads: gguf.integer("llama.attention.head_count_kv", ANY)?,
		head_dim,
		feed_forward: gguf.integer("llama.feed_forward_length", ANY)?,
		vocabulary,
		context: gguf.integer("llama.context_length", ANY)?,
		rope_base: base as u32,
		epsilon: norm::epsilon_term(epsilon, width as usize)
			.ok_or_else(|| ImportError::Unsupported("the epsilon of its norms is out of range".into()))?,
		end: end_token(gguf)?,
	};
	architecture.check().map_err(ImportError::Unsupported)?;
	Ok(architecture)
}

/// The tokenizer that the metadata describe.
pub fn tokenizer(gguf: &Gguf<'_>) -> Result<TokenizerData, ImportError> {
	let unsupported = |key: &str, value: &str| ImportError::Unsupported(format!("{key} is `{value}`"));
	for (key, supported) in [("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "smollm")] {
		let value = gguf.text(key)?;
		if value != supported {
			return Err(unsupported(key, value));
		}
	}
	for key in ["tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_space_prefix"] {
		if gguf.get(key).is_some_and(|v| *v != Value::Integer(0)) {
			return Err(unsupported(key, "true"));
		}
	}
	const CONTROL: i64 = 3;
	let types = gguf.integers("tokenizer.ggml.token_type")?;
	let special = types.iter().zip(0u32..).filter(|(&t, _)| t == CONTROL).map(|(_, id)| id);
	let owned = |texts: &[&str]| texts.iter().map(|&t| t.to_owned()).collect();
	Ok(TokenizerData {
		tokens: owned(gguf.texts("tokenizer.ggml.tokens")?),
		special: special.collect(),
		merges: owned(gguf.texts("tokenizer.ggml.merges")?),
		end: end_token(gguf)?,
		chat_template: ChatTemplate::from_jinja(gguf.text("tokenizer.chat_template")?)?,
	})
}

/// The tensor of a GGUF file that is `shape` of `layer`.
pub(crate) fn find<'g, 'a>(
	gguf: &'g Gguf<'a>,
	layer: Option<u32>,
	shape: &TensorShape,
) -> Result<&'g Tensor<'a>, GgufError> {
	let name = match shape.name {
		"embedding" => "token_embd",
		"final_norm" => "output_norm",
		"attention_norm" => "attn_norm",
		"query" => "attn_q",
		"key" => "attn_k",
		"value" => "attn_v",
		"attention_out" => "attn_output",
		"feed_forward_norm" => "ffn_norm",
		"gate" => "ffn_gate",
		"up" => "ffn_up",
		_ => "ffn_down",
	};
	let name = match layer {
		Some(layer) => format!("blk.{layer}.{name}.weight"),
		None => format!("{name}.weight"),
	};
	let (rows, columns) = (shape.rows as u64, shape.columns as u64);
	if shape.is_gain {
		gguf.tensor(&name, &[columns])
	} else {
		gguf.tensor(&name, &[columns, rows])
	}
}

struct GgufSource<'g, 'a, 'p> {
	gguf: &'g Gguf<'a>,
	progress: &'p mut dyn FnMut(Progress),
	state: Progress,
}

impl Source for GgufSource<'_, '_, '_> {
	type Error = ImportError;

	fn tensor(
		&mut self,
		layer: Option<u32>,
		shape: &TensorShape,
	) -> Result<(Encoding, Vec<u8>), ImportError> {
		let tensor = find(self.gguf, layer, shape)?;
		let converted = match (tensor.kind, shape.is_gain) {
			(TensorKind::F32, true) => (Encoding::Gain, gains(tensor.data)),
			(TensorKind::Q4_1, false) => (Encoding::Q4, q4_groups(tensor.data)),
			(TensorKind::Q8_0, false) => (Encoding::Q8, q8_groups(tensor.data)),
			(kind, _) => {
				let text = format!("tensor `{}` is {kind:?}", tensor.name);
				return Err(ImportError::Unsupported(text));
			},
		};
		self.state.done += 1;
		(self.progress)(self.state);
		let (encoding, bytes) = converted;
		Ok((encoding, bytes.ok_or_else(|| ImportError::Weight(tensor.name.into()))?))
	}
}

fn gains(data: &[u8]) -> Option<Vec<u8>> {
	let mut out = Vec::with_capacity(data.len());
	for bytes in data.chunks_exact(4) {
		let bits = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
		out.extend_from_slice(&norm::gain_q12(bits)?.to_le_bytes());
	}
	Some(out)
}

fn half(bytes: &[u8]) -> Option<[u8; 4]> {
	f16_to_q24(u16::from_le_bytes([bytes[0], bytes[1]])).map(i32::to_le_bytes)
}

fn q4_groups(data: &[u8]) -> Option<Vec<u8>> {
	let mut out = Vec::with_capacity(data.len() / 20 * 24);
	for block in data.chunks_exact(20) {
		out.extend_from_slice(&half(block)?);
		out.extend_from_slice(&half(&block[2..])?);
		out.extend_from_slice(&block[4..]);
	}
	Some(out)
}

fn q8_groups(data: &[u8]) -> Option<Vec<u8>> {
	let mut out = Vec::with_capacity(data.len() / 34 * 36);
	for block in data.chunks_exact(34) {
		out.extend_from_slice(&half(block)?);
		out.extend_from_slice(&block[2..]);
	}
	Some(out)
}
