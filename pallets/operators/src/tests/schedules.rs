//! The invariants, and the money to the planck, after every step of random schedules of calls.

use crate::mock::*;
use noesis_primitives::{Capability, Conduct, Fault, OperatorRegistry, OperatorStatus, Role};
use polkadot_sdk::sp_runtime::Permill;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Register(AccountId, Role, u128, Capability),
	AddStake(AccountId, u128),
	Update(AccountId, Capability),
	Unbond(AccountId),
	Withdraw(AccountId),
	Rejoin(AccountId),
	Exclude(AccountId, u32),
	Readmit(AccountId),
	Appeal(AccountId),
	Confirm(AccountId),
	Heartbeat(AccountId),
	Sweep(AccountId),
	Authorise(AccountId, AccountId, bool),
	Expose(AccountId, u128),
	Relieve(AccountId, u128),
	Note(AccountId, Conduct),
	Slash(AccountId, Fault, Option<AccountId>),
	Rate(AccountId, u8),
	Measured(AccountId, u64, u32),
	Advance(u32),
	Stakes { stake: u128, period: u32, dispute: u32, marks: u32 },
	Shares { answer: u32, verdict: u32, reward: u32, factor: u32 },
	Presence { period: u32, grace: u32, half_life: u32 },
}

impl Step {
	/// Whether it can raise a reputation.
	fn may_raise(&self) -> bool {
		matches!(
			self,
			Self::Note(_, Conduct::Served | Conduct::Vouched) | Self::Rate(..) | Self::Presence { .. }
		)
	}
}

fn offer() -> impl Strategy<Value = Capability> {
	// Few keys, owners and checkpoints, so that they collide.
	(0u64..6, prop::option::of(1u64..6), prop::collection::vec(0u32..6, 0..5)).prop_map(
		|(key, owner, checkpoints)| match owner {
			Some(owner) => owned_by(owner, key, &checkpoints),
			None => capability(key, &checkpoints),
		},
	)
}

fn conduct() -> impl Strategy<Value = Conduct> {
	prop_oneof![
		Just(Conduct::Served),
		Just(Conduct::Vouched),
		Just(Conduct::Missed),
		Just(Conduct::Rejected),
		Just(Conduct::Dissented),
	]
}

fn fault() -> impl Strategy<Value = Fault> {
	prop_oneof![Just(Fault::WrongAnswer), Just(Fault::WrongVerdict), Just(Fault::ApprovedCanary)]
}

/// Parts in a million: often so few that a slash is dust.
fn share() -> impl Strategy<Value = u32> {
	prop_oneof![0u32..20_000, 0u32..=1_000_000]
}

fn step() -> impl Strategy<Value = Step> {
	let who = || 1u64..5;
	let role = prop_oneof![Just(Role::Worker), Just(Role::Validator)];
	let rewarded = prop::option::of(prop_oneof![who(), Just(NOBODY)]);
	let calls = prop_oneof![
		8 => (who(), role, 0u128..ENDOWMENT, offer()).prop_map(|(w, r, s, c)| Step::Register(w, r, s, c)),
		2 => (who(), 0u128..ENDOWMENT).prop_map(|(w, a)| Step::AddStake(w, a)),
		4 => (who(), offer()).prop_map(|(w, c)| Step::Update(w, c)),
		3 => who().prop_map(Step::Unbond),
		4 => who().prop_map(Step::Withdraw),
		4 => who().prop_map(Step::Rejoin),
		2 => (who(), 0u32..300).prop_map(|(w, b)| Step::Exclude(w, b)),
		1 => who().prop_map(Step::Readmit),
		2 => who().prop_map(Step::Appeal),
		1 => who().prop_map(Step::Confirm),
		3 => who().prop_map(Step::Heartbeat),
		3 => who().prop_map(Step::Sweep),
		3 => (1u64..6, who(), any::<bool>()).prop_map(|(o, d, b)| Step::Authorise(o, d, b)),
	];
	let asked = prop_oneof![
		3 => (who(), 0u128..600).prop_map(|(w, p)| Step::Expose(w, p)),
		3 => (who(), 0u128..600).prop_map(|(w, p)| Step::Relieve(w, p)),
		5 => (who(), conduct()).prop_map(|(w, c)| Step::Note(w, c)),
		4 => (who(), fault(), rewarded).prop_map(|(w, f, r)| Step::Slash(w, f, r)),
		2 => (who(), any::<u8>()).prop_map(|(w, s)| Step::Rate(w, s)),
		2 => (who(), any::<u64>(), any::<u32>()).prop_map(|(w, t, b)| Step::Measured(w, t, b)),
	];
	let world = prop_oneof![
		6 => (0u32..150).prop_map(Step::Advance),
		1 => (0u128..2_000, 0u32..200, 0u32..200, 0u32..4)
			.prop_map(|(stake, period, dispute, marks)| Step::Stakes { stake, period, dispute, marks }),
		1 => (share(), share(), share(), share())
			.prop_map(|(answer, verdict, reward, factor)| Step::Shares { answer, verdict, reward, factor }),
		1 => (0u32..50, 0u32..4, 0u32..500)
			.prop_map(|(period, grace, half_life)| Step::Presence { period, grace, half_life }),
	];
	prop_oneof![3 => calls, 3 => asked, 1 => world]
}

