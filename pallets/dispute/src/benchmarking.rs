//! What each call and each step of the hooks costs.

mod scene;
mod sparse;
mod words;

use crate::{Agenda, Call, Config, Cursor, Disputes, Dockets, Due, Pallet};
use alloc::{vec, vec::Vec};
use noesis_canon::{
	attention,
	graph::{Operation, MAX_INPUT_BYTES},
	soft::step::Step,
};
use noesis_primitives::{
	merkle::{self, leaf_hash},
	Accused, ContentHash, DisputeId, Ground, InputMark, LengthProof, Opening, OutputSeal, Phase, PromptSeal,
	ShownOutput, Spot, Tree, Verdict, MAX_ARITY, MAX_LEAF_BYTES, MAX_OPEN_DISPUTES, MAX_OUTPUT_BYTES,
	MAX_PANEL, MAX_TEXT_BYTES, MAX_TOKEN_BYTES,
};
use noesis_support::MAX_PER_BLOCK;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{weights::WeightMeter, BoundedVec},
	frame_system::RawOrigin,
};
use scene::{Scene, ARCHITECTURE};

/// Bytes of a number of `Canon32`.
const NUMBER: usize = 4;

/// Numbers of `Canon32` between 1 and 2, as bytes.
fn numbers(count: usize) -> Vec<u8> {
	let number = |i: usize| 0x3f80_0000 | (i as u32).wrapping_mul(0x9e37_79b9) >> 9;
	(0..count).flat_map(|i| number(i).to_le_bytes()).collect()
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// The last dispute for which there is room.
	#[benchmark]
	fn challenge() -> Result<(), BenchmarkError> {
		let (scene, challenger) = Scene::<T>::crowded()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(challenger), scene.subject, Accused::Worker, scene.claim);

		assert_eq!(scene.open(), MAX_OPEN_DISPUTES);
		Ok(())
	}

	/// A move that shows `n` nodes.
	#[benchmark]
	fn reveal(n: Linear<2, MAX_ARITY>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let nodes: Vec<_> = (0..n).map(|i| leaf_hash(&i.to_le_bytes())).collect();
		let hash = merkle::root(&nodes);
		let at = Spot { tree: Tree::Claimed, level: merkle::levels(n), index: 0, hash };
		scene.set(|dispute| {
			dispute.rules.levels = 8;
			dispute.rules.claim.leaves = n;
			dispute.phase = Phase::Reveal { at };
		});
		let nodes = BoundedVec::truncate_from(nodes);

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, nodes);

		assert!(matches!(scene.phase(), Some(Phase::Choose { .. })));
		Ok(())
	}

	/// One of as many nodes as there may be.
	#[benchmark]
	fn choose() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let level = merkle::levels(scene.claim.leaves).saturating_sub(1);
		scene.set(|dispute| {
			dispute.rules.levels = 8;
			let nodes = BoundedVec::truncate_from(vec![[7; 32]; MAX_ARITY as usize]);
			let at = Spot { tree: Tree::Claimed, level, index: 0, hash: [7; 32] };
			dispute.phase = Phase::Choose { at, nodes };
		});

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.challenger.clone()), scene.dispute, MAX_ARITY.saturating_sub(1));

		assert!(matches!(scene.phase(), Some(Phase::Reveal { .. })));
		Ok(())
	}

	/// The fine tree of a late position of a long text.
	#[benchmark]
	fn expand() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let (root, values, path) = scene.expandable()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, ARCHITECTURE, root, values, path);

		assert!(matches!(scene.phase(), Some(Phase::Reveal { .. })));
		Ok(())
	}

	/// An input of `b` bytes.
	#[benchmark]
	fn prove_input(b: Linear<4, MAX_TOKEN_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let payload = vec![0; b as usize];
		let values = vec![0, 4];
		let seal = PromptSeal { salt: [1; 32], output: ContentHash::default() };
		scene.set(|dispute| {
			dispute.input = InputMark::Sealed(seal.commitment(&payload));
			dispute.phase = Phase::Input { leaf: 0, hash: leaf_hash(&Opening::leaf_bytes(&values)) };
		});
		let (values, payload) = (BoundedVec::truncate_from(values), BoundedVec::truncate_from(payload));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, ARCHITECTURE, values, payload, Some(seal));

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// The last token of a chat whose message has `b` bytes, each a word that special tokens begin like.
	#[benchmark]
	fn prove_text(b: Linear<1, MAX_TEXT_BYTES>) -> Result<(), BenchmarkError> {
		let (scene, values, evidence) = Scene::<T>::at_text(b)?;
		let values = BoundedVec::truncate_from(values);

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, values, evidence);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// A state of the longest word that looks up as many pairs as there may be.
	#[benchmark]
	fn prove_word() -> Result<(), BenchmarkError> {
		let (scene, evidence) = Scene::<T>::at_word()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, evidence);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// The last dispute for which there is room.
	#[benchmark]
	fn demand() -> Result<(), BenchmarkError> {
		let (scene, challenger) = Scene::<T>::crowded()?;

		#[extrinsic_call]
		_(RawOrigin::Signed(challenger), scene.subject, Accused::Worker, scene.claim);

		assert_eq!(scene.open(), MAX_OPEN_DISPUTES);
		Ok(())
	}

	/// An output of `b` bytes that is demanded.
	#[benchmark]
	fn show_output(b: Linear<0, MAX_OUTPUT_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let output = vec![b'a'; b as usize];
		scene.set(|dispute| {
			dispute.rules.claim.output = ContentHash::of(&output);
			dispute.phase = Phase::Output;
		});
		let output = ShownOutput::Bytes { bytes: BoundedVec::truncate_from(output), seal: None };

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute, output);

		assert_eq!(scene.phase(), Some(Phase::Compare));
		Ok(())
	}

	/// An output of `b` bytes that does not have the last token of its trace, the longest that there may be.
	#[benchmark]
	fn prove_output(b: Linear<0, MAX_OUTPUT_BYTES>) -> Result<(), BenchmarkError> {
		let (scene, proof) = Scene::<T>::other_output(vec![b'a'; b as usize])?;
		let (caller, accused) = (RawOrigin::Signed(scene.challenger.clone()), Accused::Worker);

		#[extrinsic_call]
		_(caller, scene.subject, accused, scene.claim, proof);

		assert!(scene.is_overturned());
		Ok(())
	}

	/// No call: what it costs beside to hold an output of `b` bytes against a claim that is sealed.
	#[benchmark]
	fn seal_output(b: Linear<0, MAX_OUTPUT_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let output = vec![b'a'; b as usize];
		let seal = OutputSeal { secret: [1; 32], prompt: ContentHash::default() };
		let mark = InputMark::Sealed(seal.commitment());
		let claimed = ContentHash::of(&seal.seal(&scene.subject, &output));
		let is_it;

		#[block]
		{
			is_it = mark.has_output(&scene.subject, claimed, Some(&seal), &output);
		}

		assert!(is_it);
		Ok(())
	}

	/// Eight rows of weights of 64 chunks: the last one of each.
	#[benchmark]
	fn prove_linear() -> Result<(), BenchmarkError> {
		let (scene, leaf, evidence) = Scene::<T>::provable(Operation::Branch)?;

		#[extrinsic_call]
		prove(RawOrigin::Signed(scene.worker.clone()), scene.dispute, leaf, evidence);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// The values of a tile of positions, in as many leaves as there may be.
	#[benchmark]
	fn prove_range() -> Result<(), BenchmarkError> {
		let (scene, leaf, evidence) = Scene::<T>::provable(Operation::Sums)?;

		#[extrinsic_call]
		prove(RawOrigin::Signed(scene.worker.clone()), scene.dispute, leaf, evidence);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// A tile of logits that the sampler looks at.
	#[benchmark]
	fn prove_sampler() -> Result<(), BenchmarkError> {
		let (scene, leaf, evidence) = Scene::<T>::provable(Operation::Bins)?;

		#[extrinsic_call]
		prove(RawOrigin::Signed(scene.worker.clone()), scene.dispute, leaf, evidence);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// A challenger that was silent.
	#[benchmark]
	fn timeout() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		scene.let_pass_at_choose();

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.dispute);

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// A worker's claim that falls without a game.
	#[benchmark]
	fn prove_length() -> Result<(), BenchmarkError> {
		let (scene, opening) = Scene::<T>::stopped_short()?;
		let proof = LengthProof::StoppedShort { opening };
		let (caller, accused) = (RawOrigin::Signed(scene.challenger.clone()), Accused::Worker);

		#[extrinsic_call]
		_(caller, scene.subject, accused, scene.claim, ARCHITECTURE, proof);

		assert!(scene.is_overturned());
		Ok(())
	}

	/// The last dispute of a subject, lost by its challenger.
	#[benchmark]
	fn close() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(1, 0)?;
		let dispute = scene.stored()?;

		#[block]
		{
			Pallet::<T>::conclude(scene.dispute, dispute, Verdict::Stands);
		}

		assert_eq!(scene.lost(), 1);
		Ok(())
	}

	/// A claim that falls with as many disputes of it as may be open, and that as many validators found as may speak.
	#[benchmark]
	fn convict() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::disputed(MAX_OPEN_DISPUTES, MAX_PANEL)?;
		let dispute = scene.stored()?;

		#[block]
		{
			Pallet::<T>::conclude(scene.dispute, dispute, Verdict::Falls(Ground::Record));
		}

		let docket = Dockets::<T>::get(scene.subject);
		assert!(docket.is_some_and(|docket| docket.open.is_empty()));
		assert_eq!(Disputes::<T>::iter_keys().count(), 0);
		Ok(())
	}

	/// A full block of the agenda that stays as it is, for want of weight.
	#[benchmark]
	fn service_block() -> Result<(), BenchmarkError> {
		Cursor::<T>::put(1);
		let entries = vec![Due::Move(DisputeId(u64::MAX)); MAX_PER_BLOCK as usize];
		Agenda::<T>::insert(1, BoundedVec::truncate_from(entries));
		let mut meter = WeightMeter::with_limit(<T::WeightInfo as crate::WeightInfo>::service_block());

		#[block]
		{
			Pallet::<T>::serve_agenda(&mut meter, 1);
		}

		assert_eq!(Agenda::<T>::get(1).len() as u32, MAX_PER_BLOCK);
		Ok(())
	}

	/// No call, for comparison: attention of one head over 64 positions of 64 values, executed wholly on chain.
	#[benchmark]
	fn attention_on_chain() -> Result<(), BenchmarkError> {
		const POSITIONS: usize = 64;
		const DIM: usize = 64;
		let values = |salt: usize| -> Vec<i16> {
			(0..POSITIONS.saturating_mul(DIM)).map(|i| (i.wrapping_mul(salt) % 1021) as i16).collect()
		};
		let (queries, keys, cached) = (values(31), values(57), values(91));
		let multiplier = attention::multiplier(DIM);
		let (mut weights, mut out) = (vec![0; POSITIONS], vec![0; queries.len()]);

		#[block]
		{
			for (query, out) in queries.chunks_exact(DIM).zip(out.chunks_exact_mut(DIM)) {
				attention::attend(query, &keys, &cached, multiplier, &mut weights, out);
			}
		}

		assert!(out.iter().any(|value| *value != 0));
		Ok(())
	}

	/// No call yet: the most products that a step of `Canon32` has.
	#[benchmark]
	fn canon32_products() -> Result<(), BenchmarkError> {
		const COLUMNS: usize = 64;
		let rows = (MAX_INPUT_BYTES as usize / NUMBER / COLUMNS).saturating_sub(1);
		let (left, matrix) = (numbers(COLUMNS), numbers(rows.saturating_mul(COLUMNS)));
		let result;

		#[block]
		{
			result = Step::Dots.evaluate(&[&[], &left, &matrix]);
		}

		assert_eq!(result.map(|bytes| bytes.len()), Some(rows.saturating_mul(NUMBER)));
		Ok(())
	}

	/// No call yet: the dearest of the functions that a step of `Canon32` has for each of its numbers, of the most of them.
	#[benchmark]
	fn canon32_functions() -> Result<(), BenchmarkError> {
		let values = numbers(MAX_LEAF_BYTES as usize / NUMBER);
		let result;

		#[block]
		{
			result = Step::SiluSlope.evaluate(&[&values]);
		}

		assert_eq!(result.map(|bytes| bytes.len()), Some(values.len()));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
