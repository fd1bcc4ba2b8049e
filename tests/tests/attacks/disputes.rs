//! Disputes that are brought, or not answered, in bad faith.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_runtime::{configs::PotAccount, parameters::dynamic_params::dispute, Dispute, Poi};
use noesis_tests::court::*;
use polkadot_sdk::frame_support::traits::Get;

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 6)
}

fn lie(court: &Court) -> Work {
	let fault = Fault { position: 6, layer: 1, index: 40, change: -700 };
	Work::of(court.model, ask().kind, &ask().input, Some(fault))
}

#[test]
fn griefing_challenger() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, griefer) = (court.person("requester", 100), court.person("griefer", 100));
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let attack = court.attack("griefing_challenger", &[&griefer]);
		let before = court.worth(&worker.account);
		let pot = court.worth(&PotAccount::get());
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		let (mut lost, mut bond) = (0, 10 * UNIT);
		for _ in 0..3 {
			let played = court.dispute(subject, &Accused::Worker, (&worker, &truth), (&griefer, &lie));
			assert_eq!(played.verdict, Verdict::Stands);
			lost += bond;
			assert_eq!(court.worth(&worker.account), before + lost / 2);
			assert_eq!(court.worth(&PotAccount::get()), pot + lost / 2);
			bond *= 2;
		}
		// It can't pay the next one.
		let claim = truth.claim;
		court.refused(&griefer, pallet_dispute::Call::challenge { subject, accused: Accused::Worker, claim });
		court.verdicts(&validators, subject, &truth);
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		assert_eq!(attack.lost(court), 70 * UNIT);
		assert!(court.worth(&worker.account) > before + 35 * UNIT, "the honest worker is paid besides");
	});
}

/// Who disputes again and again what it agrees with, to hold up an honest worker, must pay for it.
#[test]
fn griefing_by_giving_in() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, griefer) = (court.person("requester", 100), court.person("griefer", 20_000));
		let truth = court.truth(&ask());
		let attack = court.attack("griefing_by_giving_in", &[&griefer]);
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let (subject, first) = (Subject::Job(job), court.now());
		// It agrees with everything, and so comes to the last token, and to the last step of its choice.
		for _ in 0..12 {
			let id = court.challenge(&griefer, subject, &Accused::Worker, &truth);
			court.play_out(id, &[Party::of(&worker, &truth), Party::of(&griefer, &truth)]);
			court.blocks(40);
		}
		assert!(!court.job(job).state.is_terminal());
		println!("griefing_by_giving_in: the worker waited {} blocks", court.now() - first);
		attack.lost(court);
	});
}

/// A lying worker has an accomplice dispute it first, to lose. The honest dispute runs beside it all the same.
#[test]
fn sham_dispute_does_not_block_an_honest_one() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let shams: Vec<Person> = (0..16).map(|i| court.person(&format!("sham {i}"), 20)).collect();
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let mut all: Vec<&Person> = shams.iter().collect();
		all.push(&worker);
		let attack = court.attack("sham_dispute_does_not_block_an_honest_one", &all);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let subject = Subject::Job(job);
		// The docket is full of accomplices.
		let open: Vec<DisputeId> =
			shams.iter().map(|sham| court.challenge(sham, subject, &Accused::Worker, &lie)).collect();
		let (accused, claim) = (Accused::Worker, lie.claim);
		let call = pallet_dispute::Call::challenge { subject, accused, claim };
		assert_eq!(court.refused(&outsider, call.clone()), "DocketFull");
		// The worker makes its move in each, and the accomplices are silent: they lose their bonds, and the place.
		let party = Party::of(&worker, &lie);
		for dispute in &open {
			let view = Dispute::dispute(*dispute).unwrap();
			let play = court.next_play(&party, &view).unwrap();
			court.play(&worker, *dispute, play).unwrap();
		}
		court.blocks(12);
		assert!(Dispute::open_disputes(64).is_empty());
		assert_eq!(open.iter().filter(|id| court.verdict_of(**id) == Some(Verdict::Stands)).count(), 16);
		// What they lost makes the next bond dearer, but not too dear for who is right.
		let id = pallet_dispute::NextDispute::<noesis_runtime::Runtime>::get();
		court.ok(&outsider, call);
		let played = court.play_out(id, &[Party::of(&worker, &lie), Party::of(&outsider, &truth)]);
		assert!(matches!(played.verdict, Verdict::Falls(_)), "{played:?}");
		assert_eq!(
			Poi::job_view(job).unwrap().state,
			JobState::Refunded { reason: RefundReason::Overturned }
		);
		assert!(attack.lost(court) >= 200 * UNIT);
		assert!(court.worth(&outsider.account) > 100 * UNIT);
	});
}

