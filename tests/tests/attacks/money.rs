//! Ways to get more out than was put in.

use noesis_primitives::*;
use noesis_runtime::{apis::runtime_decl_for_noesis_api::NoesisApi, Operators, Poi, Runtime};
use noesis_tests::court::*;
use pallet_poi::Call;

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 6)
}

/// What ended is paid once.
#[test]
fn double_settlement() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let job = court.answered(&requester, &ask(), &worker, &truth);
		let subject = Subject::Job(job);
		court.verdicts(&validators, subject, &truth);
		assert_eq!(court.refused(&worker, Call::settle { job }), "WindowOpen");
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
		let mut all: Vec<&Person> = validators.iter().collect();
		all.extend([&worker, &requester]);
		let attack = court.attack("double_settlement", &all);
		for who in [&worker, &requester, &validators[0]] {
			assert_eq!(court.refused(who, Call::settle { job }), "NotAnswered");
			assert_eq!(court.refused(who, Call::expire { job }), "NotDue");
			let engagements = vec![Engagement::Job(job); 32].try_into().unwrap();
			court.ok(who, Call::claim_all { engagements });
		}
		assert_eq!(court.refused(&requester, Call::cancel { job }), "NotOpen");
		assert_eq!(court.refused(&worker, Call::release { job }), "NotAssigned");
		assert!(court.answer(&worker, job, &truth).is_err());
		let call = pallet_dispute::Call::challenge { subject, accused: Accused::Worker, claim: truth.claim };
		let why = court.refused(&requester, call);
		assert!(["Settled", "UnknownSubject"].contains(&why.as_str()), "{why}");
		assert_eq!(court.speak(&validators[0], subject, &truth), Err("NotYet".into()));
		assert_eq!(attack.loss(court), 0);

		// Nor a channel.
		let channel = court.channel(&requester, &worker, 8 * UNIT, UNIT);
		let mut turns = Turns::none(channel);
		turns.add(ask().kind, &truth, UNIT / 2);
		let close = court.close(turns.tally(), &requester);
		court.ok(&worker, close.clone());
		assert_eq!(court.refused(&worker, close), "WrongState");
		let close = court.close(turns.tally(), &worker);
		assert_eq!(court.refused(&requester, close), "WrongState");
		court.blocks(2);
		court.ok(&worker, turns.present(0));
		assert_eq!(court.refused(&worker, turns.present(0)), "AlreadyShown");
		court.block();
		court.verdicts(&validators, Subject::Turn { channel, index: 0 }, &truth);
		while !Poi::channel_view(channel).unwrap().state.is_terminal() {
			court.block();
		}
		assert_eq!(Poi::channel_view(channel).unwrap().state, ChannelState::Paid);
		let attack = court.attack("double_settlement of a channel", &all);
		court.refused(&worker, Call::settle_channel { channel });
		let engagements = vec![Engagement::Bundle(BundleId::Channel(channel)); 32].try_into().unwrap();
		court.ok(&worker, Call::claim_all { engagements });
		court.refused(&worker, turns.present(0));
		assert_eq!(attack.loss(court), 0);
	});
}

