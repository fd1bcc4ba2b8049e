//! A tiny model, its weights made of random codes, and runs of it: honest ones, and ones with one lie.
//!
//! A run is computed by the programs of the operation graph alone, so a lie in one step carries on into everything that
//! comes after it, as a careful liar would have it.

use super::words::{self, WordLie};
use crate::referee;
use noesis_canon::{
	graph::{self, Layout, Operation, Program, Source, CHUNK},
	tokenizer::{Place, WordProgram},
};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	Architecture, Claim, ContentHash, Evidence, Family, FinePiece, GenerateParams, InputFormat, JobKind,
	Opening, OutputProof, Piece, Root, RowPiece, Rules, ShownOutput, TextEvidence, TokenSource, TraceLeaf,
	TraceShape, Usage, WeightsPiece, WordCommitment,
};
use std::{
	collections::BTreeMap,
	sync::{Arc, Mutex, OnceLock},
};

/// Width that is no multiple of a slice, two query heads on one of keys, as few of everything as there may be.
pub const ARCHITECTURE: Architecture = Architecture {
	family: Family::Llama,
	layers: 2,
	width: 96,
	heads: 2,
	kv_heads: 1,
	head_dim: 16,
	feed_forward: 64,
	vocabulary: 40,
	context: 32,
	rope_base: 10_000,
	epsilon: 16_106,
	end: 3,
};

/// The same with rows that open in two pieces.
pub const LONG_ROWS: Architecture = Architecture { layers: 1, feed_forward: 2080, ..ARCHITECTURE };

/// A stream of numbers that is the same in every run of the tests.
pub struct Random(pub u64);

impl Random {
	pub fn next(&mut self) -> u64 {
		self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
		self.0 >> 33
	}

	pub fn below(&mut self, bound: u64) -> u64 {
		self.next() % bound
	}
}

/// Rows of a tensor, each in pieces.
pub struct Tensor {
	rows: Vec<Vec<Vec<u8>>>,
}

impl Tensor {
	fn row_hashes(&self) -> Vec<Node> {
		self.rows.iter().map(|row| merkle::root(&hashes(row))).collect()
	}
}

/// Weights of a model.
pub struct Model {
	pub architecture: Architecture,
	groups: Vec<Vec<Tensor>>,
}

fn hashes<L: AsRef<[u8]>>(leaves: &[L]) -> Vec<Node> {
	leaves.iter().map(|leaf| leaf_hash(leaf.as_ref())).collect()
}

fn group_of_codes(random: &mut Random, scale: i32, is_q4: bool) -> Vec<u8> {
	let mut bytes = scale.to_le_bytes().to_vec();
	if is_q4 {
		bytes.extend((scale * -15 / 2).to_le_bytes());
	}
	bytes.extend((0..if is_q4 { 16 } else { 32 }).map(|_| random.next() as u8));
	bytes
}

fn matrix(random: &mut Random, rows: u32, columns: u32, is_q4: bool) -> Tensor {
	let scale = if is_q4 { 300_000 } else { 40_000 };
	let row = |random: &mut Random| {
		let chunk = |from: u32| (columns - from).min(CHUNK) / 32;
		(0..columns)
			.step_by(CHUNK as usize)
			.map(|from| {
				(0..chunk(from)).flat_map(|_| group_of_codes(random, scale, is_q4)).collect::<Vec<_>>()
			})
			.collect()
	};
	Tensor { rows: (0..rows).map(|_| row(random)).collect() }
}

fn gain(random: &mut Random, columns: u32) -> Tensor {
	let bytes = (0..columns).flat_map(|_| (3500 + random.below(1200) as i32).to_le_bytes());
	Tensor { rows: vec![vec![bytes.collect()]] }
}

