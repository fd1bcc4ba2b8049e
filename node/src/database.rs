//! Makes ParityDB the default database: this node is built without RocksDB (see `patches/README.md`).

use std::{env, ffi::OsString, io, os::unix::process::CommandExt, process::Command};

const FLAG: &str = "--database";
const VALUE: &str = "paritydb";

/// Subcommands that open a database. Those that don't would refuse the flag.
const OPENING: [&str; 6] =
	["check-block", "export-blocks", "export-state", "import-blocks", "purge-chain", "revert"];

/// Starts this program again with `--database paritydb` where no database is named: for the collator, and for
/// the relay chain node behind `--`. The command line is parsed inside the node library, which takes its
/// arguments from the process.
pub fn default_to_paritydb() -> io::Result<()> {
	let args: Vec<OsString> = env::args_os().skip(1).collect();
	match with_database(&args) {
		Some(args) => Err(Command::new(env::current_exe()?).args(args).exec()),
		None => Ok(()),
	}
}

/// `args` with the database named; `None` when there is nothing to add.
fn with_database(args: &[OsString]) -> Option<Vec<OsString>> {
	let end = args.iter().position(|arg| arg == "--").unwrap_or(args.len());
	let (ours, relay) = args.split_at(end);
	let names_one = |args: &[OsString]| {
		args.iter().any(|arg| {
			let arg = arg.to_string_lossy();
			arg == FLAG || arg == "--db" || arg.starts_with("--database=") || arg.starts_with("--db=")
		})
	};
	let opens_none = match ours.first().map(|arg| arg.to_string_lossy()) {
		Some(first) if !first.starts_with('-') => !OPENING.contains(&first.as_ref()),
		Some(first) => matches!(first.as_ref(), "--help" | "-h" | "--version" | "-V"),
		None => false,
	};
	let add_ours = !opens_none && !names_one(ours);
	let add_relay = !opens_none && !relay.is_empty() && !names_one(relay);
	if !add_ours && !add_relay {
		return None;
	}
	let mut all = ours.to_vec();
	if add_ours {
		all.extend([FLAG.into(), VALUE.into()]);
	}
	all.extend_from_slice(relay);
	if add_relay {
		all.extend([FLAG.into(), VALUE.into()]);
	}
	Some(all)
}

#[cfg(test)]
mod tests {
	use super::*;

	fn joined(line: &str) -> Option<String> {
		let args: Vec<OsString> = line.split_whitespace().map(Into::into).collect();
		with_database(&args)
			.map(|args| args.iter().map(|a| a.to_string_lossy()).collect::<Vec<_>>().join(" "))
	}

	#[test]
	fn database_should_be_added_when_none_is_named() {
		assert_eq!(joined("--dev").unwrap(), "--dev --database paritydb");
		assert_eq!(joined("").unwrap(), "--database paritydb");
		assert_eq!(
			joined("--collator -- --chain relay.json").unwrap(),
			"--collator --database paritydb -- --chain relay.json --database paritydb"
		);
		assert_eq!(joined("purge-chain --dev -y").unwrap(), "purge-chain --dev -y --database paritydb");
	}

	#[test]
	fn arguments_should_stay_when_a_database_is_named_or_none_is_opened() {
		assert_eq!(joined("--dev --database auto"), None);
		assert_eq!(joined("--dev --database=paritydb -- --db=paritydb"), None);
		assert_eq!(joined("build-spec --chain dev"), None);
		assert_eq!(joined("key generate"), None);
		assert_eq!(joined("--version"), None);
	}
}
