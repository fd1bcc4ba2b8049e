//! Random schedules: whatever anybody does in whatever order, no planck is made or lost, every invariant holds after
//! every step, every job, batch, channel, dispute and canary ends, and nothing stays held but stakes.
//!
//! `NOESIS_SCHEDULES` says how many.

mod about;
mod begin;
mod deed;
mod market;
mod scene;

use deed::{schedule, Schedule};
use market::Market;
use proptest::{
	prelude::*,
	test_runner::{TestError, TestRunner},
};
use scene::Scene;
use std::{
	collections::BTreeMap,
	sync::{
		atomic::{AtomicUsize, Ordering::Relaxed},
		Mutex,
	},
	thread,
};

/// Schedules of a run, unless the environment says otherwise.
const SCHEDULES: u32 = 10_000;

#[derive(Default)]
struct Count {
	steps: AtomicUsize,
	done: AtomicUsize,
	calls: AtomicUsize,
	blocks: AtomicUsize,
	/// How often each call succeeded.
	succeeded: Mutex<BTreeMap<String, usize>>,
}

/// Calls of which one must succeed in five thousand schedules at the least: else what they lead to is not played.
const PLAYED: [&str; 18] = [
	"Poi.answer",
	"Poi.settle",
	"Poi.rate",
	"Poi.submit_batch",
	"Poi.present_item",
	"Poi.close_channel",
	"Poi.contest_close",
	"Poi.present_turn",
	"Poc.verdict",
	"Poc.commit_canary",
	"Poc.reveal_canary",
	"Dispute.challenge",
	"Dispute.reveal",
	"Dispute.demand",
	"Dispute.prove_length",
	"Dispute.prove_output",
	"Dispute.prove_text",
	"Dispute.prove",
];

fn play(scene: &Scene, (texts, begun, steps): &Schedule, count: &Count) {
	scene.saved.session(|court| {
		let from = court.now();
		let mut market = Market::open(scene, *texts);
		begun.iter().for_each(|what| market.begin(court, *what));
		court.block();
		for step in steps {
			market.step(court, *step);
		}
		market.end(court);
		count.steps.fetch_add(steps.len(), Relaxed);
		count.done.fetch_add(market.done, Relaxed);
		count.calls.fetch_add(court.calls.len(), Relaxed);
		count.blocks.fetch_add((court.now() - from) as usize, Relaxed);
		let mut succeeded = count.succeeded.lock().unwrap();
		for call in court.calls.iter().filter(|call| call.result.is_ok()) {
			*succeeded.entry(call.name.clone()).or_default() += 1;
		}
	});
}

fn schedules_to_play() -> u32 {
	let asked = std::env::var("NOESIS_SCHEDULES").ok();
	asked.map_or(SCHEDULES, |count| count.parse().expect("NOESIS_SCHEDULES is a number"))
}

#[test]
fn schedules() {
	let (scene, count, cases) = (Scene::get(), Count::default(), schedules_to_play());
	let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u32).min(cases.max(1));
	let run = |thread: u32| {
		let share = cases / threads + u32::from(thread < cases % threads);
		let config = ProptestConfig {
			cases: share,
			failure_persistence: None,
			max_shrink_iters: 400,
			..Default::default()
		};
		TestRunner::new(config).run(&schedule(), |schedule| {
			play(scene, &schedule, &count);
			Ok(())
		})
	};
	let failed: Vec<TestError<Schedule>> = thread::scope(|scope| {
		let all: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
		all.into_iter().filter_map(|one| one.join().unwrap().err()).collect()
	});
	let [steps, done, calls, blocks] =
		[&count.steps, &count.done, &count.calls, &count.blocks].map(|number| number.load(Relaxed));
	println!(
		"schedules: {cases}, of {steps} steps, of which {done} did something; {calls} calls, {blocks} blocks"
	);
	if let Some(error) = failed.first() {
		panic!("{error}\n{error:?}");
	}
	let succeeded = count.succeeded.lock().unwrap();
	println!("calls that succeeded: {succeeded:?}");
	assert!(done * 10 > steps, "hardly anything happens");
	if cases >= 5000 {
		let never: Vec<_> = PLAYED.into_iter().filter(|call| !succeeded.contains_key(*call)).collect();
		assert!(never.is_empty(), "{never:?} never succeeded");
	}
}
