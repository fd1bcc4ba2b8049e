//! The chain: blocks, calls, money, and what must always hold.

use super::{models, Model, Person, UNIT};
use codec::Encode;
use cumulus_pallet_parachain_system::OnSystemEvent;
use noesis_primitives::{Balance, BlockNumber, Capability, CheckpointId, Role};
use noesis_runtime::{
	genesis_config_presets, parameters::RuntimeParameters, AccountId, Balances, Beacon, Checkpoints, Dispute,
	Hash, Operators, Poc, Poi, Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, System, TransactionPayment,
	UncheckedExtrinsic,
};
use polkadot_sdk::{
	cumulus_primitives_core::PersistedValidationData,
	frame_support::{
		dispatch::GetDispatchInfo,
		traits::{
			fungible::{Inspect, InspectHold},
			GetCallMetadata, Hooks,
		},
		weights::{Weight, WeightMeter},
	},
	frame_system, pallet_balances, pallet_parameters, sp_io,
	sp_runtime::{traits::Dispatchable, BuildStorage, DispatchError, Storage},
};
use sp_state_machine::BasicExternalities;
use std::sync::OnceLock;

/// A call that was dispatched.
#[derive(Clone, Debug)]
pub struct Filed {
	/// Its pallet and name.
	pub name: String,
	/// Bytes of the call.
	pub bytes: usize,
	/// The most that it may weigh.
	pub weight: Weight,
	/// What its extrinsic costs who signs it.
	pub fee: Balance,
	/// What came of it.
	pub result: Result<(), DispatchError>,
}

/// The chain in the state in which a test has brought it.
#[derive(Clone, Debug)]
pub struct Court {
	/// The model that is registered.
	pub model: &'static Model,
	/// Its number.
	pub checkpoint: CheckpointId,
	/// Every call so far.
	pub calls: Vec<Filed>,
	/// Every event so far.
	pub events: Vec<RuntimeEvent>,
	issued: Balance,
}

/// Runs a test on a fresh chain with the usual model.
pub fn session<R>(test: impl FnOnce(&mut Court) -> R) -> R {
	session_on(&models().registered, test)
}

/// Runs a test on a fresh chain with this model.
pub fn session_on<R>(model: &'static Model, test: impl FnOnce(&mut Court) -> R) -> R {
	on(genesis(), || Court::open(model), test).1
}

fn genesis() -> &'static Storage {
	static GENESIS: OnceLock<Storage> = OnceLock::new();
	GENESIS.get_or_init(|| genesis_config_presets::config("development").unwrap().build_storage().unwrap())
}

/// Runs a test on a chain with this storage; gives the chain as the test left it, too.
fn on<R>(storage: &Storage, court: impl FnOnce() -> Court, test: impl FnOnce(&mut Court) -> R) -> (Saved, R) {
	let mut externalities = BasicExternalities::new(storage.clone());
	let (court, result) = externalities.execute_with(|| {
		let mut court = court();
		let result = test(&mut court);
		court.check();
		(court, result)
	});
	(Saved { storage: externalities.into_storages(), court }, result)
}

/// A chain as a test left it, from which any number of others go on, each by itself.
#[derive(Clone, Debug)]
pub struct Saved {
	storage: Storage,
	court: Court,
}

impl Saved {
	/// A fresh chain with the usual model, after `prepare`.
	pub fn after<R>(prepare: impl FnOnce(&mut Court) -> R) -> (Self, R) {
		on(genesis(), || Court::open(&models().registered), prepare)
	}

	/// Runs a test from here on. The calls and events so far are not counted among its own.
	pub fn session<R>(&self, test: impl FnOnce(&mut Court) -> R) -> R {
		let court = || Court { calls: Vec::new(), events: Vec::new(), ..self.court.clone() };
		on(&self.storage, court, test).1
	}
}

impl Court {
	fn open(model: &'static Model) -> Self {
		let mut court = Self {
			model,
			checkpoint: CheckpointId(0),
			calls: Vec::new(),
			events: Vec::new(),
			issued: Balances::total_issuance(),
		};
		court.begin_block(1);
		let record = model.record();
		court.ok(&Person::named("Alice"), pallet_checkpoints::Call::register { record });
		court
	}

