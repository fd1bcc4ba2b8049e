//! What a step is about: mostly something that the deed fits, and who it is for to do, sometimes anything and anybody.

use super::{
	deed::{Deed, Step},
	scene::{VALIDATORS, WORKERS},
};
use noesis_primitives::*;
use noesis_runtime::{AccountId, Poi, Runtime};
use noesis_tests::court::Person;

/// How many of the newest jobs and channels are looked at.
const LOOKED_AT: u64 = 12;

/// Who does something, and to what.
pub struct About {
	pub who: Person,
	pub what: u8,
	pub job: JobId,
	pub channel: ChannelId,
	pub dispute: DisputeId,
	pub subject: Subject,
}

/// One of `all`.
fn nth<T>(all: Vec<T>, pick: u8) -> Option<T> {
	let at = usize::from(pick).checked_rem(all.len())?;
	all.into_iter().nth(at)
}

fn jobs(wanted: impl Fn(&JobView<AccountId>) -> bool) -> Vec<JobView<AccountId>> {
	let next = pallet_poi::NextJob::<Runtime>::get().0;
	let views = (next.saturating_sub(LOOKED_AT)..next).filter_map(|id| Poi::job_view(JobId(id)));
	views.filter(wanted).collect()
}

fn channels(wanted: impl Fn(&ChannelView<AccountId>) -> bool) -> Vec<ChannelView<AccountId>> {
	let next = pallet_poi::NextChannel::<Runtime>::get().0;
	let views = (next.saturating_sub(LOOKED_AT)..next).filter_map(|id| Poi::channel_view(ChannelId(id)));
	views.filter(wanted).collect()
}

impl About {
	pub fn of(people: &[Person], (who, what, deed): Step) -> Self {
		let newest = |next: u64| next.saturating_sub(1 + u64::from(what) % 4);
		let job = JobId(newest(pallet_poi::NextJob::<Runtime>::get().0));
		let mut about = Self {
			who: people[usize::from(who) % people.len()].clone(),
			what,
			job,
			channel: ChannelId(newest(pallet_poi::NextChannel::<Runtime>::get().0)),
			dispute: DisputeId(newest(pallet_dispute::NextDispute::<Runtime>::get().0)),
			subject: Subject::Job(job),
		};
		if what % 8 > 0 {
			about.fit(people, deed);
		}
		about
	}

	fn fit(&mut self, people: &[Person], deed: Deed) {
		let pick = self.what / 8;
		match deed {
			Deed::Claim => {
				let any = &people[usize::from(pick) % WORKERS].account;
				self.take_job(
					people,
					|job| job.state == JobState::Open,
					|job| Some(job.spec.worker.as_ref().unwrap_or(any).clone()),
				);
			},
			Deed::Release | Deed::Answer { .. } => {
				let assigned = |job: &JobView<AccountId>| matches!(job.state, JobState::Assigned { .. });
				self.take_job(people, assigned, |job| job.state.worker().cloned());
			},
			Deed::Cancel => {
				self.take_job(people, |job| job.state == JobState::Open, |job| Some(job.requester.clone()));
			},
			Deed::Settle | Deed::Expire => {
				self.take_job(people, |job| matches!(job.state, JobState::Answered { .. }), |_| None);
			},
			Deed::Rate(_) => {
				let rated =
					|job: &JobView<_>| matches!(job.state, JobState::Final { .. }) && job.rating.is_none();
				self.take_job(people, rated, |job| Some(job.requester.clone()));
			},
			Deed::ShowItem { .. } => {
				let shown = |job: &JobView<_>| job.batch.is_some() && job.claim.is_some();
				self.take_job(people, shown, |job| {
					job.state.worker().filter(|_| !pick.is_multiple_of(4)).cloned()
				});
			},
			Deed::Verdict { .. } | Deed::Abstain => {
				self.take_subject(pick);
				self.who = people[WORKERS + usize::from(pick) % VALIDATORS].clone();
			},
			Deed::Challenge { .. } | Deed::Demand { .. } | Deed::ProveLength | Deed::ProveOutput { .. } => {
				self.take_subject(pick);
			},
			Deed::Move { .. } | Deed::Choose(_) | Deed::Timeout => {
				let all = pallet_dispute::Disputes::<Runtime>::iter_keys().collect();
				self.dispute = nth(all, pick).unwrap_or(self.dispute);
			},
			Deed::Accept => self.take_channel(people, |state| state == ChannelState::Offered, true),
			Deed::Close { .. } => {
				self.take_channel(people, |state| state == ChannelState::Open, !pick.is_multiple_of(3));
			},
			Deed::Contest { .. } => {
				self.take_channel(people, |state| matches!(state, ChannelState::Closing { .. }), true);
			},
			Deed::ShowTurn { .. } | Deed::SettleChannel => {
				self.take_channel(people, |state| state == ChannelState::Closed, !pick.is_multiple_of(4));
			},
			_ => {},
		}
	}

	fn take_job(
		&mut self,
		people: &[Person],
		wanted: impl Fn(&JobView<AccountId>) -> bool,
		whose: impl Fn(&JobView<AccountId>) -> Option<AccountId>,
	) {
		let Some(job) = nth(jobs(wanted), self.what / 8) else { return };
		self.job = job.id;
		self.become_one_of(people, whose(&job));
	}

	fn take_channel(&mut self, people: &[Person], wanted: impl Fn(ChannelState) -> bool, by_worker: bool) {
		let Some(channel) = nth(channels(|channel| wanted(channel.state)), self.what / 8) else { return };
		self.channel = channel.id;
		self.become_one_of(people, Some(if by_worker { channel.spec.worker } else { channel.requester }));
	}

	fn take_subject(&mut self, pick: u8) {
		self.subject =
			nth(pallet_poc::Panels::<Runtime>::iter_keys().collect(), pick).unwrap_or(self.subject);
	}

	fn become_one_of(&mut self, people: &[Person], who: Option<AccountId>) {
		let found = who.and_then(|who| people.iter().find(|person| person.account == who));
		self.who = found.unwrap_or(&self.who).clone();
	}
}
