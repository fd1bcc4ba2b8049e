//! Operators with a fault, for tests. The product has none of this.

mod copycat;
mod faults;
mod lazy;

use clap::{Parser, Subcommand};
use faults::{Fault, Faulty};
use noesis_primitives::Role;
use noesis_tests::Outcome;
use noesis_worker::{
	cli::{ServiceArgs, WorkerArgs},
	executor::EngineExecutor,
	service::Service,
	worker::{self, WorkerOptions},
};
use std::{io, sync::Arc, time::Duration};

/// Operators with a fault.
#[derive(Debug, Parser)]
struct Cli {
	/// The node to talk to.
	#[arg(long, global = true, default_value = "ws://127.0.0.1:9944")]
	url: String,
	#[command(subcommand)]
	mode: Mode,
}

#[derive(Debug, Subcommand)]
enum Mode {
	/// A worker that answers something else.
	WrongOutput(WorkerArgs),
	/// A worker that claims another trace.
	WrongRoot(WorkerArgs),
	/// A worker that never answers.
	Hang(WorkerArgs),
	/// A worker that takes its time.
	Slow {
		/// Milliseconds for every token.
		#[arg(long, default_value_t = 200)]
		pause: u64,
		#[command(flatten)]
		worker: WorkerArgs,
	},
	/// A validator that shows the openings of another.
	CopyVerdict(ServiceArgs),
	/// A validator that approves every answer of which the worker gives it the leaves.
	Lazy(ServiceArgs),
}

#[tokio::main]
async fn main() -> Outcome {
	tracing_subscriber::fmt().with_writer(io::stderr).with_ansi(false).with_target(false).init();
	let Cli { url, mode } = Cli::parse();
	let (fault, args) = match mode {
		Mode::WrongOutput(args) => (Fault::Output, args),
		Mode::WrongRoot(args) => (Fault::Root, args),
		Mode::Hang(args) => (Fault::Hang, args),
		Mode::Slow { pause, worker } => (Fault::Slow(Duration::from_millis(pause)), worker),
		Mode::CopyVerdict(args) => {
			let keys = args.key.load()?;
			let service = Service::start(keys, args.options(url, Some(Role::Validator))?).await?;
			return copycat::run(service).await;
		},
		Mode::Lazy(args) => {
			let keys = args.key.load()?;
			let service = Service::start(keys, args.options(url, Some(Role::Validator))?).await?;
			return lazy::run(service).await;
		},
	};
	let keys = args.service.key.load()?;
	let service = Arc::new(Service::start(keys, args.service.options(url, Some(Role::Worker))?).await?);
	let executor = Faulty::new(fault, EngineExecutor::new(service.models.clone()));
	let options = WorkerOptions { queue: args.queue, ..WorkerOptions::default() };
	worker::run(service, Arc::new(executor), options).await;
	Ok(())
}
