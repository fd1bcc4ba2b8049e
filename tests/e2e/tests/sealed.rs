//! Sealed jobs: worker and panel read them, chain and stores do not.

use codec::Encode;
use noesis_primitives::{
	ContentHash, GenerateParams, InputFormat, JobId, JobKind, JobSpec, JobState, JobView, Lane, Payload,
	RefundReason, Subject, Tier, Verification,
};
use noesis_tests::{job_until, until, Actor, Outcome, SharedStage, Stage, StageOptions, PATIENCE};
use noesis_worker::{
	chain::{Call, Chain, Submitter},
	keys::Keys,
	sealed::{seal_prompt, Asked, Context, KeyRequest, OpenedJob, SealKey},
	store::locator_text,
	AccountId,
};
use serde_json::Value;
use std::path::Path;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();
/// Nothing else on the stage has these words.
const PROMPT: &str = "My grandmother's secret plum cake is called Zwetschgendatschi.";
/// A piece of it that would give it away.
const SECRET: &[u8] = b"Zwetschgendatschi";
const ASKED: [&str; 6] = ["--tokens", "8", "--format", "text", "--verification", "panel:2"];

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	STAGE.take(|| Stage::set(StageOptions::default())).await
}

fn text<'a>(report: &'a Value, key: &str) -> Outcome<&'a str> {
	report.get(key).and_then(Value::as_str).ok_or_else(|| format!("no {key} in {report}").into())
}

fn number(report: &Value) -> Outcome<JobId> {
	report.get("job").and_then(Value::as_u64).map(JobId).ok_or_else(|| format!("no job in {report}").into())
}

/// Ferdie asks and waits for the end.
async fn ask(stage: &Stage, prompt: &str, more: &[&str]) -> Outcome<Value> {
	let id = stage.checkpoint.to_string();
	let args = ["ask", prompt, "--key", "//Ferdie", "--json", "--checkpoint", &id];
	stage.run(&[&args[..], &ASKED, more].concat()).await
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
	!part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}

/// Every file below a folder that has `part` in it.
fn files_with(folder: &Path, part: &[u8]) -> Outcome<Vec<String>> {
	let mut found = Vec::new();
	for entry in std::fs::read_dir(folder)? {
		let path = entry?.path();
		if path.is_dir() {
			found.extend(files_with(&path, part)?);
			continue;
		}
		// A file of the database may be gone meanwhile.
		if std::fs::read(&path).is_ok_and(|bytes| contains(&bytes, part)) {
			found.push(path.display().to_string());
		}
	}
	Ok(found)
}

/// Every block from `first` on with an extrinsic that has `part` in it.
async fn blocks_with(chain: &Chain, first: u32, part: &[u8]) -> Outcome<Vec<u32>> {
	let mut found = Vec::new();
	for number in first..=chain.finalized().number {
		let extrinsics = chain.extrinsics(chain.block_at(number).await?.hash).await?;
		if extrinsics.iter().any(|extrinsic| contains(extrinsic, part)) {
			found.push(number);
		}
	}
	Ok(found)
}

/// The endpoint of a worker's store.
async fn endpoint(chain: &Chain, worker: AccountId) -> Outcome<String> {
	let operator = chain.operator(chain.best().hash, worker).await?.ok_or("no worker")?;
	Ok(locator_text(&operator.record.capability.endpoint))
}

