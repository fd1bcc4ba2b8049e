//! What the benchmarks begin with.

use crate::{
	Active, Agenda, Bundles, Config, Directed, HoldReason, Job, Jobs, Outputs, Pallet, Path, MAX_ACTIVE,
	MAX_DIRECTED,
};
use alloc::{vec, vec::Vec};
use noesis_primitives::{
	merkle, BatchInputs, BatchSpec, BlockNumber, BundleId, ChannelId, ChannelSpec, CheckpointFacts,
	CheckpointId, CheckpointRegistry, Claim, ContentHash, DisputedSubject, Engagement, GenerateParams,
	InputFormat, Item, ItemInput, JobId, JobKind, JobSpec, JobState, Lane, OperatorRegistry, Panels, Payload,
	Profile, Role, Root, Subject, Tally, Tier, Turn, Usage, Verification, MAX_AUDITS, MAX_INLINE_BYTES,
	MAX_PANEL,
};
use noesis_support::{AGENDA_PROBES, MAX_PER_BLOCK};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		traits::{fungible::Mutate, Get},
		BoundedVec,
	},
	frame_system::{self, RawOrigin},
	sp_runtime::{Permill, SaturatedConversion},
};
pub(super) const FACTS: CheckpointFacts = CheckpointFacts {
	active: true,
	profile: Profile::Exact,
	width: 576,
	layers: 30,
	context: 1 << 20,
	units_per_token: 135,
};
pub(super) const USAGE: Usage = Usage { input_tokens: 1000, output_tokens: 1000 };
/// What one entry of a bundle took.
pub(super) const SMALL: Usage = Usage { input_tokens: 8, output_tokens: 8 };

/// Signs for accounts whose keys it has.
pub trait BenchmarkSigner<AccountId, Signature> {
	/// The account number `index`.
	fn account(index: u32) -> AccountId;

	/// Its signature.
	fn sign(who: &AccountId, message: &[u8]) -> Signature;
}

/// The kind of every benchmark.
pub(super) const KIND: JobKind = JobKind::Generate(GenerateParams {
	format: InputFormat::Text,
	max_tokens: 1000,
	temperature: 0,
	top_p: u16::MAX,
	seed: 0,
});

pub(super) fn payload(bytes: u32) -> Payload {
	Payload::Inline(BoundedVec::truncate_from(vec![7; bytes as usize]))
}

pub(super) fn at_block<T: Config>(now: BlockNumber) {
	frame_system::Pallet::<T>::set_block_number(now.into());
}

/// An account with plenty.
pub(super) fn rich<T: Config>(name: &'static str, index: u32) -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = account(name, index, 0);
	T::Currency::set_balance(&who, u128::from(u64::MAX));
	Ok(who)
}

pub(super) fn spec<T: Config>(
	checkpoint: CheckpointId,
	bytes: u32,
	worker: Option<T::AccountId>,
) -> JobSpec<T::AccountId> {
	JobSpec {
		checkpoint,
		kind: KIND,
		input: payload(bytes),
		worker,
		deadline: T::MaxDeadline::get().min(10),
		lane: Lane::Dot,
		tier: Tier::Premium,
		verification: Verification::Panel(MAX_PANEL as u8),
		sealed: None,
	}
}

