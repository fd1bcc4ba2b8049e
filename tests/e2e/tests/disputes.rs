//! Disputes over the real node: a liar whose every other number is right, and the runtime finds the one that is not; and one
//! whose every number is right, and its output is not.

use noesis_primitives::{Accused, JobState, RefundReason, Subject};
use noesis_tests::{account, job_until, until, Ledger, Outcome, Stage, StageOptions, PATIENCE};
use noesis_worker::{
	chain::{Call, Submitter},
	keys::Keys,
};
use serde_json::Value;
use tokio::task::JoinSet;

/// Disputes that a griefer opens at once: more than an honest worker could answer in time one block after the other.
const AT_ONCE: usize = 16;

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

/// A griefer disputes all that an honest worker has answered, and makes no move of its own.
#[tokio::test(flavor = "multi_thread")]
async fn honest_worker_should_win_every_dispute_when_many_are_opened_at_once() -> Outcome {
	let stage = Stage::set(StageOptions { validators: 0, worker: false, ..StageOptions::default() }).await?;
	let chain = stage.chain(PATIENCE).await?;
	stage.sleeper(&chain, "//Eve").await?;
	let worker = stage.operator("worker", "//Bob", &stage.url())?;
	stage.enrolled(&chain, &worker).await?;
	let griefer = account("//Dave")?;
	let ledger = Ledger::of(&chain, &[worker.account, griefer]).await?;

	let mut challenges = JoinSet::new();
	let mut jobs = Vec::new();
	for _ in 0..AT_ONCE {
		jobs.push(stage.submit(&["--tokens", "2", "--deadline", "50"]).await?);
	}
	let submitter = Submitter::start(chain.clone(), Keys::from_suri("//Dave")?);
	for job in &jobs {
		let is_answered = |state: &JobState<_>| matches!(state, JobState::Answered { .. });
		let claim = job_until(&chain, *job, "the answer", is_answered).await?.claim.ok_or("no claim")?;
		let (submitter, call) =
			(submitter.clone(), Call::challenge(Subject::Job(*job), &Accused::Worker, &claim));
		challenges.spawn(async move { submitter.submit(call).await });
	}
	while let Some(challenge) = challenges.join_next().await {
		challenge??;
	}
	let over = || async {
		let open = chain.disputes_of(chain.best().hash, worker.account, u32::MAX).await?;
		Ok(open.is_empty().then_some(()))
	};
	until(PATIENCE, "the end of all disputes", over).await?;

	let rest = ledger.unexplained(&chain).await?;
	let change = |who| rest.get(&who).copied().unwrap_or_default();
	assert!(
		change(worker.account) >= 0,
		"the worker lost {}: {}",
		change(worker.account),
		worker.process.output()
	);
	assert!(change(griefer) < 0, "the griefer lost nothing");
	// No panel comes together here, so that the requester has the fee back when the games took long.
	let withstood = |state: &JobState<_>| {
		let unverified = RefundReason::Unverified;
		matches!(state, JobState::Answered { .. }) || *state == JobState::Refunded { reason: unverified }
	};
	for job in jobs {
		job_until(&chain, job, "the answer that withstood its dispute", withstood).await?;
	}
	Ok(())
}
