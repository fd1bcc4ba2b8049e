//! Any order of calls over any time: what must hold holds after each, and no money is made or lost.

use crate::{mock::*, Bundles, Channels, Entries, EntryState, HoldReason, Jobs};
use noesis_primitives::{
	Balance, BatchSpec, BundleId, ChannelId, ChannelSpec, ChannelState, Disputable, Engagement, JobId,
	JobState, PanelOutcome, Root, Subject, SubjectHandler, Tally, Tier, Usage, Verification,
};
use polkadot_sdk::{
	frame_support::traits::fungible::Inspect,
	sp_runtime::{DispatchResult, Permill},
};
use proptest::{prelude::*, sample::select};

/// A number that becomes something fitting when the step is taken: mostly one of those that the step is meant for,
/// sometimes any.
type Pick = usize;

#[derive(Clone, Debug)]
enum Step {
	Submit { requester: u64, named: Option<u64>, deadline: u32, tier: Tier, verification: Verification },
	Batch { requester: u64, count: u32 },
	Claim { worker: u64, job: Pick },
	Release { job: Pick },
	Answer { job: Pick, input: u32, output: u32, forged: bool },
	Cancel { requester: u64, job: Pick },
	Expire { job: Pick },
	Settle { job: Pick },
	Rate { requester: u64, job: Pick, stars: u8 },
	Decide { subject: Pick, outcome: PanelOutcome, verdicts: Vec<(u64, bool)>, full: bool },
	Suspend { subject: Pick },
	Uphold { subject: Pick },
	Overturn { subject: Pick },
	Offer { requester: u64, worker: u64, escrow: Balance, verification: Verification },
	Accept { channel: Pick },
	Close { by_worker: bool, channel: Pick, turns: u32, forged: bool },
	Contest { channel: Pick, turns: u32 },
	Show { who: u64, bundle: Pick, index: u32, drawn: bool },
	SettleChannel { channel: Pick },
	ClaimAll,
	Prices { base: Balance, unit: Balance, worker: u8, panel: u8, window: u32 },
	Run { blocks: u32, served: bool },
}

fn verification() -> impl Strategy<Value = Verification> {
	select(vec![Verification::Sampled, Verification::Panel(5), Verification::Replicated(2)])
}

fn job_step() -> impl Strategy<Value = Step> {
	let pick = any::<Pick>;
	let payer = || 1u64..3;
	let worker = || WORKER..WORKER + 3;
	let tiers = select(Tier::BY_PRECEDENCE.to_vec());
	let usage = prop_oneof![4 => (1u32..80, 1u32..11), 1 => (0u32..81, 0u32..12)];
	prop_oneof![
		3 => (payer(), prop::option::weighted(0.2, worker()), 0u32..12, tiers, verification()).prop_map(
			|(requester, named, deadline, tier, verification)| {
				Step::Submit { requester, named, deadline, tier, verification }
			}
		),
		2 => (payer(), 1u32..6).prop_map(|(requester, count)| Step::Batch { requester, count }),
		6 => (worker(), pick()).prop_map(|(worker, job)| Step::Claim { worker, job }),
		1 => pick().prop_map(|job| Step::Release { job }),
		8 => (pick(), usage, prop::bool::weighted(0.2)).prop_map(|(job, (input, output), forged)| {
			Step::Answer { job, input, output, forged }
		}),
		1 => (payer(), pick()).prop_map(|(requester, job)| Step::Cancel { requester, job }),
		1 => pick().prop_map(|job| Step::Expire { job }),
		3 => pick().prop_map(|job| Step::Settle { job }),
		1 => (payer(), pick(), 0u8..7)
			.prop_map(|(requester, job, stars)| Step::Rate { requester, job, stars }),
	]
}

fn channel_step() -> impl Strategy<Value = Step> {
	let pick = any::<Pick>;
	prop_oneof![
		2 => (1u64..3, WORKER..WORKER + 3, select(vec![1, 50, 400]), verification()).prop_map(
			|(requester, worker, escrow, verification)| {
				Step::Offer { requester, worker, escrow, verification }
			}
		),
		3 => pick().prop_map(|channel| Step::Accept { channel }),
		4 => (prop::bool::weighted(0.7), pick(), 0u32..6, prop::bool::weighted(0.2))
			.prop_map(|(by_worker, channel, turns, forged)| Step::Close { by_worker, channel, turns, forged }),
		1 => (pick(), 0u32..6).prop_map(|(channel, turns)| Step::Contest { channel, turns }),
		2 => pick().prop_map(|channel| Step::SettleChannel { channel }),
	]
}