impl Model {
	pub fn new(architecture: Architecture) -> Self {
		let a = architecture;
		let mut random = Random(7);
		let r = &mut random;
		let (queries, keys) = (a.heads * a.head_dim, a.kv_heads * a.head_dim);
		let mut groups = vec![vec![matrix(r, a.vocabulary, a.width, false), gain(r, a.width)]];
		for layer in 0..a.layers {
			let is_q4 = layer % 2 == 0;
			groups.push(vec![
				gain(r, a.width),
				matrix(r, queries, a.width, is_q4),
				matrix(r, keys, a.width, is_q4),
				matrix(r, keys, a.width, is_q4),
				matrix(r, a.width, queries, is_q4),
				gain(r, a.width),
				matrix(r, a.feed_forward, a.width, is_q4),
				matrix(r, a.feed_forward, a.width, is_q4),
				matrix(r, a.width, a.feed_forward, is_q4),
			]);
		}
		Self { architecture, groups }
	}

	/// The usual one.
	pub fn tiny() -> Arc<Self> {
		static MODEL: OnceLock<Arc<Model>> = OnceLock::new();
		MODEL.get_or_init(|| Arc::new(Self::new(ARCHITECTURE))).clone()
	}

	pub fn group_roots(&self) -> Vec<Root> {
		let tensors = |group: &Vec<Tensor>| -> Vec<Node> {
			group.iter().map(|tensor| merkle::root(&tensor.row_hashes())).collect()
		};
		self.groups.iter().map(|group| Root(merkle::root(&tensors(group)))).collect()
	}

	fn row(&self, group: u32, tensor: u32, row: u32, chunk: u32) -> &[u8] {
		&self.groups[group as usize][tensor as usize].rows[row as usize][chunk as usize]
	}

	fn weights(&self, group: u32, tensor: u32, first: u32, rows: u32, chunk: u32) -> WeightsPiece {
		let group = &self.groups[group as usize];
		let tensors: Vec<Node> = group.iter().map(|tensor| merkle::root(&tensor.row_hashes())).collect();
		let of = &group[tensor as usize];
		let row = |row: &Vec<Vec<u8>>| RowPiece {
			bytes: row[chunk as usize].clone().try_into().unwrap(),
			path: merkle::path(&hashes(row), chunk).unwrap().try_into().unwrap(),
		};
		let shown: Vec<_> = of.rows[first as usize..(first + rows) as usize].iter().map(row).collect();
		WeightsPiece {
			rows: shown.try_into().unwrap(),
			siblings: merkle::range_siblings(&of.row_hashes(), first, rows).unwrap().try_into().unwrap(),
			tensor: merkle::path(&tensors, tensor).unwrap().try_into().unwrap(),
		}
	}
}

/// A step that a liar computes wrongly.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Lie {
	/// The leaf of the trace (any slice of it).
	pub leaf: TraceLeaf,
	/// The leaf of its fine tree.
	pub index: u32,
	/// The byte, counted from the end when it is beyond the leaf.
	pub byte: usize,
	pub change: u8,
}

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Question {
	pub format: InputFormat,
	/// Of an input of ids.
	pub tokens: Vec<u32>,
	/// Of a text.
	pub text: String,
	/// What a liar reads in place of the input's tokens.
	pub misread: Option<Vec<[i32; 2]>>,
	pub max_tokens: u32,
	pub temperature: u16,
	pub top_p: u16,
}

impl Question {
	/// Three tokens by their ids, two to come.
	pub fn short() -> Self {
		Self {
			format: InputFormat::Tokens,
			tokens: vec![5, 17, 30],
			text: String::new(),
			misread: None,
			max_tokens: 2,
			temperature: 0,
			top_p: 60_000,
		}
	}

	pub fn params(&self) -> GenerateParams {
		let greedy = GenerateParams::greedy(self.format, self.max_tokens);
		GenerateParams { temperature: self.temperature, top_p: self.top_p, seed: 9, ..greedy }
	}

	/// A text that is read, and two tokens to come.
	pub fn text(format: InputFormat, text: &str) -> Self {
		Self { format, tokens: Vec::new(), text: text.into(), ..Self::short() }
	}

	pub fn payload(&self) -> Vec<u8> {
		match self.format {
			InputFormat::Tokens => self.tokens.iter().flat_map(|token| token.to_le_bytes()).collect(),
			_ => self.text.clone().into_bytes(),
		}
	}

