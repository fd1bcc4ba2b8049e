//! Small random models, made in code, for tests: real files that go through the real loader.

use crate::{
	checkpoint::{Architecture, CheckpointError, Encoding, Manifest, Source, TensorShape, Writer},
	template::ChatTemplate,
	tokenizer::{byte_characters, TokenizerData},
};
use noesis_canon::{norm, sampler, GROUP};
use noesis_primitives::Family;
use std::path::Path;

const MERGES: [&str; 29] = [
	"Ġ t", "Ġ a", "i n", "h e", "r e", "o n", "e r", "Ġt he", "a t", "Ġ s", "Ġ o", "e n", "Ġ c", "e s",
	"Ġ w", "n d", "i t", "o r", "i s", "a l", "Ġ p", "in g", "Ġ f", "a n", "e d", "Ġ b", "o u", "Ġ in",
	"Ġa nd",
];

/// The Jinja template that [`tokenizer_data`]'s chat template comes from.
pub const TEMPLATE: &str = "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] \
	+ '<|im_end|>' + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

/// A byte-level tokenizer of 288 tokens: three special ones, every byte, 29 merges.
pub fn tokenizer_data() -> TokenizerData {
	let mut tokens: Vec<String> = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(String::from).into();
	tokens.extend(byte_characters().iter().map(char::to_string));
	tokens.extend(MERGES.iter().map(|pair| pair.replace(' ', "")));
	TokenizerData {
		tokens,
		special: vec![0, 1, 2],
		merges: MERGES.map(String::from).into(),
		end: 2,
		chat_template: ChatTemplate {
			prefix: "<|im_start|>user\n".into(),
			suffix: "<|im_end|>\n<|im_start|>assistant\n".into(),
		},
	}
}

/// The shape of the random model: 2 layers, width 64, 4 query heads for 2 key-value heads, context 512.
pub fn architecture() -> Architecture {
	let width = 64;
	Architecture {
		family: Family::Llama,
		layers: 2,
		width,
		heads: 4,
		kv_heads: 2,
		head_dim: 16,
		feed_forward: 160,
		vocabulary: 288,
		context: 512,
		rope_base: 10_000,
		epsilon: norm::epsilon_term(1e-5f32.to_bits(), width as usize).unwrap_or(1),
		end: 2,
	}
}

/// A stream of numbers from a seed.
struct Numbers {
	seed: u64,
	at: u32,
}

impl Numbers {
	fn next(&mut self) -> u64 {
		self.at += 1;
		sampler::draw(self.seed, self.at)
	}

	/// About 0.6 to 1 of `size`.
	fn near(&mut self, size: i32) -> i32 {
		size - (self.next() % (size as u64 * 2 / 5 + 1)) as i32
	}
}

impl Source for Numbers {
	type Error = CheckpointError;

	fn tensor(
		&mut self,
		_: Option<u32>,
		shape: &TensorShape,
	) -> Result<(Encoding, Vec<u8>), CheckpointError> {
		if shape.is_gain {
			let values = (0..shape.columns).flat_map(|_| self.near(5000).to_le_bytes());
			return Ok((Encoding::Gain, values.collect()));
		}
		let groups = shape.rows * shape.columns / GROUP;
		let mut bytes = Vec::new();
		if shape.name == "embedding" {
			// Weights up to ±2: tokens differ clearly.
			for _ in 0..groups {
				bytes.extend_from_slice(&self.near(1 << 18).to_le_bytes());
				(0..GROUP / 8).for_each(|_| bytes.extend_from_slice(&self.next().to_le_bytes()));
			}
			return Ok((Encoding::Q8, bytes));
		}
		for _ in 0..groups {
			// Weights up to ±0.4, centred.
			let scale = self.near(900_000);
			bytes.extend_from_slice(&scale.to_le_bytes());
			bytes.extend_from_slice(&(-scale * 15 / 2).to_le_bytes());
			(0..GROUP / 16).for_each(|_| bytes.extend_from_slice(&self.next().to_le_bytes()));
		}
		Ok((Encoding::Q4, bytes))
	}
}

/// Writes the random model of `seed` as a checkpoint file.
pub fn write_random_model(path: &Path, seed: u64) -> Result<Manifest, CheckpointError> {
	write_random_model_of(path, seed, architecture())
}

/// Writes a random model of another shape; its vocabulary must be that of [`tokenizer_data`].
pub fn write_random_model_of(
	path: &Path,
	seed: u64,
	architecture: Architecture,
) -> Result<Manifest, CheckpointError> {
	let name = format!("random {seed}");
	Writer::create(path)?.finish(&name, architecture, &tokenizer_data(), &mut Numbers { seed, at: 0 })
}

/// `count` numbers from a seed, evenly spread over `-2^bits..2^bits` (`bits` up to 15; -32768 reads as -32767): queries,
/// keys and values for contexts that no model made.
pub fn numbers(seed: u64, count: usize, bits: u32) -> Vec<i16> {
	// SplitMix64, four numbers a step.
	let mut state = seed;
	let step = |_| {
		state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		let mixed = mixed ^ (mixed >> 31);
		[0, 16, 32, 48].map(|shift| (((mixed >> shift) as i16) >> (15 - bits.min(15))).max(-i16::MAX))
	};
	let mut all: Vec<i16> = (0..count.div_ceil(4)).flat_map(step).collect();
	all.truncate(count);
	all
}
