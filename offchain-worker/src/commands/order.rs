//! What the commands that ask have in common, from the prompt to the block that ends a job.

use super::CommandError;
use crate::{
	chain::{BlockHash, Chain, Included},
	cli::{dot, EngineArgs, FormatArg},
	models::Model,
	store::Fetcher,
	AccountId,
};
use noesis_primitives::{Balance, CheckpointId, CheckpointView, JobId, JobView, Payload, TimelineEntry};
use std::{cmp::Reverse, path::PathBuf};

/// Most active checkpoints that are compared, the oldest: newer ones crowd them out by no number.
const COMPARED: usize = 64;

/// The checkpoint that is named, or the one that takes jobs and that most validators offer. Anybody may register a
/// well-known model with wrong numbers; those who stake on it say which record is the right one.
pub(super) async fn checkpoint(chain: &Chain, named: Option<u32>) -> Result<CheckpointId, CommandError> {
	if let Some(id) = named {
		return Ok(CheckpointId(id));
	}
	let at = chain.best().hash;
	let mut offers = Vec::new();
	for view in chain.checkpoints(at).await?.iter().filter(|view| view.active).take(COMPARED) {
		offers.push((view.id, chain.validators(at, view.id).await?));
	}
	most_offered(&offers).ok_or(CommandError::NoCheckpoint)
}

/// The checkpoint with the most validators, the oldest among equals.
fn most_offered(offers: &[(CheckpointId, u32)]) -> Option<CheckpointId> {
	offers.iter().min_by_key(|(id, validators)| (Reverse(*validators), *id)).map(|(id, _)| *id)
}

/// The model of a file, which must be this checkpoint.
pub(super) fn model(
	path: PathBuf,
	engine: &EngineArgs,
	checkpoint: &CheckpointView<AccountId>,
) -> Result<Model, CommandError> {
	let options = engine.options()?;
	let model = tokio::task::block_in_place(|| Model::open(path.clone(), &options))?;
	match model.is(&checkpoint.record) {
		true => Ok(model),
		false => Err(CommandError::OtherCheckpoint { path, id: checkpoint.id }),
	}
}

