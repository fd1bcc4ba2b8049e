//! Disputes over the real node: a liar whose every other number is right, and the runtime finds the one that is not; and one
//! whose every number is right, and its output is not.

use noesis_primitives::{JobState, RefundReason};
use noesis_tests::{job_until, Ledger, Outcome, Stage, StageOptions, PATIENCE};
use noesis_worker::keys::Keys;
use serde_json::Value;

/// A worker tells a lie (as in `--rehearse-fault`) about a job, and one account looks. On what ground it falls, and in how
/// many extrinsics.
async fn convicted(lie: &str, job: &[&str], looks: &str) -> Outcome<(String, u64)> {
	// No validators but one that sleeps: nobody else looks.
	let stage = Stage::set(StageOptions { validators: 0, worker: false, ..StageOptions::default() }).await?;
	let chain = stage.chain(PATIENCE).await?;
	stage.sleeper(&chain, "//Eve").await?;
	let liar = stage.liar("//Bob", lie)?;
	stage.enrolled(&chain, &liar).await?;
	let outsider = stage.operator("watch", looks, &stage.url())?;
	let (ferdie, winner) = (Keys::from_suri("//Ferdie")?.account(), outsider.account);
	let ledger = Ledger::of(&chain, &[ferdie, liar.account, winner]).await?;

	let job = stage.submit(&[&["--tokens", "8"], job].concat()).await?;
	let view = job_until(&chain, job, "the job's end", JobState::is_terminal).await?;
	assert_eq!(
		view.state,
		JobState::Refunded { reason: RefundReason::Overturned },
		"the liar says:\n{}\nthe outsider says:\n{}",
		liar.process.output(),
		outsider.process.output()
	);
	let rest = ledger.unexplained(&chain).await?;
	let change = |who| rest.get(&who).copied().unwrap_or_default();
	assert!(winner == ferdie || change(ferdie) == 0, "the requester has lost {}", change(ferdie));
	assert!(change(liar.account) < 0, "the liar lost nothing");
	// Half of what the liar lost.
	assert_eq!(change(winner).saturating_mul(2), change(liar.account).saturating_neg());
	let moves = stage.run(&["moves", &job.to_string(), "--json"]).await?;
	let ground = moves.pointer("/convicted/0/ground").and_then(Value::as_str).unwrap_or_default();
	let count = moves.pointer("/moves").and_then(Value::as_u64).unwrap_or_default();
	Ok((ground.to_owned(), count))
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_lose_stake_to_an_outsider_when_one_number_of_its_trace_is_wrong() -> Outcome {
	// The game ends in a step that the runtime computes itself.
	let (ground, moves) = convicted("3:1:5:1", &[], "//Dave").await?;
	assert_eq!(ground, "Step");
	assert!(moves > 5, "{moves} moves");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_lose_stake_to_an_outsider_when_only_its_output_is_wrong() -> Outcome {
	// There is no game: one token that the output does not have is shown.
	let (ground, _) = convicted("output", &[], "//Dave").await?;
	assert_eq!(ground, "Record");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_lose_stake_to_the_requester_when_only_its_sealed_output_is_wrong() -> Outcome {
	// Nobody else can read it.
	let (ground, _) = convicted("output", &["--sealed"], "//Ferdie").await?;
	assert_eq!(ground, "Record");
	Ok(())
}
