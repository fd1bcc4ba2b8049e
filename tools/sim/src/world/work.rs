//! Workers: who takes a job, and what it answers.

use super::{
	people::{Part, Side, Who},
	Stage, World,
};
use crate::{
	chain::{AccountId, Poc, Poi, Runtime},
	library::Answer,
	predict::{self, Onlookers},
	setting::Strategy,
};
use noesis_primitives::{BlockNumber, OperatorStatus, PanelView, Payload};
use pallet_poc::Crowd;

impl World<'_> {
	/// Lets workers take open jobs, when it is their turn.
	pub(super) fn claim(&mut self) {
		let mut workers = self.people.of(Part::Worker, Side::Honest);
		workers.extend(self.people.of(Part::Worker, Side::Adversary));
		for index in 0..self.jobs.len() {
			if self.jobs[index].stage != Stage::Open {
				continue;
			}
			let job = self.jobs[index].id;
			self.rng.shuffle(&mut workers);
			let taken = workers.iter().copied().find(|who| {
				let turn = Poi::claimable_at(job, &self.people.get(*who).account);
				turn.is_some_and(|turn| turn <= self.now)
					&& self.call(*who, pallet_poi::Call::claim { job }).is_ok()
			});
			if let Some(worker) = taken {
				let answer = self.intend(index, worker);
				let job = &mut self.jobs[index];
				(job.worker, job.answer, job.stage) = (Some(worker), answer, Stage::Claimed(self.now + 1));
			}
		}
	}

	/// What a worker is going to answer.
	fn intend(&mut self, index: usize, worker: Who) -> Option<Answer> {
		let strategy = self.setting.strategy;
		let lies = self.people.is_adversary(worker)
			&& strategy != Strategy::Stalling
			&& (strategy == Strategy::Sybil || self.rng.happens(self.numbers.lie));
		if !lies {
			return Some(Answer::Truth);
		}
		let prompt = self.library.prompt(self.jobs[index].prompt)?;
		let (garbage, subtle) = (prompt.garbage.len(), prompt.subtle.len());
		match strategy {
			Strategy::Griefing => {
				self.jobs[index].betrayed = true;
				Some(Answer::Truth)
			},
			Strategy::Silence if self.rng.happens(0.5) => None,
			Strategy::Subtle | Strategy::Collusion | Strategy::VotesOnly | Strategy::Sybil => {
				Some(Answer::Subtle(self.rng.below(subtle)))
			},
			_ => Some(Answer::Garbage(self.rng.below(garbage))),
		}
	}

	/// Answers what was taken before this block; notices what was not answered in time.
	pub(super) fn answer(&mut self) {
		for index in 0..self.jobs.len() {
			let Stage::Claimed(from) = self.jobs[index].stage else { continue };
			let (Some(worker), true) = (self.jobs[index].worker, from <= self.now) else { continue };
			let Some(answer) = self.jobs[index].answer else { continue };
			let job = self.jobs[index].id;
			let Some(trace) = self.library.trace(self.jobs[index].prompt, answer) else { continue };
			let Ok(output) = trace.output.clone().try_into() else { continue };
			let claim = trace.claim;
			let call = pallet_poi::Call::answer {
				job,
				output: Payload::Inline(output),
				root: claim.root,
				leaves: claim.leaves,
				usage: claim.usage,
			};
			if !self.expect(worker, call) {
				continue;
			}
			let job = &mut self.jobs[index];
			(job.stage, job.answered) = (Stage::Panel, self.now);
			let wrong = job.is_wrong();
			let ends = if wrong { &mut self.tally.wrong } else { &mut self.tally.right };
			ends.answered += 1;
			self.tally.answers += u64::from(!self.people.is_adversary(worker));
		}
	}

	/// Adds the chance that a wrong answer passes, by the terms of its panel and by those who may speak on it.
	pub(super) fn predict(&mut self, index: usize) {
		let Some(panel) = pallet_poc::Panels::<Runtime>::get(self.jobs[index].subject()) else { return };
		let before = self.jobs[index].answered;
		let eligible = |side| {
			let of = self.people.of(Part::Validator, side);
			of.iter().filter(|who| self.is_active(**who, before)).count() as u32
		};
		let (honest, bad) = (eligible(Side::Honest), eligible(Side::Adversary));
		let colluding = if self.setting.strategy.colludes() { bad } else { 0 };
		let disputes = self.setting.strategy.is_disputed();
		let watched = if disputes { self.numbers.watched } else { 0.0 };
		let outsider = 1.0 - (1.0 - watched).powi(self.numbers.watchers as i32);

		let onlookers = Onlookers { crowd: Crowd { honest, colluding }, disputes, outsider };
		let chance = predict::survival(&panel.terms, &onlookers);
		self.tally.expected += chance;
		self.tally.variance += chance * (1.0 - chance);
	}

	/// Whether an operator takes part, as it has since before this block.
	pub(super) fn is_active(&self, who: Who, before: BlockNumber) -> bool {
		pallet_operators::Operators::<Runtime>::get(&self.people.get(who).account)
			.is_some_and(|record| record.status == OperatorStatus::Active && record.since < before)
	}

	/// The panel over a job's answer, while there is one.
	pub(super) fn panel(&self, index: usize) -> Option<PanelView<AccountId>> {
		Poc::panel_view(self.jobs[index].subject())
	}
}
