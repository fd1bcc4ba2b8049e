//! The numbers that governance may change without an upgrade (`pallet_parameters`).

use crate::*;
use frame_support::dynamic_params::{dynamic_pallet_params, dynamic_params};
use sp_runtime::Permill;

/// The parameters, by pallet.
#[dynamic_params(RuntimeParameters, pallet_parameters::Parameters::<Runtime>)]
pub mod dynamic_params {
	use super::*;

	/// Jobs.
	#[dynamic_pallet_params]
	#[codec(index = 0)]
	pub mod poi {
		/// Part of a job's price that does not depend on its size, in planck.
		#[codec(index = 0)]
		pub static BaseFee: Balance = 5 * CENTS;
		/// Price of one unit: one token through a million parameters, in planck.
		#[codec(index = 1)]
		pub static UnitPrice: Balance = 1_000;
		/// Share of the price that the worker gets.
		#[codec(index = 2)]
		pub static WorkerShare: Permill = Permill::from_percent(70);
		/// Share of the price that the agreeing validators divide; what is left goes to the pot.
		#[codec(index = 3)]
		pub static PanelShare: Permill = Permill::from_percent(20);
		/// Blocks that a job waits for a worker.
		#[codec(index = 4)]
		pub static OpenPeriod: BlockNumber = 10 * MINUTES;
		/// Longest deadline that a job may have, in blocks.
		#[codec(index = 5)]
		pub static MaxDeadline: BlockNumber = HOURS;
		/// Blocks that a finished job stays readable.
		#[codec(index = 6)]
		pub static KeepPeriod: BlockNumber = 7 * DAYS;
		/// Blocks until every worker may claim an open job.
		#[codec(index = 7)]
		pub static RankBlocks: BlockNumber = 3;
	}

	/// Panels.
	#[dynamic_pallet_params]
	#[codec(index = 1)]
	pub mod poc {
		/// Validators expected to speak on an answer, 1 to 16.
		#[codec(index = 0)]
		pub static PanelSize: u32 = 3;
		/// Equal verdicts that decide: more than half of `PanelSize`, and at most all; taken into that range.
		#[codec(index = 1)]
		pub static Quorum: u32 = 2;
		/// Leaves of the trace that a verdict opens, 1 to 16.
		#[codec(index = 2)]
		pub static Openings: u32 = 8;
		/// Blocks of a window, after which the draw widens.
		#[codec(index = 3)]
		pub static Window: BlockNumber = 2 * MINUTES;
		/// Windows until an answer without a quorum is given up.
		#[codec(index = 4)]
		pub static MaxWindows: u32 = 3;
	}

	/// Operators.
	#[dynamic_pallet_params]
	#[codec(index = 2)]
	pub mod operators {
		/// Least stake of a worker, in planck.
		#[codec(index = 0)]
		pub static MinWorkerStake: Balance = 100 * UNIT;
		/// Least stake of a validator, in planck.
		#[codec(index = 1)]
		pub static MinValidatorStake: Balance = 100 * UNIT;
		/// Blocks from leaving to getting the stake back.
		#[codec(index = 2)]
		pub static UnbondingPeriod: BlockNumber = 7 * DAYS;
		/// Missed deadlines and rejected answers until a worker is shut out.
		#[codec(index = 3)]
		pub static MaxMarks: u32 = 5;
		/// Blocks that it stays out.
		#[codec(index = 4)]
		pub static ExclusionPeriod: BlockNumber = DAYS;
	}

	/// Checkpoints.
	#[dynamic_pallet_params]
	#[codec(index = 3)]
	pub mod checkpoints {
		/// Deposit for registering a checkpoint, in planck.
		#[codec(index = 0)]
		pub static DepositBase: Balance = UNIT;
		/// Deposit for each byte of its record, in planck.
		#[codec(index = 1)]
		pub static DepositPerByte: Balance = MILLICENTS;
	}
}

#[cfg(feature = "runtime-benchmarks")]
impl Default for RuntimeParameters {
	fn default() -> Self {
		RuntimeParameters::Poi(dynamic_params::poi::Parameters::BaseFee(
			dynamic_params::poi::BaseFee,
			Some(1),
		))
	}
}