	/// Id and end of each token that is read.
	pub fn read(&self) -> Vec<[i32; 2]> {
		let ids = || self.tokens.iter().zip(1..).map(|(id, place)| [*id as i32, 4 * place]).collect();
		self.misread.clone().unwrap_or_else(|| match self.format {
			InputFormat::Tokens => ids(),
			format => words::read(format, &self.payload(), None),
		})
	}
}

/// A run of a model: all that somebody claims, and can show.
#[derive(Clone)]
pub struct Run {
	pub model: Arc<Model>,
	pub rules: Rules,
	/// Values of the trace's leaves.
	pub leaves: Vec<Vec<i32>>,
	/// Their hashes.
	pub hashes: Vec<Node>,
	pub lie: Option<Lie>,
	/// A lie about a word of the input.
	pub word_lie: Option<WordLie>,
	/// The bytes of the output.
	pub output: Vec<u8>,
}

/// Programs are computed while the trace grows: leaves before the one that is computed.
struct Known<'a> {
	model: &'a Model,
	shape: TraceShape,
	leaves: &'a [Vec<i32>],
}

impl Known<'_> {
	fn leaf(&self, leaf: TraceLeaf) -> &[i32] {
		&self.leaves[self.shape.index(leaf).unwrap() as usize]
	}

	/// All leaves of a program, with a lie or without; `None` when a lie makes it impossible to go on.
	fn fine(&self, program: &Program, lie: Option<&Lie>) -> Option<Vec<Vec<u8>>> {
		let shape = referee::shape(&self.model.architecture);
		let layout = Layout::new(&shape, program).unwrap();
		let mut fine: Vec<Vec<u8>> = Vec::new();
		for index in 0..layout.leaves() {
			let sources = layout.leaf(index).unwrap().sources;
			let mut token = 0;
			let bytes: Vec<Vec<u8>> = sources
				.iter()
				.map(|source| match *source {
					Source::Fine { first, count } => fine[first as usize..(first + count) as usize].concat(),
					_ => Vec::new(),
				})
				.collect();
			let pieces: Vec<_> = sources
				.iter()
				.zip(&bytes)
				.map(|(source, bytes)| match *source {
					Source::Fine { .. } => graph::Piece::Fine(bytes),
					Source::Token { position } => {
						let values = self.leaf(TraceLeaf::Token { position });
						token = values[0] as u32;
						graph::Piece::Token { id: values[0], end: values[1] }
					},
					Source::Residual { position, layer, slice } => {
						graph::Piece::Residual(self.leaf(TraceLeaf::Residual { position, layer, slice }))
					},
					Source::Embedding { chunk } => {
						graph::Piece::Weights(vec![self.model.row(0, 0, token, chunk)])
					},
					Source::Weights { group, tensor, first_row, rows, chunk } => {
						let rows = first_row..first_row + rows;
						let row = |row| self.model.row(group, tensor, row, chunk);
						graph::Piece::Weights(rows.map(row).collect())
					},
				})
				.collect();
			let mut leaf = graph::evaluate(program, &shape, index, &pieces);
			if lie.is_none() {
				leaf = Some(leaf.expect("an honest run can be computed"));
			}
			let mut leaf = leaf?;
			if let Some(lie) = lie.filter(|lie| lie.index == index) {
				let at = lie.byte % leaf.len();
				leaf[at] ^= lie.change;
			}
			fine.push(leaf);
		}
		Some(fine)
	}
}

fn values(bytes: &[u8]) -> Vec<i32> {
	bytes.chunks_exact(4).map(|value| i32::from_le_bytes(value.try_into().unwrap())).collect()
}

/// Whether two leaves of a trace come from the same program.
fn same_program(a: TraceLeaf, b: TraceLeaf) -> bool {
	let of = |leaf| match leaf {
		TraceLeaf::Token { position } => (position, None),
		TraceLeaf::Residual { position, layer, .. } => (position, Some(layer)),
	};
	of(a) == of(b)
}

