//! Counting what happened.

use super::{
	people::{Part, Side},
	Stage, World,
};
use crate::{
	chain::{self, dot, Runtime, RuntimeEvent},
	Error,
};
use noesis_primitives::{Balance, JobState, RefundReason, Subject, Verdict};

impl World<'_> {
	/// Counts what happened in this block.
	pub(super) fn count(&mut self) -> Result<(), Error> {
		for event in chain::events() {
			match event {
				RuntimeEvent::Operators(event) => self.count_slash(event),
				RuntimeEvent::Disputes(event) => self.count_dispute(event),
				_ => {},
			}
		}
		for index in 0..self.jobs.len() {
			if self.jobs[index].stage != Stage::Ended {
				self.count_job(index)?;
			}
		}
		Ok(())
	}

	fn count_slash(&mut self, event: pallet_operators::Event<Runtime>) {
		let pallet_operators::Event::Slashed { who, taken, .. } = event else { return };
		let adversary = self.people.find(&who).is_some_and(|who| self.people.is_adversary(who));
		let tally = &mut self.tally;
		let (count, sum) = if adversary {
			(&mut tally.slashes, &mut tally.slashed)
		} else {
			(&mut tally.false_slashes, &mut tally.falsely_slashed)
		};
		*count += 1;
		*sum += dot(taken);
	}

	fn count_dispute(&mut self, event: pallet_dispute::Event<Runtime>) {
		let pallet_dispute::Event::Ended { dispute, subject, verdict, returned, .. } = event else { return };
		let Some(game) = self.games.remove(&dispute) else { return };
		let adversary = self.people.is_adversary(game.challenger);
		let sum = if adversary { &mut self.tally.bonds_lost } else { &mut self.tally.honest_bonds_lost };
		*sum += dot(game.bond.saturating_sub(returned));
		let name = match verdict {
			Verdict::Stands => "stands".to_owned(),
			Verdict::Falls(ground) => format!("falls_by_{ground:?}").to_lowercase(),
			Verdict::Undecided => "undecided".to_owned(),
			Verdict::Moot => "moot".to_owned(),
		};
		*self.tally.disputes.entry(name).or_default() += 1;
		let overturned = JobState::Refunded { reason: RefundReason::Overturned };
		if matches!(verdict, Verdict::Falls(_)) && self.state_of(subject) == Some(overturned) {
			self.pursue(game.job, game.challenger);
		}
	}

	fn state_of(&self, subject: Subject) -> Option<JobState<chain::AccountId>> {
		let Subject::Job(id) = subject else { return None };
		pallet_poi::Jobs::<Runtime>::get(id).map(|job| job.state)
	}

	/// Notices what the chain did with a job by itself.
	fn count_job(&mut self, index: usize) -> Result<(), Error> {
		let job = &self.jobs[index];
		let state = self.state_of(job.subject()).ok_or(Error::Forgotten(job.id))?;
		match state {
			// Its worker missed the deadline.
			JobState::Open if job.stage != Stage::Open => {
				let job = &mut self.jobs[index];
				(job.stage, job.worker, job.answer, job.betrayed) = (Stage::Open, None, None, false);
			},
			JobState::Open
			| JobState::Assigned { .. }
			| JobState::Answered { .. }
			| JobState::Disputed { .. } => {},
			JobState::Final { .. } | JobState::Refunded { .. } => self.count_end(index, &state),
		}
		Ok(())
	}

	fn count_end(&mut self, index: usize, state: &JobState<chain::AccountId>) {
		let job = &mut self.jobs[index];
		job.stage = Stage::Ended;
		let wrong = job.is_wrong();
		if job.answered == 0 {
			self.tally.unanswered += 1;
			return;
		}
		if !wrong && matches!(state, JobState::Final { .. }) {
			self.tally.delay += u64::from(self.now - job.submitted);
		}
		let betrayed = job.betrayed;
		let ends = if wrong { &mut self.tally.wrong } else { &mut self.tally.right };
		match state {
			JobState::Final { .. } => ends.finals += 1,
			JobState::Refunded { reason: RefundReason::Overturned } => {
				ends.overturned += 1;
				self.tally.betrayed += u64::from(!wrong && betrayed);
			},
			JobState::Refunded { reason: RefundReason::Rejected } => ends.rejected += 1,
			_ => ends.unverified += 1,
		}
	}

	/// What can be said only at the end.
	pub(super) fn finish(&mut self) {
		self.tally.blocks = self.now.into();
		let earned = |who: usize| {
			let person = self.people.get(who);
			dot(chain::wealth(&person.account)) - dot(person.endowment)
		};
		let incomes = |part| self.people.of(part, Side::Honest).into_iter().map(earned).collect::<Vec<f64>>();
		(self.tally.worker_income, self.tally.validator_income) =
			(incomes(Part::Worker), incomes(Part::Validator));
		let adversaries = self.people.all().filter(|(_, person)| person.side == Side::Adversary);
		let lost: f64 = adversaries.map(|(who, _)| -earned(who)).sum();
		self.tally.attack_loss = lost + dot(self.earned_by_right_answers());
	}

	/// What adversaries were paid for right answers and for verdicts on them.
	fn earned_by_right_answers(&self) -> Balance {
		let is_bad = |account: &chain::AccountId| {
			self.people.find(account).is_some_and(|who| self.people.is_adversary(who))
		};
		let right = self.jobs.iter().filter(|job| job.answered > 0 && !job.is_wrong());
		right
			.filter_map(|job| {
				let spent = pallet_poi::Settlements::<Runtime>::get(job.id)?;
				let worker =
					job.worker.filter(|who| self.people.is_adversary(*who)).map_or(0, |_| spent.worker);
				let seats = spent.verdicts.iter().filter(|(who, agrees)| *agrees && is_bad(who)).count();
				Some(worker + (spent.per_validator + spent.bonus) * seats as Balance)
			})
			.sum()
	}
}
