//! Canaries off chain: answers that are wrong by arrangement between a proposer and a worker
//! ([`noesis_primitives::canary_mark`] says what they are made of, `docs/protocol.md` how the chain judges by them).
//!
//! The proposer sends the worker an [`Arrangement`], commits to it on chain, and has its job asked. The worker answers as
//! its [`Accomplice`] says: with the mark planted, if the commitment stands. A validator can only approve an answer that it
//! did not compute if somebody gives it leaves of the trace, so the accomplice gives leaves of its answers, right or wrong,
//! to whoever asks (`GET /openings/{job}/{positions}`). An honest validator never does.

mod accomplice;
mod arrangement;
mod server;

pub use accomplice::{Accomplice, AccompliceError, Refusal};
pub use arrangement::Arrangement;
pub use server::router;

use noesis_engine::{Engine, EngineError, Execution, Plant, RunOptions};
use noesis_primitives::{canary_mark, Claim, ContentHash, JobKind, Opening};

/// What an execution claims.
pub(crate) fn claim_of(execution: &Execution) -> Claim {
	Claim {
		root: execution.root(),
		leaves: execution.leaf_count(),
		output: ContentHash::of(&execution.output),
		usage: execution.usage,
	}
}

/// A job with a mark in it.
pub(crate) struct Planted {
	/// What comes out.
	pub execution: Execution,
	/// Where the mark is, and what it is.
	pub plant: Plant,
	/// The leaf that carries it, and what shows it.
	pub leaf: (u32, Opening),
}

/// Runs a job whose truth is known with the mark that follows from salt and randomness. `None` where the model has no
/// leaf that takes all of it.
pub(crate) fn run_planted(
	engine: &Engine,
	arrangement: &Arrangement,
	randomness: &[u8; 32],
	input: &[u8],
	truth: &Claim,
) -> Result<Option<Planted>, EngineError> {
	let Arrangement { salt, checkpoint, kind, .. } = arrangement;
	let mark = canary_mark(salt, randomness, *checkpoint, kind, ContentHash::of(input));
	let architecture = &engine.manifest().architecture;
	let Some(plant) = Plant::of(architecture, mark, truth.usage.input_tokens) else { return Ok(None) };
	// The place of a leaf does not depend on how many positions follow it.
	let Some(index) = architecture.trace(truth.usage.input_tokens).index(plant.leaf()) else {
		return Ok(None);
	};
	let execution = run_with(engine, kind, input, Some(plant), &[index])?;
	let Some(opening) = execution.opening(index.into()) else { return Ok(None) };
	Ok(Some(Planted { execution, plant, leaf: (index, opening) }))
}

/// Runs a job and keeps leaves of its trace.
pub(crate) fn run_with(
	engine: &Engine,
	kind: &JobKind,
	input: &[u8],
	plant: Option<Plant>,
	leaves: &[u32],
) -> Result<Execution, EngineError> {
	let capture: Vec<u64> = leaves.iter().copied().map(u64::from).collect();
	engine.run(kind, input, RunOptions { capture: &capture, plant, ..RunOptions::default() })
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::keys::Keys;
	use noesis_engine::{testing, EngineOptions};
	use noesis_primitives::{is_planted, CheckpointId, GenerateParams, InputFormat};

	#[test]
	fn planted_answer_should_be_wrong_in_a_leaf_that_shows_the_mark() {
		let dir = tempfile::tempdir().unwrap();
		let path = dir.path().join("model");
		testing::write_random_model(&path, 3).unwrap();
		let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
		let engine = Engine::open(&path, &options).unwrap();
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 6));
		let input = b"What is a canary?";
		let truth = claim_of(&run_with(&engine, &kind, input, None, &[]).unwrap());
		let alice = Keys::from_suri("//Alice").unwrap();
		let account = alice.account();
		let arrangement = |salt| {
			let hash = ContentHash::of(input);
			Arrangement::new(&alice, &[9; 32], [account, account], CheckpointId(0), kind, hash, [salt; 32])
		};
		let mut places = std::collections::BTreeSet::new();
		for salt in 0..8 {
			let arrangement = arrangement(salt);
			let planted = run_planted(&engine, &arrangement, &[1; 32], input, &truth).unwrap().unwrap();
			let claim = claim_of(&planted.execution);
			let (index, opening) = &planted.leaf;
			assert_ne!(claim.root, truth.root);
			assert!(opening.verify(&claim, *index) && is_planted(&opening.values, &planted.plant.mark));
			// Somebody who computes again with the same mark finds the same, whatever leaves are kept.
			let again = run_with(&engine, &kind, input, Some(planted.plant), &[0, 5]).unwrap();
			assert_eq!(claim_of(&again), claim);
			places.insert(*index);
		}
		assert!(places.len() > 3, "{places:?}");
	}
}
