//! Requesters, and the new names of those who were shut out.

use super::{
	people::{Part, Side},
	Job, Stage, World,
};
use crate::{
	chain::{self, Runtime, CHECKPOINT},
	model::Model,
	setting::Strategy,
};
use noesis_primitives::{JobSpec, Lane, OperatorStatus, Tier, Verification};
use std::collections::BTreeMap;

/// Blocks that a worker has for an answer.
const DEADLINE: u32 = 20;

impl World<'_> {
	/// Submits this block's jobs.
	pub(super) fn submit(&mut self) {
		let requesters = self.people.of(Part::Requester, Side::Honest);
		for _ in 0..self.numbers.jobs_per_block {
			if self.jobs.len() >= self.numbers.jobs as usize {
				return;
			}
			let prompt = self.rng.below(self.library.len());
			let Some(input) = self.library.prompt(prompt).map(|prompt| prompt.input.clone()) else { return };
			let Some(requester) = self.rng.pick(&requesters).copied() else { return };
			let spec = JobSpec {
				checkpoint: CHECKPOINT,
				kind: Model::kind(),
				input,
				worker: None,
				deadline: DEADLINE,
				lane: Lane::Dot,
				tier: Tier::Standard,
				verification: Verification::Sampled,
				sealed: None,
			};
			let id = pallet_poi::NextJob::<Runtime>::get();
			if !self.expect(requester, pallet_poi::Call::submit { spec, max_fee: chain::UNIT }) {
				return;
			}
			self.tally.submitted += 1;
			self.jobs.push(Job {
				id,
				prompt,
				submitted: self.now,
				worker: None,
				answer: None,
				stage: Stage::Open,
				answered: 0,
				draws: None,
				shown: None,
				tried: BTreeMap::new(),
				betrayed: false,
				griefed: false,
				stalls: 0,
				harried: false,
			});
		}
	}

	/// Lets Sybils that were shut out come back under new names, as long as their purse lasts.
	pub(super) fn come_back(&mut self) {
		if self.setting.strategy != Strategy::Sybil || self.jobs.len() >= self.numbers.jobs as usize {
			return;
		}
		let Some(purse) = self.people.of(Part::Outsider, Side::Adversary).first().copied() else { return };
		for part in [Part::Worker, Part::Validator] {
			let out = |who: &usize| {
				let account = &self.people.get(*who).account;
				let record = pallet_operators::Operators::<Runtime>::get(account);
				record.is_some_and(|record| matches!(record.status, OperatorStatus::Excluded { .. }))
			};
			let all = self.people.of(part, Side::Adversary);
			let gone = all.iter().filter(|who| out(who)).count();
			let names = all.len();
			let wanted = match part {
				Part::Worker => self.setting.crowd(self.numbers.workers).adversaries,
				_ => self.setting.crowd(self.numbers.validators).adversaries,
			} as usize;
			for _ in 0..(wanted + gone).saturating_sub(names) {
				let who = self.people.add(part, Side::Adversary, 0);
				let value = chain::least_stake() + 50 * chain::UNIT;
				let dest = self.people.get(who).account.clone();
				let paid = self
					.call(purse, polkadot_sdk::pallet_balances::Call::transfer_allow_death { dest, value });
				if paid.is_err() || self.people.register(who, 1).is_err() {
					return;
				}
			}
		}
	}
}
