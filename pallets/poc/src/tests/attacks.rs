//! Verdicts that must not count.

use crate::{mock::*, Error};
use noesis_primitives::{is_drawn, Claim, OperatorFault, Role, Subject};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

#[test]
fn verdict_should_be_refused_when_copied_from_another_validator() {
	ExtBuilder::default().run(|| {
		open_panel();
		let original = verdict_of(FIRST, &honest());
		assert_ok!(send(FIRST, original.clone()));
		assert_noop!(send(FIRST + 1, original.clone()), E::BadDraw);

		// Not even with a draw of its own: the leaves are those of another validator.
		let own = verdict_of(FIRST + 1, &honest());
		let copied = Verdict { draw: own.draw.clone(), ..original };
		assert_noop!(send(FIRST + 1, copied), E::WrongOpening);
		assert_ok!(send(FIRST + 1, own));
	});
}

#[test]
fn verdict_should_be_refused_when_the_worker_or_the_requester_speaks() {
	ExtBuilder::default().run(|| {
		for (who, since) in [(WORKER, 1), (REQUESTER, 1)] {
			let draw_key = polkadot_sdk::sp_core::Pair::public(&key_of(who)).0;
			let record =
				Registered { role: Role::Validator, checkpoint: CHECKPOINT, since, draw_key, fault: None };
			change_register(|register| {
				register.insert(who, record);
			});
		}
		open_panel();
		assert_noop!(speak(WORKER, &honest()), E::Interested);
		assert_noop!(speak(REQUESTER, &honest()), E::Interested);
	});
}

#[test]
fn verdict_should_be_refused_when_the_validator_registered_after_the_answer() {
	ExtBuilder::default().run(|| {
		change_register(|register| register.get_mut(&FIRST).unwrap().since = ANSWERED);
		change_register(|register| register.get_mut(&(FIRST + 1)).unwrap().since = ANSWERED + 1);
		open_panel();
		assert_noop!(speak(FIRST, &honest()), E::TooNew);
		assert_noop!(speak(FIRST + 1, &honest()), E::TooNew);
		assert_ok!(speak(FIRST + 2, &honest()));
	});
}

#[test]
fn verdict_should_name_the_fault_when_the_account_may_not_validate() {
	ExtBuilder::default().run(|| {
		open_panel();
		assert_noop!(speak(FIRST + 50, &honest()), E::NotRegistered);
		for (fault, error) in [
			(OperatorFault::WrongRole, E::NotValidator),
			(OperatorFault::Unbonding, E::Unbonding),
			(OperatorFault::Excluded { until: 90 }, E::ShutOut { opens_in: Wait::of(90 - ANSWERED - 1) }),
			(OperatorFault::CannotRun, E::CannotRun),
			(OperatorFault::Absent, E::Absent),
		] {
			change_register(|register| register.get_mut(&FIRST).unwrap().fault = Some(fault));
			assert_noop!(speak(FIRST, &honest()), error);
		}
	});
}

#[test]
fn verdict_should_be_refused_when_the_draw_is_forged() {
	ExtBuilder::default().run(|| {
		open_panel();
		let good = verdict_of(FIRST, &honest());
		let with = |change: &dyn Fn(&mut Verdict)| {
			let mut forged = good.clone();
			change(&mut forged);
			forged
		};
		// Another key's, the one of another seed, another output for the same proof, and noise.
		let seed = crate::Pallet::<Test>::seed(JOB).unwrap();
		let other_key = draw_with(&key_of(99), &seed).0;
		let other_seed = draw_with(&key_of(FIRST), &[5; 32]).0;
		let stolen_output = other_key.pre_output;
		assert_noop!(send(FIRST, with(&|v| v.draw = other_key.clone())), E::BadDraw);
		assert_noop!(send(FIRST, with(&|v| v.draw = other_seed.clone())), E::BadDraw);
		assert_noop!(send(FIRST, with(&|v| v.draw.pre_output = stolen_output)), E::BadDraw);
		assert_noop!(send(FIRST, with(&|v| v.draw.proof[0] ^= 1)), E::BadDraw);
		assert_noop!(send(FIRST, with(&|v| v.draw.pre_output = [0xff; 32])), E::BadDraw);
		assert_noop!(send(FIRST, with(&|v| v.draw.proof = [0xff; 64])), E::BadDraw);
		assert_ok!(send(FIRST, good));
	});
}

#[test]
fn verdict_should_be_refused_when_the_draw_key_was_changed_since() {
	ExtBuilder::default().run(|| {
		open_panel();
		let verdict = verdict_of(FIRST, &honest());
		change_register(|register| register.get_mut(&FIRST).unwrap().draw_key = [0; 32]);
		assert_noop!(send(FIRST, verdict), E::BadDraw);
	});
}

#[test]
fn verdict_should_be_refused_when_given_twice() {
	ExtBuilder::default().run(|| {
		open_panel();
		assert_ok!(speak(FIRST, &honest()));
		assert_noop!(speak(FIRST, &honest()), E::AlreadySpoke);
		assert_noop!(speak(FIRST, &Trace::new(2, 37)), E::AlreadySpoke);
	});
}

