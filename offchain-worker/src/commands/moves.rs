//! `noesis moves`: every extrinsic that disputes over a job took, with what it weighed.

use super::{connect, print_json, CommandError};
use crate::{
	chain::{calls, results, Event, ExtrinsicResult},
	cli::{dot, MovesArgs},
	commands::report::status,
};
use codec::{Compact, Decode};
use noesis_primitives::{Balance, DisputeId, JobId, JobState, Subject};
use serde::Serialize;

/// One extrinsic of a dispute.
#[derive(Debug, Serialize)]
struct MoveReport {
	block: u32,
	call: String,
	who: Option<String>,
	bytes: usize,
	ref_time_ps: u64,
	proof_size: u64,
	fee_planck: Balance,
}

pub(super) async fn run(url: String, args: MovesArgs) -> Result<(), CommandError> {
	let chain = connect(&url).await?;
	let at = chain.finalized();
	let job = chain.job(at.hash, args.job).await?.ok_or(CommandError::UnknownJob(args.job))?;
	let timeline = chain.timeline(at.hash, args.job).await?;
	let answered = timeline.iter().find(|entry| matches!(entry.state, JobState::Answered { .. }));
	let first = answered.ok_or(CommandError::Unanswered(args.job))?.at;
	let last = timeline.iter().filter(|entry| entry.state.is_terminal()).map(|entry| entry.at).next_back();
	let last = last.unwrap_or(at.number).min(at.number);
	let concerns = |over: Subject| concerns(args.job, over);

	let mut disputes: Vec<DisputeId> = Vec::new();
	let (mut moves, mut convictions, mut ended) = (Vec::new(), Vec::new(), None);
	for number in first..=last {
		let block = chain.block_at(number).await?;
		let results = results(&chain, block).await?;
		if !results.iter().any(|result| result.events.iter().any(|event| event.pallet == "Dispute")) {
			continue;
		}
		for (result, (call, bytes)) in results.iter().zip(calls(&chain, block).await?) {
			let mut ours = false;
			for event in result.events.iter().filter(|event| event.pallet == "Dispute") {
				match event.name.as_str() {
					"Challenged" => {
						let Some((id, over)) = event.decode::<(DisputeId, Subject)>() else { continue };
						if concerns(over) {
							disputes.push(id);
							ours = true;
						}
					},
					"Moved" | "Ended" => {
						ours |= event.decode::<DisputeId>().is_some_and(|id| disputes.contains(&id));
						if event.name == "Ended" && ours {
							ended = Some(number);
						}
					},
					"Convicted" => {
						let found = conviction(event, concerns);
						ours |= found.is_some();
						convictions.extend(found);
					},
					_ => {},
				}
			}
			if ours {
				moves.push(report(number, call, bytes, result));
			}
		}
	}
	let challenged = moves.first().map(|first| first.block);
	let verdict_after = challenged.zip(ended).map(|(from, to)| to.saturating_sub(from));
	let heaviest = moves.iter().map(|one| one.ref_time_ps).max();
	let largest = moves.iter().map(|one| one.bytes).max();
	if args.json {
		print_json(&serde_json::json!({
			"job": args.job,
			"status": status(&job.state),
			"moves": moves.len(),
			"blocks": verdict_after,
			"largest_extrinsic_bytes": largest,
			"heaviest_ref_time_ps": heaviest,
			"extrinsics": moves,
			"convicted": convictions,
		}));
		return Ok(());
	}
	println!("block   bytes   ref time   proof    fee              call");
	for one in &moves {
		println!(
			"{:>6} {:>7} {:>7} µs {:>6}  {:>15}  {}",
			one.block,
			one.bytes,
			one.ref_time_ps / 1_000_000,
			one.proof_size,
			dot(one.fee_planck),
			one.call
		);
	}
	for conviction in &convictions {
		println!("slashed {conviction}");
	}
	println!("job {} is {}", args.job, status(&job.state));
	Ok(())
}

/// Whether a dispute is over a job, or over an item of it.
fn concerns(job: JobId, over: Subject) -> bool {
	match over {
		Subject::Job(id) | Subject::Item { batch: id, .. } => id == job,
		Subject::Turn { .. } => false,
	}
}

/// Who lost stake over what `concerns` says: account, ground, taken, paid to who disputed.
fn conviction(event: &Event, concerns: impl Fn(Subject) -> bool) -> Option<serde_json::Value> {
	type Fields = (Subject, crate::AccountId, noesis_primitives::Ground, Balance, Balance);
	let (over, who, ground, taken, rewarded) = event.decode::<Fields>()?;
	concerns(over)
		.then(|| serde_json::json!({ "who": who, "ground": ground, "taken": taken, "rewarded": rewarded }))
}

fn report(block: u32, call: String, bytes: usize, result: &ExtrinsicResult) -> MoveReport {
	let weight =
		result.events.iter().find(|event| event.pallet == "System" && event.name == "ExtrinsicSuccess");
	let (ref_time, proof) = weight
		.and_then(|event| <(Compact<u64>, Compact<u64>)>::decode(&mut event.fields.as_slice()).ok())
		.map(|(ref_time, proof)| (ref_time.0, proof.0))
		.unwrap_or_default();
	MoveReport {
		block,
		call,
		who: result.fee.map(|(who, _)| who.to_string()),
		bytes,
		ref_time_ps: ref_time,
		proof_size: proof,
		fee_planck: result.fee.map(|(_, fee)| fee).unwrap_or_default(),
	}
}
