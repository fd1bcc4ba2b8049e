//! What tests begin with: jobs, batches and channels, and what honest ones say.

use super::*;

/// A job that five bytes of text and at most ten tokens make.
pub fn spec() -> JobSpec<AccountId> {
	JobSpec {
		checkpoint: CHECKPOINT,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Chat, 10)),
		input: Payload::Inline(b"hello".to_vec().try_into().unwrap()),
		worker: None,
		deadline: 8,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification: Verification::Sampled,
		sealed: None,
	}
}

/// The same for one worker only.
pub fn spec_for(worker: AccountId) -> JobSpec<AccountId> {
	JobSpec { worker: Some(worker), ..spec() }
}

/// What an honest worker says that it took: 30 tokens.
pub const USAGE: Usage = Usage { input_tokens: 21, output_tokens: 9 };
/// Leaves of its trace: at 29 positions a token and 2 layers of 3 slices, and the last token.
pub const LEAVES: u32 = 29 * (1 + 2 * 3) + 1;
/// What it costs.
pub const COST: Balance = 100 + 3 * 2 * 30;

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Submits and returns the job's number.
pub fn submit(spec: JobSpec<AccountId>) -> JobId {
	let id = crate::NextJob::<Test>::get();
	Poi::submit(signed(REQUESTER), spec, RICH).unwrap();
	id
}

/// The first open jobs of a checkpoint that name no worker.
pub fn open_jobs(checkpoint: CheckpointId, limit: usize) -> Vec<JobId> {
	Poi::waiting_jobs(checkpoint).take(limit).collect()
}

pub fn output() -> Payload {
	Payload::Inline(b"world".to_vec().try_into().unwrap())
}

pub fn answer(worker: AccountId, job: JobId) -> DispatchResult {
	Poi::answer(signed(worker), job, output(), Root([5; 32]), LEAVES, USAGE)
}

/// A job that [`WORKER`] has answered.
pub fn answered() -> JobId {
	let job = submit(spec());
	Poi::claim(signed(WORKER), job).unwrap();
	answer(WORKER, job).unwrap();
	job
}

/// A tally of turns as the other side signs it.
pub fn sign(who: AccountId, tally: &Tally) -> TestSignature {
	TestSignature(who, tally.message(&Poi::genesis()))
}

/// What a channel of the tests holds.
pub const ESCROW: Balance = 1000;

/// A channel between [`REQUESTER`] and [`WORKER`].
pub fn channel_spec() -> ChannelSpec<AccountId> {
	ChannelSpec {
		worker: WORKER,
		checkpoint: CHECKPOINT,
		escrow: ESCROW,
		cap: 100,
		lifetime: 30,
		tier: Tier::Standard,
		verification: Verification::Sampled,
	}
}

/// Offers a channel and returns its number.
pub fn offer(spec: ChannelSpec<AccountId>) -> ChannelId {
	let id = crate::NextChannel::<Test>::get();
	Poi::open_channel(signed(REQUESTER), spec).unwrap();
	id
}

/// A channel that [`WORKER`] has accepted.
pub fn accepted() -> ChannelId {
	let id = offer(channel_spec());
	Poi::accept_channel(signed(WORKER), id).unwrap();
	id
}

/// What an honest worker says of one entry of a bundle: 16 tokens, of them eight read.
pub fn small_claim() -> Claim {
	let usage = Usage { input_tokens: 8, output_tokens: 8 };
	let leaves = FACTS.trace_leaves(usage.positions()).unwrap();
	Claim { root: Root([6; 32]), leaves, output: ContentHash([7; 32]), usage }
}

/// Turn `index` of a channel; each costs thirty.
pub fn turn(channel: ChannelId, index: u32) -> Turn {
	Turn {
		channel,
		index,
		kind: spec().kind,
		input: ContentHash([8; 32]),
		input_bytes: 5,
		output_bytes: 9,
		claim: small_claim(),
		spent: Balance::from(index + 1) * 30,
	}
}

/// The first `count` turns of a channel.
pub fn turns(channel: ChannelId, count: u32) -> Vec<Turn> {
	(0..count).map(|index| turn(channel, index)).collect()
}

/// The tally after these turns.
pub fn tally_of(channel: ChannelId, turns: &[Turn]) -> Tally {
	let leaves: Vec<_> = turns.iter().map(Turn::leaf).collect();
	let spent = turns.last().map_or(0, |turn| turn.spent);
	Tally { channel, turns: turns.len() as u32, root: Root(merkle::root(&leaves)), spent }
}

/// Has the worker close a channel after these turns, and goes on to the next block.
pub fn close_with(channel: ChannelId, turns: &[Turn]) -> DispatchResult {
	let tally = tally_of(channel, turns);
	let signature = sign(REQUESTER, &tally);
	Poi::close_channel(signed(WORKER), tally, Some(signature))?;
	System::set_block_number(System::block_number() + 1);
	Ok(())
}

