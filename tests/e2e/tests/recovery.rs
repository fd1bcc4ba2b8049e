//! What breaks in the middle is taken up again: a killed worker, a lost connection.

use noesis_primitives::JobState;
use noesis_tests::{job_until, until, Outcome, Proxy, SharedStage, Stage, StageOptions, PATIENCE};
use noesis_worker::AccountId;
use std::time::Duration;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	let options = StageOptions { worker: false, ..StageOptions::default() };
	STAGE.take(|| Stage::set(options)).await
}

fn is_assigned_to(worker: AccountId) -> impl Fn(&JobState<AccountId>) -> bool {
	move |state| *state == JobState::Assigned { worker }
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_finished_when_its_worker_is_killed_and_started_again() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let mut slow = stage.faulty(&["slow", "--pause", "2000"], "//Bob")?;
	stage.enrolled(&chain, &slow).await?;
	let job = stage.submit(&["--worker", &slow.account.to_string(), "--tokens", "64"]).await?;
	job_until(&chain, job, "the claim", is_assigned_to(slow.account)).await?;
	until(PATIENCE, "the computation", || async {
		Ok(slow.process.output().contains("begun").then_some(()))
	})
	.await?;
	slow.process.kill()?;

	let again = stage.operator("worker", "//Bob", &stage.url())?;
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Final { worker: again.account });
	assert_eq!(view.reassignments, 0);
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn job_should_be_finished_when_the_connection_is_lost_in_the_middle() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let proxy = Proxy::to(format!("127.0.0.1:{}", stage.port)).await?;
	let worker = stage.operator("worker", "//Alice//stash", &format!("ws://{}", proxy.address))?;
	stage.enrolled(&chain, &worker).await?;

	let more = ["--worker", &worker.account.to_string(), "--tokens", "4"];
	let first = stage.submit(&more).await?;
	job_until(&chain, first, "the end of the first job", JobState::is_terminal).await?;

	// Cut while a job waits to be claimed, then while it is computed or answered.
	proxy.cut();
	let second = stage.submit(&more).await?;
	tokio::time::sleep(Duration::from_secs(4)).await;
	proxy.mend();
	let claimed = |state: &JobState<_>| state.worker().is_some();
	job_until(&chain, second, "the claim", claimed).await?;
	for _ in 0..3 {
		proxy.cut();
		tokio::time::sleep(Duration::from_millis(700)).await;
		proxy.mend();
		tokio::time::sleep(Duration::from_millis(1500)).await;
	}
	let view = job_until(&chain, second, "the end of the second job", JobState::is_terminal).await?;
	assert_eq!(view.state, JobState::Final { worker: worker.account });
	let mut worker = worker;
	assert!(worker.process.is_running(), "the worker gave up:\n{}", worker.process.output());
	Ok(())
}
