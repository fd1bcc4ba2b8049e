//! Every target with its seeds and random changes of them, under a limit of memory.
//!
//! `NOESIS_MUTATIONS` says how many changes each target gets: 2,000 by default.

#![allow(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test that panics has failed")]

use noesis_fuzz::{
	mutate::{changed, Random},
	targets, Target,
};
use std::{
	alloc::{GlobalAlloc, Layout, System},
	panic::{catch_unwind, AssertUnwindSafe},
	sync::atomic::{AtomicUsize, Ordering::Relaxed},
	time::{Duration, Instant},
};

/// Counts what is allocated.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		MOST.fetch_max(NOW.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
		// SAFETY: as the caller promised.
		unsafe { System.alloc(layout) }
	}

	unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
		NOW.fetch_sub(layout.size(), Relaxed);
		// SAFETY: as the caller promised.
		unsafe { System.dealloc(pointer, layout) }
	}
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Longest time that it may take in a debug build.
const TIME: Duration = Duration::from_secs(10);

fn mutations() -> usize {
	let asked = std::env::var("NOESIS_MUTATIONS").ok();
	asked.map_or(2_000, |count| count.parse().unwrap())
}

/// What is wrong with how a target took these bytes.
fn fault(target: &Target, bytes: &[u8]) -> Option<String> {
	let (before, began) = (NOW.load(Relaxed), Instant::now());
	MOST.store(before, Relaxed);
	let result = catch_unwind(AssertUnwindSafe(|| (target.run)(bytes)));
	let taken = MOST.load(Relaxed).saturating_sub(before);
	if result.is_err() {
		return Some("it panicked (see above)".into());
	}
	if taken > target.memory {
		return Some(format!("it took {taken} bytes of memory"));
	}
	(began.elapsed() > TIME).then(|| format!("it took {:?}", began.elapsed()))
}

#[test]
fn targets_should_take_any_bytes() {
	let mut faults = Vec::new();
	for target in targets() {
		let (seeds, began) = ((target.seeds)(), Instant::now());
		assert!(!seeds.is_empty(), "{} has no seeds", target.name);
		let mut random = Random(7);
		// What is made once is made before memory is counted.
		(target.run)(&seeds[0]);
		let mut inputs: Vec<Vec<u8>> = seeds.clone();
		inputs.extend((0..mutations()).map(|_| {
			let [one, other] = [(); 2].map(|()| random.below(seeds.len()));
			changed(&seeds[one], &seeds[other], &mut random)
		}));
		for bytes in &inputs {
			if let Some(fault) = fault(&target, bytes) {
				faults.push(format!("{}: {fault}: {bytes:02x?}", target.name));
				break;
			}
		}
		println!("{}: {} inputs, {:?}", target.name, inputs.len(), began.elapsed());
	}
	assert!(faults.is_empty(), "{faults:#?}");
}

/// Every target has its binary for libFuzzer, and every binary its target.
#[test]
fn binaries_should_be_the_targets() {
	let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/fuzz_targets");
	let stem = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
	let mut binaries: Vec<String> =
		std::fs::read_dir(folder).unwrap().map(|entry| stem(entry.unwrap())).collect();
	let mut names: Vec<String> = targets().iter().map(|target| target.name.into()).collect();
	binaries.sort();
	names.sort();
	assert_eq!(binaries, names);
}
