use super::*;
use alloc::{collections::BTreeMap, string::String, vec, vec::Vec};
use proptest::prelude::*;

/// Merges of a random tokenizer over the symbols 0..24, byte `b` being symbol `b % 8`; byte 7 and those above 0xf0 have
/// none.
fn pairs() -> impl Strategy<Value = BTreeMap<Pair, Merge>> {
	let pair = ((0u32..24, 0u32..24), 8u32..24);
	prop::collection::vec(pair, 0..120).prop_map(|all| {
		let ranked = all.into_iter().zip(0..);
		ranked.map(|((pair, result), rank)| (pair, Merge { rank, result })).collect()
	})
}

fn head(special: &[&str]) -> Head {
	let mut special: Vec<Special> =
		special.iter().zip(30..).map(|(text, id)| Special { bytes: text.as_bytes().into(), id }).collect();
	special.sort_by(|a, b| a.bytes.cmp(&b.bytes));
	Head {
		pairs_root: [1; 32],
		pairs: 3,
		vocabulary_root: [2; 32],
		vocabulary: 40,
		end: 31,
		byte_symbols: core::array::from_fn(|byte| match byte {
			7 | 0xf1.. => NO_SYMBOL,
			_ => byte as u32 % 8,
		}),
		prefix: "<s>user:".into(),
		suffix: "</s>".into(),
		special,
	}
}

/// All states of a word.
fn states(program: &WordProgram, pairs: &BTreeMap<Pair, Merge>) -> Vec<Vec<u8>> {
	let mut states = vec![Vec::new()];
	for step in 0..program.steps() {
		let previous = states.last().unwrap();
		let wanted = program.pairs(step, previous).unwrap();
		assert!(wanted.len() <= LOOKUPS);
		let merges: Vec<_> = wanted.iter().map(|pair| pairs.get(pair).copied()).collect();
		states.push(program.evaluate(step, previous, &merges).unwrap());
	}
	states.split_off(1)
}

/// All tokens of a text, by scanner and merges.
fn tokens(head: &Head, pairs: &BTreeMap<Pair, Merge>, text: &str) -> Vec<Token> {
	let (mut tokens, mut end) = (Vec::new(), 0);
	let mut word = Word::default();
	for span in Spans::new(text, &head.special) {
		let bytes = &text.as_bytes()[span.start..span.end];
		match span.special {
			Some(id) => {
				end += bytes.len() as u32;
				tokens.push(Token { id, end });
			},
			None => {
				word.reset(bytes.iter().filter_map(|&byte| head.symbol(byte)));
				word.merge_all(|pair| pairs.get(&pair).copied());
				for symbol in word.symbols() {
					end += u32::from(symbol.length);
					tokens.push(Token { id: symbol.id, end });
				}
			},
		}
	}
	tokens
}

fn words(text: &str) -> Vec<&str> {
	Spans::new(text, &[]).map(|span| &text[span.start..span.end]).collect()
}

#[test]
fn a_text_should_split_as_its_definition_says() {
	assert_eq!(words(""), Vec::<&str>::new());
	assert_eq!(words("Hello, big world"), ["Hello", ",", " big", " world"]);
	assert_eq!(words("it's they'll 'tis don'T"), ["it", "'s", " they", "'ll", " '", "tis", " don", "'", "T"]);
	assert_eq!(words("a!'s b"), ["a", "!'", "s", " b"]);
	assert_eq!(words("x  12 3.5½"), ["x", "  ", "1", "2", " ", "3", ".", "5", "½"]);
	assert_eq!(words("a   b\n\n c \n"), ["a", "  ", " b", "\n\n", " c", " \n"]);
	assert_eq!(words("a\t\tb\u{a0}c"), ["a", "\t", "\t", "b", "\u{a0}", "c"]);
	assert_eq!(words("漢字かな 한글 🙂🙂"), ["漢字かな", " 한글", " 🙂🙂"]);
	assert_eq!(words("e\u{301}t"), ["e", "\u{301}", "t"]);
}

