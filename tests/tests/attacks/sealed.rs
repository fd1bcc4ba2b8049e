//! Sealed jobs: what is tried to read them, to spoil them, and to lie about them.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_runtime::Operators;
use noesis_tests::court::*;
use noesis_worker::sealed::{OpenError, OpenedJob, ReadError, Refusal};

fn ask() -> Ask {
	Ask::text("the sea", 4).checked(Verification::Panel(3))
}

fn marks(person: &Person) -> u32 {
	Operators::marks(&person.account)
}

fn refunded(reason: RefundReason) -> JobState<noesis_runtime::AccountId> {
	JobState::Refunded { reason }
}

/// The way it should be: the drawn validators are given the key, find the same ciphertext, and are paid.
#[test]
fn sealed_job_should_be_final_when_its_panel_reads_it() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let truth = court.truth(&ask());
		let (job, _, work) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		assert_ne!(work.claim.output, truth.claim.output);
		for validator in &validators {
			let key = loop {
				match court.ask_for_key(validator, job) {
					Err(Refusal::NotDrawn | Refusal::NoPanel) => court.block(),
					result => break result.unwrap(),
				}
			};
			let view = court.job(job);
			let Payload::Inline(input) = view.spec.input else { panic!("stored") };
			let opened = OpenedJob::open_with(key, view.spec.sealed.unwrap(), &input).unwrap();
			assert_eq!(opened.prompt(), b"the sea");
			court.verdict(validator, Subject::Job(job), &truth.sealed(job, &opened)).unwrap();
		}
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
	});
}

/// Somebody else's envelope in a job of his own, to have it audited by a panel on which he sits.
#[test]
fn stolen_envelope() {
	session(|court| {
		let (worker, _) = court.staff(2);
		let (victim, thief) = (court.person("victim", 100), court.person("thief", 100));
		let sitting = court.operator("validator of the thief", Role::Validator, 1000);
		court.block();
		let attack = court.attack("stolen_envelope", &[&thief, &sitting]);
		let envelope = court.seal(&victim, &worker, &ask().input);
		let stolen = (&envelope.bytes[..], envelope.commitment);
		let job = court.submit_sealed(&thief, &ask(), &worker, stolen);
		let shut = ReadError::Shut { job, why: OpenError::NotForUs };
		assert_eq!(court.open_sealed(&worker, job).unwrap_err(), shut);
		// A worker that had looked too late gives it back, and gets no mark.
		court.ok(&worker, pallet_poi::Call::claim { job });
		court.ok(&worker, pallet_poi::Call::release { job });
		assert_eq!(marks(&worker), 0);
		// One that answered without reading could not hand out what it does not have.
		court.ok(&worker, pallet_poi::Call::claim { job });
		let nothing = Usage { input_tokens: 4, output_tokens: 4 };
		let blind = Work::garbage(court.model, nothing, &ask().input, 9);
		court.answer(&worker, job, &blind).unwrap();
		let refusal = loop {
			court.block();
			match court.ask_for_key(&sitting, job) {
				Err(Refusal::NotDrawn | Refusal::NoPanel) => {},
				result => break result.err(),
			}
		};
		assert_eq!(refusal, Some(Refusal::Unreadable));
		assert_eq!(court.end_of(job), refunded(RefundReason::Unverified));
		attack.gained_nothing(court);
	});
}

/// Who is no validator, came too late, or comes when the panel is over, gets no key.
#[test]
fn key_for_an_outsider() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let outsider = court.person("outsider", 2000);
		let truth = court.truth(&ask());
		let (job, _, work) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		assert_eq!(court.ask_for_key(&outsider, job).err(), Some(Refusal::NotDrawn));
		let late = court.operator("latecomer", Role::Validator, 1000);
		court.verdicts(&validators[..1], Subject::Job(job), &work);
		for _ in 0..3 {
			assert_eq!(court.ask_for_key(&late, job).err(), Some(Refusal::NotDrawn));
			court.block();
		}
		court.verdicts(&validators[1..], Subject::Job(job), &work);
		// Every seat is taken. However the draw widens after that, nobody else is let in.
		for _ in 0..20 {
			assert_eq!(court.ask_for_key(&validators[0], job).err(), Some(Refusal::NoPanel));
			court.block();
		}
		assert_eq!(court.end_of(job), JobState::Final { worker: worker.account.clone() });
	});
}

/// The commitment opens to another prompt than the envelope: an honest worker does not touch the job.
#[test]
fn commitment_to_another_prompt() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("commitment_to_another_prompt", &[&requester]);
		let (sea, sky) =
			(court.seal(&requester, &worker, b"the sea"), court.seal(&requester, &worker, b"the sky"));
		let job = court.submit_sealed(&requester, &ask(), &worker, (&sea.bytes, sky.commitment));
		let shut = ReadError::Shut { job, why: OpenError::Commitment };
		assert_eq!(court.open_sealed(&worker, job).unwrap_err(), shut);
		court.ok(&worker, pallet_poi::Call::claim { job });
		court.ok(&worker, pallet_poi::Call::release { job });
		assert_eq!(court.end_of(job), refunded(RefundReason::Expired));
		assert_eq!((marks(&worker), attack.loss(court)), (0, 0));
	});
}

