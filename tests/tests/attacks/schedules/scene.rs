//! Where schedules begin: a market with its people, and what can be claimed in it.

use noesis_engine::dispute::Fault;
use noesis_primitives::Role;
use noesis_runtime::parameters::{
	dynamic_params::{dispute, operators, poc, poi},
	RuntimeParameters,
};
use noesis_tests::court::*;
use std::sync::OnceLock;

/// Workers among the people; validators; and those who are neither at the beginning.
pub const WORKERS: usize = 2;
pub const VALIDATORS: usize = 4;
pub const OTHERS: usize = 3;

/// The beginning of every schedule.
pub struct Scene {
	pub saved: Saved,
	/// Workers, validators, others.
	pub people: Vec<Person>,
	/// Questions, and what anybody may claim of each.
	pub questions: [Question; 2],
}

/// A question, and what anybody may claim to be the answer: the truth, two lies, a shorter answer, nothing, and another
/// output beside the right trace.
pub struct Question {
	pub ask: Ask,
	pub works: Vec<Work>,
}

impl Question {
	fn of(ask: Ask) -> Self {
		let model = &models().registered;
		let fault = |position, layer| Fault { position, layer, index: 5, change: 3000 };
		let run = |fault| Work::of(model, ask.kind, &ask.input, fault);
		let truth = run(None);
		let tokens = truth.tokens();
		let read = truth.claim.usage.input_tokens;
		let short = Forgery::of_tokens(model, ask.kind, &tokens[..tokens.len() - 1], read);
		let works = vec![
			truth.clone(),
			run(Some(fault(2, 0))),
			run(Some(fault(read + 1, 1))),
			Work::forged(short, &ask.input),
			Work::garbage(model, truth.claim.usage, &ask.input, 5),
			truth.with_output(b"Lyon.").stored_nowhere(),
		];
		Self { ask, works }
	}
}

impl Scene {
	/// The same for all.
	pub fn get() -> &'static Self {
		static SCENE: OnceLock<Scene> = OnceLock::new();
		SCENE.get_or_init(Self::set)
	}

	fn set() -> Self {
		let (saved, people) = Saved::after(|court| {
			shorten(court);
			let mut people = Vec::new();
			for i in 0..WORKERS {
				people.push(court.operator(&format!("worker {i}"), Role::Worker, 500));
			}
			for i in 0..VALIDATORS {
				people.push(court.operator(&format!("validator {i}"), Role::Validator, 200));
			}
			for i in 0..OTHERS {
				people.push(court.person(&format!("somebody {i}"), 300));
			}
			court.block();
			people
		});
		let questions = [Ask::tokens(&[40, 7, 99, 150], 4), Ask::text("the  inn,\u{1f642}", 4)];
		Self { saved, people, questions: questions.map(Question::of) }
	}
}

/// Short windows, so that much happens in few blocks.
fn shorten(court: &mut Court) {
	use RuntimeParameters::{Dispute, Operators, Poc, Poi};
	for parameter in [
		Poi(poi::Parameters::ChallengeWindow(poi::ChallengeWindow, Some(8))),
		Poi(poi::Parameters::ShowPeriod(poi::ShowPeriod, Some(6))),
		Poi(poi::Parameters::ContestPeriod(poi::ContestPeriod, Some(6))),
		Poi(poi::Parameters::OpenPeriod(poi::OpenPeriod, Some(20))),
		Poi(poi::Parameters::KeepPeriod(poi::KeepPeriod, Some(30))),
		Poc(poc::Parameters::Window(poc::Window, Some(4))),
		Poc(poc::Parameters::CanaryPeriod(poc::CanaryPeriod, Some(40))),
		Poc(poc::Parameters::CanaryReveal(poc::CanaryReveal, Some(12))),
		Dispute(dispute::Parameters::Arity(dispute::Arity, Some(64))),
		Dispute(dispute::Parameters::ResponseWindow(dispute::ResponseWindow, Some(2))),
		Dispute(dispute::Parameters::MaxWindows(dispute::MaxWindows, Some(3))),
		Dispute(dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(6))),
		Operators(operators::Parameters::UnbondingPeriod(operators::UnbondingPeriod, Some(1))),
		Operators(operators::Parameters::HeartbeatPeriod(operators::HeartbeatPeriod, Some(15))),
	] {
		court.set(parameter);
	}
}