/// A refusal is as good as a success here: what counts is what is true afterwards.
fn ignore<T>(_: T) {}

fn apply(step: Step) {
	let root = RuntimeOrigin::root;
	match step {
		Step::Register(who, role, stake, offer) => {
			ignore(Operators::register(signed(who), role, stake, offer))
		},
		Step::AddStake(who, amount) => ignore(Operators::add_stake(signed(who), amount)),
		Step::Update(who, offer) => ignore(Operators::update_capability(signed(who), offer)),
		Step::Unbond(who) => ignore(Operators::unbond(signed(who))),
		Step::Withdraw(who) => {
			let claimable = Operators::claimable(&who);
			let before = Balances::free_balance(who);
			if Operators::withdraw(signed(who)).is_ok() {
				assert_eq!(Balances::free_balance(who) - before, claimable);
			} else {
				assert_eq!(claimable, 0);
			}
		},
		Step::Rejoin(who) => ignore(Operators::rejoin(signed(who))),
		Step::Exclude(who, blocks) => ignore(Operators::exclude(root(), who, blocks)),
		Step::Readmit(who) => ignore(Operators::readmit(signed(JUDGE), who)),
		Step::Appeal(who) => ignore(Operators::appeal(signed(who), Default::default())),
		Step::Confirm(who) => ignore(Operators::confirm(signed(JUDGE), who)),
		Step::Heartbeat(who) => ignore(Operators::heartbeat(signed(who))),
		Step::Sweep(who) => ignore(Operators::sweep(signed(NOBODY), who)),
		Step::Authorise(owner, device, belongs) => {
			ignore(Operators::authorise(signed(owner), device, belongs));
		},
		Step::Expose(who, price) => {
			let free = Operators::free_exposure(&who);
			if Operators::expose(&who, price).is_ok() {
				assert!(record(who).exposure <= Operators::exposure_cap(&who));
				assert_eq!(Operators::free_exposure(&who), free - price);
			} else {
				assert!(price > free || free == 0);
			}
		},
		Step::Relieve(who, price) => Operators::relieve(&who, price),
		Step::Note(who, conduct) => Operators::note(&who, conduct),
		Step::Slash(who, fault, reward) => {
			let stake = Operators::record(&who).map_or(0, |record| record.stake);
			let slashed = slash(who, fault, reward);
			assert_eq!(Operators::record(&who).map_or(0, |record| record.stake), stake - slashed.taken);
			// Only a registered operator is at fault.
			if Operators::record(&who).is_some() {
				assert_eq!(reputation(who), 0);
			}
		},
		Step::Rate(who, stars) => Operators::rate(&who, stars),
		Step::Measured(who, tokens, blocks) => Operators::measured(&who, tokens, blocks),
		Step::Advance(blocks) => at(System::block_number() + blocks),
		Step::Stakes { stake, period, dispute, marks } => {
			MinWorkerStake::set(stake);
			MinValidatorStake::set(stake);
			UnbondingPeriod::set(period);
			LongestDispute::set(dispute);
			MaxMarks::set(marks);
		},
		Step::Shares { answer, verdict, reward, factor } => {
			WrongAnswerSlash::set(Permill::from_parts(answer));
			WrongVerdictSlash::set(Permill::from_parts(verdict));
			ApprovedCanarySlash::set(Permill::from_parts(verdict));
			RewardShare::set(Permill::from_parts(reward));
			ExposureFactor::set(Permill::from_parts(factor));
		},
		Step::Presence { period, grace, half_life } => {
			HeartbeatPeriod::set(period);
			HeartbeatGrace::set(grace);
			ReputationHalfLife::set(half_life);
		},
	}
}