/// Many accounts dispute the answers of a worker at once, so that it can't make all the moves that are due. It has the more
/// time for each, and even the slowest one that the chain reckons with, two moves in a window, wins them all.
#[test]
fn crowd_of_disputes() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let griefers: Vec<Person> = (0..24).map(|i| court.person(&format!("griefer {i}"), 20)).collect();
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let attack = court.attack("crowd_of_disputes", &griefers.iter().collect::<Vec<_>>());
		let before = court.worth(&worker.account);
		let jobs = [(); 2].map(|_| court.answered(&requester, &ask(), &worker, &truth));
		let open = |court: &mut Court, (i, griefer): (usize, &Person)| {
			court.challenge(griefer, Subject::Job(jobs[i % 2]), &Accused::Worker, &truth)
		};
		for job in jobs {
			court.verdicts(&validators, Subject::Job(job), &truth);
		}
		let opened: Vec<DisputeId> = griefers.iter().enumerate().map(|each| open(court, each)).collect();
		let (party, first) = (Party::of(&worker, &truth), court.now());
		let pace = dispute::ResponseWindow::get() / dispute::MovesPerWindow::get();
		while !Dispute::open_disputes(1).is_empty() {
			if court.now().is_multiple_of(pace) {
				let urgent = Dispute::disputes_of(&worker.account, 1).pop();
				if let Some(view) = urgent.filter(|view| view.mover == worker.account) {
					let play = court.next_play(&party, &view).unwrap();
					court.play(&worker, view.id, play).unwrap();
				}
			}
			for view in Dispute::open_disputes(64) {
				if let Some(griefer) = griefers.iter().find(|griefer| griefer.account == view.mover) {
					let play = court.next_play(&Party::of(griefer, &lie), &view).unwrap();
					court.play(griefer, view.id, play).unwrap();
				}
			}
			court.block();
		}
		println!("crowd_of_disputes: {} disputes took {} blocks", opened.len(), court.now() - first);
		assert!(opened.iter().all(|id| court.verdict_of(*id) == Some(Verdict::Stands)));
		for job in jobs {
			assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		}
		assert_eq!(attack.lost(court), 240 * UNIT);
		assert!(court.worth(&worker.account) > before + 120 * UNIT);
	});
}

/// Whoever falls silent loses, whichever move it is.
#[test]
fn silence_at_every_move() {
	let game = |worker_moves: usize, challenger_moves: usize| {
		session(|court| {
			let (worker, _) = court.staff(3);
			let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
			let (truth, lie) = (court.truth(&ask()), lie(court));
			let before = [&worker, &outsider].map(|person| court.worth(&person.account) as i128);
			let job = court.answered(&requester, &ask(), &worker, &lie);
			let id = court.challenge(&outsider, Subject::Job(job), &Accused::Worker, &lie);
			let parties = [
				Party::until(&worker, &lie, worker_moves),
				Party::until(&outsider, &truth, challenger_moves),
			];
			let played = court.play_out(id, &parties);
			let after = [&worker, &outsider].map(|person| court.worth(&person.account) as i128);
			let by_worker = played.moves.iter().filter(|(who, _)| *who == worker.account).count();
			let gains = [0, 1].map(|i| (after[i] - before[i]) / UNIT as i128);
			(played.verdict, by_worker, played.moves.len() - by_worker, gains)
		})
	};
	let (verdict, worker_moves, challenger_moves, _) = game(usize::MAX, usize::MAX);
	assert_eq!(verdict, Verdict::Falls(Ground::Step));
	assert!(worker_moves > 3 && challenger_moves > 3);
	for moves in 0..worker_moves {
		let (verdict, _, _, gains) = game(moves, usize::MAX);
		assert_eq!((verdict, gains), (Verdict::Falls(Ground::Silence), [-200, 100]), "worker, {moves}");
	}
	for moves in 0..challenger_moves {
		let (verdict, _, _, gains) = game(usize::MAX, moves);
		assert_eq!((verdict, gains), (Verdict::Stands, [5, -10]), "challenger, {moves}");
	}
	println!(
		"attack silence_at_every_move: before 2000 .. after 1800 .. loss 200, at each of {worker_moves} moves of a \
		 worker; before 100 .. after 90 .. loss 10, at each of {challenger_moves} of a challenger"
	);
}

