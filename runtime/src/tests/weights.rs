//! Calls weigh what they may take, also where one pallet calls another.

use crate::*;
use frame_support::{dispatch::GetDispatchInfo, traits::Get, weights::Weight};
use noesis_primitives::{
	Claim, ContentHash, DisputeId, Draw, JobId, Root, Subject, Usage, MAX_AUDITS, MAX_PANEL,
};

type Jobs = pallet_poi::weights::SubstrateWeight<Runtime>;
type Panels = pallet_poc::weights::SubstrateWeight<Runtime>;
type Disputes = pallet_dispute::weights::SubstrateWeight<Runtime>;

fn weight(call: impl Into<RuntimeCall>) -> Weight {
	call.into().get_dispatch_info().call_weight
}

#[test]
fn conviction_should_weigh_the_end_of_a_whole_bundle() {
	let convict = <Disputes as pallet_dispute::WeightInfo>::convict();
	let end = pallet_poi::OverturnWeight::<Runtime>::get();
	let timeout = pallet_dispute::Call::<Runtime>::timeout { dispute: DisputeId(0) };
	assert!(weight(timeout).all_gte(convict.saturating_add(end)));
	let validators = u64::from(MAX_AUDITS * MAX_PANEL);
	assert!(end.proof_size() > 1_000 * validators, "each has a record");
}

#[test]
fn verdict_should_weigh_the_look_at_all_entries_when_it_is_about_one() {
	let verdict = |subject| {
		let usage = Usage { input_tokens: 8, output_tokens: 8 };
		let claim = Claim { root: Root::default(), leaves: 1, output: ContentHash::default(), usage };
		let draw = Draw { pre_output: [0; 32], proof: [0; 64] };
		let openings = Default::default();
		weight(pallet_poc::Call::<Runtime>::verdict { subject, claim, draw, openings })
	};
	let alone = <Panels as pallet_poc::WeightInfo>::verdict(0);
	let of_job = <Jobs as pallet_poi::WeightInfo>::hasten_job();
	let of_entry = <Jobs as pallet_poi::WeightInfo>::hasten_bundle();
	assert_eq!(verdict(Subject::Job(JobId(0))), alone.saturating_add(of_job));
	assert_eq!(verdict(Subject::Item { batch: JobId(0), index: 0 }), alone.saturating_add(of_entry));
	assert!(of_entry.all_gt(of_job) && of_job.proof_size() > 0);
}

#[test]
fn transfers_should_weigh_proof_and_no_less_than_in_a_test() {
	use pallet_xcm::{TestWeightInfo, WeightInfo};
	type Messages = <Runtime as pallet_xcm::Config>::WeightInfo;
	for (weight, in_test) in [
		(Messages::send(), TestWeightInfo::send()),
		(Messages::transfer_assets(), TestWeightInfo::transfer_assets()),
		(Messages::reserve_transfer_assets(), TestWeightInfo::reserve_transfer_assets()),
	] {
		assert!(weight.proof_size() > 0 && weight.ref_time() > in_test.ref_time());
	}
}
