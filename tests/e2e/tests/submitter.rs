//! One submitter owns a key's nonce: many calls at once, calls that fail, and another process with the same key.

use noesis_primitives::{Balance, Capability, Role};
use noesis_tests::{Ledger, Outcome, Stage, StageOptions, PATIENCE};
use noesis_worker::{
	chain::{Call, ChainError, SubmitError, Submitter},
	keys::Keys,
};

const COIN: Balance = 10_000_000_000;

/// What any worker might offer.
fn capability() -> Capability {
	Capability {
		checkpoints: Default::default(),
		memory_mib: 1,
		tokens_per_second: 1,
		region: Default::default(),
		endpoint: b"http://localhost".to_vec().try_into().unwrap_or_default(),
		draw_key: Default::default(),
		owner: None,
		seal_key: None,
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_should_count_once_when_many_are_under_way() -> Outcome {
	let stage = Stage::set(StageOptions { validators: 0, worker: false, ..StageOptions::default() }).await?;
	let chain = stage.chain(PATIENCE).await?;
	let (ferdie, dave) = (Keys::from_suri("//Ferdie")?, Keys::from_suri("//Dave")?.account());
	let ledger = Ledger::of(&chain, &[ferdie.account(), dave]).await?;

	let submitter = Submitter::start(chain.clone(), ferdie.clone());
	let rival = Submitter::start(chain.clone(), ferdie.clone());
	let calls = (0..12u128).map(|n| {
		let submitter = if n % 6 == 5 { rival.clone() } else { submitter.clone() };
		tokio::spawn(async move { submitter.submit(Call::transfer(dave, COIN)).await })
	});
	let mut included = 0i128;
	for call in calls.collect::<Vec<_>>() {
		match call.await? {
			Ok(_) => included = included.saturating_add(1),
			// Two processes with one key may take the same nonce: one of them is told so.
			Err(SubmitError::Refused { .. } | SubmitError::Expired { .. }) => {},
			Err(error) => return Err(error.into()),
		}
	}
	assert!(included >= 10, "only {included} of 12");

	let too_much = submitter.submit(Call::transfer(dave, Balance::MAX)).await;
	let Err(SubmitError::Failed { error, .. }) = too_much else { panic!("{too_much:?}") };
	assert!(error.contains("FundsUnavailable") || error.contains("Underflow"), "{error}");
	let nobody = submitter.submit(Call::settle(noesis_primitives::JobId(99))).await;
	let Err(SubmitError::Failed { error, explanation, .. }) = nobody else { panic!("{nobody:?}") };
	assert_eq!(error, "Poi::NoJob");
	assert!(!explanation.is_empty());
	// What is missing is said.
	let poor = submitter.submit(Call::register_operator(Role::Worker, COIN, &capability())).await;
	let Err(SubmitError::Failed { error, explanation, .. }) = poor else { panic!("{poor:?}") };
	assert_eq!(error, "Operators::StakeTooLow");
	assert!(explanation.ends_with("(missing: 99 DOT)"), "{explanation}");
	// What the chain could not read never leaves this process.
	let unknown = submitter.submit(Call::new("Poi", "vanish", ())).await;
	assert!(matches!(unknown, Err(SubmitError::Chain(ChainError::Unknown(_)))), "{unknown:?}");
	for malformed in [Call::new("Poi", "claim", 7u8), Call::new("Poi", "claim", [7u64; 2])] {
		let refused = submitter.submit(malformed).await;
		assert!(matches!(refused, Err(SubmitError::Chain(ChainError::Shape { .. }))), "{refused:?}");
	}
	assert!(submitter.submit(Call::transfer(dave, COIN)).await.is_ok());

	let last = chain.best().number;
	let mut heads = chain.heads();
	while heads.borrow_and_update().finalized.number < last {
		heads.changed().await?;
	}
	let moved = included.saturating_add(1).saturating_mul(i128::try_from(COIN)?);
	let rest = ledger.unexplained(&chain).await?;
	assert_eq!(rest.get(&dave), Some(&moved));
	assert_eq!(rest.get(&ferdie.account()), Some(&moved.saturating_neg()));
	Ok(())
}
