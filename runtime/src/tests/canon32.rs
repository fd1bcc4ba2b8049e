//! Steps of the profile `Canon32`, as the runtime makes them.

use crate::{apis::runtime_decl_for_noesis_api::NoesisApi, Runtime};

fn numbers(values: &[f32]) -> Vec<u8> {
	values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn runtime_should_make_a_step_for_whoever_asks() {
	let step = |number, pieces: &[&[f32]]| {
		Runtime::canon32_step(number, pieces.iter().map(|piece| numbers(piece)).collect())
	};
	let dots = step(0, &[&[100.0, 200.0], &[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0]]);
	assert_eq!(dots, Some(numbers(&[111.0, 217.0])));
	assert_eq!(step(9, &[&[1.0], &[3.0]]), Some(numbers(&[1.0 / 3.0])));
	assert_eq!(step(9, &[&[1.0], &[0.0]]), None, "an infinity");
	assert_eq!(step(0, &[&[1.0], &[2.0]]), None, "a piece too few");
	assert_eq!(step(18, &[&[1.0]]), None, "no such step");
	assert_eq!(Runtime::canon32_step(10, vec![vec![0; 5]]), None, "no numbers");
}
