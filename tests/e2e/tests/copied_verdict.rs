//! A validator that shows another's openings instead of its own is rejected.

use noesis_primitives::JobState;
use noesis_tests::{job_until, until, Outcome, Stage, StageOptions, PATIENCE};

#[tokio::test(flavor = "multi_thread")]
async fn verdict_should_be_rejected_when_it_is_copied() -> Outcome {
	// Two honest validators and one that copies: with three, everybody is drawn at once and a seat stays free.
	let stage = Stage::set(StageOptions { validators: 2, ..StageOptions::default() }).await?;
	let chain = stage.chain(PATIENCE).await?;
	let copycat = stage.faulty(&["copy-verdict"], "//Eve")?;
	stage.enrolled(&chain, &copycat).await?;

	let job = stage.submit(&["--tokens", "8"]).await?;
	let attempt = || async {
		let output = copycat.process.output();
		Ok(output.lines().find(|line| line.starts_with("{\"copied\"")).map(str::to_owned))
	};
	let attempt = until(PATIENCE, "the copied verdict", attempt).await?;
	assert!(attempt.contains("Poc::WrongOpening"), "{attempt}");

	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert!(matches!(view.state, JobState::Final { .. }), "{:?}", view.state);
	let verdicts = view.settlement.ok_or("no settlement")?.verdicts;
	assert_eq!(verdicts.len(), 2);
	assert!(verdicts.iter().all(|(validator, _)| *validator != copycat.account));
	Ok(())
}
