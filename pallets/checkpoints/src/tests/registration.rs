//! What may be registered.

use crate::{mock::*, Error, Event, MAX_CONTEXT, MAX_UNITS_PER_TOKEN, MAX_VOCABULARY, MAX_WIDTH};
use frame_support::{assert_noop, assert_ok};
use noesis_primitives::{
	CheckpointId, CheckpointRecord, CheckpointRegistry, ContentHash, Profile, Root, MAX_LAYERS,
};
use polkadot_sdk::*;

fn refused(record: CheckpointRecord, error: Error<Test>) {
	assert_noop!(Checkpoints::register(RuntimeOrigin::signed(ALICE), record), error);
}

#[test]
fn checkpoint_should_be_readable_when_it_is_registered() {
	execute(|| {
		System::set_block_number(7);
		let id = registered(ALICE, 1);
		assert_eq!(id, CheckpointId(0));
		assert_eq!(Checkpoints::next_id(), CheckpointId(1));
		let view = Checkpoints::view(id).unwrap();
		assert_eq!((view.id, view.owner, view.depth, view.registered, view.active), (id, ALICE, 0, 7, true));
		assert_eq!(view.record, record(1));
		let facts = Checkpoints::facts(id).unwrap();
		assert!(facts.active);
		assert_eq!((facts.profile, facts.width, facts.layers), (Profile::Exact, 64, 2));
		assert_eq!((facts.context, facts.units_per_token), (128, 1));
		let deposit = Checkpoints::deposit_of(&record(1));
		System::assert_last_event(
			Event::Registered { id, owner: ALICE, parent: None, weights: record(1).weights, deposit }.into(),
		);
		assert!(Checkpoints::view(CheckpointId(1)).is_none());
		assert!(Checkpoints::facts(CheckpointId(1)).is_none());
	});
}

#[test]
fn lineage_should_be_kept_when_a_parent_is_named() {
	execute(|| {
		let parent = registered(ALICE, 1);
		let child = CheckpointRecord { parent: Some(parent), ..record(2) };
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(BOB), child));
		let grandchild = CheckpointRecord { parent: Some(CheckpointId(1)), ..record(3) };
		assert_ok!(Checkpoints::deprecate(RuntimeOrigin::root(), CheckpointId(1)));
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(BOB), grandchild));
		let depths: Vec<_> = (0..3).map(|id| Checkpoints::view(CheckpointId(id)).unwrap().depth).collect();
		assert_eq!(depths, [0, 1, 2]);
	});
}

#[test]
fn registration_should_be_refused_when_the_parent_is_unknown() {
	execute(|| {
		refused(CheckpointRecord { parent: Some(CheckpointId(0)), ..record(1) }, Error::UnknownParent);
		registered(ALICE, 1);
		refused(CheckpointRecord { parent: Some(CheckpointId(1)), ..record(2) }, Error::UnknownParent);
	});
}

#[test]
fn registration_should_be_refused_when_the_model_is_there_already() {
	execute(|| {
		registered(BOB, 1);
		refused(record(1), Error::AlreadyRegistered);
		let elsewhere =
			CheckpointRecord { parent: Some(CheckpointId(0)), locators: locators(0), ..record(1) };
		refused(elsewhere, Error::AlreadyRegistered);
		for other in [
			CheckpointRecord { tokenizer: ContentHash([9; 32]), ..record(1) },
			CheckpointRecord { architecture: ContentHash([9; 32]), ..record(1) },
		] {
			assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), other));
		}
	});
}

#[test]
fn model_should_be_registered_when_somebody_has_misstated_it_before() {
	execute(|| {
		for wrong in [
			CheckpointRecord { context: 64, ..record(1) },
			CheckpointRecord { width: 128, ..record(1) },
			CheckpointRecord { vocabulary: 255, ..record(1) },
			CheckpointRecord { units_per_token: 9, ..record(1) },
		] {
			assert_ok!(Checkpoints::register(RuntimeOrigin::signed(BOB), wrong));
		}
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), record(1)));
	});
}

