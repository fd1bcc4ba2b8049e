//! A development chain with those who act on it.

use crate::{
	process::{binary, free_port, json, node_binary, Process},
	Outcome,
};
use noesis_engine::{testing, Architecture};
use noesis_primitives::{Balance, Capability, CheckpointId, JobId, JobState, JobView, Role};
use noesis_worker::{
	chain::{Call, Chain, Submitter},
	keys::Keys,
	AccountId,
};
use polkadot_sdk::pallet_parameters;
use serde_json::Value;
use std::{
	future::Future,
	path::{Path, PathBuf},
	process::Stdio,
	sync::atomic::{AtomicU32, Ordering},
	time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

/// How long a test waits for what must happen.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How long a node may take to its first blocks.
const START: Duration = Duration::from_secs(180);
/// Checked whatever the worker's reputation.
const ALWAYS: [&str; 2] = ["--verification", "panel:3"];
const FIRST_WORKER: &str = "//Bob";
const VALIDATORS: [&str; 3] = ["//Charlie", "//Dave", "//Eve"];
/// Blocks in which an answer can be disputed.
const WINDOW: u32 = 6;
/// Enough for prompts over 4 KiB.
const CONTEXT: u32 = 16_384;

/// What is on a stage.
#[derive(Clone, Copy, Debug)]
pub struct StageOptions {
	/// Seed of the random model.
	pub model: u64,
	/// Validators, up to 3.
	pub validators: usize,
	/// Whether an honest worker, Bob, is there from the beginning.
	pub worker: bool,
	/// Milliseconds of a block.
	pub block_time: u32,
}

impl Default for StageOptions {
	fn default() -> Self {
		Self { model: 1, validators: 3, worker: true, block_time: 500 }
	}
}

/// An operator in the background.
#[derive(Debug)]
pub struct Actor {
	/// Its account.
	pub account: AccountId,
	/// Its process.
	pub process: Process,
}

/// A chain and its actors. All end with it.
#[derive(Debug)]
pub struct Stage {
	/// The operators that are there from the beginning.
	pub actors: Vec<Actor>,
	/// The registered model.
	pub checkpoint: CheckpointId,
	/// Its file.
	pub model: PathBuf,
	/// Port of the node's RPC.
	pub port: u16,
	/// Port of the first worker's store, which is where the model's file can be fetched.
	store: u16,
	node: Process,
	dir: PathBuf,
}

impl Stage {
	/// Starts a chain, registers a model, waits until all operators are registered.
	pub async fn set(options: StageOptions) -> Outcome<Self> {
		let dir = folder()?;
		let port = free_port()?;
		let args = [
			"--dev",
			&format!("--dev-block-time={}", options.block_time),
			"--no-prometheus",
			"--no-telemetry",
			"--no-mdns",
			"--port=0",
			"--rpc-methods=unsafe",
			&format!("--rpc-port={port}"),
			&format!("--base-path={}", dir.join("node").display()),
		]
		.map(str::to_owned);
		let node = Process::start(&node_binary()?, &args, dir.join("node.log"))?;
		let model = dir.join("model.noesis");
		let architecture = Architecture { context: CONTEXT, ..testing::architecture() };
		testing::write_random_model_of(&model, options.model, architecture)?;
		let (actors, checkpoint) = (Vec::new(), CheckpointId::default());
		let store = free_port()?;
		let mut stage = Self { actors, checkpoint, model: model.clone(), port, store, node, dir };

		let chain = stage.first_connection().await?;
		until(START, "three blocks", || async { Ok((chain.best().number >= 3).then_some(())) }).await?;
		stage.govern(&chain).await?;
		let file = model.display().to_string();
		let locator = format!("http://127.0.0.1:{store}");
		let args =
			["checkpoint", "register", "--key", "//Alice", "--json", "--file", &file, "--locator", &locator];
		let registered = stage.run(&args).await?;
		let id = registered.get("checkpoint").and_then(Value::as_u64).ok_or("no checkpoint id")?;
		stage.checkpoint = CheckpointId(id.try_into()?);
		for validator in VALIDATORS.iter().take(options.validators) {
			let actor = stage.operator("validator", validator, &stage.url())?;
			stage.actors.push(actor);
		}
		if options.worker {
			let actor = stage.operator("worker", FIRST_WORKER, &stage.url())?;
			stage.actors.push(actor);
		}
		for actor in &stage.actors {
			stage.enrolled(&chain, actor).await?;
		}
		Ok(stage)
	}

	/// Alice, who is sudo here, shortens what tests would wait for.
	async fn govern(&self, chain: &Chain) -> Outcome {
		use noesis_runtime::{
			parameters::{dynamic_params::poi, RuntimeParameters},
			Runtime, RuntimeCall,
		};
		let window = poi::Parameters::ChallengeWindow(poi::ChallengeWindow, Some(WINDOW));
		let call =
			pallet_parameters::Call::<Runtime>::set_parameter { key_value: RuntimeParameters::Poi(window) };
		let call = Call::new("Sudo", "sudo", (RuntimeCall::Parameters(call),));
		Submitter::start(chain.clone(), Keys::from_suri("//Alice")?).submit(call).await?;
		Ok(())
	}

	/// Connects as soon as the node listens.
	async fn first_connection(&mut self) -> Outcome<Chain> {
		let start = Instant::now();
		loop {
			match self.chain(Duration::from_secs(5)).await {
				Ok(chain) => return Ok(chain),
				Err(_) if self.node.is_running() && start.elapsed() < START => {},
				Err(error) => return Err(format!("{error}; the node says:\n{}", self.node.output()).into()),
			}
		}
	}

	/// The node's URL.
	pub fn url(&self) -> String {
		format!("ws://127.0.0.1:{}", self.port)
	}

	/// A folder for a test's files.
	pub fn path(&self) -> &Path {
		&self.dir
	}

	/// A connection of the calling test's own.
	pub async fn chain(&self, patience: Duration) -> Outcome<Chain> {
		Ok(Chain::connect(&self.url(), patience).await?)
	}

	/// Starts an honest operator that reaches the node at `url`.
	pub fn operator(&self, role: &str, key: &str, url: &str) -> Outcome<Actor> {
		self.start(&binary("noesis")?, &[role], key, url)
	}

	/// Starts an honest operator with arguments of its own behind its role.
	pub fn operator_with(&self, role: &[&str], key: &str) -> Outcome<Actor> {
		self.start(&binary("noesis")?, role, key, &self.url())
	}

	/// Starts a worker that computes one value wrongly (`fault` as in `--rehearse-fault`) and defends it.
	pub fn liar(&self, key: &str, fault: &str) -> Outcome<Actor> {
		self.start(&binary("noesis")?, &["worker", "--rehearse-fault", fault], key, &self.url())
	}

	/// Starts an operator with a fault.
	pub fn faulty(&self, fault: &[&str], key: &str) -> Outcome<Actor> {
		self.start(&binary("noesis-faulty")?, fault, key, &self.url())
	}

	fn start(&self, program: &Path, role: &[&str], key: &str, url: &str) -> Outcome<Actor> {
		let name = key.replace('/', "");
		let port = if key == FIRST_WORKER { self.store } else { free_port()? };
		let store = self.dir.join(format!("store-{name}"));
		let mut args: Vec<String> = ["--url", url].iter().chain(role).map(ToString::to_string).collect();
		args.extend(["--threads", "1", "--key", key].map(str::to_owned));
		args.extend([
			format!("--checkpoint={}", self.model.display()),
			format!("--listen=127.0.0.1:{port}"),
			format!("--store={}", store.display()),
		]);
		let log = self.dir.join(format!("{name}-{}.log", free_port()?));
		let process = Process::start(program, &args, log)?;
		Ok(Actor { account: Keys::from_suri(key)?.account(), process })
	}

	/// Registers a validator that never speaks. The chain takes no job that nobody could confirm.
	pub async fn sleeper(&self, chain: &Chain, key: &str) -> Outcome {
		const STAKE: Balance = 1_000_000_000_000;
		let keys = Keys::from_suri(key)?;
		let capability = Capability {
			checkpoints: vec![self.checkpoint].try_into().map_err(|_| "one checkpoint is too many")?,
			memory_mib: 0,
			tokens_per_second: 0,
			region: Default::default(),
			endpoint: Default::default(),
			draw_key: keys.draw_key(),
			owner: None,
			seal_key: None,
		};
		let call = Call::register_operator(Role::Validator, STAKE, &capability);
		Submitter::start(chain.clone(), keys).submit(call).await?;
		Ok(())
	}

	/// Waits until an operator is registered for the model and was so for a block.
	pub async fn enrolled(&self, chain: &Chain, actor: &Actor) -> Outcome {
		let ready = || async {
			let at = chain.best();
			let view = chain.operator(at.hash, actor.account).await?;
			let offers = view.is_some_and(|view| {
				view.record.capability.checkpoints.contains(&self.checkpoint) && view.record.since < at.number
			});
			Ok((offers && actor.process.output().contains("ready")).then_some(()))
		};
		until(PATIENCE, "the operator's registration", ready)
			.await
			.map_err(|error| format!("{error}; it says:\n{}", actor.process.output()).into())
	}

	/// Runs `noesis` to its end and reads the JSON that it prints last.
	pub async fn run(&self, args: &[&str]) -> Outcome<Value> {
		let output = self.command(args)?.output().await?;
		json(&output)
	}

	/// `noesis` with `args`, on this chain.
	pub fn command(&self, args: &[&str]) -> Outcome<tokio::process::Command> {
		let mut command = tokio::process::Command::new(binary("noesis")?);
		command
			.args(["--url", &self.url()])
			.args(args)
			.env("XDG_CACHE_HOME", self.dir.join("cache"))
			.stdin(Stdio::null())
			.kill_on_drop(true);
		Ok(command)
	}

	/// Ferdie asks; returns the job without waiting for its end.
	pub async fn submit(&self, more: &[&str]) -> Outcome<JobId> {
		let id = self.checkpoint.to_string();
		let args =
			["ask", "What is a mountain?", "--key", "//Ferdie", "--no-wait", "--json", "--checkpoint", &id];
		let asked = self.run(&[&args[..], &ALWAYS, more].concat()).await?;
		asked.get("job").and_then(Value::as_u64).map(JobId).ok_or_else(|| format!("no job in {asked}").into())
	}

	/// Ferdie asks and waits for the end; returns the report.
	pub async fn ask(&self, prompt: &str, more: &[&str]) -> Outcome<Value> {
		let id = self.checkpoint.to_string();
		let args = ["ask", prompt, "--key", "//Ferdie", "--json", "--checkpoint", &id];
		self.run(&[&args[..], &ALWAYS, more].concat()).await
	}
}

/// Asks until there is an answer.
pub async fn until<T, F>(patience: Duration, what: &str, mut ask: impl FnMut() -> F) -> Outcome<T>
where
	F: std::future::Future<Output = Outcome<Option<T>>>,
{
	let start = Instant::now();
	let mut last = String::new();
	while start.elapsed() < patience {
		match ask().await {
			Ok(Some(answer)) => return Ok(answer),
			Ok(None) => {},
			Err(error) => last = format!(" ({error})"),
		}
		tokio::time::sleep(Duration::from_millis(200)).await;
	}
	Err(format!("{what} did not come within {} s{last}", patience.as_secs()).into())
}

/// Waits until a finalized job is in a state that `wanted` takes.
pub async fn job_until(
	chain: &Chain,
	job: JobId,
	what: &str,
	wanted: impl Fn(&JobState<AccountId>) -> bool,
) -> Outcome<JobView<AccountId>> {
	let wanted = &wanted;
	until(PATIENCE, what, || async move {
		let view = chain.job(chain.finalized().hash, job).await?;
		Ok(view.filter(|view| wanted(&view.state)))
	})
	.await
}

/// A number of a report.
pub fn number(report: &Value, key: &str) -> Outcome<u64> {
	report.get(key).and_then(Value::as_u64).ok_or_else(|| format!("no {key} in {report}").into())
}

/// The account of a development key.
pub fn account(suri: &str) -> Outcome<AccountId> {
	Ok(Keys::from_suri(suri)?.account())
}

/// The stage of a file of tests, for one test at a time. The first one sets it; it stays until the last one is done.
#[derive(Debug)]
pub struct SharedStage(OnceCell<Mutex<Stage>>);

impl SharedStage {
	/// No stage yet.
	#[allow(clippy::new_without_default, reason = "it is made in statics only")]
	pub const fn new() -> Self {
		Self(OnceCell::const_new())
	}

	/// The stage as `set` sets it, as soon as no other test has it.
	pub async fn take<F: Future<Output = Outcome<Stage>>>(
		&self,
		set: impl FnOnce() -> F,
	) -> Outcome<MutexGuard<'_, Stage>> {
		let stage = self.0.get_or_try_init(|| async { set().await.map(Mutex::new) }).await?;
		Ok(stage.lock().await)
	}
}

/// A new folder, named after the calling test file and numbered within it. It stays until the next run, for whoever wants to
/// read the logs.
fn folder() -> Outcome<PathBuf> {
	static STAGES: AtomicU32 = AtomicU32::new(1);
	let number = STAGES.fetch_add(1, Ordering::Relaxed);
	let own = std::env::current_exe()?;
	let name = own.file_stem().and_then(|stem| stem.to_str()).unwrap_or("stage");
	let name = name.rsplit_once('-').map_or(name, |(name, _)| name);
	let target = own.parent().and_then(Path::parent).ok_or("the test has no target folder")?;
	let dir = target.join("stages").join(format!("{name}-{number}"));
	if dir.exists() {
		std::fs::remove_dir_all(&dir)?;
	}
	std::fs::create_dir_all(&dir)?;
	Ok(dir)
}
