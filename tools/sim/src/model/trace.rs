//! Running a job, rightly or not, and what it commits to.

use super::{fine::FineTrace, Model, END, MAX_TOKENS};
use noesis_canon::{graph::Program, sampler::Sampling};
use noesis_primitives::{
	merkle::{self, Node},
	Claim, ContentHash, JobKind, Opening, Root, TraceLeaf, TraceShape, Usage,
};

/// How a liar goes wrong. From there on it computes as it should, so that only one step of its trace is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
	/// It puts another number into the residual.
	Residual {
		/// Where: the position...
		position: u32,
		/// ...and the layer.
		layer: u32,
	},
	/// It writes another token.
	Token {
		/// The token's place in the output.
		index: u32,
	},
	/// It computes nothing: every number is made up.
	Garbage {
		/// From this.
		seed: u64,
	},
}

/// A run: the answer, and every leaf of its trace.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Trace {
	/// What it commits to.
	pub claim: Claim,
	/// The answer's bytes.
	pub output: Vec<u8>,
	/// The order of the leaves.
	pub shape: TraceShape,
	leaves: Vec<Vec<i32>>,
	hashes: Vec<Node>,
}

impl Trace {
	/// The values of a leaf.
	pub fn values(&self, leaf: TraceLeaf) -> Option<&[i32]> {
		self.at(self.shape.index(leaf)?)
	}

	/// The values of leaf `index`.
	pub fn at(&self, index: u32) -> Option<&[i32]> {
		self.leaves.get(index as usize).map(Vec::as_slice)
	}

	/// The hashes of the leaves.
	pub fn hashes(&self) -> &[Node] {
		&self.hashes
	}

	/// Leaf `index` with its path.
	pub fn open(&self, index: u32) -> Option<Opening> {
		let values = self.at(index)?.to_vec().try_into().ok()?;
		Some(Opening { values, path: merkle::path(&self.hashes, index)?.try_into().ok()? })
	}

	/// The program that computes a leaf, and the leaf of its fine trace that has the same value. `None` for a token of
	/// the input, which nothing computes.
	pub fn program(&self, index: u32, kind: &JobKind) -> Option<(Program, u32)> {
		let input = self.claim.usage.input_tokens;
		match self.shape.leaf(index)? {
			TraceLeaf::Residual { position, layer, slice } => {
				Some((Program::Layer { layer, position }, slice))
			},
			TraceLeaf::Token { position } => {
				let place = position.checked_sub(input)?;
				Some((pick(position.checked_sub(1)?, place, kind), 0))
			},
		}
	}
}

/// The program that picks the token after `position`, the output's `index`th.
fn pick(position: u32, index: u32, kind: &JobKind) -> Program {
	let JobKind::Generate(params) = kind;
	let sampling = Sampling { temperature: params.temperature, top_p: params.top_p, seed: params.seed };
	Program::Pick { position, sampling, index }
}

/// A run under way.
struct Run<'a> {
	model: &'a Model,
	fault: Option<Fault>,
	shape: TraceShape,
	leaves: Vec<Vec<i32>>,
}

impl Run<'_> {
	fn known(&self, leaf: TraceLeaf) -> Option<&[i32]> {
		self.leaves.get(self.shape.index(leaf)? as usize).map(Vec::as_slice)
	}

	fn compute(&self, program: Program) -> Option<FineTrace> {
		FineTrace::compute(self.model, program, &|leaf| self.known(leaf).map(<[i32]>::to_vec))
	}

	/// Reads the next token: every layer at its position.
	fn read(&mut self, position: u32, token: u32, end: u32) -> Option<()> {
		self.leaves.push(vec![token as i32, end as i32]);
		for layer in 0..self.shape.layers {
			let fine = self.compute(Program::Layer { layer, position })?;
			for slice in 0..self.shape.slices() {
				let mut values = fine.residual(slice)?;
				if self.fault == Some(Fault::Residual { position, layer }) {
					let value = values.first_mut()?;
					*value = if *value == i32::MAX { 0 } else { *value + 1 };
				}
				self.leaves.push(values);
			}
		}
		Some(())
	}

	/// The token after `position`.
	fn pick(&self, position: u32, index: u32, kind: &JobKind) -> Option<u32> {
		let token = u32::try_from(self.compute(pick(position, index, kind))?.token()?).ok()?;
		let others = self.model.architecture.vocabulary - 1;
		// Another token than the right one, and no end.
		Some(if self.fault == Some(Fault::Token { index }) { token % others + 1 } else { token })
	}
}