/// An answer that nobody can fetch is worth to its worker what its hash is worth: nothing, if it is wrong; and what it
/// does not show in a dispute, it loses.
#[test]
fn withheld_data() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let truth = court.truth(&ask());
		let attack = court.attack("withheld_data", &[&worker]);
		let hidden = truth.with_output(b"nobody will ever read this").stored_nowhere();
		let job = court.answered(&requester, &ask(), &worker, &hidden);
		court.verdicts(&validators, Subject::Job(job), &truth);
		assert_eq!(court.end_of(job), JobState::Refunded { reason: RefundReason::Rejected });
		attack.gained_nothing(court);
		// The trace behind it is withheld, too.
		let job = court.answered(&requester, &ask(), &worker, &lie(court).copied());
		let id = court.challenge(&outsider, Subject::Job(job), &Accused::Worker, &lie(court));
		let played = court.play_out(id, &[Party::silent(&worker), Party::of(&outsider, &truth)]);
		assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
	});
}

/// A right trace, and an output of which nobody has the bytes. The panel vouches for it; an outsider demands it.
#[test]
fn withheld_output() {
	for shows in [false, true] {
		session(|court| {
			let (worker, validators) = court.staff(3);
			let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
			let truth = court.truth(&ask());
			let mut all: Vec<&Person> = validators.iter().collect();
			all.push(&worker);
			let attack = court.attack("withheld_output", &all);
			let hidden = truth.with_output(b"nobody will ever read this").stored_nowhere();
			let job = court.answered(&requester, &ask(), &worker, &hidden);
			let subject = Subject::Job(job);
			court.verdicts(&validators, subject, &hidden);
			// There is no step of the trace to dispute, and no token to show without the bytes.
			let id = court.demand(&outsider, subject, &Accused::Worker, &hidden);
			let party = if shows { Party::of(&worker, &hidden) } else { Party::silent(&worker) };
			let played = court.play_out(id, &[party, Party::of(&outsider, &truth)]);
			if shows {
				// What it shows convicts it, and all who found the same.
				assert_eq!(played.verdict, Verdict::Falls(Ground::Record));
			} else {
				assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
				for validator in &validators {
					let accused = Accused::Validator(validator.account.clone());
					let id = court.demand(&outsider, subject, &accused, &hidden);
					let played = court.play_out(id, &[Party::silent(validator)]);
					assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
				}
			}
			assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
			assert_eq!(attack.lost(court), (200 + 3 * 100) * UNIT);
			assert_eq!(court.worth(&requester.account), 100 * UNIT);
			assert_eq!(court.worth(&outsider.account), (100 + 100 + 3 * 50) * UNIT);
		});
	}
}

