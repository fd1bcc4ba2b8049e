//! An outsider catches liars in batches and channels: nobody else is there to look.

use noesis_primitives::{ChannelId, ChannelState, JobId, JobState, RefundReason};
use noesis_tests::{
	account, job_until, number, until, Ledger, Outcome, SharedStage, Stage, StageOptions, PATIENCE,
};
use serde_json::Value;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// A chain with one validator, who sleeps.
async fn set() -> Outcome<Stage> {
	let options = StageOptions { validators: 0, worker: false, ..StageOptions::default() };
	let stage = Stage::set(options).await?;
	stage.sleeper(&stage.chain(PATIENCE).await?, "//Ferdie//stash").await?;
	Ok(stage)
}

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	STAGE.take(set).await
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_lose_stake_to_an_outsider_when_items_of_its_batch_are_wrong() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let liar = stage.liar("//Charlie", "3:1:5:1")?;
	stage.enrolled(&chain, &liar).await?;
	let watcher = stage.operator("watch", "//Dave", &stage.url())?;
	let (ferdie, dave) = (account("//Ferdie")?, watcher.account);
	let ledger = Ledger::of(&chain, &[ferdie, liar.account, dave]).await?;

	let file = stage.path().join("prompts.jsonl");
	let lines: Vec<String> = (0..12).map(|i| format!("\"Prompt number {i} asks\"")).collect();
	std::fs::write(&file, lines.join("\n"))?;
	let (file, id, worker) =
		(file.display().to_string(), stage.checkpoint.to_string(), liar.account.to_string());
	let args = ["batch", &file, "--key", "//Ferdie", "--json", "--no-wait", "--checkpoint", &id];
	let asked =
		stage.run(&[&args[..], &["--tokens", "4", "--format", "text", "--worker", &worker]].concat()).await?;
	let job = JobId(number(&asked, "job")?);
	let view = job_until(&chain, job, "the batch's end", JobState::is_terminal).await?;
	let say = || format!("the outsider says:\n{}", watcher.process.output());
	assert_eq!(view.state, JobState::Refunded { reason: RefundReason::Overturned }, "{}", say());
	let rest = ledger.unexplained(&chain).await?;
	let change = |who| rest.get(&who).copied().unwrap_or_default();
	assert_eq!(change(ferdie), 0);
	assert!(change(liar.account) < 0, "the liar lost nothing");
	// Half of what the liar lost; the deposit for showing is still its own.
	assert_eq!(change(dave).saturating_mul(2), change(liar.account).saturating_neg(), "{}", say());
	let file = stage.model.display().to_string();
	let args = ["verify", &job.to_string(), "--json", "--checkpoint-file", &file];
	let output = stage.command(&args)?.output().await?;
	assert_eq!(output.status.code(), Some(1));
	let report: Value = serde_json::from_slice(&output.stdout)?;
	assert_eq!(number(&report, "wrong")?, 12, "{report}");
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn liar_should_lose_stake_to_its_requester_when_turns_of_its_channel_are_wrong() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let liar = stage.liar("//Bob", "3:1:5:1")?;
	stage.enrolled(&chain, &liar).await?;
	let (worker, id) = (liar.account.to_string(), stage.checkpoint.to_string());
	let state = stage.path().join("turns").display().to_string();
	let args = ["channel", "open", "--worker", &worker, "--escrow", "1", "--lifetime", "2000", "--json"];
	let opened = stage.run(&[&args[..], &["--checkpoint", &id, "--key", "//Ferdie"]].concat()).await?;
	let channel = ChannelId(number(&opened, "channel")?);
	let number = channel.to_string();
	for prompt in ["One question", "Another question", "A third question", "The last question"] {
		let args = ["channel", "ask", &number, prompt, "--tokens", "4", "--format", "text", "--json"];
		stage.run(&[&args[..], &["--state", &state, "--key", "//Ferdie"]].concat()).await?;
	}
	// The requester looks at its own turns, from another account.
	let watcher = stage.operator_with(&["watch", "--channels", &state, "--sample", "2"], "//Eve")?;
	let ledger = Ledger::of(&chain, &[liar.account, watcher.account]).await?;
	let args = ["channel", "close", &number, "--no-wait", "--json", "--state", &state, "--key", "//Ferdie"];
	stage.run(&args).await?;
	let ended = || async {
		let view = chain.channel(chain.finalized().hash, channel).await?;
		Ok(view.filter(|view| view.state.is_terminal()))
	};
	let view = until(PATIENCE, "the channel's end", ended).await?;
	let say = format!("the watcher says:\n{}", watcher.process.output());
	assert_eq!(view.state, ChannelState::Refunded { reason: RefundReason::Overturned }, "{say}");
	let rest = ledger.unexplained(&chain).await?;
	let change = |who| rest.get(&who).copied().unwrap_or_default();
	assert!(change(liar.account) < 0, "the liar lost nothing");
	assert_eq!(change(watcher.account).saturating_mul(2), change(liar.account).saturating_neg(), "{say}");
	Ok(())
}
