//! Batches over the real binaries: one file of prompts, one job, one settlement.

use noesis_primitives::{Balance, JobId, JobState, Payload};
use noesis_tests::{
	account, job_until, number, pot_account, Ledger, Outcome, SharedStage, Stage, StageOptions, PATIENCE,
};
use noesis_worker::AccountId;
use serde_json::Value;
use std::path::PathBuf;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	STAGE.take(|| Stage::set(StageOptions::default())).await
}

/// A file of prompts.
fn file(stage: &Stage, name: &str, prompts: &[String]) -> Outcome<PathBuf> {
	let path = stage.path().join(name);
	let lines: Vec<String> = prompts.iter().map(|prompt| Value::from(prompt.as_str()).to_string()).collect();
	std::fs::write(&path, lines.join("\n"))?;
	Ok(path)
}

/// Ferdie asks a batch; returns the report and the answers.
async fn batch(stage: &Stage, name: &str, prompts: &[String], more: &[&str]) -> Outcome<(Value, Vec<Value>)> {
	let (file, out) = (file(stage, name, prompts)?, stage.path().join(format!("{name}.out")));
	let (file, to) = (file.display().to_string(), out.display().to_string());
	let id = stage.checkpoint.to_string();
	let args = ["batch", &file, "--out", &to, "--key", "//Ferdie", "--json", "--checkpoint", &id];
	let how = ["--format", "text", "--verification", "panel:3"];
	let report = stage.run(&[&args[..], &how, more].concat()).await?;
	let lines = std::fs::read_to_string(out)?;
	let answers = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
	Ok((report, answers))
}

