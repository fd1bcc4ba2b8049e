//! A chain in memory: blocks, calls, and what is looked at between them.

mod runtime;

pub use runtime::{
	AccountId, Balances, Checkpoints, Disputes, Operators, Poc, Poi, Runtime, RuntimeCall, RuntimeEvent,
	System, UNIT,
};

use crate::{liar::Stakes, model::Model, Error};
use noesis_primitives::{
	Balance, BlockNumber, Capability, CheckpointId, Conduct, OperatorRegistry, ReputationSteps, Role,
	Verification,
};
use polkadot_sdk::{
	frame_support::{
		traits::{fungible::Inspect, OnFinalize, OnIdle, OnInitialize, OnPoll},
		weights::{Weight, WeightMeter},
	},
	frame_system, pallet_balances,
	sp_io::{self, TestExternalities},
	sp_runtime::{traits::Dispatchable, BuildStorage, DispatchError, Permill, TryRuntimeError},
};
use runtime::{AuditFloor, ExistentialDeposit, MinStake, PanelFundAccount, PotAccount, RuntimeOrigin, Steps};

/// The only checkpoint.
pub const CHECKPOINT: CheckpointId = CheckpointId(0);
/// The lowest audit rate that is governed, in percent.
pub const AUDIT_FLOOR: f64 = 11.0;
/// Price of one token, in units: that of a model of 135 million parameters.
const UNITS: u32 = 135;

/// A chain that has not begun, on which these accounts have something.
pub fn new(endowments: &[(AccountId, Balance)]) -> Result<TestExternalities, Error> {
	let fails = |error: String| Error::Genesis(error);
	let mut storage = frame_system::GenesisConfig::<Runtime>::default().build_storage().map_err(fails)?;
	let mut balances = endowments.to_vec();
	balances.extend([PotAccount::get(), PanelFundAccount::get()].map(|pot| (pot, ExistentialDeposit::get())));
	pallet_balances::GenesisConfig::<Runtime> { balances, ..Default::default() }
		.assimilate_storage(&mut storage)
		.map_err(fails)?;
	Ok(storage.into())
}

/// The numbers of this run that are not constants.
pub fn govern(audit_floor: f64) {
	AuditFloor::set(Permill::from_float(audit_floor / 100.0));
	Steps::set(ReputationSteps::default());
}

/// What a liar risks and may gain at the highest reputation, when every audit finds it.
pub fn stakes() -> Stakes {
	let share = |part: Permill| f64::from(part.deconstruct()) / 1e6;
	Stakes {
		slash: share(runtime::WrongAnswerSlash::get()),
		reward: share(runtime::RewardShare::get()),
		exposure: share(runtime::ExposureFactor::get()),
		audit: (AUDIT_FLOOR / 100.0).max(least_audit() / 100.0),
		missed: 0.0,
	}
}

/// The terms of a panel whose answer is audited, over no validators.
pub fn terms() -> pallet_poc::Terms {
	pallet_poc::Terms {
		verification: Verification::Sampled,
		audit: Permill::one(),
		size: runtime::PanelSize::get(),
		quorum: runtime::Quorum::get(),
		openings: runtime::Openings::get(),
		window: runtime::PanelWindow::get(),
		max_windows: runtime::MaxWindows::get(),
		validators: 0,
	}
}

/// The least audit rate, in percent, at which a liar gains nothing when every audit finds it.
pub fn least_audit() -> f64 {
	let floor =
		pallet_poc::audit_floor(Permill::zero(), runtime::ExposureFactor::get(), runtime::RewardShare::get());
	f64::from(floor.deconstruct()) / 10_000.0
}

/// The parameters of the chain that matter for what is counted.
pub fn parameters() -> serde_json::Value {
	use runtime::*;
	let percent = |share: Permill| f64::from(share.deconstruct()) / 10_000.0;
	serde_json::json!({
		"min_stake_dot": dot(MinStake::get()),
		"wrong_answer_slash_percent": percent(WrongAnswerSlash::get()),
		"wrong_verdict_slash_percent": percent(WrongVerdictSlash::get()),
		"reward_share_percent": percent(RewardShare::get()),
		"exposure_factor_percent": percent(ExposureFactor::get()),
		"panel_size": PanelSize::get(),
		"quorum": Quorum::get(),
		"openings": Openings::get(),
		"panel_window_blocks": PanelWindow::get(),
		"panel_windows": MaxWindows::get(),
		"least_audit_percent": least_audit(),
		"challenge_window_blocks": ChallengeWindow::get(),
		"dispute_bond_dot": dot(DisputeBond::get()),
		"dispute_arity": Arity::get(),
		"response_window_blocks": ResponseWindow::get(),
		"base_fee_dot": dot(BaseFee::get()),
		"worker_share_percent": percent(WorkerShare::get()),
		"panel_share_percent": percent(PanelShare::get()),
	})
}