impl Run {
	/// The truth.
	pub fn honest(question: &Question) -> Self {
		static RUNS: Mutex<BTreeMap<String, Arc<Run>>> = Mutex::new(BTreeMap::new());
		let key = format!("{question:?}");
		if let Some(run) = RUNS.lock().unwrap().get(&key) {
			return Self::clone(run);
		}
		let run = Self::new(Model::tiny(), question, None).unwrap();
		RUNS.lock().unwrap().insert(key, Arc::new(run.clone()));
		run
	}

	/// A run with a lie; `None` when nobody could go on from it.
	pub fn lying(question: &Question, lie: Lie) -> Option<Self> {
		Self::new(Model::tiny(), question, Some(lie))
	}

	pub fn new(model: Arc<Model>, question: &Question, lie: Option<Lie>) -> Option<Self> {
		Self::with_limit(model, question, question.max_tokens, false, lie)
	}

	/// A run that stops after `limit` tokens, or goes on after the end token if `goes_on`.
	pub fn with_limit(
		model: Arc<Model>,
		question: &Question,
		limit: u32,
		goes_on: bool,
		lie: Option<Lie>,
	) -> Option<Self> {
		let a = model.architecture;
		let read = question.read();
		let input_tokens = read.len() as u32;
		let kind = JobKind::Generate(question.params());
		let mut shape = TraceShape { positions: input_tokens, layers: a.layers, width: a.width };
		let mut claim = Claim {
			root: Root::default(),
			leaves: 0,
			output: ContentHash::default(),
			usage: Usage { input_tokens, output_tokens: 0 },
		};
		let mut rules = Rules { claim, kind, shape, levels: 2 };
		let mut leaves: Vec<Vec<i32>> = Vec::new();
		let (mut position, mut output) = (0, Vec::new());
		loop {
			shape.positions = position.max(input_tokens);
			rules.shape = shape;
			if position < input_tokens {
				leaves.push(read[position as usize].to_vec());
			} else {
				let of = TraceLeaf::Token { position };
				let (program, _) = referee::program(&rules, shape.index(of).unwrap()).unwrap();
				let lie = lie.as_ref().filter(|lie| same_program(lie.leaf, of));
				let fine = Known { model: &model, shape, leaves: &leaves }.fine(&program, lie)?;
				let id = i64::from_le_bytes(fine.last().unwrap()[..].try_into().ok()?);
				let id = u32::try_from(id).ok().filter(|id| *id < a.vocabulary)?;
				output.extend_from_slice(words::head_with(a.end).added(id, &words::bytes(id)));
				leaves.push(vec![id as i32, output.len() as i32]);
				claim.usage.output_tokens += 1;
				if claim.usage.output_tokens == limit || (id == a.end && !goes_on) {
					break;
				}
			}
			for layer in 0..a.layers {
				// The positions of the trace are not known yet; only the leaves before this one count.
				shape.positions = position + 1;
				let of = TraceLeaf::Residual { position, layer, slice: 0 };
				let lie = lie.as_ref().filter(|lie| same_program(lie.leaf, of));
				let program = Program::Layer { layer, position };
				let fine = Known { model: &model, shape, leaves: &leaves }.fine(&program, lie)?;
				let layout = Layout::new(&referee::shape(&a), &program).unwrap();
				for slice in 0..shape.slices() {
					leaves.push(values(&fine[layout.result(slice).unwrap() as usize]));
				}
			}
			position += 1;
		}
		shape.positions = claim.usage.positions() as u32;
		let mut run = Self {
			model,
			rules: Rules { shape, ..rules },
			leaves,
			hashes: Vec::new(),
			lie,
			word_lie: None,
			output,
		};
		run.rules.claim = Claim { output: ContentHash::of(&run.output), ..claim };
		run.seal();
		Some(run)
	}

