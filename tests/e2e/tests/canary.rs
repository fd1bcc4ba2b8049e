//! A canary over the real binaries: a wrong answer by arrangement, and a validator that approves it unseen.

use noesis_primitives::{JobId, JobState, RefundReason};
use noesis_tests::{account, job_until, Ledger, Outcome, Stage, StageOptions, PATIENCE};
use noesis_worker::AccountId;
use serde_json::Value;

fn planck(report: &Value, key: &str) -> Outcome<i128> {
	let text = report.get(key).and_then(Value::as_str).ok_or_else(|| format!("no {key} in {report}"))?;
	Ok(text.parse()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn lazy_validator_should_be_slashed_and_honest_ones_paid_when_a_canary_is_revealed() -> Outcome {
	// Two honest validators, and one that approves whatever the worker gives it the leaves of.
	let stage = Stage::set(StageOptions { validators: 2, worker: false, ..StageOptions::default() }).await?;
	let chain = stage.chain(PATIENCE).await?;
	let (ferdie, asker) = (account("//Ferdie")?, account("//Alice//stash")?);
	let lazy = stage.faulty(&["lazy"], "//Eve")?;
	let worker = stage.operator_with(&["worker", "--canary-proposer", &ferdie.to_string()], "//Bob")?;
	stage.enrolled(&chain, &lazy).await?;
	stage.enrolled(&chain, &worker).await?;
	let (charlie, dave) = (account("//Charlie")?, account("//Dave")?);
	let everybody = [charlie, dave, ferdie, asker, lazy.account, worker.account];
	let ledger = Ledger::of(&chain, &everybody).await?;

	// A stranger has nothing to arrange with this worker.
	let (model, id, bob) =
		(stage.model.display().to_string(), stage.checkpoint.to_string(), worker.account.to_string());
	let what = ["canary", "What is a mountain?", "--tokens", "8", "--format", "text", "--json"];
	let how = ["--worker", &bob, "--checkpoint-file", &model, "--checkpoint", &id, "--threads", "1"];
	let stranger = stage.command(&[&what[..], &how, &["--key", "//Dave//stash"]].concat())?.output().await?;
	let said = String::from_utf8_lossy(&stranger.stderr);
	assert!(!stranger.status.success() && said.contains("takes no canaries of that proposer"), "{said}");

	let who = ["--key", "//Ferdie", "--requester-key", "//Alice//stash"];
	let report = stage.run(&[&what[..], &how, &who].concat()).await?;
	let say = || format!("{report}\nworker:\n{}\nlazy:\n{}", worker.process.output(), lazy.process.output());
	assert_eq!(report.get("approved").and_then(Value::as_u64), Some(1), "{}", say());
	assert_eq!(report.get("found").and_then(Value::as_u64), Some(2), "{}", say());
	let slashed = report.get("slashed").and_then(Value::as_array).cloned().unwrap_or_default();
	assert_eq!(slashed.len(), 1, "{}", say());
	let slashed = slashed.first().ok_or("nobody was slashed")?;
	assert_eq!(slashed.get("who"), Some(&serde_json::to_value(lazy.account)?), "{}", say());
	let (taken, prizes) = (planck(slashed, "taken")?, planck(&report, "prizes")?);
	assert!(taken > 0 && prizes > 0, "{report}");

	let job = JobId(report.get("job").and_then(Value::as_u64).ok_or("no job")?);
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Refunded { reason: RefundReason::Canary });
	let rest = ledger.unexplained(&chain).await?;
	let change = |who: AccountId| rest.get(&who).copied().unwrap_or_default();
	assert_eq!(change(lazy.account), taken.saturating_neg(), "{}", say());
	for validator in [charlie, dave] {
		assert_eq!(change(validator).saturating_mul(2), prizes, "{}", say());
	}
	// The worker has neither pay nor blame, the requester everything back, the proposer half of the slash less its fee.
	assert_eq!((change(worker.account), change(asker)), (0, 0), "{}", say());
	let fee = (taken / 2).saturating_sub(change(ferdie));
	assert_eq!(fee, 10_000_000_000, "{}", say());

	// Any other job is answered as it is.
	let report = stage.ask("What is a mountain?", &["--tokens", "8", "--format", "text"]).await?;
	assert_eq!(report.get("status").and_then(Value::as_str), Some("final"), "{report}");
	Ok(())
}
