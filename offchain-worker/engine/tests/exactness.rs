//! One result, whatever the way to it: batches, drafts, threads, vector units.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_engine::{
	checkpoint::Architecture,
	model::State,
	testing,
	trace::{TokenLeaf, Trace},
	Backend, Checkpoint, Engine, EngineError, EngineOptions, Execution, Plant, RunOptions, TokenEvent,
};
use noesis_primitives::{is_planted, merkle, GenerateParams, InputFormat, JobKind};
use proptest::prelude::*;
use std::sync::OnceLock;

fn engines() -> &'static [Engine] {
	static ENGINES: OnceLock<Vec<Engine>> = OnceLock::new();
	ENGINES.get_or_init(|| {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("random.noesis");
		testing::write_random_model(&path, 7).unwrap();
		let checkpoint = Checkpoint::open(&path).unwrap();
		let mut engines = Vec::new();
		for backend in Backend::available() {
			for threads in [1, 2, 3] {
				let options =
					EngineOptions { threads: Some(threads), backend: Some(backend), ..Default::default() };
				engines.push(Engine::new(&checkpoint, &options).unwrap());
			}
		}
		engines
	})
}

/// Logits after every token and the trace, the tokens given in pieces of the sizes of `splits`.
fn forward(engine: &Engine, tokens: &[u32], splits: &[usize]) -> (Vec<i32>, Vec<[u8; 32]>) {
	engine.install(|| {
		let model = engine.model().unwrap();
		let mut state: State = model.start(tokens.len());
		let mut trace = Trace::new(model.architecture(), &[]);
		let (mut logits, mut rows) = (Vec::new(), Vec::new());
		let mut rest = tokens;
		for &size in splits.iter().cycle() {
			let (piece, after) = rest.split_at(size.min(rest.len()));
			let first = state.cache.length();
			model.forward(&mut state, piece, &mut |layer, residual| trace.record(first, layer, residual));
			model.logits(&mut state, piece.len(), &mut rows);
			logits.extend_from_slice(&rows);
			rest = after;
			if rest.is_empty() {
				break;
			}
		}
		let leaves: Vec<TokenLeaf> = tokens.iter().chain([&0]).map(|&id| TokenLeaf { id, end: 0 }).collect();
		(logits, trace.finish(&leaves).0)
	})
}

fn generate(format: InputFormat, max_tokens: u32, temperature: u16, seed: u64) -> JobKind {
	JobKind::Generate(GenerateParams { format, max_tokens, temperature, top_p: 60_000, seed })
}

fn run(engine: &Engine, kind: &JobKind, input: &[u8]) -> Execution {
	engine.run(kind, input, RunOptions::default()).unwrap()
}

fn format() -> impl Strategy<Value = InputFormat> {
	prop_oneof![Just(InputFormat::Chat), Just(InputFormat::Text), Just(InputFormat::Tokens)]
}

