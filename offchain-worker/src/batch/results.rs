//! The results of a batch: what a worker answers with, and what anybody checks and shows of it.

use super::Inputs;
use crate::{
	bundle::{Entry, Parties},
	chain::Call,
};
use codec::{Compact, Decode, DecodeAll, Encode};
use noesis_primitives::{
	merkle::{self, Node},
	BundleId, Claim, ContentHash, Item, JobId, JobKind, Root, Usage, MAX_ITEMS,
};

/// Why a blob is not the results of a batch.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ResultsError {
	/// The bytes are something else.
	#[error("the results are damaged: they can't be read")]
	Damaged,
	/// They are other results than the answer commits to.
	#[error("the results are not those that the worker committed to")]
	Other,
	/// An output is not what its item says.
	#[error("the output of item {0} is not the one that the worker committed to")]
	Output(u32),
	/// A total is too large to be one.
	#[error("the items took more tokens than can be counted")]
	Usage,
}

/// The results of a batch, in the order of its inputs.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Results {
	entries: Vec<(Item, Vec<u8>)>,
	leaves: Vec<Node>,
}

impl Results {
	/// Adds the result of the next input.
	pub fn push(&mut self, text: &[u8], output: Vec<u8>, claim: Claim) -> Result<(), ResultsError> {
		let index = u32::try_from(self.entries.len()).map_err(|_| ResultsError::Usage)?;
		let before = self.usage();
		let sum = |a: u32, b: u32| a.checked_add(b).ok_or(ResultsError::Usage);
		let item = Item {
			input: super::inputs::input(index, text),
			output_bytes: u32::try_from(output.len()).map_err(|_| ResultsError::Usage)?,
			claim,
			total: Usage {
				input_tokens: sum(before.input_tokens, claim.usage.input_tokens)?,
				output_tokens: sum(before.output_tokens, claim.usage.output_tokens)?,
			},
		};
		self.leaves.push(item.leaf());
		self.entries.push((item, output));
		Ok(())
	}

	/// What all items took together.
	pub fn usage(&self) -> Usage {
		self.entries.last().map(|(item, _)| item.total).unwrap_or_default()
	}

	/// The blob as it travels.
	pub fn encode(&self) -> Vec<u8> {
		self.entries.encode()
	}

	/// What answers the batch.
	pub fn claim(&self) -> Claim {
		Claim {
			root: Root(merkle::root(&self.leaves)),
			leaves: u32::try_from(self.leaves.len()).unwrap_or(u32::MAX),
			output: ContentHash::of(&self.encode()),
			usage: self.usage(),
		}
	}

	/// Reads results that somebody gave: the blob that the answer names, the tree under its root, every output as its
	/// item has it. Whether the items are right is another matter.
	pub fn read(bytes: &[u8], claim: &Claim) -> Result<Self, ResultsError> {
		let count = Compact::<u32>::decode(&mut &bytes[..]).map_err(|_| ResultsError::Damaged)?.0;
		if count > MAX_ITEMS || count != claim.leaves || ContentHash::of(bytes) != claim.output {
			return Err(ResultsError::Other);
		}
		let entries =
			Vec::<(Item, Vec<u8>)>::decode_all(&mut &bytes[..]).map_err(|_| ResultsError::Damaged)?;
		let leaves: Vec<Node> = entries.iter().map(|(item, _)| item.leaf()).collect();
		if merkle::root(&leaves) != claim.root.0 {
			return Err(ResultsError::Other);
		}
		for ((item, output), index) in entries.iter().zip(0..) {
			if item.claim.output != ContentHash::of(output) || item.output_bytes as usize != output.len() {
				return Err(ResultsError::Output(index));
			}
		}
		Ok(Self { entries, leaves })
	}

	/// All items with their outputs.
	pub fn entries(&self) -> &[(Item, Vec<u8>)] {
		&self.entries
	}

