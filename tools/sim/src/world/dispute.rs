//! Who disputes what, and how the games are played.

use super::{
	people::{Part, Side, Who},
	Game, Stage, World,
};
use crate::{
	chain::{AccountId, Disputes, Runtime},
	library::Answer,
	players::{self, Play},
	setting::Strategy,
};
use noesis_primitives::{Accused, DisputeId, DisputeView, Phase, TraceLeaf, Tree};
use pallet_dispute::Standing;

/// Most honest disputes that are opened over one claim by those who see that there are others.
const ENOUGH: usize = 2;
/// How often an answer is stalled. Each time costs a bond.
const STALLS: u32 = 8;
/// Moves that two accomplices make in one block: more than any game has.
const FAST: usize = 64;

impl World<'_> {
	/// Lets outsiders look at new answers: honest ones for wrong answers, griefers for right ones.
	pub(super) fn watch(&mut self) {
		let strategy = self.setting.strategy;
		for index in 0..self.jobs.len() {
			let fresh = self.jobs[index].answered + 1 == self.now
				&& matches!(self.jobs[index].stage, Stage::Panel | Stage::Waiting);
			if !fresh {
				continue;
			}
			if strategy.is_disputed() {
				for watcher in self.people.of(Part::Outsider, Side::Honest) {
					if self.rng.happens(self.numbers.watched) && self.jobs[index].is_wrong() {
						self.challenge(index, watcher, Accused::Worker);
					}
				}
			}
			if matches!(strategy, Strategy::Griefing | Strategy::Stalling) {
				self.jobs[index].griefed = self.jobs[index].betrayed || self.rng.happens(self.numbers.grief);
			}
		}
		match strategy {
			Strategy::Griefing => self.grief(),
			Strategy::Stalling => self.stall(),
			Strategy::Recoup => self.recoup(),
			_ => {},
		}
	}

	/// A griefer, or an accomplice.
	fn accomplice(&mut self) -> Option<Who> {
		let all = self.people.of(Part::Outsider, Side::Adversary);
		self.rng.pick(&all).copied()
	}

	/// Disputes right answers, once each, and the first verdict on each: those of strangers without a reason, those of
	/// accomplices that mean to lose.
	fn grief(&mut self) {
		for index in 0..self.jobs.len() {
			let job = &self.jobs[index];
			if !job.griefed || !matches!(job.stage, Stage::Panel | Stage::Waiting) {
				continue;
			}
			let fresh = job.answered + 1 == self.now;
			let spoke = job.shown.as_ref().map(|(who, _)| *who).filter(|_| !job.harried && !job.betrayed);
			let Some(griefer) = self.accomplice() else { return };
			if fresh {
				self.challenge(index, griefer, Accused::Worker);
			}
			if let Some(validator) = spoke.filter(|who| !self.people.is_adversary(*who)) {
				self.jobs[index].harried = true;
				let account = self.people.get(validator).account.clone();
				self.challenge(index, griefer, Accused::Validator(account));
			}
		}
	}

	/// Disputes right answers whenever they are not disputed, [`STALLS`] times, as long as a bond can be paid.
	fn stall(&mut self) {
		for index in 0..self.jobs.len() {
			let job = &self.jobs[index];
			let open = self.games.values().any(|game| game.job == index);
			let live = matches!(job.stage, Stage::Panel | Stage::Waiting);
			if job.griefed && !open && live && job.stalls < STALLS {
				let Some(griefer) = self.accomplice() else { return };
				if self.challenge(index, griefer, Accused::Worker) {
					self.jobs[index].stalls += 1;
				}
			}
		}
	}

	/// An accomplice's dispute over every lie that somebody else disputes, to win it before the other is won.
	fn recoup(&mut self) {
		let disputed: Vec<usize> =
			self.games.values().filter(|game| !game.sham).map(|game| game.job).collect();
		for index in disputed {
			let is_sham = |game: &Game| game.job == index && game.sham;
			if self.jobs[index].is_wrong() && !self.games.values().any(is_sham) {
				let Some(accomplice) = self.accomplice() else { return };
				self.challenge(index, accomplice, Accused::Worker);
			}
		}
	}

	/// Opens a dispute, unless enough others did; whether it is open.
	pub(super) fn challenge(&mut self, index: usize, who: Who, accused: Accused<AccountId>) -> bool {
		let same = |game: &Game| game.job == index && game.accused == accused && game.challenger == who;
		if self.games.values().any(same) {
			return false;
		}
		let by_others = self.games.values().filter(|game| game.job == index && !game.sham).count();
		let is_adversary = self.people.is_adversary(who);
		if by_others >= ENOUGH && !is_adversary {
			return false;
		}
		let Some(worker) = self.jobs[index].worker else { return false };
		let (defender, answer) = match &accused {
			Accused::Worker => (Some(worker), self.jobs[index].answer),
			// Only validators that found the worker's claim are accused here.
			Accused::Validator(account) => (self.people.find(account), self.jobs[index].answer),
		};
		let (Some(defender), Some(answer)) = (defender, answer) else { return false };
		let Some(trace) = self.library.trace(self.jobs[index].prompt, answer) else { return false };
		let (subject, claim) = (self.jobs[index].subject(), trace.claim);
		let id = pallet_dispute::NextDispute::<Runtime>::get();
		if !self.expect(who, pallet_dispute::Call::challenge { subject, accused: accused.clone(), claim }) {
			return false;
		}
		let bond = Disputes::dispute(id).map_or(0, |view| view.bond);
		*self.tally.disputes.entry("opened".into()).or_default() += 1;
		let sham = is_adversary && self.people.is_adversary(defender);
		let aim = match self.setting.strategy {
			// The first token of the output: one move more than for others.
			Strategy::Stalling => trace.shape.index(TraceLeaf::Token { position: claim.usage.input_tokens }),
			_ => is_adversary.then(|| self.rng.below(claim.leaves as usize) as u32),
		};
		let betrays = self.jobs[index].betrayed && self.people.is_adversary(defender);
		self.games.insert(
			id,
			Game { job: index, accused, challenger: who, bond, defence: answer, silent: betrays, sham, aim },
		);
		true
	}

	/// Lets everybody who has the move in a dispute make it.
	pub(super) fn play_disputes(&mut self) {
		let ids: Vec<DisputeId> = self.games.keys().copied().collect();
		for id in ids {
			let moves = if self.games.get(&id).is_some_and(|game| game.sham) { FAST } else { 1 };
			for _ in 0..moves {
				let Some(view) = Disputes::dispute(id) else { break };
				if !self.play_one(id, &view) {
					break;
				}
			}
		}
	}

	/// Makes one move; false when there is none.
	fn play_one(&mut self, id: DisputeId, view: &DisputeView<AccountId>) -> bool {
		let Some(mover) = self.people.find(&view.mover) else { return false };
		let play = match view.phase {
			Phase::Choose { .. } => self.choice(id, mover, view),
			_ => self.defence(id, mover, view),
		};
		let dispute = id;
		let call = match play {
			None => return false,
			Some(Play::Reveal(nodes)) => pallet_dispute::Call::reveal { dispute, nodes },
			Some(Play::Choose(child)) => pallet_dispute::Call::choose { dispute, child },
			Some(Play::Expand { architecture, root, leaf, path }) => {
				pallet_dispute::Call::expand { dispute, architecture: *architecture, root, leaf, path }
			},
			Some(Play::Input { architecture, leaf, payload }) => pallet_dispute::Call::prove_input {
				dispute,
				architecture: *architecture,
				leaf,
				payload: payload.try_into().unwrap_or_default(),
				seal: None,
			},
			Some(Play::Prove { leaf, evidence }) => {
				pallet_dispute::Call::prove { dispute, leaf, evidence: *evidence }
			},
			Some(Play::Text { leaf, evidence }) => {
				pallet_dispute::Call::prove_text { dispute, leaf, evidence: *evidence }
			},
		};
		self.expect(mover, call)
	}

	/// What the challenger names.
	fn choice(&mut self, id: DisputeId, mover: Who, view: &DisputeView<AccountId>) -> Option<Play> {
		let game = self.games.get(&id)?;
		let (prompt, aim) = (self.jobs[game.job].prompt, game.aim);
		if !self.people.is_adversary(mover) || self.jobs[game.job].is_wrong() {
			return players::choose(self.library, prompt, Answer::Truth, view);
		}
		// A griefer has no reason: it goes for some leaf, and then for any step of it. At times it gives up.
		let Phase::Choose { at, nodes } = &view.phase else { return None };
		if self.setting.strategy == Strategy::Stalling {
			// In the second tree there is no time to win that silence does not.
			if self.now < view.due || !matches!(at.tree, Tree::Claimed) {
				return None;
			}
		} else if self.rng.happens(0.05) {
			return None;
		}
		let (level, range) = noesis_primitives::merkle::block(
			match at.tree {
				Tree::Claimed => view.claim.leaves,
				Tree::Fine(tree) => tree.leaves,
				Tree::Word(word) => word.states,
			},
			at.level,
			at.index,
			view.arity.ilog2(),
		)?;
		let aimed = aim.filter(|_| matches!(at.tree, Tree::Claimed)).map(|leaf| leaf >> level);
		let child = aimed.filter(|node| range.contains(node)).map(|node| node - range.start);
		Some(Play::Choose(child.unwrap_or_else(|| self.rng.below(nodes.len()) as u32)))
	}

	/// What the accused shows. Everybody can defend what it claimed, as far as it goes.
	fn defence(&mut self, id: DisputeId, mover: Who, view: &DisputeView<AccountId>) -> Option<Play> {
		let strategy = self.setting.strategy;
		let loses_nerve =
			strategy == Strategy::Silence && self.people.is_adversary(mover) && self.rng.happens(0.5);
		let game = self.games.get_mut(&id)?;
		// Who gives in to an accomplice keeps everybody else waiting.
		let stalls = strategy == Strategy::Recoup && !game.sham;
		game.silent |= loses_nerve || stalls;
		if game.silent {
			return None;
		}
		let (prompt, defence) = (self.jobs[game.job].prompt, game.defence);
		players::defend(self.library, prompt, defence, view)
	}

	/// What follows when a worker's claim fell: those who found the same answer for it, to the winner if it is honest, and
	/// to griefers if the claim was right.
	pub(super) fn pursue(&mut self, index: usize, winner: Who) {
		let docket = pallet_dispute::Dockets::<Runtime>::get(self.jobs[index].subject());
		let Some(Standing::Overturned { liable, .. }) = docket.map(|docket| docket.standing) else { return };
		let wrong = self.jobs[index].is_wrong();
		let honest = if self.people.is_adversary(winner) {
			self.people.of(Part::Outsider, Side::Honest).first().copied()
		} else {
			Some(winner)
		};
		let accuser = if wrong { honest } else { Some(winner) };
		let Some(accuser) = accuser else { return };
		for account in liable {
			let is_bad = self.people.find(&account).is_some_and(|who| self.people.is_adversary(who));
			if wrong == is_bad {
				self.challenge(index, accuser, Accused::Validator(account));
			}
		}
	}
}
