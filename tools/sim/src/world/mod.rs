//! One run: a market, block by block.

mod ask;
mod count;
mod dispute;
mod judge;
mod people;
mod tally;
#[cfg(test)]
mod tests;
mod work;

pub use tally::{Ends, Tally};

use crate::{
	chain::{self, AccountId, Runtime},
	library::{Answer, Library},
	players::Drawn,
	rng::Rng,
	setting::{Numbers, Setting},
	Error,
};
use noesis_primitives::{Accused, Balance, BlockNumber, DisputeId, JobId, Subject};
use people::{Part, People, Side, Who};
use polkadot_sdk::sp_runtime::DispatchError;
use std::collections::BTreeMap;

/// Blocks after the last submission in which everything must have ended.
const PATIENCE: BlockNumber = 3_000;

/// A job, as the simulator follows it.
struct Job {
	id: JobId,
	prompt: usize,
	submitted: BlockNumber,
	/// Who has it, or answered it.
	worker: Option<Who>,
	/// What the worker will answer, or has; `None` when it stays silent.
	answer: Option<Answer>,
	stage: Stage,
	/// The block of the answer.
	answered: BlockNumber,
	/// Those who are drawn some time, with their draws, once the seed is known.
	draws: Option<Vec<(Who, Drawn)>>,
	/// Openings of the first verdict, and of whom: for those who copy.
	shown: Option<(Who, pallet_poc::Call<Runtime>)>,
	/// What those who approve without computing tried already.
	tried: BTreeMap<Who, u8>,
	/// Whether its worker means to lose a dispute over a right answer.
	betrayed: bool,
	/// Whether griefers are after it.
	griefed: bool,
	/// How often they stalled it.
	stalls: u32,
	/// Whether they disputed a verdict on it.
	harried: bool,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
	/// Nobody has it.
	Open,
	/// Its worker answers from this block on.
	Claimed(BlockNumber),
	/// It has an answer, and validators may speak.
	Panel,
	/// It has an answer, and its panel is over.
	Waiting,
	/// It ended.
	Ended,
}

impl Job {
	fn subject(&self) -> Subject {
		Subject::Job(self.id)
	}

	/// Whether its answer is wrong.
	fn is_wrong(&self) -> bool {
		self.answer.is_some_and(|answer| answer != Answer::Truth)
	}
}

/// A dispute, as the simulator follows it.
struct Game {
	job: usize,
	accused: Accused<AccountId>,
	challenger: Who,
	bond: Balance,
	/// By which answer the accused stands.
	defence: Answer,
	/// Whether the accused makes no more moves.
	silent: bool,
	/// Whether both sides belong together and play as fast as they can.
	sham: bool,
	/// A griefer's aim: a leaf of the claimed trace.
	aim: Option<u32>,
}

/// A run under way.
struct World<'a> {
	library: &'a Library,
	setting: Setting,
	numbers: Numbers,
	rng: Rng,
	people: People,
	now: BlockNumber,
	jobs: Vec<Job>,
	games: BTreeMap<DisputeId, Game>,
	tally: Tally,
}

/// Plays one run.
///
/// # Errors
/// When money was made or lost, an invariant of a pallet does not hold, or something never ends.
pub fn play(library: &Library, setting: Setting, numbers: Numbers, seed: u64) -> Result<Tally, Error> {
	chain::govern(numbers.audit_floor);
	let mut rng = Rng::new(seed);
	let people = People::new(&setting, &numbers, rng.bits());
	let endowments: Vec<(AccountId, Balance)> =
		people.all().map(|(_, person)| (person.account.clone(), person.endowment)).collect();
	let world = World {
		library,
		setting,
		numbers,
		rng,
		people,
		now: 0,
		jobs: Vec::new(),
		games: BTreeMap::new(),
		tally: Tally::default(),
	};
	chain::new(&endowments)?.execute_with(|| world.run(seed))
}

impl World<'_> {
	fn run(mut self, seed: u64) -> Result<Tally, Error> {
		let issued = chain::issued();
		self.begin(seed);
		let owner = self.people.of(Part::Requester, Side::Honest);
		let owner = owner.first().ok_or(Error::Nobody)?;
		chain::register_model(&self.people.get(*owner).account, &self.library.model)?;
		self.people.register_all(&self.setting, &self.numbers)?;
		let last = self.numbers.jobs.div_ceil(self.numbers.jobs_per_block.max(1)) + PATIENCE;
		while !self.is_over() {
			if self.now > last {
				let stuck = self.jobs.iter().filter(|job| job.stage != Stage::Ended).count();
				let first = self.games.keys().next().and_then(|id| chain::Disputes::dispute(*id));
				let stands = first.map_or_else(String::new, |view| {
					let bond = chain::dot(view.bond);
					format!(
						"; the first of them, bond {bond} DOT, due at {}: {:?}",
						view.due,
						view.phase.stage()
					)
				});
				return Err(Error::Stuck { jobs: stuck, disputes: self.games.len(), stands, now: self.now });
			}
			self.begin(seed);
			self.submit();
			self.claim();
			self.answer();
			self.judge();
			self.watch();
			self.play_disputes();
			self.come_back();
			chain::end(self.now);
			self.count()?;
			chain::check_money(issued)?;
		}
		chain::check_state()?;
		self.finish();
		Ok(self.tally)
	}

	fn begin(&mut self, seed: u64) {
		self.now += 1;
		chain::begin(self.now, seed);
	}

	fn is_over(&self) -> bool {
		let all_asked = self.jobs.len() >= self.numbers.jobs as usize;
		all_asked && self.games.is_empty() && self.jobs.iter().all(|job| job.stage == Stage::Ended)
	}

	/// Makes a call for somebody.
	fn call(&self, who: Who, call: impl Into<chain::RuntimeCall>) -> Result<(), DispatchError> {
		chain::call(&self.people.get(who).account, call)
	}

	/// Makes a call that should succeed for somebody honest; counts the reason when it does not.
	fn expect(&mut self, who: Who, call: impl Into<chain::RuntimeCall>) -> bool {
		match self.call(who, call) {
			Ok(()) => true,
			Err(error) => {
				if !self.people.is_adversary(who) {
					*self.tally.refused.entry(chain::reason(error)).or_default() += 1;
				}
				false
			},
		}
	}
}
