//! `noesis status`.

use super::{connect, print_json, CommandError};
use crate::{
	chain::{BlockRef, Chain},
	cli::{dot, StatusArgs},
	store::locator_text,
	AccountId,
};
use noesis_primitives::{JobId, OperatorRecord, OperatorStatus, OperatorView, Role, Subject, MAX_LISTED};

pub(super) async fn run(url: &str, args: StatusArgs) -> Result<(), CommandError> {
	let account = match (args.account, &args.key.key, &args.key.key_file) {
		(Some(account), ..) => Some(account),
		(None, None, None) => None,
		_ => Some(args.key.load()?.account()),
	};
	let chain = connect(url).await?;
	let (best, finalized) = (chain.best(), chain.finalized());
	let (name, ..) = chain.properties().await?;
	let next = chain.next_job(best.hash).await?;
	let checkpoints = chain.checkpoints(best.hash).await?.len();
	let panels = chain.open_panels(best.hash, MAX_LISTED).await?;
	let mut report = serde_json::json!({
		"chain": name,
		"url": chain.url(),
		"best": best.number,
		"finalized": finalized.number,
		"jobs": next,
		"checkpoints": checkpoints,
		"open_panels": panels.len(),
	});
	let about = match account {
		Some(account) => Some(about(&chain, best, account).await?),
		None => None,
	};
	if args.json {
		if let (Some((_, about)), Some(report)) = (about, report.as_object_mut()) {
			report.insert("account".to_owned(), about);
		}
		print_json(&report);
		return Ok(());
	}
	println!("{name} at {}: block {}, finalized {}", chain.url(), best.number, finalized.number);
	println!("{next} jobs submitted so far, {checkpoints} checkpoints, {} open panels", panels.len());
	for panel in panels {
		let subject = match panel.subject {
			Subject::Job(job) => format!("job {job}"),
			Subject::Turn { channel, index } => format!("turn {index} of channel {channel}"),
			Subject::Item { batch, index } => format!("item {index} of batch {batch}"),
		};
		println!(
			"  panel on {subject}: window {}, {} of {} spoken",
			panel.window,
			panel.spoken.len(),
			panel.size
		);
	}
	if let Some((text, _)) = about {
		print!("{text}");
	}
	Ok(())
}

async fn about(
	chain: &Chain,
	best: BlockRef,
	account: AccountId,
) -> Result<(String, serde_json::Value), CommandError> {
	let balance = chain.balance(best.hash, account).await?;
	let operator = chain.operator(best.hash, account).await?;
	let jobs = chain.active_jobs(best.hash, account).await?;
	let mut text = format!("{account}: {} free, {} held\n", dot(balance.free), dot(balance.held));
	let mut json = serde_json::json!({ "account": account, "balance": balance, "active_jobs": jobs });
	if let Some(view) = operator {
		text.push_str(&operator_text(&view, &jobs));
		if let Some(json) = json.as_object_mut() {
			json.insert("operator".to_owned(), operator_json(&view));
		}
	}
	Ok((text, json))
}

fn operator_text(view: &OperatorView, jobs: &[JobId]) -> String {
	let record = &view.record;
	let status = match record.status {
		OperatorStatus::Active => "active".to_owned(),
		OperatorStatus::Unbonding { until } => format!("leaving, stake free at block {until}"),
		OperatorStatus::Absent { since } => {
			format!("absent since block {since}: the next sign of life brings it back")
		},
		OperatorStatus::Excluded { until } => format!("shut out until block {until}"),
	};
	let list = |items: Vec<String>| if items.is_empty() { "none".to_owned() } else { items.join(", ") };
	format!(
		"  {:?}, {status}, since block {}\n  stake {}, {} of jobs open, room for {} more\n  reputation {} of 1000, {} marks\n  checkpoints {}; jobs at hand {}\n  store {}\n",
		record.role,
		record.since,
		dot(record.stake),
		dot(record.exposure),
		dot(view.free_exposure),
		view.reputation.0,
		view.marks,
		list(record.capability.checkpoints.iter().map(ToString::to_string).collect()),
		list(jobs.iter().map(ToString::to_string).collect()),
		locator_text(&record.capability.endpoint),
	)
}

fn takes_sealed_jobs(record: &OperatorRecord) -> bool {
	record.role == Role::Worker && record.capability.seal_key.is_some()
}

fn operator_json(view: &OperatorView) -> serde_json::Value {
	let record = &view.record;
	serde_json::json!({
		"role": record.role,
		"status": record.status,
		"since": record.since,
		"stake": record.stake,
		"exposure": record.exposure,
		"marks": view.marks,
		"reputation": view.reputation,
		"exposure_cap": view.exposure_cap,
		"claimable": view.claimable,
		"min_stake": view.min_stake,
		"checkpoints": record.capability.checkpoints.to_vec(),
		"takes_sealed_jobs": takes_sealed_jobs(record),
		"tokens_per_second": record.capability.tokens_per_second,
		"endpoint": locator_text(&record.capability.endpoint),
	})
}
