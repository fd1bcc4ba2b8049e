//! Every leaf of every model is small, and made from what comes before it.

use super::*;

fn shape() -> impl Strategy<Value = Shape> {
	let within = |low: u32, high: u32| {
		prop_oneof![low..=high, Just(low), Just(high), (low..=high).prop_map(move |v| (v >> 6).max(low))]
	};
	let heads = (0u32..=8, within(1, 256)).prop_map(|(shared, heads)| {
		let shared = 1 << shared;
		(heads.next_multiple_of(shared).min(256), shared)
	});
	(
		heads,
		within(1, 16),
		within(1, 1024),
		within(1, 4096),
		within(1, 1 << 20),
		within(1, 255),
		within(2, 1 << 16),
	)
		.prop_map(|((heads, shared), dim, width, inner, vocabulary, layers, context)| {
			// An odd number of heads of an odd number of sixteens is no multiple of 32.
			let dim = if heads * dim % 2 == 1 { dim + 1 } else { dim };
			Shape {
				layers,
				width: 32 * width,
				heads,
				kv_heads: if heads % shared == 0 { heads / shared } else { heads },
				head_dim: 16 * dim,
				feed_forward: 32 * inner,
				vocabulary,
				context,
				..SMALL
			}
		})
}

/// Columns of a chunk of a tensor's rows, and how many rows it has.
fn extent(shape: &Shape, group: u32, tensor: u32, chunk: u32) -> (u32, u32) {
	let (w, f) = (shape.width, shape.feed_forward);
	let (q, k) = (shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim);
	let (rows, columns) = match (group, tensor) {
		(0, 0) => (shape.vocabulary, w),
		(0, 1) | (_, 0 | 5) => (1, w),
		(_, 1) => (q, w),
		(_, 2 | 3) => (k, w),
		(_, 4) => (w, q),
		(_, 6 | 7) => (f, w),
		_ => (w, f),
	};
	((columns - chunk * CHUNK).min(CHUNK), rows)
}

fn check(layout: &Layout, index: u32) {
	let (shape, leaf) = (&layout.shape, layout.leaf(index).unwrap());
	let (mut input, mut work, mut rest) = (0, 0, leaf.sources.as_slice());
	assert!(leaf.sources.len() <= MAX_SOURCES && !rest.is_empty(), "{leaf:?}");
	assert!(leaf.format.bytes() <= MAX_LEAF_BYTES && leaf.format.bytes() > 0, "{leaf:?}");
	let mut ranges = Vec::new();
	while let [source, after @ ..] = rest {
		rest = after;
		match *source {
			Source::Fine { first, count } => {
				assert!((1..=MAX_RANGE).contains(&count) && first + count <= index, "{index} {leaf:?}");
				let (stage, local) = layout.stage(first).unwrap();
				assert!(local + count <= stage.count, "{index} {leaf:?} across stages");
				let bytes: u32 = (local..local + count).map(|local| stage.format(local).bytes()).sum();
				ranges.push(stage.format(local));
				input += bytes;
			},
			Source::Token { position } => {
				assert!(position < shape.context);
				input += 8;
			},
			Source::Residual { position, layer, slice } => {
				assert!(
					position < shape.context && layer < shape.layers && slice < shape.width.div_ceil(SLICE)
				);
				input += 4 * SLICE;
			},
			Source::Embedding { chunk } => input += extent(shape, 0, 0, chunk).0 / 32 * 36,
			Source::Weights { group, tensor, first_row, rows, chunk } => {
				let (columns, all) = extent(shape, group, tensor, chunk);
				assert!((1..=ROWS).contains(&rows) && first_row + rows <= all && group <= shape.layers);
				let row = if leaf.operation == Operation::Norm { 4 * columns } else { columns / 32 * 36 };
				input += rows * row;
				work += rows * columns;
			},
		}
	}
	if matches!(leaf.operation, Operation::Scores | Operation::Sums) {
		let keys = if leaf.operation == Operation::Scores { leaf.format.count } else { ranges[0].count };
		work += keys * shape.head_dim;
	}
	assert!(input <= MAX_INPUT_BYTES, "{input} bytes into {leaf:?}");
	assert!(work <= MAX_WORK, "{work} multiplications in {leaf:?}");
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(400))]

	#[test]
	fn every_leaf_should_be_small_and_after_its_sources_for_all_shapes(
		shape in shape(), layer in any::<u32>(), position in any::<u32>(), near in any::<bool>(), pick in any::<bool>(),
		temperature in 0u16..3, top_p in prop_oneof![Just(u16::MAX), any::<u16>()],
		at in prop::collection::vec(any::<u32>(), 20),
	) {
		prop_assert!(shape.is_valid(), "{:?}", shape);
		let position = position % shape.context % if near { 300 } else { u32::MAX };
		let sampling = Sampling { temperature, top_p, seed: 1 };
		let program = if pick {
			Program::Pick { position, sampling, index: 0 }
		} else {
			Program::Layer { layer: layer % shape.layers, position }
		};
		// The largest models have too many leaves at the ends of their contexts.
		let Some(layout) = Layout::new(&shape, &program) else { return Ok(()) };
		let mut next = 0;
		for stage in layout.stages() {
			prop_assert_eq!(stage.first, next);
			prop_assert!(stage.count > 0 && stage.count % stage.chain == 0);
			next += stage.count;
			check(&layout, stage.first);
			check(&layout, next - 1);
			at.iter().take(4).for_each(|at| check(&layout, stage.first + at % stage.count));
		}
		prop_assert_eq!(next, layout.leaves());
		prop_assert_eq!(layout.leaf(next), None);
		at.iter().for_each(|at| check(&layout, at % next));
	}
}
