//! Two parties and what they show each other, without a chain between them.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::{
	graph::{self, Layout, Operation, Program, Source, CHUNK},
	sampler::Sampling,
};
use noesis_engine::{
	dispute::{rehearse, Alteration, Coarse, DisputeError, Fault, FineTrace, Prover, Rehearsal, Weights},
	testing,
	trace::{self, TokenLeaf},
	Architecture, Checkpoint, Engine, EngineOptions, Execution, RunOptions, Shapes,
};
use noesis_primitives::{
	merkle, Claim, ContentHash, Evidence, GenerateParams, InputFormat, JobKind, Piece, Root, TraceLeaf,
	Usage, WeightsPlace,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::OnceLock};

/// Grouped heads; a width that is no multiple of a slice; heads that are none of a chunk's, and rows of two chunks.
fn architectures() -> [Architecture; 3] {
	let small = testing::architecture();
	[
		small,
		Architecture { width: 96, heads: 3, kv_heads: 1, head_dim: 64, feed_forward: 224, ..small },
		Architecture {
			layers: 1,
			width: 32,
			heads: 2,
			kv_heads: 2,
			head_dim: 48,
			feed_forward: 2080,
			..small
		},
	]
}

struct Model {
	checkpoint: Checkpoint,
	engine: Engine,
}

fn models() -> &'static [Model] {
	static MODELS: OnceLock<Vec<Model>> = OnceLock::new();
	MODELS.get_or_init(|| {
		let folder = tempfile::tempdir().unwrap();
		let model = |(seed, architecture): (u64, Architecture)| {
			let path = folder.path().join(format!("{seed}.noesis"));
			testing::write_random_model_of(&path, seed, architecture).unwrap();
			let checkpoint = Checkpoint::open(&path).unwrap();
			let engine = Engine::new(&checkpoint, &EngineOptions::default()).unwrap();
			Model { checkpoint, engine }
		};
		(11..).zip(architectures()).map(model).collect()
	})
}

fn kind(temperature: u16, top_p: u16, max_tokens: u32) -> JobKind {
	JobKind::Generate(GenerateParams { format: InputFormat::Text, max_tokens, temperature, top_p, seed: 3 })
}

fn run(model: &Model, kind: &JobKind, input: &str, fault: Option<Fault>) -> Execution {
	model.engine.run(kind, input.as_bytes(), RunOptions { fault, ..Default::default() }).unwrap()
}

fn rehearsal(
	model: &Model,
	kind: &JobKind,
	prompt: &[TokenLeaf],
	alteration: Option<(Program, Alteration)>,
) -> Result<Rehearsal, DisputeError> {
	let JobKind::Generate(params) = kind;
	let weights = Weights::new(&model.checkpoint).unwrap();
	let sampling = noesis_engine::dispute::sampling(params);
	let bytes = |token| model.engine.tokenizer().bytes(token).len();
	rehearse(&weights, prompt, &sampling, params.max_tokens as usize, &bytes, alteration)
}

/// What a referee makes of evidence for leaf `index` of a program: the leaf's bytes, or nothing.
struct Referee<'a> {
	model: &'a Model,
	program: Program,
	/// Root and number of the fine trace's leaves.
	fine: ([u8; 32], u32),
	/// Root of the job's trace, and its tokens.
	coarse: ([u8; 32], usize),
}

