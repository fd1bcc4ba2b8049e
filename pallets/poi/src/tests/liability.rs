//! Who vouched for wrong entries of a bundle that ended.

use crate::{mock::*, Bundles, Entries, Vouched};
use noesis_primitives::{
	BundleId, ChannelId, ChannelState, Disputable, JobState, PanelOutcome, RefundReason, Subject, Vouchers,
};
use polkadot_sdk::frame_support::assert_ok;

/// Found the worker's claim, but for one.
const SPOKE: [(AccountId, bool); 3] = [(21, true), (22, false), (23, true)];

/// A channel closed after eight turns, of which the two that are drawn are shown and confirmed.
fn confirmed() -> (ChannelId, [u32; 2]) {
	for _ in 0..20 {
		let id = accepted();
		let turns = turns(id, 8);
		close_with(id, &turns).unwrap();
		let audits = drawn(BundleId::Channel(id));
		for index in &audits {
			show_turn(WORKER, id, &turns, *index).unwrap();
		}
		decide_all(PanelOutcome::Confirmed, &SPOKE);
		if let Ok(audits) = audits.try_into() {
			return (id, audits);
		}
	}
	panic!("two turns are drawn more often than not");
}

fn turn_of(id: ChannelId, index: u32) -> Subject {
	Subject::Turn { channel: id, index }
}

#[test]
fn an_entry_should_be_disputable_when_its_bundle_was_overturned() {
	run(|| {
		let (id, [wrong, other]) = confirmed();
		assert_ok!(Poi::suspend(turn_of(id, wrong)));
		assert_eq!(Poi::overturn(turn_of(id, wrong)).into_inner(), SPOKE);
		let state = Poi::channel_view(id).unwrap().state;
		assert_eq!(state, ChannelState::Refunded { reason: RefundReason::Overturned });
		// Those of the entry that fell are known to whoever overturned it; those of the other are kept.
		for index in [wrong, other] {
			let disputed = Poi::disputed(turn_of(id, index)).unwrap();
			assert_eq!((disputed.worker, disputed.claim), (WORKER, small_claim()));
		}
		assert_eq!(Poi::vouchers(turn_of(id, wrong)), None);
		let validators = vec![21, 23].try_into().unwrap();
		let vouched = Vouchers { ended: System::block_number(), validators };
		assert_eq!(Poi::vouchers(turn_of(id, other)), Some(vouched));
		check();
		// It does not come back to life.
		assert!(Poi::suspend(turn_of(id, other)).is_err());
		run_to(90);
		assert_eq!((Vouched::<Test>::iter().count(), Bundles::<Test>::iter().count()), (0, 0));
		assert!(Poi::disputed(turn_of(id, other)).is_none());
	});
}

#[test]
fn who_vouched_should_be_named_when_a_dispute_outlives_its_bundle() {
	run(|| {
		let (id, [wrong, other]) = confirmed();
		assert_ok!(Poi::suspend(turn_of(id, wrong)));
		assert_ok!(Poi::suspend(turn_of(id, other)));
		Poi::overturn(turn_of(id, wrong));
		assert_eq!(Poi::overturn(turn_of(id, other)).into_inner(), [(21, true), (23, true)]);
		assert_eq!(Poi::vouchers(turn_of(id, other)), None);
		assert!(Poi::overturn(turn_of(id, other)).is_empty());
		assert!(Poi::overturn(turn_of(id, wrong)).is_empty());
		check();
	});
}

#[test]
fn who_vouched_for_an_item_should_be_kept_when_another_is_malformed() {
	run(|| {
		let mut forged = items(12);
		let audits = loop {
			let job = answered_batch(&forged);
			let audits = drawn(BundleId::Batch(job));
			assert_ok!(show_item(WORKER, job, &forged, audits[0]));
			decide_all(PanelOutcome::Confirmed, &SPOKE);
			if audits[0] > 1 {
				break (job, audits[0]);
			}
			// Drawn otherwise next time.
			forged[0].output_bytes += 1;
			at_block(System::block_number() + 1);
		};
		let (job, index) = audits;
		let subject = Subject::Item { batch: job, index };
		// Nobody can show a wrong item of an honest batch, so the chain is told.
		assert_ok!(Poi::overturn_bundle(BundleId::Batch(job)));
		let state = Poi::job_view(job).unwrap().state;
		assert_eq!(state, JobState::Refunded { reason: RefundReason::Overturned });
		assert_eq!(Poi::vouchers(subject).unwrap().validators.into_inner(), [21, 23]);
		assert!(Poi::disputed(subject).is_some());
	});
}

#[test]
fn nobody_should_be_kept_when_nobody_vouched_or_the_entry_was_a_canary() {
	for (outcome, spoke) in [(PanelOutcome::Rejected, [(21, false)]), (PanelOutcome::Canary, [(21, true)])] {
		run(|| {
			let (id, [wrong, other]) = confirmed();
			tell(turn_of(id, other), outcome, spoke.to_vec());
			assert_ok!(Poi::suspend(turn_of(id, wrong)));
			Poi::overturn(turn_of(id, wrong));
			assert_eq!(Poi::vouchers(turn_of(id, other)), None);
		});
	}
}

#[test]
fn an_entry_should_not_be_disputable_when_its_bundle_ended_well() {
	run(|| {
		let (id, [first, second]) = confirmed();
		assert_ok!(Poi::settle_channel(signed(OTHER), id));
		assert_eq!(Poi::channel_view(id).unwrap().state, ChannelState::Paid);
		for index in [first, second] {
			assert!(Poi::disputed(turn_of(id, index)).is_none());
			assert_eq!(Poi::vouchers(turn_of(id, index)), None);
		}
		assert!(Entries::<Test>::contains_key(BundleId::Channel(id), first));
	});
}
