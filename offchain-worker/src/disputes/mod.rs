//! Disputes, played by the process itself: it defends what its key claimed, and pursues what it challenged.
//!
//! Every move is computed anew from the job: a killed process goes on where the chain stands.

mod bundles;
mod output;
mod player;
mod text;
mod watch;

pub use bundles::WatchOptions;
pub use output::other_output;
pub use player::{stopped_short, Expanded, Play, PlayError, Player, Witness};
pub use watch::run as watch;

use crate::{
	chain::{BlockRef, Call, ChainError, SubmitError},
	models::Model,
	sealed::{OpenedJob, ReadError, SealError, SealedJob},
	service::Service,
	store::FetchError,
	AccountId,
};
use noesis_engine::{
	dispute::{DisputeError, Lie, Prover},
	EngineError, Execution, RunOptions,
};
use noesis_primitives::{
	Accused, BlockNumber, CheckpointId, Claim, ContentHash, DisputeId, DisputeView, DisputedSubject, Payload,
	Phase, Subject, MAX_LISTED, MAX_OUTPUT_BYTES,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Semaphore, task::JoinHandle};

/// Bytes of the runs that are kept. Whoever accuses many answers at once must not have one of them computed again for every
/// move.
const ROOM: usize = 512 << 20;
/// About as many bytes as a fine trace has at position 1,000 of a small model.
const FINE_BYTES: usize = 8 << 20;
/// Bytes of a leaf's hash.
const HASH_BYTES: usize = 32;
/// Blocks after a failed move in which it is not tried again.
const COOL_DOWN: BlockNumber = 1;