fn check_step() -> impl Strategy<Value = Step> {
	let pick = any::<Pick>;
	let outcomes = select(vec![
		PanelOutcome::Confirmed,
		PanelOutcome::Confirmed,
		PanelOutcome::Confirmed,
		PanelOutcome::Rejected,
		PanelOutcome::Lapsed,
		PanelOutcome::Waived,
		PanelOutcome::Canary,
	]);
	let validator = prop_oneof![21u64..25, 1000u64..1004];
	prop_oneof![
		6 => (pick(), outcomes, prop::collection::vec((validator, any::<bool>()), 0..6), any::<bool>())
			.prop_map(|(subject, outcome, verdicts, full)| Step::Decide { subject, outcome, verdicts, full }),
		8 => (prop_oneof![WORKER..WORKER + 3, 1u64..3], pick(), any::<u32>(), prop::bool::weighted(0.8))
			.prop_map(|(who, bundle, index, drawn)| Step::Show { who, bundle, index, drawn }),
		2 => pick().prop_map(|subject| Step::Suspend { subject }),
		3 => pick().prop_map(|subject| Step::Uphold { subject }),
		1 => pick().prop_map(|subject| Step::Overturn { subject }),
		1 => Just(Step::ClaimAll),
		1 => (0u128..50, 0u128..4, 0u8..101, 0u8..101, 0u32..8).prop_map(
			|(base, unit, worker, panel, window)| Step::Prices { base, unit, worker, panel, window }
		),
	]
}

fn step() -> impl Strategy<Value = Step> {
	let time = (1u32..7, any::<bool>()).prop_map(|(blocks, served)| Step::Run { blocks, served });
	prop_oneof![6 => job_step(), 4 => channel_step(), 6 => check_step(), 4 => time]
}

/// One of `fitting`, or, one time in eight and when there is none, the number `pick` below twelve.
fn choose(pick: Pick, fitting: impl Iterator<Item = u64>) -> u64 {
	let mut fitting: Vec<_> = fitting.collect();
	fitting.sort_unstable();
	match fitting.get((pick / 8) % fitting.len().max(1)) {
		Some(number) if !pick.is_multiple_of(8) => *number,
		_ => (pick / 8 % 12) as u64,
	}
}

fn job_in(pick: Pick, wanted: impl Fn(&JobState<AccountId>) -> bool) -> JobId {
	let all = Jobs::<Test>::iter();
	JobId(choose(pick, all.filter(|(_, job)| wanted(&job.state)).map(|(id, _)| id.0)))
}

fn channel_in(pick: Pick, wanted: impl Fn(ChannelState) -> bool) -> ChannelId {
	let all = Channels::<Test>::iter();
	ChannelId(choose(pick, all.filter(|(_, channel)| wanted(channel.state)).map(|(id, _)| id.0)))
}

/// The worker that has a job, or any.
fn worker_of(job: JobId) -> AccountId {
	Jobs::<Test>::get(job).and_then(|job| job.state.worker().copied()).unwrap_or(WORKER)
}

/// Everything that can be disputed or has a panel, in order.
fn subjects() -> Vec<Subject> {
	let jobs = Jobs::<Test>::iter_keys().map(Subject::Job);
	let mut all: Vec<_> =
		jobs.chain(Entries::<Test>::iter_keys().map(|(id, index)| id.subject(index))).collect();
	all.sort();
	all
}

fn pick(subject: usize) -> Option<Subject> {
	let all = subjects();
	(!all.is_empty()).then(|| all[subject % all.len()])
}

fn is_suspended(subject: Subject) -> bool {
	match BundleId::of(subject) {
		Some((id, index)) => {
			Entries::<Test>::get(id, index).is_some_and(|entry| entry.state == EntryState::Disputed)
		},
		None => {
			let Subject::Job(id) = subject else { return false };
			Jobs::<Test>::get(id).is_some_and(|job| matches!(job.state, JobState::Disputed { .. }))
		},
	}
}

/// Results of a batch, of which one may be from elsewhere.
fn results(count: u32, forged: bool) -> Vec<noesis_primitives::Item> {
	let mut items = items(count);
	if forged {
		items[0].claim.leaves += 1;
	}
	items
}

