//! The validator: draws for itself on every open panel, runs the job again when it is drawn, and says what it
//! found.

use crate::{
	chain::{BlockRef, Call, ChainError, SubmitError},
	disputes::Disputes,
	executor::{ExecuteError, Executor, Finding, Task},
	sealed::{self, Asked, Audit, KeyClient, OpenedJob, SealError, SealedJob},
	service::{follow, EveryBlock, Service},
	store::FetchError,
	AccountId,
};
use codec::Encode;
use noesis_primitives::{
	is_drawn, opening_positions, BlockNumber, DisputedSubject, Draw, PanelView, Subject,
};
use std::{
	collections::BTreeMap,
	sync::{
		atomic::{AtomicBool, Ordering},
		Arc,
	},
};
use tokio::{sync::Semaphore, task::JoinHandle};

/// How often a verdict is tried before the subject is left alone.
const ATTEMPTS: u32 = 5;

/// How often a job is run for one verdict: for the worker's claim, for the true one, and once to spare.
const RUNS: u32 = 3;

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
enum VerdictError {
	#[error(transparent)]
	Chain(#[from] ChainError),
	#[error(transparent)]
	Submit(#[from] SubmitError),
	#[error(transparent)]
	Execute(#[from] ExecuteError),
	#[error("the input can't be had: {0}")]
	Input(FetchError),
	#[error("the computation broke off: {0}")]
	Broken(#[from] tokio::task::JoinError),
	#[error("no more work is taken")]
	Closed(#[from] tokio::sync::AcquireError),
	#[error("the same job gave {RUNS} different results here: this machine computes wrongly")]
	Unstable,
	#[error("the job is gone")]
	Gone,
	#[error("requester and worker do not judge their own job")]
	Interested,
	#[error(transparent)]
	Key(#[from] sealed::KeyError),
	#[error(transparent)]
	Seal(#[from] SealError),
}

impl VerdictError {
	/// Whether trying again can't help.
	fn is_final(&self) -> bool {
		match self {
			Self::Interested | Self::Key(sealed::KeyError::Requester(_)) => true,
			Self::Submit(SubmitError::Failed { error, .. }) => {
				let name = error.rsplit("::").next().unwrap_or_default();
				matches!(name, "Interested" | "AlreadySpoke" | "PanelOver" | "NoPanel" | "TooNew")
			},
			_ => false,
		}
	}
}

/// How it goes with one subject.
enum Progress {
	Running { cancelled: Arc<AtomicBool>, task: JoinHandle<Result<bool, VerdictError>> },
	Waiting { attempts: u32, until: BlockNumber },
	Over,
}

struct Case {
	draw: Draw,
	/// What decides in which window it may speak.
	number: u64,
	attempts: u32,
	progress: Progress,
}

/// Validates until the process ends.
pub async fn run(service: Arc<Service>, executor: Arc<dyn Executor>) {
	let turn = Arc::new(Semaphore::new(1));
	let disputes = Disputes::new(service.clone(), None);
	let validator = Validator { service: service.clone(), executor, turn, cases: BTreeMap::new(), disputes };
	follow(&service, validator).await;
}

struct Validator {
	service: Arc<Service>,
	executor: Arc<dyn Executor>,
	/// Lets one job be computed at a time.
	turn: Arc<Semaphore>,
	/// By subject and seed: a fork may give a subject another seed.
	cases: BTreeMap<(Subject, [u8; 32]), Case>,
	disputes: Disputes,
}

impl EveryBlock for Validator {
	async fn reap(&mut self, now: BlockNumber) {
		self.disputes.reap(now).await;
		for ((subject, _), case) in &mut self.cases {
			let Progress::Running { task, .. } = &mut case.progress else { continue };
			if !task.is_finished() {
				continue;
			}
			case.progress = match task.await {
				Ok(Ok(agrees)) => {
					tracing::info!(?subject, agrees, "verdict given");
					if !agrees {
						self.disputes.challenge(*subject);
					}
					Progress::Over
				},
				Ok(Err(error)) if error.is_final() => {
					tracing::info!(?subject, %error, "no verdict");
					Progress::Over
				},
				// For good if the panel is gone.
				Ok(Err(VerdictError::Execute(ExecuteError::Cancelled))) => {
					Progress::Waiting { attempts: case.attempts, until: now }
				},
				Ok(Err(error)) => {
					case.attempts = case.attempts.saturating_add(1);
					let pause = 1u32 << case.attempts.min(8);
					tracing::warn!(?subject, %error, attempts = case.attempts, "no verdict yet");
					Progress::Waiting { attempts: case.attempts, until: now.saturating_add(pause) }
				},
				Err(error) => {
					tracing::error!(?subject, %error, "broke off");
					Progress::Over
				},
			};
		}
	}

	async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		self.disputes.step(best).await?;
		let me = self.service.keys.account();
		let panels = self.service.chain.panels_for(best.hash, &me).await?;
		self.cases.retain(|(subject, seed), case| {
			let open = panels.iter().any(|panel| panel.subject == *subject && panel.seed == Some(*seed));
			if let (false, Progress::Running { cancelled, .. }) = (open, &case.progress) {
				cancelled.store(true, Ordering::Relaxed);
			}
			open || matches!(case.progress, Progress::Running { .. })
		});
		for panel in panels {
			let Some(seed) = panel.seed.filter(|_| self.service.models.has(panel.checkpoint)) else {
				continue;
			};
			let case = self.cases.entry((panel.subject, seed)).or_insert_with(|| {
				let (draw, number) = self.service.keys.draw(&seed);
				Case { draw, number, attempts: 0, progress: Progress::Waiting { attempts: 0, until: 0 } }
			});
			let ready = match case.progress {
				Progress::Waiting { attempts, until } => attempts < ATTEMPTS && until <= best.number,
				Progress::Running { .. } | Progress::Over => false,
			};
			if !ready || !is_drawn(case.number, panel.size, panel.validators, panel.window) {
				continue;
			}
			tracing::info!(subject = ?panel.subject, window = panel.window, "drawn");
			let cancelled = Arc::new(AtomicBool::new(false));
			let task = VerdictTask {
				service: self.service.clone(),
				executor: self.executor.clone(),
				turn: self.turn.clone(),
				cancelled: cancelled.clone(),
				draw: case.draw.clone(),
				seed,
				panel: Arc::new(panel),
			};
			case.progress = Progress::Running { cancelled, task: tokio::spawn(task.run()) };
		}
		Ok(())
	}
}

struct VerdictTask {
	service: Arc<Service>,
	executor: Arc<dyn Executor>,
	turn: Arc<Semaphore>,
	cancelled: Arc<AtomicBool>,
	draw: Draw,
	seed: [u8; 32],
	panel: Arc<PanelView<AccountId>>,
}

/// What is judged.
struct Job {
	work: DisputedSubject<AccountId>,
	/// What it is computed from.
	input: Vec<u8>,
	/// What opens it, if it is sealed.
	opened: Option<OpenedJob>,
}

impl VerdictTask {
	/// Gives the verdict; whether it agrees with the worker.
	async fn run(self) -> Result<bool, VerdictError> {
		let subject = self.panel.subject;
		let at = self.service.chain.best().hash;
		let work = self.service.chain.disputed(at, subject).await?.ok_or(VerdictError::Gone)?;
		let me = self.service.keys.account();
		if work.requester == me || work.worker == me {
			return Err(VerdictError::Interested);
		}
		let store = self.service.chain.endpoint(work.worker).await?;
		let input = self.service.payload(&work.input, store.as_slice()).await.map_err(VerdictError::Input)?;
		// Without the worker's output the verdict takes longer, and is the same.
		let draft = self
			.service
			.payload(&work.output, store.as_slice())
			.await
			.inspect_err(|error| tracing::warn!(?subject, %error, "the worker's output can't be had"))
			.ok();
		let (job, draft) = match SealedJob::of_subject(subject, &work) {
			None => (Job { work, input, opened: None }, draft),
			Some(sealed) => {
				let opened = self.unseal(&sealed, &input, store.as_ref()).await?;
				let draft = draft.and_then(|output| opened.open_answer(subject, &output).ok());
				(Job { work, input: opened.prompt().to_vec(), opened: Some(opened) }, draft)
			},
		};
		let finding = self.find(&Arc::new(job), draft).await?;
		let agrees = finding.claim == self.panel.claim;
		let call = Call::verdict(self.panel.subject, &finding.claim, &self.draw, &finding.openings);
		self.service.submitter.submit(call).await?;
		Ok(agrees)
	}

	/// Opens a sealed job, with the content key that its worker has handed out or hands out now.
	async fn unseal(
		&self,
		job: &SealedJob,
		input: &[u8],
		endpoint: Option<&String>,
	) -> Result<OpenedJob, VerdictError> {
		if let Ok(opened) = self.service.reader.open(job, input) {
			return Ok(opened);
		}
		let genesis = self.service.chain.genesis().0;
		let audit = Audit {
			keys: &self.service.keys,
			asked: Asked { genesis, job: job.id, worker: self.panel.worker },
			endpoint: endpoint.map_or("", String::as_str),
			draw: &self.draw,
			committed: job.committed,
			input,
		};
		let opened = KeyClient::new()?.open(&audit).await?;
		// It may have to be defended when the panel is long over.
		self.service.reader.keep(job.id, &opened);
		Ok(opened)
	}

	/// What the job's result is, with the openings that its claim calls for. The worker's claim is the first
	/// guess; when it is wrong the job runs again to open what the true one calls for.
	async fn find(&self, job: &Arc<Job>, draft: Option<Vec<u8>>) -> Result<Finding, VerdictError> {
		let _turn = self.turn.clone().acquire_owned().await?;
		let me = self.service.keys.account().encode();
		let (mut claim, mut draft) = (self.panel.claim, draft);
		for _ in 0..RUNS {
			let open = opening_positions(&claim, &me, &self.seed, self.panel.openings);
			let mut finding = self.execute(job.clone(), draft, open).await?;
			let plain = finding.output.clone();
			if let Some(opened) = &job.opened {
				opened.seal_output(self.panel.subject, &mut finding.output, &mut finding.claim)?;
			}
			if finding.claim == claim {
				return Ok(finding);
			}
			tracing::warn!(
				subject = ?self.panel.subject, worker = %self.panel.claim.root, here = %finding.claim.root,
				"the worker's claim is not what comes out here"
			);
			(claim, draft) = (finding.claim, Some(plain));
		}
		Err(VerdictError::Unstable)
	}

	async fn execute(
		&self,
		job: Arc<Job>,
		draft: Option<Vec<u8>>,
		open: Vec<u32>,
	) -> Result<Finding, VerdictError> {
		let (executor, cancelled) = (self.executor.clone(), self.cancelled.clone());
		let finding = tokio::task::spawn_blocking(move || {
			executor.execute(Task {
				checkpoint: job.work.checkpoint,
				kind: &job.work.kind,
				input: &job.input,
				draft: draft.as_deref(),
				open: &open,
				on_output: &mut |_| !cancelled.load(Ordering::Relaxed),
			})
		});
		Ok(finding.await??)
	}
}