impl Referee<'_> {
	fn place(&self, group: u32, tensor: u32, first_row: u32, rows: u32, chunk: u32) -> Option<WeightsPlace> {
		let a = &self.model.checkpoint.manifest().architecture;
		let shapes = if group == 0 { a.embedding_shapes().to_vec() } else { a.layer_shapes().to_vec() };
		let shape = shapes.get(tensor as usize)?;
		Some(WeightsPlace {
			tensors: shapes.len() as u32,
			tensor,
			tensor_rows: shape.rows as u32,
			first_row,
			rows,
			chunks: (shape.columns as u32).div_ceil(CHUNK),
			chunk,
		})
	}

	fn judge(&self, index: u32, evidence: &Evidence) -> Option<Vec<u8>> {
		let manifest = self.model.checkpoint.manifest();
		let shape = manifest.architecture.graph();
		let leaf = self.program.leaf(&shape, index)?;
		let trace = trace::shape(&manifest.architecture, self.coarse.1);
		let claim = Claim {
			root: Root(self.coarse.0),
			leaves: trace.leaves()?,
			output: ContentHash([0; 32]),
			usage: Usage::default(),
		};
		let fine: Vec<Vec<u8>> = evidence
			.iter()
			.map(|piece| if let Piece::Fine(fine) = piece { fine.bytes() } else { Vec::new() })
			.collect();
		let mut token = 0;
		let mut pieces = Vec::new();
		for ((source, piece), bytes) in leaf.sources.iter().zip(evidence).zip(&fine) {
			pieces.push(match (*source, piece) {
				(Source::Fine { first, count }, Piece::Fine(fine)) => fine
					.verify(&self.fine.0, self.fine.1, first, count)
					.then_some(graph::Piece::Fine(bytes))?,
				(Source::Token { position }, Piece::Coarse(opening)) => {
					let (id, end) = opening.token()?;
					token = u32::try_from(id).ok()?;
					let at = trace.index(TraceLeaf::Token { position })?;
					opening.verify(&claim, at).then_some(graph::Piece::Token { id, end })?
				},
				(Source::Residual { position, layer, slice }, Piece::Coarse(opening)) => {
					let at = trace.index(TraceLeaf::Residual { position, layer, slice })?;
					opening.verify(&claim, at).then_some(graph::Piece::Residual(&opening.values))?
				},
				(source @ (Source::Embedding { .. } | Source::Weights { .. }), Piece::Weights(piece)) => {
					let (group, place) = match source {
						Source::Weights { group, tensor, first_row, rows, chunk } => {
							(group, self.place(group, tensor, first_row, rows, chunk)?)
						},
						Source::Embedding { chunk } => (0, self.place(0, 0, token, 1, chunk)?),
						_ => return None,
					};
					let root = &manifest.layer_roots[group as usize].0;
					let rows = piece.rows.iter().map(|row| row.bytes.as_slice()).collect();
					piece.verify(root, &place).then_some(graph::Piece::Weights(rows))?
				},
				_ => return None,
			});
		}
		graph::evaluate(&self.program, &shape, index, &pieces)
	}
}

fn program() -> impl Strategy<Value = (usize, Program)> {
	let sampling = prop_oneof![
		Just(Sampling { temperature: 0, top_p: 0, seed: 0 }),
		(1u16..2000, any::<u16>(), any::<u64>()).prop_map(|(temperature, top_p, seed)| Sampling {
			temperature,
			top_p,
			seed
		}),
	];
	let pick =
		(0u32..9, sampling).prop_map(|(position, sampling)| Program::Pick { position, sampling, index: 2 });
	let layer = (0u32..9, 0u32..2).prop_map(|(position, layer)| Program::Layer { layer, position });
	(0usize..3, prop_oneof![layer, pick]).prop_map(|(model, program)| match program {
		Program::Layer { position, .. } if model == 2 => (model, Program::Layer { layer: 0, position }),
		program => (model, program),
	})
}

/// Ten tokens and all residuals, as a trace has them.
fn whole(model: &Model) -> Rehearsal {
	let architecture = model.checkpoint.manifest().architecture;
	let tokens: Vec<TokenLeaf> = (0..10).map(|i| TokenLeaf { id: 3 + 17 * i, end: i }).collect();
	let ids: Vec<u32> = tokens.iter().map(|token| token.id).take(9).collect();
	let residuals: Vec<_> =
		(0..architecture.layers).map(|layer| model.engine.residuals(&ids, layer, None).unwrap()).collect();
	let leaves = trace::trace_of(&architecture, &tokens, &residuals);
	Rehearsal { tokens, residuals, leaves }
}

#[test]
fn programs_should_make_the_trace_that_the_engine_makes() {
	for model in models() {
		for (temperature, top_p) in [(0, u16::MAX), (800, u16::MAX), (1200, 55_000)] {
			let kind = kind(temperature, top_p, 5);
			let execution = run(model, &kind, "the same", None);
			let read = execution.usage.input_tokens as usize;
			let found = rehearsal(model, &kind, &execution.token_leaves[..read], None).unwrap();
			assert_eq!(found.tokens, execution.token_leaves);
			assert!(found.leaves == execution.leaves, "temperature {temperature}");
		}
	}
}

