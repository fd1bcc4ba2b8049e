//! Appeals against exclusions.

use crate::{mock::*, Appeals, Error, Event};
use frame_support::{assert_noop, assert_ok, pallet_prelude::ConstU32, BoundedVec};
use noesis_primitives::{Appeal, Fault, OperatorStatus, MAX_APPEAL_BYTES};
use polkadot_sdk::*;

fn reason(text: &str) -> BoundedVec<u8, ConstU32<MAX_APPEAL_BYTES>> {
	text.as_bytes().to_vec().try_into().unwrap()
}

fn excluded(who: AccountId, blocks: u32) {
	assert_ok!(Operators::exclude(RuntimeOrigin::root(), who, blocks));
}

fn appeal(who: AccountId) -> frame_support::dispatch::DispatchResult {
	Operators::appeal(signed(who), reason("the network was split"))
}

#[test]
fn appeal_should_be_recorded_when_the_operator_is_shut_out() {
	execute(|| {
		worker(ALICE, &[0]);
		excluded(ALICE, 100);
		at(7);
		assert_ok!(appeal(ALICE));
		let reason = reason("the network was split");
		assert_event(Event::Appealed { who: ALICE, until: 101, reason: reason.clone() });
		assert_eq!(Appeals::<Test>::get(ALICE), Some(Appeal::Filed { at: 7, reason }));
		// It changes nothing by itself, and costs nothing.
		assert_eq!(status(ALICE), OperatorStatus::Excluded { until: 101 });
		assert_noop!(
			Operators::rejoin(signed(ALICE)),
			Error::<Test>::StillExcluded { opens_in: Wait::of(94) }
		);
	});
}

#[test]
fn appeal_should_be_refused_when_there_is_nothing_to_appeal_against() {
	execute(|| {
		assert_noop!(appeal(ALICE), Error::<Test>::NotRegistered);
		worker(ALICE, &[0]);
		assert_noop!(appeal(ALICE), Error::<Test>::NotExcluded);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_noop!(appeal(ALICE), Error::<Test>::NotExcluded);
		excluded(ALICE, 10);
		at(11);
		assert_noop!(appeal(ALICE), Error::<Test>::ExclusionOver);
	});
}

#[test]
fn appeal_should_be_refused_when_the_exclusion_was_appealed_against_before() {
	execute(|| {
		worker(ALICE, &[0]);
		excluded(ALICE, 100);
		assert_ok!(appeal(ALICE));
		assert_noop!(appeal(ALICE), Error::<Test>::AlreadyAppealed);
		assert_ok!(Operators::confirm(signed(JUDGE), ALICE));
		assert_noop!(appeal(ALICE), Error::<Test>::AlreadyAppealed);
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_noop!(appeal(ALICE), Error::<Test>::AlreadyAppealed);
	});
}

#[test]
fn appeal_should_be_possible_anew_when_another_exclusion_is_imposed() {
	execute(|| {
		MinWorkerStake::set(STAKE);
		worker(ALICE, &[0]);
		excluded(ALICE, 100);
		assert_ok!(appeal(ALICE));
		excluded(ALICE, 200);
		assert_ok!(appeal(ALICE));
		slash(ALICE, Fault::WrongAnswer, None);
		assert_ok!(appeal(ALICE));
		assert_ok!(Operators::unbond(signed(ALICE)));
		slash(ALICE, Fault::WrongAnswer, None);
		assert_ok!(appeal(ALICE));
	});
}

#[test]
fn exclusion_should_run_to_its_end_when_the_appeal_is_dismissed() {
	execute(|| {
		worker(ALICE, &[0]);
		assert_noop!(Operators::confirm(signed(JUDGE), ALICE), Error::<Test>::NotExcluded);
		excluded(ALICE, 100);
		assert_noop!(Operators::confirm(signed(JUDGE), ALICE), Error::<Test>::NoAppeal);
		assert_ok!(appeal(ALICE));
		at(20);
		assert_ok!(Operators::confirm(signed(JUDGE), ALICE));
		assert_event(Event::ExclusionConfirmed { who: ALICE, until: 101 });
		assert_eq!(Appeals::<Test>::get(ALICE), Some(Appeal::Dismissed { at: 20 }));
		assert_noop!(Operators::confirm(signed(JUDGE), ALICE), Error::<Test>::NoAppeal);
		at(101);
		assert_ok!(Operators::rejoin(signed(ALICE)));
		assert_eq!(Appeals::<Test>::get(ALICE), None);
	});
}

#[test]
fn operator_should_take_part_again_when_its_appeal_is_upheld() {
	execute(|| {
		worker(ALICE, &[0]);
		excluded(ALICE, 100);
		assert_ok!(appeal(ALICE));
		assert_ok!(Operators::readmit(signed(JUDGE), ALICE));
		assert_eq!((status(ALICE), Appeals::<Test>::get(ALICE)), (OperatorStatus::Active, None));
		// A later exclusion is another one.
		excluded(ALICE, 100);
		assert_ok!(appeal(ALICE));
		assert_ok!(Operators::unbond(signed(ALICE)));
		assert_ok!(Operators::readmit(signed(JUDGE), ALICE));
		assert_eq!(Appeals::<Test>::get(ALICE), None);
		assert_ok!(Operators::rejoin(signed(ALICE)));
	});
}

#[test]
fn nothing_should_stay_when_an_appellant_withdraws() {
	execute(|| {
		worker(ALICE, &[0]);
		excluded(ALICE, 10);
		assert_ok!(appeal(ALICE));
		assert_ok!(Operators::unbond(signed(ALICE)));
		at(101);
		assert_ok!(Operators::withdraw(signed(ALICE)));
		assert_eq!(Appeals::<Test>::iter().count(), 0);
	});
}
