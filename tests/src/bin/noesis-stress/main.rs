//! Many jobs on a development chain, with operators that are killed and started again: nothing may be lost.
//!
//! Prints one JSON object. Exit code 1 when a job did not end, or when money does not add up.

use clap::Parser;
use noesis_primitives::{
	Balance, BlockNumber, GenerateParams, InputFormat, JobId, JobKind, JobSpec, JobState, Lane, Payload,
	Tier, Verification,
};
use noesis_runtime::{configs::MAXIMUM_BLOCK_WEIGHT, UNIT};
use noesis_tests::{Actor, Outcome, Stage, StageOptions};
use noesis_worker::{
	chain::{Call, Chain, Submitter},
	keys::Keys,
};
use std::{
	collections::BTreeMap,
	time::{Duration, Instant},
};

#[derive(Debug, Parser)]
struct Cli {
	/// Jobs.
	#[arg(long, default_value_t = 10_000)]
	jobs: u64,
	/// Workers.
	#[arg(long, default_value_t = 20)]
	workers: u32,
	/// Validators.
	#[arg(long, default_value_t = 20)]
	validators: u32,
	/// Jobs without an answer at a time, for each worker: many more, and they expire before anybody has time for them.
	#[arg(long, default_value_t = 6)]
	waiting: u64,
	/// Accounts that ask, in turn.
	#[arg(long, default_value_t = 4)]
	requesters: u32,
	/// Milliseconds of a block.
	#[arg(long, default_value_t = 2000)]
	block_time: u32,
	/// Seconds between two kills; 0 for none.
	#[arg(long, default_value_t = 20)]
	kill_every: u64,
	/// Seed of who is killed.
	#[arg(long, default_value_t = 1)]
	seed: u64,
	/// Seconds after which the run is given up.
	#[arg(long, default_value_t = 7200)]
	patience: u64,
}