/// A worker that answers such a job all the same can't show in a dispute what it read.
#[test]
fn answer_to_another_prompt_than_was_committed_to() {
	session(|court| {
		let (_, validators) = court.staff(3);
		let worker = court.operator("accomplice", Role::Worker, 1000);
		let (requester, honest) = (court.person("requester", 100), &validators[0]);
		court.block();
		let attack = court.attack("answer_to_another_prompt_than_was_committed_to", &[&requester, &worker]);
		let (sea, sky) =
			(court.seal(&requester, &worker, b"the sea"), court.seal(&requester, &worker, b"the sky"));
		let job = court.submit_sealed(&requester, &ask(), &worker, (&sea.bytes, sky.commitment));
		// Both prompts open; only one is what the job commits to.
		let of = |envelope: &noesis_worker::sealed::Envelope| {
			OpenedJob::recover(requester.keys().seal(), envelope.commitment, &envelope.bytes).unwrap()
		};
		let (read, meant) = (of(&sea), of(&sky));
		let answered = court.truth(&ask()).sealed(job, &read);
		court.ok(&worker, pallet_poi::Call::claim { job });
		court.answer(&worker, job, &answered).unwrap();
		court.block();
		let truth = court.truth(&Ask::text("the sky", 4)).sealed(job, &meant);
		let played =
			court.dispute(Subject::Job(job), &Accused::Worker, (&worker, &answered), (honest, &truth));
		assert_eq!(played.verdict, Verdict::Falls(Ground::Silence), "{played:?}");
		assert_eq!(attack.lost(court), 200 * UNIT);
	});
}

/// The worker gives its panel no key: nobody can speak, nobody is paid, and the requester has all back.
#[test]
fn withheld_content_key() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("withheld_content_key", &[&worker]);
		let paid = court.worth(&requester.account);
		let truth = court.truth(&ask());
		let (job, ..) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		assert_eq!(court.end_of(job), refunded(RefundReason::Unverified));
		assert_eq!(court.worth(&requester.account), paid);
		assert_eq!(attack.loss(court), 0);
	});
}

/// The panel reads a sealed answer, and another text than that of the trace is not paid.
#[test]
fn another_text_in_a_sealed_answer() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("another_text_in_a_sealed_answer", &[&worker]);
		let paid = court.worth(&requester.account);
		let truth = court.truth(&ask());
		let lie = truth.with_output(b"Lyon.");
		let (job, opened, _) = court.answered_sealed(&requester, &ask(), &worker, &lie);
		court.verdicts(&validators, Subject::Job(job), &truth.sealed(job, &opened));
		assert_eq!(court.end_of(job), refunded(RefundReason::Rejected));
		attack.gained_nothing(court);
		assert_eq!((court.worth(&requester.account), marks(&worker)), (paid, 1));
	});
}

/// Where no panel looks, the requester shows the text that it opened, and the token that is not in it.
#[test]
fn another_text_in_a_sealed_answer_that_nobody_checks() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("another_text_in_a_sealed_answer_that_nobody_checks", &[&worker]);
		let paid = court.worth(&requester.account);
		let truth = court.truth(&ask());
		let (job, _, lie) = court.answered_sealed(&requester, &ask(), &worker, &truth.with_output(b"Lyon."));
		let (subject, accused, claim) = (Subject::Job(job), Accused::Worker, lie.claim);
		// The ciphertext alone shows nothing, and neither does the text without its seal.
		let right = court.show_other_output(&truth, &lie).expect("a token is another");
		let prove =
			|proof| pallet_dispute::Call::prove_output { subject, accused: accused.clone(), claim, proof };
		let bare = OutputProof { seal: None, ..right.clone() };
		assert_eq!(court.refused(&requester, prove(bare)), "WrongOutput");
		court.ok(&requester, prove(right));
		assert_eq!(court.job(job).state, refunded(RefundReason::Overturned));
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), paid + 100 * UNIT);
	});
}

