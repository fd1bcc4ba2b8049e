//! What each call and each step of the hooks costs.

use crate::{
	Active, Agenda, Call, Config, Cursor, Directed, Job, Jobs, Outputs, Pallet, Settlements, AGENDA_PROBES,
	MAX_ACTIVE, MAX_DIRECTED, MAX_PER_BLOCK,
};
use alloc::{vec, vec::Vec};
use noesis_primitives::{
	BlockNumber, CheckpointFacts, CheckpointId, CheckpointRegistry, GenerateParams, InputFormat, JobId,
	JobKind, JobSpec, JobState, Lane, OperatorRegistry, Panels, Payload, Profile, Role, Root, Subject, Tier,
	Usage, MAX_INLINE_BYTES, MAX_PANEL,
};
use polkadot_sdk::{
	frame_benchmarking::v2::*,
	frame_support::{
		storage::{with_transaction, TransactionOutcome},
		traits::{fungible::Mutate, Get},
		weights::WeightMeter,
		BoundedVec,
	},
	frame_system::{self, RawOrigin},
	sp_runtime::SaturatedConversion,
};

const FACTS: CheckpointFacts = CheckpointFacts {
	active: true,
	profile: Profile::Exact,
	width: 576,
	layers: 30,
	context: 1 << 20,
	units_per_token: 135,
};
const USAGE: Usage = Usage { input_tokens: 1000, output_tokens: 1000 };

fn payload(bytes: u32) -> Payload {
	Payload::Inline(BoundedVec::truncate_from(vec![7; bytes as usize]))
}

fn at_block<T: Config>(now: BlockNumber) {
	frame_system::Pallet::<T>::set_block_number(now.into());
}

/// An account with plenty.
fn rich<T: Config>(name: &'static str, index: u32) -> Result<T::AccountId, BenchmarkError> {
	let who: T::AccountId = account(name, index, 0);
	T::Currency::set_balance(&who, u128::from(u64::MAX));
	Ok(who)
}

fn spec<T: Config>(
	checkpoint: CheckpointId,
	bytes: u32,
	worker: Option<T::AccountId>,
) -> JobSpec<T::AccountId> {
	JobSpec {
		checkpoint,
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 1000)),
		input: payload(bytes),
		worker,
		deadline: T::MaxDeadline::get().min(10),
		lane: Lane::Dot,
		tier: Tier::Standard,
	}
}

/// Fills lists around the block at which a job of now is due, so that only the last place is left.
fn crowd<T: Config>(at: BlockNumber) {
	let others = |count: u32| BoundedVec::truncate_from(vec![JobId(u64::MAX); count as usize]);
	for probe in 1..AGENDA_PROBES {
		Agenda::<T>::insert(at.saturating_add(probe).saturating_sub(1), others(MAX_PER_BLOCK));
	}
	let last = at.saturating_add(AGENDA_PROBES).saturating_sub(1);
	Agenda::<T>::insert(last, others(MAX_PER_BLOCK.saturating_sub(1)));
}

/// A scene with a requester, a worker, and an open job that names the worker if `directed`.
struct Scene<T: Config> {
	requester: T::AccountId,
	worker: T::AccountId,
	job: JobId,
}

impl<T: Config> Scene<T> {
	fn open(directed: bool) -> Result<Self, BenchmarkError> {
		at_block::<T>(1);
		let (requester, worker) = (rich::<T>("requester", 0)?, rich::<T>("worker", 0)?);
		let checkpoint = T::Checkpoints::register_for_benchmark(FACTS);
		T::Operators::register_for_benchmark(&worker, Role::Worker, checkpoint, [0; 32]);
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
	fn assigned(directed: bool) -> Result<Self, BenchmarkError> {
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
	fn decided() -> Result<Self, BenchmarkError> {
		let scene = Self::assigned(false)?;
		let leaves = FACTS.trace_leaves(USAGE.positions()).unwrap_or_default();
		let worker = RawOrigin::Signed(scene.worker.clone()).into();
		Pallet::<T>::answer(worker, scene.job, payload(MAX_INLINE_BYTES), Root([1; 32]), leaves, USAGE)?;
		for index in 0..MAX_PANEL {
			rich::<T>("validator", index)?;
		}
		T::Currency::set_balance(&T::Pot::get(), u128::from(u64::MAX));
		T::Panels::fill_for_benchmark(Subject::Job(scene.job), true);
		Ok(scene)
	}

	fn stored(&self) -> Option<Job<T::AccountId>> {
		Jobs::<T>::get(self.job)
	}

	fn now(&self) -> BlockNumber {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}

	/// Moves to the first block at which the job is overdue.
	fn let_pass(&self) {
		at_block::<T>(self.stored().map_or(0, |job| job.due).saturating_add(1));
	}
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn submit(b: Linear<1, MAX_INLINE_BYTES>) -> Result<(), BenchmarkError> {
		let scene = Scene::<T>::open(true)?;
		let checkpoint = scene.stored().map(|job| job.checkpoint).unwrap_or_default();
		Directed::<T>::mutate(&scene.worker, |jobs| jobs.pop());
		crowd::<T>(scene.now().saturating_add(T::OpenPeriod::get().max(1)));
		let requester = scene.requester.clone();
		let spec = spec::<T>(checkpoint, b, Some(scene.worker.clone()));
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
		let jobs = vec![JobId(u64::MAX); MAX_PER_BLOCK as usize];
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
			Pallet::<T>::serve(scene.job, now);
		}

		assert!(Settlements::<T>::get(scene.job).is_some_and(|settlement| settlement.worker > 0));
		Ok(())
	}

	impl_benchmark_test_suite!(Pallet, crate::mock::new_test_ext(), crate::mock::Test);
}
