use super::*;
use crate::setting::{Measure, Strategy};
use std::sync::OnceLock;

const NUMBERS: Numbers = Numbers {
	jobs: 24,
	jobs_per_block: 2,
	workers: 8,
	validators: 10,
	watchers: 1,
	watched: 0.5,
	lie: 0.7,
	grief: 0.5,
	audit_floor: 50.0,
};

fn library() -> &'static Library {
	static LIBRARY: OnceLock<Library> = OnceLock::new();
	LIBRARY.get_or_init(|| Library::new(1).unwrap())
}

fn play_of(strategy: Strategy, adversaries: u32, numbers: Numbers, seed: u64) -> Tally {
	let tally =
		play(library(), Setting { strategy, measure: Measure::Count, adversaries }, numbers, seed).unwrap();
	// Whatever is played, those who keep to the protocol lose nothing.
	assert_eq!((tally.false_slashes, tally.honest_bonds_lost), (0, 0.0), "{strategy:?}: {tally:?}");
	assert_eq!(tally.refused, BTreeMap::new(), "{strategy:?}");
	let ends = |ends: &Ends| ends.finals + ends.overturned + ends.rejected + ends.unverified;
	assert_eq!(ends(&tally.right) + ends(&tally.wrong) + tally.unanswered, tally.submitted);
	assert_eq!((ends(&tally.right), ends(&tally.wrong)), (tally.right.answered, tally.wrong.answered));
	tally
}

fn ended(tally: &Tally, how: &str) -> u64 {
	tally.disputes.get(how).copied().unwrap_or_default()
}

#[test]
fn every_answer_should_become_final_when_everybody_is_honest() {
	let tally = play_of(Strategy::Garbage, 0, NUMBERS, 1);
	assert_eq!((tally.right.finals, tally.wrong.answered, ended(&tally, "opened")), (24, 0, 0));
	assert!(tally.worker_income.iter().sum::<f64>() > 24.0 * 0.03 && tally.verdicts > 0);
	assert!(tally.attack_loss.abs() < 1e-9, "{}", tally.attack_loss);
}

#[test]
fn runs_should_be_equal_when_seeds_are() {
	let run = |seed| play_of(Strategy::Collusion, 40, NUMBERS, seed);
	assert_eq!(run(3), run(3));
	assert_ne!(run(3), run(4));
}

#[test]
fn liars_should_lose_in_one_step_of_the_model_when_somebody_looks() {
	for strategy in [Strategy::Garbage, Strategy::Subtle] {
		let all_watched = Numbers { watched: 1.0, ..NUMBERS };
		let tally = play_of(strategy, 40, all_watched, 2);
		assert!(tally.wrong.answered > 0, "{strategy:?}");
		assert_eq!(tally.wrong.overturned, tally.wrong.answered, "{strategy:?}: {tally:?}");
		assert_eq!(
			ended(&tally, "falls_by_step"),
			tally.wrong.answered,
			"{strategy:?}: {:?}",
			tally.disputes
		);
		assert_eq!(tally.right.finals, tally.right.answered);
		assert!(tally.attack_loss > 10.0 * tally.wrong.answered as f64, "{}", tally.attack_loss);
	}
}

#[test]
fn wrong_answers_should_pass_only_unseen_when_nobody_looks() {
	let nobody = Numbers { watchers: 0, ..NUMBERS };
	for seed in 1..4 {
		let tally = play_of(Strategy::Subtle, 40, nobody, seed);
		assert_eq!(tally.wrong.finals, tally.wrong.answered - tally.wrong_audited, "{tally:?}");
	}
}

#[test]
fn lazy_validators_should_be_refused_when_they_make_up_or_copy() {
	let audited = Numbers { audit_floor: 100.0, ..NUMBERS };
	let tally = play_of(Strategy::Lazy, 40, audited, 1);
	assert!(tally.made_up > 0 && tally.copied > 0, "{tally:?}");
	assert_eq!(tally.lazy_taken, 0);
	assert_eq!(tally.wrong.finals, 0);
}

#[test]
fn griefers_should_pay_when_they_dispute_right_answers() {
	let tally = play_of(Strategy::Griefing, 30, NUMBERS, 1);
	assert!(ended(&tally, "stands") > 0, "{tally:?}");
	assert_eq!(tally.right.overturned, tally.betrayed);
	assert_eq!(tally.right.finals, tally.right.answered - tally.betrayed);
	assert!(tally.bonds_lost >= 10.0 * ended(&tally, "stands") as f64 && tally.attack_loss > 0.0);
}

#[test]
fn stalled_answers_should_become_final_in_the_end() {
	let tally = play_of(Strategy::Stalling, 20, Numbers { jobs: 8, ..NUMBERS }, 1);
	assert!(ended(&tally, "stands") > 0, "{tally:?}");
	assert_eq!(tally.right.finals, 8);
}

#[test]
fn silent_liars_should_lose_by_silence() {
	let watched = Numbers { watched: 1.0, ..NUMBERS };
	let tally = play_of(Strategy::Silence, 40, watched, 1);
	assert!(ended(&tally, "falls_by_silence") > 0, "{tally:?}");
	assert_eq!(tally.wrong.finals, 0);
}

#[test]
fn committee_alone_should_be_weaker_than_one_honest_voice() {
	let audited = Numbers { audit_floor: 100.0, watchers: 0, lie: 1.0, ..NUMBERS };
	let passed = |strategy| {
		let runs = (1..4).map(|seed| play_of(strategy, 40, audited, seed));
		runs.fold((0, 0.0), |(finals, expected), run| (finals + run.wrong.finals, expected + run.expected))
	};
	let ((votes, expected_votes), (disputes, expected_disputes)) =
		(passed(Strategy::VotesOnly), passed(Strategy::Collusion));
	assert!(votes > disputes && expected_votes > expected_disputes, "{votes} {disputes}");
}

#[test]
fn colluders_should_answer_for_what_they_approved() {
	let audited = Numbers { audit_floor: 100.0, watched: 1.0, lie: 1.0, ..NUMBERS };
	let tally = play_of(Strategy::Collusion, 40, audited, 1);
	assert!(tally.slashes > tally.wrong.overturned, "only workers were slashed: {tally:?}");
	assert!(ended(&tally, "falls_by_step") > tally.wrong.overturned, "{tally:?}");
}

#[test]
fn accomplice_should_get_no_more_back_than_the_winners_share() {
	let watched = Numbers { watched: 1.0, ..NUMBERS };
	let (garbage, recoup) =
		(play_of(Strategy::Garbage, 40, watched, 1), play_of(Strategy::Recoup, 40, watched, 1));
	let loss = |tally: &Tally| tally.attack_loss / tally.slashed;
	assert!((loss(&garbage) - 1.0).abs() < 0.05, "{garbage:?}");
	assert!((0.45..0.55).contains(&loss(&recoup)), "{recoup:?}");
	assert_eq!(recoup.wrong.finals, 0);
}

#[test]
fn sybils_should_lose_more_than_they_gain_when_they_come_back() {
	let tally = play_of(Strategy::Sybil, 40, Numbers { audit_floor: 5.0, ..NUMBERS }, 1);
	assert_eq!(tally.wrong_audited, tally.wrong.answered, "newcomers are always audited");
	assert!(tally.slashes > 2 && tally.attack_loss > 10.0 * tally.wrong.answered as f64, "{tally:?}");
}
