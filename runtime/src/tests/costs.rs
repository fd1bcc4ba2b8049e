//! What each step of a job costs: the table that `scripts/weights.sh --json` prints.

use super::preset;
use crate::{parameters::dynamic_params::poi::*, *};
use codec::Encode;
use frame_support::{
	dispatch::{DispatchInfo, GetDispatchInfo},
	traits::Get,
};
use noesis_primitives::*;
use pallet_dispute::WeightInfo;
use sp_keyring::Sr25519Keyring::Bob;

/// Bytes of a signed extrinsic beside its call: length, version, address, signature, era, nonce, tip, mode.
const ENVELOPE: usize = 4 + 1 + 33 + 65 + 2 + 4 + 1 + 1;

/// A question of 30 bytes, 72 tokens with its template, answered with 24 tokens of SmolLM2-135M: 95 positions,
/// 30 layers of 9 slices each.
fn steps() -> Vec<(&'static str, RuntimeCall)> {
	let job = JobId(0);
	let usage = Usage { input_tokens: 72, output_tokens: 24 };
	let shape = TraceShape { positions: usage.positions() as u32, layers: 30, width: 576 };
	let leaves = shape.leaves().unwrap();
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
		verification: Verification::Sampled,
		sealed: None,
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

/// Fee and bytes of a call, of which the weight of so many bundles' ends comes back.
fn cost(call: &RuntimeCall, back: u32) -> (Balance, u64) {
	let bytes = call.encode().len() + ENVELOPE;
	let mut info = call.get_dispatch_info();
	let end = pallet_poi::OverturnWeight::<Runtime>::get();
	info.call_weight = info.call_weight.saturating_sub(end.saturating_mul(back.into()));
	(TransactionPayment::compute_fee(bytes as u32, &info, 0), bytes as u64)
}

fn path(entries: u32) -> frame_support::BoundedVec<merkle::Node, frame_support::traits::ConstU32<MAX_PATH>> {
	vec![[0; 32]; entries.ilog2() as usize].try_into().unwrap()
}

fn claim() -> Claim {
	let usage = Usage { input_tokens: 72, output_tokens: 24 };
	Claim { root: Root::default(), leaves: 25_746, output: ContentHash::default(), usage }
}

fn submit_batch(entries: u32) -> RuntimeCall {
	let bytes = 32 * entries;
	let spec = BatchSpec {
		checkpoint: CheckpointId(0),
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 48)),
		list: Payload::Stored {
			hash: ContentHash::default(),
			len: bytes,
			locator: vec![b'a'; 30].try_into().unwrap(),
		},
		inputs: BatchInputs { root: Root::default(), count: entries, bytes, longest: 32 },
		worker: Some(Bob.to_account_id()),
		deadline: 300,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Sampled,
	};
	RuntimeCall::Poi(pallet_poi::Call::submit_batch { spec, max_fee: UNIT })
}

fn present_item(entries: u32) -> RuntimeCall {
	let input = ItemInput { index: 1, hash: ContentHash::default(), len: 32 };
	let item = Item { input, output_bytes: 100, claim: claim(), total: Usage::default() };
	RuntimeCall::Poi(pallet_poi::Call::present_item {
		batch: JobId(0),
		index: 1,
		item: (item, path(entries)),
		before: Some((item, path(entries))),
		asked: (input, path(entries)),
	})
}