	/// Why item `index` can't be true, by what was asked and by its neighbours: the chain would say the same.
	pub fn fault(&self, index: u32, inputs: &Inputs, claim: &Claim) -> Option<&'static str> {
		let (item, _) = self.entries.get(index as usize)?;
		let before = index.checked_sub(1).and_then(|before| self.entries.get(before as usize));
		let is_last = self.entries.len() == index as usize + 1;
		if !inputs.is_asked(index, &item.input) {
			return Some("its input is not the one that was asked");
		}
		if !item.continues(before.map(|(item, _)| item)) {
			return Some("its total does not follow from the item before it");
		}
		(is_last && item.total != claim.usage).then_some("the answer charges for more than the items took")
	}

	/// The call that shows item `index`.
	pub fn show(&self, batch: JobId, inputs: &Inputs, index: u32) -> Option<Call> {
		let with_path = |index: u32| {
			let (item, _) = self.entries.get(index as usize)?;
			Some((*item, merkle::path(&self.leaves, index)?))
		};
		let before = match index.checked_sub(1) {
			Some(before) => Some(with_path(before)?),
			None => None,
		};
		Some(Call::present_item(batch, index, &with_path(index)?, &before, &inputs.asked(index)?))
	}

	/// Item `index` as an entry of its bundle.
	pub fn entry(
		&self,
		batch: JobId,
		parties: &Parties,
		kind: JobKind,
		inputs: &Inputs,
		claim: &Claim,
		index: u32,
	) -> Option<Entry> {
		let (item, _) = self.entries.get(index as usize)?;
		Some(Entry {
			subject: BundleId::Batch(batch).subject(index),
			work: parties.work(kind, (item.input.hash, item.input.len), item.output_bytes, item.claim),
			show: Some(self.show(batch, inputs, index)?),
			fault: self.fault(index, inputs, claim),
		})
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use proptest::prelude::*;

	fn claim_of(output: &[u8], tokens: u32) -> Claim {
		let usage = Usage { input_tokens: tokens, output_tokens: 2 };
		Claim { root: Root([1; 32]), leaves: 9, output: ContentHash::of(output), usage }
	}

	fn batch(count: u32) -> (Inputs, Results) {
		let texts: Vec<Vec<u8>> = (0..count).map(|i| format!("input {i}").into_bytes()).collect();
		let mut results = Results::default();
		for (text, index) in texts.iter().zip(0..) {
			let output = format!("output {index}").into_bytes();
			let claim = claim_of(&output, index + 1);
			results.push(text, output, claim).unwrap();
		}
		(Inputs::new(texts).unwrap(), results)
	}

	#[test]
	fn results_should_be_refused_when_they_are_not_what_was_committed_to() {
		let (_, results) = batch(3);
		let claim = results.claim();
		assert_eq!(claim.usage, Usage { input_tokens: 6, output_tokens: 6 });
		let blob = results.encode();
		assert_eq!(Results::read(&blob, &claim), Ok(results.clone()));
		let read = |claim: Claim| Results::read(&blob, &claim);
		assert_eq!(read(Claim { root: Root([7; 32]), ..claim }), Err(ResultsError::Other));
		assert_eq!(read(Claim { leaves: 4, ..claim }), Err(ResultsError::Other));
		assert_eq!(read(Claim { output: ContentHash([7; 32]), ..claim }), Err(ResultsError::Other));
		let mut swapped = results.clone();
		swapped.entries[1].1 = b"output 9".to_vec();
		let blob = swapped.encode();
		let claim = Claim { output: ContentHash::of(&blob), ..claim };
		assert_eq!(Results::read(&blob, &claim), Err(ResultsError::Output(1)));
		assert_eq!(Results::read(b"", &claim), Err(ResultsError::Damaged));
		let cut = &blob[..blob.len() - 1];
		let claim = Claim { output: ContentHash::of(cut), ..claim };
		assert_eq!(Results::read(cut, &claim), Err(ResultsError::Damaged));
	}

	#[test]
	fn item_should_be_faulty_when_the_chain_would_condemn_it() {
		let (inputs, honest) = batch(4);
		let claim = honest.claim();
		assert!((0..4).all(|index| honest.fault(index, &inputs, &claim).is_none()));
		let with = |change: &dyn Fn(&mut Results)| {
			let mut results = honest.clone();
			change(&mut results);
			(0..4).filter(|index| results.fault(*index, &inputs, &claim).is_some()).collect::<Vec<u32>>()
		};
		assert_eq!(with(&|results| results.entries[2].0.input.hash = ContentHash([0; 32])), [2]);
		// One item answered twice.
		assert_eq!(with(&|results| results.entries[1].0.input = results.entries[0].0.input), [1]);
		// A total that is padded shows between two neighbours.
		assert_eq!(with(&|results| results.entries[1].0.total.input_tokens += 5), [1, 2]);
		assert_eq!(with(&|results| results.entries[3].0.total.input_tokens += 5), [3]);
		let padded = Claim { usage: Usage { output_tokens: 99, ..claim.usage }, ..claim };
		assert!(honest.fault(3, &inputs, &padded).is_some() && honest.fault(2, &inputs, &padded).is_none());
	}

	#[test]
	fn results_should_be_refused_when_their_totals_overflow() {
		let mut results = Results::default();
		results.push(b"a", b"b".to_vec(), claim_of(b"b", u32::MAX)).unwrap();
		assert_eq!(results.push(b"a", b"b".to_vec(), claim_of(b"b", 1)), Err(ResultsError::Usage));
		assert_eq!(results.entries().len(), 1);
	}

	proptest! {
		#[test]
		fn every_item_should_be_shown_with_the_one_before_it(count in 1u32..40) {
			let (inputs, results) = batch(count);
			for index in 0..count {
				prop_assert!(results.show(JobId(3), &inputs, index).is_some());
			}
			prop_assert!(results.show(JobId(3), &inputs, count).is_none());
		}
	}
}
