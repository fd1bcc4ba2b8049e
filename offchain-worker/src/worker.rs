//! The worker: claims jobs, runs them, answers.
//!
//! At every new block it reads which jobs it has and which it may have, and does the next step of each. Steps
//! are tasks of their own; one job is computed at a time, the others of a short queue wait with their input
//! fetched.

use crate::{
	batch,
	canary::{Accomplice, AccompliceError},
	chain::{BlockRef, Call, ChainError, SubmitError},
	channel::{ChainMarket, Counter, Keeper},
	choice::Choice,
	disputes::Disputes,
	executor::{ExecuteError, Executor, Finding, Task},
	sealed::{ChainBook, KeyDesk, ReadError, SealError, SealedJob},
	service::{follow, EveryBlock, Service},
	store::{Origin, StoreError},
	AccountId,
};
use noesis_engine::dispute::Lie;
use noesis_primitives::{BlockNumber, JobId, JobState, JobView, Payload, Subject};
use std::{
	collections::{BTreeMap, BTreeSet, HashMap, HashSet},
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
	time::Duration,
};
use tokio::{
	sync::Semaphore,
	task::{JoinHandle, JoinSet},
};

/// Blocks for which a job that could not be claimed or run is left alone.
const COOL_DOWN: BlockNumber = 10;
/// Blocks that the chain has to settle by itself before the worker does.
const PATIENCE: BlockNumber = 4;
/// How often the input is asked for.
const FETCH_ATTEMPTS: u32 = 4;
/// Most jobs that are asked for at a time: more than may name a worker, so that those which it leaves alone hide no
/// others.
const LISTED: u32 = 96;
/// What the log says of a job that this worker got.
const CLAIMED: &str = "claimed";
/// Sealed jobs that do not open which are remembered.
const SHUNNED: usize = 1024;

/// How much a worker takes on.
#[derive(Clone, Debug)]
pub struct WorkerOptions {
	/// Jobs that it has claimed and not answered, at most.
	pub queue: usize,
	/// What it lies about, in rehearsals of disputes.
	pub lie: Option<Lie>,
	/// Whose canaries it plays.
	pub canary_proposers: Vec<AccountId>,
}

impl Default for WorkerOptions {
	fn default() -> Self {
		Self { queue: 3, lie: None, canary_proposers: Vec::new() }
	}
}

