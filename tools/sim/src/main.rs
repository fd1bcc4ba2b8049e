//! The simulator's command line.

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use noesis_sim::{campaign::Campaign, chain, cli::Cli, liar, summary::false_slashes, table::table, Error};
use std::{process::ExitCode, thread, time::Instant};

fn main() -> ExitCode {
	match run(&Cli::parse()) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::FAILURE
		},
	}
}

fn run(cli: &Cli) -> Result<(), Error> {
	let started = Instant::now();
	let cores = thread::available_parallelism().map_or(1, usize::from);
	let campaign = Campaign {
		settings: cli.settings(),
		numbers: cli.numbers(),
		runs: cli.runs(),
		seed: cli.seed,
		threads: cli.threads.unwrap_or(cores),
	};
	// Draws nothing where standard error is no terminal.
	let bar = ProgressBar::new(campaign.total() as u64);
	if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos} of {len} runs, {eta} left") {
		bar.set_style(style);
	}
	let summaries = campaign.play(|| bar.inc(1))?;
	bar.finish_and_clear();
	if cli.json {
		let document = serde_json::json!({
			"numbers": campaign.numbers,
			"runs": campaign.runs,
			"seed": campaign.seed,
			"chain": chain::parameters(),
			"liar": liar::report(campaign.numbers.validators),
			"false_slashes": false_slashes(&summaries),
			"settings": summaries,
		});
		println!("{document}");
	} else {
		print!("{}", table(&summaries));
	}
	eprintln!("{:.1} s", started.elapsed().as_secs_f64());
	Ok(())
}