#[test]
fn special_tokens_should_be_found_leftmost_and_longest() {
	let specials = head(&["<a>", "<a><b>", "<a", "b><c", "é"]).special;
	let found: Vec<_> = Spans::new("<<a><b><c <a! <a><bé", &specials)
		.map(|span| (&"<<a><b><c <a! <a><bé"[span.start..span.end], span.special))
		.collect();
	let expected = [
		("<", None),
		("<a><b>", Some(31)),
		("<", None),
		("c", None),
		(" ", None),
		("<a", Some(32)),
		("!", None),
		(" ", None),
		("<a>", Some(30)),
		("<", None),
		("b", None),
		("é", Some(34)),
	];
	assert_eq!(found, expected);
}

#[test]
fn a_word_should_be_cut_between_characters_when_it_is_too_long() {
	let text: String = "é".repeat(300);
	assert_eq!(words(&text).iter().map(|w| w.len()).collect::<Vec<_>>(), [256, 256, 88]);
	let text: String = "a".to_owned() + &"漢".repeat(100);
	assert_eq!(words(&text).iter().map(|w| w.len()).collect::<Vec<_>>(), [256, 45]);
	assert_eq!(words(&"a".repeat(256)).len(), 1);
	assert_eq!(words(&(" ".repeat(300) + "b")).iter().map(|w| w.len()).collect::<Vec<_>>(), [256, 43, 2]);
}

#[test]
fn merges_should_go_by_rank_and_then_from_the_left() {
	let merge = |rank, result| Merge { rank, result };
	let pairs: BTreeMap<Pair, Merge> =
		[((1, 1), merge(5, 9)), ((9, 1), merge(2, 10)), ((1, 2), merge(3, 11))].into();
	let mut word = Word::default();
	let mut merged = |symbols: &[u32]| {
		word.reset(symbols.iter().copied());
		word.merge_all(|pair| pairs.get(&pair).copied());
		word.symbols().iter().map(|s| (s.id, s.length)).collect::<Vec<_>>()
	};
	assert_eq!(merged(&[1, 1, 1]), [(10, 3)]);
	assert_eq!(merged(&[1, 1, 1, 1]), [(10, 3), (1, 1)]);
	assert_eq!(merged(&[1, 1, 1, 2]), [(9, 2), (11, 2)]);
	assert_eq!(merged(&[3]), [(3, 1)]);
	assert_eq!(merged(&[]), []);
}

#[test]
fn a_word_should_have_as_many_steps_as_its_length_says() {
	let steps = |symbols: usize| WordProgram::new(vec![0; symbols], 0).map(|program| program.steps());
	let found: Vec<_> = [0, 1, 2, 16, 17, 18, 33, 34, 256, 257].map(steps).into();
	let expected =
		[None, Some(1), Some(3), Some(17), Some(18), Some(20), Some(35), Some(37), Some(MAX_STEPS), None];
	assert_eq!(found, expected);
}

#[test]
fn an_input_without_tokens_should_read_as_token_0() {
	let head = head(&[]);
	let zero = Place::Token(Token { id: 0, end: 0 });
	assert_eq!((head.place("", 0, 0), head.place("\u{7}", 0, 0)), (zero.clone(), zero));
	assert_eq!(head.place("", 1, 0), Place::End);
	assert_eq!(id_token(&[], 9, 0), Some(Token { id: 0, end: 4 }));
	assert_eq!(id_token(&[1, 0, 0], 9, 1), None);
	assert_eq!(id_token(&[1, 0, 0, 0, 9, 0, 0, 0, 1], 9, 1), Some(Token { id: 0, end: 8 }));
	assert_eq!(id_token(&[1, 0, 0, 0, 8, 0, 0, 0, 1], 9, 1), Some(Token { id: 8, end: 8 }));
	assert_eq!(id_token(&[1, 0, 0, 0, 8, 0, 0, 0, 1], 9, 2), None);
	assert_eq!(id_token(&[0; 64], 9, u32::MAX), None);
}

