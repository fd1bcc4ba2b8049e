//! Validators that do not check, and panels that lie together.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_tests::court::*;

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 6)
}

fn lie(court: &Court) -> Work {
	let fault = Fault { position: 5, layer: 0, index: 3, change: 900 };
	Work::of(court.model, ask().kind, &ask().input, Some(fault))
}

/// Who approves without the trace has no leaves to open.
#[test]
fn lazy_validator() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("lazy_validator", &[&validators[0]]);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		assert_eq!(court.verdict(&validators[0], subject, &truth.copied()), Err("WrongOpening".into()));
		// Nor with a trace of its own invention, of which it has no leaves either.
		let usage = truth.claim.usage;
		let invented = Work::garbage(court.model, usage, &ask().input, 1);
		assert_eq!(court.verdict(&validators[0], subject, &invented), Err("WrongOpening".into()));
		court.verdicts(&validators[1..], subject, &truth);
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account });
		attack.gained_nothing(court);
		assert!(court.worth(&validators[1].account) > 2000 * UNIT);
	});
}

#[test]
fn copied_verdict() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("copied_verdict", &[&validators[2]]);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		let (honest, copycat) = (&validators[0], &validators[2]);
		court.verdict(honest, subject, &truth).unwrap();
		let seed = noesis_runtime::Poc::seed(subject).unwrap();
		let openings: Vec<Opening> = truth.openings(honest, &seed, 8);
		let claim = truth.claim;
		for draw in [copycat.draw(&seed), honest.draw(&seed)] {
			let openings = openings.clone().try_into().unwrap();
			let why = court.refused(copycat, pallet_poc::Call::verdict { subject, claim, draw, openings });
			assert!(["WrongOpening", "BadDraw"].contains(&why.as_str()), "{why}");
		}
		court.verdict(&validators[1], subject, &truth).unwrap();
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account });
		attack.gained_nothing(court);
	});
}

/// The whole panel confirms a lie. One outsider takes it from all of them.
#[test]
fn colluding_panel_against_one_honest_outsider() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let mut all: Vec<&Person> = validators.iter().collect();
		all.push(&worker);
		let attack = court.attack("colluding_panel_against_one_honest_outsider", &all);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let subject = Subject::Job(job);
		court.verdicts(&validators, subject, &lie);
		// In the last block in which it can.
		let spoke = court.now();
		while court.now() < spoke + 49 {
			court.block();
		}
		let played = court.dispute(subject, &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
		for validator in &validators {
			let accused = Accused::Validator(validator.account.clone());
			let played = court.dispute(subject, &accused, (validator, &lie), (&outsider, &truth));
			assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
		}
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), (200 + 3 * 100) * UNIT);
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
		assert_eq!(court.worth(&outsider.account), (100 + 100 + 3 * 50) * UNIT);
	});
}

/// The panel finds another answer than an honest worker. The worker takes their verdicts apart, one by one, and the seats
/// go to others.
#[test]
fn colluding_panel_rejects_an_honest_worker() {
	session(|court| {
		let (worker, validators) = court.staff(6);
		let requester = court.person("requester", 100);
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let (colluding, honest) = validators.split_at(3);
		let attack =
			court.attack("colluding_panel_rejects_an_honest_worker", &colluding.iter().collect::<Vec<_>>());
		let before = court.worth(&worker.account);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		for validator in colluding {
			court.verdict(validator, subject, &lie).unwrap();
		}
		for validator in colluding {
			let accused = Accused::Validator(validator.account.clone());
			let played = court.dispute(subject, &accused, (validator, &lie), (&worker, &truth));
			assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
		}
		court.verdicts(honest, subject, &truth);
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		assert_eq!(attack.lost(court), 3 * 100 * UNIT);
		assert!(court.worth(&worker.account) > before + 3 * 50 * UNIT);
	});
}