#[test]
fn verdict_should_be_refused_when_the_number_of_openings_is_wrong() {
	ExtBuilder::default().run(|| {
		open_panel();
		let good = verdict_of(FIRST, &honest());
		let mut few = good.clone();
		few.openings.pop();
		let mut many = good.clone();
		many.openings.push(good.openings[0].clone());
		let none = Verdict { openings: vec![], ..good.clone() };
		assert_noop!(send(FIRST, few), E::WrongOpeningCount);
		assert_noop!(send(FIRST, many), E::WrongOpeningCount);
		assert_noop!(send(FIRST, none), E::WrongOpeningCount);
		assert_ok!(send(FIRST, good));
	});
}

#[test]
fn verdict_should_be_refused_when_another_leaf_is_opened() {
	ExtBuilder::default().run(|| {
		open_panel();
		let good = verdict_of(FIRST, &honest());
		let with = |change: &dyn Fn(&mut Verdict)| {
			let mut wrong = good.clone();
			change(&mut wrong);
			wrong
		};
		let other = (0..37).map(|i| honest().open(i)).find(|o| !good.openings.contains(o)).unwrap();
		let forged = Trace::new(9, 37).open(0);
		assert_noop!(send(FIRST, with(&|v| v.openings[2] = other.clone())), E::WrongOpening);
		assert_noop!(send(FIRST, with(&|v| v.openings[0] = forged.clone())), E::WrongOpening);
		assert_noop!(send(FIRST, with(&|v| v.openings[1].values[7] += 1)), E::WrongOpening);
		assert_noop!(send(FIRST, with(&|v| v.openings[3].path[0][0] ^= 1)), E::WrongOpening);
		assert_noop!(send(FIRST, with(&|v| v.openings.reverse())), E::WrongOpening);
	});
}

#[test]
fn verdict_should_be_refused_when_it_claims_a_trace_that_it_does_not_open() {
	ExtBuilder::default().run(|| {
		open_panel();
		let good = verdict_of(FIRST, &honest());
		let lie = |claim: Claim| Verdict { claim, ..good.clone() };
		assert_noop!(send(FIRST, lie(Trace::new(2, 37).claim)), E::WrongOpening);
		assert_noop!(send(FIRST, lie(Claim { leaves: 0, ..good.claim })), E::EmptyTrace);
		let empty = Verdict { openings: vec![], ..lie(Claim { leaves: 0, ..good.claim }) };
		assert_noop!(send(FIRST, empty), E::EmptyTrace);
	});
}

#[test]
fn verdict_should_wait_when_there_is_no_randomness_yet() {
	ExtBuilder::default().run(|| {
		open_panel();
		let verdict = verdict_of(FIRST, &honest());
		polkadot_sdk::frame_system::Pallet::<Test>::set_block_number(ANSWERED);
		assert_eq!(crate::Pallet::<Test>::seed(JOB), None);
		assert_noop!(send(FIRST, verdict.clone()), E::NotYet);
		at_block(ANSWERED + 1);
		Mute::set(&true);
		assert_noop!(send(FIRST, verdict.clone()), E::NotYet);
		Mute::set(&false);
		assert_ok!(send(FIRST, verdict));
	});
}

#[test]
fn verdict_should_be_refused_when_there_is_no_panel_or_it_is_over() {
	ExtBuilder::default().validators(4).run(|| {
		open_panel();
		let late = verdict_of(FIRST, &honest());
		at_block(ANSWERED + 1 + 3 * 5);
		assert_noop!(send(FIRST, late.clone()), E::PanelOver);
		let Verdict { claim, draw, openings } = late;
		let unknown = Subject::Job(noesis_primitives::JobId(4));
		let origin = RuntimeOrigin::signed(FIRST);
		assert_noop!(Poc::verdict(origin, unknown, claim, draw, openings.try_into().unwrap()), E::NoPanel);
	});
}

#[test]
fn draw_should_widen_when_a_window_passes() {
	ExtBuilder::default().validators(48).run(|| {
		open_panel();
		let seed = crate::Pallet::<Test>::seed(JOB).unwrap();
		let first_window = |who| {
			let number = number_of(who, &seed);
			(0..3).find(|window| is_drawn(number, 3, 48, *window))
		};
		let validators: Vec<_> = (FIRST..FIRST + 48).collect();
		let of_window = |window| validators.iter().copied().find(|who| first_window(*who) == window);
		let (second, never) = (of_window(Some(1)).unwrap(), of_window(None).unwrap());

		assert_noop!(speak(second, &honest()), E::NotDrawn { opens_in: Wait::of(5) });
		at_block(ANSWERED + 5);
		assert_noop!(speak(second, &honest()), E::NotDrawn { opens_in: Wait::of(1) });
		at_block(ANSWERED + 6);
		assert_ok!(speak(second, &honest()));
		at_block(ANSWERED + 15);
		assert_noop!(speak(never, &honest()), E::NotDrawn { opens_in: Wait::of(u32::MAX) });
	});
}

#[test]
fn draw_should_not_narrow_when_validators_register_after_the_answer() {
	ExtBuilder::default().run(|| {
		open_panel();
		change_register(|register| {
			let record = register[&FIRST];
			register.extend((1000..2000).map(|who| (who, Registered { since: ANSWERED + 1, ..record })));
		});
		assert_ok!(speak(FIRST, &honest()));
	});
}
