//! Random schedules: whatever anybody does in whatever order, no planck is made or lost, every invariant holds, and every
//! job and every channel ends.
//!
//! `NOESIS_SCHEDULES` says how many.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_runtime::{
	parameters::{
		dynamic_params::{dispute, operators, poc, poi},
		RuntimeParameters,
	},
	Dispute, Operators, Poi, Runtime,
};
use noesis_tests::court::*;
use proptest::prelude::*;
use std::cell::Cell;

/// Something that somebody does, with what it concerns.
#[derive(Clone, Copy, Debug)]
enum Deed {
	Blocks(u8),
	Submit { worker: bool, verification: u8, tier: u8 },
	Claim,
	Release,
	Answer { work: u8 },
	Cancel,
	Expire,
	Settle,
	Rate(u8),
	Verdict { work: u8 },
	Abstain,
	Challenge { validator: bool, work: u8 },
	ProveLength,
	Move { work: u8, plays: u8 },
	Choose(u8),
	Timeout,
	Offer { escrow: u8, cap: u8 },
	Accept,
	Close { turns: u8, work: u8, signed: bool },
	Contest { turns: u8, work: u8 },
	Show { index: u8, work: u8 },
	SettleChannel,
	ClaimAll,
	Register { role: bool, stake: u8 },
	AddStake(u8),
	Unbond,
	Withdraw,
	Rejoin,
	Heartbeat,
	Sweep,
	Exclude(u8),
}

fn deed() -> impl Strategy<Value = Deed> {
	use Deed::*;
	prop_oneof![
		4 => (1u8..8).prop_map(Blocks),
		1 => Just(Blocks(30)),
		4 => any::<(bool, u8, u8)>().prop_map(|(worker, verification, tier)| Submit { worker, verification, tier }),
		5 => Just(Claim),
		1 => Just(Release),
		5 => any::<u8>().prop_map(|work| Answer { work }),
		1 => Just(Cancel),
		1 => Just(Expire),
		1 => Just(Settle),
		1 => any::<u8>().prop_map(Rate),
		6 => any::<u8>().prop_map(|work| Verdict { work }),
		1 => Just(Abstain),
		4 => any::<(bool, u8)>().prop_map(|(validator, work)| Challenge { validator, work }),
		1 => Just(ProveLength),
		6 => any::<(u8, u8)>().prop_map(|(work, plays)| Move { work, plays }),
		1 => any::<u8>().prop_map(Choose),
		1 => Just(Timeout),
		2 => any::<(u8, u8)>().prop_map(|(escrow, cap)| Offer { escrow, cap }),
		2 => Just(Accept),
		2 => any::<(u8, u8, bool)>().prop_map(|(turns, work, signed)| Close { turns, work, signed }),
		1 => any::<(u8, u8)>().prop_map(|(turns, work)| Contest { turns, work }),
		2 => any::<(u8, u8)>().prop_map(|(index, work)| Show { index, work }),
		1 => Just(SettleChannel),
		1 => Just(ClaimAll),
		1 => any::<(bool, u8)>().prop_map(|(role, stake)| Register { role, stake }),
		1 => any::<u8>().prop_map(AddStake),
		1 => Just(Unbond),
		1 => Just(Withdraw),
		1 => Just(Rejoin),
		1 => Just(Heartbeat),
		1 => Just(Sweep),
		1 => any::<u8>().prop_map(Exclude),
	]
}

/// Who does it, in which job, channel and dispute (the newest first), and what.
type Step = (u8, u8, Deed);

fn ask() -> Ask {
	Ask::tokens(&[40, 7, 99, 150], 4)
}

/// What anybody may claim of the one job there is: the truth, two lies, a shorter answer, and nothing.
fn works() -> Vec<Work> {
	let model = &models().registered;
	let fault = |position, layer| Fault { position, layer, index: 5, change: 3000 };
	let run = |fault| Work::of(model, ask().kind, &ask().input, fault);
	let truth = run(None);
	let tokens = truth.tokens();
	let short = Forgery::of_tokens(model, ask().kind, &tokens[..tokens.len() - 1], 4);
	vec![
		truth.clone(),
		run(Some(fault(2, 0))),
		run(Some(fault(5, 1))),
		Work::forged(short, &ask().input),
		Work::garbage(model, truth.claim.usage, &ask().input, 5),
	]
}