	/// Makes the claim of the leaves as they are.
	pub fn seal(&mut self) {
		let bytes: Vec<_> = self.leaves.iter().map(|leaf| Opening::leaf_bytes(leaf)).collect();
		self.hashes = hashes(&bytes);
		self.rules.claim.root = Root(merkle::root(&self.hashes));
		self.rules.claim.leaves = self.leaves.len() as u32;
	}

	pub fn claim(&self) -> Claim {
		self.rules.claim
	}

	/// The fine tree's leaves of a leaf of the trace.
	pub fn fine(&self, leaf: u32) -> Option<Vec<Vec<u8>>> {
		let (program, _) = referee::program(&self.rules, leaf)?;
		let of = self.rules.leaf(leaf)?;
		let known = Known { model: &self.model, shape: self.rules.shape, leaves: &self.leaves };
		known.fine(&program, self.lie.as_ref().filter(|lie| same_program(lie.leaf, of)))
	}

	pub fn opening(&self, leaf: TraceLeaf) -> Opening {
		let index = self.rules.shape.index(leaf).unwrap();
		Opening {
			values: self.leaves[index as usize].clone().try_into().unwrap(),
			path: merkle::path(&self.hashes, index).unwrap().try_into().unwrap(),
		}
	}

	/// What leaf `index` of the fine tree of a leaf of the trace is computed from.
	pub fn evidence(&self, leaf: u32, index: u32) -> Evidence {
		let (program, _) = referee::program(&self.rules, leaf).unwrap();
		let fine = self.fine(leaf).unwrap();
		let tree = hashes(&fine);
		let mut token = 0;
		let sources = program.leaf(&referee::shape(&self.model.architecture), index).unwrap().sources;
		let pieces: Vec<_> = sources
			.into_iter()
			.map(|source| match source {
				Source::Fine { first, count } => {
					let range = fine[first as usize..(first + count) as usize].iter();
					let leaves: Vec<_> = range.map(|leaf| leaf.clone().try_into().unwrap()).collect();
					let siblings = merkle::range_siblings(&tree, first, count).unwrap();
					let siblings = siblings.try_into().unwrap();
					Piece::Fine(FinePiece { leaves: leaves.try_into().unwrap(), siblings })
				},
				Source::Token { position } => {
					let opening = self.opening(TraceLeaf::Token { position });
					token = opening.values[0] as u32;
					Piece::Coarse(opening)
				},
				Source::Residual { position, layer, slice } => {
					Piece::Coarse(self.opening(TraceLeaf::Residual { position, layer, slice }))
				},
				Source::Embedding { chunk } => Piece::Weights(self.model.weights(0, 0, token, 1, chunk)),
				Source::Weights { group, tensor, first_row, rows, chunk } => {
					Piece::Weights(self.model.weights(group, tensor, first_row, rows, chunk))
				},
			})
			.collect();
		pieces.try_into().unwrap()
	}

	/// What comes at a token of a text, by this run's own leaves.
	pub fn place(&self, input: &[u8], leaf: u32) -> Place {
		let TraceLeaf::Token { position } = self.rules.leaf(leaf).unwrap() else {
			unreachable!("a token is disputed")
		};
		let JobKind::Generate(params) = &self.rules.kind;
		let previous = match position.checked_sub(1) {
			Some(position) => self.opening(TraceLeaf::Token { position }).values[1] as u32,
			None => 0,
		};
		words::head().place(&words::text(params.format, input), position, previous)
	}

	/// The word that the token of leaf `leaf` is read from, and its states, as this run has them.
	pub fn word(&self, input: &[u8], leaf: u32) -> Option<(WordProgram, Vec<Vec<u8>>)> {
		let Place::Word(program) = self.place(input, leaf) else { return None };
		let at = |lie: &&WordLie| self.rules.leaf(leaf) == Some(TraceLeaf::Token { position: lie.position });
		let states = words::states(&program, self.word_lie.as_ref().filter(at));
		Some((program, states))
	}

	/// The same trace, claimed with another output.
	pub fn with_output(&self, output: &[u8]) -> Self {
		let mut other = Self { output: output.to_vec(), ..self.clone() };
		other.rules.claim.output = ContentHash::of(output);
		other
	}

