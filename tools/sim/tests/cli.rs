//! The binary, as it is called.

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use serde_json::Value;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
	Command::new(env!("CARGO_BIN_EXE_noesis-sim")).args(arguments).output().unwrap()
}

const SMALL: [&str; 11] = [
	"--quick",
	"--adversaries=20",
	"--strategies=collusion,votes-only,griefing",
	"--measures=stake",
	"--jobs=12",
	"--seeds=3",
	"--workers=6",
	"--validators=8",
	"--audit-floor=50",
	"--lie=0.9",
	"--json",
];

#[test]
fn document_should_hold_every_setting_and_be_the_same_whatever_the_threads() {
	let one = run(&[&SMALL[..], &["--threads=1"]].concat());
	let two = run(&[&SMALL[..], &["--threads=2"]].concat());
	assert!(one.status.success(), "{}", String::from_utf8_lossy(&one.stderr));
	assert_eq!(one.stdout, two.stdout);
	let document: Value = serde_json::from_slice(&one.stdout).unwrap();
	let settings = document["settings"].as_array().unwrap();
	assert_eq!(settings.len(), 4);
	assert_eq!(document["false_slashes"]["hits"], 0);
	assert!(document["false_slashes"]["cases"].as_u64().unwrap() > 100);
	assert_eq!(document["chain"]["reward_share_percent"], 50.0);
	for setting in settings {
		assert_eq!((&setting["runs"], &setting["jobs"]), (&3.into(), &36.into()));
		assert_eq!(setting["honest"]["false_slashes"]["hits"], 0);
		assert!(setting["honest"]["false_slashes"]["interval"][1].as_f64().unwrap() < 0.5);
		assert!(setting["honest"]["worker"]["mean"].as_f64().unwrap() > 0.0);
	}
	assert_eq!(settings[0]["wrong"]["survived"]["cases"], 0);
	assert!(settings[1]["wrong"]["predicted"].as_f64().unwrap() > 0.0);
}

#[test]
fn table_should_have_a_line_for_each_setting() {
	let output = run(&SMALL[..10]);
	let text = String::from_utf8(output.stdout).unwrap();
	for name in ["| -          |", "| collusion  |", "| votes_only |", "| griefing   |"] {
		assert!(text.contains(name), "{text}");
	}
}

#[test]
fn options_should_be_refused_when_they_are_out_of_range() {
	let output = run(&["--adversaries=200"]);
	assert!(!output.status.success());
	assert!(String::from_utf8_lossy(&output.stderr).contains("200"));
}
