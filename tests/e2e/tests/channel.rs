//! Channels: turns off chain, one close, one settlement.

use codec::Encode;
use noesis_primitives::{
	Balance, ChannelId, ChannelState, ChannelView, GenerateParams, InputFormat, JobKind,
};
use noesis_tests::{
	account, number, pot_account, until, Ledger, Outcome, SharedStage, Stage, StageOptions, PATIENCE,
};
use noesis_worker::{
	chain::{results, Chain},
	channel::TurnRequest,
	keys::Keys,
	store::locator_text,
	AccountId,
};
use serde_json::Value;
use std::path::Path;
use tokio::sync::MutexGuard;

static STAGE: SharedStage = SharedStage::new();

/// The stage, for one test at a time.
async fn stage() -> Outcome<MutexGuard<'static, Stage>> {
	STAGE.take(|| Stage::set(StageOptions::default())).await
}

/// Ferdie opens a channel to Bob.
async fn open(stage: &Stage) -> Outcome<ChannelId> {
	let (worker, checkpoint) = (account("//Bob")?.to_string(), stage.checkpoint.to_string());
	let args = ["channel", "open", "--worker", &worker, "--escrow", "1", "--lifetime", "2000"];
	let more = ["--checkpoint", &checkpoint, "--verification", "panel:3", "--key", "//Ferdie", "--json"];
	let opened = stage.run(&[&args[..], &more].concat()).await?;
	assert_eq!(opened.get("state").and_then(Value::as_str), Some("Open"), "{opened}");
	Ok(ChannelId(number(&opened, "channel")?))
}

/// Ferdie asks for a turn.
async fn ask(stage: &Stage, channel: ChannelId, state: &Path, prompt: &str, more: &[&str]) -> Outcome<Value> {
	let (channel, state) = (channel.to_string(), state.display().to_string());
	let args = ["channel", "ask", &channel, prompt, "--tokens", "6", "--format", "text"];
	let last = ["--state", &state, "--key", "//Ferdie", "--json"];
	stage.run(&[&args[..], &last, more].concat()).await
}

async fn close(stage: &Stage, channel: ChannelId, state: &Path, more: &[&str]) -> Outcome<Value> {
	let (channel, state) = (channel.to_string(), state.display().to_string());
	let args = ["channel", "close", &channel, "--state", &state, "--key", "//Ferdie", "--json"];
	stage.run(&[&args[..], more].concat()).await
}

/// Waits until a finalized channel is as `wanted` says.
async fn channel_until(
	chain: &Chain,
	channel: ChannelId,
	what: &str,
	wanted: impl Fn(&ChannelView<AccountId>) -> bool,
) -> Outcome<ChannelView<AccountId>> {
	let wanted = &wanted;
	until(PATIENCE, what, || async move {
		let view = chain.channel(chain.finalized().hash, channel).await?;
		Ok(view.filter(wanted))
	})
	.await
}

/// The text with which the worker answers a request for a turn, and the status.
async fn post(chain: &Chain, request: &TurnRequest) -> Outcome<(u16, String)> {
	let bob = chain.operator(chain.best().hash, account("//Bob")?).await?.ok_or("no worker")?;
	let base = locator_text(&bob.record.capability.endpoint);
	let url = format!("{base}/channel/{}/turn", request.channel);
	let response = reqwest::Client::new().post(url).body(request.encode()).send().await?;
	Ok((response.status().as_u16(), response.text().await?))
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_turns_should_be_settled_by_one_close() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let state = stage.path().join("eight");
	let (ferdie, bob) = (account("//Ferdie")?, account("//Bob")?);
	let panel = [account("//Charlie")?, account("//Dave")?, account("//Eve")?];
	let everyone = [&panel[..], &[ferdie, bob, pot_account()]].concat();
	let ledger = Ledger::of(&chain, &everyone).await?;

	let channel = open(&stage).await?;
	let is_open = || async {
		let view = chain.channel(chain.best().hash, channel).await?;
		Ok(view.is_some_and(|view| view.state == ChannelState::Open).then_some(()))
	};
	until(PATIENCE, "the open channel", is_open).await?;
	let before = chain.best().number;
	for index in 0..7u64 {
		let turn = ask(&stage, channel, &state, &format!("Question {index}"), &[]).await?;
		assert_eq!(number(&turn, "turn")?, index, "{turn}");
		assert_eq!(turn.get("delivered"), Some(&Value::Bool(true)), "{turn}");
	}
	let model = stage.model.display().to_string();
	let last = ask(&stage, channel, &state, "The last", &["--recompute", &model, "--threads", "1"]).await?;
	assert_eq!((number(&last, "turn")?, last.get("recomputed")), (7, Some(&Value::Bool(true))), "{last}");
	let spent: Balance = last.get("spent").and_then(Value::as_str).ok_or("no sum")?.parse()?;
	for number in before.saturating_add(1)..=chain.best().number {
		let results = results(&chain, chain.block_at(number).await?).await?;
		let touched = results.iter().flat_map(|result| &result.events).any(|event| event.pallet == "Poi");
		assert!(!touched, "a turn was written on chain in block {number}");
	}

	let refused = post(&chain, &request(&chain, channel, 3, "Question 3")?).await?;
	assert_eq!(refused, (409, "turn 3 was served: the next is 8".to_owned()));
	let foreign = TurnRequest { channel, ..request(&chain, ChannelId(channel.0.saturating_add(1)), 8, "x")? };
	assert_eq!(post(&chain, &foreign).await?.0, 401);

	let closed = close(&stage, channel, &state, &[]).await?;
	assert_eq!(closed.get("state").and_then(Value::as_str), Some("Paid"), "{closed}");
	let view = channel_until(&chain, channel, "the settlement", |view| view.state.is_terminal()).await?;
	let tally = view.tally.ok_or("no tally")?;
	assert_eq!((tally.turns, tally.spent), (8, spent));
	let settlement = view.settlement.ok_or("no settlement")?;
	let verdicts = Balance::try_from(settlement.verdicts.len())?;
	let paid = settlement
		.worker
		.saturating_add(settlement.per_validator.saturating_mul(verdicts))
		.saturating_add(settlement.pot);
	assert_eq!(paid.saturating_add(settlement.refund), view.spec.escrow, "{settlement:?}");
	// So cheap were the turns that the channel costs what its panels must have at least.
	let least: Balance = 1_000_000_000;
	assert!(spent < least, "{spent}");
	assert_eq!(paid, least, "{settlement:?}");
	assert!(settlement.worker > 0 && verdicts > 0, "{settlement:?}");

	let rest = ledger.unexplained(&chain).await?;
	let change = |who: &AccountId| rest.get(who).copied().unwrap_or_default();
	assert_eq!(change(&ferdie), i128::try_from(paid)?.saturating_neg());
	assert_eq!(change(&bob), i128::try_from(settlement.worker)?);
	assert_eq!(change(&pot_account()), i128::try_from(settlement.pot)?);
	assert_eq!(rest.values().sum::<i128>(), 0, "planck appeared or vanished");
	Ok(())
}

