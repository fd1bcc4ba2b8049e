//! What each call and each step of the hooks costs.

mod scenes;

use crate::{
	Active, Agenda, Bundles, Call, Channels, Config, Cursor, Directed, Entries, HoldReason, Jobs, Outputs,
	Pallet, Settlements, MAX_ACTIVE, MAX_CLAIMS, MAX_FORGET,
};
use alloc::{vec, vec::Vec};
use noesis_primitives::{
	BlockNumber, BundleId, ChannelId, ChannelState, ContentHash, Engagement, JobId, JobSpec, JobState, Root,
	Subject, SubjectHandler, Tally, MAX_AUDITS, MAX_INLINE_BYTES, MAX_ITEMS, SEAL_OVERHEAD,
};
use noesis_support::MAX_PER_BLOCK;
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		storage::{with_transaction, TransactionOutcome},
		traits::Get,
		weights::WeightMeter,
		BoundedVec,
	},
	frame_system::{self, RawOrigin},
	sp_runtime::SaturatedConversion,
};
pub(crate) use scenes::answered;
pub use scenes::BenchmarkSigner;
use scenes::*;

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn submit(b: Linear<{ SEAL_OVERHEAD + 1 }, MAX_INLINE_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::open(true)?;
		let checkpoint = scene.stored().map(|job| job.checkpoint).unwrap_or_default();
		Directed::<T>::mutate(&scene.worker, |jobs| jobs.pop());
		crowd::<T>(scene.now().saturating_add(T::OpenPeriod::get().max(1)));
		let requester = scene.requester.clone();
		// A sealed job takes one look more: at its worker's key.
		let sealed = Some(ContentHash([5; 32]));
		let spec = JobSpec { sealed, ..spec::<T>(checkpoint, b, Some(scene.worker.clone())) };
		let next = crate::NextJob::<T>::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), spec, u128::MAX);

		assert!(Jobs::<T>::contains_key(next));
		Ok(())
	}

	#[benchmark]
	fn claim() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::open(false)?;
		let others = (1..MAX_ACTIVE).map(|id| JobId(id.into()));
		Active::<T>::insert(&scene.worker, BoundedVec::truncate_from(others.collect::<Vec<_>>()));
		let deadline = scene.stored().map_or(0, |job| job.deadline);
		crowd::<T>(scene.now().saturating_add(deadline));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.job);

		assert!(scene.stored().is_some_and(|job| matches!(job.state, JobState::Assigned { .. })));
		Ok(())
	}

	#[benchmark]
	fn release() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::assigned(true)?;
		Jobs::<T>::mutate_extant(scene.job, |job| job.reassignments = noesis_primitives::MAX_REASSIGNMENTS);
		crowd::<T>(scene.now().saturating_add(T::KeepPeriod::get().max(1)));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), scene.job);

		assert!(Settlements::<T>::contains_key(scene.job));
		Ok(())
	}

	#[benchmark]
	fn answer(b: Linear<1, MAX_INLINE_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::assigned(true)?;
		let leaves = FACTS.trace_leaves(USAGE.positions()).unwrap_or_default();
		let origin = RawOrigin::Signed(scene.worker.clone());
		let due = with_transaction(|| {
			let tried = Pallet::<T>::answer(
				origin.clone().into(),
				scene.job,
				payload(b),
				Root([1; 32]),
				leaves,
				USAGE,
			);
			let due = scene.stored().map_or(0, |job| job.due);
			TransactionOutcome::Rollback(tried.map(|()| due))
		})?;
		crowd::<T>(due);

		#[extrinsic_call]
		_(origin, scene.job, payload(b), Root([1; 32]), leaves, USAGE);

		assert!(Outputs::<T>::contains_key(scene.job));
		Ok(())
	}

	#[benchmark]
	fn cancel() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::open(false)?;
		crowd::<T>(scene.now().saturating_add(T::KeepPeriod::get().max(1)));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.requester.clone()), scene.job);

		assert!(Settlements::<T>::contains_key(scene.job));
		Ok(())
	}

	/// A missed deadline that ends the job.
	#[benchmark]
	fn expire() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::assigned(true)?;
		Jobs::<T>::mutate_extant(scene.job, |job| job.reassignments = noesis_primitives::MAX_REASSIGNMENTS);
		scene.let_pass();
		crowd::<T>(scene.now().saturating_add(T::KeepPeriod::get().max(1)));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.requester.clone()), scene.job);

		assert!(Settlements::<T>::contains_key(scene.job));
		Ok(())
	}

	/// Forgetting a job with everything that it can have.
	#[benchmark]
	fn prune() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::decided()?;
		Pallet::<T>::settle(RawOrigin::Signed(scene.requester.clone()).into(), scene.job)?;
		scene.let_pass();

		#[extrinsic_call]
		expire(RawOrigin::Signed(scene.requester.clone()), scene.job);

		assert!(!Jobs::<T>::contains_key(scene.job) && !Outputs::<T>::contains_key(scene.job));
		Ok(())
	}

	/// A confirmed answer, with everybody paid.
	#[benchmark]
	fn settle() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::decided()?;
		crowd::<T>(scene.now().saturating_add(T::KeepPeriod::get().max(1)));

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.requester.clone()), scene.job);

		assert!(Settlements::<T>::get(scene.job).is_some_and(|settlement| settlement.worker > 0));
		Ok(())
	}

	/// A full block of the agenda that stays as it is, for want of weight.
	#[benchmark]
	fn service_block() -> Result<(), BenchmarkError> {
		Cursor::<T>::put(1);
		let jobs = vec![Engagement::Job(JobId(u64::MAX)); MAX_PER_BLOCK as usize];
		Agenda::<T>::insert(1, BoundedVec::truncate_from(jobs));
		let mut meter = WeightMeter::with_limit(<T::WeightInfo as crate::WeightInfo>::service_block());

		#[block]
		{
			Pallet::<T>::serve_agenda(&mut meter, 1);
		}

		assert_eq!(Agenda::<T>::get(1).len() as u32, MAX_PER_BLOCK);
		Ok(())
	}

	/// The dearest entry: a confirmed answer, with everybody paid.
	#[benchmark]
	fn service_job() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::decided()?;
		scene.let_pass();
		crowd::<T>(scene.now().saturating_add(T::KeepPeriod::get().max(1)));
		let now = scene.now();

		#[block]
		{
			Pallet::<T>::serve(Engagement::Job(scene.job), now);
		}

		assert!(Settlements::<T>::get(scene.job).is_some_and(|settlement| settlement.worker > 0));
		Ok(())
	}

	#[benchmark]
	fn rate() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::decided()?;
		Pallet::<T>::settle(RawOrigin::Signed(scene.requester.clone()).into(), scene.job)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.requester.clone()), scene.job, 5);

		assert_eq!(scene.stored().and_then(|job| job.rating), Some(5));
		Ok(())
	}

	#[benchmark]
	fn submit_batch(b: Linear<1, MAX_INLINE_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::open(true)?;
		let checkpoint = scene.stored().map(|job| job.checkpoint).unwrap_or_default();
		Directed::<T>::mutate(&scene.worker, |jobs| jobs.pop());
		crowd::<T>(scene.now().saturating_add(T::OpenPeriod::get().max(1)));
		let requester = scene.requester.clone();
		let spec = batch_spec::<T>(checkpoint, b, Some(scene.worker.clone()), 512, Root([1; 32]));
		let next = crate::NextJob::<T>::get();

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), spec, u128::MAX);

		assert!(Jobs::<T>::contains_key(next));
		Ok(())
	}

	/// Drawing the entries of a bundle.
	#[benchmark]
	fn draw() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::channel(512)?;
		Bundles::<T>::mutate_extant(scene.id, |bundle| bundle.audits = None);
		let fixed = Bundles::<T>::get(scene.id).map_or(0, |bundle| bundle.fixed);
		at_block::<T>(fixed.saturating_add(1));

		#[block]
		{
			Pallet::<T>::draw_audits(scene.id);
		}

		Ok(())
	}

	/// A drawn item of the largest batch, which opens a panel.
	#[benchmark]
	fn present_item() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::batch(MAX_ITEMS)?;
		let BundleId::Batch(batch) = scene.id else { return Err(BenchmarkError::Weightless) };
		let index = scene.drawn().last().copied().unwrap_or_default();
		let (item, before, asked) = scene.item(index);

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), batch, index, item, before, asked);

		assert!(Entries::<T>::contains_key(scene.id, index));
		Ok(())
	}

	#[benchmark]
	fn open_channel() -> Result<(), BenchmarkError> {
		let (requester, spec) = channel_spec::<T>()?;
		crowd::<T>(spec.lifetime.saturating_add(1));

		#[extrinsic_call]
		_(RawOrigin::Signed(requester), spec);

		assert_eq!(
			Channels::<T>::get(ChannelId(0)).map(|channel| channel.state),
			Some(ChannelState::Offered)
		);
		Ok(())
	}

	#[benchmark]
	fn accept_channel() -> Result<(), BenchmarkError> {
		let (requester, spec) = channel_spec::<T>()?;
		let worker = spec.worker.clone();
		Pallet::<T>::open_channel(RawOrigin::Signed(requester).into(), spec)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), ChannelId(0));

		assert_eq!(Channels::<T>::get(ChannelId(0)).map(|channel| channel.state), Some(ChannelState::Open));
		Ok(())
	}

	/// A worker's close of `t` turns: what it costs does not depend on them.
	#[benchmark]
	fn close_channel(t: Linear<8, 512>) -> Result<(), BenchmarkError> {
		let (requester, spec) = channel_spec::<T>()?;
		let worker = spec.worker.clone();
		let tally = open_channel_of::<T>(&requester, spec, t)?;
		crowd::<T>(2);
		let signature = T::BenchmarkSigner::sign(&requester, &tally.message(&Pallet::<T>::genesis()));

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), tally, Some(signature));

		assert_eq!(
			Channels::<T>::get(tally.channel).map(|channel| channel.state),
			Some(ChannelState::Closed)
		);
		Ok(())
	}

	#[benchmark]
	fn contest_close() -> Result<(), BenchmarkError> {
		let (requester, spec) = channel_spec::<T>()?;
		let worker = spec.worker.clone();
		let tally = open_channel_of::<T>(&requester, spec, 512)?;
		let closer = RawOrigin::Signed(requester.clone()).into();
		Pallet::<T>::close_channel(closer, Tally::empty(tally.channel), None)?;
		crowd::<T>(2);
		let signature = T::BenchmarkSigner::sign(&requester, &tally.message(&Pallet::<T>::genesis()));

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), tally, signature);

		assert_eq!(
			Channels::<T>::get(tally.channel).map(|channel| channel.state),
			Some(ChannelState::Closed)
		);
		Ok(())
	}

	/// A drawn turn of the longest channel, which opens a panel.
	#[benchmark]
	fn present_turn() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::channel(MAX_ITEMS)?;
		let BundleId::Channel(channel) = scene.id else { return Err(BenchmarkError::Weightless) };
		let index = scene.drawn().first().copied().unwrap_or_default();
		let (turn, path) = scene.turn(index)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(scene.worker.clone()), channel, index, turn, path);

		assert!(Entries::<T>::contains_key(scene.id, index));
		Ok(())
	}

	/// What the call costs beside the jobs that it moves.
	#[benchmark]
	fn claim_all() -> Result<(), BenchmarkError> {
		let caller = rich::<T>("requester", 0)?;
		let none = vec![Engagement::Job(JobId(u64::MAX)); MAX_CLAIMS as usize];

		#[extrinsic_call]
		_(RawOrigin::Signed(caller), BoundedVec::truncate_from(none));

		Ok(())
	}

	/// A batch whose drawn items are all confirmed by full panels, with everybody paid.
	#[benchmark]
	fn settle_bundle() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::batch(512)?.decided()?;
		let BundleId::Batch(batch) = scene.id else { return Err(BenchmarkError::Weightless) };
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		crowd::<T>(now.saturating_add(T::KeepPeriod::get().max(1)));

		#[extrinsic_call]
		settle(RawOrigin::Signed(scene.worker.clone()), batch);

		assert!(Settlements::<T>::get(batch).is_some_and(|settlement| settlement.worker > 0));
		Ok(())
	}

	/// Forgetting as many shown items as are forgotten at a time.
	#[benchmark]
	fn prune_bundle() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::batch(512)?.decided()?;
		let BundleId::Batch(batch) = scene.id else { return Err(BenchmarkError::Weightless) };
		Pallet::<T>::settle(RawOrigin::Signed(scene.worker.clone()).into(), batch)?;
		Bundles::<T>::mutate_extant(scene.id, |bundle| bundle.audits = None);
		let Some((_, pattern)) = Entries::<T>::iter_prefix(scene.id).next() else {
			return Err(BenchmarkError::Weightless);
		};
		for index in 0..MAX_FORGET {
			let who = rich::<T>("presenter", index)?;
			let deposit = T::ShowDeposit::get();
			Pallet::<T>::hold(HoldReason::ShownEntry, &who, deposit)?;
			let entry = crate::Entry { deposit: Some((who, deposit)), ..pattern.clone() };
			Entries::<T>::insert(scene.id, index, entry);
		}
		let due = Jobs::<T>::get(batch).map_or(0, |job| job.due);
		at_block::<T>(due.saturating_add(1));

		#[extrinsic_call]
		expire(RawOrigin::Signed(scene.worker.clone()), batch);

		assert!(Entries::<T>::iter_prefix(scene.id).count() <= MAX_AUDITS as usize);
		Ok(())
	}

	/// The dearest entry of a batch or channel: all drawn entries confirmed by full panels, with everybody paid.
	#[benchmark]
	fn service_bundle() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::channel(512)?.decided()?;
		let BundleId::Channel(channel) = scene.id else { return Err(BenchmarkError::Weightless) };
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		Channels::<T>::mutate_extant(channel, |channel| channel.due = now);
		crowd::<T>(now.saturating_add(T::KeepPeriod::get().max(1)));

		#[block]
		{
			Pallet::<T>::serve(Engagement::Bundle(scene.id), now);
		}

		assert_eq!(Channels::<T>::get(channel).map(|channel| channel.state), Some(ChannelState::Paid));
		Ok(())
	}

	/// The end of a bundle that holds what can't be true: the worker is slashed, all panels are dissolved whose members found
	/// something else, and the requester is refunded. So much hangs on an entry that is overturned, too.
	#[benchmark]
	fn condemn() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::batch(512)?.rejected()?;
		let BundleId::Batch(batch) = scene.id else { return Err(BenchmarkError::Weightless) };
		let bundle = Bundles::<T>::get(scene.id).ok_or(BenchmarkError::Weightless)?;
		let who = rich::<T>("presenter", 0)?;
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		crowd::<T>(now.saturating_add(T::KeepPeriod::get().max(1)));
		let ended;

		#[block]
		{
			ended = Pallet::<T>::condemn(scene.id, MAX_ITEMS, &who, &bundle);
		}

		assert!(ended.is_ok() && Settlements::<T>::contains_key(batch));
		Ok(())
	}

	/// Hearing of a job's panel that is decided.
	#[benchmark]
	fn hasten_job() -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::decided()?;
		crowd::<T>(scene.now());

		#[block]
		{
			Pallet::<T>::on_decided(Subject::Job(scene.job));
		}

		assert_eq!(scene.stored().map(|job| job.due), Some(scene.now()));
		Ok(())
	}

	/// Hearing of the panel of an entry that is decided, with all the others.
	#[benchmark]
	fn hasten_bundle() -> Result<(), BenchmarkError> {
		let scene = Lot::<T>::batch(512)?.decided()?;
		let BundleId::Batch(batch) = scene.id else { return Err(BenchmarkError::Weightless) };
		let index = scene.drawn().first().copied().unwrap_or_default();
		let now: BlockNumber = frame_system::Pallet::<T>::block_number().saturated_into();
		crowd::<T>(now);

		#[block]
		{
			Pallet::<T>::on_decided(scene.id.subject(index));
		}

		assert_eq!(Jobs::<T>::get(batch).map(|job| job.due), Some(now));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
