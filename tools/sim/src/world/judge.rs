//! Validators: who is drawn, who speaks, and what each has to show.

use super::{
	people::{Part, Side, Who},
	Stage, World,
};
use crate::{
	chain::{AccountId, Poc},
	library::Answer,
	players,
	setting::Strategy,
};
use codec::Encode;
use noesis_primitives::{is_drawn, merkle, Accused, Claim, Draw, Opening, PanelView, MAX_OPENINGS, SLICE};
use polkadot_sdk::frame_support::{traits::ConstU32, BoundedVec};

/// Openings of a verdict.
type Openings = BoundedVec<Opening, ConstU32<MAX_OPENINGS>>;

/// What a lazy validator has tried on a panel.
const MADE_UP: u8 = 1;
const COPIED: u8 = 2;

impl World<'_> {
	/// Lets everybody speak who is drawn and ready.
	pub(super) fn judge(&mut self) {
		for index in 0..self.jobs.len() {
			if self.jobs[index].stage != Stage::Panel {
				continue;
			}
			let answered = self.jobs[index].answered;
			if self.jobs[index].is_wrong() && self.now == answered + 1 {
				self.predict(index);
			}
			let over = Poc::windows(self.jobs[index].subject()).is_none_or(|windows| windows.over);
			let Some(view) = self.panel(index).filter(|_| !over) else {
				self.jobs[index].stage = Stage::Waiting;
				continue;
			};
			let Some(seed) = view.seed else { continue };
			self.draw(index, &seed);
			// Who computes is ready a block later than who does not.
			self.speak(index, Side::Adversary, &view);
			if self.now > view.opened + 1 {
				self.speak(index, Side::Honest, &view);
			}
		}
	}

	/// Lets every validator draw, once.
	fn draw(&mut self, index: usize, seed: &[u8; 32]) {
		if self.jobs[index].draws.is_some() {
			return;
		}
		if self.jobs[index].is_wrong() {
			self.tally.wrong_audited += 1;
		}
		let mut validators = self.people.of(Part::Validator, Side::Honest);
		validators.extend(self.people.of(Part::Validator, Side::Adversary));
		let answered = self.jobs[index].answered;
		validators.retain(|who| self.is_active(*who, answered));
		self.rng.shuffle(&mut validators);
		let drawn = validators.into_iter().filter_map(|who| {
			let person = self.people.get(who);
			Some((who, players::draw(&person.account, person.key.as_ref()?, seed)?))
		});
		self.jobs[index].draws = Some(drawn.collect());
	}

	fn speak(&mut self, index: usize, side: Side, view: &PanelView<AccountId>) {
		let Some(draws) = self.jobs[index].draws.take() else { return };
		let size = view.size;
		for (who, drawn) in &draws {
			if Poc::windows(view.subject).is_none_or(|windows| windows.over) {
				break;
			}
			let person = self.people.get(*who);
			let ready = person.side == side
				&& is_drawn(drawn.number, size, view.validators, view.window)
				&& !view.spoken.contains(&person.account);
			if ready {
				match side {
					Side::Honest => self.speak_honestly(index, *who, &drawn.draw, view),
					Side::Adversary => self.speak_dishonestly(index, *who, &drawn.draw, view),
				}
			}
		}
		self.jobs[index].draws = Some(draws);
	}

	/// Gives the verdict that follows from an answer's trace.
	fn vouch(
		&mut self,
		index: usize,
		who: Who,
		answer: Answer,
		draw: &Draw,
		view: &PanelView<AccountId>,
	) -> Option<Claim> {
		let trace = self.library.trace(self.jobs[index].prompt, answer)?;
		let account = self.people.get(who).account.encode();
		let openings = players::openings(trace, &account, &view.seed?, view.openings)?;
		let claim = trace.claim;
		let call = self.verdict(view, claim, draw, openings);
		let given = self.expect(who, call.clone());
		if given && self.jobs[index].shown.is_none() {
			self.jobs[index].shown = Some((who, call));
		}
		given.then_some(claim)
	}

	fn verdict(
		&self,
		view: &PanelView<AccountId>,
		claim: Claim,
		draw: &Draw,
		openings: Openings,
	) -> pallet_poc::Call<crate::chain::Runtime> {
		pallet_poc::Call::verdict { subject: view.subject, claim, draw: draw.clone(), openings }
	}

	/// Computes the job, and says what comes out. Who finds something else than the worker disputes it.
	fn speak_honestly(&mut self, index: usize, who: Who, draw: &Draw, view: &PanelView<AccountId>) {
		let Some(found) = self.vouch(index, who, Answer::Truth, draw, view) else { return };
		self.tally.verdicts += 1;
		if found != view.claim && self.setting.strategy.is_disputed() {
			self.challenge(index, who, Accused::Worker);
		}
	}

	fn speak_dishonestly(&mut self, index: usize, who: Who, draw: &Draw, view: &PanelView<AccountId>) {
		let accomplice = self.jobs[index].worker.is_some_and(|worker| self.people.is_adversary(worker));
		match self.setting.strategy {
			Strategy::Lazy => self.approve_blindly(index, who, draw, view),
			// Accomplices give the trace of a lie; for other answers, honest work keeps the reputation.
			strategy if strategy.colludes() => {
				let answer = self.jobs[index].answer.filter(|_| accomplice).unwrap_or(Answer::Truth);
				self.vouch(index, who, answer, draw, view);
			},
			Strategy::Griefing | Strategy::Stalling => {
				self.vouch(index, who, Answer::Truth, draw, view);
			},
			_ => {},
		}
	}

	/// Approves without computing: with openings out of thin air, and then with those of somebody else.
	fn approve_blindly(&mut self, index: usize, who: Who, draw: &Draw, view: &PanelView<AccountId>) {
		let tried = self.jobs[index].tried.get(&who).copied().unwrap_or_default();
		let call = if tried < MADE_UP {
			let path = vec![[0; 32]; merkle::levels(view.claim.leaves) as usize];
			let opening = Opening {
				values: vec![0; SLICE as usize].try_into().unwrap_or_default(),
				path: path.try_into().unwrap_or_default(),
			};
			let openings = vec![opening; view.openings as usize];
			self.tally.made_up += 1;
			self.jobs[index].tried.insert(who, MADE_UP);
			self.verdict(view, view.claim, draw, openings.try_into().unwrap_or_default())
		} else if tried < COPIED {
			let Some((from, pallet_poc::Call::verdict { claim, openings, .. })) = &self.jobs[index].shown
			else {
				return;
			};
			if *from == who {
				return;
			}
			let call = self.verdict(view, *claim, draw, openings.clone());
			self.tally.copied += 1;
			self.jobs[index].tried.insert(who, COPIED);
			call
		} else {
			return;
		};
		if self.call(who, call).is_ok() {
			self.tally.lazy_taken += 1;
		}
	}
}