fn request(chain: &Chain, channel: ChannelId, index: u32, input: &str) -> Outcome<TurnRequest> {
	let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 6));
	let ferdie = Keys::from_suri("//Ferdie")?;
	Ok(TurnRequest::new(&ferdie, &chain.genesis().0, channel, index, kind, input.as_bytes().to_vec()))
}

#[tokio::test(flavor = "multi_thread")]
async fn stale_close_should_be_contested_when_the_requester_hides_turns() -> Outcome {
	let stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let (state, stale) = (stage.path().join("contested"), stage.path().join("stale"));
	let channel = open(&stage).await?;
	ask(&stage, channel, &state, "One", &[]).await?;
	copy(&state, &stale)?;
	ask(&stage, channel, &state, "Two", &[]).await?;
	ask(&stage, channel, &state, "Three", &[]).await?;

	close(&stage, channel, &stale, &["--alone", "--no-wait"]).await?;
	let view =
		channel_until(&chain, channel, "the contest", |view| view.state == ChannelState::Closed).await?;
	assert_eq!(view.tally.map(|tally| tally.turns), Some(3));
	let view = channel_until(&chain, channel, "the settlement", |view| view.state.is_terminal()).await?;
	assert_eq!(view.state, ChannelState::Paid);
	Ok(())
}

fn copy(from: &Path, to: &Path) -> Outcome {
	std::fs::create_dir_all(to)?;
	for entry in std::fs::read_dir(from)? {
		let entry = entry?;
		let target = to.join(entry.file_name());
		match entry.file_type()?.is_dir() {
			true => copy(&entry.path(), &target)?,
			false => drop(std::fs::copy(entry.path(), target)?),
		}
	}
	Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn channel_should_go_on_when_its_worker_is_killed_and_started_again() -> Outcome {
	let mut stage = stage().await?;
	let chain = stage.chain(PATIENCE).await?;
	let state = stage.path().join("killed");
	let channel = open(&stage).await?;
	ask(&stage, channel, &state, "Before", &[]).await?;
	let bob = account("//Bob")?;
	let place = stage.actors.iter().position(|actor| actor.account == bob).ok_or("no worker")?;
	stage.actors.remove(place).process.kill()?;

	// What was begun while the worker was away is ended first, and costs once.
	let away = ask(&stage, channel, &state, "Away", &[]).await;
	assert!(away.is_err(), "{away:?}");
	let again = stage.operator("worker", "//Bob", &stage.url())?;
	stage.enrolled(&chain, &again).await?;
	stage.actors.push(again);
	let turn = ask(&stage, channel, &state, "After", &[]).await?;
	assert_eq!(number(&turn, "turn")?, 2, "{turn}");

	let closed = close(&stage, channel, &state, &[]).await?;
	assert_eq!(closed.get("state").and_then(Value::as_str), Some("Paid"), "{closed}");
	let tally = closed.get("tally").ok_or("no tally")?;
	assert_eq!(number(tally, "turns")?, 3, "{closed}");
	Ok(())
}
