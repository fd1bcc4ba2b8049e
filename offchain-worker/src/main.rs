//! The binary `noesis`.

use clap::Parser;
use noesis_worker::{cli::Cli, commands};
use std::{
	io::{self, IsTerminal},
	process::ExitCode,
};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
	let cli = Cli::parse();
	log(cli.log_json, commands::default_log(&cli.command));
	let runtime = match tokio::runtime::Runtime::new() {
		Ok(runtime) => runtime,
		Err(error) => {
			eprintln!("noesis: threads can't be started: {error}");
			return ExitCode::from(2);
		},
	};
	let result = runtime.block_on(commands::run(cli));
	// A computation that nobody waits for any more must not hold up the end.
	runtime.shutdown_background();
	match result {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::from(1),
		Err(error) => {
			eprintln!("noesis: {error}");
			ExitCode::from(2)
		},
	}
}

fn log(json: bool, default: &str) {
	let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
	let builder = tracing_subscriber::fmt()
		.with_env_filter(filter)
		.with_writer(io::stderr)
		.with_ansi(io::stderr().is_terminal())
		.with_target(false);
	match json {
		true => builder.json().init(),
		false => builder.init(),
	}
}
