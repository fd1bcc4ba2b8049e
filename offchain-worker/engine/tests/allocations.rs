//! Decoding in a warmed state touches the allocator not at all.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::sampler::greedy;
use noesis_engine::{checkpoint::Architecture, testing, Backend, Checkpoint, Engine, EngineOptions};
use std::{
	alloc::{GlobalAlloc, Layout, System},
	sync::atomic::{AtomicUsize, Ordering::SeqCst},
};

/// Counts what all threads ask for.
struct Counting;

static ASKED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
	unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
		ASKED.fetch_add(1, SeqCst);
		// SAFETY: the caller's promises are those of the system's allocator.
		unsafe { System.alloc(layout) }
	}

	unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
		// SAFETY: as above.
		unsafe { System.dealloc(pointer, layout) }
	}

	unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
		ASKED.fetch_add(1, SeqCst);
		// SAFETY: as above.
		unsafe { System.realloc(pointer, layout, size) }
	}
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations while `tokens` tokens are decoded one by one after a prompt of `prompt` and one token.
fn allocations(engine: &Engine, prompt: usize, tokens: usize) -> usize {
	let model = engine.model().unwrap();
	let mut logits = Vec::new();
	engine.install(|| {
		let mut state = model.start(prompt + 1 + tokens);
		let prompt: Vec<u32> = (0..prompt as u32).map(|i| i * 7 % 288).collect();
		for batch in prompt.chunks(128) {
			model.forward(&mut state, batch, &mut |_, _| {});
		}
		model.logits(&mut state, 1, &mut logits);
		let mut decode = |logits: &mut Vec<i32>| {
			let token = greedy(logits) as u32;
			model.forward(&mut state, &[token], &mut |_, _| {});
			model.logits(&mut state, 1, logits);
		};
		decode(&mut logits);
		let before = ASKED.load(SeqCst);
		for _ in 0..tokens {
			decode(&mut logits);
		}
		ASKED.load(SeqCst) - before
	})
}

/// One test, because the count is of the whole process.
#[test]
fn decoding_should_not_allocate_when_the_state_is_warm() {
	let folder = tempfile::tempdir().unwrap();
	let path = folder.path().join("random.noesis");
	// Heads and layers enough for several tasks per token, a context that passes several powers of two.
	let shape = Architecture {
		heads: 12,
		kv_heads: 4,
		head_dim: 16,
		width: 192,
		feed_forward: 768,
		context: 2048,
		..testing::architecture()
	};
	testing::write_random_model_of(&path, 11, shape).unwrap();
	let checkpoint = Checkpoint::open(&path).unwrap();
	for backend in Backend::available() {
		for threads in [1, 2] {
			let options =
				EngineOptions { threads: Some(threads), backend: Some(backend), ..Default::default() };
			let engine = Engine::new(&checkpoint, &options).unwrap();
			for (prompt, tokens) in [(1, 150), (1000, 60)] {
				let found = allocations(&engine, prompt, tokens);
				assert_eq!(found, 0, "{backend:?}, {threads} threads, {tokens} tokens after {prompt}");
			}
		}
	}
	// The counter counts.
	let before = ASKED.load(SeqCst);
	drop(std::hint::black_box(vec![0u8; 100]));
	assert_eq!(ASKED.load(SeqCst) - before, 1);
}
