//! Workers that answer something else than the truth.

use noesis_engine::{dispute::Fault, trace::TokenLeaf};
use noesis_primitives::*;
use noesis_tests::court::*;

/// The honest outsider disputes a wrong answer and wins: the worker loses a fifth of its stake, half of it to the
/// outsider, and the requester has all back.
fn convicted(name: &'static str, ask: &Ask, lie: impl FnOnce(&Court) -> Work) -> Played {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let truth = court.truth(ask);
		let lie = lie(court);
		let attack = court.attack(name, &[&worker]);
		let [paid, watched] = [&requester, &outsider].map(|person| court.worth(&person.account));
		let job = court.answered(&requester, ask, &worker, &lie);
		let played = court.dispute(Subject::Job(job), &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		assert!(matches!(played.verdict, Verdict::Falls(_)), "{played:?}");
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), paid);
		assert_eq!(court.worth(&outsider.account), watched + 100 * UNIT);
		played
	})
}

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 6)
}

#[test]
fn fault_should_cost_the_worker_when_an_outsider_disputes_it() {
	let fault = Fault { position: 5, layer: 1, index: 17, change: 900 };
	let played =
		convicted("fault", &ask(), |court| Work::of(court.model, ask().kind, &ask().input, Some(fault)));
	assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
}

