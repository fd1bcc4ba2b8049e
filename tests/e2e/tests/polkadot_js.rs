//! The polkadot.js example against a real chain.

use noesis_tests::{Outcome, Stage, StageOptions, PATIENCE};
use serde_json::Value;
use std::path::Path;

#[tokio::test(flavor = "multi_thread")]
async fn polkadot_js_should_ask_and_print_answer_and_verdicts() -> Outcome {
	let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/polkadot-js");
	if !example.join("node_modules/@polkadot/api").exists() {
		return Err("its packages are missing: run `npm ci` in examples/polkadot-js".into());
	}
	let stage = Stage::set(StageOptions { model: 7, ..StageOptions::default() }).await?;
	let url = stage.url();
	let ask = |more: &[&str]| {
		let asked = tokio::process::Command::new("node")
			.arg("ask.js")
			.args(more)
			.args(["--tokens", "12", "--json", "--url", &url])
			.current_dir(&example)
			.kill_on_drop(true)
			.output();
		tokio::time::timeout(PATIENCE, asked)
	};
	let output = ask(&["What is a river?"]).await??;
	let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
	let report: Value = serde_json::from_slice(&output.stdout).map_err(|e| format!("{e}: {complaint}"))?;
	assert_eq!(report["status"], "final", "{report} {complaint}");
	assert_eq!(report["verdicts"].as_array().map(Vec::len), Some(3), "{report}");
	assert!(report["verdicts"].as_array().is_some_and(|v| v.iter().all(|v| v["agrees"] == true)), "{report}");

	// What the example printed is what the chain and an independent recomputation say.
	let job = report["job"].to_string();
	let verified = stage
		.run(&["verify", &job, "--checkpoint-file", &stage.model.display().to_string(), "--json"])
		.await?;
	assert_eq!(verified["here"]["root"], report["root"], "{verified}");

	// A bad request is told why, before anything is signed.
	let refused = ask(&["hello", "--checkpoint", "99"]).await??;
	assert!(!refused.status.success());
	assert!(String::from_utf8_lossy(&refused.stderr).contains("UnknownCheckpoint"));
	Ok(())
}
