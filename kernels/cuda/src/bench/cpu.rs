//! The CPU's side: the attention of the `Canon32` profile, 32-bit floats in a fixed order, on all threads.
//!
//! It is causal (training needs nothing else), so FlashCore's shapes are run with later keys hidden and with half the
//! operations; that stands in each cell. It says what a worker without a GPU has, not how fast a CPU could be.

use super::{
	report::{Environment, Measured, Outcome, Report},
	Cell, Effort, Number, Pass, Percentiles, Progress,
};
use crate::attention::{reference::random, Precision};
use noesis_canon32::{attention, Backend};
use std::time::Instant;

const PROTOCOL: &str =
	"Canon32 attention on the CPU: f32, fixed order, causal, all threads; one call at a time";

/// Measures the forward shapes among `cells` (whatever their numbers and mask) on the CPU.
pub fn run_cpu(cells: &[Cell], effort: &Effort, progress: &mut Progress<'_>) -> Report {
	let cells = cells.iter().filter(|cell| cell.pass == Pass::Forward);
	let cells = cells
		.map(|cell| {
			let cell = Cell { number: Number::F32, causal: true, ..*cell };
			let outcome = Outcome::new(cell, measure(&cell, effort));
			progress(&outcome);
			outcome
		})
		.collect();
	Report { environment: Environment::of(None), backend: "cpu", protocol: PROTOCOL, ceilings: None, cells }
}

fn measure(cell: &Cell, effort: &Effort) -> Result<Measured, String> {
	let backend = Backend::best();
	let shape = attention::AttentionShape {
		batch: cell.batch,
		tokens: cell.length,
		heads: cell.heads,
		kv_heads: cell.kv_heads,
		head_dim: cell.head_dim,
	};
	let values = |seed: u64, count: usize| -> Vec<f32> {
		let bits = random(seed, count, Precision::Bf16);
		bits.into_iter().map(|bits| Precision::Bf16.value(bits) as f32).collect()
	};
	let q = values(1, cell.query_elements());
	let (k, v) = (values(2, cell.key_elements()), values(3, cell.key_elements()));
	let mut out = vec![0.0; q.len()];
	let mut once = || {
		let start = Instant::now();
		let result = attention::forward(backend, shape, &q, &k, &v, &mut out);
		result.map(|_| start.elapsed().as_secs_f64()).map_err(|error| error.to_string())
	};
	let mut last = once()?;
	for _ in 1..effort.warm_ups {
		last = once()?;
	}
	let times = (0..effort.trials(last)).map(|_| once()).collect::<Result<_, _>>()?;
	let call = Percentiles::of_seconds(times);
	Ok(Measured {
		variant: format!("{backend:?}").to_lowercase(),
		call,
		per_sequence: call.divided_by(cell.batch),
		replayed: None,
		tflops: cell.operations() / (call.p50 * 1e6),
		gbs: cell.bytes() / (call.p50 * 1e3),
		share_of_mma: None,
		share_of_copy: None,
		other: None,
	})
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn the_cpu_should_be_measured_as_what_it_is() {
		let decode = Cell::more().into_iter().find(|cell| cell.pass == Pass::Decode).unwrap();
		let cells = [Cell { batch: 2, heads: 2, kv_heads: 1, ..Cell::flashcore()[0] }, decode];
		let mut seen = 0;
		let report = run_cpu(&cells, &Effort { trials: 3, ..Effort::CPU }, &mut |_| seen += 1);
		assert_eq!((seen, report.cells.len()), (1, 1), "decoding is left out");
		let outcome = &report.cells[0];
		assert!(outcome.cell.causal && outcome.cell.number == Number::F32 && outcome.goal.is_none());
		assert!(outcome.measured.as_ref().is_some_and(|found| found.tflops > 0.0 && found.call.trials == 3));
	}
}
