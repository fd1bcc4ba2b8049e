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
		/// Blocks after an answer, a verdict, or a dispute that the answer withstood, in which it can be disputed and
		/// nothing is paid. One bond must have the time to land.
		#[codec(index = 8)]
		pub static ChallengeWindow: BlockNumber = 5 * MINUTES;
		/// Validators that the plain price pays for.
		#[codec(index = 9)]
		pub static StandardPanel: u32 = 3;
		/// Surcharge for each validator beyond those; it goes to the panel.
		#[codec(index = 10)]
		pub static SeatSurcharge: Permill = Permill::from_percent(7);
		/// Surcharge of the priority tier.
		#[codec(index = 11)]
		pub static PrioritySurcharge: Permill = Permill::from_percent(25);
		/// Surcharge of the premium tier.
		#[codec(index = 12)]
		pub static PremiumSurcharge: Permill = Permill::from_percent(100);
		/// Blocks from claim to answer that the priority tier promises.
		#[codec(index = 13)]
		pub static PriorityPromise: BlockNumber = 20;
		/// Blocks from claim to answer that the premium tier promises.
		#[codec(index = 14)]
		pub static PremiumPromise: BlockNumber = 10;
		/// Entries of a bundle that are drawn for a panel.
		#[codec(index = 15)]
		pub static AuditedEntries: u32 = 2;
		/// Blocks that a worker has to show the drawn entries of a bundle.
		#[codec(index = 16)]
		pub static ShowPeriod: BlockNumber = 5 * MINUTES;
		/// Deposit for showing an entry that was not drawn, in planck.
		#[codec(index = 17)]
		pub static ShowDeposit: Balance = UNIT;
		/// Blocks that a worker has to answer a requester's close of a channel with a later tally.
		#[codec(index = 18)]
		pub static ContestPeriod: BlockNumber = 10 * MINUTES;
		/// Longest life of a channel, in blocks.
		#[codec(index = 19)]
		pub static MaxLifetime: BlockNumber = 30 * DAYS;
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
		/// Least share of a worker's answers that is audited, however high its reputation. It is never under
		/// `ExposureFactor / (ExposureFactor + 1 - RewardShare)` of the operators' parameters: 9.1 %, where lying is a loss
		/// when every audit finds it. A third of the validators colluding lets up to 15 % of the audited lies pass, hence this.
		#[codec(index = 5)]
		pub static AuditFloor: Permill = Permill::from_percent(11);
		/// Held of the proposer of a canary, in planck: at least what a wrong answer costs a worker of the least stake.
		#[codec(index = 6)]
		pub static CanaryBond: Balance = 100 * UNIT;
		/// What committing to a canary costs, in planck.
		#[codec(index = 7)]
		pub static CanaryFee: Balance = UNIT;
		/// What the pot pays at most for one canary, in planck.
		#[codec(index = 8)]
		pub static CanaryPrize: Balance = 3 * UNIT;
		/// Share of the pot that one canary may cost at most.
		#[codec(index = 9)]
		pub static CanaryShare: Permill = Permill::from_percent(1);
		/// Blocks for which a canary stands.
		#[codec(index = 10)]
		pub static CanaryPeriod: BlockNumber = DAYS;
		/// Blocks after the answer within which it must be revealed.
		#[codec(index = 11)]
		pub static CanaryReveal: BlockNumber = 10 * MINUTES;
		/// Canaries that a proposer may have open.
		#[codec(index = 12)]
		pub static MaxCanaries: u32 = 4;
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
		/// Share of the stake that a wrong answer costs.
		#[codec(index = 5)]
		pub static WrongAnswerSlash: Permill = Permill::from_percent(20);
		/// Share of the stake that a wrong verdict costs.
		#[codec(index = 6)]
		pub static WrongVerdictSlash: Permill = Permill::from_percent(10);
		/// Share of the stake that the approval of a canary costs.
		#[codec(index = 7)]
		pub static ApprovedCanarySlash: Permill = Permill::from_percent(10);
		/// Share of a slash that goes to who proved the fault, which may be an accomplice.
		#[codec(index = 8)]
		pub static RewardShare: Permill = Permill::from_percent(50);
		/// Share of what a wrong answer would cost that a worker's open jobs may be worth. The least audit rate follows from
		/// it and from `RewardShare`.
		#[codec(index = 9)]
		pub static ExposureFactor: Permill = Permill::from_percent(5);
		/// How far each conduct moves a reputation.
		#[codec(index = 10)]
		pub static ReputationSteps: noesis_primitives::ReputationSteps =
			noesis_primitives::ReputationSteps::default();
		/// Blocks of rest in which a reputation halves.
		#[codec(index = 11)]
		pub static ReputationHalfLife: BlockNumber = 30 * DAYS;
		/// Thousandths by which ratings can move a reputation.
		#[codec(index = 12)]
		pub static RatingBound: u16 = 50;
		/// How many times slower than it claims an operator may be.
		#[codec(index = 13)]
		pub static RateFactor: u32 = 4;
		/// Blocks between two heartbeats.
		#[codec(index = 14)]
		pub static HeartbeatPeriod: BlockNumber = HOURS;
		/// Periods of silence after which an operator counts as absent.
		#[codec(index = 15)]
		pub static HeartbeatGrace: u32 = 4;
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

	/// Disputes.
	#[dynamic_pallet_params]
	#[codec(index = 4)]
	pub mod dispute {
		/// The bond of a subject's first dispute, in planck.
		#[codec(index = 0)]
		pub static Bond: Balance = 10 * UNIT;
		/// Share of a lost bond that the accused gets; the pot gets the rest.
		#[codec(index = 1)]
		pub static WinnerShare: Permill = Permill::from_percent(50);
		/// Most nodes that a move reveals: a power of two, 2 to 256.
		#[codec(index = 2)]
		pub static Arity: u32 = 16;
		/// Blocks that a player of one dispute has for a move.
		#[codec(index = 3)]
		pub static ResponseWindow: BlockNumber = MINUTES;
		/// Blocks for which validators answer for a claim that they found and that fell later.
		#[codec(index = 4)]
		pub static LiabilityPeriod: BlockNumber = DAYS;
		/// Moves that a player may be asked for within a response window. Who plays in more disputes at a time has more
		/// windows for each.
		#[codec(index = 5)]
		pub static MovesPerWindow: u32 = 2;
		/// Most response windows that a player has for a move.
		#[codec(index = 6)]
		pub static MaxWindows: u32 = 32;
		/// Units, tokens times millions of parameters, that a player computes in the time of a move. A little more than
		/// half of what one core without vector units reads in it.
		#[codec(index = 7)]
		pub static UnitsPerMove: u64 = 50_000;
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