/// What nobody can open is demanded, and has to be shown with the seal to which the job commits.
#[test]
fn sealed_answer_that_nobody_opens() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("sealed_answer_that_nobody_opens", &[&worker]);
		let paid = court.worth(&requester.account);
		let envelope = court.seal(&requester, &worker, &ask().input);
		let job = court.submit_sealed(&requester, &ask(), &worker, (&envelope.bytes, envelope.commitment));
		court.ok(&worker, pallet_poi::Call::claim { job });
		let lie = court.truth(&ask()).with_output(b"no sealed answer");
		court.answer(&worker, job, &lie).unwrap();
		court.block();
		let own = court.open_sealed(&requester, job).unwrap();
		let truth = court.truth(&ask()).sealed(job, &own);
		let dispute = court.demand(&requester, Subject::Job(job), &Accused::Worker, &lie);
		let seal = own.seals().output;
		for (bytes, seal) in [(&lie.text, None), (&lie.text, Some(seal)), (&truth.text, Some(seal))] {
			let output = ShownOutput::Bytes { bytes: bytes.clone().try_into().unwrap(), seal };
			let show = pallet_dispute::Call::show_output { dispute, output };
			assert_eq!(court.refused(&worker, show), "WrongOutput");
		}
		let played = court.play_out(dispute, &[Party::of(&worker, &lie), Party::of(&requester, &truth)]);
		assert_eq!(played.verdict, Verdict::Falls(Ground::Silence), "{played:?}");
		assert_eq!(court.job(job).state, refunded(RefundReason::Overturned));
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), paid + 100 * UNIT);
	});
}

/// A bond alone buys no look at a sealed job.
#[test]
fn bought_look_at_a_sealed_answer() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, griefer) = (court.person("requester", 100), court.person("griefer", 100));
		let attack = court.attack("bought_look_at_a_sealed_answer", &[&griefer]);
		let truth = court.truth(&ask());
		let (job, _, answered) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		let (subject, claim) = (Subject::Job(job), answered.claim);
		let challenge = pallet_dispute::Call::challenge { subject, accused: Accused::Worker, claim };
		assert_eq!(court.refused(&griefer, challenge), "Sealed");
		let demand = pallet_dispute::Call::demand { subject, accused: Accused::Worker, claim };
		assert_eq!(court.refused(&griefer, demand), "Sealed");
		attack.gained_nothing(court);
	});
}

/// A validator that demands a sealed answer that is right pays for reading it, and learns nothing of the prompt.
#[test]
fn sealed_answer_demanded_by_a_curious_validator() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, curious) = (court.person("requester", 100), &validators[0]);
		let truth = court.truth(&ask());
		let (job, _, answered) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		let attack = court.attack("sealed_answer_demanded_by_a_curious_validator", &[curious]);
		let dispute = court.demand(curious, Subject::Job(job), &Accused::Worker, &answered);
		let played = court.play_out(dispute, &[Party::of(&worker, &answered), Party::of(curious, &truth)]);
		assert_eq!(played.verdict, Verdict::Stands, "{played:?}");
		let stages: Vec<_> = played.moves.iter().map(|(_, stage)| stage).collect();
		assert!(stages.iter().all(|stage| matches!(stage, Stage::Output | Stage::Compare)), "{stages:?}");
		assert!(attack.lost(court) > 0);
	});
}

/// A lie about a sealed job is lost like any other: `lie` is disputed by the requester, who can read the job.
fn convicted(name: &'static str, lie: impl FnOnce(&Court) -> Work) -> Played {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let (truth, lie) = (court.truth(&ask()), lie(court));
		let attack = court.attack(name, &[&worker]);
		let paid = court.worth(&requester.account);
		let (job, _, lie) = court.answered_sealed(&requester, &ask(), &worker, &lie);
		let own = court.open_sealed(&requester, job).unwrap();
		let truth = truth.sealed(job, &own);
		let played =
			court.dispute(Subject::Job(job), &Accused::Worker, (&worker, &lie), (&requester, &truth));
		assert_eq!(court.job(job).state, refunded(RefundReason::Overturned));
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), paid + 100 * UNIT);
		played
	})
}

#[test]
fn sealed_job_read_wrongly() {
	let played = convicted("sealed_job_read_wrongly", |court| {
		court.truth(&Ask::text("the sky", 4)).passed_off_for(b"the sea")
	});
	assert!(matches!(played.verdict, Verdict::Falls(_)), "{played:?}");
}

#[test]
fn sealed_job_computed_wrongly() {
	let fault = Fault { position: 3, layer: 1, index: 17, change: 900 };
	let played = convicted("sealed_job_computed_wrongly", |court| {
		Work::of(court.model, ask().kind, &ask().input, Some(fault))
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
}

/// Who disputes a sealed answer that is right loses, wherever it leads the game: the worker shows prompt and salt.
#[test]
fn griefing_of_a_sealed_job() {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, griefer) = (court.person("requester", 100), &validators[0]);
		let attack = court.attack("griefing_of_a_sealed_job", &[griefer]);
		let truth = court.truth(&ask());
		let (job, _, answered) = court.answered_sealed(&requester, &ask(), &worker, &truth);
		// It disagrees with the first token, which is read from the prompt.
		let other = court.truth(&Ask::text("a sky", 4));
		let played =
			court.dispute(Subject::Job(job), &Accused::Worker, (&worker, &answered), (griefer, &other));
		assert_eq!(played.verdict, Verdict::Stands, "{played:?}");
		let reads = |(_, stage): &&(_, Stage)| matches!(stage, Stage::Text { .. });
		assert_eq!(played.moves.iter().filter(reads).count(), 1, "the prompt was not shown: {played:?}");
		assert!(attack.lost(court) > 0);
	});
}