/// A prompt as it goes into a job.
pub(super) fn input(format: FormatArg, prompt: &str) -> Result<Vec<u8>, CommandError> {
	if format != FormatArg::Tokens {
		return Ok(prompt.as_bytes().to_vec());
	}
	let ids = prompt.split(|c: char| c == ',' || c.is_whitespace()).filter(|id| !id.is_empty());
	let bytes = ids.map(|id| {
		id.parse::<u32>().map(u32::to_le_bytes).map_err(|_| CommandError::NotATokenId(id.to_owned()))
	});
	Ok(bytes.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Bytes as they go into a call: themselves where they fit, else their hash, once a store has them: the one that is named, or
/// the worker's.
pub(super) async fn payload(
	chain: &Chain,
	fetcher: &Fetcher,
	upload: Option<&str>,
	worker: Option<AccountId>,
	bytes: Vec<u8>,
) -> Result<Payload, CommandError> {
	let bytes = match bytes.try_into() {
		Ok(inline) => return Ok(Payload::Inline(inline)),
		Err(bytes) => bytes,
	};
	let place = match (upload, worker) {
		(Some(place), _) => place.to_owned(),
		(None, Some(worker)) => chain.endpoint(worker).await?.ok_or(CommandError::NoStore)?,
		(None, None) => return Err(CommandError::NoStore),
	};
	let hash = fetcher.upload(&place, &bytes).await?;
	let locator = place.clone().into_bytes().try_into().map_err(|_| CommandError::Locator(place))?;
	Ok(Payload::Stored { hash, len: u32::try_from(bytes.len()).unwrap_or(u32::MAX), locator })
}

/// The most that may be held: what the chain quotes, or what is allowed, if that is enough.
pub(super) fn most_held(quoted: Balance, allowed: Option<Balance>) -> Result<Balance, CommandError> {
	match allowed {
		Some(allowed) if quoted > allowed => {
			Err(CommandError::TooDear { quoted: dot(quoted), allowed: dot(allowed) })
		},
		allowed => Ok(allowed.unwrap_or(quoted)),
	}
}

/// The job that a call has begun.
pub(super) fn submitted(included: &Included) -> Result<JobId, CommandError> {
	let event = included.event("Poi", "Submitted");
	event.and_then(|event| event.decode()).ok_or(CommandError::NoEvent("Poi.Submitted"))
}

/// Shows a job while it lives.
pub(super) trait Follower {
	/// Where it lives, and which it is.
	fn subject(&self) -> (&Chain, JobId);

	/// Shows what is new in the best block, if the job is there.
	async fn look(&mut self, at: BlockHash, view: &JobView<AccountId>) -> Result<(), CommandError>;

	/// Shows its end, which is final.
	async fn end(&mut self, view: &JobView<AccountId>) -> Result<(), CommandError>;
}

/// Follows a job until its end is final: money counts when it can't be taken back.
pub(super) async fn follow(
	follower: &mut impl Follower,
) -> Result<(JobView<AccountId>, Vec<TimelineEntry<AccountId>>), CommandError> {
	let (chain, job) = follower.subject();
	let chain = chain.clone();
	let mut heads = chain.heads();
	loop {
		let now = *heads.borrow_and_update();
		match look(&chain, job, now.best.hash, follower).await {
			Ok(()) => {},
			Err(CommandError::Chain(error)) => tracing::warn!(%error, "following on"),
			Err(error) => return Err(error),
		}
		if let Ok(Some(view)) = chain.job(now.finalized.hash, job).await {
			if view.state.is_terminal() {
				follower.end(&view).await?;
				let timeline = chain.timeline(now.finalized.hash, job).await?;
				return Ok((view, timeline));
			}
		}
		heads.changed().await.map_err(|_| CommandError::Disconnected)?;
	}
}

async fn look(
	chain: &Chain,
	job: JobId,
	at: BlockHash,
	follower: &mut impl Follower,
) -> Result<(), CommandError> {
	match chain.job(at, job).await? {
		Some(view) => follower.look(at, &view).await,
		None => Ok(()),
	}
}

/// The moves of a job that have not been shown.
#[derive(Default)]
pub(super) struct Shown(Vec<TimelineEntry<AccountId>>);

impl Shown {
	/// Those that are new by block `at`, in their order.
	pub(super) async fn news(
		&mut self,
		chain: &Chain,
		at: BlockHash,
		job: JobId,
	) -> Result<Vec<TimelineEntry<AccountId>>, CommandError> {
		let mut news = chain.timeline(at, job).await?;
		news.retain(|entry| !self.0.contains(entry));
		self.0.extend(news.iter().cloned());
		Ok(news)
	}
}

/// Stores that may have a job's blobs.
pub(super) async fn stores(chain: &Chain, view: &JobView<AccountId>) -> Result<Vec<String>, CommandError> {
	let Some(worker) = view.state.worker() else { return Ok(Vec::new()) };
	Ok(chain.endpoint(*worker).await?.into_iter().collect())
}

/// What a worker says while it computes, if its store can be reached.
pub(super) async fn stream(fetcher: &Fetcher, endpoint: &str, job: JobId) -> Option<reqwest::Response> {
	const ATTEMPTS: u32 = 20;
	const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
	for _ in 0..ATTEMPTS {
		match fetcher.stream(endpoint, job).await {
			Ok(response) => return Some(response),
			Err(_) => tokio::time::sleep(PAUSE).await,
		}
	}
	None
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn checkpoint_should_be_the_one_that_most_validators_offer_when_none_is_named() {
		let most = |validators: &[u32]| {
			let offers: Vec<_> = (0..).map(CheckpointId).zip(validators.iter().copied()).collect();
			most_offered(&offers).map(|id| id.0)
		};
		assert_eq!(most(&[2, 5, 3]), Some(1));
		assert_eq!(most(&[1, 4, 4, 0]), Some(1));
		assert_eq!(most(&[0, 0]), Some(0));
		assert_eq!(most(&[]), None);
	}
}
