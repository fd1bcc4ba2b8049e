//! Many players who do as they please.

use super::{
	model::{Question, Random, Run},
	players::*,
};
use crate::{mock::*, Agenda, Disputes, Dockets, ShownOutputs};
use noesis_canon::graph::Operation;
use noesis_primitives::{Accused, DisputeId, DisputeView, LengthProof, Phase, Side, Subject, TraceLeaf};
use polkadot_sdk::frame_support::storage::with_storage_layer;
use proptest::prelude::*;

/// Two subjects, on each of which the worker and a validator found the truth, and another validator did not.
struct Crowd {
	truth: Run,
	liar: Run,
	/// The truth, with another output.
	forger: Run,
	subjects: [Subject; 2],
	random: Random,
}

impl Crowd {
	fn new(seed: u64) -> Self {
		let question = Question::short();
		let truth = Run::honest(&question);
		let leaf = TraceLeaf::Residual { position: 1, layer: 1, slice: 1 };
		let liar = Run::lying_in(&question, leaf, Operation::Linear).unwrap();
		let forger = truth.with_output(b"something else");
		let found = || {
			let claims = [&truth, &liar, &forger].map(Run::claim);
			VALIDATORS.into_iter().zip(claims).collect()
		};
		let subjects = [(); 2].map(|_| subject_of(&truth, &question, found()));
		Self { truth, liar, forger, subjects, random: Random(seed) }
	}

	fn accused(&mut self) -> (Accused<AccountId>, Run) {
		match self.random.below(4) {
			3 => (Accused::Validator(VALIDATORS[2]), self.forger.clone()),
			0 => (Accused::Worker, self.truth.clone()),
			1 => (Accused::Validator(VALIDATORS[0]), self.truth.clone()),
			_ => (Accused::Validator(VALIDATORS[1]), self.liar.clone()),
		}
	}

	/// Compares an output that was shown, or keeps silent.
	fn compare(&mut self, view: &DisputeView<AccountId>) {
		let (shown, _) = ShownOutputs::<Test>::get(view.id).unwrap();
		let proof = self.truth.output_proof(&shown, 3);
		let (accused, claim) = (view.accused.clone(), view.claim);
		let who = signed(view.challenger + self.random.below(2));
		let call = || Dispute::prove_output(who, view.subject, accused, claim, proof);
		let convicted = with_storage_layer(call).is_ok();
		assert!(!convicted || claim.output == self.forger.claim().output, "the truth was convicted");
	}

	fn act(&mut self) {
		let subject = self.subjects[self.random.below(2) as usize];
		let challenger = CHALLENGER + self.random.below(4);
		let given = crate::NextDispute::<Test>::get().0;
		let id = DisputeId(self.random.below(given + 1));
		match self.random.below(15) {
			0..=2 => {
				let (accused, run) = self.accused();
				let call = || Dispute::challenge(signed(challenger), subject, accused, run.claim());
				let _ = with_storage_layer(call);
			},
			3..=8 => {
				let Some(view) = view(id) else { return };
				let runs = [&self.truth, &self.liar, &self.forger];
				let Some(run) = runs.into_iter().find(|run| run.claim() == view.claim) else { return };
				if view.phase == Phase::Compare {
					return self.compare(&view);
				}
				let _ = match view.phase.mover() {
					Side::Accused => with_storage_layer(|| Defender(run.clone()).play(&view)),
					Side::Challenger => {
						let mut dice = Dice(Random(self.random.next()));
						with_storage_layer(|| dice.play(&view))
					},
				};
			},
			9 => {
				let _ = with_storage_layer(|| Dispute::timeout(signed(challenger), id));
			},
			10 => {
				let (accused, run) = self.accused();
				let opening = run.opening(TraceLeaf::Token { position: 4 });
				let proof = LengthProof::StoppedShort { opening };
				let architecture = run.model.architecture;
				let claim = run.claim();
				let call = || {
					Dispute::prove_length(signed(challenger), subject, accused, claim, architecture, proof)
				};
				assert!(with_storage_layer(call).is_err(), "the answers are as long as they should be");
			},
			11 | 12 => {
				let (accused, run) = self.accused();
				let call = || Dispute::demand(signed(challenger), subject, accused, run.claim());
				let _ = with_storage_layer(call);
			},
			_ => run_to(now() + 1 + self.random.below(3) as u32),
		}
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(24))]

	#[test]
	fn everything_should_come_to_its_end_when_everybody_does_as_it_pleases(seed in any::<u64>()) {
		run(|| {
			let mut crowd = Crowd::new(seed);
			MovesPerWindow::set(&(1 + (seed % 3) as u32));
			for _ in 0..120 {
				crowd.act();
				check();
			}
			// Then nobody moves any more.
			run_to(now() + WINDOW * MaxWindows::get() + LIABILITY + 2);
			assert_eq!((Disputes::<Test>::iter().count(), Dockets::<Test>::iter().count()), (0, 0));
			assert_eq!(Agenda::<Test>::iter().count(), 0);
			for who in CHALLENGER..CHALLENGER + 4 {
				assert_eq!(held(who), 0);
			}
			for subject in crowd.subjects {
				assert!([State::Answered, State::Overturned].contains(&told(subject).state));
			}
		});
	}
}
