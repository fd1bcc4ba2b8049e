//! A job's life: asked, taken, answered, checked.

use super::{Court, Person, Work, UNIT};
use noesis_primitives::{
	CheckpointId, GenerateParams, InputFormat, JobId, JobKind, JobSpec, JobState, JobView, Lane, Payload,
	Subject, Tier, Verification,
};
use noesis_runtime::{AccountId, Poc, Poi, Runtime};
use polkadot_sdk::sp_runtime::DispatchError;

/// What somebody asks.
#[derive(Clone, Debug)]
pub struct Ask {
	/// What to compute.
	pub kind: JobKind,
	/// From what.
	pub input: Vec<u8>,
	/// How it is checked.
	pub verification: Verification,
}

impl Ask {
	/// The likeliest tokens after these ids.
	pub fn tokens(ids: &[u32], most: u32) -> Self {
		let input = ids.iter().flat_map(|id| id.to_le_bytes()).collect();
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Tokens, most));
		Self { kind, input, verification: Verification::Sampled }
	}

	/// The same, of a text.
	pub fn text(text: &str, most: u32) -> Self {
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, most));
		Self { kind, input: text.into(), verification: Verification::Sampled }
	}

	/// The same with other sampling.
	pub fn sampled(self, temperature: u16, seed: u64) -> Self {
		let JobKind::Generate(params) = self.kind;
		Self { kind: JobKind::Generate(GenerateParams { temperature, seed, ..params }), ..self }
	}

	/// The same, checked otherwise.
	pub fn checked(self, verification: Verification) -> Self {
		Self { verification, ..self }
	}

	/// What goes to the chain.
	pub fn spec(&self, checkpoint: CheckpointId, worker: Option<&Person>) -> JobSpec<AccountId> {
		JobSpec {
			checkpoint,
			kind: self.kind,
			input: Payload::Inline(self.input.clone().try_into().unwrap()),
			worker: worker.map(|worker| worker.account.clone()),
			deadline: 20,
			lane: Lane::Dot,
			tier: Tier::Standard,
			verification: self.verification,
			sealed: None,
		}
	}
}

impl Court {
	/// What comes out of a job in truth.
	pub fn truth(&self, ask: &Ask) -> Work {
		Work::of(self.model, ask.kind, &ask.input, None)
	}

	/// Asks for a job.
	pub fn submit(&mut self, requester: &Person, ask: &Ask, worker: Option<&Person>) -> JobId {
		let job = pallet_poi::NextJob::<Runtime>::get();
		let spec = ask.spec(self.checkpoint, worker);
		self.ok(requester, pallet_poi::Call::submit { spec, max_fee: UNIT });
		job
	}

	/// Answers a claimed job.
	pub fn answer(&mut self, worker: &Person, job: JobId, work: &Work) -> Result<(), DispatchError> {
		let (output, claim) = (work.output.clone(), work.claim);
		let (root, leaves, usage) = (claim.root, claim.leaves, claim.usage);
		self.dispatch(worker, pallet_poi::Call::answer { job, output, root, leaves, usage })
	}

	/// A directed job, taken and answered.
	pub fn answered(&mut self, requester: &Person, ask: &Ask, worker: &Person, work: &Work) -> JobId {
		let job = self.submit(requester, ask, Some(worker));
		self.ok(worker, pallet_poi::Call::claim { job });
		self.answer(worker, job, work).unwrap();
		self.block();
		job
	}

	/// Gives a validator's verdict, as soon as it is drawn. What is refused for another reason is returned.
	pub fn verdict(&mut self, validator: &Person, subject: Subject, work: &Work) -> Result<(), String> {
		loop {
			match self.speak(validator, subject, work) {
				Err(error) if error == "NotDrawn" || error == "NotYet" => self.block(),
				result => return result,
			}
		}
	}

	/// Gives a validator's verdict, or says why it may not.
	pub fn speak(&mut self, validator: &Person, subject: Subject, work: &Work) -> Result<(), String> {
		let Some(seed) = Poc::seed(subject) else { return Err("NotYet".into()) };
		let openings = Poc::panel_view(subject).map_or(0, |panel| panel.openings);
		let openings = work.openings(validator, &seed, openings).try_into().unwrap();
		let (claim, draw) = (work.claim, validator.draw(&seed));
		let call = pallet_poc::Call::verdict { subject, claim, draw, openings };
		match self.dispatch(validator, call) {
			Ok(()) => Ok(()),
			Err(DispatchError::Module(error)) => Err(error.message.unwrap_or("unnamed").into()),
			Err(error) => Err(format!("{error:?}")),
		}
	}

	/// Every validator gives the same verdict, as far as there is room.
	pub fn verdicts(&mut self, validators: &[Person], subject: Subject, work: &Work) {
		for validator in validators {
			match self.verdict(validator, subject, work) {
				Ok(()) => {},
				Err(error) => assert_eq!(error, "PanelOver"),
			}
		}
	}

	/// A job as it stands.
	pub fn job(&self, job: JobId) -> JobView<AccountId> {
		Poi::job_view(job).unwrap()
	}

	/// Blocks pass until the job has ended.
	pub fn end_of(&mut self, job: JobId) -> JobState<AccountId> {
		for _ in 0..2000 {
			let state = self.job(job).state;
			if state.is_terminal() {
				return state;
			}
			self.block();
		}
		panic!("job {job} does not end: {:?}", self.job(job).state);
	}
}
