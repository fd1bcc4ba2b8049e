//! What is measured: shapes, the work in them, and what others reached.

use serde::{Deserialize, Serialize};

/// Which computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pass {
	/// Queries against as many keys.
	Forward,
	/// All three gradients.
	Backward,
	/// One query per sequence against a cache.
	Decode,
}

/// The numbers that go in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Number {
	/// IEEE binary16.
	F16,
	/// bfloat16.
	Bf16,
	/// IEEE binary32: the CPU's.
	F32,
}

impl Number {
	fn bytes(self) -> f64 {
		match self {
			Self::F16 | Self::Bf16 => 2.0,
			Self::F32 => 4.0,
		}
	}
}

/// One shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
	/// Which computation.
	pub pass: Pass,
	/// The numbers that go in.
	pub number: Number,
	/// Sequences.
	pub batch: usize,
	/// Query heads.
	pub heads: usize,
	/// Key and value heads.
	pub kv_heads: usize,
	/// Keys of a sequence, and queries unless it decodes.
	pub length: usize,
	/// Width of a head.
	pub head_dim: usize,
	/// Later keys are hidden.
	pub causal: bool,
}

/// FlashCore's median on an H100 and what we set out to reach, microseconds per sequence
/// (GOATnote-Inc/periodicdent42 at 7114ea2, `flashcore/benchmark/expert_validation.py`).
const FLASHCORE: [(usize, usize, f64, f64); 9] = [
	(128, 8, 2.60, 0.80),
	(128, 16, 1.36, 0.42),
	(128, 32, 0.74, 0.25),
	(256, 8, 2.86, 1.10),
	(256, 16, 1.78, 0.80),
	(256, 32, 1.18, 0.60),
	(512, 8, 4.34, 2.40),
	(512, 16, 3.15, 2.10),
	(512, 32, 2.57, 1.90),
];

/// Tokens of a batch, and width of all heads together, in the charts of the FlashAttention-3 paper.
const CHART_TOKENS: usize = 16 << 10;
const CHART_WIDTH: usize = 2048;

impl Cell {
	/// FlashCore's nine cells.
	pub fn flashcore() -> Vec<Self> {
		FLASHCORE.iter().map(|(length, batch, ..)| Self::flashcore_like(*length, *batch)).collect()
	}

	fn flashcore_like(length: usize, batch: usize) -> Self {
		let (pass, number) = (Pass::Forward, Number::F16);
		Self { pass, number, batch, heads: 8, kv_heads: 8, length, head_dim: 64, causal: false }
	}

	/// As many tokens and as much width as in the charts of the FlashAttention-3 paper.
	fn chart(pass: Pass, number: Number, length: usize, head_dim: usize, causal: bool) -> Self {
		let (batch, heads) = (CHART_TOKENS / length, CHART_WIDTH / head_dim);
		Self { pass, number, batch, heads, kv_heads: heads, length, head_dim, causal }
	}

	/// Everything beside FlashCore's cells: long sequences, both widths, causal, bf16, backward, one sequence alone,
	/// and decoding with SmolLM2's heads and with a bigger model's.
	pub fn more() -> Vec<Self> {
		use {Number::*, Pass::*};
		let mut cells: Vec<Self> = [128, 256, 512].map(|length| Self::flashcore_like(length, 1)).into();
		let lengths = [1 << 10, 2 << 10, 4 << 10, 8 << 10, 16 << 10];
		for head_dim in [64, 128] {
			for causal in [false, true] {
				cells.extend(lengths.map(|length| Self::chart(Forward, F16, length, head_dim, causal)));
			}
			cells.push(Self::chart(Forward, Bf16, 4 << 10, head_dim, false));
			for length in [512, 2 << 10, 4 << 10, 8 << 10, 16 << 10] {
				cells.push(Self::chart(Backward, F16, length, head_dim, false));
			}
			cells.push(Self::chart(Backward, Bf16, 2 << 10, head_dim, true));
		}
		for (batch, length) in [(1, 1 << 10), (1, 4 << 10), (8, 4 << 10), (32, 4 << 10), (1, 16 << 10)] {
			for (heads, kv_heads, head_dim) in [(9, 3, 64), (32, 8, 128)] {
				let (pass, number) = (Decode, F16);
				cells.push(Self { pass, number, batch, heads, kv_heads, length, head_dim, causal: false });
			}
		}
		cells
	}

	/// One causal sequence, on which exact attention is set beside the `Fast` forward pass.
	pub fn exact() -> Vec<Self> {
		let causal = |length| Self { causal: true, ..Self::flashcore_like(length, 1) };
		[512, 2 << 10, 8 << 10].map(causal).into()
	}