	/// What it shows of its output.
	pub fn shown_output(&self) -> ShownOutput {
		ShownOutput::Bytes { bytes: self.output.clone().try_into().unwrap(), seal: None }
	}

	/// What shows that `output` does not have the token at `position`, by this run's own trace.
	pub fn output_proof(&self, output: &[u8], position: u32) -> OutputProof {
		let token = self.opening(TraceLeaf::Token { position });
		let is_first = position == self.rules.claim.usage.input_tokens;
		OutputProof {
			head: words::head_with(self.model.architecture.end).encode().try_into().unwrap(),
			output: output.to_vec().try_into().unwrap(),
			position,
			previous: (!is_first).then(|| self.opening(TraceLeaf::Token { position: position - 1 })),
			bytes: words::token_proof(token.values[0] as u32),
			seal: None,
			token,
		}
	}

	/// What shows the token of leaf `leaf` of a text or of the output.
	pub fn text_evidence(&self, input: &[u8], leaf: u32) -> TextEvidence {
		let TraceLeaf::Token { position } = self.rules.leaf(leaf).unwrap() else {
			unreachable!("a token is disputed")
		};
		let JobKind::Generate(params) = &self.rules.kind;
		let is_text = params.format != InputFormat::Tokens;
		let is_first = position == self.rules.claim.usage.input_tokens;
		let before = position.checked_sub(1).filter(|_| is_text || !is_first);
		let reads = is_text && (is_first || self.rules.is_input(position));
		let source = match self.word(input, leaf) {
			_ if !self.rules.is_input(position) => {
				TokenSource::Output(words::token_proof(self.leaves[leaf as usize][0] as u32))
			},
			Some((_, states)) => {
				let hashes = words::state_hashes(&states);
				TokenSource::Word(WordCommitment {
					root: Root(merkle::root(&hashes)),
					last: states.last().unwrap().clone().try_into().unwrap(),
					path: merkle::path(&hashes, hashes.len() as u32 - 1).unwrap().try_into().unwrap(),
				})
			},
			None => TokenSource::Text,
		};
		TextEvidence {
			head: words::head_with(self.model.architecture.end).encode().try_into().unwrap(),
			input: if reads { input.to_vec().try_into().unwrap() } else { Default::default() },
			previous: before.map(|position| self.opening(TraceLeaf::Token { position })),
			source,
			seal: None,
		}
	}

	/// The operations of the program that computes a leaf of the trace, each with its leaves.
	pub fn operations(&self, leaf: u32) -> BTreeMap<Operation, Vec<u32>> {
		let (program, _) = referee::program(&self.rules, leaf).unwrap();
		let layout = Layout::new(&referee::shape(&self.model.architecture), &program).unwrap();
		let mut operations = BTreeMap::<_, Vec<u32>>::new();
		for stage in layout.stages() {
			operations.entry(stage.operation).or_default().extend(stage.first..stage.first + stage.count);
		}
		operations
	}

	/// A run whose claim differs because one step of this operation is wrong, in the computation of `leaf`.
	pub fn lying_in(question: &Question, leaf: TraceLeaf, operation: Operation) -> Option<Self> {
		let honest = Self::honest(question);
		let index = honest.rules.shape.index(leaf)?;
		let of = honest.operations(index).get(&operation)?.clone();
		let mut random = Random(u64::from(of[0]));
		let (program, slice) = referee::program(&honest.rules, index)?;
		let result = program.result(&referee::shape(&honest.model.architecture), slice)? as usize;
		let truth = honest.fine(index)?;
		(0..400).find_map(|_| {
			let step = of[random.below(of.len() as u64) as usize];
			let (byte, change) = (random.next() as usize, 1 << random.below(8));
			let lie = Lie { leaf, index: step, byte, change };
			let fine = Self { lie: Some(lie), ..honest.clone() }.fine(index)?;
			(fine[result] != truth[result]).then(|| Self::lying(question, lie)).flatten()
		})
	}
}
