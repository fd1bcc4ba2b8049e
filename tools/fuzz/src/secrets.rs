//! Sealed jobs: envelopes, sealed answers, and what validators and workers say about keys.

use codec::Encode;
use noesis_primitives::{ContentHash, Draw, JobId, Subject};
use noesis_worker::{
	keys::Keys,
	sealed::{
		seal_prompt, Asked, Context, Envelope, KeyGrant, KeyRequest, OpenedJob, GRANT_BYTES, REQUEST_BYTES,
	},
};
use std::sync::LazyLock;

struct Scene {
	worker: Keys,
	validator: Keys,
	context: Context,
	asked: Asked,
	envelope: Envelope,
	opened: OpenedJob,
	request: KeyRequest,
	grant: KeyGrant,
}

const JOB: Subject = Subject::Job(JobId(7));

static SCENE: LazyLock<Scene> = LazyLock::new(|| {
	let [requester, worker, validator] =
		["//Alice", "//Bob", "//Charlie"].map(|suri| Keys::from_suri(suri).unwrap());
	let context = Context { genesis: [1; 32], requester: requester.account() };
	let asked = Asked { genesis: [1; 32], job: JobId(7), worker: worker.account() };
	let envelope = seal_prompt(requester.seal(), &worker.seal().public(), &context, b"a prompt").unwrap();
	let opened = OpenedJob::open(worker.seal(), &context, envelope.commitment, &envelope.bytes).unwrap();
	let draw = Draw { pre_output: [1; 32], proof: [2; 64] };
	let request = KeyRequest::new(&validator, &asked, validator.seal().public(), draw);
	let grant = KeyGrant::new(&worker, &asked, &request, opened.content_key()).unwrap();
	Scene { worker, validator, context, asked, envelope, opened, request, grant }
});

/// An envelope, a sealed answer, a request or a grant: the first byte says which. Keys of people are always the same, those
/// made for one job and signatures never: seeds may be of another process.
pub fn run(bytes: &[u8]) {
	let Some((kind, bytes)) = bytes.split_first() else { return };
	let scene = &*SCENE;
	let Scene { worker, validator, context, asked, envelope, opened, request, .. } = scene;
	match kind % 4 {
		0 => {
			for commitment in [envelope.commitment, ContentHash::of(bytes)] {
				if let Ok(job) = OpenedJob::open(worker.seal(), context, commitment, bytes) {
					assert_eq!(job.prompt(), b"a prompt", "nobody sealed this");
				}
				let _ = OpenedJob::recover(worker.seal(), commitment, bytes);
				let _ = OpenedJob::open_with(opened.content_key().clone(), commitment, bytes);
			}
		},
		1 => {
			if let Ok(answer) = opened.open_answer(JOB, bytes) {
				assert_eq!(opened.seal_answer(JOB, &answer).unwrap(), bytes, "an answer has two ciphertexts");
			}
		},
		2 => {
			if let Some(read) = KeyRequest::from_bytes(bytes) {
				assert_eq!((read.encode().as_slice(), bytes.len()), (bytes, REQUEST_BYTES));
				let same = (read.validator, read.reader) == (request.validator, request.reader)
					&& read.draw == request.draw;
				assert!(!read.is_signed(asked) || same, "nobody signed this");
			}
		},
		_ => {
			if let Some(read) = KeyGrant::from_bytes(bytes) {
				assert_eq!((read.encode().as_slice(), bytes.len()), (bytes, GRANT_BYTES));
				let opened = read.open(asked, request, validator.seal()).is_some();
				assert!(!read.is_signed(asked, request) || opened, "nobody signed this");
			}
		},
	}
}

/// One of each.
pub fn seeds() -> Vec<Vec<u8>> {
	let scene = &*SCENE;
	let answer = |text: &[u8]| scene.opened.seal_answer(JOB, text).unwrap();
	let all = [
		(0, scene.envelope.bytes.clone()),
		(1, answer(b"an answer")),
		(1, answer(b"")),
		(2, scene.request.encode()),
		(3, scene.grant.encode()),
	];
	all.map(|(kind, bytes)| [&[kind][..], &bytes].concat()).to_vec()
}
