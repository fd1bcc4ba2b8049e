//! Our tokenizer against the one of Hugging Face, and the test vectors of its specification.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use codec::Encode;
use noesis_canon::tokenizer::{Class, Head, Place};
use noesis_engine::{
	gguf::Gguf,
	import, testing,
	tokenizer::{Tokenizer, TokenizerData},
};
use noesis_primitives::ContentHash;
use proptest::{prelude::*, test_runner::TestRunner};
use std::{collections::HashMap, fmt::Write, path::Path};
use tokenizers::{
	models::bpe::{Vocab, BPE},
	pre_tokenizers::{byte_level::ByteLevel, digits::Digits, sequence::Sequence, PreTokenizerWrapper},
	utils::SysRegex,
	AddedToken,
};

/// The tokenizer of Hugging Face that is ours by definition.
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

/// Both tokenizers of the same data.
struct Pair {
	ours: Tokenizer,
	theirs: tokenizers::Tokenizer,
}

impl Pair {
	fn new(data: &TokenizerData) -> Self {
		Self { ours: Tokenizer::new(data).unwrap(), theirs: reference(data) }
	}

	fn compare(&self, text: &str) {
		let theirs = self.theirs.encode_fast(text, false).unwrap();
		let ours = self.ours.encode(text.as_bytes());
		if let Some(at) = ours.iter().zip(theirs.get_ids()).position(|(a, b)| a != b) {
			panic!("token {at} differs: {:?} {:?} in {text:?}", &ours[at..], &theirs.get_ids()[at..]);
		}
		assert_eq!(ours.len(), theirs.get_ids().len(), "{text:?}");
	}
}

/// The tokenizer of SmolLM2, when the variable `NOESIS_MODEL` names its GGUF file.
fn smollm2() -> Option<TokenizerData> {
	let Some(model) = std::env::var_os("NOESIS_MODEL") else {
		eprintln!("no model: set NOESIS_MODEL to SmolLM2-135M-Instruct.Q4_1.gguf to run this test");
		return None;
	};
	let bytes = std::fs::read(model).unwrap();
	Some(import::tokenizer(&Gguf::parse(&bytes).unwrap()).unwrap())
}

fn tokenizers() -> Vec<Pair> {
	[Some(testing::tokenizer_data()), Some(overlapping()), smollm2()]
		.iter()
		.flatten()
		.map(Pair::new)
		.collect()
}

/// The test tokenizer with special tokens that overlap, begin with each other and are no word of their own, without the
/// symbols of some bytes, and with merges over the parts of special tokens.
fn overlapping() -> TokenizerData {
	let mut data = testing::tokenizer_data();
	let special = ["<a>", "<a><b>", "<b><a>", "<a", "><", " the", "é", "11", "漢字", "\n\n", "'s"];
	for text in special {
		data.special.push(data.tokens.len() as u32);
		data.tokens.push(text.into());
	}
	for (left, right) in [("<", "a"), ("a", ">"), ("i", "n"), ("in", "in")] {
		let text = [left, right].concat();
		if !data.tokens.contains(&text) {
			data.tokens.push(text);
		}
		data.merges.push(format!("{left} {right}"));
	}
	for token in ["z", "ó", "Ń"] {
		let at = data.tokens.iter().position(|t| t == token).unwrap();
		data.tokens[at] = format!("no byte {at}");
	}
	data
}

#[test]
fn classes_should_be_those_of_unicode_16() {
	let all: String = (0..=0x10_ffff).filter_map(char::from_u32).collect();
	let of = |expression: &str| {
		let mut is = vec![false; 0x11_0000];
		for (start, end) in SysRegex::new(expression).unwrap().find_iter(&all) {
			all[start..end].chars().for_each(|c| is[c as usize] = true);
		}
		is
	};
	let (letters, numbers, spaces, unassigned) = (of(r"\p{L}"), of(r"\p{N}"), of(r"\s"), of(r"\p{Cn}"));
	for c in all.chars() {
		let expected = match c as usize {
			c if spaces[c] => Class::Space,
			c if letters[c] => Class::Letter,
			c if numbers[c] => Class::Number,
			_ => Class::Other,
		};
		assert_eq!(Class::of(c), expected, "{:x}", c as u32);
		assert!(unassigned[c as usize] || c.is_numeric() == (expected == Class::Number), "{:x}", c as u32);
	}
	assert!(letters[0x4e00] && numbers[0x2167] && spaces[0x3000]);
}

/// Characters that one version of Unicode calls a number and another one does not know.
fn is_settled(c: char) -> bool {
	c.is_numeric() == (Class::of(c) == Class::Number)
}

