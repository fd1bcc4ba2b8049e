//! What a batch may cost, as the runtime API says it.

use super::{job::setup, preset};
use crate::{apis::runtime_decl_for_noesis_api::NoesisApiV1, parameters::dynamic_params::poi::*, *};
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::InspectHold, Get},
};
use noesis_primitives::*;
use noesis_support::Lack;
use sp_keyring::Sr25519Keyring::Ferdie;

fn spec(checkpoint: CheckpointId, texts: &[&[u8]], tokens: u32) -> BatchSpec<AccountId> {
	let input = |(text, index): (&&[u8], u32)| ItemInput {
		index,
		hash: ContentHash::of(text),
		len: text.len() as u32,
	};
	let leaves: Vec<_> = texts.iter().zip(0..).map(|pair| input(pair).leaf()).collect();
	let list: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
	BatchSpec {
		checkpoint,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Text, tokens)),
		list: Payload::Inline(codec::Encode::encode(&list).try_into().unwrap()),
		inputs: BatchInputs {
			root: Root(merkle::root(&leaves)),
			count: texts.len() as u32,
			bytes: texts.iter().map(|text| text.len() as u32).sum(),
			longest: texts.iter().map(|text| text.len() as u32).max().unwrap_or_default(),
		},
		worker: None,
		deadline: 20,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Sampled,
	}
}

fn quote(spec: &BatchSpec<AccountId>) -> Result<Quote, QuoteError> {
	<Runtime as NoesisApiV1<Block>>::quote_batch(spec.clone())
}

#[test]
fn quote_of_a_batch_should_be_what_is_held_when_it_is_submitted() {
	preset("development").execute_with(|| {
		let checkpoint = setup();
		let spec = spec(checkpoint, &[b"one", b"three", b"eleven"], 16);
		let quote = quote(&spec).unwrap();
		// Three tokens a byte, one more of each item, and 16 produced of each.
		let tokens: u64 = 3 * 14 + 3 + 16 * 3;
		assert_eq!(quote.units, tokens * 135);
		let price: Balance = UnitPrice::get();
		let base: Balance = BaseFee::get();
		// For each of the two panels that a batch may have.
		assert_eq!(quote.fee, 2 * base + price * u128::from(quote.units));
		let submit =
			|max_fee| Poi::submit_batch(RuntimeOrigin::signed(Ferdie.to_account_id()), spec.clone(), max_fee);
		assert_noop!(
			submit(quote.fee - 1),
			pallet_poi::Error::<Runtime>::FeeTooHigh { short_by: Lack::of(1, 0) }
		);
		assert_ok!(submit(quote.fee));
		let reason = pallet_poi::HoldReason::JobEscrow.into();
		assert_eq!(Balances::balance_on_hold(&reason, &Ferdie.to_account_id()), quote.fee);
		assert_ok!(Poi::do_try_state());
	});
}

#[test]
fn batch_should_get_no_quote_when_it_would_be_refused() {
	preset("development").execute_with(|| {
		let checkpoint = setup();
		let good = spec(checkpoint, &[b"one", b"two"], 16);
		let with = |change: fn(&mut BatchSpec<AccountId>)| {
			let mut spec = good.clone();
			change(&mut spec);
			quote(&spec)
		};
		assert_eq!(with(|spec| spec.checkpoint = CheckpointId(9)), Err(QuoteError::UnknownCheckpoint));
		assert_eq!(with(|spec| spec.inputs.count = 0), Err(QuoteError::BadParameters));
		assert_eq!(with(|spec| spec.inputs.bytes = 2), Err(QuoteError::BadParameters));
		assert_eq!(with(|spec| spec.deadline = 0), Err(QuoteError::BadParameters));
		let long =
			with(|spec| spec.kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 3000)));
		assert!(matches!(long, Err(QuoteError::TooLong { context: 2048, .. })), "{long:?}");
		// One item after the other goes through the model: it is the longest that must fit.
		let many: Vec<&[u8]> = vec![b"What is a mountain?"; 100];
		assert_ok!(quote(&spec(checkpoint, &many, 16)));
	});
}