/// Operators that die and come back.
struct Crowd {
	actors: Vec<(&'static str, String, Actor)>,
	random: u64,
	kills: u64,
}

impl Crowd {
	/// Kills one at random, and starts it again.
	fn strike(&mut self, stage: &Stage) -> Outcome {
		self.random ^= self.random << 13;
		self.random ^= self.random >> 7;
		self.random ^= self.random << 17;
		let count = u64::try_from(self.actors.len())?.max(1);
		let victim = usize::try_from(self.random.checked_rem(count).unwrap_or_default())?;
		let Some((role, key, actor)) = self.actors.get_mut(victim) else { return Ok(()) };
		actor.process.kill()?;
		*actor = stage.operator(role, key, &stage.url())?;
		self.kills = self.kills.saturating_add(1);
		Ok(())
	}
}

#[tokio::main]
async fn main() -> Outcome {
	let args = Cli::parse();
	let options =
		StageOptions { validators: 0, worker: false, block_time: args.block_time, ..StageOptions::default() };
	let stage = Stage::set(options).await?;
	let chain = stage.chain(Duration::from_secs(60)).await?;
	let alice = Submitter::start(chain.clone(), Keys::from_suri("//Alice")?);
	let mut crowd = Crowd { actors: Vec::new(), random: args.seed.max(1), kills: 0 };
	let workers = (0..args.workers).map(|index| ("worker", format!("//Alice//worker{index}")));
	let validators = (0..args.validators).map(|index| ("validator", format!("//Alice//validator{index}")));
	let operators: Vec<_> = workers.chain(validators).collect();
	let askers: Vec<_> =
		(0..args.requesters.max(1)).map(|index| format!("//Alice//requester{index}")).collect();
	fund(&alice, operators.iter().map(|(_, key)| key), UNIT.saturating_mul(1000)).await?;
	fund(&alice, &askers, UNIT.saturating_mul(10_000)).await?;
	for (role, key) in operators {
		let actor = stage.operator(role, &key, &stage.url())?;
		crowd.actors.push((role, key, actor));
	}
	for (role, key, actor) in &crowd.actors {
		stage.enrolled(&chain, actor).await?;
		eprintln!("{role} {key} is there");
	}
	let mut requesters = Vec::new();
	for key in askers {
		requesters.push(Submitter::start(chain.clone(), Keys::from_suri(&key)?));
	}
	let limit = args.waiting.saturating_mul(args.workers.into());
	let mut in_turn = requesters.iter().cycle();
	let issued = total_issuance(&chain).await?;
	let first = chain.finalized().number;
	let mut load = Load { next: first, fullest: 0.0 };
	let begun = Instant::now();

	let mut struck = Instant::now();
	let (mut submitted, mut ended) = (0u64, BTreeMap::<String, u64>::new());
	let (mut open, mut pending) = (Vec::<JobId>::new(), tokio::task::JoinSet::new());
	let mut waiting = 0usize;
	let done = |ended: &BTreeMap<String, u64>| ended.values().sum::<u64>();
	while done(&ended) < args.jobs && begun.elapsed().as_secs() < args.patience {
		while submitted < args.jobs && u64::try_from(waiting.saturating_add(pending.len()))? < limit {
			let spec = spec(&stage, submitted)?;
			let requester = in_turn.next().ok_or("nobody asks")?.clone();
			pending.spawn(async move { requester.submit(Call::submit(&spec, UNIT)).await });
			submitted = submitted.saturating_add(1);
		}
		while let Some(included) = pending.try_join_next() {
			let included = included??;
			let event = included.event("Poi", "Submitted").ok_or("no job in the events")?;
			open.push(event.decode().ok_or("the event is not as expected")?);
		}
		let at = chain.finalized();
		load.weigh(&chain, at.number).await?;
		let states = chain.job_states(at.hash, &open).await?;
		let (mut still, mut unanswered) = (Vec::new(), 0usize);
		for (job, state) in open.into_iter().zip(states) {
			match state {
				Some(state) if state.is_terminal() => {
					let entry = ended.entry(end(&state)).or_default();
					*entry = entry.saturating_add(1);
					continue;
				},
				Some(JobState::Answered { .. } | JobState::Disputed { .. }) => {},
				_ => unanswered = unanswered.saturating_add(1),
			}
			still.push(job);
		}
		(open, waiting) = (still, unanswered);
		if args.kill_every > 0 && struck.elapsed().as_secs() >= args.kill_every {
			crowd.strike(&stage)?;
			struck = Instant::now();
			eprintln!("{} of {} ended, {} kills", done(&ended), args.jobs, crowd.kills);
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}

	let seconds = begun.elapsed().as_secs_f64();
	let last = chain.finalized().number;
	load.weigh(&chain, last).await?;
	let lost = args.jobs.saturating_sub(done(&ended));
	let conserved = total_issuance(&chain).await? <= issued;
	let report = serde_json::json!({
		"jobs": args.jobs, "workers": args.workers, "validators": args.validators, "requesters": requesters.len(),
		"ended": ended, "lost": lost, "kills": crowd.kills,
		"seconds": seconds, "jobs_per_second": args.jobs as f64 / seconds,
		"blocks": last.saturating_sub(first), "block_time_ms": args.block_time,
		"fullest_block": (load.fullest * 1000.0).round() / 1000.0, "nothing_minted": conserved,
	});
	println!("{report}");
	if lost > 0 || !conserved {
		return Err("something was lost".into());
	}
	Ok(())
}

fn spec(stage: &Stage, number: u64) -> Outcome<JobSpec<noesis_worker::AccountId>> {
	let params = GenerateParams { seed: number, ..GenerateParams::greedy(InputFormat::Tokens, 2) };
	Ok(JobSpec {
		checkpoint: stage.checkpoint,
		kind: JobKind::Generate(params),
		input: Payload::Inline(number.to_le_bytes().to_vec().try_into().map_err(|_| "too long")?),
		worker: None,
		deadline: 30,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Sampled,
		sealed: None,
	})
}

/// How a job ended.
fn end(state: &JobState<noesis_worker::AccountId>) -> String {
	match state {
		JobState::Refunded { reason } => format!("refunded: {reason:?}"),
		_ => "final".to_owned(),
	}
}

/// Gives each account `amount`, all at the same time.
async fn fund(from: &Submitter, keys: impl IntoIterator<Item = &String>, amount: Balance) -> Outcome {
	let mut transfers = tokio::task::JoinSet::new();
	for key in keys {
		let (from, call) = (from.clone(), Call::transfer(Keys::from_suri(key)?.account(), amount));
		transfers.spawn(async move { from.submit(call).await });
	}
	while let Some(transfer) = transfers.join_next().await {
		transfer??;
	}
	Ok(())
}

/// How full blocks are. They are weighed as they are finalized: the node forgets the states of older ones.
struct Load {
	next: BlockNumber,
	/// The largest share of its weight that any block took.
	fullest: f64,
}

impl Load {
	/// Weighs the blocks up to `last` that were not weighed before.
	async fn weigh(&mut self, chain: &Chain, last: BlockNumber) -> Outcome {
		for number in self.next..=last {
			let weight = chain.block_weight(chain.block_at(number).await?.hash).await?;
			let share = (weight.0 as f64 / MAXIMUM_BLOCK_WEIGHT.ref_time() as f64)
				.max(weight.1 as f64 / MAXIMUM_BLOCK_WEIGHT.proof_size() as f64);
			self.fullest = self.fullest.max(share);
		}
		self.next = last.saturating_add(1).max(self.next);
		Ok(())
	}
}

async fn total_issuance(chain: &Chain) -> Outcome<u128> {
	Ok(chain.total_issuance(chain.finalized().hash).await?)
}
