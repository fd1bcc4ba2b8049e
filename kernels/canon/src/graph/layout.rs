//! Which stages a program has and how many leaves each: arithmetic on the shape.

use super::{
	stage::{Heads, Linear, Pool, Rule, Stage, Vector},
	Format, Leaf, Operation, Program, Shape, CHUNK, SLICE,
};
use crate::{sampler::Sampling, LINEAR_BITS, NORMED_BITS, RESIDUAL_BITS};
use alloc::vec::Vec;

/// Digits of a distance under the largest logit; see [`super::pick`].
pub(super) const DIGITS: u32 = 4;

/// The stages of a program, in the order of their leaves.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Layout {
	pub(super) shape: Shape,
	pub(super) program: Program,
	stages: Vec<Stage>,
	leaves: u32,
}

impl Layout {
	/// The layout of a program. `None`: the shape is not valid, has no such layer or position, or there are more than
	/// `u32::MAX` leaves.
	pub fn new(shape: &Shape, program: &Program) -> Option<Self> {
		if !shape.is_valid() {
			return None;
		}
		let mut layout = Self { shape: *shape, program: *program, stages: Vec::with_capacity(48), leaves: 0 };
		match *program {
			Program::Layer { layer, position } if layer < shape.layers && position < shape.context => {
				layout.layer(layer, position)?
			},
			Program::Pick { position, sampling, .. } if position < shape.context => {
				layout.pick(position, &sampling)?
			},
			_ => return None,
		}
		Some(layout)
	}

	/// Number of leaves.
	pub fn leaves(&self) -> u32 {
		self.leaves
	}

	/// The stages.
	pub fn stages(&self) -> &[Stage] {
		&self.stages
	}

	/// The stage of leaf `index`, and the leaf's place in it.
	pub fn stage(&self, index: u32) -> Option<(&Stage, u32)> {
		let after = self.stages.partition_point(|stage| stage.first <= index);
		let stage = self.stages.get(after.checked_sub(1)?)?;
		let local = index - stage.first;
		(local < stage.count).then_some((stage, local))
	}

	/// See [`Program::result`].
	pub fn result(&self, slice: u32) -> Option<u32> {
		let last = self.stages.last()?;
		(slice < last.count).then(|| last.first + slice)
	}

	/// Leaf `index`.
	pub fn leaf(&self, index: u32) -> Option<Leaf> {
		let (stage, local) = self.stage(index)?;
		Some(Leaf { operation: stage.operation, format: stage.format(local), sources: stage.sources(local) })
	}

	/// What the bytes of leaf `index` are.
	pub fn format(&self, index: u32) -> Option<Format> {
		let (stage, local) = self.stage(index)?;
		Some(stage.format(local))
	}

	fn push(&mut self, part: &'static str, operation: Operation, rule: Rule, count: [u32; 3]) -> Option<u32> {
		// The last number is the length of a chain; a stage without leaves leaves no trace.
		let [a, b, chain] = count;
		let first = self.leaves;
		let total = a.checked_mul(b)?.checked_mul(chain)?;
		self.leaves = first.checked_add(total)?;
		if total > 0 {
			let chained =
				matches!(
					operation,
					Operation::Largest
						| Operation::Squares
						| Operation::Accumulate
						| Operation::Scores
						| Operation::Weights
						| Operation::Sums | Operation::Best
						| Operation::Total | Operation::Bins
						| Operation::Find
				);
			let chain = if chained { chain } else { 1 };
			self.stages.push(Stage { part, operation, first, count: total, chain, rule });
		}
		Some(first)
	}

	/// The residual of `rows` positions from `position` on, as it comes into layer `layer`.
	fn read(&mut self, layer: u32, position: u32, rows: u32) -> Option<Vector> {
		let width = self.shape.width;
		let (operation, rule) = match layer.checked_sub(1) {
			None => (Operation::Embed, Rule::Embed { width }),
			Some(layer) => (Operation::Copy, Rule::Copy { layer, position, width }),
		};
		let first = self.push("residual", operation, rule, [rows, width.div_ceil(SLICE), 1])?;
		Some(Vector { first, columns: width, piece: SLICE, width: 4 })
	}