#[test]
fn registration_should_be_refused_when_roots_do_not_fit() {
	execute(|| {
		refused(CheckpointRecord { layers: 1, ..record(1) }, Error::WrongRootCount);
		refused(CheckpointRecord { layers: 3, ..record(1) }, Error::WrongRootCount);
		refused(CheckpointRecord { layer_roots: Default::default(), ..record(1) }, Error::WrongRootCount);
		refused(CheckpointRecord { weights: Root([9; 32]), ..record(1) }, Error::WrongWeights);
		let mut swapped = record(1);
		swapped.layer_roots.as_mut().swap(0, 1);
		refused(swapped, Error::WrongWeights);
	});
}

#[test]
fn registration_should_be_refused_when_a_number_is_out_of_bounds() {
	execute(|| {
		for width in [0, MAX_WIDTH + 1] {
			refused(CheckpointRecord { width, ..record(1) }, Error::BadWidth);
		}
		for layers in [0, MAX_LAYERS, u32::MAX] {
			refused(CheckpointRecord { layers, ..record(1) }, Error::BadLayers);
		}
		for context in [0, MAX_CONTEXT + 1] {
			refused(CheckpointRecord { context, ..record(1) }, Error::BadContext);
		}
		for vocabulary in [0, MAX_VOCABULARY + 1] {
			refused(CheckpointRecord { vocabulary, ..record(1) }, Error::BadVocabulary);
		}
		for units_per_token in [0, MAX_UNITS_PER_TOKEN + 1] {
			refused(CheckpointRecord { units_per_token, ..record(1) }, Error::BadUnits);
		}
	});
}

#[test]
fn registration_should_be_refused_when_the_trace_outgrows_its_counter() {
	execute(|| {
		// A token, 64 layers of 2^10 slices for each of 2^16 positions, and a token: more than 2^32 leaves.
		let long = sealed(CheckpointRecord {
			layer_roots: vec![Root([4; 32]); 65].try_into().unwrap(),
			layers: 64,
			width: MAX_WIDTH,
			context: MAX_CONTEXT,
			..record(1)
		});
		refused(long.clone(), Error::TraceTooLong);
		let fits = CheckpointRecord { context: (u32::MAX - 1) / (64 * 1024 + 1), ..long };
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), fits));
	});
}

#[test]
fn registration_should_succeed_when_every_number_is_at_its_bound() {
	execute(|| {
		DepositPerByte::set(0);
		let largest = sealed(CheckpointRecord {
			layer_roots: vec![Root([4; 32]); MAX_LAYERS as usize].try_into().unwrap(),
			layers: MAX_LAYERS - 1,
			width: MAX_WIDTH,
			context: 16_448,
			vocabulary: MAX_VOCABULARY,
			units_per_token: MAX_UNITS_PER_TOKEN,
			locators: locators(4),
			..record(1)
		});
		refused(CheckpointRecord { context: 16_449, ..largest.clone() }, Error::TraceTooLong);
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), largest));
		let least = sealed(CheckpointRecord {
			layer_roots: vec![Root([4; 32]); 2].try_into().unwrap(),
			layers: 1,
			width: 1,
			context: 1,
			vocabulary: 1,
			units_per_token: 1,
			locators: locators(0),
			..record(1)
		});
		assert_ok!(Checkpoints::register(RuntimeOrigin::signed(ALICE), least));
	});
}

#[test]
fn registration_should_be_refused_when_ids_are_used_up() {
	new_test_ext().execute_with(|| {
		crate::NextId::<Test>::put(CheckpointId(u32::MAX));
		refused(record(1), Error::IdsExhausted);
	});
}

#[cfg(feature = "runtime-benchmarks")]
#[test]
fn benchmark_checkpoint_should_satisfy_the_invariants_when_it_is_registered() {
	execute(|| {
		let facts = |active| noesis_primitives::CheckpointFacts {
			active,
			profile: Profile::Exact,
			width: 576,
			layers: 30,
			context: 2048,
			units_per_token: 135,
		};
		for active in [true, false, true] {
			let id = Checkpoints::register_for_benchmark(facts(active));
			assert_eq!(Checkpoints::facts(id), Some(facts(active)));
		}
	});
}
