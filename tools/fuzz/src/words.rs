//! Text, tokens, and what a chain has of a tokenizer.

use crate::cut::Cut;
use noesis_canon::tokenizer::{
	find, pair_leaf, repaired, Head, Merge, Place, Spans, Word, WordProgram, MAX_HEAD_BYTES, MAX_WORD,
};
use noesis_engine::{
	template::ChatTemplate,
	testing,
	tokenizer::{Tokenizer, TokenizerData},
};
use std::sync::LazyLock;

static TOKENIZER: LazyLock<Tokenizer> = LazyLock::new(|| Tokenizer::new(&testing::tokenizer_data()).unwrap());

/// The head of a tokenizer.
pub fn head(bytes: &[u8]) {
	let Ok(head) = Head::decode(bytes) else { return };
	assert_eq!(head.encode(), bytes, "a head has two encodings");
	assert!(head.check().is_ok() && bytes.len() <= MAX_HEAD_BYTES);
	let text = head.chat(bytes);
	let (mut position, mut previous) = (0, 0);
	while let Place::Token(token) = head.place(&text, position, previous) {
		if token.end <= previous {
			break;
		}
		(position, previous) = (position + 1, token.end);
	}
}

/// The head of the test models, and shorter ones.
pub fn head_seeds() -> Vec<Vec<u8>> {
	let whole = TOKENIZER.head().clone();
	let bare = Head { special: Vec::new(), prefix: String::new(), suffix: "é".into(), ..whole.clone() };
	vec![whole.encode(), bare.encode()]
}

/// States of a word: bytes of one, and steps of a program over any.
pub fn word(bytes: &[u8]) {
	let mut cut = Cut(bytes);
	let length = usize::from(cut.short()) % (MAX_WORD + 2);
	let (step, previous) = (cut.number() % 600, cut.number());
	let symbols: Vec<u32> = (0..length).map(|_| u32::from(cut.byte())).collect();
	let merges: Vec<Option<Merge>> = (0..usize::from(cut.byte()) % 18)
		.map(|_| (cut.byte() > 9).then(|| Merge { rank: cut.number(), result: cut.number() }))
		.collect();
	let leaves: Vec<_> = (0..cut.byte() % 4)
		.map(|_| {
			let pair = (u32::from(cut.byte()), u32::from(cut.byte()));
			pair_leaf(pair, Merge { rank: cut.number(), result: cut.number() })
		})
		.collect();
	let found = find((cut.byte().into(), cut.byte().into()), cut.byte().into(), cut.byte().into(), &leaves);
	assert!(
		found.flatten().is_none_or(|merge| merge.rank < u32::MAX),
		"a rank that says that nothing merges"
	);
	let state = cut.0;
	if let Some(word) = Word::decode(state, length) {
		assert_eq!(word.encode(), state, "a word has two encodings");
	}
	let Some(program) = WordProgram::new(symbols, previous) else { return };
	let Some(pairs) = program.pairs(step, state) else { return };
	assert!(pairs.len() <= 16 && step < program.steps());
	if let Some(next) = program.evaluate(step, state, &merges) {
		assert_eq!(pairs.len(), merges.len());
		assert!(Word::decode(&next, length).is_some(), "what follows is no state");
		let _ = program.pairs(step + 1, &next);
	}
	let _ = program.token(previous, state);
}

/// Words of the test tokenizer at some of their states.
pub fn word_seeds() -> Vec<Vec<u8>> {
	let seed = |text: &str, step: u32| {
		let Place::Word(program) = TOKENIZER.place(text, 0, 0) else { return None };
		let trace = TOKENIZER.word_trace(program.clone());
		let before =
			step.checked_sub(1).map(|before| trace.states().get(before as usize)).unwrap_or_default();
		let mut bytes = (program.symbols().len() as u16).to_le_bytes().to_vec();
		bytes.extend_from_slice(&step.to_le_bytes());
		bytes.extend_from_slice(&0u32.to_le_bytes());
		bytes.extend(program.symbols().iter().map(|symbol| *symbol as u8));
		bytes.extend_from_slice(&[0, 0, 0, 0, 0, 0]);
		bytes.extend(before.into_iter().flatten());
		(step < program.steps()).then_some(bytes)
	};
	let words = ["the inn", " inherit", "an", "other and thing"];
	words.iter().flat_map(|text| (0..5).filter_map(move |step| seed(text, step))).collect()
}