	/// Queries of a sequence.
	pub fn queries(&self) -> usize {
		match self.pass {
			Pass::Decode => 1,
			Pass::Forward | Pass::Backward => self.length,
		}
	}

	/// Elements of the queries, and of the output.
	pub fn query_elements(&self) -> usize {
		self.batch * self.heads * self.queries() * self.head_dim
	}

	/// Elements of the keys, and of the values.
	pub fn key_elements(&self) -> usize {
		self.batch * self.kv_heads * self.length * self.head_dim
	}

	/// Floating-point operations as the literature counts them: two per multiply-add of the two products, half of them
	/// where later keys are hidden, two and a half times as many backward (whatever is computed twice).
	pub fn operations(&self) -> f64 {
		let products = 4.0 * (self.query_elements() as f64) * self.length as f64;
		let hidden = if self.causal { 0.5 } else { 1.0 };
		let passes = if self.pass == Pass::Backward { 2.5 } else { 1.0 };
		products * hidden * passes
	}

	/// The fewest bytes that must move: every input read once, every output written once.
	pub fn bytes(&self) -> f64 {
		let (queries, keys) = (self.query_elements() as f64, self.key_elements() as f64);
		let elements = match self.pass {
			Pass::Forward | Pass::Decode => 2.0 * queries + 2.0 * keys,
			// q, o, do and dq; k, v, dk and dv.
			Pass::Backward => 4.0 * queries + 4.0 * keys,
		};
		elements * self.number.bytes()
	}

	/// FlashCore's median and our goal, microseconds per sequence, if this is one of its cells.
	pub fn bar(&self) -> Option<(f64, f64)> {
		FLASHCORE
			.iter()
			.find(|(length, batch, ..)| *self == Self::flashcore_like(*length, *batch))
			.map(|(_, _, flashcore, goal)| (*flashcore, *goal))
	}
}

impl std::fmt::Display for Cell {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		let Self { pass, number, batch, heads, kv_heads, length, head_dim, causal } = self;
		let pass = format!("{pass:?} {number:?}").to_lowercase();
		write!(f, "{pass} S={length} B={batch} H={heads}")?;
		if kv_heads != heads {
			write!(f, "/{kv_heads}")?;
		}
		write!(f, " D={head_dim}{}", if *causal { " causal" } else { "" })
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn work_should_be_that_of_the_published_table() {
		// S, B, GFLOP and MB moved, as published.
		let table = [(128, 8, 0.27, 4.2), (256, 16, 2.15, 16.8), (512, 32, 17.18, 67.1)];
		for (length, batch, giga, mega) in table {
			let cell = Cell::flashcore_like(length, batch);
			assert!((cell.operations() / 1e9 - giga).abs() < 0.005, "{cell}");
			assert!((cell.bytes() / 1e6 - mega).abs() < 0.05, "{cell}");
		}
	}

	#[test]
	fn only_flashcores_cells_should_have_a_bar() {
		assert!(Cell::flashcore().iter().all(|cell| cell.bar().is_some_and(|(theirs, goal)| goal < theirs)));
		assert!(Cell::more().iter().all(|cell| cell.bar().is_none()));
		let name = Cell::flashcore()[0].to_string();
		assert_eq!(name, "forward f16 S=128 B=8 H=8 D=64");
	}

	#[test]
	fn both_passes_should_be_measured_at_every_long_length() {
		let more = Cell::more();
		let there = |pass: Pass, length: usize, head_dim: usize| {
			let found = |cell: &Cell| (cell.pass, cell.length, cell.head_dim) == (pass, length, head_dim);
			more.iter().any(|cell| found(cell) && cell.number == Number::F16)
		};
		for length in [2 << 10, 4 << 10, 8 << 10, 16 << 10] {
			for pass in [Pass::Forward, Pass::Backward] {
				assert!(there(pass, length, 64) && there(pass, length, 128), "{pass:?} {length}");
			}
		}
	}

	#[test]
	fn exact_cells_should_be_what_the_exact_kernel_takes() {
		let lengths: Vec<usize> = Cell::exact().iter().map(|cell| cell.length).collect();
		assert_eq!(lengths, [512, 2048, 8192]);
		let one = |cell: &Cell| cell.causal && cell.batch == 1 && cell.pass == Pass::Forward;
		assert!(Cell::exact().iter().all(one));
	}

	#[test]
	fn cells_should_differ() {
		let mut names: Vec<String> =
			Cell::flashcore().iter().chain(&Cell::more()).map(Cell::to_string).collect();
		let count = names.len();
		names.sort();
		names.dedup();
		assert_eq!(names.len(), count);
	}
}
