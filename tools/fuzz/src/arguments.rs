//! The command line, and what is written in it and in locators: numbers, amounts, hashes.

use clap::Parser;
use noesis_primitives::{ContentHash, Root};
use noesis_worker::{channel::Signature, cli::Cli};
use std::{fmt::Display, str::FromStr};

/// What is read is written as it was, but for the case of its digits and the prefix.
fn written<T: FromStr + Display>(text: &str) {
	if let Ok(value) = text.parse::<T>() {
		let plain = |text: &str| text.trim_start_matches("0x").to_lowercase();
		assert_eq!(plain(&value.to_string()), plain(text), "{text} is read as something else");
	}
}

/// Arguments, one a line.
pub fn run(bytes: &[u8]) {
	let Ok(text) = std::str::from_utf8(bytes) else { return };
	let arguments = text.split('\n');
	let _ = Cli::try_parse_from(std::iter::once("noesis").chain(arguments.clone()));
	for argument in arguments {
		written::<ContentHash>(argument);
		written::<Root>(argument);
		written::<Signature>(argument);
	}
}

/// Some commands.
pub fn seeds() -> Vec<Vec<u8>> {
	let hash = ContentHash([7; 32]).to_string();
	let all = [
		"ask\n--key\n//Alice\n--max-tokens\n8\nWhat is love?",
		"worker\n--key\n//Bob\n--checkpoint\nmodel.noesis\n--listen\n127.0.0.1:7000",
		"validator\n--key\n//Bob\n--stake\n100.5",
		"channel\nopen\n--key\n//Alice\n--escrow\n1.25",
		"status\n--json",
		"--url\nws://127.0.0.1:9944\nverify\n17",
		&hash,
	];
	all.map(|text| text.as_bytes().to_vec()).to_vec()
}