#[test]
fn the_end_token_should_add_nothing_to_an_output() {
	let head = head(&[]);
	assert_eq!((head.output_end(5, b"abc", 10), head.output_end(31, b"abc", 10)), (13, 10));
	assert_eq!((head.added(5, b"abc"), head.added(31, b"abc")), (&b"abc"[..], &b""[..]));
	// What an output has is compared byte by byte, also within a character.
	let output = "aé€".as_bytes();
	let has = |id, bytes: &[u8], previous, end| head.output_has(output, id, bytes, previous, end);
	assert!(has(5, b"a", 0, 1) && has(5, &[0xc3], 1, 2) && has(5, &[0xa9, 0xe2], 2, 4) && has(5, b"", 6, 6));
	assert!(!has(5, b"b", 0, 1) && !has(5, b"a", 0, 2) && !has(5, b"a", 1, 0) && !has(5, b"a", 6, 7));
	// The token that ends an answer adds nothing, whatever it stands for.
	assert!(has(31, b"abc", 6, 6) && !has(31, &[0xac], 5, 6));
	assert!(!has(5, b"", u32::MAX, u32::MAX) && !has(5, b"", 7, 7));
}

#[test]
fn a_pair_should_be_found_or_missed_by_the_leaves_around_it() {
	let pairs: Vec<Pair> = vec![(1, 5), (2, 0), (2, 3), (7, 7)];
	let leaf = |&pair: &Pair| pair_leaf(pair, Merge { rank: pair.0, result: pair.1 });
	let leaves: Vec<_> = pairs.iter().map(leaf).collect();
	let count = leaves.len() as u32;
	for left in 0..9 {
		for right in 0..9 {
			let pair = (left, right);
			let is_in = pairs.contains(&pair);
			let expected = is_in.then_some(Merge { rank: left, result: right });
			let mut shown = 0;
			for first in 0..count {
				for width in 1..=(count - first).min(2) {
					let range = &leaves[first as usize..(first + width) as usize];
					if let Some(found) = find(pair, count, first, range) {
						assert_eq!(found, expected);
						shown += 1;
					}
				}
			}
			assert!(shown > 0, "{pair:?}");
		}
	}
	assert_eq!(find((1, 1), 0, 0, &[]), Some(None));
	assert_eq!(find((1, 1), 4, 0, &[]), None);
	assert_eq!(find((1, 5), 4, 0, &leaves[..3]), None);
	let none = pair_leaf((1, 5), Merge { rank: u32::MAX, result: 0 });
	assert_eq!(find((1, 5), 1, 0, &[none]), None);
	assert_eq!(find((1, 5), u32::MAX, u32::MAX, &[leaves[3]]), None);
}

#[test]
fn a_head_should_be_refused_when_a_bound_is_broken() {
	assert_eq!(head(&["<a>", "<b>"]).check(), Ok(()));
	let broken = |change: fn(&mut Head)| {
		let mut head = head(&["<a>", "<b>"]);
		change(&mut head);
		let error = head.check().unwrap_err();
		assert_eq!(Head::decode(&head.encode()), Err(error));
		error
	};
	assert_eq!(broken(|h| h.vocabulary = 0), HeadError::Vocabulary);
	assert_eq!(broken(|h| h.vocabulary = MAX_VOCABULARY + 1), HeadError::Vocabulary);
	assert_eq!(broken(|h| h.pairs = MAX_PAIRS + 1), HeadError::Pairs);
	assert_eq!(broken(|h| h.end = 40), HeadError::Id);
	assert_eq!(broken(|h| h.byte_symbols[9] = 40), HeadError::Id);
	assert_eq!(broken(|h| h.special[1].id = 40), HeadError::Id);
	assert_eq!(broken(|h| h.special.swap(0, 1)), HeadError::Order);
	assert_eq!(broken(|h| h.special[1] = h.special[0].clone()), HeadError::Order);
	assert_eq!(broken(|h| h.special[0].bytes.clear()), HeadError::Special);
	assert_eq!(broken(|h| h.special[0].bytes = vec![b'a'; 65]), HeadError::Special);
	assert_eq!(broken(|h| h.special = vec![h.special[0].clone(); 257]), HeadError::Special);
	assert_eq!(broken(|h| h.special[0].bytes = vec![0xff]), HeadError::Text);
	assert_eq!(broken(|h| h.prefix = "a".repeat(4097)), HeadError::Affix);
	assert_eq!(broken(|h| h.suffix = "a".repeat(4097)), HeadError::Affix);
	let mut bytes = head(&["<a>"]).encode();
	bytes.push(0);
	assert_eq!(Head::decode(&bytes), Err(HeadError::Length));
	bytes[0] = 2;
	assert_eq!(Head::decode(&bytes), Err(HeadError::Version));
}