struct Market {
	people: Vec<Person>,
	works: Vec<Work>,
	done: usize,
}

impl Market {
	fn open(court: &mut Court, works: Vec<Work>) -> Self {
		// Short windows, so that much happens in few blocks.
		court.set(RuntimeParameters::Poi(poi::Parameters::ChallengeWindow(poi::ChallengeWindow, Some(8))));
		court.set(RuntimeParameters::Poi(poi::Parameters::ShowPeriod(poi::ShowPeriod, Some(6))));
		court.set(RuntimeParameters::Poi(poi::Parameters::ContestPeriod(poi::ContestPeriod, Some(6))));
		court.set(RuntimeParameters::Poi(poi::Parameters::OpenPeriod(poi::OpenPeriod, Some(20))));
		court.set(RuntimeParameters::Poi(poi::Parameters::KeepPeriod(poi::KeepPeriod, Some(60))));
		court.set(RuntimeParameters::Poc(poc::Parameters::Window(poc::Window, Some(4))));
		let response = dispute::Parameters::ResponseWindow(dispute::ResponseWindow, Some(4));
		court.set(RuntimeParameters::Dispute(response));
		let liability = dispute::Parameters::LiabilityPeriod(dispute::LiabilityPeriod, Some(30));
		court.set(RuntimeParameters::Dispute(liability));
		let period = operators::Parameters::UnbondingPeriod(operators::UnbondingPeriod, Some(1));
		court.set(RuntimeParameters::Operators(period));
		let mut people = Vec::new();
		for i in 0..2 {
			people.push(court.operator(&format!("worker {i}"), Role::Worker, 500));
		}
		for i in 0..4 {
			people.push(court.operator(&format!("validator {i}"), Role::Validator, 200));
		}
		for i in 0..3 {
			people.push(court.person(&format!("somebody {i}"), 300));
		}
		court.block();
		Self { people, works, done: 0 }
	}

	fn work(&self, number: u8) -> Work {
		// More often true than not.
		self.works[if number < 120 { 0 } else { number as usize % self.works.len() }].clone()
	}

	fn turns(&self, channel: ChannelId, count: u8, work: u8) -> Turns {
		let mut turns = Turns::none(channel);
		(0..count % 4).for_each(|_| turns.add(ask().kind, &self.work(work), UNIT / 4));
		turns
	}

