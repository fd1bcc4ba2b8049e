//! Operators with a fault are found out, and nobody pays for them.

use noesis_primitives::{JobId, JobState, RefundReason};
use noesis_tests::{job_until, Ledger, Outcome, SharedStage, Stage, StageOptions, PATIENCE};
use noesis_worker::{chain::Chain, keys::Keys};
use serde_json::Value;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	let options = StageOptions { worker: false, ..StageOptions::default() };
	STAGE.take(|| Stage::set(options)).await
}

/// A worker with `fault` answers; the requester has all back for `reason`. Returns the planck that the worker lost.
async fn refused(
	stage: &Stage,
	chain: &Chain,
	fault: &str,
	key: &str,
	differs: &str,
	reason: RefundReason,
) -> Outcome<i128> {
	let ferdie = Keys::from_suri("//Ferdie")?.account();
	let liar = stage.faulty(&[fault], key)?;
	stage.enrolled(chain, &liar).await?;
	let ledger = Ledger::of(chain, &[ferdie, liar.account]).await?;

	let job = stage.submit(&["--worker", &liar.account.to_string(), "--tokens", "8"]).await?;
	let view = job_until(chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Refunded { reason });
	let settlement = view.settlement.ok_or("no settlement")?;
	assert_eq!((settlement.worker, settlement.refund), (0, view.escrow));
	assert!(settlement.verdicts.iter().any(|(_, agrees)| !agrees), "{settlement:?}");
	let rest = ledger.unexplained(chain).await?;
	let change = |who| rest.get(&who).copied().unwrap_or_default();
	assert_eq!(change(ferdie), 0, "somebody paid for a lie");

	let file = stage.model.display().to_string();
	let args = ["verify", &job.to_string(), "--json", "--checkpoint-file", &file];
	let output = stage.command(&args)?.output().await?;
	assert_eq!(output.status.code(), Some(1));
	let report: Value = serde_json::from_slice(&output.stdout)?;
	assert_eq!(report.get("differs"), Some(&serde_json::json!([differs])), "{report}");
	Ok(change(liar.account))
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_answer_should_be_refunded_and_cost_stake() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	// The trace is right, and a token of it is shown that the output does not have.
	let change =
		refused(&stage, &chain, "wrong-output", "//Bob//stash", "output", RefundReason::Overturned).await?;
	assert!(change < 0, "the liar lost nothing");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_trace_should_be_refunded_and_cost_stake_when_it_is_not_defended() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	// It has no trace of that root, so it has no move in the dispute.
	let change =
		refused(&stage, &chain, "wrong-root", "//Charlie//stash", "root", RefundReason::Overturned).await?;
	assert!(change < 0, "the liar lost nothing");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_go_to_another_worker_when_the_first_never_answers() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let idle = stage.faulty(&["hang"], "//Dave//stash")?;
	stage.enrolled(&chain, &idle).await?;
	let job = stage.submit(&["--deadline", "10", "--tokens", "4"]).await?;
	let taken = |state: &JobState<_>| state.worker() == Some(&idle.account);
	job_until(&chain, job, "the claim", taken).await?;
	let mut idle = idle;
	idle.process.kill()?;

	let honest = stage.operator("worker", "//Eve//stash", &stage.url())?;
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Final { worker: honest.account });
	assert_eq!(view.reassignments, 1);
	let marks = chain.operator(chain.finalized().hash, idle.account).await?.map(|view| view.marks);
	assert_eq!(marks, Some(1));
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_refunded_when_nobody_takes_it() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let ferdie = Keys::from_suri("//Ferdie")?.account();
	let ledger = Ledger::of(&chain, &[ferdie]).await?;
	// Nobody works for Alice's other account.
	let nobody = Keys::from_suri("//Alice//stash")?.account().to_string();
	let job: JobId = stage.submit(&["--worker", &nobody]).await?;
	let view = job_until(&chain, job, "the refund", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Refunded { reason: RefundReason::Expired });
	assert_eq!(view.settlement.map(|settlement| settlement.refund), Some(view.escrow));
	assert!(ledger.unexplained(&chain).await?.values().all(|change| *change == 0));
	Ok(())
}
