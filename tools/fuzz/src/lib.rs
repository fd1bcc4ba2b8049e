//! What every decoder that takes bytes of somebody else must do with any of them.
//!
//! A [`Target`] takes any bytes. It panics when the decoder behind it does, or when what it decoded breaks the
//! decoder's word: bytes that are taken are the only encoding of what they say, what was imported opens, what the chain
//! says of a text is what the tokenizer makes of it. `fuzz/` gives the targets to libFuzzer; the test of this crate
//! gives them their seeds and random changes of these, under a limit of memory, so that no target rots.
//!
//! `scale` extrinsics, and what nodes answer; `trees` proofs; `steps` what the chain executes in disputes; `words` text
//! and tokenizers; `models` model files; `contexts` shards of long contexts; and of the worker: `arguments` the command
//! line, `batches` lists of inputs and results, `channels` turns, `secrets` sealed jobs, `stores` HTTP.

// These are tests: what they find they report by a panic.
#![allow(
	clippy::unwrap_used,
	clippy::expect_used,
	clippy::indexing_slicing,
	clippy::arithmetic_side_effects,
	reason = "a target that panics has found something"
)]

#[cfg(feature = "worker")]
pub mod arguments;
#[cfg(feature = "worker")]
pub mod batches;
#[cfg(feature = "worker")]
pub mod channels;
pub mod contexts;
mod cut;
pub mod models;
pub mod mutate;
pub mod scale;
#[cfg(feature = "worker")]
pub mod secrets;
pub mod steps;
#[cfg(feature = "worker")]
pub mod stores;
pub mod trees;
pub mod words;

/// Something that takes any bytes.
#[derive(Clone, Copy)]
pub struct Target {
	/// Its name, that of its binary in `fuzz/fuzz_targets`.
	pub name: &'static str,
	/// Takes any bytes; panics when something is wrong.
	pub run: fn(&[u8]),
	/// Bytes to begin with, made of valid values.
	pub seeds: fn() -> Vec<Vec<u8>>,
	/// Most memory that it may take for some thousand bytes.
	pub memory: usize,
}

/// What nearly every target stays below.
const MEMORY: usize = 64 << 20;
/// Texts that a template multiplies are bounded by minijinja, which allows each 100 MB. Only whoever imports a model of his
/// own choice runs one.
const TEMPLATE_MEMORY: usize = 1 << 30;

/// All targets.
pub fn targets() -> Vec<Target> {
	let target = |name, run, seeds| Target { name, run, seeds, memory: MEMORY };
	vec![
		target("extrinsics", scale::extrinsics, scale::extrinsic_seeds),
		target("views", scale::views, scale::view_seeds),
		target("trees", trees::run, trees::seeds),
		target("steps", steps::run, steps::seeds),
		target("head", words::head, words::head_seeds),
		target("word", words::word, words::word_seeds),
		target("text", words::text, words::text_seeds),
		target("tokenizer", words::tokenizer, words::tokenizer_seeds),
		Target {
			memory: TEMPLATE_MEMORY,
			..target("template", words::template as fn(&[u8]), words::template_seeds as fn() -> Vec<Vec<u8>>)
		},
		target("gguf", models::gguf, models::gguf_seeds),
		target("checkpoint", models::checkpoint, models::checkpoint_seeds),
		target("manifest", models::manifest, models::manifest_seeds),
		target("shards", contexts::run, contexts::seeds),
		#[cfg(feature = "worker")]
		target("sealed", secrets::run, secrets::seeds),
		#[cfg(feature = "worker")]
		target("batch", batches::run, batches::seeds),
		#[cfg(feature = "worker")]
		target("channel", channels::run, channels::seeds),
		#[cfg(feature = "worker")]
		target("book", channels::book, channels::book_seeds),
		#[cfg(feature = "worker")]
		target("store", stores::run, stores::seeds),
		#[cfg(feature = "worker")]
		target("arguments", arguments::run, arguments::seeds),
	]
}