#[test]
fn garbage_answer() {
	let played = convicted("garbage_answer", &ask(), |court| {
		let usage = Usage { input_tokens: 4, output_tokens: 6 };
		Work::garbage(court.model, usage, &ask().input, 9)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
}

#[test]
fn cached_answer() {
	let played = convicted("cached_answer", &ask(), |court| {
		let other = Ask::tokens(&[40, 7, 98, 150], 6);
		court.truth(&other).passed_off_for(&ask().input)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Record));
}

#[test]
fn smaller_model() {
	let run = |model: &'static Model| Work::of(model, ask().kind, &ask().input, None);
	let played = convicted("smaller_model", &ask(), |_| run(&models().smaller));
	assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
}

#[test]
fn requantised_model() {
	let run = |model: &'static Model| Work::of(model, ask().kind, &ask().input, None);
	let played = convicted("requantised_model", &ask(), |_| run(&models().requantised));
	assert_eq!(played.verdict, Verdict::Falls(Ground::Silence));
}

/// Tokens behind a prompt, as a trace has them.
fn continued(court: &Court, ask: &Ask, ids: &[u32]) -> Forgery {
	let mut tokens: Vec<TokenLeaf> = court.truth(ask).tokens()[..4].to_vec();
	let mut end = 0;
	for id in ids {
		end += court.model.engine.tokenizer().bytes(*id).len() as u32;
		tokens.push(TokenLeaf { id: *id, end });
	}
	Forgery::of_tokens(court.model, ask.kind, &tokens, 4)
}

#[test]
fn right_prefill_with_forged_tokens() {
	let played = convicted("right_prefill_with_forged_tokens", &ask(), |court| {
		Work::forged(continued(court, &ask(), &[50, 60, 70, 80, 90, 100]), &ask().input)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
}

#[test]
fn one_forged_token() {
	let played = convicted("one_forged_token", &ask(), |court| {
		let mut ids: Vec<u32> = court.truth(&ask()).tokens()[4..].iter().map(|token| token.id).collect();
		ids[3] = if ids[3] == 77 { 78 } else { 77 };
		Work::forged(continued(court, &ask(), &ids), &ask().input)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
}

#[test]
fn wrong_input_tokens() {
	let played = convicted("wrong_input_tokens", &ask(), |court| {
		let read = [40, 7, 99, 151].iter().flat_map(|id: &u32| id.to_le_bytes()).collect::<Vec<u8>>();
		Work::of(court.model, ask().kind, &read, None).passed_off_for(&ask().input)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Record));
}

/// A job whose answer the model ends by itself, early.
fn ending(court: &Court) -> Ask {
	let most = 12;
	let ends = |ask: &Ask| {
		let tokens = court.truth(ask).tokens();
		(5..4 + most as usize).contains(&tokens.len()) && tokens.last().is_some_and(|token| token.id == 2)
	};
	let asks = (0..).map(|seed| Ask::tokens(&[40, 7, 99, 150], most).sampled(9000, seed));
	asks.take(2000).find(ends).expect("the model ends an answer")
}

#[test]
fn went_on_after_the_end_token() {
	let ask = session(|court| ending(court));
	let played = convicted("went_on_after_the_end_token", &ask, |court| {
		let mut tokens = court.truth(&ask).tokens();
		for _ in 0..2 {
			let id = Forgery::next(court.model, ask.kind, &tokens, 4);
			let end = tokens.last().unwrap().end + court.model.engine.tokenizer().bytes(id).len() as u32;
			tokens.push(TokenLeaf { id, end });
		}
		Work::forged(Forgery::of_tokens(court.model, ask.kind, &tokens, 4), &ask.input)
	});
	assert_eq!(played.verdict, Verdict::Falls(Ground::Record));
}

/// Nobody has to play where the claim itself shows that it stopped too early.
#[test]
fn stopped_short() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let truth = court.truth(&ask());
		let tokens = truth.tokens();
		let short = Forgery::of_tokens(court.model, ask().kind, &tokens[..tokens.len() - 2], 4);
		let lie = Work::forged(short, &ask().input);
		let attack = court.attack("stopped_short", &[&worker]);
		let job = court.answered(&requester, &ask(), &worker, &lie);
		let proof = court.show_stopped_short(&truth, &lie.claim).unwrap();
		let architecture = *court.model.architecture();
		let (subject, accused, claim) = (Subject::Job(job), Accused::Worker, lie.claim);
		let call = pallet_dispute::Call::prove_length { subject, accused, claim, architecture, proof };
		court.ok(&outsider, call);
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
	});
}

/// A panel of honest validators does not pay for a wrong answer, whether anybody disputes it or not.
fn rejected(court: &mut Court, name: &'static str, ask: &Ask, (truth, lie): (&Work, &Work)) {
	let worker = court.operator("rejected worker", Role::Worker, 1000);
	let validators = ["first", "second", "third"].map(|name| court.operator(name, Role::Validator, 1000));
	court.block();
	let requester = court.person("requester of a rejected answer", 100);
	let attack = court.attack(name, &[&worker]);
	let job = court.answered(&requester, ask, &worker, lie);
	court.verdicts(&validators, Subject::Job(job), truth);
	assert_eq!(court.end_of(job), JobState::Refunded { reason: RefundReason::Rejected });
	attack.gained_nothing(court);
	assert_eq!(court.worth(&requester.account), 100 * UNIT);
	assert_eq!(noesis_runtime::Operators::marks(&worker.account), 1);
}

/// The whole panel confirms a lie. One outsider convicts the worker and all who vouched, with `convict`.
fn convicted_with_its_panel(
	name: &'static str,
	ask: &Ask,
	lie: impl FnOnce(&Court, &Work) -> Work,
	convict: impl FnOnce(&mut Court, Subject, &Person, &[Person], (&Person, &Work), &Work),
) {
	session(|court| {
		let (worker, validators) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let truth = court.truth(ask);
		let lie = lie(court, &truth);
		let mut all: Vec<&Person> = validators.iter().collect();
		all.push(&worker);
		let attack = court.attack(name, &all);
		let job = court.answered(&requester, ask, &worker, &lie);
		court.verdicts(&validators, Subject::Job(job), &lie);
		convict(court, Subject::Job(job), &worker, &validators, (&outsider, &truth), &lie);
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), (200 + 3 * 100) * UNIT);
		assert_eq!(court.worth(&requester.account), 100 * UNIT);
		assert_eq!(court.worth(&outsider.account), (100 + 100 + 3 * 50) * UNIT);
		rejected(court, name, ask, (&truth, &lie));
	});
}

/// Plays against the worker, and against each validator that does not fall with it.
fn by_games(
	court: &mut Court,
	subject: Subject,
	worker: &Person,
	validators: &[Person],
	(outsider, truth): (&Person, &Work),
	lie: &Work,
) {
	let played = court.dispute(subject, &Accused::Worker, (worker, lie), (outsider, truth));
	assert!(matches!(played.verdict, Verdict::Falls(_)), "{played:?}");
	if played.verdict == Verdict::Falls(Ground::Record) {
		return;
	}
	for validator in validators {
		let accused = Accused::Validator(validator.account.clone());
		let played = court.dispute(subject, &accused, (validator, lie), (outsider, truth));
		assert!(matches!(played.verdict, Verdict::Falls(_)), "{played:?}");
	}
}

/// Shows one token that the output does not have.
fn by_output(
	court: &mut Court,
	subject: Subject,
	_: &Person,
	_: &[Person],
	(outsider, truth): (&Person, &Work),
	lie: &Work,
) {
	let proof = court.show_other_output(truth, lie).expect("a token is another");
	let (accused, claim) = (Accused::Worker, lie.claim);
	court.ok(outsider, pallet_dispute::Call::prove_output { subject, accused, claim, proof });
}

#[test]
fn wrong_input_tokens_of_a_text() {
	let lie = |court: &Court, _: &Work| court.truth(&Ask::text("the sky", 4)).passed_off_for(b"the sea");
	convicted_with_its_panel("wrong_input_tokens_of_a_text", &Ask::text("the sea", 4), lie, by_games);
}

#[test]
fn another_text_for_the_right_trace() {
	let name = "another_text_for_the_right_trace";
	convicted_with_its_panel(name, &ask(), |_, truth| truth.with_output(b"Lyon."), by_output);
}

/// Makes other bytes of an output.
type Change = fn(&[u8]) -> Vec<u8>;

/// Every way in which the bytes can be others than those of the tokens.
#[test]
fn right_trace_with_another_output() {
	let others: [Change; 5] = [
		|_| Vec::new(),
		|truth| [truth, b"!"].concat(),
		|truth| truth[..truth.len() - 1].to_vec(),
		|truth| truth.iter().rev().copied().collect(),
		|truth| truth.iter().enumerate().map(|(at, byte)| if at == 0 { byte ^ 1 } else { *byte }).collect(),
	];
	for other in others {
		let lie = |_: &Court, truth: &Work| truth.with_output(&other(&truth.text));
		convicted_with_its_panel("right_trace_with_another_output", &ask(), lie, by_output);
	}
}

/// The same trace, said to have read more or fewer tokens of the text than there are.
#[test]
fn right_trace_with_another_usage() {
	// An answer that ends before there are as many tokens as may be.
	let ends = |court: &Court, ask: &Ask| {
		let truth = court.truth(ask);
		(2..11).contains(&truth.claim.usage.output_tokens)
	};
	let asks = |seed| Ask::text("the sea", 12).sampled(9000, seed);
	let ask = session(|court| (0..2000).map(asks).find(|ask| ends(court, ask))).expect("an answer ends");
	for shift in [-1, 1] {
		let played = convicted("right_trace_with_another_usage", &ask, |court| {
			let mut lie = court.truth(&ask);
			let usage = &mut lie.claim.usage;
			usage.input_tokens = usage.input_tokens.checked_add_signed(shift).unwrap();
			usage.output_tokens = usage.output_tokens.checked_add_signed(-shift).unwrap();
			lie
		});
		assert_eq!(played.verdict, Verdict::Falls(Ground::Record));
	}
}

/// Numbers that contradict the job never come on chain, or fall without a game.
#[test]
fn wrong_numbers() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let attack = court.attack("wrong_numbers", &[&worker]);
		let job = court.submit(&requester, &ask(), Some(&worker));
		court.ok(&worker, pallet_poi::Call::claim { job });
		for usage in [(3, 6), (5, 6), (4, 0), (4, 7), (4, u32::MAX), (u32::MAX, 6), (0, 0)] {
			let usage = Usage { input_tokens: usage.0, output_tokens: usage.1 };
			let mut lie = court.truth(&ask());
			lie.claim.usage = usage;
			assert!(court.answer(&worker, job, &lie).is_err(), "{usage:?}");
		}
		let mut lie = court.truth(&ask());
		lie.claim.leaves += 1;
		assert!(court.answer(&worker, job, &lie).is_err());
		// A text of three bytes has not become nine tokens; the chain knows no better, but an outsider does.
		let text = Ask::text("abc", 4);
		let wide = Usage { input_tokens: 9, output_tokens: 4 };
		let lie = Work::garbage(court.model, wide, &text.input, 3);
		let job = court.answered(&requester, &text, &worker, &lie);
		let truth = court.truth(&text);
		court.dispute(Subject::Job(job), &Accused::Worker, (&worker, &lie), (&outsider, &truth));
		assert_eq!(attack.lost(court), 200 * UNIT);
	});
}

/// A lie behind a token whose end is wrong as well: the chain can't tell ends, and must come to the lie all the same.
#[test]
fn lie_behind_a_wrong_end() {
	convicted("lie_behind_a_wrong_end", &ask(), |court| {
		let mut ids: Vec<u32> = court.truth(&ask()).tokens()[4..].iter().map(|token| token.id).collect();
		ids[3] = if ids[3] == 77 { 78 } else { 77 };
		let mut tokens = continued(court, &ask(), &ids).trace.tokens;
		tokens[4].end += 1_000_000;
		Work::forged(Forgery::of_tokens(court.model, ask().kind, &tokens, 4), &ask().input)
	});
}