	/// The current block.
	pub fn now(&self) -> BlockNumber {
		System::block_number()
	}

	/// Everything that an account has, held or not.
	pub fn worth(&self, who: &AccountId) -> Balance {
		Balances::total_balance(who)
	}

	/// What is held of an account.
	pub fn held(&self, who: &AccountId) -> Balance {
		Balances::total_balance_on_hold(who)
	}

	/// An account with so much money.
	pub fn person(&mut self, name: &str, dot: Balance) -> Person {
		let person = Person::named(name);
		let have = self.worth(&person.account);
		if have == 0 && dot > 0 {
			let dest = person.account.clone().into();
			let give = pallet_balances::Call::transfer_keep_alive { dest, value: dot * UNIT };
			self.ok(&Person::named("Alice"), give);
		}
		person
	}

	/// What a registered operator states.
	pub fn capability(&self, person: &Person) -> Capability {
		Capability {
			checkpoints: vec![self.checkpoint].try_into().unwrap(),
			memory_mib: 1024,
			tokens_per_second: 10,
			region: b"EU".to_vec().try_into().unwrap(),
			endpoint: b"http://127.0.0.1:7000".to_vec().try_into().unwrap(),
			draw_key: person.draw_key(),
			owner: None,
			seal_key: Some(person.keys().seal().public().0),
		}
	}

	/// An operator with a stake of so many DOT, and as much again to spend.
	pub fn operator(&mut self, name: &str, role: Role, dot: Balance) -> Person {
		let person = self.person(name, 2 * dot);
		let (stake, capability) = (dot * UNIT, self.capability(&person));
		self.ok(&person, pallet_operators::Call::register { role, stake, capability });
		person
	}

	/// A worker and so many validators of 1000 DOT each, that may speak from this block on.
	pub fn staff(&mut self, validators: usize) -> (Person, Vec<Person>) {
		let worker = self.operator("worker", Role::Worker, 1000);
		let named = |court: &mut Self, i| court.operator(&format!("validator {i}"), Role::Validator, 1000);
		let validators = (0..validators).map(|i| named(self, i)).collect();
		self.block();
		(worker, validators)
	}

	/// Dispatches a call as `who` would sign it.
	pub fn dispatch(&mut self, who: &Person, call: impl Into<RuntimeCall>) -> Result<(), DispatchError> {
		self.dispatch_as(RuntimeOrigin::signed(who.account.clone()), call)
	}

	/// Dispatches a call as the chain's administration.
	pub fn govern(&mut self, call: impl Into<RuntimeCall>) {
		let call = call.into();
		self.try_to_govern(call.clone()).unwrap_or_else(|error| panic!("{call:?}: {error:?}"));
	}

	/// Dispatches a call as the chain's administration, which may fail.
	pub fn try_to_govern(&mut self, call: impl Into<RuntimeCall>) -> Result<(), DispatchError> {
		self.dispatch_as(RuntimeOrigin::root(), call)
	}

	/// Sets a governed number.
	pub fn set(&mut self, key_value: RuntimeParameters) {
		self.govern(pallet_parameters::Call::set_parameter { key_value });
	}

	fn dispatch_as(
		&mut self,
		origin: RuntimeOrigin,
		call: impl Into<RuntimeCall>,
	) -> Result<(), DispatchError> {
		let call = call.into();
		let (info, metadata) = (call.get_dispatch_info(), call.get_call_metadata());
		let bytes = UncheckedExtrinsic::new_bare(call.clone()).encode().len();
		let result = call.dispatch(origin).map(|_| ()).map_err(|error| error.error);
		self.calls.push(Filed {
			name: format!("{}.{}", metadata.pallet_name, metadata.function_name),
			bytes,
			weight: info.total_weight(),
			fee: TransactionPayment::compute_fee(bytes as u32, &info, 0),
			result,
		});
		self.take_events();
		self.check();
		result
	}

	/// Dispatches a call that must succeed.
	pub fn ok(&mut self, who: &Person, call: impl Into<RuntimeCall>) {
		let call = call.into();
		let result = self.dispatch(who, call.clone());
		result.unwrap_or_else(|error| panic!("{who:?} may not {call:?}: {error:?}"));
	}