/// A requester and a worker that are the same get out together at most what they put in, whatever they try.
#[test]
fn escrow_drain() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("escrow_drain", &[&worker, &requester]);

		// Taken back twice; after it was claimed; by somebody else.
		let job = court.submit(&requester, &ask(), Some(&worker));
		assert_eq!(court.refused(&worker, Call::cancel { job }), "NotRequester");
		court.ok(&requester, Call::cancel { job });
		assert_eq!(court.refused(&requester, Call::cancel { job }), "NotOpen");
		assert_eq!(court.refused(&worker, Call::claim { job }), "NotOpen");
		let job = court.submit(&requester, &ask(), Some(&worker));
		court.ok(&worker, Call::claim { job });
		assert_eq!(court.refused(&requester, Call::cancel { job }), "NotOpen");
		assert_eq!(court.refused(&requester, Call::release { job }), "NotYourJob");

		// Given back and taken again, until it is refunded.
		for _ in 0..3 {
			court.ok(&worker, Call::release { job });
			let _ = court.dispatch(&worker, Call::claim { job });
		}
		assert!(court.job(job).state.is_terminal());
		assert!(court.answer(&worker, job, &truth).is_err());
		assert_eq!(attack.loss(court), 0);
		assert_eq!(court.held(&requester.account), 0);

		// A job for itself: the pot and the panel keep their shares.
		let job = court.answered(&requester, &ask(), &worker, &truth);
		court.verdicts(&validators, Subject::Job(job), &truth);
		court.end_of(job);
		assert!(attack.lost(court) > 0);

		// A fee over what it will be charged; a quote that is too high.
		let spec = ask().spec(court.checkpoint, None);
		assert_eq!(court.refused(&requester, Call::submit { spec, max_fee: 1 }), "FeeTooHigh");

		// Channels: over the cap, over the escrow, unsigned, signed by the wrong side, for a stranger, too late.
		let channel = court.channel(&requester, &worker, 4 * UNIT, UNIT);
		let mut turns = Turns::none(channel);
		turns.add(ask().kind, &truth, 2 * UNIT);
		let close = court.close(turns.tally(), &requester);
		assert_eq!(court.refused(&worker, close), "OverCap");
		let mut turns = Turns::none(channel);
		(0..5).for_each(|_| turns.add(ask().kind, &truth, UNIT));
		let close = court.close(turns.tally(), &requester);
		assert_eq!(court.refused(&worker, close.clone()), "OverCap");
		turns.turns.truncate(3);
		let tally = turns.tally();
		assert_eq!(court.refused(&worker, Call::close_channel { tally, signature: None }), "BadSignature");
		let own = court.close(tally, &worker);
		assert_eq!(court.refused(&worker, own), "BadSignature");
		assert_eq!(court.refused(&validators[0], close), "NotParty");
		// The requester closes by an old tally; the worker has a later one, and no older one counts.
		let mut older = turns.clone();
		older.turns.truncate(1);
		let close = court.close(older.tally(), &worker);
		court.ok(&requester, close);
		let message = older.tally().message(&Poi::genesis());
		let again = Call::contest_close { tally: older.tally(), signature: requester.sign(&message) };
		assert_eq!(court.refused(&worker, again), "NotLater");
		let signature = requester.sign(&tally.message(&Poi::genesis()));
		court.ok(&worker, Call::contest_close { tally, signature });
		while !Poi::channel_view(channel).unwrap().state.is_terminal() {
			court.block();
		}
		// Nobody showed what was drawn: all goes back.
		let state = Poi::channel_view(channel).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Withheld });
		assert_eq!(court.held(&requester.account), 0);
		assert!(attack.lost(court) > 0);
	});
}

/// A turn that was paid in one channel stands in another one's tree, which the requester has signed unread.
#[test]
fn replayed_channel_turn() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let truth = court.truth(&ask());
		let attack = court.attack("replayed_channel_turn", &[&worker]);
		let first = court.channel(&requester, &worker, 2 * UNIT, UNIT);
		let second = court.channel(&requester, &worker, 2 * UNIT, UNIT);
		let mut turns = Turns::none(first);
		turns.add(ask().kind, &truth, UNIT / 2);
		let close = court.close(turns.tally(), &requester);
		court.ok(&worker, close);
		// The same tally once more, for the other channel: the signature is for the first alone.
		let tally = Tally { channel: second, ..turns.tally() };
		let signature = Some(requester.sign(&turns.tally().message(&Poi::genesis())));
		assert_eq!(court.refused(&worker, Call::close_channel { tally, signature }), "BadSignature");
		// The same turn: anybody who shows it ends the channel.
		let replayed = Turns { channel: second, turns: turns.turns.clone() };
		let close = court.close(replayed.tally(), &requester);
		court.ok(&worker, close);
		court.blocks(2);
		court.ok(&outsider, replayed.present(0));
		let state = Poi::channel_view(second).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&outsider.account), 200 * UNIT);
	});
}

