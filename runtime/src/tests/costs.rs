//! What each step of a job costs: the table that `scripts/weights.sh --json` prints.

use super::preset;
use crate::{parameters::dynamic_params::poi::*, *};
use codec::Encode;
use frame_support::{dispatch::GetDispatchInfo, traits::Get};
use noesis_primitives::*;
use sp_keyring::Sr25519Keyring::Bob;

/// Bytes of a signed extrinsic beside its call: length, version, address, signature, era, nonce, tip, mode.
const ENVELOPE: usize = 4 + 1 + 33 + 65 + 2 + 4 + 1 + 1;

/// A question of 30 bytes, 72 tokens with its template, answered with 24 tokens of SmolLM2-135M: 95 positions,
/// 30 layers, 9 slices.
fn steps() -> Vec<(&'static str, RuntimeCall)> {
	let job = JobId(0);
	let usage = Usage { input_tokens: 72, output_tokens: 24 };
	let leaves = (usage.positions() as u32) * 30 * 9;
	let depth = u32::BITS - (leaves - 1).leading_zeros();
	let inline = |bytes: usize| Payload::Inline(vec![b'a'; bytes].try_into().unwrap());
	let opening = Opening {
		values: vec![0; SLICE as usize].try_into().unwrap(),
		path: vec![[0; 32]; depth as usize].try_into().unwrap(),
	};
	let spec = JobSpec {
		checkpoint: CheckpointId(0),
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 48)),
		input: inline(30),
		worker: Some(Bob.to_account_id()),
		deadline: 300,
		lane: Lane::Dot,
		tier: Tier::Standard,
	};
	let output = inline(100);
	let claim = Claim { root: Root::default(), leaves, output: output.content_hash(), usage };
	let poi = RuntimeCall::Poi;
	vec![
		("submit", poi(pallet_poi::Call::submit { spec, max_fee: UNIT })),
		("claim", poi(pallet_poi::Call::claim { job })),
		("answer", poi(pallet_poi::Call::answer { job, output, root: Root::default(), leaves, usage })),
		(
			"verdict",
			RuntimeCall::Poc(pallet_poc::Call::verdict {
				subject: Subject::Job(job),
				claim,
				draw: Draw { pre_output: [0; 32], proof: [0; 64] },
				openings: vec![opening; 8].try_into().unwrap(),
			}),
		),
		("settle", poi(pallet_poi::Call::settle { job })),
		("release", poi(pallet_poi::Call::release { job })),
		("cancel", poi(pallet_poi::Call::cancel { job })),
		("expire", poi(pallet_poi::Call::expire { job })),
	]
}

#[test]
fn table_should_hold_every_step_of_a_job_and_leave_operators_a_gain() {
	preset("development").execute_with(|| {
		let mut rows = serde_json::Map::new();
		for (name, call) in steps() {
			let info = call.get_dispatch_info();
			let bytes = call.encode().len() + ENVELOPE;
			let fee = TransactionPayment::compute_fee(bytes as u32, &info, 0);
			let weight = info.total_weight();
			assert!(weight.all_lt(configs::MAXIMUM_BLOCK_WEIGHT / 20), "{name} takes a 20th of a block");
			rows.insert(
				name.into(),
				serde_json::json!({
					"ref_time_ps": weight.ref_time(),
					"proof_size": weight.proof_size(),
					"fee_planck": fee as u64,
					"bytes": bytes,
				}),
			);
		}
		let sum = |key: &str| {
			let of = |name: &str| rows[name][key].as_u64().unwrap();
			of("submit") + of("claim") + of("answer") + 3 * of("verdict")
		};
		let planck = |name: &str| Balance::from(rows[name]["fee_planck"].as_u64().unwrap());
		let base = BaseFee::get();
		let (worker, panel) = (WorkerShare::get() * base, PanelShare::get() * base / 3);
		let work = planck("claim") + planck("answer") + planck("settle");
		assert!(worker > 2 * work, "a worker pays {work} of the {worker} that it gets at least");
		assert!(panel > planck("verdict"), "a verdict costs {} and earns {panel}", planck("verdict"));
		let total = serde_json::json!({ "bytes": sum("bytes"), "fee_planck": sum("fee_planck") });
		rows.insert("job_with_three_verdicts".into(), total);
		println!("costs: {}", serde_json::Value::Object(rows));
	});
}