/// Shows turn `index` of these.
pub fn show_turn(who: AccountId, channel: ChannelId, turns: &[Turn], index: u32) -> DispatchResult {
	let leaves: Vec<_> = turns.iter().map(Turn::leaf).collect();
	let path = merkle::path(&leaves, index).unwrap().try_into().unwrap();
	let shown = Poi::present_turn(signed(who), channel, index, turns[index as usize], path);
	shown.map(drop).map_err(|error| error.error)
}

/// The inputs of a batch of `count`.
pub fn asked(count: u32) -> Vec<ItemInput> {
	let input = |index: u32| ItemInput { index, hash: ContentHash([index as u8; 32]), len: 5 };
	(0..count).map(input).collect()
}

/// A batch of `count` inputs of five bytes.
pub fn batch_spec(count: u32) -> BatchSpec<AccountId> {
	let leaves: Vec<_> = asked(count).iter().map(ItemInput::leaf).collect();
	let JobSpec { checkpoint, kind, input: list, worker, deadline, lane, tier, verification, .. } = spec();
	let inputs = BatchInputs { root: Root(merkle::root(&leaves)), count, bytes: 5 * count, longest: 5 };
	BatchSpec { checkpoint, kind, list, inputs, worker, deadline, lane, tier, verification }
}

/// Honest results of a batch.
pub fn items(count: u32) -> Vec<Item> {
	let total = |items| Usage { input_tokens: 8 * items, output_tokens: 8 * items };
	let item = |input: ItemInput| Item {
		input,
		output_bytes: 9,
		claim: small_claim(),
		total: total(input.index + 1),
	};
	asked(count).into_iter().map(item).collect()
}

/// What the tokens of `count` items cost.
pub fn batch_cost(count: u32) -> Balance {
	2 * 100 + 3 * 2 * 16 * Balance::from(count)
}

/// A batch that [`WORKER`] has answered with these, in the block before.
pub fn answered_batch(items: &[Item]) -> JobId {
	Stake::set(&RICH);
	let id = crate::NextJob::<Test>::get();
	let count = items.len() as u32;
	Poi::submit_batch(signed(REQUESTER), batch_spec(count), RICH).unwrap();
	Poi::claim(signed(WORKER), id).unwrap();
	answer_batch(WORKER, id, items).unwrap();
	System::set_block_number(System::block_number() + 1);
	id
}

/// Answers a batch with these.
pub fn answer_batch(worker: AccountId, id: JobId, items: &[Item]) -> DispatchResult {
	let leaves: Vec<_> = items.iter().map(Item::leaf).collect();
	let count = items.len() as u32;
	let usage = Usage { input_tokens: 8 * count, output_tokens: 8 * count };
	Poi::answer(signed(worker), id, output(), Root(merkle::root(&leaves)), count, usage)
}

/// Shows item `index` of these.
pub fn show_item(who: AccountId, batch: JobId, items: &[Item], index: u32) -> DispatchResult {
	let item = |index: u32| {
		let leaves: Vec<_> = items.iter().map(Item::leaf).collect();
		(items[index as usize], merkle::path(&leaves, index).unwrap().try_into().unwrap())
	};
	let inputs = asked(items.len() as u32);
	let leaves: Vec<_> = inputs.iter().map(ItemInput::leaf).collect();
	let input = (inputs[index as usize], merkle::path(&leaves, index).unwrap().try_into().unwrap());
	let before = index.checked_sub(1).map(item);
	let shown = Poi::present_item(signed(who), batch, index, item(index), before, input);
	shown.map(drop).map_err(|error| error.error)
}

/// The entries of a bundle that are drawn, once they are.
pub fn drawn(id: BundleId) -> Vec<u32> {
	Poi::draw_audits(id);
	Poi::bundle_view(id).unwrap().audits.unwrap()
}

/// Lets every open panel end like this.
pub fn decide_all(outcome: PanelOutcome, verdicts: &[(AccountId, bool)]) {
	let open: Vec<_> = Book::get().into_keys().collect();
	open.into_iter().for_each(|subject| tell(subject, outcome, verdicts.to_vec()));
}

/// How often `who` was noted for this conduct.
pub fn noted(who: AccountId, conduct: Conduct) -> usize {
	Conducts::get().into_iter().filter(|noted| *noted == (who, conduct)).count()
}

pub fn held(who: AccountId) -> Balance {
	held_for(HoldReason::JobEscrow, who)
}

pub fn held_for(reason: HoldReason, who: AccountId) -> Balance {
	Balances::balance_on_hold(&reason.into(), &who)
}
