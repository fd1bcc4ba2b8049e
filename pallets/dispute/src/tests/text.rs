//! Tokens of a text, and where tokens of an output end.

use super::{
	model::{Question, Random, Run, ARCHITECTURE},
	players::*,
	words::{self, WordLie},
};
use crate::{mock::*, referee::EvidenceError, text};
use codec::Decode;
use noesis_canon::tokenizer::{Head, Place};
use noesis_primitives::{
	Accused, ContentHash, DisputeView, Fault, Ground, InputFormat, InputMark, Move, Phase, Root, Rules, Spot,
	TextEvidence, TokenSource, TraceLeaf, Tree, Verdict, WordEvidence, WordTree,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// Special tokens, words of one symbol and of many, bytes without a symbol.
const TEXT: &str = "abcd<s>7a bcd efef!";

fn questions() -> [Question; 4] {
	let of = |format, text| Question::text(format, text);
	[
		of(InputFormat::Text, TEXT),
		of(InputFormat::Chat, TEXT),
		of(InputFormat::Text, ""),
		of(InputFormat::Chat, ""),
	]
}

fn index(run: &Run, position: u32) -> u32 {
	run.rules.shape.index(TraceLeaf::Token { position }).unwrap()
}

/// Who computed the same but for one leaf.
fn otherwise(run: &Run, leaf: u32, value: usize) -> Run {
	let mut other = run.clone();
	other.leaves[leaf as usize][value] += 1;
	other.seal();
	other
}

/// Plays an honest challenger against a liar; how it ends.
fn verdict_over(question: &Question, liar: Run) -> Verdict {
	let truth = Run::honest(question);
	run(|| {
		let subject = subject_of(&liar, question, vec![]);
		let id = challenge(subject, CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		if matches!(verdict, Verdict::Falls(_)) {
			assert_eq!(told(subject).state, State::Overturned);
			assert_eq!(Slashes::get(), vec![(WORKER, Fault::WrongAnswer, Some(CHALLENGER))]);
			assert_eq!((held(CHALLENGER), wealth(CHALLENGER)), (0, RICH));
		}
		verdict
	})
}

#[test]
fn the_text_of_these_tests_should_have_tokens_of_every_kind() {
	let question = &questions()[1];
	let truth = Run::honest(question);
	let mut kinds = [0; 2];
	for position in 0..truth.claim().usage.input_tokens {
		match truth.place(&question.payload(), index(&truth, position)) {
			Place::Token(_) => kinds[0] += 1,
			Place::Word(_) => kinds[1] += 1,
			Place::End => panic!("the text is not over"),
		}
	}
	assert!(kinds[0] >= 3 && kinds[1] >= 3, "{kinds:?}");
	assert_eq!(Run::honest(&questions()[2]).leaves[0], [0, 0]);
}

#[test]
fn the_worker_should_win_when_any_token_that_it_read_or_produced_is_disputed() {
	for question in questions() {
		let truth = Run::honest(&question);
		for position in 0..=truth.rules.shape.positions {
			let leaf = index(&truth, position);
			run(|| {
				let subject = subject_of(&truth, &question, vec![]);
				let id = challenge(subject, CHALLENGER);
				let mut other = Honest(otherwise(&truth, leaf, 0));
				let mut honest = Defender(truth.clone());
				let there = play_to(id, &mut honest, &mut other, |view| view.leaf.is_some());
				let there = there.expect("the game comes to a token");
				assert_eq!(there.leaf, Some(TraceLeaf::Token { position }));
				assert!(matches!(there.phase, Phase::Text { .. }));
				let (verdict, _) = play(id, &mut honest, &mut Dice(Random(position.into())));
				assert_eq!((verdict, told(subject).state), (Verdict::Stands, State::Answered));
			});
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn an_honest_worker_should_win_when_anything_of_a_text_is_chosen(
		seed in any::<u64>(), arity in 1u32..9, of in 0usize..4,
	) {
		run(|| {
			Arity::set(&(1 << arity));
			let question = questions()[of].clone();
			let honest = Run::honest(&question);
			let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
			let (verdict, _) = play(id, &mut Defender(honest), &mut Dice(Random(seed)));
			assert_eq!(verdict, Verdict::Stands);
		});
	}

	#[test]
	fn an_honest_worker_should_win_when_any_text_is_read(
		text in "(a|b|c|d|e|f|ef|abcd| |<s>|<e>|7|é){0,12}", chat in any::<bool>(), at in any::<u32>(), seed in any::<u64>(),
	) {
		let format = if chat { InputFormat::Chat } else { InputFormat::Text };
		let question = Question { max_tokens: 1, ..Question::text(format, &text) };
		let honest = Run::honest(&question);
		let leaf = index(&honest, at % (honest.rules.shape.positions + 1));
		run(|| {
			let id = challenge(subject_of(&honest, &question, vec![]), CHALLENGER);
			let mut other = Honest(otherwise(&honest, leaf, 1));
			play_to(id, &mut Defender(honest.clone()), &mut other, |view| view.leaf.is_some());
			let (verdict, _) = play(id, &mut Defender(honest), &mut Dice(Random(seed)));
			assert_eq!(verdict, Verdict::Stands);
		});
	}
}

#[test]
fn a_liar_should_lose_when_a_token_of_a_text_has_another_id_or_end() {
	for question in questions() {
		let truth = Run::honest(&question);
		for position in 0..truth.claim().usage.input_tokens {
			let leaf = index(&truth, position);
			let is_word = truth.word(&question.payload(), leaf).is_some();
			for value in [0, 1] {
				let verdict = verdict_over(&question, otherwise(&truth, leaf, value));
				// From the word's true states no other token can be read, and there is nothing to commit to.
				let ground = if is_word { Ground::Silence } else { Ground::Record };
				assert_eq!(verdict, Verdict::Falls(ground), "{question:?} at {position}");
			}
		}
	}
}

#[test]
fn a_liar_should_lose_when_one_state_of_a_word_is_wrong() {
	let mut tried = BTreeSet::new();
	for question in &questions()[..2] {
		let truth = Run::honest(question);
		for position in 0..truth.claim().usage.input_tokens {
			let Some((program, _)) = truth.word(&question.payload(), index(&truth, position)) else {
				continue;
			};
			for step in 0..program.steps() {
				for symbol in 0..3 {
					let lie = WordLie { position, step, symbol, change: 2 };
					let misread = words::read(question.format, &question.payload(), Some(&lie));
					if misread[..=position as usize] == question.read()[..=position as usize]
						|| misread.len() >= ARCHITECTURE.context as usize
						|| misread.iter().any(|token| token[0] as u32 >= ARCHITECTURE.vocabulary)
					{
						continue;
					}
					let read = Question { misread: Some(misread), ..question.clone() };
					let liar = Run { word_lie: Some(lie), ..Run::honest(&read) };
					assert_eq!(verdict_over(question, liar), Verdict::Falls(Ground::Step), "{lie:?}");
					tried.insert(step.min(2));
				}
			}
		}
	}
	assert_eq!(tried.into_iter().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn a_liar_should_lose_when_it_read_fewer_tokens_than_there_are() {
	for question in &questions()[..2] {
		for fewer in 1..3 {
			let mut misread = question.read();
			misread.truncate(misread.len() - fewer);
			let liar = Run::honest(&Question { misread: Some(misread), ..question.clone() });
			assert_eq!(verdict_over(question, liar), Verdict::Falls(Ground::Record));
		}
	}
}

#[test]
fn a_liar_should_lose_when_it_read_more_tokens_than_there_are() {
	for question in questions() {
		let mut misread = question.read();
		misread.push([5, misread[misread.len() - 1][1] + 1]);
		let liar = Run::honest(&Question { misread: Some(misread), ..question.clone() });
		assert_eq!(verdict_over(&question, liar), Verdict::Falls(Ground::Record));
	}
}

#[test]
fn a_liar_should_lose_when_a_token_of_the_output_ends_elsewhere() {
	let [text, chat, ..] = questions();
	for question in [Question::short(), text, chat] {
		let truth = Run::honest(&question);
		for position in truth.claim().usage.input_tokens..=truth.rules.shape.positions {
			let liar = otherwise(&truth, index(&truth, position), 1);
			assert_eq!(verdict_over(&question, liar), Verdict::Falls(Ground::Record));
		}
	}
}

#[test]
fn who_found_the_same_should_fall_when_a_text_was_misread() {
	run(|| {
		let question = questions()[0].clone();
		let truth = Run::honest(&question);
		let special = question.read().iter().position(|token| token[0] == 1).unwrap() as u32;
		let liar = otherwise(&truth, index(&truth, special), 0);
		let found = vec![(VALIDATORS[0], liar.claim()), (VALIDATORS[1], truth.claim())];
		let id = challenge(subject_of(&liar, &question, found), CHALLENGER);
		let (verdict, _) = play(id, &mut Defender(liar), &mut Honest(truth));
		assert_eq!(verdict, Verdict::Falls(Ground::Record));
		let slash = |who, fault| (who, fault, Some(CHALLENGER));
		let expected = vec![slash(WORKER, Fault::WrongAnswer), slash(VALIDATORS[0], Fault::WrongVerdict)];
		assert_eq!(Slashes::get(), expected);
	});
}

/// A game over the truth that came to the token at `position`.
fn at_text(question: &Question, position: u32) -> (Run, DisputeView<AccountId>) {
	let truth = Run::honest(question);
	let id = challenge(subject_of(&truth, question, vec![]), CHALLENGER);
	let mut other = Honest(otherwise(&truth, index(&truth, position), 1));
	let view = play_to(id, &mut Defender(truth.clone()), &mut other, |view| view.leaf.is_some());
	(truth, view.unwrap())
}

#[test]
fn the_accused_should_try_again_when_what_it_shows_of_a_text_is_refused() {
	let question = questions()[0].clone();
	let input = question.payload();
	let truth = Run::honest(&question);
	let tokens = truth.claim().usage.input_tokens;
	let is_word = |at: &u32| truth.word(&input, index(&truth, *at)).is_some();
	let (word, direct) = ((1..tokens).find(is_word).unwrap(), (1..tokens).find(|at| !is_word(at)).unwrap());
	for position in [word, direct, tokens, tokens + 1] {
		run(|| {
			let (truth, view) = at_text(&question, position);
			let leaf = index(&truth, position);
			let show = |values: &[i32], evidence| {
				Dispute::prove_text(signed(WORKER), view.id, values.to_vec().try_into().unwrap(), evidence)
			};
			let (values, right) = (truth.leaves[leaf as usize].clone(), truth.text_evidence(&input, leaf));
			assert_noop!(show(&[values[0] + 1, values[1]], right.clone()), Error::WrongLeaf);
			let mut other = right.clone();
			other.head[40] ^= 1;
			assert_noop!(show(&values, other), Error::WrongHead);
			if position <= tokens {
				let mut other = right.clone();
				other.input.try_push(b'a').unwrap();
				assert_noop!(show(&values, other), Error::WrongInput);
			}
			let none = TextEvidence { previous: None, ..right.clone() };
			assert_noop!(show(&values, none), Error::WrongPieces);
			let mut other = right.clone();
			other.previous.as_mut().unwrap().values[1] -= 1;
			assert_noop!(show(&values, other), Error::WrongProof);
			let other = match &right.source {
				TokenSource::Output(_) => TokenSource::Word(Default::default()),
				_ => TokenSource::Output(Default::default()),
			};
			assert_noop!(show(&values, TextEvidence { source: other, ..right.clone() }), Error::WrongPieces);
			let mut other = right.clone();
			match &mut other.source {
				TokenSource::Word(shown) => shown.last[0] ^= 1,
				TokenSource::Output(proof) => proof.bytes.try_push(1).unwrap(),
				TokenSource::Text => other.previous.as_mut().unwrap().path[0][0] ^= 1,
			}
			assert_noop!(show(&values, other), Error::WrongProof);
			if let TokenSource::Word(shown) = &right.source {
				// A tree whose last state is another word's.
				let mut states = truth.word(&input, leaf).unwrap().1;
				let last = states.last_mut().unwrap();
				last.chunks_mut(14).for_each(|symbol| symbol[0] ^= 1);
				let (last, hashes) = (last.clone(), words::state_hashes(&states));
				let mut shown = shown.clone();
				shown.root = Root(noesis_primitives::merkle::root(&hashes));
				shown.last = last.try_into().unwrap();
				let source = TokenSource::Word(shown);
				assert_noop!(show(&values, TextEvidence { source, ..right.clone() }), Error::WrongWord);
			}
			assert_ok!(show(&values, right));
			assert_eq!(verdict(view.id).is_some(), position == direct);
		});
	}
}

#[test]
fn a_state_should_be_refused_when_anything_of_its_evidence_is_changed() {
	let question = questions()[1].clone();
	let (truth, input) = (Run::honest(&question), question.payload());
	for position in 0..truth.claim().usage.input_tokens {
		let Some((program, states)) = truth.word(&input, index(&truth, position)) else { continue };
		let hashes = words::state_hashes(&states);
		let head = words::head();
		let word = WordTree {
			leaf: index(&truth, position),
			root: Root(noesis_primitives::merkle::root(&hashes)),
			states: program.steps(),
			symbols: program.symbols().len() as u32,
			first: hashes[0],
			pairs_root: head.pairs_root,
			pairs: head.pairs,
		};
		for step in 0..program.steps() {
			let right = words::word_evidence(&program, &states, step);
			assert_eq!(text::state(&word, step, &right), Ok(hashes[step as usize]));
			let mut changed: Vec<WordEvidence> = Vec::new();
			let mut with = |change: &dyn Fn(&mut WordEvidence)| {
				let mut evidence = right.clone();
				change(&mut evidence);
				if evidence != right {
					changed.push(evidence);
				}
			};
			with(&|evidence| drop(evidence.pairs.pop()));
			with(&|evidence| evidence.pairs.try_push(words::pair_proof((4, 5))).unwrap());
			with(&|evidence| evidence.previous = Default::default());
			with(&|evidence| evidence.previous.leaves.iter_mut().for_each(|leaf| leaf[0] ^= 1));
			with(&|evidence| evidence.previous.siblings.iter_mut().for_each(|node| node[0] ^= 1));
			for at in 0..right.pairs.len() {
				with(&|evidence| evidence.pairs[at].first ^= 1);
				with(&|evidence| evidence.pairs[at].leaves[0][8] ^= 1);
				with(&|evidence| evidence.pairs[at] = words::pair_proof((u32::MAX, 0)));
				with(&|evidence| evidence.pairs[at] = Default::default());
			}
			for evidence in changed {
				let found = text::state(&word, step, &evidence);
				let same_proof = found == Ok(hashes[step as usize]);
				let refused = matches!(
					found,
					Err(EvidenceError::Pieces | EvidenceError::Proof | EvidenceError::Malformed)
				);
				// The pair that the tree has nowhere near may be shown by the same leaves.
				assert!(refused || same_proof, "{found:?}");
			}
		}
	}
}

#[test]
fn the_game_should_end_undecided_when_the_registered_head_is_none() {
	run(|| {
		let question = questions()[0].clone();
		let (truth, view) = at_text(&question, 1);
		let bytes = b"no head".to_vec();
		register(ARCHITECTURE, ContentHash::of(&bytes), truth.model.group_roots());
		let leaf = index(&truth, 1);
		let right = truth.text_evidence(&question.payload(), leaf);
		let values = truth.leaves[leaf as usize].clone().try_into().unwrap();
		let evidence = TextEvidence { head: bytes.try_into().unwrap(), ..right };
		assert_ok!(Dispute::prove_text(signed(WORKER), view.id, values, evidence));
		assert_eq!((verdict(view.id), wealth(CHALLENGER)), (Some(Verdict::Undecided), RICH));
	});
}

#[test]
fn the_game_should_end_undecided_when_the_text_does_not_fit_the_context() {
	let question = Question { max_tokens: 1, ..Question::text(InputFormat::Text, &"7a".repeat(20)) };
	let mut read = question.read();
	let room = ARCHITECTURE.context as usize - 1;
	read.truncate(room.min(read.len()));
	read.resize(room, [4, 20]);
	let truth = Run::honest(&Question { misread: Some(read), ..question.clone() });
	let judge = |position, rules: &Rules| {
		let leaf = index(&truth, position);
		let evidence = truth.text_evidence(&question.payload(), leaf);
		let values = &truth.leaves[leaf as usize];
		let disputed = text::Disputed { rules, leaf, values, context: ARCHITECTURE.context };
		disputed.judge(&InputMark::Open(ContentHash::of(&question.payload())), &evidence)
	};
	assert_eq!(judge(3, &truth.rules), Ok(Move::Beyond));
	// The first token of the output is held against its bytes alone.
	assert_eq!(judge(room as u32, &truth.rules), Ok(Move::Follows));
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn a_text_should_never_panic_when_what_is_shown_is_made_of_chance(
		bytes in prop::collection::vec(any::<u8>(), 0..400), payload in prop::collection::vec(any::<u8>(), 0..300),
		flips in prop::collection::vec((any::<u16>(), any::<u8>()), 0..4), values in any::<[i32; 2]>(),
		previous in any::<i32>(), position in 0u32..12, context in any::<u32>(), numbers in any::<[u32; 4]>(),
	) {
		let question = questions()[position as usize % 2].clone();
		let mut run = Run::honest(&question);
		if let Some(before) = position.checked_sub(1) {
			let before = index(&run, before.min(run.rules.shape.positions));
			run.leaves[before as usize][1] = previous;
			run.seal();
		}
		let leaf = index(&run, position.min(run.rules.shape.positions));
		let mut head = words::head().encode();
		for (at, byte) in flips {
			let at = usize::from(at) % head.len();
			head[at] = byte;
		}
		let right = run.text_evidence(&question.payload(), leaf);
		let hash = InputMark::Open(ContentHash::of(&payload));
		let disputed = text::Disputed { rules: &run.rules, leaf, values: &values, context };
		for head in [head, bytes.clone()] {
			let input: polkadot_sdk::frame_support::BoundedVec<_, _> = payload.clone().try_into().unwrap();
			let evidence = TextEvidence { head: head.clone().try_into().unwrap(), input, ..right.clone() };
			let judged = disputed.judge(&hash, &evidence);
			if Head::decode(&head).is_err() {
				prop_assert_eq!(judged, Ok(Move::Beyond));
			}
		}
		let [root, states, symbols, pairs] = numbers;
		let word = WordTree {
			leaf, root: Root([root as u8; 32]), states, symbols: symbols % 300, first: [0; 32], pairs_root: [0; 32], pairs,
		};
		let mut input = &bytes[..];
		if let Ok(evidence) = WordEvidence::decode(&mut input) {
			let _ = text::state(&word, root, &evidence);
		}
		let at = Spot { tree: Tree::Word(word), level: root % 40, index: symbols, hash: [0; 32] };
		let _ = run.rules.below(&at);
		if let Ok(evidence) = TextEvidence::decode(&mut &bytes[..]) {
			let _ = disputed.judge(&hash, &evidence);
		}
	}
}

#[test]
fn a_validator_should_keep_its_stake_when_its_text_is_disputed() {
	run(|| {
		let question = questions()[1].clone();
		let truth = Run::honest(&question);
		let liar = otherwise(&truth, index(&truth, 2), 0);
		let found = vec![(VALIDATORS[0], truth.claim()), (VALIDATORS[1], liar.claim())];
		let subject = subject_of(&truth, &question, found);
		let dispute = |validator: usize, run: &Run| {
			let accused = Accused::Validator(VALIDATORS[validator]);
			challenge_as(subject, accused, run.claim(), CHALLENGER)
		};
		let id = dispute(0, &truth);
		let mut honest = Defender(truth.clone());
		play_to(id, &mut honest, &mut Honest(liar.clone()), |view| view.leaf.is_some());
		assert_eq!(play(id, &mut honest, &mut Dice(Random(3))).0, Verdict::Stands);
		let id = dispute(1, &liar);
		assert!(matches!(play(id, &mut Defender(liar), &mut Honest(truth)).0, Verdict::Falls(_)));
		let wrong = (VALIDATORS[1], Fault::WrongVerdict, Some(CHALLENGER));
		assert_eq!(Slashes::get(), vec![wrong]);
	});
}
