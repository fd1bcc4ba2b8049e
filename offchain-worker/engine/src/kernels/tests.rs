//! Every backend against the definition, ends of every range included.

use super::*;
use crate::{
	cache::Cache,
	checkpoint::{Encoding, TensorShape, TensorView},
	context::{
		stream::{self, Block, Source},
		Positions,
	},
	matrix::Matrix,
};
use noesis_canon::attention;
use proptest::prelude::*;

/// Rows as a checkpoint holds them, from a pool of random bytes.
fn rows(encoding: Encoding, is_half: bool, rows: usize, columns: usize, bytes: &[u8]) -> Vec<u8> {
	let mut pool = bytes.iter().copied().cycle();
	let mut out = Vec::new();
	for _ in 0..rows * columns / GROUP {
		let terms = if encoding == Encoding::Q4 { 2 } else { 1 };
		for _ in 0..terms {
			let word: [u8; 4] = std::array::from_fn(|_| pool.next().unwrap());
			out.extend_from_slice(&term(i32::from_le_bytes(word), is_half).to_le_bytes());
		}
		let codes = encoding.row_bytes(GROUP) - 4 * terms;
		out.extend(pool.by_ref().take(codes));
	}
	out
}

/// A scale or minimum: any number of 29 bits, or one that is a 16-bit float.
fn term(word: i32, is_half: bool) -> i32 {
	if is_half {
		(word >> 21) << (word & 15)
	} else {
		word >> 3
	}
}

/// The definition, straight from the rows.
fn defined(encoding: Encoding, row: &[u8], x: &[i16]) -> i64 {
	let word = |b: &[u8]| i32::from_le_bytes(b[..4].try_into().unwrap());
	let groups = row.chunks_exact(encoding.row_bytes(GROUP)).zip(x.chunks_exact(GROUP));
	groups
		.map(|(group, a)| {
			let a: &[i16; GROUP] = a.try_into().unwrap();
			match encoding {
				Encoding::Q4 => {
					let dot = linear::dot_q4(group[8..].try_into().unwrap(), a);
					linear::group_term(word(group), dot, word(&group[4..]), linear::group_sum(a))
				},
				_ => {
					let codes: [i8; GROUP] = std::array::from_fn(|i| group[4 + i] as i8);
					linear::group_term(word(group), linear::dot_q8(&codes, a), 0, linear::group_sum(a))
				},
			}
		})
		.sum()
}

fn extreme_i16() -> impl Strategy<Value = i16> {
	prop_oneof![4 => -32_767i16..=32_767, 1 => Just(32_767), 1 => Just(-32_767), 1 => Just(0)]
}

fn extreme_u8() -> impl Strategy<Value = u8> {
	prop_oneof![4 => any::<u8>(), 1 => Just(0xff), 1 => Just(0x80), 1 => Just(0)]
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(64))]

	#[test]
	fn every_backend_should_equal_the_definition(
		is_q4 in any::<bool>(), is_half in any::<bool>(), count in 1usize..50, groups in 1usize..5, tokens in 1usize..10,
		bytes in prop::collection::vec(extreme_u8(), 1000..1013),
		x in prop::collection::vec(extreme_i16(), 9 * 4 * GROUP),
	) {
		let encoding = if is_q4 { Encoding::Q4 } else { Encoding::Q8 };
		let columns = groups * GROUP;
		let data = rows(encoding, is_half, count, columns, &bytes);
		let shape = TensorShape { name: "gate", rows: count, columns, is_gain: false };
		let matrix = Matrix::pack(&TensorView { shape, encoding, bytes: &data });
		let mut input = Activations::default();
		input.reset(tokens, columns);
		let wide: Vec<i32> = x.iter().map(|&v| i32::from(v)).collect();
		input.slots().zip(wide.par_chunks_exact(columns)).for_each(|(slot, x)| slot.fill(x));
		for backend in Backend::available() {
			let mut output = Output::default();
			// All 32 bits of the accumulator's middle are looked at.
			let layer = Linear { matrix: &matrix, from: 20, to: 16 };
			super::linear(backend, &input, [layer], [&mut output]);
			for t in 0..tokens {
				let mut found = vec![0; count];
				output.copy_token(t, &mut found);
				for (row, found) in data.chunks_exact(encoding.row_bytes(columns)).zip(found) {
					let acc = defined(encoding, row, &x[t * columns..(t + 1) * columns]);
					prop_assert_eq!(found, linear::requantise(acc, 20, 0, 16), "{:?}", backend);
				}
			}
		}
	}

	#[test]
	fn attention_should_equal_the_definition(
		positions in 1usize..600, sixteenths in 1usize..5, down in 0u32..12,
		query in prop::collection::vec(extreme_i16(), 64),
		pool in prop::collection::vec(extreme_i16(), 3001),
	) {
		let dim = 16 * sixteenths;
		let row = |offset: usize| -> Vec<i16> {
			pool.iter().map(|v| v >> down).cycle().skip(offset).take(positions * dim).collect()
		};
		let (keys, values) = (row(0), row(1234));
		let multiplier = attention::multiplier(dim);
		let mut expected = vec![0; dim];
		attention::attend(&query[..dim], &keys, &values, multiplier, &mut vec![0; positions], &mut expected);
		for backend in Backend::available() {
			prop_assert_eq!(&attend(backend, &query[..dim], &keys, &values), &expected, "{:?}", backend);
		}
	}
}

/// One row that sees all the keys.
fn attend(backend: Backend, query: &[i16], keys: &[i16], values: &[i16]) -> Vec<i32> {
	let dim = query.len();
	let positions = keys.len() / dim;
	let mut cache = Cache::of(1, 1, dim, positions);
	for (position, (key, value)) in keys.chunks(dim).zip(values.chunks(dim)).enumerate() {
		let (key_slot, value_slot) = cache.slot(0, 0, position);
		key_slot.copy_from_slice(key);
		value_slot.copy_from_slice(value);
		cache.raise_key_bound(0, 0, super::attention::squared_length(key));
	}
	let source = Source { cache: &cache, layer: 0, positions: Positions::from_start(positions) };
	let block = Block { queries: query, heads: 1, head_dim: dim, first: positions - 1 };
	let mut out = vec![0; dim];
	stream::attend(backend, &source, &block, attention::multiplier(dim), &mut out);
	out
}

proptest! {
	#[test]
	fn the_gate_should_equal_the_definition(
		gate in prop::collection::vec(prop_oneof![any::<i32>(), -3_000_000..3_000_000i32], 1..40),
		up in any::<[i32; 40]>(),
	) {
		let expected: Vec<i64> = gate.iter().zip(up).map(|(&g, u)| noesis_canon::silu::gated(g, u)).collect();
		for backend in Backend::available() {
			let mut found = vec![0; gate.len()];
			gated(backend, &gate, &up[..gate.len()], &mut found);
			prop_assert_eq!(&found, &expected, "{:?}", backend);
		}
	}
}

#[test]
fn sums_should_not_overflow_when_65536_keys_are_equal() {
	let dim = 64;
	for key in [32_767, -32_767, 0, 255] {
		let (query, keys) = (vec![32_767; dim], vec![key; dim * attention::MAX_KEYS]);
		for value in [32_767, -32_767] {
			let values = vec![value; dim * attention::MAX_KEYS];
			for backend in Backend::available() {
				let found = attend(backend, &query, &keys, &values);
				assert_eq!(found, vec![i32::from(value) << 7; dim], "{backend:?} {key}");
			}
		}
	}
}
