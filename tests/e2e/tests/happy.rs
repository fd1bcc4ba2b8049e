//! The main job, from prompt to payment, with honest operators.

use noesis_primitives::{Balance, JobId, JobState};
use noesis_tests::{
	account, job_until, pot_account, Ledger, Outcome, SharedStage, Stage, StageOptions, PATIENCE,
};
use noesis_worker::AccountId;
use serde_json::Value;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	STAGE.take(|| Stage::set(StageOptions::default())).await
}

fn text<'a>(report: &'a Value, key: &str) -> &'a str {
	report.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_answered_verified_and_paid_when_all_are_honest() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let (ferdie, bob) = (account("//Ferdie")?, account("//Bob")?);
	let panel = [account("//Charlie")?, account("//Dave")?, account("//Eve")?];
	let everyone = [&panel[..], &[ferdie, bob, pot_account()]].concat();
	let ledger = Ledger::of(&chain, &everyone).await?;

	let report = stage.ask("Why is the sky blue?", &["--tokens", "24"]).await?;
	assert_eq!(text(&report, "status"), "final", "{report}");
	assert!(report.get("answer").is_some_and(Value::is_string), "{report}");
	let verdicts = report.get("verdicts").and_then(Value::as_array).cloned().unwrap_or_default();
	assert!(verdicts.len() >= 2, "{report}");
	assert!(verdicts.iter().all(|verdict| verdict.get("agrees") == Some(&Value::Bool(true))), "{report}");

	let job = JobId(report.get("job").and_then(Value::as_u64).ok_or("no job")?);
	let view = job_until(&chain, job, "the settlement", JobState::is_terminal).await?;
	let settlement = view.settlement.ok_or("no settlement")?;
	let agreeing: Vec<AccountId> = settlement.verdicts.iter().map(|(validator, _)| *validator).collect();
	let to_panel = settlement.per_validator.saturating_mul(Balance::try_from(agreeing.len())?);
	let spent = settlement.worker.saturating_add(to_panel).saturating_add(settlement.pot);
	assert_eq!(
		spent.saturating_add(settlement.refund),
		view.escrow,
		"the escrow is not the sum of its parts"
	);
	assert!(settlement.worker > 0 && settlement.per_validator > 0 && settlement.refund > 0);

	let rest = ledger.unexplained(&chain).await?;
	let change = |who: &AccountId| rest.get(who).copied().unwrap_or_default();
	assert_eq!(change(&ferdie), i128::try_from(spent)?.saturating_neg());
	assert_eq!(change(&bob), i128::try_from(settlement.worker)?);
	assert_eq!(change(&pot_account()), i128::try_from(settlement.pot)?);
	for validator in &panel {
		let paid = if agreeing.contains(validator) { settlement.per_validator } else { 0 };
		assert_eq!(change(validator), i128::try_from(paid)?, "{validator}");
	}
	assert_eq!(rest.values().sum::<i128>(), 0, "planck appeared or vanished");

	// The checkpoint's file comes from the worker's store, as the chain says.
	let verified = stage.run(&["verify", &job.to_string(), "--json"]).await?;
	assert_eq!(verified.get("right"), Some(&Value::Bool(true)), "{verified}");
	assert_eq!(verified.get("answer"), report.get("answer"));
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn directed_job_should_be_done_by_the_named_worker() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let other = stage.operator("worker", "//Alice//stash", &stage.url())?;
	stage.enrolled(&chain, &other).await?;
	let name = other.account.to_string();
	let report = stage.ask("Who are you?", &["--worker", &name, "--tokens", "4"]).await?;
	assert_eq!(text(&report, "status"), "final", "{report}");
	assert_eq!(text(&report, "worker"), name, "{report}");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn long_prompt_should_move_through_the_store_when_it_does_not_fit_inline() -> Outcome {
	let stage = stage().await?;
	let bob = account("//Bob")?.to_string();
	let prompt = "A long story. ".repeat(330);
	let more = ["--worker", &bob, "--format", "text", "--tokens", "8"];
	let report = stage.ask(&prompt, &more).await?;
	assert_eq!(text(&report, "status"), "final", "{report}");
	assert!(report.get("input_tokens").and_then(Value::as_u64) > Some(1000), "{report}");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn sampled_job_should_give_the_same_answer_when_the_seed_is_the_same() -> Outcome {
	let stage = stage().await?;
	let more = ["--temperature", "0.9", "--top-p", "0.95", "--tokens", "16", "--seed"];
	let first = stage.ask("Tell me something.", &[&more[..], &["3"]].concat()).await?;
	let second = stage.ask("Tell me something.", &[&more[..], &["3"]].concat()).await?;
	let third = stage.ask("Tell me something.", &[&more[..], &["4"]].concat()).await?;
	assert_eq!(first.get("root"), second.get("root"));
	assert_ne!(first.get("root"), third.get("root"));
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn ask_should_print_the_answer_alone_when_standard_output_is_read() -> Outcome {
	let stage = stage().await?;
	let id = stage.checkpoint.to_string();
	let args = ["ask", "What is rain?", "--key", "//Ferdie", "--tokens", "12", "--checkpoint", &id];
	let output = stage.command(&args)?.output().await?;
	let said = String::from_utf8_lossy(&output.stderr);
	assert!(output.status.success(), "{said}");
	let json = stage.ask("What is rain?", &["--tokens", "12"]).await?;
	assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{}\n", text(&json, "answer")));
	for part in ["is in block", "computes it", "has answered", "found the same", "paid          pot", "root "]
	{
		assert!(said.contains(part), "`{part}` is missing:\n{said}");
	}
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn many_jobs_should_all_end_when_they_come_at_once() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let mut jobs = Vec::new();
	for seed in 0..6 {
		jobs.push(stage.submit(&["--tokens", "6", "--seed", &seed.to_string()]).await?);
	}
	for job in jobs {
		let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
		assert!(matches!(view.state, JobState::Final { .. }), "job {job}: {:?}", view.state);
	}
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn request_should_be_refused_with_a_way_out_when_it_is_bad() -> Outcome {
	let stage = stage().await?;
	let id = stage.checkpoint.to_string();
	let cases: [(&[&str], &str); 7] = [
		(&["x", "--tokens", "0", "--checkpoint", &id], "--tokens, --top-p or --deadline is out of range"),
		(&["x", "--tokens", "99999", "--checkpoint", &id], "shorten the prompt or lower --tokens"),
		(&["", "--checkpoint", &id], "the prompt is empty"),
		(&["x", "--checkpoint", "77"], "there is no such checkpoint"),
		(&["x", "--max-fee", "0.0001", "--checkpoint", &id], "more than --max-fee 0.0001 DOT"),
		(&["1 2 x", "--format", "tokens", "--checkpoint", &id], "`x` is not a token id"),
		(&["x", "--key-file", "/nowhere", "--checkpoint", &id], "/nowhere"),
	];
	for (args, complaint) in cases {
		let key: &[&str] = if args.contains(&"--key-file") { &[] } else { &["--key", "//Ferdie"] };
		let output = stage.command(&[&["ask"], args, key].concat())?.output().await?;
		let said = String::from_utf8_lossy(&output.stderr);
		assert!(!output.status.success() && said.contains(complaint), "{args:?}: {said}");
	}
	let unknown = stage.command(&["verify", "4711"])?.output().await?;
	assert_eq!(unknown.status.code(), Some(2));
	assert!(String::from_utf8_lossy(&unknown.stderr).contains("there is no job 4711"));
	Ok(())
}