/// A lie in one turn costs the whole channel, and a fifth of the stake.
#[test]
fn lying_channel_turn() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let fault = noesis_engine::dispute::Fault { position: 5, layer: 1, index: 9, change: 512 };
		let truth = court.truth(&ask());
		let lie = Work::of(court.model, ask().kind, &ask().input, Some(fault));
		let attack = court.attack("lying_channel_turn", &[&worker]);
		let channel = court.channel(&requester, &worker, 8 * UNIT, UNIT);
		let mut turns = Turns::none(channel);
		(0..4).for_each(|_| turns.add(ask().kind, &truth, UNIT));
		turns.add(ask().kind, &lie, UNIT);
		let close = court.close(turns.tally(), &requester);
		court.ok(&worker, close);
		court.blocks(2);
		for index in 0..5 {
			court.ok(&outsider, turns.present(index));
		}
		court.block();
		let subject = Subject::Turn { channel, index: 4 };
		let played = court.dispute(subject, &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
		let state = Poi::channel_view(channel).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.held(&requester.account), 0);
		let _ = validators;
	});
}

/// What a worker may have open is worth a twentieth of what one lie costs it.
#[test]
fn over_exposed_worker() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 1000);
		let attack = court.attack("over_exposed_worker", &[&worker]);
		let mut open = 0;
		let refused = loop {
			let channel = pallet_poi::NextChannel::<Runtime>::get();
			let spec = ChannelSpec {
				worker: worker.account.clone(),
				checkpoint: court.checkpoint,
				escrow: 3 * UNIT,
				cap: UNIT,
				lifetime: 500,
				tier: Tier::Standard,
				verification: Verification::Sampled,
			};
			court.ok(&requester, Call::open_channel { spec });
			match court.dispatch(&worker, Call::accept_channel { channel }) {
				Ok(()) => open += 3 * UNIT,
				Err(error) => break error,
			}
		};
		assert!(format!("{refused:?}").contains("OverExposed"), "{refused:?}");
		let slash = 200 * UNIT;
		assert!(open > 0 && open * 20 <= slash);
		// Leaving does not help: it has to end what is open first.
		assert_eq!(court.refused(&worker, pallet_operators::Call::unbond {}), "JobsOpen");
		assert_eq!(Operators::record(&worker.account).unwrap().exposure, open);
		attack.gained_nothing(court);
	});
}

/// A queue full of jobs that a worker has not the stake for hides none that it has.
#[test]
fn queue_full_of_jobs_too_dear_for_its_worker() {
	session(|court| {
		let (worker, _) = court.staff(1);
		let (requester, flooder) = (court.person("requester", 100), court.person("flooder", 1000));
		let attack = court.attack("queue_full_of_jobs_too_dear_for_its_worker", &[&flooder]);
		let flood = Ask::tokens(&[40, 7, 99, 150], 20);
		let dear: Vec<JobId> = (0..100).map(|_| court.submit(&flooder, &flood, None)).collect();
		let job = court.submit(&requester, &ask(), None);
		// Other work has left it room for this one alone.
		let between = (court.job(job).escrow + court.job(dear[0]).escrow) / 2;
		court.channel(&requester, &worker, Operators::free_exposure(&worker.account) - between, UNIT);
		court.blocks(5);
		assert_eq!(Runtime::open_jobs(worker.account.clone(), 10), vec![job]);
		court.ok(&worker, Call::claim { job });
		for job in dear {
			assert!(matches!(court.end_of(job), JobState::Refunded { .. }));
		}
		assert_eq!(attack.loss(court), 0);
	});
}

/// A requester that asks for more validators than there are must not have its answer for nothing.
#[test]
fn unreachable_quorum() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let attack = court.attack("unreachable_quorum", &[&requester]);
		let ask = ask().checked(Verification::Replicated(5));
		let spec = ask.spec(court.checkpoint, Some(&worker));
		let job = pallet_poi::NextJob::<Runtime>::get();
		if court.dispatch(&requester, Call::submit { spec, max_fee: 2 * UNIT }).is_err() {
			attack.gained_nothing(court);
			return;
		}
		court.ok(&worker, Call::claim { job });
		court.answer(&worker, job, &truth).unwrap();
		court.block();
		court.verdicts(&validators, Subject::Job(job), &truth);
		court.end_of(job);
		let paid = attack.loss(court);
		assert!(paid > 0, "the requester has the right answer, three honest verdicts, and all its money");
	});
}