/// Why a dispute can't be played.
#[derive(Debug, thiserror::Error)]
pub enum DisputesError {
	/// The chain could not be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The move was not taken.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// There is no move.
	#[error(transparent)]
	Play(#[from] PlayError),
	/// The job did not run.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// The job can't be shown.
	#[error(transparent)]
	Show(#[from] DisputeError),
	/// The input can't be had.
	#[error("the input can't be had: {0}")]
	Input(#[from] FetchError),
	/// The checkpoint is not loaded.
	#[error("checkpoint {0} is not loaded here: pass its file with --checkpoint")]
	NotLoaded(CheckpointId),
	/// The claim is what came out here, or its output differs and is too long for the chain: panels refuse that.
	#[error("there is nothing in this claim that the chain can find to be wrong")]
	Nothing,
	/// The results of a bundle are not what they should be.
	#[error("what is to be examined can't be read: {0}")]
	Unreadable(String),
	/// The subject ended meanwhile.
	#[error("what is disputed is gone")]
	Gone,
	/// A sealed job that this key can't read.
	#[error(transparent)]
	Read(#[from] ReadError),
	/// An answer could not be sealed.
	#[error(transparent)]
	Seal(#[from] SealError),
	/// The computation broke off.
	#[error("the computation broke off: {0}")]
	Broken(#[from] tokio::task::JoinError),
}

/// A job that was run here, with what its moves have needed so far.
struct Run {
	execution: Execution,
	/// What can be said of it on chain.
	claim: Claim,
	input: Vec<u8>,
	/// The job, if it is sealed.
	opened: Option<OpenedJob>,
	expanded: Mutex<BTreeMap<DisputeId, Arc<Expanded>>>,
}

impl Run {
	/// About the bytes that it takes.
	fn bytes(&self) -> usize {
		let fine = self.expanded.lock().unwrap_or_else(PoisonError::into_inner).len();
		let leaves = self.execution.leaves.len().saturating_mul(HASH_BYTES);
		let blobs = self.input.len().saturating_add(self.execution.output.len());
		leaves.saturating_add(blobs).saturating_add(fine.saturating_mul(FINE_BYTES))
	}
}

/// How many of the newest fit into `room`, by their bytes, the newest first; at least one.
fn fitting(bytes: impl Iterator<Item = usize>, mut room: usize) -> usize {
	let mut fits = |bytes: usize| {
		let rest = room.checked_sub(bytes);
		room = rest.unwrap_or(room);
		rest.is_some()
	};
	bytes.take_while(|bytes| fits(*bytes)).count().max(1)
}

struct Playing {
	task: JoinHandle<Result<String, DisputesError>>,
}

/// The disputes that this key plays in.
pub struct Disputes {
	shared: Arc<Shared>,
	playing: BTreeMap<DisputeId, Playing>,
	cooling: BTreeMap<DisputeId, BlockNumber>,
	challenging: BTreeMap<Subject, JoinHandle<Result<(), DisputesError>>>,
	challenged: BTreeSet<Subject>,
}

struct Shared {
	service: Arc<Service>,
	/// What this process lies about, in a rehearsal.
	lie: Option<Lie>,
	/// Lets one move be computed at a time.
	turn: Semaphore,
	/// Lets one answer be examined at a time, while games go on.
	look: Semaphore,
	runs: Mutex<Vec<(Subject, Arc<Run>)>>,
}

impl Disputes {
	/// Plays with `service`'s key. `lie` is what it claims of its jobs, in rehearsals.
	pub fn new(service: Arc<Service>, lie: Option<Lie>) -> Self {
		let (turn, look) = (Semaphore::new(1), Semaphore::new(1));
		let shared = Shared { service, lie, turn, look, runs: Mutex::default() };
		Self {
			shared: Arc::new(shared),
			playing: BTreeMap::new(),
			cooling: BTreeMap::new(),
			challenging: BTreeMap::new(),
			challenged: BTreeSet::new(),
		}
	}

	/// Takes note of the moves that were made.
	pub async fn reap(&mut self, now: BlockNumber) {
		let done: Vec<DisputeId> = self
			.playing
			.iter()
			.filter(|(_, playing)| playing.task.is_finished())
			.map(|(id, _)| *id)
			.collect();
		for id in done {
			let Some(playing) = self.playing.remove(&id) else { continue };
			match playing.task.await.map_err(DisputesError::from).and_then(|result| result) {
				Ok(made) => tracing::info!(dispute = %id, "{made}"),
				Err(error) => {
					tracing::warn!(dispute = %id, %error, "no move");
					self.cooling.insert(id, now.saturating_add(COOL_DOWN));
				},
			}
		}
		self.cooling.retain(|_, until| *until >= now);
		let done: Vec<Subject> = self
			.challenging
			.iter()
			.filter(|(_, task)| task.is_finished())
			.map(|(subject, _)| *subject)
			.collect();
		for subject in done {
			let Some(task) = self.challenging.remove(&subject) else { continue };
			match task.await.map_err(DisputesError::from).and_then(|result| result) {
				Ok(()) => tracing::info!(?subject, "challenged"),
				Err(error @ (DisputesError::Nothing | DisputesError::Gone | DisputesError::Read(_))) => {
					tracing::info!(?subject, %error, "not challenged")
				},
				Err(error) => {
					tracing::warn!(?subject, %error, "not challenged");
					self.challenged.remove(&subject);
				},
			}
		}
	}

	/// Makes every move that is due.
	pub async fn step(&mut self, best: BlockRef) -> Result<(), ChainError> {
		let me = self.shared.service.keys.account();
		for view in self.shared.service.chain.disputes_of(best.hash, me, MAX_LISTED).await? {
			let busy = self.playing.contains_key(&view.id) || self.cooling.contains_key(&view.id);
			if view.mover != me || view.due < best.number || busy {
				continue;
			}
			tracing::info!(dispute = %view.id, subject = ?view.subject, stage = ?view.phase.stage(), due = view.due, "to move");
			let (id, shared) = (view.id, self.shared.clone());
			self.playing.insert(id, Playing { task: tokio::spawn(shared.play(view)) });
		}
		Ok(())
	}

	/// Disputes the worker's claim on a subject, once.
	pub fn challenge(&mut self, subject: Subject) {
		if self.challenged.insert(subject) {
			let shared = self.shared.clone();
			self.challenging.insert(subject, tokio::spawn(shared.challenge(subject)));
		}
	}

	/// Runs what is not on chain yet.
	pub(crate) fn examiner(&self) -> Examiner {
		Examiner { shared: self.shared.clone() }
	}

	/// Runs a subject's job and says whether the worker's claim is what comes out.
	pub(crate) fn examine(
		&self,
		subject: Subject,
	) -> impl std::future::Future<Output = Result<bool, DisputesError>> + Send + 'static {
		let shared = self.shared.clone();
		async move {
			let disputed = shared.disputed(subject).await?;
			let run = shared.run(subject, &disputed, Some(&shared.look)).await?;
			Ok(run.claim == disputed.claim)
		}
	}
}

/// Runs entries of bundles.
#[derive(Clone)]
pub(crate) struct Examiner {
	shared: Arc<Shared>,
}

impl Examiner {
	/// Whether what a worker says of an entry is what comes out. The run is remembered, in case it is disputed.
	pub(crate) async fn is_right(
		&self,
		subject: Subject,
		work: &DisputedSubject<AccountId>,
	) -> Result<bool, DisputesError> {
		let run = self.shared.run(subject, work, Some(&self.shared.look)).await?;
		Ok(run.claim == work.claim)
	}
}

fn claim_of(execution: &Execution) -> Claim {
	Claim {
		root: execution.root(),
		leaves: execution.leaf_count(),
		output: ContentHash::of(&execution.output),
		usage: execution.usage,
	}
}

impl Shared {
	async fn disputed(&self, subject: Subject) -> Result<DisputedSubject<AccountId>, DisputesError> {
		let at = self.service.chain.best().hash;
		self.service.chain.disputed(at, subject).await?.ok_or(DisputesError::Gone)
	}

	fn model(&self, id: CheckpointId) -> Result<Arc<Model>, DisputesError> {
		self.service.models.get(id).ok_or(DisputesError::NotLoaded(id))
	}

	/// The bytes of an input or output of a subject.
	async fn payload(
		&self,
		disputed: &DisputedSubject<AccountId>,
		payload: &Payload,
	) -> Result<Vec<u8>, DisputesError> {
		let place = self.service.chain.endpoint(disputed.worker).await?;
		Ok(self.service.payload(payload, place.as_slice()).await?)
	}

	/// The job of a subject as it comes out here, computed at most once while it is remembered. With a `queue` it waits for its
	/// turn there, once it has all that it needs of others: who gives slowly keeps nobody waiting but itself.
	async fn run(
		self: &Arc<Self>,
		subject: Subject,
		disputed: &DisputedSubject<AccountId>,
		queue: Option<&Semaphore>,
	) -> Result<Arc<Run>, DisputesError> {
		let known = |runs: &Vec<(Subject, Arc<Run>)>| {
			runs.iter().find(|(known, _)| *known == subject).map(|(_, run)| run.clone())
		};
		if let Some(run) = known(&self.runs.lock().unwrap_or_else(PoisonError::into_inner)) {
			return Ok(run);
		}
		let model = self.model(disputed.checkpoint)?;
		let input = self.payload(disputed, &disputed.input).await?;
		// A draft only makes it faster.
		let draft = self.payload(disputed, &disputed.output).await.ok();
		let sealed = SealedJob::of_subject(subject, disputed);
		let opened = sealed.map(|job| self.service.reader.open(&job, &input)).transpose()?;
		let (input, draft) = match &opened {
			None => (input, draft),
			Some(opened) => {
				let draft = draft.and_then(|output| opened.open_answer(subject, &output).ok());
				(opened.prompt().to_vec(), draft)
			},
		};
		let _turn = match queue {
			Some(queue) => Some(queue.acquire().await.map_err(|_| DisputesError::Gone)?),
			None => None,
		};
		let (kind, lie) = (disputed.kind, self.lie);
		let run = tokio::task::spawn_blocking(move || {
			let fault = lie.and_then(Lie::fault);
			let options = RunOptions { draft: draft.as_deref(), fault, ..RunOptions::default() };
			let mut execution = model.engine.run(&kind, &input, options)?;
			if let Some(lie) = lie {
				lie.tell(&mut execution.output);
			}
			let mut claim = claim_of(&execution);
			if let Some(opened) = &opened {
				opened.seal_output(subject, &mut execution.output.clone(), &mut claim)?;
			}
			Ok::<_, DisputesError>(Run { execution, claim, input, opened, expanded: Mutex::default() })
		});
		let run = Arc::new(run.await??);
		let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
		runs.push((subject, run.clone()));
		let kept = fitting(runs.iter().rev().map(|(_, run)| run.bytes()), ROOM);
		let gone = runs.len().saturating_sub(kept);
		runs.drain(..gone);
		Ok(run)
	}

	/// Makes the move that a dispute waits for.
	async fn play(self: Arc<Self>, view: DisputeView<AccountId>) -> Result<String, DisputesError> {
		let disputed = self.disputed(view.subject).await?;
		let run = self.run(view.subject, &disputed, Some(&self.turn)).await?;
		let model = self.model(view.checkpoint)?;
		let fault = self.lie.and_then(Lie::fault);
		let shown = match view.phase {
			Phase::Compare => self.shown_output(view.id).await?,
			_ => Vec::new(),
		};
		let turn = self.turn.acquire().await.map_err(|_| DisputesError::Gone)?;
		let call = tokio::task::spawn_blocking(move || {
			let prover = Prover::new(&model.engine, &model.checkpoint, view.kind, &run.execution, fault)?;
			let mut expanded = run.expanded.lock().unwrap_or_else(PoisonError::into_inner);
			let architecture = &model.engine.manifest().architecture;
			let mut player = Player {
				witness: &prover,
				architecture,
				input: &run.input,
				seals: run.opened.as_ref().map(OpenedJob::seals),
				output: &run.execution.output,
				shown: &shown,
				expanded: expanded.get(&view.id).cloned(),
			};
			let call = player.play(&view)?.call(&view);
			if let Some(known) = player.expanded {
				expanded.insert(view.id, known);
			}
			Ok::<_, DisputesError>(call)
		});
		let call = call.await??;
		// Many moves may be on their way into one block: whoever accuses many answers at once must not win by that.
		drop(turn);
		let name = call.to_string();
		self.service.submitter.submit(call).await?;
		Ok(name)
	}

	/// The output that the accused has shown in a dispute.
	async fn shown_output(&self, dispute: DisputeId) -> Result<Vec<u8>, DisputesError> {
		let at = self.service.chain.best().hash;
		self.service.chain.shown_output(at, dispute).await?.ok_or(DisputesError::Gone)
	}

	/// The worker's output, as soon as it is shown to somebody else who demands it; `None` when nobody does.
	async fn output_that_others_demand(&self, subject: Subject) -> Result<Option<Vec<u8>>, DisputesError> {
		let chain = &self.service.chain;
		let mut heads = chain.heads();
		loop {
			let at = chain.best().hash;
			let mut demanded = false;
			for id in chain.disputes_over(at, subject).await? {
				let Some(view) = chain.dispute(at, id).await? else { continue };
				if view.accused != Accused::Worker {
					continue;
				}
				match view.phase {
					Phase::Compare => return Ok(chain.shown_output(at, id).await?),
					Phase::Output => demanded = true,
					_ => {},
				}
			}
			if !demanded || heads.changed().await.is_err() {
				return Ok(None);
			}
		}
	}

	/// Disputes the output of a claim whose trace came out here: by showing a token that it does not have, or by demanding
	/// it where it can't be had.
	async fn challenge_output(
		&self,
		subject: Subject,
		disputed: &DisputedSubject<AccountId>,
		run: Arc<Run>,
	) -> Result<(), DisputesError> {
		let claim = disputed.claim;
		if run.execution.output.len() > MAX_OUTPUT_BYTES as usize {
			return Err(DisputesError::Nothing);
		}
		let had = self.payload(disputed, &disputed.output).await;
		let had = had.ok().filter(|output| ContentHash::of(output) == claim.output);
		let had = match &run.opened {
			None => had,
			// One that does not open is demanded: then it has to be shown as it is without its seal.
			Some(opened) => had.and_then(|output| opened.open_answer(subject, &output).ok()),
		};
		let output = match had {
			Some(output) => output,
			None => match self.output_that_others_demand(subject).await? {
				Some(output) => output,
				None => {
					self.service.submitter.submit(Call::demand(subject, &Accused::Worker, &claim)).await?;
					return Ok(());
				},
			},
		};
		let (model, kind) = (self.model(disputed.checkpoint)?, disputed.kind);
		let proof = tokio::task::spawn_blocking(move || {
			let prover = Prover::new(&model.engine, &model.checkpoint, kind, &run.execution, None)?;
			let seal = run.opened.as_ref().map(|opened| opened.seals().output);
			Ok::<_, DisputesError>(other_output(&prover, &claim, &output, seal))
		});
		let proof = proof.await??.ok_or(DisputesError::Nothing)?;
		let call = Call::prove_output(subject, &Accused::Worker, &claim, &proof);
		self.service.submitter.submit(call).await?;
		Ok(())
	}

	/// Disputes the worker's claim on a subject: by showing that it stopped too early, or has another output, where that
	/// is all that is wrong, else by a game.
	async fn challenge(self: Arc<Self>, subject: Subject) -> Result<(), DisputesError> {
		let disputed = self.disputed(subject).await?;
		let run = self.run(subject, &disputed, None).await?;
		let (claim, here) = (disputed.claim, run.claim);
		if claim == here {
			return Err(DisputesError::Nothing);
		}
		if claim == (Claim { output: claim.output, ..here }) {
			return self.challenge_output(subject, &disputed, run).await;
		}
		let model = self.model(disputed.checkpoint)?;
		let kind = disputed.kind;
		let (architecture, proof) = tokio::task::spawn_blocking(move || {
			let prover = Prover::new(&model.engine, &model.checkpoint, kind, &run.execution, None)?;
			let architecture = model.engine.manifest().architecture;
			Ok::<_, DisputesError>((architecture, stopped_short(&prover, &claim)))
		})
		.await??;
		let call = match proof {
			Some(proof) => Call::prove_length(subject, &Accused::Worker, &claim, &architecture, &proof),
			None => Call::challenge(subject, &Accused::Worker, &claim),
		};
		self.service.submitter.submit(call).await?;
		Ok(())
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn newest_runs_should_be_kept_as_far_as_they_fit() {
		let fitting = |bytes: &[usize]| fitting(bytes.iter().copied(), 100);
		assert_eq!((fitting(&[40, 60]), fitting(&[40, 61]), fitting(&[40, 61, 1])), (2, 1, 1));
		assert_eq!((fitting(&[101, 1]), fitting(&[1; 300]), fitting(&[0, 100, 0, 1])), (1, 100, 3));
	}
}
