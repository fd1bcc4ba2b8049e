//! Batches: lists of inputs, lists of results, and what a proposer of a canary sends a worker.

use codec::{DecodeAll, Encode};
use noesis_primitives::{
	merkle, CheckpointId, Claim, ContentHash, GenerateParams, InputFormat, Item, JobKind, Root, Usage,
};
use noesis_worker::{
	batch::{Inputs, Results},
	canary::Arrangement,
	channel::Signature,
	keys::Keys,
};

/// A list of inputs, a list of results, or an arrangement: the first byte says which.
pub fn run(bytes: &[u8]) {
	let Some((kind, bytes)) = bytes.split_first() else { return };
	match kind % 3 {
		0 => {
			let Ok(inputs) = Inputs::decode(bytes) else { return };
			assert_eq!(inputs.list(), bytes, "a list has two encodings");
			assert!(Inputs::read(bytes, &inputs.facts()).is_ok());
			for index in [0, inputs.facts().count - 1] {
				let (input, path) = inputs.asked(index).unwrap();
				let (root, count) = (inputs.facts().root.0, inputs.facts().count);
				assert!(
					merkle::verify(&root, count, index, input.leaf(), &path)
						&& inputs.is_asked(index, &input)
				);
			}
		},
		1 => {
			// As if the answer on chain were just this.
			let entries =
				Vec::<(Item, Vec<u8>)>::decode_all(&mut &bytes[..bytes.len().min(4096)]).unwrap_or_default();
			let leaves: Vec<_> = entries.iter().map(|(item, _)| item.leaf()).collect();
			let usage = entries.last().map(|(item, _)| item.total).unwrap_or_default();
			let (root, count) = (Root(merkle::root(&leaves)), leaves.len() as u32);
			let claim = Claim { root, leaves: count, output: ContentHash::of(bytes), usage };
			let Ok(results) = Results::read(bytes, &claim) else { return };
			assert_eq!(results.encode(), bytes, "results have two encodings");
			assert_eq!(results.claim(), claim);
			for index in 0..=count {
				let _ = results.fault(index, &inputs(), &claim);
			}
		},
		_ => {
			if let Ok(arrangement) = Arrangement::decode_all(&mut &*bytes) {
				assert_eq!(arrangement.encode(), bytes, "an arrangement has two encodings");
			}
		},
	}
}

fn inputs() -> Inputs {
	Inputs::new(vec![b"one".to_vec(), b"two".to_vec(), b"three".to_vec()]).unwrap()
}

/// One of each.
pub fn seeds() -> Vec<Vec<u8>> {
	let (inputs, mut results) = (inputs(), Results::default());
	for text in inputs.texts() {
		let usage = Usage { input_tokens: 2, output_tokens: 3 };
		let claim = Claim { root: Root([1; 32]), leaves: 9, output: ContentHash::of(b"out"), usage };
		results.push(text, b"out".to_vec(), claim).unwrap();
	}
	let account = Keys::from_suri("//Alice").unwrap().account();
	let arrangement = Arrangement {
		proposer: account,
		requester: account,
		worker: account,
		checkpoint: CheckpointId(1),
		kind: JobKind::Generate(GenerateParams::greedy(InputFormat::Text, 4)),
		input: ContentHash([2; 32]),
		salt: [3; 32],
		signature: Signature([4; 64]),
	};
	let all = [(0, inputs.list()), (1, results.encode()), (2, arrangement.encode())];
	all.map(|(kind, bytes)| [&[kind][..], &bytes].concat()).to_vec()
}
