//! A validator that does no work: it waits for the verdict of another and shows its openings as its own.

use codec::Decode;
use noesis_primitives::{Claim, Draw, Opening, Subject};
use noesis_tests::Outcome;
use noesis_worker::{
	chain::{Call, SubmitError},
	service::Service,
};
use std::collections::BTreeSet;
use subxt::{OnlineClient, PolkadotConfig};

/// Copies until the process ends. Prints `{"copied": job, "error": name}` for every attempt.
pub async fn run(service: Service) -> Outcome {
	let client = OnlineClient::<PolkadotConfig>::from_insecure_url(service.chain.url()).await?;
	let mut heads = service.chain.heads();
	let mut seen = service.chain.best().number;
	let mut tried = BTreeSet::new();
	loop {
		let best = heads.borrow_and_update().best;
		for number in seen.saturating_add(1)..=best.number {
			let block = service.chain.block_at(number).await?;
			for (subject, claim, openings) in verdicts(&client, block.hash).await? {
				if !tried.contains(&subject) && copy(&service, subject, &claim, &openings).await? {
					tried.insert(subject);
				}
			}
			seen = number;
		}
		heads.changed().await?;
	}
}

/// The verdicts in a block.
async fn verdicts(
	client: &OnlineClient<PolkadotConfig>,
	block: noesis_worker::chain::BlockHash,
) -> Outcome<Vec<(Subject, Claim, Vec<Opening>)>> {
	let at = client.at_block(block).await?;
	let mut found = Vec::new();
	for extrinsic in at.extrinsics().fetch().await?.iter() {
		let extrinsic = extrinsic?;
		if (extrinsic.pallet_name(), extrinsic.call_name()) == ("Poc", "verdict") {
			type Args = (Subject, Claim, Draw, Vec<Opening>);
			let (subject, claim, _, openings) = Args::decode(&mut extrinsic.call_data_field_bytes())?;
			found.push((subject, claim, openings));
		}
	}
	Ok(found)
}

/// Gives another's verdict under this validator's own draw; whether it was tried.
async fn copy(service: &Service, subject: Subject, claim: &Claim, openings: &[Opening]) -> Outcome<bool> {
	let panel = service.chain.panel(service.chain.best().hash, subject).await?;
	let Some(seed) = panel.and_then(|panel| panel.seed) else { return Ok(false) };
	let (draw, _) = service.keys.draw(&seed);
	let Subject::Job(job) = subject else { return Ok(false) };
	let error = match service.submitter.submit(Call::verdict(subject, claim, &draw, openings)).await {
		Ok(_) => "none".to_owned(),
		Err(SubmitError::Failed { error, .. }) => error,
		Err(error) => error.to_string(),
	};
	println!("{}", serde_json::json!({ "copied": job, "error": error }));
	Ok(true)
}
