//! The test vectors of `docs/trace.md`, made again.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::{graph::Program, sampler::Sampling};
use noesis_engine::{
	dispute::{FineTrace, Rehearsal, Weights},
	testing,
	trace::{trace_of, TokenLeaf},
	Checkpoint, Engine, EngineOptions,
};
use noesis_primitives::{merkle, Opening};
use std::fmt::Write;

const DOCUMENT: &str = include_str!("../../../docs/trace.md");

fn hex(bytes: &[u8]) -> String {
	bytes.iter().fold(String::new(), |mut text, byte| {
		write!(text, "{byte:02x}").unwrap();
		text
	})
}

/// Long leaves by their hash.
fn shown(bytes: &[u8]) -> String {
	if bytes.len() <= 64 {
		return hex(bytes);
	}
	format!("{}... ({} bytes, hash {})", hex(&bytes[..16]), bytes.len(), hex(&merkle::leaf_hash(bytes)))
}

fn vectors() -> String {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("model.noesis");
	testing::write_random_model(&path, 1).unwrap();
	let checkpoint = Checkpoint::open(&path).unwrap();
	let engine = Engine::new(&checkpoint, &EngineOptions::default()).unwrap();
	let architecture = checkpoint.manifest().architecture;
	let weights = Weights::new(&checkpoint).unwrap();

	let ids = [5u32, 17, 250, 3];
	let tokens: Vec<TokenLeaf> =
		ids.iter().chain([&9]).zip(1..).map(|(&id, i)| TokenLeaf { id, end: 4 * i }).collect();
	let residuals: Vec<Vec<i32>> =
		(0..architecture.layers).map(|layer| engine.residuals(&ids, layer, None).unwrap()).collect();
	let leaves = trace_of(&architecture, &tokens, &residuals);
	let mut text = String::new();
	let mut line = |name: &str, value: String| writeln!(text, "{name:<44} {value}").unwrap();
	line("architecture hash", hex(&checkpoint.manifest().architecture_hash.0));
	line("weights root", hex(&checkpoint.manifest().weights_root.0));
	line("trace root", hex(&merkle::root(&leaves)));
	line("trace leaves", leaves.len().to_string());
	line("trace leaf 0 (token 5)", hex(&Opening::leaf_bytes(&tokens[0].values())));
	line("trace leaf 1 (position 0, layer 0, slice 0)", shown(&Opening::leaf_bytes(&residuals[0][..64])));

	let whole = Rehearsal { tokens, residuals, leaves };
	let hot = Sampling { temperature: 900, top_p: 60_000, seed: 7 };
	let programs = [
		("layer 0", Program::Layer { layer: 0, position: 3 }),
		("layer 1", Program::Layer { layer: 1, position: 3 }),
		(
			"pick, greedy",
			Program::Pick { position: 3, sampling: Sampling { temperature: 0, ..hot }, index: 0 },
		),
		("pick, sampled", Program::Pick { position: 3, sampling: hot, index: 0 }),
	];
	for (name, program) in programs {
		let fine = FineTrace::new(&weights, &program, &whole.coarse(&program), None).unwrap();
		line("", String::new());
		line(&format!("{name}: root"), hex(&fine.root()));
		line(&format!("{name}: leaves"), fine.leaves().to_string());
		for stage in fine.layout().stages() {
			let last = stage.first + stage.count - 1;
			let name = format!("{last:>5} {}: {:?}", stage.part, stage.operation);
			line(&name, shown(fine.leaf(last).unwrap()));
		}
	}
	text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn the_document_should_have_the_vectors_that_are_computed() {
	let found = vectors();
	let (_, rest) = DOCUMENT.split_once("```vectors\n").expect("a block of vectors");
	let (written, _) = rest.split_once("```").expect("the block's end");
	assert!(written == found, "docs/trace.md should have:\n{found}");
}