	/// Tries something; what is refused leaves all as it was.
	fn step(&mut self, court: &mut Court, (who, what, deed): Step) {
		use pallet_operators::Call as Operator;
		use pallet_poi::Call as Jobs;
		let person = self.people[who as usize % self.people.len()].clone();
		let newest = |next: u64| next.saturating_sub(1 + u64::from(what) % 4);
		let job = JobId(newest(pallet_poi::NextJob::<Runtime>::get().0));
		let channel = ChannelId(newest(pallet_poi::NextChannel::<Runtime>::get().0));
		let dispute = DisputeId(newest(pallet_dispute::NextDispute::<Runtime>::get().0));
		let subject = match what % 5 {
			4 => Subject::Turn { channel, index: u32::from(what) % 3 },
			_ => Subject::Job(job),
		};
		let ok = match deed {
			Deed::Blocks(count) => {
				court.blocks(count.into());
				true
			},
			Deed::Submit { worker, verification, tier } => {
				let verification = match verification % 4 {
					0 => Verification::Panel(2),
					1 => Verification::Replicated(1),
					_ => Verification::Sampled,
				};
				let named = worker.then(|| self.people[0].clone());
				let mut spec = ask().checked(verification).spec(court.checkpoint, named.as_ref());
				spec.tier = Tier::BY_PRECEDENCE[tier as usize % 3];
				court.dispatch(&person, Jobs::submit { spec, max_fee: UNIT }).is_ok()
			},
			Deed::Claim => court.dispatch(&person, Jobs::claim { job }).is_ok(),
			Deed::Release => court.dispatch(&person, Jobs::release { job }).is_ok(),
			Deed::Answer { work } => court.answer(&person, job, &self.work(work)).is_ok(),
			Deed::Cancel => court.dispatch(&person, Jobs::cancel { job }).is_ok(),
			Deed::Expire => court.dispatch(&person, Jobs::expire { job }).is_ok(),
			Deed::Settle => court.dispatch(&person, Jobs::settle { job }).is_ok(),
			Deed::Rate(stars) => court.dispatch(&person, Jobs::rate { job, stars: stars % 7 }).is_ok(),
			Deed::Verdict { work } => court.speak(&person, subject, &self.work(work)).is_ok(),
			Deed::Abstain => noesis_runtime::Poc::seed(subject).is_some_and(|seed| {
				let draw = person.draw(&seed);
				court.dispatch(&person, pallet_poc::Call::abstain { subject, draw }).is_ok()
			}),
			Deed::Challenge { validator, work } => {
				let accused = match validator {
					false => Accused::Worker,
					true => Accused::Validator(self.people[2 + what as usize % 4].account.clone()),
				};
				let claim = match (validator, Poi::job_view(job).and_then(|view| view.claim)) {
					(false, Some(claim)) if what % 5 != 4 => claim,
					_ => self.work(work).claim,
				};
				court.dispatch(&person, pallet_dispute::Call::challenge { subject, accused, claim }).is_ok()
			},
			Deed::ProveLength => {
				let short = &self.works[3];
				let proof = court.show_stopped_short(&self.works[0], &short.claim).unwrap();
				let (accused, claim) = (Accused::Worker, short.claim);
				let architecture = *court.model.architecture();
				let call =
					pallet_dispute::Call::prove_length { subject, accused, claim, architecture, proof };
				court.dispatch(&person, call).is_ok()
			},
			Deed::Move { work, plays } => self.play(court, dispute, work, plays),
			Deed::Choose(child) => {
				let child = u32::from(child) % 17;
				court.dispatch(&person, pallet_dispute::Call::choose { dispute, child }).is_ok()
			},
			Deed::Timeout => court.dispatch(&person, pallet_dispute::Call::timeout { dispute }).is_ok(),
			Deed::Offer { escrow, cap } => {
				let spec = ChannelSpec {
					worker: self.people[what as usize % 2].account.clone(),
					checkpoint: court.checkpoint,
					escrow: u128::from(escrow % 8) * UNIT / 2,
					cap: u128::from(cap % 4) * UNIT / 4,
					lifetime: 1 + u32::from(cap) / 4,
					tier: Tier::BY_PRECEDENCE[escrow as usize % 3],
					verification: Verification::Sampled,
				};
				court.dispatch(&person, Jobs::open_channel { spec }).is_ok()
			},
			Deed::Accept => court.dispatch(&person, Jobs::accept_channel { channel }).is_ok(),
			Deed::Close { turns, work, signed } => {
				let tally = self.turns(channel, turns, work).tally();
				let other = Poi::channel_view(channel).map(|view| {
					if view.requester == person.account {
						view.spec.worker
					} else {
						view.requester
					}
				});
				let other = other.and_then(|other| self.people.iter().find(|one| one.account == other));
				let mut call = court.close(tally, other.unwrap_or(&person));
				if let (false, Jobs::close_channel { signature, .. }) = (signed, &mut call) {
					*signature = None;
				}
				court.dispatch(&person, call).is_ok()
			},
			Deed::Contest { turns, work } => {
				let tally = self.turns(channel, turns, work).tally();
				let payer = Poi::channel_view(channel).map(|view| view.requester);
				let payer = payer.and_then(|payer| self.people.iter().find(|one| one.account == payer));
				let signature = payer.unwrap_or(&person).sign(&tally.message(&Poi::genesis()));
				court.dispatch(&person, Jobs::contest_close { tally, signature }).is_ok()
			},
			Deed::Show { index, work } => {
				let count =
					Poi::channel_view(channel).and_then(|view| view.tally).map_or(0, |tally| tally.turns);
				let turns = self.turns(channel, count as u8, work);
				let index = u32::from(index) % 4;
				(index < turns.turns.len() as u32) && court.dispatch(&person, turns.present(index)).is_ok()
			},
			Deed::SettleChannel => court.dispatch(&person, Jobs::settle_channel { channel }).is_ok(),
			Deed::ClaimAll => {
				let jobs = (0..4).map(|back| Engagement::Job(JobId(job.0.saturating_sub(back))));
				let channels = (0..4).map(|back| {
					Engagement::Bundle(BundleId::Channel(ChannelId(channel.0.saturating_sub(back))))
				});
				let engagements = jobs.chain(channels).collect::<Vec<_>>().try_into().unwrap();
				court.dispatch(&person, Jobs::claim_all { engagements }).is_ok()
			},
			Deed::Register { role, stake } => {
				let role = if role { Role::Worker } else { Role::Validator };
				let (stake, capability) = (u128::from(stake) * UNIT, court.capability(&person));
				court.dispatch(&person, Operator::register { role, stake, capability }).is_ok()
			},
			Deed::AddStake(amount) => {
				court.dispatch(&person, Operator::add_stake { amount: u128::from(amount) * UNIT }).is_ok()
			},
			Deed::Unbond => court.dispatch(&person, Operator::unbond {}).is_ok(),
			Deed::Withdraw => court.dispatch(&person, Operator::withdraw {}).is_ok(),
			Deed::Rejoin => court.dispatch(&person, Operator::rejoin {}).is_ok(),
			Deed::Heartbeat => court.dispatch(&person, Operator::heartbeat {}).is_ok(),
			Deed::Sweep => {
				let who = self.people[what as usize % 6].account.clone();
				court.dispatch(&person, Operator::sweep { who }).is_ok()
			},
			Deed::Exclude(blocks) => {
				let who = self.people[what as usize % 6].account.clone();
				if Operators::record(&who).is_some() {
					let blocks = u32::from(blocks);
					court.govern(Operator::exclude { who, blocks });
				}
				true
			},
		};
		self.done += usize::from(ok);
	}