/// What a worker says to a request for a content key.
async fn request_key(
	chain: &Chain,
	job: &JobView<AccountId>,
	who: &Keys,
	seed: &[u8; 32],
) -> Outcome<(u16, String)> {
	let worker = job.state.worker().copied().or(job.spec.worker).ok_or("no worker")?;
	let asked = Asked { genesis: chain.genesis().0, job: job.id, worker };
	let request = KeyRequest::new(who, &asked, SealKey::random()?.public(), who.draw(seed).0);
	let url = format!("{}/key/{}", endpoint(chain, worker).await?, job.id);
	let response = reqwest::Client::new().post(url).body(request.encode()).send().await?;
	Ok((response.status().as_u16(), String::from_utf8_lossy(&response.bytes().await?).into_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_job_should_be_audited_and_paid_when_nobody_else_can_read_it() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let before = chain.best().number;
	let report = ask(&stage, PROMPT, &["--sealed"]).await?;
	assert_eq!(text(&report, "status")?, "final", "{report}");
	assert_eq!(report.get("sealed"), Some(&Value::Bool(true)), "{report}");
	let verdicts = report.get("verdicts").and_then(Value::as_array).ok_or("no verdicts")?;
	assert_eq!(verdicts.len(), 2, "{report}");
	assert!(verdicts.iter().all(|verdict| verdict.get("agrees") == Some(&Value::Bool(true))), "{report}");

	// What the chain has of it does not show the prompt, and opens to what everybody else is told.
	let job = number(&report)?;
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.spec.worker, Some(Keys::from_suri("//Bob")?.account()));
	let committed = view.spec.sealed.ok_or("the job is open")?;
	let (Payload::Inline(input), Some(Payload::Inline(output))) = (&view.spec.input, &view.output) else {
		return Err("not inline".into());
	};
	assert_eq!(input.len(), PROMPT.len().saturating_add(100));
	assert!(!contains(input, SECRET) && !contains(output, text(&report, "answer")?.as_bytes()));
	assert_eq!(blocks_with(&chain, before, SECRET).await?, Vec::<u32>::new());
	assert_eq!(files_with(stage.path(), SECRET)?, Vec::<String>::new());
	let open = ask(&stage, PROMPT, &[]).await?;
	assert_eq!(text(&open, "answer")?, text(&report, "answer")?);
	assert_ne!(
		view.claim.map(|claim| claim.output),
		Some(ContentHash::of(text(&open, "answer")?.as_bytes()))
	);
	assert_eq!(blocks_with(&chain, before, SECRET).await?.len(), 1, "an open prompt is found");
	let ferdie = Keys::from_suri("//Ferdie")?;
	let opened = OpenedJob::recover(ferdie.seal(), committed, input)?;
	assert_eq!(opened.prompt(), PROMPT.as_bytes());
	let answer = opened.open_answer(Subject::Job(job), output)?;
	assert_eq!(String::from_utf8_lossy(&answer), text(&report, "answer")?);

	// Its requester verifies it, others are told why they can't.
	let (id, model) = (job.to_string(), stage.model.display().to_string());
	let args = ["verify", &id, "--json", "--threads", "1", "--checkpoint-file", &model];
	let verified = stage.run(&[&args[..], &["--key", "//Ferdie"]].concat()).await?;
	assert_eq!(verified.get("right"), Some(&Value::Bool(true)), "{verified}");
	assert_eq!(text(&verified, "answer")?, text(&report, "answer")?);
	for key in [&[][..], &["--key", "//Dave"]] {
		let refused = stage.command(&[&args[..], key].concat())?.output().await?;
		assert!(!refused.status.success());
		let said = String::from_utf8_lossy(&refused.stderr).into_owned();
		assert!(said.contains(&format!("job {id} is sealed")), "{said}");
	}
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn content_key_should_be_refused_when_the_asker_is_not_drawn() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let id = stage.checkpoint.to_string();
	let args = ["ask", PROMPT, "--key", "//Ferdie", "--json", "--no-wait", "--sealed", "--checkpoint", &id];
	let job = number(&stage.run(&[&args[..], &ASKED].concat()).await?)?;
	let subject = Subject::Job(job);
	let seed = until(PATIENCE, "the panel", || async {
		let panel = chain.panel(chain.best().hash, subject).await?;
		Ok(panel.and_then(|panel| panel.seed))
	})
	.await?;
	let view = chain.job(chain.best().hash, job).await?.ok_or("no job")?;
	// Alice, who is no operator; Ferdie's own key does not help; and Charlie's draw in Alice's hand.
	for suri in ["//Alice", "//Ferdie"] {
		let (status, said) = request_key(&chain, &view, &Keys::from_suri(suri)?, &seed).await?;
		assert!(matches!(status, 403 | 404), "{suri}: {status} {said}");
	}
	let url = format!("{}/stream/{job}", endpoint(&chain, view.spec.worker.ok_or("no worker")?).await?);
	assert_eq!(reqwest::get(url).await?.status().as_u16(), 404, "the output in the making is shown");
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	// Charlie was drawn, or not; now nobody is let in any more.
	let (status, said) = request_key(&chain, &view, &Keys::from_suri("//Charlie")?, &seed).await?;
	assert_eq!(status, 404, "{said}");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn prompt_over_four_kib_should_be_sealed_when_it_is_kept_in_the_workers_store() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let long = format!("{PROMPT} {}", "And so on. ".repeat(400));
	let report = ask(&stage, &long, &["--sealed"]).await?;
	assert_eq!(text(&report, "status")?, "final", "{report}");
	let view = job_until(&chain, number(&report)?, "the job's end", JobState::is_terminal).await?;
	let Payload::Stored { hash, .. } = view.spec.input else { return Err("the prompt is inline".into()) };
	let worker = view.spec.worker.ok_or("no worker")?;
	let kept =
		reqwest::get(format!("{}/blob/{hash}", endpoint(&chain, worker).await?)).await?.bytes().await?;
	assert!(kept.len() > long.len() && !contains(&kept, SECRET) && !contains(&kept, b"And so on."));
	let store = stage.path().join("store-Bob");
	assert_eq!(files_with(&store, SECRET)?, Vec::<String>::new());
	let header = kept.get(..84).ok_or("the envelope is short")?;
	assert_eq!(files_with(&store, header)?.len(), 1, "the envelope is found");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn requester_should_be_refunded_when_the_worker_withholds_the_key_from_its_panel() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let silent = unreachable_worker(&stage, &chain).await?;
	let worker = silent.account.to_string();
	let report = ask(&stage, PROMPT, &["--sealed", "--worker", &worker]).await?;
	assert_eq!(text(&report, "status")?, "refunded", "{report}");
	let view = job_until(&chain, number(&report)?, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Refunded { reason: RefundReason::Unverified });
	assert_eq!(
		view.settlement.map(|settlement| (settlement.worker, settlement.refund)),
		Some((0, view.escrow))
	);
	let said: Vec<String> = stage.actors.iter().map(|actor| actor.process.output()).collect();
	assert!(said.iter().any(|said| said.contains("withholds the content key")), "{said:?}");
	Ok(())
}

/// A worker that answers and whose desk nobody reaches.
async fn unreachable_worker(stage: &Stage, chain: &Chain) -> Outcome<Actor> {
	let nowhere = ["worker", "--endpoint", "http://127.0.0.1:1"];
	let actor = stage.operator_with(&nowhere, "//Alice")?;
	stage.enrolled(chain, &actor).await?;
	Ok(actor)
}

#[tokio::test(flavor = "multi_thread")]
async fn envelope_should_be_left_alone_when_it_does_not_open_for_its_worker() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let (ferdie, bob) = (Keys::from_suri("//Ferdie")?, Keys::from_suri("//Bob")?);
	// Made for Ferdie's job, and put into one of Alice's.
	let context = Context { genesis: chain.genesis().0, requester: ferdie.account() };
	let envelope = seal_prompt(ferdie.seal(), &bob.seal().public(), &context, PROMPT.as_bytes())?;
	let spec = JobSpec {
		checkpoint: stage.checkpoint,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 8)),
		input: Payload::Inline(envelope.bytes.try_into().map_err(|_| "too long")?),
		worker: Some(bob.account()),
		deadline: 100,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Panel(2),
		sealed: Some(envelope.commitment),
	};
	let alice = Submitter::start(chain.clone(), Keys::from_suri("//Alice")?);
	let included = alice.submit(Call::submit(&spec, 10_000_000_000)).await?;
	let job: JobId = included.event("Poi", "Submitted").and_then(|event| event.decode()).ok_or("no job")?;
	// Another job after it shows that the worker has seen it.
	let report = ask(&stage, "What else?", &["--worker", &bob.account().to_string()]).await?;
	assert_eq!(text(&report, "status")?, "final", "{report}");
	let view = chain.job(chain.best().hash, job).await?.ok_or("no job")?;
	assert_eq!(view.state, JobState::Open, "the worker took it");
	let worker = stage.actors.iter().find(|actor| actor.account == bob.account()).ok_or("no worker")?;
	assert!(
		worker.process.output().contains("sealed this job for another worker"),
		"{}",
		worker.process.output()
	);
	alice.submit(Call::new("Poi", "cancel", (job,))).await?;
	Ok(())
}
