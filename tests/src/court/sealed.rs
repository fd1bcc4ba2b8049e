//! Sealed jobs, and who is let read them: the worker's own desk, over this chain.

use super::{Ask, Court, Person, Work};
use noesis_primitives::{ContentHash, Disputable, JobId, JobSpec, OperatorStatus, Payload, Role, Subject};
use noesis_runtime::{AccountId, Operators, Poc, Poi, Runtime, System};
use noesis_worker::{
	keys::Keys,
	sealed::{
		seal_prompt, Asked, Casebook, ContentKey, Context, DrawKey, Envelope, KeyDesk, KeyRequest, OpenPanel,
		OpenedJob, ReadError, Reader, Refusal, SealKey, SealPublic, SealedJob, Unreadable,
	},
};

/// An account as the worker's software has it.
type Name = noesis_worker::AccountId;

fn name(account: &AccountId) -> Name {
	Name::from(<[u8; 32]>::from(account.clone()))
}

fn genesis() -> [u8; 32] {
	System::block_hash(0).0
}

impl Work {
	/// The same work for a sealed job: its answer is sealed.
	pub fn sealed(&self, job: JobId, opened: &OpenedJob) -> Self {
		let mut work = self.clone();
		let mut bytes = self.text.clone();
		opened.seal_output(Subject::Job(job), &mut bytes, &mut work.claim).unwrap();
		work.output = Payload::Inline(bytes.try_into().unwrap());
		work.seals = Some(opened.seals());
		work
	}
}

impl Court {
	/// What `requester` seals for `worker`.
	pub fn seal(&self, requester: &Person, worker: &Person, prompt: &[u8]) -> Envelope {
		let key = Operators::record(&worker.account).unwrap().capability.seal_key.unwrap();
		let context = Context { genesis: genesis(), requester: name(&requester.account) };
		seal_prompt(requester.keys().seal(), &SealPublic(key), &context, prompt).unwrap()
	}

	/// Asks `worker` for a sealed job: an envelope, and a commitment.
	pub fn submit_sealed(
		&mut self,
		requester: &Person,
		ask: &Ask,
		worker: &Person,
		(envelope, committed): (&[u8], ContentHash),
	) -> JobId {
		let job = pallet_poi::NextJob::<Runtime>::get();
		let input = Payload::Inline(envelope.to_vec().try_into().unwrap());
		let spec = JobSpec { input, sealed: Some(committed), ..ask.spec(self.checkpoint, Some(worker)) };
		self.ok(requester, pallet_poi::Call::submit { spec, max_fee: super::UNIT });
		job
	}

	/// Opens a sealed job with somebody's key, as its software would.
	pub fn open_sealed(&self, reader: &Person, job: JobId) -> Result<OpenedJob, ReadError> {
		let (sealed, input) = sealed_job(job).unwrap();
		Reader::new(reader.keys(), genesis()).open(&sealed, &input)
	}

	/// A sealed job, taken and answered with what `work` says of its answer.
	pub fn answered_sealed(
		&mut self,
		requester: &Person,
		ask: &Ask,
		worker: &Person,
		work: &Work,
	) -> (JobId, OpenedJob, Work) {
		let envelope = self.seal(requester, worker, &ask.input);
		let job = self.submit_sealed(requester, ask, worker, (&envelope.bytes, envelope.commitment));
		let opened = self.open_sealed(worker, job).unwrap();
		let work = work.sealed(job, &opened);
		self.ok(worker, pallet_poi::Call::claim { job });
		self.answer(worker, job, &work).unwrap();
		self.block();
		(job, opened, work)
	}

	/// What the desk of a job's worker gives a validator that shows its draw.
	pub fn ask_for_key(&self, validator: &Person, job: JobId) -> Result<ContentKey, Refusal> {
		let worker = Poi::disputed(Subject::Job(job)).unwrap().worker;
		let owner = self.staff_of(&worker);
		let asked = Asked { genesis: genesis(), job, worker: name(&worker) };
		let seed = Poc::seed(Subject::Job(job)).unwrap_or_default();
		let reader = SealKey::random().unwrap();
		let request = KeyRequest::new(&validator.keys(), &asked, reader.public(), validator.draw(&seed));
		let desk = KeyDesk::new(owner.keys(), genesis(), Book(owner.keys()));
		let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
		let grant = runtime.block_on(desk.grant(job, &request))?;
		Ok(grant.open(&asked, &request, &reader).unwrap())
	}

	/// The worker of the court that has this account.
	fn staff_of(&self, account: &AccountId) -> Person {
		let names = ["worker", "accomplice"];
		names.map(Person::named).into_iter().find(|person| person.account == *account).unwrap()
	}
}

/// A sealed job and its input, as the chain shows them.
fn sealed_job(job: JobId) -> Option<(SealedJob, Vec<u8>)> {
	let view = Poi::job_view(job)?;
	let (requester, worker) = (name(&view.requester), view.spec.worker.as_ref().map(name));
	let Payload::Inline(input) = view.spec.input else { return None };
	let sealed = SealedJob { id: job, requester, worker, committed: view.spec.sealed? };
	Some((sealed, input.into_inner()))
}

/// What the desk of the worker with these keys reads of this chain.
struct Book(Keys);

impl Casebook for Book {
	async fn panel(&self, job: JobId) -> Result<Option<OpenPanel>, Unreadable> {
		let subject = Subject::Job(job);
		let is_open = Poc::windows(subject).is_some_and(|windows| !windows.over);
		let panel = Poc::panel_view(subject).filter(|panel| is_open && panel.audited == Some(true));
		Ok(panel.filter(|panel| name(&panel.worker) == self.0.account()).and_then(|panel| {
			let (size, validators, window, opened) =
				(panel.size, panel.validators, panel.window, panel.opened);
			panel.seed.map(|seed| OpenPanel { seed, size, validators, window, opened })
		}))
	}

	async fn draw_key(&self, who: Name, job: JobId) -> Result<Option<DrawKey>, Unreadable> {
		let Some(view) = Poi::job_view(job) else { return Ok(None) };
		let record = Operators::record(&AccountId::new(who.0));
		Ok(record.and_then(|record| {
			let validates = record.role == Role::Validator && record.status == OperatorStatus::Active;
			let since = record.offers_since(view.spec.checkpoint).filter(|_| validates);
			since.map(|since| DrawKey { public: record.capability.draw_key, since })
		}))
	}

	async fn content_key(&self, job: JobId) -> Result<Option<ContentKey>, Unreadable> {
		let Some((sealed, input)) = sealed_job(job) else { return Ok(None) };
		let opened = Reader::new(self.0.clone(), genesis()).open(&sealed, &input);
		opened.map(|opened| Some(opened.content_key().clone())).map_err(|why| Unreadable(why.to_string()))
	}
}