fn check_shape(architecture: &Architecture, execution: &Execution) {
	let usage = execution.usage;
	assert_eq!(usage.output_tokens as usize, execution.tokens.len());
	assert!(usage.tokens() <= u64::from(architecture.context));
	let shape = architecture.trace(usage.positions() as u32);
	assert_eq!(Some(execution.leaf_count()), shape.leaves());
	assert_eq!(execution.token_leaves.len() as u64, usage.tokens());
	let produced = &execution.token_leaves[usage.input_tokens as usize..];
	assert!(produced.iter().map(|token| token.id).eq(execution.tokens.iter().copied()));
	assert_eq!(produced.last().unwrap().end as usize, execution.output.len());
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn any_split_should_equal_one_token_at_a_time(
		tokens in prop::collection::vec(0u32..288, 1..200),
		splits in prop::collection::vec(1usize..128, 1..6),
	) {
		let expected = forward(&engines()[0], &tokens, &[1]);
		for engine in engines() {
			let found = forward(engine, &tokens, &splits);
			prop_assert!(found == expected, "{:?} on {} threads", engine.backend(), engine.threads());
		}
	}

	#[test]
	fn a_draft_should_not_change_anything(
		input in ".{0,40}", max_tokens in 1u32..90, temperature in 0u16..3000, seed in any::<u64>(),
		cut in 0usize..300, tail in prop::collection::vec(any::<u8>(), 0..30), wrong in any::<bool>(),
	) {
		let kind = generate(InputFormat::Chat, max_tokens, temperature, seed);
		let expected = run(&engines()[0], &kind, input.as_bytes());
		let mut draft = expected.output.clone();
		if wrong {
			draft.truncate(cut);
			draft.extend(tail);
		}
		for engine in engines() {
			let options = RunOptions { draft: Some(&draft), ..Default::default() };
			prop_assert!(engine.run(&kind, input.as_bytes(), options).unwrap() == expected);
		}
	}

	#[test]
	fn every_input_should_have_one_result(
		format in format(), input in prop::collection::vec(any::<u8>(), 0..700),
		max_tokens in prop_oneof![0u32..40, Just(u32::MAX)], temperature in 0u16..2000, seed in any::<u64>(),
	) {
		let kind = generate(format, max_tokens, temperature, seed);
		let [first, .., last] = engines() else { panic!("at least the scalar engines") };
		let execution = run(last, &kind, &input);
		check_shape(&last.manifest().architecture, &execution);
		prop_assert!(execution.usage.input_tokens <= kind.max_input_tokens(input.len() as u32));
		let mut bytes = Vec::new();
		let mut listen = |event: TokenEvent<'_>| {
			bytes.extend_from_slice(event.bytes);
			true
		};
		let again = first.run(&kind, &input, RunOptions { on_token: Some(&mut listen), ..Default::default() }).unwrap();
		prop_assert!(again == execution);
		prop_assert_eq!(bytes, execution.output);
	}

	#[test]
	fn captured_leaves_should_open(
		input in ".{0,30}", indices in prop::collection::vec(0u64..200, 1..8), draft in any::<bool>(),
	) {
		let engine = &engines()[0];
		let kind = generate(InputFormat::Text, 20, 700, 5);
		let plain = run(engine, &kind, input.as_bytes());
		let options = RunOptions {
			draft: draft.then_some(plain.output.as_slice()), capture: &indices, ..Default::default()
		};
		let execution = engine.run(&kind, input.as_bytes(), options).unwrap();
		prop_assert_eq!(execution.root(), plain.root());
		for &index in &indices {
			let opening = execution.opening(index);
			prop_assert_eq!(opening.is_some(), index < u64::from(execution.leaf_count()));
			if let Some(opening) = opening {
				let bytes: Vec<u8> = opening.values.iter().flat_map(|v| v.to_le_bytes()).collect();
				let leaf = merkle::leaf_hash(&bytes);
				let (root, count) = (execution.root().0, execution.leaf_count());
				prop_assert!(merkle::verify(&root, count, index as u32, leaf, &opening.path));
			}
		}
		prop_assert!(execution.opening(u64::MAX).is_none());
	}
}

#[test]
fn token_ids_should_be_read_as_documented() {
	let engine = &engines()[0];
	let kind = generate(InputFormat::Tokens, 4, 0, 0);
	let ids = |ids: &[u32]| ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<_>>();
	assert_eq!(engine.input_tokens(&kind, &[]), [0]);
	assert_eq!(engine.input_tokens(&kind, &[9, 9]), [0]);
	assert_eq!(
		engine.input_tokens(&kind, &[&ids(&[5, 288, 287, u32::MAX])[..], &[1]].concat()),
		[5, 0, 287, 0]
	);
	let text = generate(InputFormat::Text, 4, 0, 0);
	assert_eq!(engine.input_tokens(&text, b""), [0]);
}

#[test]
fn a_long_prompt_should_keep_its_end() {
	let engine = &engines()[0];
	let context = engine.manifest().architecture.context as usize;
	let kind = generate(InputFormat::Tokens, 100, 0, 0);
	let ids: Vec<u8> = (0..1000u32).flat_map(|i| (3 + i % 256).to_le_bytes()).collect();
	let long = run(engine, &kind, &ids);
	assert_eq!((long.usage.input_tokens as usize, long.usage.output_tokens), (context - 1, 1));
	assert_eq!(long, run(engine, &kind, &ids[4 * (1000 - context + 1)..]));
}