/// An answered job, as somebody else's benchmark needs it.
pub(crate) fn answered<T: Config>(subject: DisputedSubject<T::AccountId>, spoke: u32) -> Subject {
	let DisputedSubject { worker, requester, checkpoint, kind, input, sealed, output, claim } = subject;
	let id = crate::NextJob::<T>::get();
	crate::NextJob::<T>::put(JobId(id.0.saturating_add(1)));
	let escrow = T::BaseFee::get();
	let balance = escrow.saturating_mul(8).max(u128::from(u64::MAX));
	T::Currency::set_balance(&requester, balance);
	let held = Pallet::<T>::hold(HoldReason::JobEscrow, &requester, escrow);
	T::Operators::register_for_benchmark(&worker, Role::Worker, checkpoint, [0; 32]);
	let exposed = T::Operators::expose(&worker, escrow);
	assert!(held.is_ok() && exposed.is_ok());
	for index in 0..spoke {
		let validator: T::AccountId = account("validator", index, 0);
		T::Currency::set_balance(&validator, balance);
		T::Operators::register_for_benchmark(&validator, Role::Validator, checkpoint, [0; 32]);
	}
	let verification = Verification::Panel(spoke.clamp(1, MAX_PANEL) as u8);
	let opened =
		T::Panels::open(Subject::Job(id), claim, checkpoint, worker.clone(), requester.clone(), verification);
	assert!(opened.is_ok());
	if spoke > 0 {
		T::Panels::fill_for_benchmark(Subject::Job(id), true);
	}
	let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
	let job = Job {
		requester,
		checkpoint,
		kind,
		input: input.content_hash(),
		input_bytes: input.len(),
		batch: None,
		worker: None,
		deadline: 1,
		lane: Lane::Dot,
		tier: Tier::Standard,
		verification,
		price: Pallet::<T>::price(escrow, 0, Tier::Standard),
		escrow,
		state: JobState::Answered { worker },
		due: now.saturating_add(1),
		opened: now,
		answered: now,
		kept: Permill::one(),
		slot: None,
		reassignments: 0,
		claim: Some(claim),
		rating: None,
		sealed,
	};
	Pallet::<T>::note(id, &JobState::Open);
	Pallet::<T>::note(id, &job.state);
	let listed = Pallet::<T>::schedule(Engagement::Job(id), job.due);
	assert!(listed.is_ok());
	crate::Inputs::<T>::insert(id, input);
	Outputs::<T>::insert(id, output);
	Jobs::<T>::insert(id, job);
	Subject::Job(id)
}

/// Fills lists around the block at which a job of now is due, so that only the last place is left.
pub(super) fn crowd<T: Config>(at: BlockNumber) {
	let others =
		|count: u32| BoundedVec::truncate_from(vec![Engagement::Job(JobId(u64::MAX)); count as usize]);
	for probe in 1..AGENDA_PROBES {
		Agenda::<T>::insert(at.saturating_add(probe).saturating_sub(1), others(MAX_PER_BLOCK));
	}
	let last = at.saturating_add(AGENDA_PROBES).saturating_sub(1);
	Agenda::<T>::insert(last, others(MAX_PER_BLOCK.saturating_sub(1)));
}

/// A scene with a requester, a worker, and an open job that names the worker if `directed`.
pub(super) struct Scene<T: Config> {
	pub(super) requester: T::AccountId,
	pub(super) worker: T::AccountId,
	pub(super) job: JobId,
}

impl<T: Config> Scene<T> {
	pub(super) fn open(directed: bool) -> Result<Self, BenchmarkError> {
		at_block::<T>(1);
		let (requester, worker) = (rich::<T>("requester", 0)?, rich::<T>("worker", 0)?);
		let checkpoint = T::Checkpoints::register_for_benchmark(FACTS);
		T::Operators::register_for_benchmark(&worker, Role::Worker, checkpoint, [0; 32]);
		let checker = rich::<T>("checker", 0)?;
		T::Operators::register_for_benchmark(&checker, Role::Validator, checkpoint, [1; 32]);
		at_block::<T>(2);
		let job = JobId(MAX_DIRECTED.into());
		crate::NextJob::<T>::put(job);
		let named = directed.then(|| worker.clone());
		let spec = spec::<T>(checkpoint, MAX_INLINE_BYTES, named);
		Pallet::<T>::submit(RawOrigin::Signed(requester.clone()).into(), spec, u128::MAX)?;
		if directed {
			let others = (1..MAX_DIRECTED).map(|id| JobId(id.into()));
			Directed::<T>::mutate(&worker, |jobs| {
				*jobs = BoundedVec::truncate_from(others.chain([job]).collect());
			});
		}
		let now = 2u32.saturating_add(T::RankBlocks::get());
		at_block::<T>(now);
		Ok(Self { requester, worker, job })
	}