impl Model {
	/// Runs [`Model::kind`] on tokens. `None` when an answer ends before its greatest length, which would make traces of
	/// different sizes, or the fault changes nothing.
	pub fn run(&self, input: &[u32], fault: Option<Fault>) -> Option<Trace> {
		let kind = Self::kind();
		let read = input.len() as u32;
		let positions = read + MAX_TOKENS - 1;
		let shape = self.architecture.trace(positions);
		let mut run = Run { model: self, fault, shape, leaves: Vec::new() };
		let mut tokens = input.to_vec();
		for position in 0..positions {
			let token = *tokens.get(position as usize)?;
			let end = if position < read { 4 * (position + 1) } else { position + 1 - read };
			run.read(position, token, end)?;
			if let Some(index) = (position + 1).checked_sub(read) {
				tokens.push(run.pick(position, index, &kind)?);
			}
		}
		let written = tokens.get(read as usize..)?;
		if written.contains(&END) {
			return None;
		}
		let last = *written.last()?;
		run.leaves.push(vec![last as i32, MAX_TOKENS as i32]);
		let mut output: Vec<u8> = written.iter().map(|token| b'A' + *token as u8).collect();
		if let Some(Fault::Garbage { seed }) = fault {
			output = make_up(seed, &mut run.leaves, read);
		}
		let hashes: Vec<Node> =
			run.leaves.iter().map(|values| merkle::leaf_hash(&Opening::leaf_bytes(values))).collect();
		let claim = Claim {
			root: Root(merkle::root(&hashes)),
			leaves: hashes.len() as u32,
			output: ContentHash::of(&output),
			usage: Usage { input_tokens: read, output_tokens: MAX_TOKENS },
		};
		Some(Trace { claim, output, shape, leaves: run.leaves, hashes })
	}
}

/// Makes up every number, except the tokens of the input; returns an answer.
fn make_up(seed: u64, leaves: &mut [Vec<i32>], read: u32) -> Vec<u8> {
	let mut at = 0;
	let mut next = || {
		at += 1;
		noesis_canon::sampler::draw(seed, at)
	};
	for values in leaves.iter_mut().filter(|values| values.len() > 2) {
		values.iter_mut().for_each(|value| *value = (next() % (1 << 20)) as i32);
	}
	let tokens = leaves.iter_mut().filter(|values| values.len() == 2).skip(read as usize);
	tokens
		.map(|values| {
			let token = 1 + (next() % 31) as i32;
			values.iter_mut().take(1).for_each(|value| *value = token);
			b'A' + token as u8
		})
		.collect()
}

#[cfg(test)]
mod tests {
	use super::*;

	/// A question with a full answer.
	fn asked(model: &Model) -> (Vec<u32>, Trace) {
		let questions = (1..31).map(|token| vec![token, 31 - token, 7]);
		questions.into_iter().find_map(|tokens| Some((tokens.clone(), model.run(&tokens, None)?))).unwrap()
	}

	#[test]
	fn runs_should_be_equal_when_nothing_differs() {
		let model = Model::new(4);
		let (tokens, truth) = asked(&model);
		assert_eq!(Model::new(4).run(&tokens, None), Some(truth.clone()));
		assert_ne!(Model::new(5).run(&tokens, None), Some(truth));
	}

	#[test]
	fn fault_should_change_its_leaf_and_nothing_before_it() {
		let model = Model::new(4);
		let (tokens, truth) = asked(&model);
		let read = tokens.len() as u32;
		let residual = TraceLeaf::Residual { position: 1, layer: 1, slice: 0 };
		let token = TraceLeaf::Token { position: read + 1 };
		let faults = [
			(Fault::Residual { position: 1, layer: 1 }, truth.shape.index(residual).unwrap()),
			(Fault::Token { index: 1 }, truth.shape.index(token).unwrap()),
			// Tokens of the input are what everybody reads.
			(Fault::Garbage { seed: 1 }, 1),
		];
		for (fault, first) in faults {
			let lie = model.run(&tokens, Some(fault)).unwrap();
			let differs = lie.leaves.iter().zip(&truth.leaves).position(|(lie, truth)| lie != truth);
			assert_eq!(differs, Some(first as usize), "{fault:?}");
		}
	}

	#[test]
	fn liar_should_show_one_wrong_step_when_it_computes_the_rest() {
		let model = Model::new(4);
		let (tokens, truth) = asked(&model);
		let lie = model.run(&tokens, Some(Fault::Residual { position: 1, layer: 1 })).unwrap();
		let leaf = truth.shape.index(TraceLeaf::Residual { position: 1, layer: 1, slice: 0 }).unwrap();
		let (right, wrong) =
			(FineTrace::of(&model, &truth, leaf).unwrap(), FineTrace::of(&model, &lie, leaf).unwrap());
		let pairs = right.hashes().iter().zip(wrong.hashes()).enumerate();
		let wrong_steps: Vec<usize> = pairs.filter(|(_, (a, b))| a != b).map(|(step, _)| step).collect();
		assert_eq!(wrong_steps, [right.result(0).unwrap() as usize]);
	}
}