/// Everything of a channel: offer, acceptance, close, and the drawn turns.
fn channel(turns: u32, audits: u32) -> [RuntimeCall; 4] {
	let id = ChannelId(0);
	let spec = ChannelSpec {
		worker: Bob.to_account_id(),
		checkpoint: CheckpointId(0),
		escrow: UNIT,
		cap: UNIT,
		lifetime: 1000,
		tier: Tier::Standard,
		verification: Verification::Sampled,
	};
	let tally = Tally { channel: id, turns, root: Root::default(), spent: 0 };
	let turn = Turn {
		channel: id,
		index: 1,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 48)),
		input: ContentHash::default(),
		input_bytes: 30,
		output_bytes: 100,
		claim: claim(),
		spent: 0,
	};
	let signature = Some(Signature::Sr25519(Default::default()));
	let show =
		RuntimeCall::Poi(pallet_poi::Call::present_turn { channel: id, index: 1, turn, path: path(turns) });
	let shows = RuntimeCall::Utility(pallet_utility::Call::batch { calls: vec![show; audits as usize] });
	[
		RuntimeCall::Poi(pallet_poi::Call::open_channel { spec }),
		RuntimeCall::Poi(pallet_poi::Call::accept_channel { channel: id }),
		RuntimeCall::Poi(pallet_poi::Call::close_channel { tally, signature }),
		shows,
	]
}

#[test]
fn table_should_hold_every_step_of_a_job_and_leave_operators_a_gain() {
	preset("development").execute_with(|| {
		let mut rows = serde_json::Map::new();
		for (name, call) in steps() {
			let mut info = call.get_dispatch_info();
			if name == "settle" {
				// What a batch would take more comes back.
				info.call_weight =
					<pallet_poi::weights::SubstrateWeight<Runtime> as pallet_poi::WeightInfo>::settle();
			}
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
		let (verdict, verdict_bytes) = (planck("verdict"), rows["verdict"]["bytes"].as_u64().unwrap());
		let (claim, answer) = (planck("claim"), planck("answer"));
		let few = rows["claim"]["bytes"].as_u64().unwrap() + rows["answer"]["bytes"].as_u64().unwrap();
		rows.insert("job_with_three_verdicts".into(), total);

		// Two entries of a bundle are drawn, each for a panel of three.
		let audits = AuditedEntries::get();
		let panels = (verdict * 3 * Balance::from(audits), verdict_bytes * 3 * u64::from(audits));
		let mut per_inference = Balance::MAX;
		for entries in [8u32, 64, 512] {
			let [submit, show] = [cost(&submit_batch(entries), 0), cost(&present_item(entries), 1)];
			let shows = (show.0 * Balance::from(audits), show.1 * u64::from(audits));
			let fee = (submit.0 + claim + answer + shows.0 + panels.0) / Balance::from(entries);
			let bytes = (submit.1 + few + shows.1 + panels.1) / u64::from(entries);
			let row = serde_json::json!({ "fee_planck": fee as u64, "bytes": bytes });
			rows.insert(format!("inference_in_batch_of_{entries}"), row);
			per_inference = fee;

			let [open, accept, close, shows] = channel(entries, audits);
			let parts = [cost(&open, 0), cost(&accept, 0), cost(&close, 0), cost(&shows, audits)];
			let fee = (parts.iter().map(|part| part.0).sum::<Balance>() + panels.0) / Balance::from(entries);
			let bytes = (parts.iter().map(|part| part.1).sum::<u64>() + panels.1) / u64::from(entries);
			let row = serde_json::json!({ "fee_planck": fee as u64, "bytes": bytes });
			rows.insert(format!("inference_in_channel_of_{entries}"), row);
		}

		// Queries, keys and values of one head over 64 positions, as an extrinsic's argument.
		let weight = <Runtime as pallet_dispute::Config>::WeightInfo::attention_on_chain();
		let info = DispatchInfo { call_weight: weight, ..DispatchInfo::default() };
		let bytes = 3 * 64 * 64 * 2 + ENVELOPE;
		let on_chain = TransactionPayment::compute_fee(bytes as u32, &info, 0);
		let row = serde_json::json!({
			"ref_time_ps": weight.ref_time(), "bytes": bytes, "fee_planck": on_chain as u64,
		});
		rows.insert("attention_of_one_head_over_64_positions_on_chain".into(), row);
		let ratio = on_chain as f64 / per_inference as f64;
		rows.insert("ratio".into(), serde_json::json!((ratio * 100.0).round() / 100.0));
		println!("costs: {}", serde_json::Value::Object(rows));
	});
}
