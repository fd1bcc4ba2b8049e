//! What the chain executes at the end of a dispute: one leaf of a program, from pieces that somebody shows.

use crate::cut::Cut;
use noesis_canon::{
	graph::{evaluate, Layout, Piece, Program, Shape, Source, CHUNK},
	sampler::Sampling,
};
use noesis_engine::{testing, Shapes};

/// A shape of a model: the one of the tests, or any.
fn shape(cut: &mut Cut<'_>) -> Shape {
	let small = testing::architecture().graph();
	match cut.byte() % 4 {
		0 => Shape {
			layers: cut.number() >> 23,
			width: cut.number() >> 17,
			heads: u32::from(cut.byte()),
			kv_heads: u32::from(cut.byte()),
			head_dim: u32::from(cut.byte()),
			feed_forward: cut.number() >> 15,
			vocabulary: cut.number() >> 12,
			context: cut.number() >> 16,
			rope_base: cut.number(),
			epsilon: u64::from(cut.number()) << (cut.byte() % 40),
		},
		1 => Shape { width: 4128, feed_forward: 2080, ..small },
		_ => small,
	}
}

fn program(cut: &mut Cut<'_>, shape: &Shape) -> Program {
	let position = cut.number() % shape.context.saturating_add(2).max(1);
	let position = if !cut.byte().is_multiple_of(4) { position % 40 } else { position };
	match cut.byte() % 2 {
		0 => Program::Layer { layer: u32::from(cut.byte()) % shape.layers.saturating_add(1), position },
		_ => {
			let sampling =
				Sampling { temperature: cut.short(), top_p: cut.short(), seed: cut.number().into() };
			Program::Pick { position, sampling, index: cut.byte().into() }
		},
	}
}

/// What a source may be answered with: bytes of the right kind and nearly always of the right length.
enum Shown {
	Fine(Vec<u8>),
	Token(i32, i32),
	Residual(Vec<i32>),
	Weights(Vec<Vec<u8>>),
}

impl Shown {
	fn of(source: &Source, layout: &Layout, shape: &Shape, cut: &mut Cut<'_>) -> Self {
		let wrong = usize::from(cut.byte() == 250);
		let columns =
			|width: u32, chunk: u32| width.saturating_sub(chunk.saturating_mul(CHUNK)).min(CHUNK) as usize;
		let row = |cut: &mut Cut<'_>, columns: usize| {
			let bytes = [columns * 4, columns / 32 * 24, columns / 32 * 36][usize::from(cut.byte()) % 3];
			cut.filled(bytes + wrong)
		};
		match *source {
			Source::Fine { first, count } => {
				let bytes = |index| layout.format(index).map_or(0, |format| format.bytes()) as usize;
				let length: usize = (first..first + count).map(bytes).sum();
				Self::Fine(cut.filled(length + wrong))
			},
			Source::Token { .. } => Self::Token(cut.number() as i32 % 400, cut.number() as i32),
			Source::Residual { slice, .. } => {
				let count = shape.width.saturating_sub(slice * 64).min(64) as usize + wrong;
				Self::Residual((0..count).map(|_| cut.number() as i32).collect())
			},
			Source::Embedding { chunk } => Self::Weights(vec![row(cut, columns(shape.width, chunk))]),
			Source::Weights { rows, chunk, .. } => {
				let width = [shape.width, shape.feed_forward, shape.heads * shape.head_dim];
				let columns = columns(width[usize::from(cut.byte()) % 3], chunk);
				Self::Weights((0..rows).map(|_| row(cut, columns)).collect())
			},
		}
	}

	fn piece(&self) -> Piece<'_> {
		match self {
			Self::Fine(bytes) => Piece::Fine(bytes),
			Self::Token(id, end) => Piece::Token { id: *id, end: *end },
			Self::Residual(values) => Piece::Residual(values),
			Self::Weights(rows) => Piece::Weights(rows.iter().map(Vec::as_slice).collect()),
		}
	}
}

/// A leaf of a program, computed from anything that could be shown for it.
pub fn run(bytes: &[u8]) {
	let mut cut = Cut(bytes);
	let shape = shape(&mut cut);
	let program = program(&mut cut, &shape);
	let Some(layout) = Layout::new(&shape, &program) else {
		assert_eq!(evaluate(&program, &shape, 0, &[]), None);
		return;
	};
	let index = cut.number() % layout.leaves().saturating_add(1);
	let Some(leaf) = layout.leaf(index) else {
		assert_eq!(layout.evaluate(index, &[]), None);
		return;
	};
	let shown: Vec<Shown> =
		leaf.sources.iter().map(|source| Shown::of(source, &layout, &shape, &mut cut)).collect();
	let pieces: Vec<Piece<'_>> = shown.iter().map(Shown::piece).collect();
	if let Some(bytes) = layout.evaluate(index, &pieces) {
		assert_eq!(bytes.len(), leaf.format.bytes() as usize, "a leaf is not as long as it says");
		assert_eq!(Some(bytes), evaluate(&program, &shape, index, &pieces), "a leaf has two values");
	}
}

/// Leaves here and there, shown as zeros, ones and growing numbers.
pub fn seeds() -> Vec<Vec<u8>> {
	let body = |salt: u8| (0..600u16).map(move |i| (i as u8).wrapping_mul(salt)).collect::<Vec<u8>>();
	(0..48u8).map(|salt| [&[2 + salt % 2, salt, 0, 0, 0, 1, salt][..], &body(salt)].concat()).collect()
}
