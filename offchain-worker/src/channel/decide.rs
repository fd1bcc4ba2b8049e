//! What a worker does next about a channel on chain: a pure function of where things stand.

use super::{Book, Ending, Signature};
use crate::{bundle::awaited, AccountId};
use noesis_primitives::{merkle::Node, BlockNumber, BundleView, ChannelState, ChannelView, Tally, Turn};

/// Blocks that the chain has to move a channel on by itself before the worker does.
const PATIENCE: BlockNumber = 4;

/// Where a channel stands, for its worker.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
	/// On chain.
	pub view: &'a ChannelView<AccountId>,
	/// What its close committed to, if it is closed.
	pub bundle: Option<&'a BundleView>,
	/// Here.
	pub book: &'a Book,
	/// Whether the worker could serve it: it has the model, and stake for the escrow.
	pub servable: bool,
	/// The newest block.
	pub now: BlockNumber,
}

/// A worker's step on chain.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
	/// Takes the offer.
	Accept,
	/// Closes by the latest tally that the requester signed.
	Close(Tally, Option<Signature>),
	/// Answers the requester's close with a later tally.
	Contest(Tally, Signature),
	/// Shows a turn that was drawn.
	Show(Turn, Vec<Node>),
	/// Has the chain do what it should have done by itself.
	Settle,
}

/// First block at which the worker closes an open channel whatever happens: an eighth of its life before the end, but
/// neither less than 4 blocks nor more than 100.
pub fn closing_from(view: &ChannelView<AccountId>) -> BlockNumber {
	view.expires.saturating_sub((view.spec.lifetime / 8).clamp(4, 100))
}

/// The next step, if it is the worker's turn.
pub fn decide(standing: Standing<'_>) -> Option<Step> {
	let Standing { view, bundle, book, servable, now } = standing;
	match view.state {
		ChannelState::Offered => (servable && now < closing_from(view)).then_some(Step::Accept),
		ChannelState::Open => closes(view, book, now).then(|| {
			let (tally, signature) = book.closing();
			Step::Close(tally, signature)
		}),
		ChannelState::Closing { until } => {
			let shown = view.tally.map_or(0, |tally| tally.turns);
			match book.by_requester {
				Some(signed) if now < until && signed.tally.turns > shown => {
					Some(Step::Contest(signed.tally, signed.signature))
				},
				_ => (now > until.saturating_add(PATIENCE)).then_some(Step::Settle),
			}
		},
		ChannelState::Closed => {
			let next = bundle.zip(view.tally).and_then(|(bundle, tally)| {
				awaited(bundle, now).filter_map(|index| book.show(&tally, index)).next()
			});
			match next {
				Some((turn, path)) => Some(Step::Show(turn, path)),
				None => (now > view.due.saturating_add(PATIENCE)).then_some(Step::Settle),
			}
		},
		ChannelState::Disputed | ChannelState::Paid | ChannelState::Refunded { .. } => None,
	}
}

/// Whether it is time to close an open channel. While a turn is not signed there is something to wait for.
fn closes(view: &ChannelView<AccountId>, book: &Book, now: BlockNumber) -> bool {
	let from = closing_from(view);
	let unsigned = book.signed() < book.next();
	match book.ending {
		Some(Ending::Asked) => true,
		Some(Ending::SpentUp) if !unsigned => true,
		_ if unsigned => now >= from.midpoint(view.expires),
		_ => now >= from,
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::{book::tests::book, counter::tests::Fair},
		*,
	};
	use noesis_primitives::{merkle, Root};

	fn view(state: ChannelState) -> ChannelView<AccountId> {
		ChannelView { state, ..Fair::new(1000).view.lock().unwrap().clone() }
	}

	fn next(view: &ChannelView<AccountId>, book: &Book, now: BlockNumber) -> Option<Step> {
		decide(Standing { view, bundle: None, book, servable: true, now })
	}

	#[test]
	fn offer_should_be_accepted_when_it_can_be_served_and_lives_long_enough() {
		let (view, book) = (view(ChannelState::Offered), book(0));
		assert_eq!(next(&view, &book, 5), Some(Step::Accept));
		assert_eq!(next(&view, &book, 95), None);
		assert_eq!(
			decide(Standing { view: &view, bundle: None, book: &book, servable: false, now: 5 }),
			None
		);
	}

	#[test]
	fn open_channel_should_be_closed_by_the_latest_signed_tally() {
		let view = view(ChannelState::Open);
		// It lives 100 blocks, until block 100: the worker closes from block 88 on.
		let all = book(3);
		let signed = all.by_requester.unwrap();
		let close = Some(Step::Close(signed.tally, Some(signed.signature)));
		assert_eq!(next(&view, &all, 87), None);
		assert_eq!(next(&view, &all, 88), close);
		let asked = Book { ending: Some(Ending::Asked), ..all.clone() };
		assert_eq!(next(&view, &asked, 9), close);
		let spent_up = Book { ending: Some(Ending::SpentUp), ..all.clone() };
		assert_eq!(next(&view, &spent_up, 9), close);
		assert_eq!(next(&view, &book(0), 99), Some(Step::Close(Tally::empty(view.id), None)));

		// The fourth turn is not signed: the worker waits for that as long as it can.
		let unsigned = Book { by_requester: Some(signed), ..book(4) };
		assert_eq!(next(&view, &Book { ending: Some(Ending::SpentUp), ..unsigned.clone() }, 9), None);
		assert_eq!(next(&view, &unsigned, 93), None);
		assert_eq!(next(&view, &unsigned, 94), close);
	}

	#[test]
	fn stale_close_should_be_contested_in_time() {
		let stale = ChannelView { tally: Some(book(2).tally()), ..view(ChannelState::Closing { until: 50 }) };
		let later = book(5);
		let signed = later.by_requester.unwrap();
		assert_eq!(next(&stale, &later, 20), Some(Step::Contest(signed.tally, signed.signature)));
		assert_eq!(next(&stale, &book(2), 20), None);
		assert_eq!(next(&stale, &later, 50), None);
		assert_eq!(next(&stale, &later, 55), Some(Step::Settle));
	}

	#[test]
	fn drawn_turns_should_be_shown_one_after_the_other() {
		let book = book(6);
		let tally = book.tally();
		let closed = ChannelView { tally: Some(tally), due: 60, ..view(ChannelState::Closed) };
		let mut bundle = BundleView {
			root: tally.root,
			count: 6,
			fixed: 10,
			audits: None,
			shown: Vec::new(),
			show_until: 40,
		};
		let step = |bundle: &BundleView, now| {
			decide(Standing { view: &closed, bundle: Some(bundle), book: &book, servable: true, now })
		};
		assert_eq!(step(&bundle, 11), None);
		bundle.audits = Some(vec![2, 5]);
		for index in [2, 5] {
			let Some(Step::Show(turn, path)) = step(&bundle, 12) else { panic!("turn {index} is not shown") };
			assert_eq!(turn.index, index);
			assert!(merkle::verify(&tally.root.0, 6, index, turn.leaf(), &path));
			bundle.shown.push(index);
		}
		assert_eq!(step(&bundle, 12), None);
		assert_eq!(step(&bundle, 65), Some(Step::Settle));
		// What is not ours can't be shown.
		let other = ChannelView { tally: Some(Tally { root: Root([1; 32]), ..tally }), ..closed.clone() };
		bundle.shown.clear();
		let standing = Standing { view: &other, bundle: Some(&bundle), book: &book, servable: true, now: 12 };
		assert_eq!(decide(standing), None);
	}
}
