//! What becomes of a schedule: its steps taken one after the other on the chain.

use super::{
	about::About,
	deed::{Deed, Step},
	scene::{Question, Scene, VALIDATORS, WORKERS},
};
use noesis_primitives::*;
use noesis_runtime::{Dispute, Operators, Poc, Poi, Runtime};
use noesis_tests::court::*;
use pallet_dispute::Call as Disputes;
use pallet_operators::Call as Operator;
use pallet_poc::Call as Panels;
use pallet_poi::Call as Jobs;
use polkadot_sdk::sp_runtime::DispatchError;

/// Blocks in which everything must have ended.
const PATIENCE: u32 = 600;

/// A canary that was committed to.
struct Planned {
	canary: Canary,
	committed: BlockNumber,
	/// Its job, and the leaf that shows it, once there are.
	job: Option<JobId>,
	shown: Option<(u32, Opening)>,
}

pub struct Market<'a> {
	pub(super) people: &'a [Person],
	pub(super) question: &'a Question,
	planned: Vec<Planned>,
	pub done: usize,
}

impl<'a> Market<'a> {
	pub fn open(scene: &'a Scene, texts: bool) -> Self {
		let question = &scene.questions[usize::from(texts)];
		Self { people: &scene.people, question, planned: Vec::new(), done: 0 }
	}

