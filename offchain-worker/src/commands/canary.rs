//! `noesis canary`: arranges a wrong answer, waits for the panel, and reveals it.

use super::{connect, order, print_json, report::describe, CommandError};
use crate::{
	canary::{claim_of, run_planted, run_with, Arrangement, Planted},
	chain::{Call, Chain, Included, Submitter},
	cli::{dot, CanaryArgs},
	AccountId,
};
use codec::Encode;
use noesis_primitives::{
	Balance, Claim, ContentHash, Fault, JobId, JobSpec, JobView, Lane, Payload, Subject,
};
use serde_json::json;
use std::time::Duration;

/// How often the job is asked when it is not answered as arranged.
const ATTEMPTS: u32 = 3;
/// Blocks before the end of a dispute's move at which the canary is revealed: afterwards the worker may be convicted.
const MARGIN: u32 = 5;
/// Disputes that are looked at.
const LISTED: u32 = 64;
/// How long the worker may take to take the arrangement.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) async fn run(url: &str, args: CanaryArgs) -> Result<(), CommandError> {
	let (proposer, requester) = (args.key.load()?, args.requester()?);
	let chain = connect(url).await?;
	let say = |line: String| match args.json {
		true => tracing::info!("{line}"),
		false => eprintln!("{line}"),
	};
	let id = order::checkpoint(&chain, args.checkpoint).await?;
	let checkpoint =
		chain.checkpoint(chain.best().hash, id).await?.ok_or(CommandError::UnknownCheckpoint(id))?;
	let model = order::model(args.checkpoint_file.clone(), &args.engine, &checkpoint)?;
	let input = order::input(args.generate.format, &args.prompt)?;
	let payload = Payload::Inline(input.clone().try_into().map_err(|_| CommandError::NotInline)?);
	let kind = args.generate.kind();
	let truth = tokio::task::block_in_place(|| run_with(&model.engine, &kind, &input, None, &[]))
		.map(|run| claim_of(&run))?;

	let genesis = chain.genesis().0;
	let parties = [requester.account(), args.worker];
	let hash = ContentHash::of(&input);
	let arrangement = Arrangement::new(&proposer, &genesis, parties, id, kind, hash, salt()?);
	arrange(&chain, &arrangement).await?;
	let commitment = arrangement.commitment(&truth.hash());
	let proposing = Submitter::start(chain.clone(), proposer.clone());
	let included = proposing.submit(Call::commit_canary(&commitment, id)).await?;
	say(format!("the canary is committed in block {}", included.block.number));
	let randomness = randomness(&chain, proposer.account(), commitment).await?;
	let planted = tokio::task::block_in_place(|| {
		run_planted(&model.engine, &arrangement, &randomness, &input, &truth)
	})?
	.ok_or(CommandError::NoLeaf)?;

	let spec = JobSpec {
		checkpoint: id,
		kind,
		input: payload,
		worker: Some(args.worker),
		deadline: args.deadline,
		lane: Lane::Dot,
		tier: Default::default(),
		verification: args.verification,
		sealed: None,
	};
	let asking = match requester.account() == proposer.account() {
		true => proposing,
		false => Submitter::start(chain.clone(), requester.clone()),
	};
	let expected = claim_of(&planted.execution);
	let job = answered(&chain, &asking, &spec, &expected, &say).await?;
	let spoken = wait_for_panel(&chain, job, args.worker, args.patience).await?;
	let Planted { leaf: (index, opening), .. } = planted;
	let subject = Subject::Job(job);
	let reveal =
		Call::reveal_canary(subject, proposer.account(), &truth.hash(), &arrangement.salt, index, &opening);
	let included = asking.submit(reveal).await?;
	say(format!("revealed in block {} after {spoken} verdicts", included.block.number));
	let end = ended(&chain, job).await?;
	show(&args, &end, &included)
}

/// The chain's side of the story, in words or JSON.
fn show(args: &CanaryArgs, end: &JobView<AccountId>, revealed: &Included) -> Result<(), CommandError> {
	type Revealed = (Subject, AccountId, u32, u32, Balance);
	let (.., approved, found, paid): Revealed = revealed
		.event("Poc", "CanaryRevealed")
		.and_then(|event| event.decode())
		.ok_or(CommandError::NoEvent("Poc.CanaryRevealed"))?;
	let slashed: Vec<(AccountId, Balance)> = revealed
		.events
		.iter()
		.filter(|event| (event.pallet.as_str(), event.name.as_str()) == ("Operators", "Slashed"))
		.filter_map(|event| event.decode::<(AccountId, Fault, Balance)>())
		.map(|(who, _, taken)| (who, taken))
		.collect();
	if args.json {
		print_json(&json!({
			"job": end.id,
			"state": end.state,
			"approved": approved,
			"found": found,
			"prizes": paid.to_string(),
			"slashed": slashed.iter().map(|(who, taken)| json!({ "who": who, "taken": taken.to_string() })).collect::<Vec<_>>(),
			"block": revealed.block.number,
		}));
		return Ok(());
	}
	println!("job {} was a canary: {approved} approved it, {found} found the truth", end.id);
	for (who, taken) in slashed {
		println!("slashed       {who} {}", dot(taken));
	}
	println!("prizes        {}", dot(paid));
	println!("job           {}", describe(&end.state));
	Ok(())
}

