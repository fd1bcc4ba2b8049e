//! Many jobs on a development chain, with operators that are killed and started again: nothing may be lost.
//!
//! Prints one JSON object. Exit code 1 when a job did not end, or when money does not add up.

use clap::Parser;
use noesis_primitives::{
	GenerateParams, InputFormat, JobId, JobKind, JobSpec, JobState, Lane, Payload, Tier, Verification,
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

/// Jobs that one account has under way at a time.
const UNDER_WAY: u64 = 192;

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
	for (role, key) in workers.chain(validators) {
		alice.submit(Call::transfer(Keys::from_suri(&key)?.account(), UNIT.saturating_mul(1000))).await?;
		let actor = stage.operator(role, &key, &stage.url())?;
		stage.enrolled(&chain, &actor).await?;
		eprintln!("{role} {key} is there");
		crowd.actors.push((role, key, actor));
	}
	let issued = total_issuance(&chain).await?;
	let first = chain.best().number;
	let begun = Instant::now();

	let mut struck = Instant::now();
	let (mut submitted, mut ended) = (0u64, BTreeMap::<&'static str, u64>::new());
	let (mut open, mut pending) = (Vec::<JobId>::new(), tokio::task::JoinSet::new());
	let ferdie = Submitter::start(chain.clone(), Keys::from_suri("//Ferdie")?);
	let done = |ended: &BTreeMap<&'static str, u64>| ended.values().sum::<u64>();
	while done(&ended) < args.jobs && begun.elapsed().as_secs() < args.patience {
		while submitted < args.jobs && u64::try_from(open.len().saturating_add(pending.len()))? < UNDER_WAY {
			let spec = spec(&stage, submitted)?;
			let ferdie = ferdie.clone();
			pending.spawn(async move { ferdie.submit(Call::submit(&spec, UNIT)).await });
			submitted = submitted.saturating_add(1);
		}
		while let Some(included) = pending.try_join_next() {
			let included = included??;
			let event = included.event("Poi", "Submitted").ok_or("no job in the events")?;
			open.push(event.decode().ok_or("the event is not as expected")?);
		}
		let at = chain.finalized();
		let mut live = Vec::new();
		for job in open {
			match chain.job(at.hash, job).await? {
				Some(view) if view.state.is_terminal() => {
					let entry = ended.entry(end(&view.state)).or_default();
					*entry = entry.saturating_add(1);
				},
				_ => live.push(job),
			}
		}
		open = live;
		if args.kill_every > 0 && struck.elapsed().as_secs() >= args.kill_every {
			crowd.strike(&stage)?;
			struck = Instant::now();
			eprintln!("{} of {} ended, {} kills", done(&ended), args.jobs, crowd.kills);
		}
		tokio::time::sleep(Duration::from_millis(500)).await;
	}

	let seconds = begun.elapsed().as_secs_f64();
	let last = chain.finalized().number;
	let fullest = fullest_block(&chain, first, last).await?;
	let lost = args.jobs.saturating_sub(done(&ended));
	let conserved = total_issuance(&chain).await? <= issued;
	let report = serde_json::json!({
		"jobs": args.jobs, "workers": args.workers, "validators": args.validators,
		"ended": ended, "lost": lost, "kills": crowd.kills,
		"seconds": seconds, "jobs_per_second": args.jobs as f64 / seconds,
		"blocks": last.saturating_sub(first), "block_time_ms": args.block_time,
		"fullest_block": fullest, "nothing_minted": conserved,
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
	})
}

fn end(state: &JobState<noesis_worker::AccountId>) -> &'static str {
	match state {
		JobState::Final { .. } => "final",
		_ => "refunded",
	}
}

/// The largest share of a block's weight that any block took.
async fn fullest_block(chain: &Chain, first: u32, last: u32) -> Outcome<f64> {
	let mut most = 0f64;
	for number in first..=last {
		let weight = chain.block_weight(chain.block_at(number).await?.hash).await?;
		let share = (weight.0 as f64 / MAXIMUM_BLOCK_WEIGHT.ref_time() as f64)
			.max(weight.1 as f64 / MAXIMUM_BLOCK_WEIGHT.proof_size() as f64);
		most = most.max(share);
	}
	Ok((most * 1000.0).round() / 1000.0)
}

async fn total_issuance(chain: &Chain) -> Outcome<u128> {
	Ok(chain.total_issuance(chain.finalized().hash).await?)
}
