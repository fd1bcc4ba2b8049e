//! The worker's side of canaries.

use super::{claim_of, run_planted, run_with, Arrangement};
use crate::{
	chain::{Chain, ChainError},
	executor::Finding,
	models::Models,
	AccountId,
};
use codec::{DecodeAll, Encode};
use noesis_engine::{EngineError, Plant};
use noesis_primitives::{
	CheckpointId, Claim, ContentHash, JobId, JobKind, JobView, Opening, MAX_OPENINGS, SLICE,
};
use std::{
	collections::VecDeque,
	fs, io,
	path::{Path, PathBuf},
	sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// Arrangements that are kept; the oldest make place.
const KEPT: usize = 64;
/// Answers of which leaves are given.
const OPEN: usize = 16;
/// How often leaves of an answer are given.
const SERVED: u32 = 32;

/// Why a worker does not take part.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
	/// The worker has no such proposer.
	#[error("this worker takes no canaries of that proposer: start it with --canary-proposer")]
	Stranger,
	/// Somebody else wrote it.
	#[error("the arrangement is not signed by its proposer, or for another chain")]
	BadSignature,
	/// It is another worker's.
	#[error("the arrangement names another worker")]
	OtherWorker,
	/// The model is not here, or not of a kind that can be planted.
	#[error("the checkpoint is not loaded here, runs on a GPU, or has no leaf of {SLICE} values")]
	Unfit,
	/// The bytes are no arrangement.
	#[error("that is no arrangement")]
	Malformed,
	/// There are no leaves of it.
	#[error("no leaves of this answer are given here")]
	NoAnswer,
	/// Too many are asked for.
	#[error("1 to {MAX_OPENINGS} positions of the trace are given at a time, and not often")]
	TooMany,
	/// The worker takes no canaries.
	#[error("this worker takes no canaries")]
	NotServing,
	/// The disk said no.
	#[error("the arrangement can't be kept: {0}")]
	Disk(#[from] io::Error),
	/// The run failed.
	#[error("the computation failed")]
	Failed,
}

/// Why an answer could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum AccompliceError {
	/// The chain could not be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The job did not run.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// It broke off.
	#[error("the computation broke off: {0}")]
	Broken(#[from] tokio::task::JoinError),
	/// The process ends.
	#[error("no more work is taken")]
	Closed(#[from] tokio::sync::AcquireError),
}

/// An answer of which leaves are given.
#[derive(Clone)]
struct Answer {
	job: JobId,
	checkpoint: CheckpointId,
	kind: JobKind,
	input: Arc<Vec<u8>>,
	claim: Claim,
	plant: Option<Plant>,
	served: u32,
}

/// What a worker needs to take part in canaries.
pub struct Accomplice {
	me: AccountId,
	genesis: [u8; 32],
	proposers: Vec<AccountId>,
	models: Arc<Models>,
	/// Lets one job be computed at a time.
	turn: Arc<Semaphore>,
	dir: PathBuf,
	/// What was arranged, the oldest first.
	arranged: Mutex<VecDeque<Arrangement>>,
	answers: Mutex<VecDeque<Answer>>,
}

impl Accomplice {
	/// The accomplice of `proposers`, with what was arranged before in a folder of the store.
	pub fn open(
		(me, genesis): (AccountId, [u8; 32]),
		proposers: Vec<AccountId>,
		models: Arc<Models>,
		turn: Arc<Semaphore>,
		store: &Path,
	) -> io::Result<Self> {
		let dir = store.join("canaries");
		fs::create_dir_all(&dir)?;
		let mut files = Vec::new();
		for entry in fs::read_dir(&dir)? {
			let entry = entry?;
			files.push((entry.metadata()?.modified()?, entry.path()));
		}
		files.sort();
		let mut arranged = VecDeque::new();
		for (_, path) in files {
			match Arrangement::decode_all(&mut fs::read(&path)?.as_slice()) {
				Ok(arrangement) if arrangement.is_signed(&genesis) => arranged.push_back(arrangement),
				_ => tracing::warn!(path = %path.display(), "not an arrangement on this chain: left alone"),
			}
		}
		let (arranged, answers) = (Mutex::new(arranged), Mutex::default());
		Ok(Self { me, genesis, proposers, models, turn, dir, arranged, answers })
	}

	fn path(&self, arrangement: &Arrangement) -> PathBuf {
		self.dir.join(ContentHash::of(&arrangement.encode()).to_string())
	}

	/// Takes an arrangement of one of the proposers, on the disk first.
	pub fn take(&self, arrangement: Arrangement) -> Result<(), Refusal> {
		if !self.proposers.contains(&arrangement.proposer) {
			return Err(Refusal::Stranger);
		}
		if !arrangement.is_signed(&self.genesis) {
			return Err(Refusal::BadSignature);
		}
		if arrangement.worker != self.me {
			return Err(Refusal::OtherWorker);
		}
		let model = self.models.get(arrangement.checkpoint).ok_or(Refusal::Unfit)?;
		if model.engine.model().is_none() || model.engine.manifest().architecture.width < SLICE {
			return Err(Refusal::Unfit);
		}
		let mut arranged = self.arranged.lock().unwrap_or_else(PoisonError::into_inner);
		if arranged.iter().any(|known| known.is_same(&arrangement)) {
			return Ok(());
		}
		fs::write(self.path(&arrangement), arrangement.encode())?;
		arranged.push_back(arrangement);
		while arranged.len() > KEPT {
			if let Some(oldest) = arranged.pop_front() {
				fs::remove_file(self.path(&oldest))?;
			}
		}
		Ok(())
	}

	/// What was arranged about a job.
	fn arranged(&self, job: &JobView<AccountId>) -> Option<Arrangement> {
		let arranged = self.arranged.lock().unwrap_or_else(PoisonError::into_inner);
		arranged.iter().rev().find(|arrangement| arrangement.is_of(job)).cloned()
	}

	/// What to answer a job with whose truth is known: that, or what was arranged, if the very canary stands on chain
	/// that follows from this truth. Without it nobody would take the answer for one.
	pub(crate) async fn answer(
		&self,
		chain: &Chain,
		job: &JobView<AccountId>,
		input: Vec<u8>,
		truth: Finding,
	) -> Result<Finding, AccompliceError> {
		let input = Arc::new(input);
		let planted = self.planted(chain, job, input.clone(), &truth).await?;
		let (finding, plant) = match planted {
			Some((finding, plant)) => (finding, Some(plant)),
			None => (truth, None),
		};
		let answer = Answer {
			job: job.id,
			checkpoint: job.spec.checkpoint,
			kind: job.spec.kind,
			input,
			claim: finding.claim,
			plant,
			served: 0,
		};
		let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
		answers.push_back(answer);
		while answers.len() > OPEN {
			answers.pop_front();
		}
		Ok(finding)
	}

	async fn planted(
		&self,
		chain: &Chain,
		job: &JobView<AccountId>,
		input: Arc<Vec<u8>>,
		truth: &Finding,
	) -> Result<Option<(Finding, Plant)>, AccompliceError> {
		let Some(arrangement) = self.arranged(job) else { return Ok(None) };
		let commitment = arrangement.commitment(&truth.claim.hash());
		let best = chain.best();
		let canary = chain.canary(best.hash, arrangement.proposer, commitment).await?;
		let standing = canary.filter(|canary| {
			(canary.checkpoint, best.number < canary.expires) == (arrangement.checkpoint, true)
		});
		let randomness = standing.and_then(|canary| canary.randomness);
		let (Some(randomness), Some(model)) = (randomness, self.models.get(arrangement.checkpoint)) else {
			tracing::warn!(job = %job.id, "no such canary stands on chain: answered as it is");
			return Ok(None);
		};
		let claim = truth.claim;
		let _turn = self.turn.clone().acquire_owned().await?;
		let planted = tokio::task::spawn_blocking(move || {
			run_planted(&model.engine, &arrangement, &randomness, &input, &claim)
		});
		let Some(planted) = planted.await?? else { return Ok(None) };
		tracing::info!(job = %job.id, "answered wrongly, as arranged");
		let claim = claim_of(&planted.execution);
		let finding = Finding { output: planted.execution.output, claim, openings: Vec::new() };
		Ok(Some((finding, planted.plant)))
	}

	/// Leaves of an answer, computed again.
	pub async fn openings(&self, job: JobId, positions: Vec<u32>) -> Result<Vec<Opening>, Refusal> {
		if positions.is_empty() || positions.len() > MAX_OPENINGS as usize {
			return Err(Refusal::TooMany);
		}
		let answer = {
			let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
			let answer = answers.iter_mut().find(|answer| answer.job == job).ok_or(Refusal::NoAnswer)?;
			if answer.served >= SERVED || positions.iter().any(|at| *at >= answer.claim.leaves) {
				return Err(Refusal::TooMany);
			}
			answer.served = answer.served.saturating_add(1);
			answer.clone()
		};
		let model = self.models.get(answer.checkpoint).ok_or(Refusal::Unfit)?;
		let _turn = self.turn.clone().acquire_owned().await.map_err(|_| Refusal::NotServing)?;
		let openings = tokio::task::spawn_blocking(move || {
			let execution = run_with(&model.engine, &answer.kind, &answer.input, answer.plant, &positions)?;
			Ok::<_, EngineError>(
				positions.iter().filter_map(|at| execution.opening(u64::from(*at))).collect::<Vec<_>>(),
			)
		});
		openings.await.map_err(|_| Refusal::Failed)?.map_err(|_| Refusal::Failed)
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::arrangement::tests::{of, GENESIS},
		*,
	};
	use crate::keys::Keys;
	use noesis_engine::{testing, EngineOptions};
	use noesis_primitives::{CheckpointView, Locators};

	fn account(suri: &str) -> AccountId {
		Keys::from_suri(suri).unwrap().account()
	}

	fn models(dir: &Path) -> Arc<Models> {
		let path = dir.join("model");
		testing::write_random_model(&path, 3).unwrap();
		let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
		let models = Models::open(&[path], &options).unwrap();
		let manifest = models.all()[0].engine.manifest().clone();
		let record = crate::models::record(&manifest, None, Locators::default()).unwrap();
		let (id, owner) = (CheckpointId(0), account("//Alice"));
		models.identify(&[CheckpointView { id, owner, record, active: true, depth: 0, registered: 1 }]);
		Arc::new(models)
	}

	fn accomplice(dir: &Path, models: &Arc<Models>) -> Accomplice {
		let turn = Arc::new(Semaphore::new(1));
		let proposers = vec![account("//Alice")];
		Accomplice::open((account("//Bob"), GENESIS), proposers, models.clone(), turn, dir).unwrap()
	}

	#[test]
	fn arrangement_should_be_taken_only_from_the_proposers_that_the_worker_names() {
		let dir = tempfile::tempdir().unwrap();
		let models = models(dir.path());
		let accomplice = accomplice(dir.path(), &models);
		assert!(matches!(accomplice.take(of("//Dave", "//Bob", 1)), Err(Refusal::Stranger)));
		assert!(matches!(accomplice.take(of("//Alice", "//Eve", 1)), Err(Refusal::OtherWorker)));
		let forged = Arrangement { proposer: account("//Alice"), ..of("//Dave", "//Bob", 1) };
		assert!(matches!(accomplice.take(forged), Err(Refusal::BadSignature)));
		let elsewhere = Arrangement { checkpoint: CheckpointId(7), ..of("//Alice", "//Bob", 1) };
		assert!(matches!(accomplice.take(elsewhere), Err(Refusal::BadSignature)));
		assert!(accomplice.arranged.lock().unwrap().is_empty());
		accomplice.take(of("//Alice", "//Bob", 1)).unwrap();
		accomplice.take(of("//Alice", "//Bob", 1)).unwrap();
		assert_eq!(accomplice.arranged.lock().unwrap().len(), 1);
	}

	#[test]
	fn arrangements_should_be_there_after_a_restart_and_not_pile_up() {
		let dir = tempfile::tempdir().unwrap();
		let models = models(dir.path());
		let first = accomplice(dir.path(), &models);
		for salt in 0..=KEPT as u8 {
			first.take(of("//Alice", "//Bob", salt)).unwrap();
		}
		assert_eq!(first.arranged.lock().unwrap().len(), KEPT);
		drop(first);
		fs::write(dir.path().join("canaries").join("rubbish"), b"rubbish").unwrap();
		let again = accomplice(dir.path(), &models);
		let arranged = again.arranged.lock().unwrap();
		assert_eq!(arranged.len(), KEPT);
		assert!(arranged.iter().all(|arrangement| arrangement.salt != [0; 32]));
	}

	#[tokio::test]
	async fn leaves_should_be_given_of_known_answers_only_and_not_for_ever() {
		let dir = tempfile::tempdir().unwrap();
		let models = models(dir.path());
		let accomplice = accomplice(dir.path(), &models);
		let model = models.get(CheckpointId(0)).unwrap();
		let arrangement = of("//Alice", "//Bob", 1);
		let truth = run_with(&model.engine, &arrangement.kind, b"asked", None, &[]).unwrap();
		let (claim, kind) = (claim_of(&truth), arrangement.kind);
		let planted = run_planted(&model.engine, &arrangement, &[5; 32], b"asked", &claim).unwrap().unwrap();
		let claim = claim_of(&planted.execution);
		let (input, plant) = (Arc::new(b"asked".to_vec()), Some(planted.plant));
		let (job, checkpoint, served) = (JobId(3), CheckpointId(0), SERVED - 1);
		let answer = Answer { job, checkpoint, kind, input, claim, plant, served };
		accomplice.answers.lock().unwrap().push_back(answer);
		let ask = |job, positions: &[u32]| accomplice.openings(JobId(job), positions.to_vec());
		assert!(matches!(ask(4, &[0]).await, Err(Refusal::NoAnswer)));
		assert!(matches!(ask(3, &[]).await, Err(Refusal::TooMany)));
		assert!(matches!(ask(3, &[0; 17]).await, Err(Refusal::TooMany)));
		assert!(matches!(ask(3, &[claim.leaves]).await, Err(Refusal::TooMany)));
		let (index, _) = planted.leaf;
		let given = ask(3, &[index, 0]).await.unwrap();
		assert!(given[0].verify(&claim, index) && given[1].verify(&claim, 0));
		assert!(matches!(ask(3, &[0]).await, Err(Refusal::TooMany)));
	}
}