	/// Largest magnitude and 16-bit values of a vector; the first leaf of the latter.
	fn quantise(&mut self, part: &'static str, of: Vector, rows: u32) -> Option<u32> {
		let chunks = of.columns.div_ceil(CHUNK);
		let largest = self.push(part, Operation::Largest, Rule::Largest { of }, [rows, 1, chunks])?;
		self.push(part, Operation::Quantise, Rule::Quantise { of, largest }, [rows, 1, chunks])
	}

	/// Norm of a residual, quantised.
	fn norm(&mut self, part: &'static str, of: Vector, rows: u32, group: u32, tensor: u32) -> Option<u32> {
		let chunks = of.columns.div_ceil(CHUNK);
		let largest = self.push(part, Operation::Largest, Rule::Largest { of }, [rows, 1, chunks])?;
		let squares =
			self.push(part, Operation::Squares, Rule::Squares { of, largest }, [rows, 1, chunks])?;
		let rule = Rule::Scale { chunks, largest, squares };
		let scale = self.push(part, Operation::Scale, rule, [rows, 1, 1])?;
		let rule = Rule::Norm { of, scale, group, tensor };
		let first = self.push(part, Operation::Norm, rule, [rows, 1, chunks])?;
		let normed = Vector { first, columns: of.columns, piece: CHUNK, width: 4 };
		self.quantise(part, normed, rows)
	}

	/// A linear layer for `rows` rows of activations; the first leaf of its results.
	fn linear(&mut self, part: &'static str, mut linear: Linear, rows: u32) -> Option<u32> {
		let (groups, chunks) = (linear.groups(), linear.chunks());
		linear.sums = self.leaves;
		self.push(part, Operation::Accumulate, Rule::Accumulate(linear), [rows, groups, chunks - 1])?;
		let operation = if linear.add.is_some() { Operation::Branch } else { Operation::Linear };
		self.push(part, operation, Rule::Linear(linear), [rows, groups, 1])
	}

	/// The output of a branch in slices of the residual.
	fn join(&mut self, part: &'static str, rows: u32) -> Option<Vector> {
		let width = self.shape.width;
		let rule = Rule::Join { rows, width };
		let first = self.push(part, Operation::Join, rule, [1, width.div_ceil(SLICE), 1])?;
		Some(Vector { first, columns: width, piece: SLICE, width: 4 })
	}

