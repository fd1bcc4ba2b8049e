//! Batches: many inputs under one job, and the answer as its worker makes it up.

use super::{Court, Person, Work, UNIT};
use noesis_primitives::{
	merkle::{self, Node},
	BatchSpec, Claim, Item, JobId, JobKind, Lane, Payload, Root, Tier, Verification,
};
use noesis_runtime::{AccountId, Runtime};
use noesis_worker::batch::{Inputs, Results};
use pallet_poi::{Call, Path};

/// A batch and its answer, whose items may be changed before it is given.
#[derive(Clone, Debug)]
pub struct Batch {
	/// What to compute of every input.
	pub kind: JobKind,
	/// What was asked.
	pub inputs: Inputs,
	/// What is answered.
	pub items: Vec<Item>,
	/// What the answer says that all items took together; what they took, if nothing is said.
	pub usage: Option<noesis_primitives::Usage>,
}

impl Batch {
	/// Asks for the inputs of `works`, and answers with these.
	pub fn of(kind: JobKind, works: &[&Work]) -> Self {
		let inputs = Inputs::new(works.iter().map(|work| work.input.clone()).collect()).unwrap();
		let mut results = Results::default();
		for work in works {
			results.push(&work.input, work.text.clone(), work.claim).unwrap();
		}
		let items = results.entries().iter().map(|(item, _)| *item).collect();
		Self { kind, inputs, items, usage: None }
	}

	fn leaves(&self) -> Vec<Node> {
		self.items.iter().map(Item::leaf).collect()
	}

	/// What goes to the chain.
	pub fn spec(&self, court: &Court, worker: &Person) -> BatchSpec<AccountId> {
		BatchSpec {
			checkpoint: court.checkpoint,
			kind: self.kind,
			list: Payload::Inline(self.inputs.list().try_into().unwrap()),
			inputs: self.inputs.facts(),
			worker: Some(worker.account.clone()),
			deadline: 20,
			lane: Lane::Dot,
			tier: Tier::Standard,
			verification: Verification::Panel(3),
		}
	}

	/// Where its outputs would be.
	pub fn output(&self) -> Payload {
		Payload::Inline(b"the list of outputs".to_vec().try_into().unwrap())
	}

	/// What answers it.
	pub fn claim(&self) -> Claim {
		let output = self.output();
		let root = Root(merkle::root(&self.leaves()));
		let usage = self.usage.unwrap_or_else(|| self.items.last().unwrap().total);
		Claim { root, leaves: self.items.len() as u32, output: output.content_hash(), usage }
	}

	/// The call that answers it.
	pub fn answer(&self, job: JobId) -> Call<Runtime> {
		let Claim { root, leaves, usage, .. } = self.claim();
		Call::answer { job, output: self.output(), root, leaves, usage }
	}

	/// The call that shows an item.
	pub fn present(&self, batch: JobId, index: u32) -> Call<Runtime> {
		let leaves = self.leaves();
		let path = |index| Path::truncate_from(merkle::path(&leaves, index).unwrap());
		let with_path = |index: u32| (self.items[index as usize], path(index));
		let (asked, asked_path) = self.inputs.asked(index).unwrap();
		let item = with_path(index);
		let before = index.checked_sub(1).map(with_path);
		Call::present_item { batch, index, item, before, asked: (asked, Path::truncate_from(asked_path)) }
	}
}

impl Court {
	/// A batch, asked, taken and answered; drawn in the block after that.
	pub fn batch(&mut self, requester: &Person, worker: &Person, batch: &Batch) -> JobId {
		let job = pallet_poi::NextJob::<Runtime>::get();
		let spec = batch.spec(self, worker);
		self.ok(requester, Call::submit_batch { spec, max_fee: UNIT });
		self.ok(worker, Call::claim { job });
		self.ok(worker, batch.answer(job));
		self.blocks(2);
		job
	}
}