#[test]
fn every_leaf_of_a_trace_should_come_out_of_its_program() {
	for model in models() {
		let kind = kind(900, 60_000, 3);
		let execution = run(model, &kind, "a b", None);
		let prover = Prover::new(&model.engine, &model.checkpoint, kind, &execution, None).unwrap();
		for index in 0..execution.leaf_count() {
			let token = match prover.leaf(index).unwrap() {
				TraceLeaf::Token { position } if position < execution.usage.input_tokens => {
					assert!(matches!(prover.fine_trace(index), Err(DisputeError::NoProgram)));
					continue;
				},
				TraceLeaf::Token { position } => Some(execution.token_leaves[position as usize].id),
				TraceLeaf::Residual { .. } => None,
			};
			let (fine, result) = prover.fine_trace(index).unwrap();
			let leaf = fine.leaf(result).unwrap();
			match token {
				Some(id) => assert_eq!(leaf, i64::from(id).to_le_bytes()),
				None => assert_eq!(merkle::leaf_hash(leaf), execution.leaves[index as usize]),
			}
		}
		assert!(prover.leaf(execution.leaf_count()).is_none());
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(60))]

	#[test]
	fn evidence_should_hold_and_nothing_else_should(
		(model, program) in program(), stages in prop::collection::vec(any::<(prop::sample::Index, u32)>(), 12),
		flips in prop::collection::vec(any::<(prop::sample::Index, prop::sample::Index, u8)>(), 12),
	) {
		let model = &models()[model];
		let whole = whole(model);
		let weights = Weights::new(&model.checkpoint).unwrap();
		let coarse: Coarse<'_> = whole.coarse(&program);
		let fine = FineTrace::new(&weights, &program, &coarse, None).unwrap();
		let referee = Referee {
			model,
			program,
			fine: (fine.root(), fine.leaves()),
			coarse: (merkle::root(&whole.leaves), whole.tokens.len()),
		};
		for ((stage, at), (piece, byte, bit)) in stages.iter().zip(&flips) {
			let stage = stage.get(fine.layout().stages());
			let index = stage.first + at % stage.count;
			let evidence = fine.evidence(&weights, &coarse, &whole.leaves, index).unwrap();
			let found = referee.judge(index, &evidence);
			prop_assert_eq!(found.as_deref(), fine.leaf(index), "{:?}", stage);
			// A bit of anything that is shown, proofs included.
			let mut changed: Vec<Piece> = evidence.into_inner();
			let piece = piece.index(changed.len());
			let mut encoded = codec::Encode::encode(&changed[piece]);
			let byte = byte.index(encoded.len());
			encoded[byte] ^= 1 << (bit % 8);
			if let Ok(other) = <Piece as codec::DecodeAll>::decode_all(&mut &encoded[..]) {
				changed[piece] = other;
				prop_assert_eq!(referee.judge(index, &changed.try_into().unwrap()), None);
			}
		}
	}

	#[test]
	fn a_fault_should_be_found_in_the_one_leaf_where_it_is(
		model in 0usize..3, position in 0u32..6, layer in 0u32..2, index in 0u32..96, change in any::<i32>(),
		draft in any::<bool>(),
	) {
		let model = &models()[model];
		let architecture = model.checkpoint.manifest().architecture;
		let fault = Fault { position, layer: layer.min(architecture.layers - 1), index: index % architecture.width, change };
		let kind = kind(700, 60_000, 4);
		let honest = run(model, &kind, "a b c d", None);
		let lie = run(model, &kind, "a b c d", Some(fault));
		if draft {
			let options = RunOptions { draft: Some(&lie.output), fault: Some(fault), ..Default::default() };
			prop_assert_eq!(&model.engine.run(&kind, b"a b c d", options).unwrap(), &lie);
		}
		let Some(first) = (0..).zip(lie.leaves.iter().zip(&honest.leaves)).find(|(_, (a, b))| a != b) else {
			// Saturated, or nothing added, or beyond the end.
			return Ok(());
		};
		let first = first.0;
		let liar = Prover::new(&model.engine, &model.checkpoint, kind, &lie, Some(fault)).unwrap();
		let slice = fault.index / 64;
		prop_assert_eq!(liar.leaf(first), Some(TraceLeaf::Residual { position, layer: fault.layer, slice }));
		let (fine, result) = liar.fine_trace(first).unwrap();
		prop_assert_eq!(merkle::leaf_hash(fine.leaf(result).unwrap()), lie.leaves[first as usize]);
		// The honest party, which agrees with every leaf before, computes the same program from the same inputs.
		let (program, _) = noesis_engine::dispute::program(&kind, &lie.usage, liar.leaf(first).unwrap()).unwrap();
		let weights = Weights::new(&model.checkpoint).unwrap();
		let coarse = Coarse { tokens: &lie.token_leaves, residual: fine.residual() };
		let ours = FineTrace::new(&weights, &program, &coarse, None).unwrap();
		let at = (0..fine.leaves()).find(|&at| fine.leaf(at) != ours.leaf(at)).unwrap();
		prop_assert_eq!(fine.layout().leaf(at).unwrap().operation, Operation::Branch);
		let referee = Referee {
			model,
			program,
			fine: (fine.root(), fine.leaves()),
			coarse: (merkle::root(liar.leaves()), lie.token_leaves.len()),
		};
		let found = referee.judge(at, &liar.evidence(&fine, at).unwrap());
		prop_assert_eq!(found.as_deref(), ours.leaf(at));
	}
}

