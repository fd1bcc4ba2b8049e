//! Lies in batches: one wrong item loses the whole batch, whoever shows it.

use noesis_engine::dispute::Fault;
use noesis_primitives::*;
use noesis_runtime::{Poi, Runtime, RuntimeEvent};
use noesis_tests::court::*;

const KIND: JobKind = JobKind::Generate(GenerateParams {
	format: InputFormat::Tokens,
	max_tokens: 3,
	temperature: 0,
	top_p: u16::MAX,
	seed: 0,
});

fn asked(item: u32) -> Vec<u8> {
	[40, 7, 99 + item].iter().flat_map(|id: &u32| id.to_le_bytes()).collect()
}

fn work(court: &Court, item: u32, fault: Option<Fault>) -> Work {
	Work::of(court.model, KIND, &asked(item), fault)
}

/// Honest answers to six inputs.
fn honest(court: &Court) -> Batch {
	let works: Vec<Work> = (0..6).map(|item| work(court, item, None)).collect();
	Batch::of(KIND, &works.iter().collect::<Vec<_>>())
}

fn drawn(court: &Court, job: JobId) -> Vec<u32> {
	let audits = Poi::bundle_view(BundleId::Batch(job)).and_then(|bundle| bundle.audits);
	audits.unwrap_or_else(|| panic!("nothing is drawn in block {}", court.now()))
}

fn shows(court: &Court) -> usize {
	let shown = |event: &&RuntimeEvent| {
		matches!(event, RuntimeEvent::Poi(pallet_poi::Event::<Runtime>::Shown { .. }))
	};
	court.events.iter().filter(shown).count()
}

/// The drawn items are shown by nobody, as one of them is a lie: nobody is paid, and no proof of the lie is there.
#[test]
fn withheld_batch_item() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let attack = court.attack("withheld_batch_item", &[&worker]);
		let batch = honest(court);
		let job = court.batch(&requester, &worker, &batch);
		assert!(!drawn(court, job).is_empty());
		let state = court.end_of(job);
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Withheld });
		assert_eq!(court.held(&requester.account), 0);
		assert_eq!(shows(court), 0);
		attack.gained_nothing(court);
	});
}

/// Shows `index` of an answer that can't be true, as an outsider; the worker loses a fifth of its stake at once.
fn condemned(name: &'static str, index: u32, change: impl FnOnce(&mut Batch)) {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let attack = court.attack(name, &[&worker]);
		let mut batch = honest(court);
		change(&mut batch);
		let job = court.batch(&requester, &worker, &batch);
		court.ok(&outsider, batch.present(job, index));
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.worth(&outsider.account), 200 * UNIT);
		assert_eq!(court.held(&requester.account), 0);
	});
}

/// One input is answered twice, another not at all.
#[test]
fn item_answered_twice() {
	condemned("item_answered_twice", 3, |batch| batch.items[3].input = batch.items[2].input);
}

/// The totals do not follow from the items: here they fall short; more than all items can take is refused at once.
#[test]
fn wrong_batch_total() {
	condemned("wrong_batch_total", 4, |batch| {
		batch.items[4..].iter_mut().for_each(|item| item.total.output_tokens -= 3);
	});
	session(|court| {
		let (worker, _) = court.staff(3);
		let requester = court.person("requester", 100);
		let mut batch = honest(court);
		batch.items[5].total.output_tokens += 1;
		let (job, spec) = (JobId(0), batch.spec(court, &worker));
		court.ok(&requester, pallet_poi::Call::submit_batch { spec, max_fee: UNIT });
		court.ok(&worker, pallet_poi::Call::claim { job });
		assert_eq!(court.refused(&worker, batch.answer(job)), "BadUsage");
	});
}

/// The items are right, and the answer says that they took something else.
#[test]
fn wrong_batch_usage() {
	condemned("wrong_batch_usage", 5, |batch| {
		let total = batch.items[5].total;
		batch.usage = Some(Usage { output_tokens: total.output_tokens - 1, ..total });
	});
}

/// An item of another batch, with its own root and path.
#[test]
fn foreign_batch_item() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let attack = court.attack("foreign_batch_item", &[&outsider]);
		let first = honest(court);
		let mut other = first.clone();
		other.items[2].claim.root = Root([9; 32]);
		let job = court.batch(&requester, &worker, &first);
		// Who would have an honest worker condemned shows what the worker never answered.
		assert_eq!(court.refused(&outsider, other.present(job, 2)), "BadPath");
		let single = court.submit(&requester, &Ask::tokens(&[40, 7], 3), Some(&worker));
		assert_eq!(court.refused(&outsider, first.present(single, 2)), "NoBundle");
		attack.gained_nothing(court);
	});
}

/// A lie in one item that nobody drew: whoever computes it shows it for a deposit, and the runtime finds the step.
#[test]
fn lying_batch_item() {
	session(|court| {
		let (worker, _) = court.staff(3);
		let (requester, outsider) = (court.person("requester", 100), court.person("outsider", 100));
		let fault = Fault { position: 2, layer: 1, index: 9, change: 512 };
		let attack = court.attack("lying_batch_item", &[&worker]);
		let works: Vec<Work> = (0..6).map(|item| work(court, item, (item == 4).then_some(fault))).collect();
		let batch = Batch::of(KIND, &works.iter().collect::<Vec<_>>());
		let job = court.batch(&requester, &worker, &batch);
		let is_drawn = drawn(court, job).contains(&4);
		court.ok(&outsider, batch.present(job, 4));
		assert_eq!(court.held(&outsider.account) > 0, !is_drawn);
		court.block();
		let subject = Subject::Item { batch: job, index: 4 };
		let truth = work(court, 4, None);
		let played = court.dispute(subject, &Accused::Worker, (&worker, &works[4]), (&outsider, &truth));
		assert_eq!(played.verdict, Verdict::Falls(Ground::Step));
		assert_eq!(court.job(job).state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(attack.lost(court), 200 * UNIT);
		assert_eq!(court.held(&requester.account), 0);
	});
}
