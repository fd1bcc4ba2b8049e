//! One sealed job, byte by byte, as a second implementation of `docs/privacy.md` made it (Python, `hmac`, `hashlib` and
//! `cryptography`): requester's key from `requester`, worker's from `worker`, ephemeral secret 0, 1, .. 31.

use super::{Context, OpenedJob, SealKey};
use crate::AccountId;
use noesis_primitives::{JobId, Subject};

const ENVELOPE: &str = "\
		4e5350018f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f5daa75d584b460f1e7dbb4a2\
		2a6040ddec0bf9064c04404e328fe8cce78200511f1e6499f4ef255a1153ff3e9861988d441da20e1753e56450646847\
		5263ac76e633ed1a77ac\
	";
const COMMITMENT: &str = "d251c087414c966f037a0188dc739a88d9ba3ac0978da03b9f940053bfb593b3";
const ANSWER: &str = "4e534102c84e135887fddc2b81a11c49d08ea36d702d3debfd6d82690cb962185a682292ee670d3e3b1f";

fn bytes(digits: &str) -> Vec<u8> {
	(0..digits.trim().len()).step_by(2).map(|i| u8::from_str_radix(&digits[i..i + 2], 16).unwrap()).collect()
}

#[test]
fn sealed_job_should_have_the_bytes_that_another_implementation_makes() {
	let context = Context { genesis: [1; 32], requester: AccountId::from([2; 32]) };
	let (requester, worker) = (SealKey::derive(b"requester"), SealKey::derive(b"worker"));
	let (envelope, commitment) = (bytes(ENVELOPE), COMMITMENT.parse().unwrap());
	let opened = OpenedJob::open(&worker, &context, commitment, &envelope).unwrap();
	assert_eq!(opened.prompt(), b"sealed");
	assert_eq!(OpenedJob::recover(&requester, commitment, &envelope).unwrap().prompt(), b"sealed");
	let answer = opened.seal_answer(Subject::Job(JobId(7)), b"answer").unwrap();
	assert_eq!(answer, bytes(ANSWER));
}