/// Why a job was left.
#[derive(Debug, thiserror::Error)]
enum JobError {
	#[error(transparent)]
	Chain(#[from] ChainError),
	#[error(transparent)]
	Submit(#[from] SubmitError),
	#[error(transparent)]
	Execute(#[from] ExecuteError),
	#[error(transparent)]
	Store(#[from] StoreError),
	#[error("the computation broke off: {0}")]
	Broken(#[from] tokio::task::JoinError),
	#[error("no more work is taken")]
	Closed(#[from] tokio::sync::AcquireError),
	#[error("the job is no longer ours")]
	Lost,
	#[error("the output's endpoint is too long")]
	Endpoint,
	#[error("its requester's fault: {0}")]
	Shut(ReadError),
	#[error(transparent)]
	Seal(#[from] SealError),
	#[error(transparent)]
	Batch(#[from] batch::WorkError),
	#[error(transparent)]
	Canary(#[from] AccompliceError),
}

impl JobError {
	/// Whether somebody else has the job.
	fn is_too_late(&self) -> bool {
		matches!(self, Self::Submit(SubmitError::Failed { error, .. }) if error.ends_with("::NotOpen"))
	}

	/// Whether the chain itself said no.
	fn is_verdict(&self) -> bool {
		matches!(self, Self::Submit(error) if error.is_verdict())
	}
}

struct Running {
	due: BlockNumber,
	cancelled: Arc<AtomicBool>,
	task: JoinHandle<Result<(), JobError>>,
}

struct Worker {
	service: Arc<Service>,
	executor: Arc<dyn Executor>,
	options: WorkerOptions,
	/// Lets one job be computed at a time.
	turn: Arc<Semaphore>,
	running: HashMap<JobId, Running>,
	claiming: HashSet<JobId>,
	/// Answered jobs, and when to look at them again.
	answered: BTreeMap<JobId, BlockNumber>,
	calls: JoinSet<(JobId, &'static str, Result<(), JobError>)>,
	/// Jobs that are left alone until a block.
	cooling: HashMap<JobId, BlockNumber>,
	/// Which open jobs it goes for.
	choice: Choice,
	/// Sealed jobs that do not open, which are left alone for good.
	shunned: BTreeSet<JobId>,
	/// Hands out content keys to panels, as long as the worker runs.
	_desk: Arc<KeyDesk<ChainBook>>,
	disputes: Disputes,
	channels: Keeper,
	batches: batch::Keeper,
	/// Plays canaries, if it plays any.
	accomplice: Option<Arc<Accomplice>>,
}

/// Works until the process ends.
pub async fn run(service: Arc<Service>, executor: Arc<dyn Executor>, options: WorkerOptions) {
	let turn = Arc::new(Semaphore::new(1));
	let counter = Arc::new(Counter::new(
		ChainMarket { chain: service.chain.clone() },
		service.keys.clone(),
		service.chain.genesis().0,
		service.store.clone(),
		executor.clone(),
		turn.clone(),
	));
	service.channels.open(&counter);
	let book = ChainBook::new(service.clone());
	let desk = Arc::new(KeyDesk::new(service.keys.clone(), service.chain.genesis().0, book));
	service.key_desk.open(&desk);
	let accomplice = accomplice(&service, &options.canary_proposers, &turn);
	let worker = Worker {
		accomplice,
		channels: Keeper::new(service.clone(), counter),
		batches: batch::Keeper::new(service.clone()),
		disputes: Disputes::new(service.clone(), options.lie),
		service: service.clone(),
		executor,
		options,
		turn,
		running: HashMap::new(),
		claiming: HashSet::new(),
		answered: BTreeMap::new(),
		calls: JoinSet::new(),
		cooling: HashMap::new(),
		choice: Choice::default(),
		shunned: BTreeSet::new(),
		_desk: desk,
	};
	follow(&service, worker).await;
}

/// The accomplice of these proposers, if there are any and the store has room for it.
fn accomplice(service: &Service, proposers: &[AccountId], turn: &Arc<Semaphore>) -> Option<Arc<Accomplice>> {
	if proposers.is_empty() {
		return None;
	}
	let who = (service.keys.account(), service.chain.genesis().0);
	let (models, folder) = (service.models.clone(), service.store.folder());
	let accomplice = Accomplice::open(who, proposers.to_vec(), models, turn.clone(), folder)
		.inspect_err(|error| tracing::error!(%error, "no canaries are played: their folder is not usable"));
	let accomplice = Arc::new(accomplice.ok()?);
	service.canaries.open(&accomplice);
	for proposer in proposers {
		tracing::warn!(%proposer, "its canaries are played: jobs that it has committed to are answered wrongly");
	}
	Some(accomplice)
}

impl EveryBlock for Worker {
	async fn reap(&mut self, now: BlockNumber) {
		self.disputes.reap(now).await;
		self.channels.reap(now);
		self.batches.reap(now);
		while let Some(done) = self.calls.try_join_next() {
			let Ok((job, what, result)) = done else { continue };
			self.claiming.remove(&job);
			match result {
				Ok(()) => {
					if what == CLAIMED {
						self.choice.won();
					}
					tracing::info!(%job, "{what}");
				},
				Err(JobError::Shut(error)) => self.shun(job, &error),
				Err(error) => {
					if error.is_too_late() {
						self.choice.lost();
					}
					// That others were faster is no news.
					match error.is_verdict() {
						true => tracing::debug!(%job, %error, "not {what}"),
						false => tracing::warn!(%job, %error, "not {what}"),
					}
					self.cooling.insert(job, now.saturating_add(COOL_DOWN));
				},
			}
		}
		let ended: Vec<JobId> = self
			.running
			.iter()
			.filter(|(_, running)| running.task.is_finished())
			.map(|(job, _)| *job)
			.collect();
		for job in ended {
			let Some(running) = self.running.remove(&job) else { continue };
			match running.task.await {
				Ok(Ok(())) => {
					self.answered.insert(job, now);
				},
				Ok(Err(JobError::Lost | JobError::Execute(ExecuteError::Cancelled))) => {
					tracing::info!(%job, "given up: it is no longer ours to answer");
				},
				Ok(Err(JobError::Shut(error))) => self.shun(job, &error),
				Ok(Err(error)) => {
					tracing::warn!(%job, %error, "left for now");
					self.cooling.insert(job, now.saturating_add(COOL_DOWN));
				},
				Err(error) => tracing::error!(%job, %error, "broke off"),
			}
		}
		self.cooling.retain(|_, until| *until > now);
	}

	async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		self.disputes.step(best).await?;
		self.channels.step(best).await?;
		self.batches.step(best).await?;
		let chain = self.service.chain.clone();
		let active = chain.active_jobs(best.hash, self.me()).await?;
		for (job, running) in &self.running {
			if !active.contains(job) || best.number >= running.due {
				running.cancelled.store(true, Ordering::Relaxed);
			}
		}
		let mut assigned = 0usize;
		for job in active {
			if self.running.contains_key(&job) {
				assigned = assigned.saturating_add(1);
				continue;
			}
			let Some(view) = chain.job(best.hash, job).await? else { continue };
			match view.state {
				JobState::Assigned { worker } if worker == self.me() => {
					assigned = assigned.saturating_add(1);
					if best.number < view.due && !self.cooling.contains_key(&job) {
						self.begin(view);
					}
				},
				_ => {},
			}
		}
		self.settle_overdue(best).await?;
		let free = self.options.queue.saturating_sub(assigned.saturating_add(self.claiming.len()));
		if free == 0 {
			return Ok(());
		}
		let directed = chain.directed_jobs(best.hash, self.me()).await?;
		let open = chain.open_jobs(best.hash, self.me(), LISTED).await?;
		let is_free = |job: &JobId| {
			!self.claiming.contains(job) && !self.cooling.contains_key(job) && !self.shunned.contains(job)
		};
		// Nobody else goes for those that name this worker.
		let (mine, others): (Vec<JobId>, Vec<JobId>) =
			open.into_iter().filter(is_free).partition(|job| directed.contains(job));
		let mut wanted: Vec<JobId> = mine.into_iter().take(free).collect();
		wanted.extend(self.choice.pick(&self.me(), others.into_iter(), free.saturating_sub(wanted.len())));
		for job in wanted {
			let Some(view) = chain.job(best.hash, job).await? else { continue };
			self.claiming.insert(job);
			self.claim(view);
		}
		Ok(())
	}
}

impl Worker {
	fn me(&self) -> AccountId {
		self.service.keys.account()
	}

	fn call(&mut self, job: JobId, what: &'static str, call: Call) {
		let submitter = self.service.submitter.clone();
		self.calls.spawn(async move {
			let result = submitter.submit(call).await.map(|_| ()).map_err(JobError::from);
			(job, what, result)
		});
	}

	/// Leaves a sealed job alone for good.
	fn shun(&mut self, job: JobId, error: &ReadError) {
		tracing::warn!(%job, %error, "left alone: its requester has to take it back, or it expires");
		self.shunned.insert(job);
		if self.shunned.len() > SHUNNED {
			self.shunned.pop_first();
		}
	}

	/// Claims a job; a batch only after a look at its list, a sealed one after a look into its envelope.
	fn claim(&mut self, view: JobView<AccountId>) {
		let service = self.service.clone();
		self.calls.spawn(async move {
			let job = view.id;
			let claim = async {
				if view.batch.is_some() {
					batch::prepare(&service, &view).await?;
				}
				look_into(&service, &view)?;
				service.submitter.submit(Call::claim(job)).await?;
				Ok(())
			};
			(job, CLAIMED, claim.await)
		});
	}

	/// Settles answered jobs that the chain should have settled by itself.
	async fn settle_overdue(&mut self, best: BlockRef) -> Result<(), ChainError> {
		let due: Vec<JobId> =
			self.answered.iter().filter(|(_, at)| **at <= best.number).map(|(job, _)| *job).collect();
		for job in due {
			let view = self.service.chain.job(best.hash, job).await?;
			let Some(view) = view.filter(|view| matches!(view.state, JobState::Answered { .. })) else {
				self.answered.remove(&job);
				continue;
			};
			let patient_until = view.due.saturating_add(PATIENCE);
			if best.number > patient_until {
				self.call(job, "settled", Call::settle(job));
			}
			self.answered.insert(job, patient_until.max(best.number.saturating_add(COOL_DOWN)));
		}
		Ok(())
	}

	fn begin(&mut self, view: JobView<AccountId>) {
		let (job, due) = (view.id, view.due);
		if view.batch.is_some() {
			self.batches.watch(job);
		}
		let cancelled = Arc::new(AtomicBool::new(false));
		let task = JobTask {
			service: self.service.clone(),
			executor: self.executor.clone(),
			turn: self.turn.clone(),
			cancelled: cancelled.clone(),
			accomplice: self.accomplice.clone(),
			view: Arc::new(view),
		};
		tracing::info!(%job, due, "begun");
		self.running.insert(job, Running { due, cancelled, task: tokio::spawn(task.run()) });
	}
}

struct JobTask {
	service: Arc<Service>,
	executor: Arc<dyn Executor>,
	turn: Arc<Semaphore>,
	cancelled: Arc<AtomicBool>,
	accomplice: Option<Arc<Accomplice>>,
	view: Arc<JobView<AccountId>>,
}

impl JobTask {
	async fn run(self) -> Result<(), JobError> {
		let job = self.view.id;
		if self.view.batch.is_some() {
			return self.run_batch().await;
		}
		let Some(input) = self.input().await else {
			self.service.submitter.submit(Call::release(job)).await?;
			tracing::warn!(%job, "released: its input can't be had");
			return Ok(());
		};
		let (input, opened) = match SealedJob::of(&self.view) {
			None => (input, None),
			Some(sealed) => match self.service.reader.open(&sealed, &input) {
				Ok(opened) => (opened.prompt().to_vec(), Some(opened)),
				Err(error) => {
					self.service.submitter.submit(Call::release(job)).await?;
					return Err(JobError::Shut(error));
				},
			},
		};
		let for_canary =
			self.accomplice.as_ref().filter(|_| opened.is_none()).map(|one| (one, input.clone()));
		let mut finding = self.compute(input, opened.is_some()).await?;
		if let Some((accomplice, input)) = for_canary {
			finding = accomplice.answer(&self.service.chain, &self.view, input, finding).await?;
		}
		if let Some(opened) = &opened {
			opened.seal_output(Subject::Job(job), &mut finding.output, &mut finding.claim)?;
		}
		let output = self.payload(&finding)?;
		let claim = finding.claim;
		self.answer(Call::answer(job, &output, claim.root, claim.leaves, claim.usage)).await?;
		let (tokens, bytes) = (claim.usage.output_tokens, finding.output.len());
		tracing::info!(%job, tokens, bytes, root = %claim.root, "answered");
		Ok(())
	}

	async fn run_batch(self) -> Result<(), JobError> {
		let job = self.view.id;
		let work = batch::Work {
			service: self.service.clone(),
			executor: self.executor.clone(),
			turn: self.turn.clone(),
			cancelled: self.cancelled.clone(),
			view: self.view.clone(),
		};
		match work.compute().await {
			Ok((output, claim)) => {
				self.answer(Call::answer(job, &output, claim.root, claim.leaves, claim.usage)).await?;
				tracing::info!(%job, items = claim.leaves, root = %claim.root, "batch answered");
				Ok(())
			},
			Err(error) if error.is_hopeless() => {
				self.service.submitter.submit(Call::release(job)).await?;
				tracing::warn!(%job, %error, "released");
				Ok(())
			},
			Err(batch::WorkError::Execute(error)) => Err(error.into()),
			Err(error) => Err(error.into()),
		}
	}

	async fn input(&self) -> Option<Vec<u8>> {
		for attempt in 1..=FETCH_ATTEMPTS {
			match self.service.payload(&self.view.spec.input, &[]).await {
				Ok(bytes) => return Some(bytes),
				Err(error) => tracing::warn!(job = %self.view.id, attempt, %error, "the input did not come"),
			}
			tokio::time::sleep(Duration::from_secs(u64::from(attempt))).await;
		}
		None
	}

	/// Runs the job. Of a sealed one nobody is shown the output in the making.
	async fn compute(&self, input: Vec<u8>, sealed: bool) -> Result<Finding, JobError> {
		let _turn = self.turn.clone().acquire_owned().await?;
		let (executor, live, view) = (self.executor.clone(), self.service.live.clone(), self.view.clone());
		let (cancelled, job) = (self.cancelled.clone(), self.view.id);
		let finding = tokio::task::spawn_blocking(move || {
			if !sealed {
				live.begin(job);
			}
			let mut on_output = |bytes: &[u8]| {
				if !sealed {
					live.push(job, bytes);
				}
				!cancelled.load(Ordering::Relaxed)
			};
			let result = executor.execute(Task {
				checkpoint: view.spec.checkpoint,
				kind: &view.spec.kind,
				input: &input,
				draft: None,
				open: &[],
				on_output: &mut on_output,
			});
			live.end(job);
			result
		});
		Ok(finding.await??)
	}

	fn payload(&self, finding: &Finding) -> Result<Payload, JobError> {
		match finding.output.clone().try_into() {
			Ok(bytes) => Ok(Payload::Inline(bytes)),
			Err(_) => Ok(Payload::Stored {
				hash: self.service.store.put(Origin::Own, &finding.output)?,
				len: u32::try_from(finding.output.len()).unwrap_or(u32::MAX),
				locator: self.service.profile.locator().map_err(|_| JobError::Endpoint)?,
			}),
		}
	}

	/// Sends the answer until it is on chain, or the job is not ours any more.
	async fn answer(&self, call: Call) -> Result<(), JobError> {
		loop {
			let error = match self.service.submitter.submit(call.clone()).await {
				Ok(_) => return Ok(()),
				Err(error) if error.is_verdict() => return Err(error.into()),
				Err(error) => error,
			};
			tracing::warn!(job = %self.view.id, %error, "the answer did not arrive; trying again");
			self.service.chain.heads().changed().await.map_err(|_| JobError::Lost)?;
			let best = self.service.chain.best();
			let mine = self.service.keys.account();
			match self.service.chain.job(best.hash, self.view.id).await {
				Ok(Some(JobView { state: JobState::Assigned { worker }, .. })) if worker == mine => {},
				Ok(Some(JobView { state: JobState::Answered { worker }, .. })) if worker == mine => {
					return Ok(())
				},
				Ok(_) => return Err(JobError::Lost),
				Err(error) => tracing::warn!(%error, "the job can't be read"),
			}
		}
	}
}

/// Whether a sealed job opens, as far as that can be seen before it is claimed.
fn look_into(service: &Service, view: &JobView<AccountId>) -> Result<(), JobError> {
	match (SealedJob::of(view), &view.spec.input) {
		(Some(job), Payload::Inline(bytes)) => {
			service.reader.open(&job, bytes).map(drop).map_err(JobError::Shut)
		},
		_ => Ok(()),
	}
}
