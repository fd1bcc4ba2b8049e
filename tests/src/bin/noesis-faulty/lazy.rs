//! A validator that computes nothing: it asks the worker for the leaves that it has to show, and approves the answer.

use codec::{DecodeAll, Encode};
use noesis_primitives::{opening_positions, Opening, PanelView, Subject};
use noesis_tests::Outcome;
use noesis_worker::{
	chain::{Call, SubmitError},
	service::Service,
	store::locator_text,
	AccountId,
};
use std::collections::BTreeSet;

/// Approves until the process ends. Prints `{"approved": job, "error": name}` for every attempt.
pub async fn run(service: Service) -> Outcome {
	let me = service.keys.account();
	let mut heads = service.chain.heads();
	let mut tried = BTreeSet::new();
	loop {
		let best = heads.borrow_and_update().best;
		for panel in service.chain.panels_for(best.hash, &me).await? {
			if tried.contains(&panel.subject) {
				continue;
			}
			if approve(&service, &panel).await? {
				tried.insert(panel.subject);
			}
		}
		heads.changed().await?;
	}
}

/// Approves an answer without a look at it; whether it was tried.
async fn approve(service: &Service, panel: &PanelView<AccountId>) -> Outcome<bool> {
	let (Some(seed), Subject::Job(job)) = (panel.seed, panel.subject) else { return Ok(false) };
	let me = service.keys.account();
	let positions = opening_positions(&panel.claim, &me.encode(), &seed, panel.openings);
	let list: Vec<String> = positions.iter().map(ToString::to_string).collect();
	let worker = service.chain.operator(service.chain.best().hash, panel.worker).await?;
	let base = worker.map(|view| locator_text(&view.record.capability.endpoint)).unwrap_or_default();
	let response = reqwest::get(format!("{base}/openings/{job}/{}", list.join(","))).await?;
	if !response.status().is_success() {
		return Ok(false);
	}
	let openings = Vec::<Opening>::decode_all(&mut &response.bytes().await?[..])?;
	let (draw, _) = service.keys.draw(&seed);
	let call = Call::verdict(panel.subject, &panel.claim, &draw, &openings);
	let error = match service.submitter.submit(call).await {
		Ok(_) => "none".to_owned(),
		Err(SubmitError::Failed { error, .. }) => error,
		Err(error) => error.to_string(),
	};
	println!("{}", serde_json::json!({ "approved": job, "error": error }));
	Ok(true)
}