fn prompts(count: usize) -> Vec<String> {
	(0..count).map(|i| format!("Prompt number {i} asks")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_should_be_answered_in_order_checked_verified_and_paid_once() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let (ferdie, bob) = (account("//Ferdie")?, account("//Bob")?);
	let panel = [account("//Charlie")?, account("//Dave")?, account("//Eve")?];
	let everyone = [&panel[..], &[ferdie, bob, pot_account()]].concat();
	let ledger = Ledger::of(&chain, &everyone).await?;

	let prompts = prompts(6);
	let (report, answers) = batch(&stage, "six", &prompts, &["--tokens", "6"]).await?;
	assert_eq!(report.get("status").and_then(Value::as_str), Some("final"), "{report}");
	let job = JobId(number(&report, "job")?);
	let view = job_until(&chain, job, "the settlement", JobState::is_terminal).await?;
	let settlement = view.settlement.ok_or("no settlement")?;
	// Two items are drawn, unless both draws hit the same; each has its panel.
	assert!(settlement.verdicts.len() >= 3, "{settlement:?}");
	assert!(settlement.verdicts.iter().all(|(_, agrees)| *agrees), "{settlement:?}");
	let to_panel = settlement.per_validator.saturating_mul(Balance::try_from(settlement.verdicts.len())?);
	let spent = settlement.worker.saturating_add(to_panel).saturating_add(settlement.pot);
	assert_eq!(spent.saturating_add(settlement.refund), view.escrow);
	let rest = ledger.unexplained(&chain).await?;
	let change = |who: &AccountId| rest.get(who).copied().unwrap_or_default();
	assert_eq!(change(&ferdie), i128::try_from(spent)?.saturating_neg());
	assert_eq!(change(&bob), i128::try_from(settlement.worker)?);
	assert_eq!(rest.values().sum::<i128>(), 0, "planck appeared or vanished");

	// Every answer is what the model says to the prompt at its place.
	let verified = stage.run(&["verify", &job.to_string(), "--json"]).await?;
	assert_eq!(verified.get("right"), Some(&Value::Bool(true)), "{verified}");
	let items = verified.get("items").and_then(Value::as_array).cloned().unwrap_or_default();
	assert_eq!((items.len(), answers.len()), (6, 6), "{verified}");
	for ((item, answer), index) in items.iter().zip(&answers).zip(0u64..) {
		assert_eq!((number(answer, "index")?, number(item, "index")?), (index, index));
		assert_eq!(item.get("answer"), answer.get("answer"));
	}
	let single = stage.run(&["verify", &job.to_string(), "--item", "3", "--json"]).await?;
	let of_item = single.pointer("/items/0/answer");
	assert_eq!(of_item, answers.get(3).and_then(|answer| answer.get("answer")), "{single}");
	// The same prompt asked alone has the same answer.
	let prompt = prompts.get(3).ok_or("no prompt")?;
	let alone = stage.ask(prompt, &["--tokens", "6", "--format", "text"]).await?;
	assert_eq!(alone.get("answer"), of_item);
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn large_batch_should_move_through_stores_when_it_does_not_fit_inline() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let bob = account("//Bob")?.to_string();
	let prompts: Vec<String> =
		prompts(90).into_iter().map(|prompt| format!("{prompt} {}", "x".repeat(40))).collect();
	let (report, answers) = batch(&stage, "ninety", &prompts, &["--worker", &bob, "--tokens", "2"]).await?;
	assert_eq!(report.get("status").and_then(Value::as_str), Some("final"), "{report}");
	assert_eq!((answers.len(), number(&report, "leaves")?), (90, 90));
	let job = JobId(number(&report, "job")?);
	let view = chain.job(chain.finalized().hash, job).await?.ok_or("no job")?;
	assert!(matches!(view.spec.input, Payload::Stored { .. }), "{:?}", view.spec.input);
	assert!(matches!(view.output, Some(Payload::Stored { .. })), "{:?}", view.output);
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn drawn_items_should_be_shown_when_the_worker_was_killed_after_its_answer() -> Outcome {
	let mut stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let file = file(&stage, "killed", &prompts(4))?.display().to_string();
	let id = stage.checkpoint.to_string();
	let bob = account("//Bob")?;
	let name = bob.to_string();
	let args = ["batch", &file, "--key", "//Ferdie", "--json", "--no-wait", "--checkpoint", &id];
	let more = ["--tokens", "4", "--format", "text", "--verification", "panel:3", "--worker", &name];
	let asked = stage.run(&[&args[..], &more].concat()).await?;
	let job = JobId(number(&asked, "job")?);
	let answered = |state: &JobState<AccountId>| matches!(state, JobState::Answered { .. });
	job_until(&chain, job, "the answer", answered).await?;
	let place = stage.actors.iter().position(|actor| actor.account == bob).ok_or("no worker")?;
	stage.actors.remove(place).process.kill()?;
	let again = stage.operator("worker", "//Bob", &stage.url())?;
	stage.enrolled(&chain, &again).await?;
	stage.actors.push(again);
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Final { worker: bob });
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn batch_should_be_refused_with_a_way_out_when_it_is_bad() -> Outcome {
	let stage = stage().await?;
	let id = stage.checkpoint.to_string();
	let path = |name: &str, text: &str| {
		let path = stage.path().join(name);
		std::fs::write(&path, text).map(|()| path.display().to_string())
	};
	let good = path("good", "\"One\"\n")?;
	let (bare, empty) = (path("bare", "One\n")?, path("empty", "\n")?);
	let long = path("long", &format!("\"{}\"", "long ".repeat(1000)))?;
	let many = path("many", &"\"x\"\n".repeat(4097))?;
	let cases: [(&[&str], &str); 7] = [
		(&[&bare], "line 1: a prompt is one JSON string"),
		(&[&empty], "a batch has 1 to 4096 inputs, not 0"),
		(&[&many], "a batch has 1 to 4096 inputs, not 4097"),
		(&[&long], "pass --upload URL, or --worker"),
		(&[&good, "--tokens", "0"], "--tokens, --top-p or --deadline is out of range"),
		(&[&good, "--max-fee", "0.0001"], "more than --max-fee 0.0001 DOT"),
		(&["/nowhere.jsonl"], "/nowhere.jsonl"),
	];
	for (args, complaint) in cases {
		let more = ["--key", "//Ferdie", "--checkpoint", &id];
		let output = stage.command(&[&["batch"], args, &more].concat())?.output().await?;
		let said = String::from_utf8_lossy(&output.stderr);
		assert!(!output.status.success() && said.contains(complaint), "{args:?}: {said}");
	}
	Ok(())
}