fn text() -> impl Strategy<Value = String> {
	let words = vec![
		"the",
		" the",
		"and",
		" in",
		"<|im_start|>",
		"<|im_end|>",
		"<|im_",
		"|>",
		"<a>",
		"<a",
		"><b>",
		"<b><a>",
		"'s",
		"'ll",
		"'LL",
		"'re've",
		"don't",
		"''",
		"1",
		"11",
		"3.14",
		"½",
		"x²",
		"Ⅷ",
		"٣",
		"漢字",
		"かな",
		"한글",
		"é",
		"e\u{301}",
		"🙂",
		"👩‍👩‍👧",
		"\u{a0}",
		"\u{3000}",
		"\r\n",
		"\n\n",
		"\t",
		"   ",
		"\u{40000}",
		"\u{6}",
		"\u{13}",
		"\u{e000}",
		"ﬁ",
		"ß",
		"İ",
		"zé",
		"{\n\t\"a\": [1, 2],\n}",
		"fn main() {",
		"// ---",
		"for (int i = 0; i < n; ++i)",
		"$x->y",
		"C:\\dir",
		"http://a.b/c?d=e&f",
	];
	let part = prop_oneof![
		6 => prop::sample::select(words).prop_map(String::from),
		2 => "[a-zA-Z ]{0,12}",
		2 => "[ \t\r\n]{0,9}",
		1 => "[ \u{a0}\u{2003}\u{2028}\u{3000}\u{85}\u{b}]{0,5}",
		2 => "\\PC{0,8}",
		1 => prop::collection::vec(any::<char>(), 0..8)
			.prop_map(|all| all.into_iter().filter(|&c| is_settled(c)).collect()),
		1 => "[0-9]{0,6}",
		1 => "[!-/:-@]{0,8}",
		1 => "[漢字仮名交じり文 。、]{0,8}",
	];
	prop::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

#[test]
fn random_texts_should_become_the_reference_s_tokens() {
	for pair in tokenizers() {
		let mut runner =
			TestRunner::new(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() });
		runner
			.run(&text(), |text| {
				pair.compare(&text);
				Ok(())
			})
			.unwrap();
	}
}

#[test]
fn files_should_become_the_reference_s_tokens() {
	let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
	let mut files = vec![root.join("LICENSE"), root.join("README.md")];
	for folder in ["docs", "offchain-worker/engine/src", "kernels/canon/src/tokenizer"] {
		files.extend(std::fs::read_dir(root.join(folder)).unwrap().map(|entry| entry.unwrap().path()));
	}
	for pair in tokenizers() {
		for file in files.iter().filter(|file| file.is_file()) {
			pair.compare(&String::from_utf8_lossy(&std::fs::read(file).unwrap()));
		}
	}
}

#[test]
fn awkward_texts_should_become_the_reference_s_tokens() {
	let texts = [
		"",
		" ",
		"  ",
		"'",
		"' s",
		"<|im_start|><|im_start|>",
		"<|im_start|> <|im_end|> ",
		"<|im_start<|im_start|>|>",
		"a <|im_end|> b",
		"   <|im_end|>   ",
		"1<|im_end|>1 1",
		"  1  a  \n",
		"\u{13}\u{14}a\u{1d}b\u{40000}",
		"<a><b><a><b>",
		"<a<a>><b",
		"111 the the'sé",
		"\n\n\n",
		"İstanbul ǅ ʰ ª º ⁵ ₅ ㊿",
		"\u{200b}\u{feff}\u{ad}",
	];
	for pair in tokenizers() {
		for text in texts {
			pair.compare(text);
		}
		for count in [1, 2, 3, 15, 16, 17, 63, 64, 65, 127, 128, 255, 256] {
			for part in ["a", " ", "-", "\n", "in", "\u{301}", "汉"] {
				pair.compare(&part.repeat(count / part.len()));
				pair.compare(&format!("x{}", part.repeat((count - 1) / part.len())));
			}
		}
	}
}

#[test]
fn a_long_word_should_become_the_tokens_of_its_parts() {
	for Pair { ours, theirs } in tokenizers() {
		for part in ["the", "é", "汉", " ", "=-", "🙂"] {
			let text = part.repeat(1000);
			let mut rest = text.as_str();
			let mut expected = Vec::new();
			while !rest.is_empty() {
				let end = (0..=rest.len().min(256)).rev().find(|&at| rest.is_char_boundary(at)).unwrap();
				expected.extend_from_slice(theirs.encode_fast(&rest[..end], false).unwrap().get_ids());
				rest = &rest[end..];
			}
			assert_eq!(ours.encode(text.as_bytes()), expected, "{part:?}");
		}
	}
}

