//! Sealed jobs: what the chain asks of them, and what it counts.

use crate::{mock::*, Error};
use noesis_primitives::{
	ContentHash, Disputable, GenerateParams, InputFormat, InputMark, JobKind, JobSpec, Payload, PromptSeal,
	QuoteError, Root, Subject, Usage,
};
use polkadot_sdk::frame_support::{assert_noop, assert_ok};

type E = Error<Test>;

fn committed() -> ContentHash {
	PromptSeal { salt: [3; 32], output: ContentHash::default() }.commitment(b"hello")
}

/// What [`spec`] asks, sealed for the worker: an envelope of five bytes of prompt.
fn sealed() -> JobSpec<AccountId> {
	let input = envelope(105);
	JobSpec { input, sealed: Some(committed()), ..spec_for(WORKER) }
}

fn envelope(bytes: usize) -> Payload {
	Payload::Inline(vec![9; bytes].try_into().unwrap())
}

/// A test in which the worker takes sealed jobs.
fn with_key(test: impl FnOnce()) {
	run(|| {
		SealKeys::set(&[(WORKER, [7; 32])].into());
		test();
	});
}

#[test]
fn quote_should_count_the_prompt_when_the_job_is_sealed() {
	with_key(|| {
		assert_eq!(Poi::quote(&sealed()), Poi::quote(&spec_for(WORKER)));
		let params = GenerateParams::greedy(InputFormat::Tokens, 10);
		let tokens = |bytes, sealed| JobSpec {
			kind: JobKind::Generate(params),
			input: envelope(bytes),
			sealed,
			..spec_for(WORKER)
		};
		assert_eq!(Poi::quote(&tokens(140, Some(committed()))), Poi::quote(&tokens(40, None)));
		assert_eq!(Poi::quote(&tokens(107, Some(committed()))), Err(QuoteError::BadParameters));
	});
}

#[test]
fn sealed_job_should_be_refused_when_nobody_could_open_it() {
	run(|| {
		let refused = |spec: JobSpec<AccountId>, why, error: E| {
			assert_eq!(Poi::quote(&spec), Err(why));
			assert_noop!(Poi::submit(signed(REQUESTER), spec, RICH), error);
		};
		refused(sealed(), QuoteError::NoSealKey, E::NoSealKey);
		SealKeys::set(&[(WORKER, [7; 32])].into());
		refused(JobSpec { worker: None, ..sealed() }, QuoteError::SealedForNobody, E::SealedForNobody);
		let other = JobSpec { worker: Some(WORKER + 1), ..sealed() };
		refused(other, QuoteError::NoSealKey, E::NoSealKey);
		for bytes in [0, 99, 100] {
			let short = JobSpec { input: envelope(bytes), ..sealed() };
			refused(short, QuoteError::NoEnvelope, E::NoEnvelope);
		}
		assert_ok!(Poi::submit(signed(REQUESTER), JobSpec { input: envelope(101), ..sealed() }, RICH));
	});
}

#[test]
fn answer_should_fit_the_prompt_when_the_job_is_sealed() {
	with_key(|| {
		let job = submit(sealed());
		assert_ok!(Poi::claim(signed(WORKER), job));
		let too_much = Usage { input_tokens: 80, output_tokens: 5 };
		let leaves = 84 * (1 + 2 * 3) + 1;
		let answer_with = |usage| Poi::answer(signed(WORKER), job, output(), Root([5; 32]), leaves, usage);
		assert_noop!(answer_with(too_much), E::BadUsage);
		assert_ok!(answer(WORKER, job));
	});
}

#[test]
fn commitment_should_be_shown_when_the_job_is_looked_at_or_disputed() {
	with_key(|| {
		let job = submit(sealed());
		assert_eq!(Poi::job_view(job).unwrap().spec, sealed());
		assert_ok!(Poi::claim(signed(WORKER), job));
		assert_ok!(answer(WORKER, job));
		let disputed = Poi::disputed(Subject::Job(job)).unwrap();
		assert_eq!(disputed.input_mark(), InputMark::Sealed(committed()));
		let open = Poi::disputed(Subject::Job(answered())).unwrap();
		assert_eq!(open.input_mark(), InputMark::Open(spec().input.content_hash()));
	});
}

#[test]
fn sealed_job_should_go_back_without_a_mark_when_it_does_not_open() {
	with_key(|| {
		let job = submit(sealed());
		for _ in 0..3 {
			assert_ok!(Poi::claim(signed(WORKER), job));
			assert_ok!(Poi::release(signed(WORKER), job));
		}
		assert!(Poi::job_view(job).unwrap().state.is_terminal());
		assert_eq!((held(REQUESTER), Conducts::get().len()), (0, 0));
	});
}