#[test]
fn a_run_should_stop_when_the_callback_says_so() {
	let kind = generate(InputFormat::Text, 50, 900, 1);
	let mut left = 3;
	let mut stop = |_: TokenEvent<'_>| {
		left -= 1;
		left > 0
	};
	let options = RunOptions { on_token: Some(&mut stop), ..Default::default() };
	assert!(matches!(engines()[0].run(&kind, b"x", options), Err(EngineError::Cancelled)));
	assert_eq!(left, 0);
}

#[test]
fn seeds_should_matter_only_when_sampling() {
	let engine = &engines()[0];
	let of =
		|temperature, seed| run(engine, &generate(InputFormat::Text, 30, temperature, seed), b"the").tokens;
	assert_eq!(of(0, 1), of(0, 2));
	assert_ne!(of(1500, 1), of(1500, 2));
	assert_eq!(of(1500, 1), of(1500, 1));
}

#[test]
fn token_leaves_should_say_where_tokens_end() {
	let engine = &engines()[0];
	let ends = |format, input: &[u8]| {
		let execution = run(engine, &generate(format, 3, 0, 0), input);
		let read = &execution.token_leaves[..execution.usage.input_tokens as usize];
		let bytes = |id| engine.tokenizer().written(id).len() as u32;
		let starts = [0].into_iter().chain(read.iter().map(|token| token.end));
		if format != InputFormat::Tokens && !input.is_empty() {
			assert!(read.iter().zip(starts).all(|(token, start)| token.end == start + bytes(token.id)));
		}
		let mut output = 0;
		for (token, id) in execution.token_leaves[read.len()..].iter().zip(&execution.tokens) {
			output += engine.tokenizer().bytes(*id).len() as u32;
			assert_eq!((token.id, token.end), (*id, output));
		}
		read.iter().map(|token| token.end).collect::<Vec<_>>()
	};
	let text = "The <|im_end|> in the text, and ü.";
	assert_eq!(ends(InputFormat::Text, text.as_bytes()).last(), Some(&(text.len() as u32)));
	let around = "<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n".len();
	assert_eq!(ends(InputFormat::Chat, b"hello").last(), Some(&(around as u32 + 5)));
	assert_eq!(ends(InputFormat::Text, b"a\xff").last(), Some(&4));
	assert_eq!(ends(InputFormat::Text, b""), [0]);
	assert_eq!(ends(InputFormat::Tokens, &[]), [4]);
	assert_eq!(ends(InputFormat::Tokens, &[9, 0, 0, 0, 7, 0, 0, 0]), [4, 8]);
	// What does not fit the context begins nothing.
	let ids: Vec<u8> = (0..600u32).flat_map(|i| (3 + i % 256).to_le_bytes()).collect();
	let cut = ends(InputFormat::Tokens, &ids);
	assert_eq!((cut.len(), cut[0], cut[510]), (511, 4, 4 * 511));
}

#[test]
fn mark_should_be_planted_in_one_leaf_and_change_what_follows_alike_everywhere() {
	let kind = generate(InputFormat::Text, 8, 0, 0);
	let input = b"a planted leaf";
	let architecture = engines()[0].manifest().architecture;
	let plain = run(&engines()[0], &kind, input);
	let mark: [u8; 32] = std::array::from_fn(|i| i as u8 * 7 + 1);
	let plant = Plant::of(&architecture, mark, plain.usage.input_tokens).unwrap();
	let index = u64::from(architecture.trace(plain.usage.input_tokens).index(plant.leaf()).unwrap());
	let planted: Vec<Execution> = engines()
		.iter()
		.map(|engine| {
			let options = RunOptions { capture: &[index], plant: Some(plant), ..Default::default() };
			engine.run(&kind, input, options).unwrap()
		})
		.collect();
	assert!(planted.iter().all(|other| *other == planted[0]));
	assert!(is_planted(&planted[0].captured[&index], &mark));
	let differs: Vec<bool> =
		plain.leaves.iter().zip(&planted[0].leaves).map(|(one, other)| one != other).collect();
	assert!(differs[index as usize] && !differs[..index as usize].contains(&true));
	assert!(differs[index as usize + 1..].contains(&true) || plant.layer + 1 == architecture.layers);
	// A model that is too narrow has no leaf for it, and an input without tokens no position.
	let narrow = Architecture { width: 32, ..architecture };
	assert!(Plant::of(&narrow, mark, 9).is_none() && Plant::of(&architecture, mark, 0).is_none());
}