	/// The same, claimed, by a worker that has as many as it can.
	pub(super) fn assigned(directed: bool) -> Result<Self, BenchmarkError> {
		let scene = Self::open(directed)?;
		Pallet::<T>::claim(RawOrigin::Signed(scene.worker.clone()).into(), scene.job)?;
		let others = (1..MAX_ACTIVE).map(|id| JobId(id.into()));
		Active::<T>::insert(
			&scene.worker,
			BoundedVec::truncate_from(others.chain([scene.job]).collect::<Vec<_>>()),
		);
		Ok(scene)
	}

	/// The same, answered, and confirmed by a full panel whose members exist.
	pub(super) fn decided() -> Result<Self, BenchmarkError> {
		let scene = Self::assigned(false)?;
		let leaves = FACTS.trace_leaves(USAGE.positions()).unwrap_or_default();
		let worker = RawOrigin::Signed(scene.worker.clone()).into();
		Pallet::<T>::answer(worker, scene.job, payload(MAX_INLINE_BYTES), Root([1; 32]), leaves, USAGE)?;
		for index in 0..MAX_PANEL {
			rich::<T>("validator", index)?;
		}
		T::Currency::set_balance(&T::Pot::get(), u128::from(u64::MAX));
		T::Currency::set_balance(&T::PanelFund::get(), u128::from(u64::MAX));
		T::Panels::fill_for_benchmark(Subject::Job(scene.job), true);
		at_block::<T>(scene.now().saturating_add(T::ChallengeWindow::get()));
		Ok(scene)
	}

	pub(super) fn stored(&self) -> Option<Job<T::AccountId>> {
		Jobs::<T>::get(self.job)
	}

	pub(super) fn now(&self) -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Moves to the first block at which the job is overdue.
	pub(super) fn let_pass(&self) {
		at_block::<T>(self.stored().map_or(0, |job| job.due).saturating_add(1));
	}
}

/// A batch of `count` inputs of eight bytes, whose list takes `bytes`.
pub(super) fn batch_spec<T: Config>(
	checkpoint: CheckpointId,
	bytes: u32,
	worker: Option<T::AccountId>,
	count: u32,
	root: Root,
) -> BatchSpec<T::AccountId> {
	let JobSpec { kind, input: list, deadline, lane, tier, verification, .. } =
		spec::<T>(checkpoint, bytes, None);
	let inputs = BatchInputs { root, count, bytes: count.saturating_mul(8), longest: 8 };
	BatchSpec { checkpoint, kind, list, inputs, worker, deadline, lane, tier, verification }
}

/// A requester that can sign, and a channel to offer to a worker with ample stake.
pub(super) fn channel_spec<T: Config>() -> Result<(T::AccountId, ChannelSpec<T::AccountId>), BenchmarkError> {
	at_block::<T>(1);
	let requester = T::BenchmarkSigner::account(0);
	T::Currency::set_balance(&requester, u128::from(u64::MAX));
	let worker = rich::<T>("worker", 0)?;
	let checkpoint = T::Checkpoints::register_for_benchmark(FACTS);
	T::Operators::register_for_benchmark(&worker, Role::Worker, checkpoint, [0; 32]);
	let checker = rich::<T>("checker", 0)?;
	T::Operators::register_for_benchmark(&checker, Role::Validator, checkpoint, [1; 32]);
	let escrow = T::BaseFee::get().saturating_mul(100).max(1_000_000_000);
	let spec = ChannelSpec {
		worker,
		checkpoint,
		escrow,
		cap: escrow,
		lifetime: T::MaxLifetime::get().max(1),
		tier: Tier::Premium,
		verification: Verification::Panel(MAX_PANEL as u8),
	};
	Ok((requester, spec))
}