/// A salt that nobody can guess.
fn salt() -> Result<[u8; 32], CommandError> {
	use ring::rand::SecureRandom;
	let mut salt = [0; 32];
	ring::rand::SystemRandom::new().fill(&mut salt).map_err(|_| CommandError::NoRandomness)?;
	Ok(salt)
}

/// Tells the worker.
async fn arrange(chain: &Chain, arrangement: &Arrangement) -> Result<(), CommandError> {
	let endpoint = chain.endpoint(arrangement.worker).await?;
	let base = endpoint.ok_or(CommandError::NoEndpoint(arrangement.worker))?;
	let url = format!("{}/canary", base.trim_end_matches('/'));
	let refused = |reason: String| CommandError::NotArranged { url: url.clone(), reason };
	let client = reqwest::Client::builder()
		.redirect(reqwest::redirect::Policy::none())
		.timeout(TIMEOUT)
		.build()
		.map_err(|error| refused(error.to_string()))?;
	let response = client.post(&url).body(arrangement.encode()).send().await;
	let response = response.map_err(|error| refused(error.to_string()))?;
	match response.status().is_success() {
		true => Ok(()),
		false => Err(refused(response.text().await.unwrap_or_default())),
	}
}

/// What the mark depends on, as soon as it is there.
async fn randomness(
	chain: &Chain,
	proposer: AccountId,
	commitment: [u8; 32],
) -> Result<[u8; 32], CommandError> {
	let mut heads = chain.heads();
	loop {
		let best = heads.borrow_and_update().best;
		let canary = chain.canary(best.hash, proposer, commitment).await?;
		if let Some(randomness) = canary.and_then(|canary| canary.randomness) {
			return Ok(randomness);
		}
		heads.changed().await.map_err(|_| CommandError::Disconnected)?;
	}
}

/// Asks until the worker answers as arranged; the commitment stands for any of these jobs.
async fn answered(
	chain: &Chain,
	asking: &Submitter,
	spec: &JobSpec<AccountId>,
	expected: &Claim,
	say: &impl Fn(String),
) -> Result<JobId, CommandError> {
	for _ in 0..ATTEMPTS {
		let quote = chain.quote(chain.best().hash, spec).await?.map_err(CommandError::Quote)?;
		let included = asking.submit(Call::submit(spec, quote.fee)).await?;
		let job = order::submitted(&included)?;
		say(format!("job {job} is in block {}: {} held", included.block.number, dot(quote.fee)));
		let answered = |view: &JobView<AccountId>| view.claim.is_some() || view.state.is_terminal();
		let view = wait(chain, job, answered).await?;
		if view.claim.as_ref() == Some(expected) {
			say(format!("job {job} is answered wrongly, as arranged"));
			return Ok(job);
		}
		say(format!("job {job} is not answered as arranged: {}", describe(&view.state)));
	}
	Err(CommandError::NotPlayed(ATTEMPTS))
}

/// Waits until nobody can speak on the panel any more, or the worker would be convicted if it went on. Returns how many
/// spoke.
async fn wait_for_panel(
	chain: &Chain,
	job: JobId,
	worker: AccountId,
	patience: u32,
) -> Result<usize, CommandError> {
	let subject = Subject::Job(job);
	let mut heads = chain.heads();
	loop {
		let best = heads.borrow_and_update().best;
		let Some(panel) = chain.panel(best.hash, subject).await? else { return Ok(0) };
		let over = chain.windows(best.hash, subject).await?.is_none_or(|windows| windows.over);
		let late = best.number >= panel.opened.saturating_add(patience);
		let disputes = chain.disputes_of(best.hash, worker, LISTED).await?;
		let pressed = disputes
			.iter()
			.any(|view| view.subject == subject && view.due <= best.number.saturating_add(MARGIN));
		if over || late || pressed {
			return Ok(panel.spoken.len());
		}
		heads.changed().await.map_err(|_| CommandError::Disconnected)?;
	}
}

/// The job when it has ended for good.
async fn ended(chain: &Chain, job: JobId) -> Result<JobView<AccountId>, CommandError> {
	let mut heads = chain.heads();
	loop {
		let finalized = heads.borrow_and_update().finalized;
		match chain.job(finalized.hash, job).await? {
			Some(view) if view.state.is_terminal() => return Ok(view),
			_ => heads.changed().await.map_err(|_| CommandError::Disconnected)?,
		}
	}
}

/// The job when it is as `wanted` says.
async fn wait(
	chain: &Chain,
	job: JobId,
	wanted: impl Fn(&JobView<AccountId>) -> bool,
) -> Result<JobView<AccountId>, CommandError> {
	let mut heads = chain.heads();
	loop {
		let best = heads.borrow_and_update().best;
		match chain.job(best.hash, job).await? {
			Some(view) if wanted(&view) => return Ok(view),
			_ => heads.changed().await.map_err(|_| CommandError::Disconnected)?,
		}
	}
}
