//! What a dispute costs its parties: `cargo run --release --example fine -- model.noesis [position]` builds the fine
//! traces of a layer and of a token at a position, and gathers evidence for a leaf of every stage.

// A measurement may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use codec::Encode;
use noesis_canon::{graph::Program, sampler::Sampling};
use noesis_engine::{
	dispute::{Coarse, FineTrace, Weights},
	trace::{trace_of, TokenLeaf},
	Checkpoint, Engine, EngineOptions,
};
use std::{path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
	let mut arguments = std::env::args().skip(1);
	let path = PathBuf::from(arguments.next().ok_or("which checkpoint?")?);
	let position: u32 = arguments.next().map_or(Ok(100), |text| text.parse())?;
	let checkpoint = Checkpoint::open(&path)?;
	let engine = Engine::new(&checkpoint, &EngineOptions::default())?;
	let architecture = checkpoint.manifest().architecture;
	let weights = Weights::new(&checkpoint)?;
	let ids: Vec<u32> = (0..=position).map(|i| (i * 7919 + 5) % architecture.vocabulary).collect();
	let tokens: Vec<TokenLeaf> = ids.iter().chain([&0]).map(|&id| TokenLeaf { id, end: 0 }).collect();
	let mut residuals: Vec<Vec<i32>> = vec![Vec::new(); architecture.layers as usize];
	engine.install(|| -> Result<(), noesis_engine::EngineError> {
		let mut sequence = engine.start(ids.len())?;
		let mut keep = |layer: usize, residual: &[i32]| residuals[layer].extend_from_slice(residual);
		for batch in ids.chunks(sequence.max_batch()) {
			sequence.forward(batch, Some(&mut keep))?;
		}
		Ok(())
	})?;
	let leaves = trace_of(&architecture, &tokens, &residuals);
	let hot = Sampling { temperature: 800, top_p: 60_000, seed: 1 };
	let programs = [
		Program::Layer { layer: 0, position },
		Program::Layer { layer: architecture.layers / 2, position },
		Program::Pick { position, sampling: Sampling { temperature: 0, ..hot }, index: 0 },
		Program::Pick { position, sampling: hot, index: 0 },
	];
	for program in programs {
		let before = match program {
			Program::Layer { layer, .. } => layer.checked_sub(1),
			Program::Pick { .. } => architecture.layers.checked_sub(1),
		};
		let residual = before.map_or(&[][..], |layer| &residuals[layer as usize]);
		let coarse = Coarse { tokens: &tokens, residual };
		let start = Instant::now();
		let fine = engine.install(|| FineTrace::new(&weights, &program, &coarse, None))?;
		let built = start.elapsed();
		println!(
			"{program:?}\n  {} leaves, {} bytes, {:.1} ms on {} threads",
			fine.leaves(),
			fine.size(),
			built.as_secs_f64() * 1e3,
			engine.threads()
		);
		for stage in fine.layout().stages() {
			let index = stage.first + stage.count - 1;
			let start = Instant::now();
			let evidence = fine.evidence(&weights, &coarse, &leaves, index).ok_or("no evidence")?;
			println!(
				"  {:<18} {:<10} {:>7} leaves of {:>5} bytes, evidence {:>6} bytes in {:>6.1} ms",
				stage.part,
				format!("{:?}", stage.operation),
				stage.count,
				stage.format(stage.count - 1).bytes(),
				evidence.encoded_size(),
				start.elapsed().as_secs_f64() * 1e3,
			);
		}
	}
	Ok(())
}