/// Alters one leaf of a stage so that the trace changes, if that can be done.
fn lie_at(
	model: &Model,
	kind: &JobKind,
	prompt: &[TokenLeaf],
	honest: &Rehearsal,
	program: Program,
	leaf: u32,
) -> Option<(Rehearsal, Alteration)> {
	let sizes = [0u32, 8, 13, 20, 30, 33, 36, 39, 45, 50];
	let changes = sizes.into_iter().flat_map(|size| [1i64 << size, -(1i64 << size)]);
	changes.flat_map(|change| [2, 0, 1].map(|value| Alteration { leaf, value, change })).find_map(
		|alteration| {
			let lie = rehearsal(model, kind, prompt, Some((program, alteration))).ok()?;
			(lie.leaves != honest.leaves).then_some((lie, alteration))
		},
	)
}

#[test]
fn a_lie_in_any_operation_should_be_found() {
	let prompt: Vec<TokenLeaf> =
		[40u32, 7, 99].into_iter().zip(1..).map(|(id, end)| TokenLeaf { id, end }).collect();
	// Hot, so that many tokens count; and greedy.
	let hot = kind(9000, 40_000, 2);
	let pick = |kind: &JobKind| {
		let JobKind::Generate(params) = kind;
		Program::Pick { position: 2, sampling: noesis_engine::dispute::sampling(params), index: 0 }
	};
	let programs = [
		(0, hot, Program::Layer { layer: 0, position: 2 }),
		(0, hot, Program::Layer { layer: 1, position: 2 }),
		(2, hot, Program::Layer { layer: 0, position: 2 }),
		(0, hot, pick(&hot)),
		(0, kind(0, 0, 2), pick(&kind(0, 0, 2))),
	];
	let mut caught = BTreeSet::new();
	for (model, kind, program) in programs {
		let model = &models()[model];
		let shape = model.checkpoint.manifest().architecture.graph();
		let weights = Weights::new(&model.checkpoint).unwrap();
		let honest = rehearsal(model, &kind, &prompt, None).unwrap();
		let layout = Layout::new(&shape, &program).unwrap();
		for stage in layout.stages() {
			// The last leaf belongs to the position itself in all stages but those of keys and values.
			let leaf = stage.first + stage.count - 1;
			let Some((lie, alteration)) = lie_at(model, &kind, &prompt, &honest, program, leaf) else {
				continue;
			};
			let at = (0..).zip(lie.leaves.iter().zip(&honest.leaves)).find(|(_, (a, b))| a != b).unwrap().0;
			let architecture = model.checkpoint.manifest().architecture;
			let disputed = trace::shape(&architecture, lie.tokens.len()).leaf(at).unwrap();
			let usage = Usage { input_tokens: 3, output_tokens: 2 };
			let (found, result) = noesis_engine::dispute::program(&kind, &usage, disputed).unwrap();
			assert_eq!(found, program, "{stage:?}");
			// The liar's fine trace comes to its claim and is wrong in one place; so says its own evidence.
			let coarse = lie.coarse(&program);
			let theirs = FineTrace::new(&weights, &program, &coarse, Some(alteration)).unwrap();
			let ours = FineTrace::new(&weights, &program, &coarse, None).unwrap();
			let outcome = theirs.leaf(theirs.layout().result(result).unwrap()).unwrap();
			match disputed {
				TraceLeaf::Token { position } => {
					assert_eq!(outcome, i64::from(lie.tokens[position as usize].id).to_le_bytes());
				},
				TraceLeaf::Residual { .. } => assert_eq!(merkle::leaf_hash(outcome), lie.leaves[at as usize]),
			}
			let differs = (0..ours.leaves()).find(|&at| ours.leaf(at) != theirs.leaf(at));
			assert_eq!(differs, Some(leaf), "{stage:?}");
			let referee = Referee {
				model,
				program,
				fine: (theirs.root(), theirs.leaves()),
				coarse: (merkle::root(&lie.leaves), lie.tokens.len()),
			};
			let evidence = theirs.evidence(&weights, &coarse, &lie.leaves, leaf).unwrap();
			assert_eq!(referee.judge(leaf, &evidence).as_deref(), ours.leaf(leaf), "{stage:?}");
			caught.insert(stage.operation);
		}
	}
	let all = [
		Operation::Copy,
		Operation::Embed,
		Operation::Largest,
		Operation::Squares,
		Operation::Scale,
		Operation::Norm,
		Operation::Quantise,
		Operation::Accumulate,
		Operation::Linear,
		Operation::Branch,
		Operation::Turn,
		Operation::Narrow,
		Operation::Scores,
		Operation::Weights,
		Operation::Sums,
		Operation::Attend,
		Operation::Join,
		Operation::Gate,
		Operation::Best,
		Operation::Total,
		Operation::Bins,
		Operation::Choice,
		Operation::Target,
		Operation::Find,
		Operation::Token,
	];
	let missed: Vec<_> = all.into_iter().filter(|operation| !caught.contains(operation)).collect();
	assert!(missed.is_empty(), "{missed:?}");
}
