//! What somebody may do.

use proptest::prelude::*;

/// Something that somebody does, with what it concerns.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
	Blocks(u8),
	Submit { worker: bool, verification: u8, tier: u8 },
	Batch { worker: bool, count: u8, verification: u8 },
	Claim,
	Release,
	Answer { work: u8 },
	Cancel,
	Expire,
	Settle,
	Rate(u8),
	Verdict { work: u8 },
	Abstain,
	Plan { salt: u8 },
	Canary,
	ExpireCanary,
	Challenge { validator: bool, work: u8 },
	ProveLength,
	Demand { validator: bool, work: u8 },
	ProveOutput { validator: bool },
	Move { work: u8, plays: u8 },
	Choose(u8),
	Timeout,
	Offer { escrow: u8, cap: u8 },
	Accept,
	Close { turns: u8, work: u8, signed: bool },
	Contest { turns: u8, work: u8 },
	ShowTurn { index: u8, work: u8 },
	ShowItem { index: u8, work: u8 },
	SettleChannel,
	ClaimAll,
	Register { role: bool, stake: u8 },
	AddStake(u8),
	Offers { owner: u8 },
	Authorise { belongs: bool },
	Unbond,
	Withdraw,
	Rejoin,
	Heartbeat,
	Sweep,
	Exclude(u8),
	Appeal,
	Readmit,
	Confirm,
}

fn job() -> impl Strategy<Value = Deed> {
	use Deed::*;
	prop_oneof![
		4 => any::<(bool, u8, u8)>().prop_map(|(worker, verification, tier)| Submit { worker, verification, tier }),
		2 => any::<(bool, u8, u8)>().prop_map(|(worker, count, verification)| Batch { worker, count, verification }),
		6 => Just(Claim),
		1 => Just(Release),
		6 => any::<u8>().prop_map(|work| Answer { work }),
		1 => Just(Cancel),
		1 => Just(Expire),
		1 => Just(Settle),
		2 => any::<u8>().prop_map(Rate),
		1 => Just(ClaimAll),
	]
}

fn check() -> impl Strategy<Value = Deed> {
	use Deed::*;
	prop_oneof![
		8 => any::<u8>().prop_map(|work| Verdict { work }),
		1 => Just(Abstain),
		1 => any::<u8>().prop_map(|salt| Plan { salt }),
		4 => Just(Canary),
		1 => Just(ExpireCanary),
		5 => any::<(bool, u8)>().prop_map(|(validator, work)| Challenge { validator, work }),
		1 => Just(ProveLength),
		2 => any::<(bool, u8)>().prop_map(|(validator, work)| Demand { validator, work }),
		1 => any::<bool>().prop_map(|validator| ProveOutput { validator }),
		8 => any::<(u8, u8)>().prop_map(|(work, plays)| Move { work, plays }),
		1 => any::<u8>().prop_map(Choose),
		1 => Just(Timeout),
	]
}

fn channel() -> impl Strategy<Value = Deed> {
	use Deed::*;
	prop_oneof![
		3 => any::<(u8, u8)>().prop_map(|(escrow, cap)| Offer { escrow, cap }),
		3 => Just(Accept),
		3 => any::<(u8, u8, bool)>().prop_map(|(turns, work, signed)| Close { turns, work, signed }),
		1 => any::<(u8, u8)>().prop_map(|(turns, work)| Contest { turns, work }),
		3 => any::<(u8, u8)>().prop_map(|(index, work)| ShowTurn { index, work }),
		3 => any::<(u8, u8)>().prop_map(|(index, work)| ShowItem { index, work }),
		1 => Just(SettleChannel),
	]
}

fn operator() -> impl Strategy<Value = Deed> {
	use Deed::*;
	prop_oneof![
		any::<(bool, u8)>().prop_map(|(role, stake)| Register { role, stake }),
		any::<u8>().prop_map(AddStake),
		any::<u8>().prop_map(|owner| Offers { owner }),
		any::<bool>().prop_map(|belongs| Authorise { belongs }),
		Just(Unbond),
		Just(Withdraw),
		Just(Rejoin),
		Just(Heartbeat),
		Just(Sweep),
		any::<u8>().prop_map(Exclude),
		Just(Appeal),
		Just(Readmit),
		Just(Confirm),
	]
}

fn deed() -> impl Strategy<Value = Deed> {
	prop_oneof![
		5 => (1u8..6).prop_map(Deed::Blocks),
		1 => Just(Deed::Blocks(20)),
		11 => job(),
		18 => check(),
		9 => channel(),
		4 => operator(),
	]
}

/// Who does it, in which job, channel and dispute, and what.
pub type Step = (u8, u8, Deed);

/// Whether texts are asked, or ids of tokens; what is under way already, each by a kind and a work; what is done then.
pub type Schedule = (bool, Vec<(u8, u8)>, Vec<Step>);

/// Any schedule.
pub fn schedule() -> impl Strategy<Value = Schedule> {
	let begun = prop::collection::vec(any::<(u8, u8)>(), 0..5);
	let steps = prop::collection::vec((any::<u8>(), any::<u8>(), deed()), 20..80);
	(any::<bool>(), begun, steps)
}