/// A worker that loses on purpose, to an account of its own, takes no honest validator with it.
#[test]
fn loss_on_purpose_to_convict_honest_validators() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, accomplice) = (court.person("requester", 100), court.person("accomplice", 100));
		let truth = court.truth(&ask());
		let attack = court.attack("loss_on_purpose_to_convict_honest_validators", &[&worker, &accomplice]);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		court.verdicts(&validators, subject, &truth);
		let dispute = court.challenge(&accomplice, subject, &Accused::Worker, &truth);
		let lie = lie(court);
		court.play_out(dispute, &[Party::silent(&worker), Party::of(&accomplice, &lie)]);
		for validator in &validators {
			let before = court.worth(&validator.account);
			let accused = Accused::Validator(validator.account.clone());
			let played = court.dispute(subject, &accused, (validator, &truth), (&accomplice, &lie));
			assert_eq!(played.verdict, Verdict::Stands);
			assert!(court.worth(&validator.account) > before, "an honest validator gains by the bond");
		}
		assert!(attack.lost(court) >= 100 * UNIT);
	});
}

/// A worker and its panels lie in every turn of a channel. It loses one turn on purpose, to an accomplice, so that the
/// channel ends and with it the panels of the others.
#[test]
fn loss_on_purpose_to_save_the_other_panels() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let (accomplice, outsider) = (court.person("accomplice", 100), court.person("outsider", 100));
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let mut all: Vec<&Person> = validators.iter().collect();
		all.extend([&worker, &accomplice]);
		// Two of the turns are drawn, unless the same is drawn twice.
		let (attack, channel, turns, audits) = loop {
			let attack = court.attack("loss_on_purpose_to_save_the_other_panels", &all);
			let channel = court.channel(&requester, &worker, 2 * UNIT, UNIT);
			let mut turns = Turns::none(channel);
			(0..8).for_each(|_| turns.add(ask().kind, &lie, UNIT / 4));
			let close = court.close(turns.tally(), &requester);
			court.ok(&worker, close);
			court.blocks(2);
			let bundle = noesis_runtime::Poi::bundle_view(BundleId::Channel(channel)).unwrap();
			let audits = bundle.audits.unwrap();
			if let [_, _, ..] = audits[..] {
				break (attack, channel, turns, audits);
			}
		};
		let subjects: Vec<Subject> =
			audits.iter().map(|index| Subject::Turn { channel, index: *index }).collect();
		for (index, subject) in audits.iter().zip(&subjects) {
			court.ok(&worker, turns.present(*index));
			court.block();
			court.verdicts(&validators, *subject, &lie);
		}
		let sham = court.challenge(&accomplice, subjects[0], &Accused::Worker, &lie);
		court.play_out(sham, &[Party::silent(&worker)]);
		let state = noesis_runtime::Poi::channel_view(channel).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
		let before = court.worth(&outsider.account);
		for subject in &subjects {
			for validator in &validators {
				let accused = Accused::Validator(validator.account.clone());
				let played = court.dispute(*subject, &accused, (validator, &lie), (&outsider, &truth));
				assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
			}
		}
		// A tenth of what each has, twice.
		assert_eq!(court.worth(&outsider.account) - before, 3 * (50 + 45) * UNIT);
		assert_eq!(attack.lost(court), (200 - 100 + 3 * (100 + 90)) * UNIT);
	});
}

/// Requester and worker, who are one, sign a turn whose input is longer than a dispute can show, to accuse the validators that
/// confirm it. Whoever looks at the turn ends the channel.
#[test]
fn input_too_long_to_be_shown() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("input_too_long_to_be_shown", &[&worker, &requester]);
		let channel = court.channel(&requester, &worker, 2 * UNIT, UNIT);
		let mut turns = Turns::none(channel);
		turns.add(JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 6)), &truth, UNIT / 2);
		turns.turns[0].input_bytes = MAX_TEXT_BYTES + 1;
		let close = court.close(turns.tally(), &requester);
		court.ok(&worker, close);
		court.blocks(2);
		court.ok(&validators[0], turns.present(0));
		let state = noesis_runtime::Poi::channel_view(channel).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
	});
}