/// The least stake of an operator.
pub fn least_stake() -> Balance {
	MinStake::get()
}

/// Makes a call in the name of `who`; a call that fails changes nothing.
pub fn call(who: &AccountId, call: impl Into<RuntimeCall>) -> Result<(), DispatchError> {
	let call: RuntimeCall = call.into();
	match call.dispatch(RuntimeOrigin::signed(who.clone())) {
		Ok(_) => Ok(()),
		Err(failed) => Err(failed.error),
	}
}

/// The name of an error.
pub fn reason(error: DispatchError) -> String {
	match error {
		DispatchError::Module(module) => module.message.unwrap_or("unknown").to_owned(),
		other => format!("{other:?}"),
	}
}

/// Registers the model.
pub fn register_model(owner: &AccountId, model: &Model) -> Result<(), Error> {
	let record = model.record(UNITS);
	call(owner, pallet_checkpoints::Call::register { record })
		.map_err(|error| Error::refused("register", error))
}

/// Registers an operator.
pub fn register(who: &AccountId, role: Role, stake: Balance, draw_key: [u8; 32]) -> Result<(), Error> {
	let capability = Capability {
		checkpoints: vec![CHECKPOINT].try_into().unwrap_or_default(),
		memory_mib: 0,
		tokens_per_second: 0,
		region: Default::default(),
		endpoint: b"http://localhost".to_vec().try_into().unwrap_or_default(),
		draw_key,
		owner: None,
		seal_key: None,
	};
	call(who, pallet_operators::Call::register { role, stake, capability })
		.map_err(|error| Error::refused("register", error))
}

/// Gives an operator the highest reputation, as if it had served for long.
pub fn esteem(who: &AccountId) {
	Steps::set(ReputationSteps { served: 1_000, ..ReputationSteps::default() });
	<Operators as OperatorRegistry<AccountId>>::note(who, Conduct::Served);
	Steps::set(ReputationSteps::default());
}

/// Begins block `number`, with a hash of the one before that follows from `seed`.
pub fn begin(number: BlockNumber, seed: u64) {
	let hash = sp_io::hashing::blake2_256(&[seed.to_le_bytes(), u64::from(number).to_le_bytes()].concat());
	System::reset_events();
	System::initialize(&number, &hash.into(), &Default::default());
	runtime::AllPalletsWithSystem::on_initialize(number);
	runtime::AllPalletsWithSystem::on_poll(number, &mut WeightMeter::new());
}

/// Ends the block: the pallets serve what is due.
pub fn end(number: BlockNumber) {
	runtime::AllPalletsWithSystem::on_idle(number, Weight::MAX);
	runtime::AllPalletsWithSystem::on_finalize(number);
}

/// What happened in this block.
pub fn events() -> Vec<RuntimeEvent> {
	System::events().into_iter().map(|record| record.event).collect()
}

/// All the money there is.
pub fn issued() -> Balance {
	<Balances as Inspect<AccountId>>::total_issuance()
}

/// All that an account has, held or not.
pub fn wealth(who: &AccountId) -> Balance {
	<Balances as Inspect<AccountId>>::total_balance(who)
}

/// Money in a number that is fit for statistics, in DOT.
pub fn dot(amount: Balance) -> f64 {
	amount as f64 / UNIT as f64
}

/// Checks that no money was made or lost: the accounts have what was issued, which is what there was.
pub fn check_money(issued: Balance) -> Result<(), Error> {
	let sum: Balance = frame_system::Account::<Runtime>::iter_values()
		.map(|account| account.data.free.saturating_add(account.data.reserved))
		.sum();
	let issuance = self::issued();
	if sum == issued && issuance == issued {
		return Ok(());
	}
	Err(Error::Money { block: System::block_number(), issued, issuance, sum })
}

/// Calls every pallet's `try_state`.
pub fn check_state() -> Result<(), Error> {
	let broken = |pallet: &'static str| {
		move |error: TryRuntimeError| Error::Invariant { pallet, reason: format!("{error:?}") }
	};
	Operators::do_try_state().map_err(broken("operators"))?;
	Checkpoints::do_try_state().map_err(broken("checkpoints"))?;
	Poc::do_try_state().map_err(broken("poc"))?;
	Poi::do_try_state().map_err(broken("poi"))?;
	Disputes::do_try_state().map_err(broken("dispute"))
}