	fn layer(&mut self, layer: u32, position: u32) -> Option<()> {
		let s = self.shape;
		let (positions, group) = (position + 1, layer + 1);
		let x = self.read(layer, 0, positions)?;
		let last = x.first + position * x.leaves_per_row();
		let input = self.norm("attention norm", x, positions, group, 0)?;
		let from_norm = |input, columns, rows, tensor| Linear {
			input,
			columns,
			rows,
			group,
			tensor,
			from: NORMED_BITS,
			to: LINEAR_BITS,
			add: None,
			sums: 0,
		};
		let (dim, heads) = (s.head_dim, s.heads);
		let turn = |rows, heads, positions, first| Rule::Turn { rows, heads, positions, first, dim };

		let kv = s.kv_heads * dim;
		let rows = self.linear("key", from_norm(input, s.width, kv, 2), positions)?;
		let rule = turn(rows, s.kv_heads, positions, 0);
		let keys = self.push("key", Operation::Turn, rule, [s.kv_heads, positions, 1])?;
		let rows = self.linear("value", from_norm(input, s.width, kv, 3), positions)?;
		let rule = Rule::Narrow { rows, heads: s.kv_heads, positions, dim };
		let values = self.push("value", Operation::Narrow, rule, [s.kv_heads, positions, 1])?;
		let input = input + position * s.width.div_ceil(CHUNK);
		let rows = self.linear("query", from_norm(input, s.width, heads * dim, 1), 1)?;
		let rule = turn(rows, heads, 1, position);
		let queries = self.push("query", Operation::Turn, rule, [heads, 1, 1])?;

		let shared = heads / s.kv_heads;
		let mut a = Heads { positions, shared, dim, queries, keys, values, scores: 0, weights: 0, sums: 0 };
		let count = [heads, 1, a.tiles()];
		a.scores = self.leaves;
		self.push("attention", Operation::Scores, Rule::Scores(a), count)?;
		a.weights = self.leaves;
		self.push("attention", Operation::Weights, Rule::Weights(a), count)?;
		a.sums = self.leaves;
		self.push("attention", Operation::Sums, Rule::Sums(a), count)?;
		let first = self.push("attention", Operation::Attend, Rule::Attend(a), [heads, 1, 1])?;
		let attended = Vector { first, columns: heads * dim, piece: dim, width: 4 };
		let input = self.quantise("attention output", attended, 1)?;
		let branch = |input, columns, tensor, from, add| Linear {
			input,
			columns,
			rows: s.width,
			group,
			tensor,
			from,
			to: RESIDUAL_BITS,
			add: Some(add),
			sums: 0,
		};
		let before = Vector { first: last, ..x };
		let linear = branch(input, heads * dim, 4, LINEAR_BITS, before);
		let rows = self.linear("attention output", linear, 1)?;
		let middle = self.join("attention output", rows)?;

		let input = self.norm("feed-forward norm", middle, 1, group, 5)?;
		let gate = self.linear("gate", from_norm(input, s.width, s.feed_forward, 6), 1)?;
		let up = self.linear("up", from_norm(input, s.width, s.feed_forward, 7), 1)?;
		let columns = s.feed_forward;
		let rule = Rule::Gate { gate, up, columns };
		let first = self.push("feed-forward", Operation::Gate, rule, [1, columns.div_ceil(SLICE), 1])?;
		let gated = Vector { first, columns, piece: SLICE, width: 8 };
		let input = self.quantise("feed-forward", gated, 1)?;
		let rows = self.linear("down", branch(input, columns, 8, NORMED_BITS, middle), 1)?;
		self.join("down", rows)?;
		Some(())
	}

	fn pick(&mut self, position: u32, sampling: &Sampling) -> Option<()> {
		let s = self.shape;
		let x = self.read(s.layers, position, 1)?;
		let input = self.norm("final norm", x, 1, 0, 1)?;
		let linear = Linear {
			input,
			columns: s.width,
			rows: s.vocabulary,
			group: 0,
			tensor: 0,
			from: NORMED_BITS,
			to: LINEAR_BITS,
			add: None,
			sums: 0,
		};
		let logits = self.linear("logits", linear, 1)?;
		let mut p = Pool { logits, vocabulary: s.vocabulary, best: self.leaves, after: 0 };
		let (tiles, last) = ([1, 1, p.tiles()], p.tiles() - 1);
		let part = "sampler";
		self.push(part, Operation::Best, Rule::Best(p), tiles)?;
		let mut token = Rule::Token { found: p.best + last, header: 2 };
		if sampling.temperature > 0 {
			p.after = last + self.push(part, Operation::Total, Rule::Total(p), tiles)?;
			let nucleus = sampling.top_p < u16::MAX;
			for digit in 0..if nucleus { DIGITS } else { 0 } {
				let bins = last + self.push(part, Operation::Bins, Rule::Bins(p, digit), tiles)?;
				let rule = Rule::Choice { bins, from: p.after, digit };
				p.after = self.push(part, Operation::Choice, rule, [1, 1, 1])?;
			}
			let rule = Rule::Target { from: p.after, nucleus };
			p.after = self.push(part, Operation::Target, rule, [1, 1, 1])?;
			let found = self.push(part, Operation::Find, Rule::Find(p), tiles)?;
			token = Rule::Token { found: found + last, header: 3 };
		}
		self.push(part, Operation::Token, token, [1, 1, 1])?;
		Some(())
	}
}