/// Who demands the bytes of an honest worker again and again pays for it, and more than the showing costs.
#[test]
fn griefing_by_demands() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, griefer) = (court.person("requester", 100), court.person("griefer", 100));
		let truth = court.truth(&ask());
		let stored = truth.stored_nowhere();
		let attack = court.attack("griefing_by_demands", &[&griefer]);
		let before = court.worth(&worker.account);
		let job = court.answered(&requester, &ask(), &worker, &stored);
		let subject = Subject::Job(job);
		let (mut lost, mut bond) = (0, 10 * UNIT);
		for _ in 0..3 {
			let id = court.demand(&griefer, subject, &Accused::Worker, &stored);
			let played = court.play_out(id, &[Party::of(&worker, &stored), Party::of(&griefer, &truth)]);
			assert_eq!((played.verdict, played.moves.len()), (Verdict::Stands, 1));
			lost += bond;
			assert_eq!(court.worth(&worker.account), before + lost / 2);
			bond *= 2;
		}
		court.verdicts(&validators, subject, &truth);
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		assert_eq!(attack.lost(court), 70 * UNIT);
		// The longest output that can be demanded costs who has to show it less than the least bond brings.
		let bytes = vec![b'a'; MAX_OUTPUT_BYTES as usize].try_into().unwrap();
		let (dispute, output) = (DisputeId(0), ShownOutput::Bytes { bytes, seal: None });
		let why = court.refused(&worker, pallet_dispute::Call::show_output { dispute, output });
		let filed = court.calls.last().unwrap();
		let millis = filed.weight.ref_time() / 1_000_000_000;
		println!("showing {MAX_OUTPUT_BYTES} bytes costs {} planck and weighs {millis} ms", filed.fee);
		assert_eq!(why, "NoDispute");
		assert!(filed.fee < 5 * UNIT && millis < 500);
		// An output that is on the chain already can't be demanded.
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let (subject, accused, claim) = (Subject::Job(job), Accused::Worker, truth.claim);
		let demand = pallet_dispute::Call::demand { subject, accused, claim };
		assert_eq!(court.refused(&griefer, demand), "OutputKnown");
	});
}

/// Accomplices that dispute a lie, agree with all of it and lose pay a part of their bonds back to the liar. That must not
/// price the honest out.
#[test]
fn bond_inflation() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let shams: Vec<Person> = (0..12).map(|i| court.person(&format!("sham {i}"), 20)).collect();
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let mut all: Vec<&Person> = shams.iter().collect();
		all.push(&worker);
		let attack = court.attack("bond_inflation", &all);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let subject = Subject::Job(job);
		let open: Vec<DisputeId> =
			shams.iter().map(|sham| court.challenge(sham, subject, &Accused::Worker, &lie)).collect();
		for (dispute, sham) in open.into_iter().zip(&shams) {
			let played = court.play_out(dispute, &[Party::of(&worker, &lie), Party::of(sham, &lie)]);
			assert_eq!(played.verdict, Verdict::Stands);
		}
		let bond = Dispute::bond_for(subject);
		assert!(bond <= 80 * UNIT, "who is right must hold {} DOT", bond / UNIT);
		let played = court.dispute(subject, &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		assert!(matches!(played.verdict, Verdict::Falls(_)));
		assert!(attack.lost(court) >= 200 * UNIT);
	});
}

/// A stranger can't move for a player, nor a player out of turn, nor twice.
#[test]
fn foreign_moves() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let stranger = court.person("stranger", 100);
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let attack = court.attack("foreign_moves", &[&stranger]);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let dispute = court.challenge(&outsider, Subject::Job(job), &Accused::Worker, &lie);
		let party = Party::of(&worker, &lie);
		let view = Dispute::dispute(dispute).unwrap();
		let play = court.next_play(&party, &view).unwrap();
		for who in [&stranger, &outsider] {
			assert!(court.play(who, dispute, play.clone()).is_err());
		}
		court.play(&worker, dispute, play.clone()).unwrap();
		assert!(court.play(&worker, dispute, play).is_err());
		assert_eq!(court.refused(&worker, pallet_dispute::Call::choose { dispute, child: 0 }), "OutOfTurn");
		assert_eq!(court.refused(&outsider, pallet_dispute::Call::choose { dispute, child: 16 }), "NoChild");
		assert_eq!(court.refused(&stranger, pallet_dispute::Call::timeout { dispute }), "NotDue");
		assert_eq!(court.refused(&stranger, pallet_dispute::Call::choose { dispute, child: 0 }), "NotPlayer");
		court.play_out(dispute, &[party, Party::of(&outsider, &truth)]);
		attack.gained_nothing(court);
	});
}