fn log_of(channel: ChannelId, count: u32, forged: bool) -> Vec<noesis_primitives::Turn> {
	let mut turns = turns(channel, count);
	if let Some(turn) = turns.first_mut().filter(|_| forged) {
		turn.index = 7;
	}
	turns
}

/// Shows an entry of a bundle; as nobody here keeps the entries, both ways of making them are tried.
fn show(who: u64, id: BundleId, index: u32, count: u32) -> DispatchResult {
	let tried = |forged| match id {
		BundleId::Batch(job) => show_item(who, job, &results(count, forged), index),
		BundleId::Channel(channel) => show_turn(who, channel, &log_of(channel, count, forged), index),
	};
	tried(false).or_else(|_| tried(true))
}

fn take(step: Step) {
	let _ = match step {
		Step::Submit { requester, named, deadline, tier, verification } => {
			let spec = noesis_primitives::JobSpec { worker: named, deadline, tier, verification, ..spec() };
			Poi::submit(signed(requester), spec, RICH)
		},
		Step::Batch { requester, count } => {
			let spec = BatchSpec { deadline: 12, ..batch_spec(count) };
			Poi::submit_batch(signed(requester), spec, RICH)
		},
		Step::Claim { worker, job } => {
			Poi::claim(signed(worker), job_in(job, |state| *state == JobState::Open))
		},
		Step::Release { job } => {
			let job = job_in(job, |state| matches!(state, JobState::Assigned { .. }));
			Poi::release(signed(worker_of(job)), job)
		},
		Step::Answer { job, input, output: produced, forged } => {
			let job = job_in(job, |state| matches!(state, JobState::Assigned { .. }));
			let worker = worker_of(job);
			match Jobs::<Test>::get(job).and_then(|job| job.batch) {
				Some(batch) => answer_batch(worker, job, &results(batch.count, forged)),
				None => {
					let usage = Usage { input_tokens: input, output_tokens: produced };
					let leaves = FACTS.trace_leaves(usage.positions()).unwrap();
					Poi::answer(signed(worker), job, output(), Root([1; 32]), leaves, usage)
				},
			}
		},
		Step::Cancel { requester, job } => {
			Poi::cancel(signed(requester), job_in(job, |state| *state == JobState::Open))
		},
		Step::Expire { job } => Poi::expire(signed(OTHER), job_in(job, |_| true)),
		Step::Settle { job } => {
			let job = job_in(job, |state| matches!(state, JobState::Answered { .. }));
			Poi::settle(signed(OTHER), job).map(drop).map_err(|error| error.error)
		},
		Step::Rate { requester, job, stars } => {
			let job = job_in(job, |state| matches!(state, JobState::Final { .. }));
			Poi::rate(signed(requester), job, stars)
		},
		Step::Decide { subject, outcome, verdicts, full } => {
			let open: Vec<_> = Book::get().into_keys().collect();
			if !open.is_empty() {
				let subject = open[subject % open.len()];
				tell(subject, outcome, verdicts);
				if full {
					Poi::on_decided(subject);
				}
			}
			Ok(())
		},
		Step::Suspend { subject } => {
			let _ = pick(subject).map(Poi::suspend);
			Ok(())
		},
		Step::Uphold { subject } => {
			let suspended: Vec<_> = subjects().into_iter().filter(|id| is_suspended(*id)).collect();
			suspended.get(subject % suspended.len().max(1)).into_iter().for_each(|id| Poi::uphold(*id));
			Ok(())
		},
		Step::Overturn { subject } => {
			let _ = pick(subject).map(Poi::overturn);
			Ok(())
		},
		Step::Offer { requester, worker, escrow, verification } => {
			let spec = ChannelSpec { worker, escrow, cap: escrow, verification, ..channel_spec() };
			Poi::open_channel(signed(requester), spec)
		},
		Step::Accept { channel } => {
			let id = channel_in(channel, |state| state == ChannelState::Offered);
			let worker = Poi::channel_view(id).map_or(WORKER, |view| view.spec.worker);
			Poi::accept_channel(signed(worker), id)
		},
		Step::Close { by_worker, channel, turns, forged } => {
			let id = channel_in(channel, |state| state == ChannelState::Open);
			let Some(view) = Poi::channel_view(id) else { return };
			let tally = if turns == 0 { Tally::empty(id) } else { tally_of(id, &log_of(id, turns, forged)) };
			let (who, other) = match by_worker {
				true => (view.spec.worker, view.requester),
				false => (view.requester, view.spec.worker),
			};
			Poi::close_channel(signed(who), tally, Some(sign(other, &tally)))
		},
		Step::Contest { channel, turns } => {
			let id = channel_in(channel, |state| matches!(state, ChannelState::Closing { .. }));
			let Some(view) = Poi::channel_view(id) else { return };
			let tally = tally_of(id, &log_of(id, turns, false));
			Poi::contest_close(signed(view.spec.worker), tally, sign(view.requester, &tally))
		},
		Step::Show { who, bundle, index, drawn } => {
			let bundles: Vec<_> = Bundles::<Test>::iter().collect();
			if bundles.is_empty() {
				return;
			}
			let (id, record) = &bundles[bundle % bundles.len()];
			Poi::draw_audits(*id);
			let record = Bundles::<Test>::get(id).unwrap_or_else(|| record.clone());
			let audits = record.audits.clone().unwrap_or_default();
			let index = match audits.get(index as usize % audits.len().max(1)) {
				Some(audit) if drawn => *audit,
				_ => index % record.count,
			};
			show(who, *id, index, record.count)
		},
		Step::SettleChannel { channel } => {
			let id = channel_in(channel, |state| state == ChannelState::Closed);
			Poi::settle_channel(signed(OTHER), id)
		},
		Step::ClaimAll => {
			let jobs = (0..12).map(|id| Engagement::Job(JobId(id)));
			let batches = (0..12).map(|id| Engagement::Bundle(BundleId::Batch(JobId(id))));
			let channels = (0..8).map(|id| Engagement::Bundle(BundleId::Channel(ChannelId(id))));
			let all: Vec<_> = jobs.chain(batches).chain(channels).collect();
			Poi::claim_all(signed(OTHER), all.try_into().unwrap())
		},
		Step::Prices { base, unit, worker, panel, window } => {
			BaseFee::set(&base);
			UnitPrice::set(&unit);
			WorkerShare::set(&Permill::from_percent(worker.into()));
			PanelShare::set(&Permill::from_percent(panel.into()));
			ChallengeWindow::set(&window);
			Ok(())
		},
		Step::Run { blocks, served } => {
			let now = System::block_number() + blocks;
			if served {
				run_to(now)
			} else {
				at_block(now)
			};
			Ok(())
		},
	};
}