pub(super) fn turn_claim() -> Claim {
	let leaves = FACTS.trace_leaves(SMALL.positions()).unwrap_or_default();
	Claim { root: Root([2; 32]), leaves, output: ContentHash([3; 32]), usage: SMALL }
}

pub(super) fn turn(channel: ChannelId, index: u32) -> Turn {
	let (input, claim) = (ContentHash([4; 32]), turn_claim());
	Turn { channel, index, kind: KIND, input, input_bytes: 8, output_bytes: 8, claim, spent: index.into() }
}

pub(super) fn turns(channel: ChannelId, count: u32) -> Vec<merkle::Node> {
	(0..count).map(|index| turn(channel, index).leaf()).collect()
}

/// Opens a channel, has it accepted, and returns its tally after `count` turns.
pub(super) fn open_channel_of<T: Config>(
	requester: &T::AccountId,
	spec: ChannelSpec<T::AccountId>,
	count: u32,
) -> Result<Tally, BenchmarkError> {
	let channel = crate::NextChannel::<T>::get();
	let (worker, spent) = (spec.worker.clone(), spec.escrow / 4);
	Pallet::<T>::open_channel(RawOrigin::Signed(requester.clone()).into(), spec)?;
	Pallet::<T>::accept_channel(RawOrigin::Signed(worker).into(), channel)?;
	Ok(Tally { channel, turns: count, root: Root(merkle::root(&turns(channel, count))), spent })
}

/// What shows an item: the item, the one before it, and the input.
pub(super) type Shown = ((Item, Path), Option<(Item, Path)>, (ItemInput, Path));

/// A bundle that has just been drawn from.
pub(super) struct Lot<T: Config> {
	pub(super) id: BundleId,
	pub(super) worker: T::AccountId,
	pub(super) count: u32,
}

impl<T: Config> Lot<T> {
	pub(super) fn asked(index: u32) -> ItemInput {
		ItemInput { index, hash: ContentHash([4; 32]), len: 8 }
	}

	pub(super) fn result(index: u32) -> Item {
		let so_far = |tokens: u32| tokens.saturating_mul(index.saturating_add(1));
		let total =
			Usage { input_tokens: so_far(SMALL.input_tokens), output_tokens: so_far(SMALL.output_tokens) };
		Item { input: Self::asked(index), output_bytes: 8, claim: turn_claim(), total }
	}

	/// An answered batch of `count` items.
	pub(super) fn batch(count: u32) -> Result<Self, BenchmarkError> {
		let scene = Scene::<T>::open(false)?;
		let checkpoint = scene.stored().map(|job| job.checkpoint).unwrap_or_default();
		let asked: Vec<_> = (0..count).map(|index| Self::asked(index).leaf()).collect();
		let items: Vec<_> = (0..count).map(|index| Self::result(index).leaf()).collect();
		let spec = batch_spec::<T>(checkpoint, 100, None, count, Root(merkle::root(&asked)));
		let id = crate::NextJob::<T>::get();
		Pallet::<T>::submit_batch(RawOrigin::Signed(scene.requester).into(), spec, u128::MAX)?;
		at_block::<T>(2u32.saturating_add(T::RankBlocks::get().saturating_mul(2)));
		let worker = RawOrigin::Signed(scene.worker.clone());
		Pallet::<T>::claim(worker.clone().into(), id)?;
		let all = |tokens: u32| tokens.saturating_mul(count);
		let usage = Usage { input_tokens: all(SMALL.input_tokens), output_tokens: all(SMALL.output_tokens) };
		Pallet::<T>::answer(worker.into(), id, payload(100), Root(merkle::root(&items)), count, usage)?;
		Self::drawn_from(BundleId::Batch(id), scene.worker, count)
	}

