//! Who takes part.

use crate::{
	chain::{self, AccountId, UNIT},
	rng::Rng,
	setting::{Numbers, Setting, Strategy},
	Error,
};
use noesis_primitives::{Balance, Role};
use polkadot_sdk::sp_core::{crypto::Pair as _, sr25519::Pair};
use std::collections::BTreeMap;

/// What somebody does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
	/// Runs jobs.
	Worker,
	/// Checks answers.
	Validator,
	/// Disputes answers without being an operator.
	Outsider,
	/// Pays for jobs.
	Requester,
}

/// Whether somebody keeps to the protocol.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Side {
	/// It does.
	Honest,
	/// It does not.
	Adversary,
}

/// A person, by number.
pub type Who = usize;

/// Somebody.
#[derive(Clone)]
pub struct Person {
	/// Its account.
	pub account: AccountId,
	/// What it does.
	pub part: Part,
	/// Whether it keeps to the protocol.
	pub side: Side,
	/// A validator's draw key.
	pub key: Option<Pair>,
	/// What it was endowed with.
	pub endowment: Balance,
}

/// Everybody.
#[derive(Default)]
pub struct People {
	all: Vec<Person>,
	by_account: BTreeMap<AccountId, Who>,
	seed: u64,
}

/// What everybody has besides a stake: enough for bonds.
const PURSE: Balance = 2_000 * UNIT;
/// Requesters.
const REQUESTERS: usize = 4;
/// Stakes that an adversary has for coming back under new names.
const SPARE_STAKES: Balance = 20;

impl People {
	/// Brings everybody in that `setting` has. They are endowed, but not registered yet.
	pub fn new(setting: &Setting, numbers: &Numbers, seed: u64) -> Self {
		let mut people = Self { seed, ..Self::default() };
		let workers = setting.crowd(numbers.workers);
		let validators = setting.crowd(numbers.validators);
		for (part, crowd) in [(Part::Worker, workers), (Part::Validator, validators)] {
			for _ in 0..crowd.honest {
				people.add(part, Side::Honest, PURSE);
			}
			for _ in 0..crowd.adversaries {
				people.add(part, Side::Adversary, PURSE);
			}
		}
		for _ in 0..numbers.watchers {
			people.add(Part::Outsider, Side::Honest, PURSE);
		}
		// Accomplices and griefers, one for each adversary; the first pays for new names.
		for _ in 0..(workers.adversaries + validators.adversaries).max(1) {
			people.add(Part::Outsider, Side::Adversary, PURSE + SPARE_STAKES * chain::least_stake());
		}
		for _ in 0..REQUESTERS {
			people.add(Part::Requester, Side::Honest, 100 * PURSE);
		}
		people
	}

	/// Adds somebody.
	pub fn add(&mut self, part: Part, side: Side, endowment: Balance) -> Who {
		let who = self.all.len();
		let mut rng = Rng::new(self.seed ^ (who as u64).rotate_left(32));
		let mut bytes = [0; 32];
		bytes.chunks_exact_mut(8).for_each(|chunk| chunk.copy_from_slice(&rng.bits().to_le_bytes()));
		let pair = Pair::from_seed(&bytes);
		let account = AccountId::new(pair.public().0);
		self.by_account.insert(account.clone(), who);
		let key = (part == Part::Validator).then_some(pair);
		self.all.push(Person { account, part, side, key, endowment });
		who
	}

	/// Somebody.
	pub fn get(&self, who: Who) -> &Person {
		&self.all[who]
	}

	/// Who has an account; `None` for the pot.
	pub fn find(&self, account: &AccountId) -> Option<Who> {
		self.by_account.get(account).copied()
	}

	/// Everybody.
	pub fn all(&self) -> impl Iterator<Item = (Who, &Person)> {
		self.all.iter().enumerate()
	}

	/// Those who do this on this side.
	pub fn of(&self, part: Part, side: Side) -> Vec<Who> {
		let those = self.all().filter(|(_, person)| person.part == part && person.side == side);
		those.map(|(who, _)| who).collect()
	}

	/// Whether somebody is an adversary.
	pub fn is_adversary(&self, who: Who) -> bool {
		self.get(who).side == Side::Adversary
	}

	/// Registers an operator with so many least stakes.
	pub fn register(&self, who: Who, stakes: u32) -> Result<(), Error> {
		let person = self.get(who);
		let role = if person.part == Part::Worker { Role::Worker } else { Role::Validator };
		let key = person.key.as_ref().map_or([0; 32], |key| key.public().0);
		chain::register(&person.account, role, chain::least_stake() * Balance::from(stakes), key)
	}

	/// Registers all operators, and gives them the reputation that long service earns; not to Sybils.
	pub fn register_all(&self, setting: &Setting, numbers: &Numbers) -> Result<(), Error> {
		for (part, crowd) in [
			(Part::Worker, setting.crowd(numbers.workers)),
			(Part::Validator, setting.crowd(numbers.validators)),
		] {
			for who in self.of(part, Side::Honest) {
				self.register(who, crate::setting::HONEST_STAKES)?;
				chain::esteem(&self.get(who).account);
			}
			for who in self.of(part, Side::Adversary) {
				self.register(who, crowd.stakes)?;
				if setting.strategy != Strategy::Sybil {
					chain::esteem(&self.get(who).account);
				}
			}
		}
		Ok(())
	}
}