/// Any text: what the chain says of each place is what the tokenizer makes of the whole.
pub fn text(bytes: &[u8]) {
	let bytes = &bytes[..bytes.len().min(300)];
	let (tokenizer, text) = (&*TOKENIZER, repaired(bytes));
	let tokens = tokenizer.encode(bytes);
	let written: Vec<u8> = tokens.iter().flat_map(|&id| tokenizer.written(id)).copied().collect();
	assert_eq!(written, text.as_bytes(), "tokens are not the text");
	assert_eq!(tokens, tokenizer.encode(text.as_bytes()), "repaired text has other tokens");
	let mut at = 0;
	for span in Spans::new(&text, &tokenizer.head().special) {
		assert!(span.start == at && span.end > at && text.is_char_boundary(span.end), "{span:?} at {at}");
		at = span.end;
	}
	assert_eq!(at, text.len(), "spans are not the text");
	let (mut left, mut previous) = (tokens.as_slice(), 0);
	let mut next = |id: u32, end: u32| {
		let (first, rest) = left.split_first().expect("there are more places than tokens");
		assert!(id == *first && end > previous, "{id} instead of {first}");
		(left, previous) = (rest, end);
		(rest.len(), end)
	};
	let (mut rest, mut end) = (tokens.len(), 0);
	while rest > 0 {
		match tokenizer.place(&text, (tokens.len() - rest) as u32, end) {
			Place::Token(token) => (rest, end) = next(token.id, token.end),
			Place::Word(program) => {
				let trace = tokenizer.word_trace(program.clone());
				let last = trace.states().last().unwrap();
				while let Some(token) = program.token(end, last) {
					(rest, end) = next(token.id, token.end);
				}
			},
			Place::End => panic!("the text ends before its tokens"),
		}
	}
	assert_eq!(end as usize, text.len());
	if !tokens.is_empty() {
		assert!(matches!(tokenizer.place(&text, tokens.len() as u32, end), Place::End));
	}
}

/// Text of several kinds.
pub fn text_seeds() -> Vec<Vec<u8>> {
	let texts: [&[u8]; 6] = [
		b"the inn and 123 others' re<|im_end|>  \n x",
		"naïve 漢字 🙂\u{301}  \u{a0}".as_bytes(),
		b"\xff\xfe\xf0\x9f\x98",
		b"<|im_start|<|im_start|>",
		b"'s't're've'm'll'd''",
		&[b' '; 300],
	];
	texts.map(<[u8]>::to_vec).to_vec()
}

/// The tokenizer of a checkpoint file.
pub fn tokenizer(bytes: &[u8]) {
	let Ok(data) = serde_json::from_slice::<TokenizerData>(bytes) else { return };
	let again = serde_json::from_slice::<TokenizerData>(&serde_json::to_vec(&data).unwrap());
	assert_eq!(again.unwrap(), data);
	let Ok(tokenizer) = Tokenizer::new(&data) else { return };
	let head = tokenizer.head();
	assert_eq!(Head::decode(&head.encode()).as_ref(), Ok(head), "a head that a chain refuses");
	for text in [&b"the <|im_end|> inn"[..], bytes] {
		let text = &text[..text.len().min(512)];
		let tokens = tokenizer.encode(text);
		assert!(tokens.iter().all(|id| *id < head.vocabulary), "a token outside the vocabulary");
		let _ = tokenizer.decode(&tokens);
	}
}

/// The test tokenizer, and the smallest.
pub fn tokenizer_seeds() -> Vec<Vec<u8>> {
	let small = serde_json::json!({
		"tokens": ["a", "b", "ab", "<e>"], "special": [3], "merges": ["a b"], "end": 3,
		"chat_template": { "prefix": "a", "suffix": "b" },
	});
	vec![serde_json::to_vec(&testing::tokenizer_data()).unwrap(), small.to_string().into_bytes()]
}

/// A chat template in Jinja, as a model file brings it.
pub fn template(bytes: &[u8]) {
	let Ok(source) = std::str::from_utf8(bytes) else { return };
	let Ok(template) = ChatTemplate::from_jinja(source) else { return };
	assert!(template.check().is_ok(), "a template that is too long was taken");
	assert_eq!(template.apply("x"), [&template.prefix, "x", &template.suffix].concat());
}

/// Templates of models, and such that do too much.
pub fn template_seeds() -> Vec<Vec<u8>> {
	let all = [
		testing::TEMPLATE,
		"{{ messages[0]['content'] }}",
		"{% for m in messages %}{{ m.content | trim }}{% endfor %}",
		"{{ 'x' * 1000000 ~ messages[0].content }}",
		"{% for i in range(99999) %}{{ i }}{% endfor %}{{ messages[0].content }}",
		"{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}",
		"{{ messages | tojson }}{{ raise_exception('no') }}",
	];
	all.map(|source| source.as_bytes().to_vec()).to_vec()
}