	/// A channel that was closed after `count` turns.
	pub(super) fn channel(count: u32) -> Result<Self, BenchmarkError> {
		let (requester, spec) = channel_spec::<T>()?;
		let worker = spec.worker.clone();
		let tally = open_channel_of::<T>(&requester, spec, count)?;
		let signature = T::BenchmarkSigner::sign(&requester, &tally.message(&Pallet::<T>::genesis()));
		Pallet::<T>::close_channel(RawOrigin::Signed(worker.clone()).into(), tally, Some(signature))?;
		Self::drawn_from(BundleId::Channel(tally.channel), worker, count)
	}

	/// Draws as many different entries as there can be, whatever the randomness says.
	pub(super) fn drawn_from(id: BundleId, worker: T::AccountId, count: u32) -> Result<Self, BenchmarkError> {
		Bundles::<T>::mutate_extant(id, |bundle| {
			bundle.audits = Some(BoundedVec::truncate_from((0..MAX_AUDITS).collect()));
			bundle.show_until = bundle.fixed.saturating_add(1000);
		});
		Ok(Self { id, worker, count })
	}

	pub(super) fn drawn(&self) -> Vec<u32> {
		Bundles::<T>::get(self.id).and_then(|bundle| bundle.audits).unwrap_or_default().into_inner()
	}

	pub(super) fn turn(&self, index: u32) -> Result<(Turn, Path), BenchmarkError> {
		let BundleId::Channel(channel) = self.id else { return Err(BenchmarkError::Weightless) };
		let path = merkle::path(&turns(channel, self.count), index).unwrap_or_default();
		Ok((turn(channel, index), BoundedVec::truncate_from(path)))
	}

	pub(super) fn item(&self, index: u32) -> Shown {
		let path = |leaves: Vec<_>, index| {
			BoundedVec::truncate_from(merkle::path(&leaves, index).unwrap_or_default())
		};
		let item = |at: u32| {
			let leaves = (0..self.count).map(|index| Self::result(index).leaf()).collect();
			(Self::result(at), path(leaves, at))
		};
		let asked = path((0..self.count).map(|index| Self::asked(index).leaf()).collect(), index);
		(item(index), index.checked_sub(1).map(item), (Self::asked(index), asked))
	}

	/// The same, with every drawn entry shown and confirmed by a full panel whose members exist.
	pub(super) fn decided(self) -> Result<Self, BenchmarkError> {
		for index in 0..MAX_PANEL {
			rich::<T>("validator", index)?;
		}
		self.judged(true)
	}

	/// The same, with every drawn entry rejected by a full panel of operators, who were right.
	pub(super) fn rejected(self) -> Result<Self, BenchmarkError> {
		let checkpoint = Bundles::<T>::get(self.id).map(|bundle| bundle.checkpoint).unwrap_or_default();
		for index in 0..MAX_PANEL {
			let who = rich::<T>("validator", index)?;
			T::Operators::register_for_benchmark(&who, Role::Validator, checkpoint, [0; 32]);
		}
		self.judged(false)
	}

	fn judged(self, agree: bool) -> Result<Self, BenchmarkError> {
		T::Currency::set_balance(&T::Pot::get(), u128::from(u64::MAX));
		T::Currency::set_balance(&T::PanelFund::get(), u128::from(u64::MAX));
		let worker = RawOrigin::Signed(self.worker.clone());
		for index in self.drawn() {
			match self.id {
				BundleId::Channel(channel) => {
					let (turn, path) = self.turn(index)?;
					Pallet::<T>::present_turn(worker.clone().into(), channel, index, turn, path)?;
				},
				BundleId::Batch(batch) => {
					let (item, before, asked) = self.item(index);
					Pallet::<T>::present_item(worker.clone().into(), batch, index, item, before, asked)?;
				},
			}
			T::Panels::fill_for_benchmark(self.id.subject(index), agree);
		}
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		at_block::<T>(now.saturating_add(T::ChallengeWindow::get()));
		Ok(self)
	}
}
