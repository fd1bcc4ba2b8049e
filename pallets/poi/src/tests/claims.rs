//! What an account could get moving, and moving many things at once.

use crate::{mock::*, Event};
use noesis_primitives::{
	BundleId, ChannelId, ChannelState, Claimable, Engagement, JobId, JobState, PanelOutcome,
};
use polkadot_sdk::frame_support::assert_ok;

fn engagements(
	list: &[Engagement],
) -> polkadot_sdk::frame_support::BoundedVec<
	Engagement,
	polkadot_sdk::frame_support::traits::ConstU32<{ crate::MAX_CLAIMS }>,
> {
	list.to_vec().try_into().unwrap()
}

#[test]
fn claimable_should_name_what_both_sides_can_get_and_when() {
	run(|| {
		ChallengeWindow::set(&10);
		let open = submit(spec());
		let job = answered();
		let channel = accepted();
		let claimable = |engagement, amount, at| Claimable { engagement, amount, at };
		let bundle = Engagement::Bundle(BundleId::Channel(channel));
		assert_eq!(
			Poi::claimable(&REQUESTER, 9),
			vec![
				claimable(Engagement::Job(job), FEE - COST, 11),
				claimable(Engagement::Job(open), FEE, 52),
				claimable(bundle, ESCROW, 32),
			]
		);
		assert_eq!(Poi::claimable(&WORKER, 9), vec![claimable(Engagement::Job(job), COST * 70 / 100, 11)]);
		assert_ok!(close_with(channel, &turns(channel, 8)));
		assert_eq!(Poi::claimable(&WORKER, 9)[1], claimable(bundle, 240 * 70 / 100, 2));
		assert_eq!(Poi::claimable(&WORKER, 1).len(), 1);
		assert!(Poi::claimable(&OTHER, 9).is_empty());
	});
}

#[test]
fn claim_all_should_move_what_is_due_and_pass_over_the_rest() {
	run(|| {
		let job = answered();
		decide(job, PanelOutcome::Confirmed, &[(21, true)]);
		let pending = answered();
		let overdue = submit(spec());
		let channel = accepted();
		let items = items(3);
		let batch = answered_batch(&items);
		for index in drawn(BundleId::Batch(batch)) {
			assert_ok!(show_item(WORKER, batch, &items, index));
			tell(
				noesis_primitives::Subject::Item { batch, index },
				PanelOutcome::Confirmed,
				vec![(21, true)],
			);
		}
		at_block(60);
		let list = engagements(&[
			Engagement::Job(job),
			Engagement::Job(pending),
			Engagement::Job(overdue),
			Engagement::Job(JobId(99)),
			Engagement::Job(batch),
			Engagement::Bundle(BundleId::Batch(batch)),
			Engagement::Bundle(BundleId::Batch(job)),
			Engagement::Bundle(BundleId::Channel(channel)),
			Engagement::Bundle(BundleId::Channel(ChannelId(9))),
		]);
		assert_ok!(Poi::claim_all(signed(OTHER), list.clone()));
		System::assert_last_event(Event::AllClaimed { moved: 4, skipped: 5 }.into());
		let state = |job| Poi::job_view(job).unwrap().state;
		assert_eq!(state(job), JobState::Final { worker: WORKER });
		assert_eq!(state(batch), JobState::Final { worker: WORKER });
		assert_eq!(state(pending), JobState::Answered { worker: WORKER });
		assert!(state(overdue).is_terminal());
		let channel = Poi::channel_view(channel).unwrap().state;
		assert!(matches!(channel, ChannelState::Refunded { .. }));

		// Nothing is paid twice, and nothing is forgotten before its time.
		at_block(61);
		assert_ok!(Poi::claim_all(signed(OTHER), list));
		System::assert_last_event(Event::AllClaimed { moved: 0, skipped: 9 }.into());
	});
}