#[test]
fn the_longest_head_should_have_the_stated_size() {
	let mut longest = head(&[]);
	longest.prefix = "p".repeat(MAX_AFFIX_BYTES);
	longest.suffix = "s".repeat(MAX_AFFIX_BYTES);
	let special = |i: usize| Special { bytes: alloc::format!("{i:064}").into_bytes(), id: 0 };
	longest.special = (0..MAX_SPECIAL).map(special).collect();
	let bytes = longest.encode();
	assert_eq!((bytes.len(), MAX_HEAD_BYTES), (26_963, 26_963));
	assert_eq!(Head::decode(&bytes), Ok(longest));
}

/// Texts that hit every rule.
fn text() -> impl Strategy<Value = String> {
	let part = prop_oneof![
		4 => "[a-h ']{0,12}",
		2 => "[ \t\n\u{a0}\u{2003}]{0,6}",
		2 => "\\PC{0,6}",
		1 => "[0-9½Ⅷ]{0,3}",
		1 => "[\u{0}-\u{20}é漢🙂\u{301}\u{40000}]{0,6}",
		1 => prop::sample::select(vec!["<s>", "</s>", "<s><s>", "<s", "'ll", "'S"]).prop_map(String::from),
		1 => prop::sample::select(vec!["a", " ", "é", "?", "漢"]).prop_map(|c| c.repeat(300)),
	];
	prop::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
}

