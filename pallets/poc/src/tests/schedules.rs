//! Any order of verdicts over any time.

use crate::{mock::*, Panels as Stored};
use noesis_primitives::{PanelOutcome, Panels};
use proptest::prelude::*;

proptest! {
	#![proptest_config(ProptestConfig::with_cases(48))]

	#[test]
	fn panel_should_end_once_and_for_what_its_verdicts_say(
		size in 0u32..8, quorum in 0u32..8, steps in prop::collection::vec((0u64..8, 1i32..4, 0u32..4), 1..14),
	) {
		ExtBuilder::default().validators(8).build().execute_with(|| {
			PanelSize::set(&size);
			Quorum::set(&quorum);
			open_panel();
			let mut ended = None;
			for (validator, content, wait) in steps {
				let spoke = speak(FIRST + validator, &Trace::new(content, 9));
				let panel = Stored::<Test>::get(JOB).unwrap();
				let outcome = Poc::outcome(JOB);
				prop_assert!(ended.is_none() || (spoke.is_err() && ended == Some(outcome)));
				prop_assert_eq!(Decided::get().contains(&JOB), panel.is_full());
				let due = Poc::due(JOB).unwrap();
				if outcome == PanelOutcome::Pending {
					prop_assert!(due > System::block_number());
				} else {
					ended = Some(outcome);
				}
				Poc::do_try_state().unwrap();
				at_block(System::block_number() + wait);
			}

			at_block(ANSWERED + 100);
			let panel = Stored::<Test>::get(JOB).unwrap();
			let close = Poc::close(JOB).unwrap();
			let agree = close.verdicts.iter().filter(|(_, agrees)| *agrees).count();
			let disagree = close.verdicts.len() - agree;
			match close.outcome {
				PanelOutcome::Confirmed => prop_assert!(agree > disagree),
				PanelOutcome::Rejected => prop_assert!(disagree as u32 >= panel.terms.quorum && disagree > agree),
				PanelOutcome::Lapsed => prop_assert!((agree as u32) < panel.terms.quorum),
				PanelOutcome::Pending => prop_assert!(false, "closed while pending"),
			}
			prop_assert!(ended.is_none() || ended == Some(close.outcome));
			Ok(())
		})?;
	}
}
