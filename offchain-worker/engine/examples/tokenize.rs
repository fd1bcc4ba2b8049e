//! Measures the tokenizer beside the one of Hugging Face: `tokenize MODEL.gguf FILE...`.

// A measurement may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::tokenizer::Place;
use noesis_engine::{
	gguf::Gguf,
	import,
	tokenizer::{Tokenizer, TokenizerData},
};
use std::{collections::HashMap, env, fs, time::Instant};
use tokenizers::{
	models::bpe::{Vocab, BPE},
	pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence, PreTokenizerWrapper},
	AddedToken,
};

fn reference(data: &TokenizerData) -> tokenizers::Tokenizer {
	let merge = |line: &String| line.split_once(' ').map(|(l, r)| (l.to_owned(), r.to_owned())).unwrap();
	let merges = data.merges.iter().map(merge).collect();
	let vocabulary: HashMap<String, u32> = data.tokens.iter().cloned().zip(0..).collect();
	let model =
		BPE::builder().vocab_and_merges(vocabulary.into_iter().collect::<Vocab>(), merges).build().unwrap();
	let mut tokenizer = tokenizers::Tokenizer::new(model);
	tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
		PreTokenizerWrapper::Digits(Digits::new(true)),
		PreTokenizerWrapper::ByteLevel(ByteLevel::new(false, false, true)),
	])));
	let special = data.special.iter().map(|&id| AddedToken::from(data.tokens[id as usize].as_str(), true));
	tokenizer.add_special_tokens(special).unwrap();
	tokenizer
}

/// Megabytes per second of `encode`, the best of at least three runs and half a second.
fn speed(text: &str, encode: impl Fn(&str) -> usize) -> (f64, usize) {
	let (begun, mut best, mut tokens, mut runs) = (Instant::now(), 0f64, 0, 0);
	while runs < 3 || begun.elapsed().as_secs_f64() < 0.5 {
		let start = Instant::now();
		tokens = encode(text);
		best = best.max(text.len() as f64 / 1e6 / start.elapsed().as_secs_f64());
		runs += 1;
	}
	(best, tokens)
}

fn main() {
	let mut arguments = env::args().skip(1);
	let model = arguments.next().expect("usage: tokenize MODEL.gguf FILE...");
	let bytes = fs::read(model).unwrap();
	let data = import::tokenizer(&Gguf::parse(&bytes).unwrap()).unwrap();
	let start = Instant::now();
	let ours = Tokenizer::new(&data).unwrap();
	let made = start.elapsed();
	let head = ours.head().encode();
	println!("made in {made:?}, with its trees {:?}; the head has {} bytes", start.elapsed(), head.len());
	let theirs = reference(&data);
	for file in arguments {
		let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
		let (our_speed, tokens) = speed(&text, |text| ours.encode(text.as_bytes()).len());
		let (their_speed, their_tokens) = speed(&text, |text| theirs.encode_fast(text, false).unwrap().len());
		let (place_speed, _) = speed(&text, |text| usize::from(ours.place(text, 1, u32::MAX) == Place::End));
		println!(
			"{file}: {} bytes, {tokens} tokens ({their_tokens}), {our_speed:.1} MB/s, reference {their_speed:.1} MB/s, \
			 finding a place {place_speed:.1} MB/s",
			text.len()
		);
	}
}
