//! One wrong number in each kind of operation, on either side of a dispute.

use noesis_canon::graph::{Layout, Operation, Program};
use noesis_engine::{
	dispute::{sampling, Alteration},
	trace::TokenLeaf,
	Shapes,
};
use noesis_primitives::*;
use noesis_tests::court::*;
use std::collections::BTreeMap;

const IDS: [u32; 3] = [40, 7, 99];

fn prompt() -> Vec<TokenLeaf> {
	IDS.into_iter().zip(1..).map(|(id, place)| TokenLeaf { id, end: 4 * place }).collect()
}

fn ask(temperature: u16, top_p: u16) -> Ask {
	let ask = Ask::tokens(&IDS, 2);
	let JobKind::Generate(params) = ask.kind;
	Ask { kind: JobKind::Generate(GenerateParams { temperature, top_p, seed: 3, ..params }), ..ask }
}

/// A lie for each kind of operation: its model, what was asked, the forged trace, and the altered leaf.
struct Lie {
	model: &'static Model,
	ask: Ask,
	leaf: u32,
	work: Work,
}

fn lies() -> BTreeMap<Operation, Lie> {
	let (hot, greedy) = (ask(9000, 40_000), ask(0, 1));
	let pick = |ask: &Ask| {
		let JobKind::Generate(params) = &ask.kind;
		Program::Pick { position: 2, sampling: sampling(params), index: 0 }
	};
	let layer = |layer| Program::Layer { layer, position: 2 };
	let models = models();
	let programs = [
		(&models.registered, &hot, layer(0)),
		(&models.registered, &hot, layer(1)),
		(&models.odd, &hot, layer(0)),
		(&models.registered, &hot, pick(&hot)),
		(&models.registered, &greedy, pick(&greedy)),
	];
	let mut lies = BTreeMap::new();
	for (model, ask, program) in programs {
		let forge = |alteration| Forgery::altered(model, ask.kind, &prompt(), alteration);
		let honest = forge(None).unwrap().trace.leaves;
		let layout = Layout::new(&model.architecture().graph(), &program).unwrap();
		for stage in layout.stages() {
			if lies.contains_key(&stage.operation) {
				continue;
			}
			// The last leaf belongs to the position itself in all stages but those of keys and values.
			let leaf = stage.first + stage.count - 1;
			let sizes = [0u32, 8, 13, 20, 30, 33, 36, 39, 45, 50];
			let changes = sizes.into_iter().flat_map(|size| [1i64 << size, -(1i64 << size)]);
			let alterations =
				changes.flat_map(|change| [2, 0, 1].map(|value| Alteration { leaf, value, change }));
			let lie = alterations
				.filter_map(|alteration| forge(Some((program, alteration))))
				.find(|forgery| forgery.trace.leaves != honest);
			if let Some(forgery) = lie {
				let work = Work::forged(forgery, &ask.input);
				lies.insert(stage.operation, Lie { model, ask: ask.clone(), leaf, work });
			}
		}
	}
	lies
}

const ALL: [Operation; 25] = [
	Operation::Copy,
	Operation::Embed,
	Operation::Largest,
	Operation::Squares,
	Operation::Scale,
	Operation::Norm,
	Operation::Quantise,
	Operation::Accumulate,
	Operation::Linear,
	Operation::Branch,
	Operation::Turn,
	Operation::Narrow,
	Operation::Scores,
	Operation::Weights,
	Operation::Sums,
	Operation::Attend,
	Operation::Join,
	Operation::Gate,
	Operation::Best,
	Operation::Total,
	Operation::Bins,
	Operation::Choice,
	Operation::Target,
	Operation::Find,
	Operation::Token,
];

/// The liar loses a fifth of its stake on the very leaf that it altered; whoever accuses an honest worker with the same
/// lie loses its bond there.
#[test]
fn every_operation_kind() {
	let lies = lies();
	let missed: Vec<_> = ALL.iter().filter(|operation| !lies.contains_key(operation)).collect();
	assert!(missed.is_empty(), "{missed:?}");
	for (operation, Lie { model, ask, leaf, work }) in &lies {
		for honest_worker in [false, true] {
			session_on(model, |court| {
				let (worker, _) = court.staff(1);
				let (requester, other) = (court.person("requester", 100), court.person("other", 100));
				let truth = court.truth(ask);
				let (claimed, found) = if honest_worker { (&truth, work) } else { (work, &truth) };
				let name = if honest_worker { "false_accusation" } else { "every_operation_kind" };
				let attack = court.attack(name, &[if honest_worker { &other } else { &worker }]);
				let job = court.answered(&requester, ask, &worker, claimed);
				let subject = Subject::Job(job);
				let played = court.dispute(subject, &Accused::Worker, (&worker, claimed), (&other, found));
				let proved = played.moves.iter().find_map(|(_, stage)| match stage {
					Stage::Prove { leaf } => Some(*leaf),
					_ => None,
				});
				print!("{operation:?}: ");
				if honest_worker {
					assert_eq!(played.verdict, Verdict::Stands, "{operation:?}");
					assert_eq!(attack.lost(court), 10 * UNIT);
				} else {
					assert_eq!(played.verdict, Verdict::Falls(Ground::Step), "{operation:?}");
					assert_eq!(attack.lost(court), 200 * UNIT);
				}
				assert_eq!(proved, Some(*leaf), "{operation:?}");
			});
		}
	}
}