	/// Dispatches a call that must be refused, and names why.
	pub fn refused(&mut self, who: &Person, call: impl Into<RuntimeCall>) -> String {
		let call = call.into();
		match self.dispatch(who, call.clone()) {
			Ok(()) => panic!("{who:?} may {call:?}"),
			Err(DispatchError::Module(error)) => error.message.unwrap_or("unnamed").into(),
			Err(error) => format!("{error:?}"),
		}
	}

	/// Ends this block and begins the next.
	pub fn block(&mut self) {
		let now = self.now();
		let room = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
		Poc::on_idle(now, room);
		Poi::on_idle(now, room);
		Dispute::on_idle(now, room);
		Operators::on_idle(now, room);
		Poc::on_finalize(now);
		Dispute::on_finalize(now);
		Poi::on_finalize(now);
		Operators::on_finalize(now);
		Beacon::on_finalize(now);
		// Only blocks change it, and it is long.
		if now.is_multiple_of(64) {
			Beacon::do_try_state().unwrap();
		}
		self.take_events();
		self.check();
		self.begin_block(now + 1);
	}

	/// So many blocks pass.
	pub fn blocks(&mut self, count: BlockNumber) {
		(0..count).for_each(|_| self.block());
	}

	fn begin_block(&mut self, number: BlockNumber) {
		System::initialize(
			&number,
			&Hash::from((number, b"parent").using_encoded(sp_io::hashing::blake2_256)),
			&Default::default(),
		);
		Operators::on_initialize(number);
		Poi::on_initialize(number);
		Poc::on_initialize(number);
		Dispute::on_initialize(number);
		let data = PersistedValidationData { relay_parent_number: number, ..Default::default() };
		Beacon::on_validation_data(&data);
		let room = <Runtime as frame_system::Config>::BlockWeights::get().max_block;
		let mut meter = WeightMeter::with_limit(room / 2);
		Poi::on_poll(number, &mut meter);
		Poc::on_poll(number, &mut meter);
		Dispute::on_poll(number, &mut meter);
		self.take_events();
	}

	fn take_events(&mut self) {
		self.events.extend(System::read_events_no_consensus().map(|record| record.event));
		System::reset_events();
	}

	/// What must hold after everything that happens.
	pub fn check(&self) {
		Poi::do_try_state().unwrap();
		Poc::do_try_state().unwrap();
		Operators::do_try_state().unwrap();
		Dispute::do_try_state().unwrap();
		Checkpoints::do_try_state().unwrap();
		assert_eq!(Balances::total_issuance(), self.issued, "money was made or lost");
	}

	/// Begins to count what an attack brings those who make it.
	pub fn attack(&self, name: &'static str, attackers: &[&Person]) -> Attack {
		let attackers: Vec<AccountId> = attackers.iter().map(|person| person.account.clone()).collect();
		let before = attackers.iter().map(|who| self.worth(who)).sum();
		Attack { name, attackers, before }
	}
}

/// An attack, and what those who make it had before.
#[derive(Debug)]
pub struct Attack {
	name: &'static str,
	attackers: Vec<AccountId>,
	before: Balance,
}

impl Attack {
	/// What they have less now than before; negative if they gained. Prints it.
	pub fn loss(&self, court: &Court) -> i128 {
		let after: Balance = self.attackers.iter().map(|who| court.worth(who)).sum();
		let loss = self.before as i128 - after as i128;
		println!(
			"attack {}: before {} .. after {} .. loss {}",
			self.name,
			dot(self.before as i128),
			dot(after as i128),
			dot(loss)
		);
		loss
	}

	/// They must have lost something.
	pub fn lost(&self, court: &Court) -> Balance {
		let loss = self.loss(court);
		assert!(loss > 0, "{} cost nothing", self.name);
		loss as Balance
	}

	/// They must have gained nothing.
	pub fn gained_nothing(&self, court: &Court) {
		assert!(self.loss(court) >= 0, "{} pays", self.name);
	}
}

fn dot(planck: i128) -> String {
	let sign = if planck < 0 { "-" } else { "" };
	let planck = planck.unsigned_abs();
	format!("{sign}{}.{:010} DOT", planck / UNIT, planck % UNIT)
}