/// Whatever its status, the operator gets all that is left of its stake by its own calls, once its jobs have ended.
fn leave(who: AccountId) {
	let Some(record) = Operators::record(&who) else { return };
	Operators::relieve(&who, record.exposure);
	if !matches!(record.status, OperatorStatus::Unbonding { .. }) {
		Operators::unbond(signed(who)).unwrap();
	}
	let OperatorStatus::Unbonding { until } = status(who) else { panic!("it unbonds") };
	at(until.max(System::block_number()));
	Operators::withdraw(signed(who)).unwrap();
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_024))]

	#[test]
	fn invariants_should_hold_when_calls_come_in_any_order(steps in prop::collection::vec(step(), 1..60)) {
		new_test_ext().execute_with(|| {
			HeartbeatPeriod::set(15);
			worker(ALICE, &[0, 1]);
			validator(BOB, &[0]);
			for step in steps {
				let before = EVERYBODY.map(reputation);
				let may_raise = step.may_raise();
				apply(step);
				check();
				let after = EVERYBODY.map(reputation);
				assert!(after.iter().all(|reputation| *reputation <= 1_000));
				assert!(may_raise || after.iter().zip(before).all(|(after, before)| *after <= before));
			}
			EVERYBODY.into_iter().for_each(leave);
			check();
			for who in EVERYBODY {
				assert_eq!(held(who), 0);
			}
		});
	}

	#[test]
	fn operator_should_stay_out_when_it_tries_every_way_back_before_its_exclusion_ends(
		steps in prop::collection::vec(step(), 1..40), blocks in 1u32..500,
	) {
		new_test_ext().execute_with(|| {
			worker(ALICE, &[0]);
			Operators::exclude(RuntimeOrigin::root(), ALICE, blocks).unwrap();
			let until = 1 + blocks;
			for step in steps {
				if matches!(step, Step::Exclude(..) | Step::Readmit(..)) {
					continue;
				}
				apply(step);
				if System::block_number() < until {
					assert_ne!(status(ALICE), OperatorStatus::Active);
				}
			}
			check();
		});
	}

	/// Leaving before the fault is found: whoever unbonds after a wrong answer is still there for as long as the
	/// longest dispute over it can take.
	#[test]
	fn stake_should_be_there_when_a_dispute_ends_at_its_latest(
		period in 0u32..1_000, dispute in 1u32..1_000, steps in prop::collection::vec(step(), 1..40),
	) {
		new_test_ext().execute_with(|| {
			UnbondingPeriod::set(period);
			LongestDispute::set(dispute);
			worker(ALICE, &[0]);
			let answered = System::block_number();
			Operators::unbond(signed(ALICE)).unwrap();
			for step in steps {
				if matches!(step, Step::Stakes { .. } | Step::Shares { .. }) {
					continue;
				}
				apply(step);
				if System::block_number() >= answered + dispute {
					break;
				}
				assert!(Operators::record(&ALICE).is_some(), "it left in time");
				check();
			}
		});
	}
}