	/// More often true than not.
	pub(super) fn work(&self, number: u8) -> &'a Work {
		let works = &self.question.works;
		&works[if number < 120 { 0 } else { usize::from(number) % works.len() }]
	}

	fn truth(&self) -> &'a Work {
		&self.question.works[0]
	}

	pub(super) fn turns(&self, channel: ChannelId, count: u8, work: u8) -> Turns {
		let mut turns = Turns::none(channel);
		(0..count % 4).for_each(|_| turns.add(self.question.ask.kind, self.work(work), UNIT / 4));
		turns
	}

	/// Tries something; what is refused leaves all as it was.
	pub fn step(&mut self, court: &mut Court, step: Step) {
		let (_, what, deed) = step;
		let about = About::of(self.people, step);
		let done = match deed {
			Deed::Blocks(count) => {
				court.blocks(count.into());
				true
			},
			Deed::Canary => self.go_on_with_canary(court, what),
			Deed::Plan { salt } => self.plan_canary(court, &about, salt),
			Deed::Verdict { work } => court.speak(&about.who, about.subject, self.work(work)).is_ok(),
			Deed::Move { work, plays } => self.play(court, about.dispute, work, plays),
			Deed::Answer { work } => self.answer(court, &about, self.work(work)).is_ok(),
			Deed::Exclude(blocks) => {
				let (who, blocks) = (self.operator(what), u32::from(blocks));
				Operators::record(&who).is_some() && {
					court.govern(Operator::exclude { who, blocks });
					true
				}
			},
			Deed::Readmit => {
				let who = self.operator(what);
				court.try_to_govern(Operator::readmit { who }).is_ok()
			},
			Deed::Confirm => {
				let who = self.operator(what);
				court.try_to_govern(Operator::confirm { who }).is_ok()
			},
			_ => self.call(court, &about, deed).is_some_and(|call| court.dispatch(&about.who, call).is_ok()),
		};
		self.done += usize::from(done);
	}

	/// One of those who were operators at the beginning.
	fn operator(&self, number: u8) -> noesis_runtime::AccountId {
		self.people[usize::from(number) % (WORKERS + VALIDATORS)].account.clone()
	}

	pub(super) fn verification(number: u8) -> Verification {
		match number % 4 {
			0 => Verification::Panel(2),
			1 => Verification::Replicated(1),
			_ => Verification::Sampled,
		}
	}

	/// The call that a deed is.
	fn call(&self, court: &Court, about: &About, deed: Deed) -> Option<noesis_runtime::RuntimeCall> {
		let About { who, what, job, channel, dispute, subject } = about;
		let (job, channel, dispute, subject) = (*job, *channel, *dispute, *subject);
		let ask = &self.question.ask;
		Some(match deed {
			Deed::Submit { worker, verification, tier } => {
				let named = worker.then(|| &self.people[0]);
				let ask = ask.clone().checked(Self::verification(verification));
				let mut spec = ask.spec(court.checkpoint, named);
				spec.tier = Tier::BY_PRECEDENCE[usize::from(tier) % 3];
				Jobs::submit { spec, max_fee: UNIT }.into()
			},
			Deed::Batch { worker, count, verification } => {
				let mut spec =
					self.batch(1 + u32::from(count) % 5, self.truth()).spec(court, &self.people[0]);
				spec.worker = spec.worker.filter(|_| worker);
				spec.verification = Self::verification(verification);
				Jobs::submit_batch { spec, max_fee: 5 * UNIT }.into()
			},
			Deed::Claim => Jobs::claim { job }.into(),
			Deed::Release => Jobs::release { job }.into(),
			Deed::Cancel => Jobs::cancel { job }.into(),
			Deed::Expire => Jobs::expire { job }.into(),
			Deed::Settle => Jobs::settle { job }.into(),
			Deed::Rate(stars) => Jobs::rate { job, stars: stars % 7 }.into(),
			Deed::Abstain => Panels::abstain { subject, draw: who.draw(&Poc::seed(subject)?) }.into(),
			Deed::ExpireCanary => {
				let planned = self.planned.get(usize::from(*what) % self.planned.len().max(1))?;
				self.expiry(planned).into()
			},
			Deed::Challenge { validator, work } => {
				let (accused, claim) = self.accused(about, validator, work);
				Disputes::challenge { subject, accused, claim }.into()
			},
			Deed::Demand { validator, work } => {
				let (accused, claim) = self.accused(about, validator, work);
				Disputes::demand { subject, accused, claim }.into()
			},
			Deed::ProveOutput { validator } => {
				let lie = &self.question.works[5];
				let proof = court.show_other_output(self.truth(), lie)?;
				let (accused, claim) = (self.accused(about, validator, 0).0, lie.claim);
				Disputes::prove_output { subject, accused, claim, proof }.into()
			},
			Deed::ProveLength => {
				let short = &self.question.works[3];
				let proof = court.show_stopped_short(self.truth(), &short.claim)?;
				let (accused, claim) = (Accused::Worker, short.claim);
				let architecture = *court.model.architecture();
				Disputes::prove_length { subject, accused, claim, architecture, proof }.into()
			},
			Deed::Choose(child) => Disputes::choose { dispute, child: u32::from(child) % 17 }.into(),
			Deed::Timeout => Disputes::timeout { dispute }.into(),
			Deed::Offer { escrow, cap } => {
				let spec = ChannelSpec {
					worker: self.people[usize::from(*what) % WORKERS].account.clone(),
					checkpoint: court.checkpoint,
					escrow: u128::from(escrow % 8) * UNIT / 2,
					cap: u128::from(cap % 4) * UNIT / 4,
					lifetime: 1 + u32::from(cap) / 8,
					tier: Tier::BY_PRECEDENCE[usize::from(escrow) % 3],
					verification: Verification::Sampled,
				};
				Jobs::open_channel { spec }.into()
			},
			Deed::Accept => Jobs::accept_channel { channel }.into(),
			Deed::Close { turns, work, signed } => self.close(court, about, turns, work, signed).into(),
			Deed::Contest { turns, work } => {
				let tally = self.turns(channel, turns, work).tally();
				let payer = Poi::channel_view(channel).map(|view| view.requester);
				let payer = payer.and_then(|payer| self.people.iter().find(|one| one.account == payer));
				let signature = payer.unwrap_or(who).sign(&tally.message(&Poi::genesis()));
				Jobs::contest_close { tally, signature }.into()
			},
			Deed::ShowTurn { index, work } => {
				let tally = Poi::channel_view(channel).and_then(|view| view.tally)?;
				let turns = |work| self.turns(channel, tally.turns as u8, work);
				let work = self.matching(work, |work| turns(work).tally().root == tally.root);
				let turns = turns(work);
				let index = u32::from(index) % 4;
				turns.turns.get(index as usize)?;
				turns.present(index).into()
			},
			Deed::ShowItem { index, work } => {
				let (count, claim) =
					Poi::job_view(job).and_then(|view| Some((view.batch?.count, view.claim?)))?;
				let batch = |work| self.batch(count, self.work(work));
				let work = self.matching(work, |work| batch(work).claim().root == claim.root);
				let drawn = Poi::bundle_view(BundleId::Batch(job)).and_then(|view| view.audits);
				let drawn = drawn.filter(|drawn| !drawn.is_empty() && index % 4 > 0).unwrap_or_default();
				let drawn = drawn.get(usize::from(index) % drawn.len().max(1)).copied();
				batch(work).present(job, drawn.unwrap_or(u32::from(index) % count)).into()
			},
			Deed::SettleChannel => Jobs::settle_channel { channel }.into(),
			Deed::ClaimAll => {
				let back = |number: u64| (0..4).map(move |back| number.saturating_sub(back));
				let jobs = back(job.0).map(|job| Engagement::Job(JobId(job)));
				let batches = back(job.0).map(|job| Engagement::Bundle(BundleId::Batch(JobId(job))));
				let channels = back(channel.0).map(|id| Engagement::Bundle(BundleId::Channel(ChannelId(id))));
				let engagements = jobs.chain(batches).chain(channels).collect::<Vec<_>>().try_into().ok()?;
				Jobs::claim_all { engagements }.into()
			},
			Deed::Register { role, stake } => {
				let role = if role { Role::Worker } else { Role::Validator };
				let (stake, capability) = (u128::from(stake) * UNIT, court.capability(who));
				Operator::register { role, stake, capability }.into()
			},
			Deed::AddStake(amount) => Operator::add_stake { amount: u128::from(amount) * UNIT }.into(),
			Deed::Offers { owner } => {
				let mut capability = court.capability(who);
				let owner = self.people.get(usize::from(owner) % (2 * self.people.len()));
				capability.owner = owner.map(|owner| owner.account.clone().into());
				Operator::update_capability { capability }.into()
			},
			Deed::Authorise { belongs } => {
				Operator::authorise { device: self.operator(*what), belongs }.into()
			},
			Deed::Unbond => Operator::unbond {}.into(),
			Deed::Withdraw => Operator::withdraw {}.into(),
			Deed::Rejoin => Operator::rejoin {}.into(),
			Deed::Heartbeat => Operator::heartbeat {}.into(),
			Deed::Sweep => Operator::sweep { who: self.operator(*what) }.into(),
			Deed::Appeal => Operator::appeal { reason: Default::default() }.into(),
			Deed::Blocks(_)
			| Deed::Answer { .. }
			| Deed::Verdict { .. }
			| Deed::Plan { .. }
			| Deed::Canary
			| Deed::Move { .. }
			| Deed::Exclude(_)
			| Deed::Readmit
			| Deed::Confirm => return None,
		})
	}

	/// The number of the work that something was made of, or, one time in eight, any.
	fn matching(&self, work: u8, made: impl Fn(u8) -> bool) -> u8 {
		// Numbers of works beyond the first begin where they are no longer the truth.
		let all = std::iter::once(0).chain((120..).take(self.question.works.len()));
		all.into_iter().find(|number| !work.is_multiple_of(8) && made(*number)).unwrap_or(work)
	}

	/// The same question so many times, and this answer to each.
	pub(super) fn batch(&self, count: u32, work: &Work) -> Batch {
		Batch::of(self.question.ask.kind, &vec![work; count as usize])
	}

	/// Whose claim is disputed, and which: mostly the one that there is.
	fn accused(
		&self,
		about: &About,
		validator: bool,
		work: u8,
	) -> (Accused<noesis_runtime::AccountId>, Claim) {
		let accused = match validator {
			false => Accused::Worker,
			true => Accused::Validator(
				self.people[WORKERS + usize::from(about.what) % VALIDATORS].account.clone(),
			),
		};
		let claimed = Poi::disputed(about.subject).filter(|_| !validator).map(|subject| subject.claim);
		(accused, claimed.unwrap_or(self.work(work).claim))
	}

	fn answer(&self, court: &mut Court, about: &About, work: &Work) -> Result<(), DispatchError> {
		match Poi::job_view(about.job).and_then(|view| view.batch) {
			Some(inputs) => court.dispatch(&about.who, self.batch(inputs.count, work).answer(about.job)),
			None => court.answer(&about.who, about.job, work),
		}
	}

	fn close(&self, court: &Court, about: &About, turns: u8, work: u8, signed: bool) -> Jobs<Runtime> {
		let tally = self.turns(about.channel, turns, work).tally();
		let other = Poi::channel_view(about.channel).map(|view| match view.requester == about.who.account {
			true => view.spec.worker,
			false => view.requester,
		});
		let other = other.and_then(|other| self.people.iter().find(|one| one.account == other));
		let mut call = court.close(tally, other.unwrap_or(&about.who));
		if let (false, Jobs::close_channel { signature, .. }) = (signed, &mut call) {
			*signature = None;
		}
		call
	}

	/// Commits to a canary between two of the people.
	fn plan_canary(&mut self, court: &mut Court, about: &About, salt: u8) -> bool {
		let others = &self.people[WORKERS + VALIDATORS..];
		let canary = Canary {
			proposer: about.who.clone(),
			requester: others[usize::from(about.what) % others.len()].clone(),
			worker: self.people[usize::from(salt) % WORKERS].clone(),
			salt: [salt; 32],
		};
		let committed = court.now();
		let done = court.dispatch(&about.who, canary.commit(self.truth(), court.checkpoint)).is_ok();
		if done {
			self.planned.push(Planned { canary, committed, job: None, shown: None });
		}
		done
	}

	/// The next thing that a canary needs: its job, its answer, its reveal.
	fn go_on_with_canary(&mut self, court: &mut Court, which: u8) -> bool {
		let (ask, truth) = (&self.question.ask, self.truth());
		let at = usize::from(which) % self.planned.len().max(1);
		let Some(planned) = self.planned.get_mut(at) else { return false };
		let Canary { proposer, requester, worker, salt } = planned.canary.clone();
		match (planned.job, planned.shown.clone()) {
			(None, _) => {
				let spec = ask.spec(court.checkpoint, Some(&worker));
				let job = pallet_poi::NextJob::<Runtime>::get();
				let asked = court.dispatch(&requester, Jobs::submit { spec, max_fee: UNIT }).is_ok();
				planned.job = asked.then_some(job);
				asked && court.dispatch(&worker, Jobs::claim { job }).is_ok()
			},
			(Some(job), None) => {
				let made = planned.canary.plant(truth, ask.kind, court.checkpoint, planned.committed);
				let Some((work, index, opening)) = made else { return false };
				let answered = court.answer(&worker, job, &work).is_ok();
				planned.shown = answered.then_some((index, opening));
				answered
			},
			(Some(job), Some((index, opening))) => {
				let (subject, proposer, truth) = (Subject::Job(job), proposer.account, truth.claim.hash());
				let reveal = Panels::reveal_canary { subject, proposer, truth, salt, index, opening };
				court.dispatch(&requester, reveal).is_ok()
			},
		}
	}

	fn expiry(&self, planned: &Planned) -> Panels<Runtime> {
		let commitment = planned.canary.commitment(self.truth());
		Panels::expire_canary { proposer: planned.canary.proposer.account.clone(), commitment }
	}

	/// Some moves of both sides in a dispute: the accused by what it claimed, the challenger by any work.
	fn play(&self, court: &mut Court, dispute: DisputeId, work: u8, plays: u8) -> bool {
		let mut moved = false;
		for _ in 0..plays % 16 {
			let Some(view) = Dispute::dispute(dispute) else { break };
			let Some(mover) = self.people.iter().find(|one| one.account == view.mover) else { break };
			let defends = view.mover == view.defender;
			let claimed = self.question.works.iter().find(|work| work.claim == view.claim);
			let Some(held) = (if defends { claimed } else { Some(self.work(work)) }) else { break };
			let Some(play) = court.next_play(&Party::of(mover, held), &view) else { break };
			if court.play(mover, dispute, play).is_err() {
				break;
			}
			moved = true;
		}
		moved
	}

	/// Everything ends if nobody does anything any more, but for calling canaries void whose time is over.
	pub fn end(&self, court: &mut Court) {
		let began = court.now();
		while let Some(what) = unfinished() {
			let waited = court.now() - began;
			assert!(waited < PATIENCE, "{what} does not end in {waited} blocks");
			court.block();
			for planned in &self.planned {
				let commitment = planned.canary.commitment(self.truth());
				let proposer = &planned.canary.proposer;
				let canary = pallet_poc::Canaries::<Runtime>::get(&proposer.account, commitment);
				if canary.is_some_and(|canary| canary.expires <= court.now()) {
					court.ok(&self.people[0], self.expiry(planned));
				}
			}
		}
		for person in self.people {
			let record = Operators::record(&person.account);
			let (stake, exposure) = record.map_or((0, 0), |record| (record.stake, record.exposure));
			assert_eq!(court.held(&person.account), stake, "{person:?} is held more than a stake");
			assert_eq!(exposure, 0, "{person:?} answers for jobs that ended");
		}
	}
}

/// Something that is not over, and its traces gone.
fn unfinished() -> Option<&'static str> {
	let left = [
		("a job", pallet_poi::Jobs::<Runtime>::iter_keys().next().is_some()),
		("a channel", pallet_poi::Channels::<Runtime>::iter_keys().next().is_some()),
		("a bundle", pallet_poi::Bundles::<Runtime>::iter_keys().next().is_some()),
		("an entry", pallet_poi::Entries::<Runtime>::iter_keys().next().is_some()),
		("a panel", pallet_poc::Panels::<Runtime>::iter_keys().next().is_some()),
		("a canary", pallet_poc::Canaries::<Runtime>::iter_keys().next().is_some()),
		("a dispute", pallet_dispute::Disputes::<Runtime>::iter_keys().next().is_some()),
		("a docket", pallet_dispute::Dockets::<Runtime>::iter_keys().next().is_some()),
	];
	left.into_iter().find(|(_, left)| *left).map(|(what, _)| what)
}