/// Something that is under way before the schedule begins.
fn begin(what: u8) {
	match what {
		0 => drop(answered()),
		1 => drop(answered_batch(&items(3))),
		2 => drop(accepted()),
		_ => {
			let id = accepted();
			close_with(id, &turns(id, 4)).unwrap();
		},
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1024))]

	#[test]
	fn schedule_should_keep_every_invariant_and_every_planck(
		begun in prop::collection::vec(0u8..4, 0..6), steps in prop::collection::vec(step(), 20..60),
	) {
		new_test_ext().execute_with(|| {
			let issued = <Balances as Inspect<_>>::total_issuance();
			let everybody = || -> Balance {
				polkadot_sdk::frame_system::Account::<Test>::iter_values()
					.map(|account| account.data.free + account.data.reserved)
					.sum()
			};
			Stake::set(&(8 * STAKE));
			begun.into_iter().for_each(begin);
			Stake::set(&(8 * STAKE));
			for step in steps {
				take(step);
				check();
				prop_assert_eq!(everybody(), issued);
			}

			// When the disputes are over and the panels have given up, every job and channel ends by itself, and
			// nothing stays held.
			subjects().into_iter().for_each(Poi::uphold);
			for _ in 0..8 {
				decide_all(PanelOutcome::Lapsed, &[]);
				run_to(System::block_number() + 60);
				check();
			}
			prop_assert_eq!((Jobs::<Test>::iter().count(), Channels::<Test>::iter().count()), (0, 0));
			prop_assert_eq!((Bundles::<Test>::iter().count(), Entries::<Test>::iter().count()), (0, 0));
			for reason in [HoldReason::JobEscrow, HoldReason::ChannelEscrow, HoldReason::ShownEntry] {
				for who in polkadot_sdk::frame_system::Account::<Test>::iter_keys() {
					prop_assert_eq!(held_for(reason, who), 0);
				}
			}
			prop_assert_eq!(everybody(), issued);
			Ok(())
		})?;
	}
}