	/// Some moves of both sides in a dispute: the accused by what it claimed, the challenger by any work.
	fn play(&self, court: &mut Court, dispute: DisputeId, work: u8, plays: u8) -> bool {
		let mut moved = false;
		for _ in 0..plays % 16 {
			let Some(view) = Dispute::dispute(dispute) else { break };
			let Some(mover) = self.people.iter().find(|one| one.account == view.mover) else { break };
			let defends = view.mover == view.defender;
			let claimed = self.works.iter().find(|work| work.claim == view.claim);
			let held = if defends { claimed.cloned() } else { Some(self.work(work)) };
			let Some(held) = held else { break };
			let Some(play) = court.next_play(&Party::of(mover, &held), &view) else { break };
			if court.play(mover, dispute, play).is_err() {
				break;
			}
			moved = true;
		}
		moved
	}

	/// Everything ends if nobody does anything any more.
	fn end(&self, court: &mut Court) {
		let live = || {
			let jobs = (0..pallet_poi::NextJob::<Runtime>::get().0).map(JobId);
			let channels = (0..pallet_poi::NextChannel::<Runtime>::get().0).map(ChannelId);
			jobs.filter(|job| Poi::job_view(*job).is_some_and(|view| !view.state.is_terminal())).count()
				+ channels
					.filter(|id| Poi::channel_view(*id).is_some_and(|view| !view.state.is_terminal()))
					.count() + Dispute::open_disputes(u32::MAX).len()
		};
		for _ in 0..2000 {
			if live() == 0 {
				break;
			}
			court.block();
		}
		assert_eq!(live(), 0, "something never ends");
		for person in &self.people {
			let stake = Operators::record(&person.account).map_or(0, |record| record.stake);
			let exposure = Operators::record(&person.account).map_or(0, |record| record.exposure);
			let shown = court.held(&person.account) - stake;
			assert!(shown.is_multiple_of(UNIT), "{person:?} is held {shown} for nothing");
			assert_eq!(exposure, 0, "{person:?} answers for jobs that ended");
		}
	}
}

/// How many schedules: twenty, or as many as the environment says.
fn cases() -> u32 {
	std::env::var("NOESIS_SCHEDULES").ok().and_then(|count| count.parse().ok()).unwrap_or(20)
}

#[test]
fn schedules() {
	let works = works();
	let (steps, done, calls) = (Cell::new(0usize), Cell::new(0usize), Cell::new(0usize));
	let config = ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() };
	let schedule = prop::collection::vec((any::<u8>(), any::<u8>(), deed()), 20..100);
	proptest!(config, |(schedule in schedule)| {
		session(|court| {
			let mut market = Market::open(court, works.clone());
			for step in &schedule {
				market.step(court, *step);
			}
			market.end(court);
			steps.set(steps.get() + schedule.len());
			done.set(done.get() + market.done);
			calls.set(calls.get() + court.calls.len());
		});
	});
	println!(
		"schedules: {}, of {} steps, of which {} did something; {} calls",
		cases(),
		steps.get(),
		done.get(),
		calls.get()
	);
	assert!(done.get() * 10 > steps.get(), "hardly anything happens");
}
