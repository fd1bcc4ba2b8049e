//! Many accounts, new accounts, and being first.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_runtime::{
	configs::LongestDispute,
	parameters::{
		dynamic_params::{dispute, operators},
		RuntimeParameters,
	},
	Operators, Poc,
};
use noesis_tests::court::*;
use polkadot_sdk::frame_support::traits::Get;

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 6)
}

fn lie(court: &Court) -> Work {
	let fault = Fault { position: 4, layer: 1, index: 2, change: 4000 };
	Work::of(court.model, ask().kind, &ask().input, Some(fault))
}

/// Accounts without a stake do nothing; new ones with one are audited always.
#[test]
fn sybil_newcomers() {
	session(|court| {
		let (_, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let empty: Vec<Person> = (0..5).map(|i| court.person(&format!("empty {i}"), 10)).collect();
		let sybils: Vec<Person> =
			(0..3).map(|i| court.operator(&format!("sybil {i}"), Role::Worker, 100)).collect();
		court.block();
		let attack = court.attack("sybil_newcomers", &sybils.iter().chain(&empty).collect::<Vec<_>>());
		for worker in &sybils {
			let job = court.submit(&requester, &ask(), None);
			court.blocks(4);
			for who in &empty {
				assert_eq!(court.refused(who, pallet_poi::Call::claim { job }), "NotRegistered");
			}
			court.ok(worker, pallet_poi::Call::claim { job });
			court.answer(worker, job, &lie).unwrap();
			let subject = Subject::Job(job);
			assert_eq!(Poc::panel_view(subject).unwrap().audit, 1_000_000);
			court.block();
			for who in &empty {
				assert_eq!(court.speak(who, subject, &lie), Err("NotRegistered".into()));
			}
			court.verdicts(&validators, subject, &truth);
			assert_eq!(court.end_of(job), JobState::Refunded { reason: RefundReason::Rejected });
		}
		// Validators that come for an answer come too late for it.
		let job = court.answered(&requester, &ask(), &sybils[0], &lie);
		for i in 0..3 {
			let late = court.operator(&format!("late {i}"), Role::Validator, 100);
			assert_eq!(court.speak(&late, Subject::Job(job), &lie), Err("TooNew".into()));
		}
		court.verdicts(&validators, Subject::Job(job), &truth);
		court.end_of(job);
		attack.gained_nothing(court);
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
	});
}

/// A stake of less than the least buys nothing.
#[test]
fn cheap_operators() {
	session(|court| {
		let person = court.person("cheap", 1000);
		let attack = court.attack("cheap_operators", &[&person]);
		for role in [Role::Worker, Role::Validator] {
			let (stake, capability) = (100 * UNIT - 1, court.capability(&person));
			court.refused(&person, pallet_operators::Call::register { role, stake, capability });
		}
		attack.gained_nothing(court);
	});
}

/// What an account did stays with it, whether it leaves and comes back or not; and what shut it out still does.
#[test]
fn re_registration_to_wipe_reputation() {
	session(|court| {
		// The sooner it may leave the better for it: as soon as the longest dispute allows.
		let period = operators::Parameters::UnbondingPeriod(operators::UnbondingPeriod, Some(1));
		court.set(RuntimeParameters::Operators(period));
		for parameter in [
			dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(20)),
			dispute::Parameters::MaxWindows(dispute::MaxWindows, Some(1)),
		] {
			court.set(RuntimeParameters::Dispute(parameter));
		}
		let (worker, validators) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let job = court.answered(&requester, &ask(), &worker, &truth);
		court.verdicts(&validators, Subject::Job(job), &truth);
		court.end_of(job);
		let earned = <Operators as OperatorRegistry<_>>::reputation(&worker.account);
		assert!(earned.0 > 0);
		let attack = court.attack("re_registration_to_wipe_reputation", &[&worker]);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let subject = Subject::Job(job);
		// It can't leave from under the dispute.
		assert_eq!(court.refused(&worker, pallet_operators::Call::unbond {}), "JobsOpen");
		court.dispute(subject, &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		court.ok(&worker, pallet_operators::Call::unbond {});
		assert_eq!(court.refused(&worker, pallet_operators::Call::withdraw {}), "StillBound");
		assert_eq!(<Operators as OperatorRegistry<_>>::reputation(&worker.account).0, 0);
		let latest = court.now() + LongestDispute::get() + 10;
		while let Err(error) = court.dispatch(&worker, pallet_operators::Call::withdraw {}) {
			assert!(court.now() <= latest, "{error:?} {:?}", Operators::record(&worker.account));
			court.blocks(10);
		}
		assert!(Operators::record(&worker.account).is_none());
		let (role, stake, capability) = (Role::Worker, 700 * UNIT, court.capability(&worker));
		court.ok(&worker, pallet_operators::Call::register { role, stake, capability });
		court.block();
		assert_eq!(<Operators as OperatorRegistry<_>>::reputation(&worker.account).0, 0);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		assert_eq!(Poc::panel_view(Subject::Job(job)).unwrap().audit, 1_000_000);
		court.verdicts(&validators, Subject::Job(job), &truth);
		court.end_of(job);
		assert!(attack.lost(court) > 199 * UNIT);
	});
}

/// Who sees another's call and sends the same first has nothing of it.
#[test]
fn front_run_claim() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let rival = court.operator("rival", Role::Worker, 1000);
		court.block();
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("front_run_claim", &[&rival]);
		// A job that names a worker.
		let job = court.submit(&requester, &ask(), Some(&worker));
		assert_eq!(court.refused(&rival, pallet_poi::Call::claim { job }), "NotNamed");
		court.ok(&worker, pallet_poi::Call::claim { job });
		assert_eq!(court.refused(&rival, pallet_poi::Call::claim { job }), "NotOpen");
		// Its answer, seen before it is in a block.
		assert!(court.answer(&rival, job, &truth).is_err());
		court.answer(&worker, job, &truth).unwrap();
		assert!(court.answer(&rival, job, &truth).is_err());
		court.block();
		court.verdicts(&validators, Subject::Job(job), &truth);
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		// A job for all goes by rank, which no fee moves.
		let mut early = 0;
		for _ in 0..8 {
			let job = court.submit(&requester, &ask(), None);
			let turn = noesis_runtime::Poi::claimable_at(job, &rival.account).unwrap();
			let now = court.now();
			assert!((now..=now + 3).contains(&turn));
			while court.now() < turn {
				early += 1;
				assert_eq!(court.refused(&rival, pallet_poi::Call::claim { job }), "TooEarly");
				court.block();
			}
			court.ok(&requester, pallet_poi::Call::cancel { job });
		}
		assert!(early > 0);
		attack.gained_nothing(court);
	});
}

/// A liar that is found out has an accomplice bring the proof first. It still loses half.
#[test]
fn front_run_proof() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let (outsider, accomplice) = (court.person("outsider", 100), court.person("accomplice", 100));
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let attack = court.attack("front_run_proof", &[&worker, &accomplice]);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let subject = Subject::Job(job);
		court.challenge(&outsider, subject, &Accused::Worker, &lie);
		court.dispute(subject, &Accused::Worker, (&worker, &lie), (&accomplice, &truth));
		assert_eq!(attack.lost(court), 100 * UNIT);
		assert_eq!(court.worth(&outsider.account), 100 * UNIT, "its bond is back");
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
	});
}
