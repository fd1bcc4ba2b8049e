//! `noesis sim`: the simulator, a program of its own, because this one links no pallet.

use super::CommandError;
use std::{
	env,
	ffi::OsString,
	io,
	path::{Path, PathBuf},
	process::Command,
};

/// The simulator's name beside this program.
const NAME: &str = "noesis-sim";

/// Runs the simulator with the same arguments; false when it fails.
pub(super) fn run(arguments: &[OsString]) -> Result<bool, CommandError> {
	let own = env::current_exe().map_err(|source| CommandError::File { path: NAME.into(), source })?;
	let path = beside(&own);
	match Command::new(&path).args(arguments).status() {
		Ok(status) => Ok(status.success()),
		Err(error) if error.kind() == io::ErrorKind::NotFound => Err(CommandError::NoSimulator(path)),
		Err(source) => Err(CommandError::File { path, source }),
	}
}

/// Where the simulator lies when `program` lies there.
fn beside(program: &Path) -> PathBuf {
	program.with_file_name(NAME).with_extension(env::consts::EXE_EXTENSION)
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::cli::{Cli, Command as Subcommand};
	use clap::Parser;

	#[test]
	fn arguments_should_be_passed_on_as_they_are() {
		let cli =
			Cli::try_parse_from(["noesis", "sim", "--json", "--adversaries", "10,20", "--help"]).unwrap();
		let Subcommand::Sim { arguments } = cli.command else { panic!("{:?}", cli.command) };
		assert_eq!(arguments, ["--json", "--adversaries", "10,20", "--help"]);
	}

	#[test]
	fn simulator_should_be_looked_for_beside_the_program() {
		let expected = Path::new("some/folder").join(NAME).with_extension(env::consts::EXE_EXTENSION);
		assert_eq!(beside(Path::new("some/folder/noesis")), expected);
	}

	#[test]
	fn error_should_name_the_way_out_when_there_is_no_simulator() {
		// A test lies in a folder of its own, where nothing else is built.
		let error = run(&[]).unwrap_err().to_string();
		assert!(error.contains(NAME) && error.contains("cargo build"), "{error}");
	}
}