#[test]
fn every_token_of_an_input_should_be_found_from_the_one_before() {
	let text = "<|im_start|>user\nIt's the \u{13}z end, in 2024 漢字 é!  \n<|im_end|>\n";
	for Pair { ours, .. } in tokenizers() {
		let (mut tokens, mut previous) = (Vec::new(), 0);
		loop {
			let token = match ours.place(text, tokens.len() as u32, previous) {
				Place::Token(token) => token,
				Place::Word(program) => {
					let trace = ours.word_trace(program);
					trace.program().token(previous, trace.states().last().unwrap()).unwrap()
				},
				Place::End => break,
			};
			assert_eq!((token.end - previous) as usize, ours.written(token.id).len());
			previous = token.end;
			tokens.push(token.id);
		}
		assert_eq!(tokens, ours.encode(text.as_bytes()));
	}
}

#[test]
fn smollm2_should_have_the_head_that_it_is_known_by() {
	let Some(data) = smollm2() else { return };
	let tokenizer = Tokenizer::new(&data).unwrap();
	let head = tokenizer.head();
	assert_eq!(Head::decode(&head.encode()).as_ref(), Ok(head));
	assert_eq!((head.pairs, head.vocabulary, head.end, head.special.len()), (48_900, 49_152, 2, 17));
	assert_eq!(
		head.chat(b"Hi"),
		"<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n\
		 <|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
	);
	assert_eq!(data.hash().unwrap().to_string(), SMOLLM2_HASH);
}

#[test]
fn the_evidence_for_a_state_should_be_small() {
	let Some(data) = smollm2() else { return };
	let tokenizer = Tokenizer::new(&data).unwrap();
	let sizes = |text: &str| {
		let Place::Word(program) = tokenizer.place(text, 0, 0) else { panic!("{text:?} begins with a word") };
		let trace = tokenizer.word_trace(program);
		(0..trace.program().steps()).map(|step| trace.evidence(step).unwrap().encoded_size()).max().unwrap()
	};
	for (text, most) in [(" photosynthesis", 9 << 10), (&"antidis".repeat(36), 16 << 10)] {
		let size = sizes(text);
		println!("{} bytes of text: at most {size} bytes of evidence", text.len());
		assert!(size <= most, "{size}");
	}
}

const SMOLLM2_HASH: &str = "0x3b289f9bb914d24b1d03d111c74d418363d66b86eb42d3cab04b1679306e5524";

fn hex(bytes: &[u8]) -> String {
	bytes.iter().fold(String::new(), |mut text, byte| {
		write!(text, "{byte:02x}").unwrap();
		text
	})
}

/// The test vectors: of the tokenizer of [`testing::tokenizer_data`].
fn vectors() -> String {
	let tokenizer = Tokenizer::new(&testing::tokenizer_data()).unwrap();
	let head = tokenizer.head();
	let bytes = head.encode();
	let mut text = String::new();
	let mut line = |name: &str, value: String| writeln!(text, "{name:<18}{value}").unwrap();
	line("pairs", head.pairs.to_string());
	line("pairs_root", hex(&head.pairs_root));
	line("vocabulary", head.vocabulary.to_string());
	line("vocabulary_root", hex(&head.vocabulary_root));
	line("head, first 77", hex(&bytes[..77]));
	line("head, from 1101", hex(&bytes[1101..]));
	line("head, length", bytes.len().to_string());
	line("head, hash", ContentHash::of(&bytes).to_string());
	let chat = head.chat("it's the end, 12\u{fffd}".as_bytes());
	line("chat", format!("{chat:?}"));
	line("tokens", format!("{:?}", tokenizer.encode(chat.as_bytes())));
	let Place::Word(program) = head.place(" then", 0, 0) else { panic!("` then` is a word") };
	let trace = tokenizer.word_trace(program);
	line("word", format!("{:?} {:?}", " then", trace.program().symbols()));
	for (step, state) in trace.states().iter().enumerate() {
		line(&format!("state {step}"), hex(state));
	}
	line("states, root", trace.root().to_string());
	let found = tokenizer.pair_proof((35, 119));
	line(
		"pair 35 119",
		format!("{} {}", found.first, found.leaves.iter().map(|leaf| hex(leaf)).collect::<String>()),
	);
	for (level, node) in found.siblings.iter().enumerate() {
		line(&format!("sibling {level}"), hex(node));
	}
	let missing = tokenizer.pair_proof((35, 120));
	let leaves: Vec<String> = missing.leaves.iter().map(|leaf| hex(leaf)).collect();
	line("no pair 35 120", format!("{} {}", missing.first, leaves.join(" ")));
	text
}

#[test]
fn the_specification_should_have_these_vectors() {
	let specification = include_str!("../../../docs/tokenizer.md");
	let vectors = vectors();
	assert!(specification.contains(&vectors), "docs/tokenizer.md should have:\n{vectors}");
}