proptest! {
	#[test]
	fn spans_should_be_the_whole_text(text in text()) {
		let head = head(&["<s>", "</s>", "<s><s>"]);
		let mut at = 0;
		for span in Spans::new(&text, &head.special) {
			prop_assert_eq!(span.start, at);
			prop_assert!(span.end > at);
			prop_assert!(span.special.is_some() || span.end - at <= MAX_WORD);
			at = span.end;
		}
		prop_assert_eq!(at, text.len());
	}

	#[test]
	fn steps_should_end_at_what_merging_at_once_gives(
		pairs in pairs(), symbols in prop::collection::vec(0u32..8, 1..=MAX_WORD), start in 0u32..100,
	) {
		let program = WordProgram::new(symbols.clone(), start).unwrap();
		let states = states(&program, &pairs);
		prop_assert_eq!(states.len() as u32, program.steps());
		let mut word = Word::default();
		word.reset(symbols.iter().copied());
		word.merge_all(|pair| pairs.get(&pair).copied());
		prop_assert_eq!(states.last().unwrap(), &word.encode());
		for state in &states {
			prop_assert!(state.len() <= MAX_STATE_BYTES);
			let decoded = Word::decode(state, symbols.len()).unwrap();
			prop_assert_eq!(&decoded.encode(), state);
		}
		prop_assert_eq!(program.evaluate(program.steps(), states.last().unwrap(), &[]), None);
	}

	#[test]
	fn the_order_of_merges_should_be_that_of_the_plainest_loop(
		pairs in pairs(), symbols in prop::collection::vec(0u32..8, 1..60),
	) {
		let mut plain = symbols.clone();
		loop {
			let neighbours = plain.windows(2).enumerate();
			let merges = neighbours.filter_map(|(i, w)| pairs.get(&(w[0], w[1])).map(|m| (m.rank, i, m.result)));
			let Some((_, at, result)) = merges.min() else { break };
			plain.splice(at..at + 2, [result]);
		}
		let mut word = Word::default();
		word.reset(symbols);
		word.merge_all(|pair| pairs.get(&pair).copied());
		prop_assert_eq!(word.symbols().iter().map(|s| s.id).collect::<Vec<_>>(), plain);
	}

	#[test]
	fn every_token_should_follow_from_the_end_of_the_one_before(pairs in pairs(), text in text()) {
		let head = head(&["<s>", "</s>", "<s><s>"]);
		let expected = tokens(&head, &pairs, &text);
		let (mut found, mut previous) = (Vec::new(), 0);
		let mut last: Option<(WordProgram, Vec<u8>)> = None;
		loop {
			let token = match head.place(&text, found.len() as u32, previous) {
				Place::End => break,
				Place::Token(token) if token.end == 0 => break,
				Place::Token(token) => token,
				Place::Word(program) => {
					if last.as_ref().is_none_or(|(of, _)| *of != program) {
						last = Some((program.clone(), states(&program, &pairs).pop().unwrap()));
					}
					let (_, last) = last.as_ref().unwrap();
					prop_assert_eq!(program.token(u32::MAX, last), None);
					program.token(previous, last).unwrap()
				},
			};
			previous = token.end;
			found.push(token);
		}
		prop_assert_eq!(found, expected);
	}

	#[test]
	fn a_step_should_be_total_when_its_bytes_are_nonsense(
		symbols in prop::collection::vec(any::<u32>(), 1..=40),
		step in 0u32..60,
		previous in prop::collection::vec(any::<u8>(), 0..80),
		merges in prop::collection::vec(prop::option::of((any::<u32>(), any::<u32>())), 0..18),
	) {
		let program = WordProgram::new(symbols, 7).unwrap();
		let merges: Vec<_> =
			merges.into_iter().map(|m| m.map(|(rank, result)| Merge { rank, result })).collect();
		let found = program.evaluate(step, &previous, &merges);
		prop_assert!(found.is_none() || (step == 0 && merges.is_empty()));
		prop_assert_eq!(program.token(0, &previous), None);
	}

	#[test]
	fn a_step_should_be_total_when_a_state_is_changed(
		pairs in pairs(),
		symbols in prop::collection::vec(0u32..8, 1..=40),
		step in any::<u32>(), at in any::<prop::sample::Index>(), value in any::<u8>(),
	) {
		let program = WordProgram::new(symbols, 7).unwrap();
		let states = states(&program, &pairs);
		let step = step % program.steps();
		let mut previous = states[step as usize].clone();
		*at.get_mut(&mut previous) = value;
		if let Some(wanted) = program.pairs(step + 1, &previous) {
			let merges: Vec<_> = wanted.iter().map(|pair| pairs.get(pair).copied()).collect();
			let next = program.evaluate(step + 1, &previous, &merges).unwrap();
			prop_assert!(Word::decode(&next, program.symbols().len()).is_some());
			let more = [merges.as_slice(), &[None]].concat();
			prop_assert_eq!(program.evaluate(step + 1, &previous, &more), None);
		}
		let _ = program.token(step, &previous);
	}

	#[test]
	fn a_head_should_survive_its_bytes(
		prefix in "\\PC{0,40}", suffix in "\\PC{0,40}", words in prop::collection::btree_set("\\PC{1,9}", 0..20),
	) {
		let words: Vec<&str> = words.iter().map(String::as_str).collect();
		let mut head = head(&words);
		head.vocabulary = 60;
		(head.prefix, head.suffix) = (prefix, suffix);
		prop_assert_eq!(Head::decode(&head.encode()), Ok(head));
	}

	#[test]
	fn a_head_should_be_total_when_its_bytes_are_changed(
		change in any::<prop::sample::Index>(), value in any::<u8>(), length in any::<prop::sample::Index>(),
	) {
		let mut bytes = head(&["<a>", "<b>", "é"]).encode();
		*change.get_mut(&mut bytes) = value;
		if let Ok(head) = Head::decode(&bytes) {
			prop_assert_eq!(head.encode(), bytes.clone());
		}
		bytes.truncate(length.index(bytes.len()));
		prop_assert!(Head::decode(&bytes).is_err());
	}

	#[test]
	fn a_head_should_be_total_when_its_bytes_are_nonsense(
		mut bytes in prop::collection::vec(any::<u8>(), 0..1400), version in any::<bool>(),
	) {
		if let (true, Some(first)) = (version, bytes.first_mut()) {
			*first = 1;
		}
		if let Ok(head) = Head::decode(&bytes) {
			prop_assert_eq!(head.encode(), bytes);
		}
	}
}
