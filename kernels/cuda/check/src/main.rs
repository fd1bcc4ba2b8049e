//! `noesis-gpu-check`: see `scripts/gpu-check.sh`.

use clap::{Parser, Subcommand};
use noesis_cuda::{
	attention::tuning::Tuning,
	bench::{tune, Cell, Effort},
	choose, Backend, Chosen, Device, DeviceError,
};
use noesis_cuda_emulation::Emulation;
use noesis_gpu_check::{
	merge::{combine, merge, Sdpa, Step},
	run, Options, Outcome, Part,
};
use serde::de::DeserializeOwned;
use std::{
	error::Error,
	fs,
	io::Write,
	path::{Path, PathBuf},
	process::ExitCode,
	sync::Arc,
};

/// Checks and measures the kernels on this machine's GPU.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
	/// Runs checks and benches, and writes what they found as JSON, again after each of them. Exit code 1 if a check
	/// failed.
	Run {
		/// What computes: `cuda`, or `emulation` to see on a machine without a GPU that everything runs.
		#[arg(long, default_value = "cuda")]
		backend: Backend,
		/// Small shapes only, and hardly any repeats: for the emulation and for sanitizers.
		#[arg(long)]
		quick: bool,
		/// For sanitizers, whose own code in the kernels uses local memory: spills are not looked for.
		#[arg(long)]
		instrumented: bool,
		/// Only these parts; all by default.
		#[arg(long, value_enum)]
		only: Vec<Part>,
		/// How often equal bits are asked for.
		#[arg(long, default_value_t = 1000)]
		repeats: usize,
		/// A table of tiles to use instead of the one that is built in.
		#[arg(long)]
		tiles: Option<PathBuf>,
		/// A model's checkpoint file, to be run beside a random model.
		#[arg(long, env = "NOESIS_CHECKPOINT")]
		checkpoint: Option<PathBuf>,
		/// The JSON file to write; the standard output by default.
		#[arg(long)]
		out: Option<PathBuf>,
	},
	/// Times every tile on the forward shapes and writes the table of the fastest.
	Tune {
		/// The JSON file to write.
		#[arg(long)]
		out: PathBuf,
	},
	/// Prints the shapes that are measured, for the comparison with PyTorch.
	Cells,
	/// Makes one report of several runs, of what `scripts/gpu/sdpa.py` wrote, and of what other programs said. Exit code 1
	/// if a check failed, or what has to pass did not run to its end; a bench that the time did not suffice for is a note.
	Merge {
		/// What `run` should have written: each file is a part of the check, named after it, whether it is there or not.
		#[arg(long, required = true)]
		run: Vec<PathBuf>,
		/// What `scripts/gpu/sdpa.py` wrote.
		#[arg(long)]
		sdpa: Option<PathBuf>,
		/// A step that has to pass, and what came of it: `compute-sanitizer memcheck=passed`.
		#[arg(long, value_parser = step_result)]
		tool: Vec<(String, String)>,
		/// A step that measures, and what came of it: it must not fail, but its time may be up.
		#[arg(long, value_parser = step_result)]
		note: Vec<(String, String)>,
		/// The folder for `gpu-check.json` and `gpu-check.md`.
		#[arg(long)]
		out: PathBuf,
	},
}

fn step_result(text: &str) -> Result<(String, String), String> {
	let (step, result) = text.split_once('=').ok_or("it has the form STEP=RESULT")?;
	Ok((step.to_owned(), result.to_owned()))
}

fn main() -> ExitCode {
	match act(Cli::parse().command) {
		Ok(true) => ExitCode::SUCCESS,
		Ok(false) => ExitCode::FAILURE,
		Err(error) => {
			eprintln!("error: {error}");
			ExitCode::from(2)
		},
	}
}

/// The emulation of the device that has the most instructions.
fn emulation() -> Arc<dyn Device> {
	Emulation::hopper(1).unwrap_or_else(|| Emulation::new(1))
}

fn act(command: Command) -> Result<bool, Box<dyn Error>> {
	match command {
		Command::Run { backend, quick, instrumented, only, repeats, tiles, checkpoint, out } => {
			let Chosen::Device(device) = choose(backend, Some(emulation))? else {
				return Err("there is nothing to check on the CPU itself: --backend cuda or emulation".into());
			};
			let tuning = match tiles {
				Some(path) => Tuning::from_json(&read(&path)?)?,
				None => Tuning::default(),
			};
			let options = Options { quick, instrumented, parts: only, repeats, tuning, checkpoint };
			let mut said = 0;
			let mut written = Ok(());
			let report = run(&device, &options, &mut |report| {
				for check in report.checks.iter().skip(said) {
					let verdict = if check.ok { "ok    " } else { "FAILED" };
					eprintln!("{verdict} {:7.2} s  {}: {}", check.seconds, check.name, check.detail);
				}
				said = report.checks.len();
				if let Some(path) = &out {
					written = save(path, report);
				}
			});
			written?;
			if out.is_none() {
				print(&serde_json::to_string(&report)?)?;
			}
			if let Some(bench) = &report.bench {
				eprintln!("\n{}", bench.table());
			}
			if let Some(bench) = &report.exact_bench {
				eprintln!("\n{}", bench.table());
			}
			eprintln!("{} passed, {} failed", report.passed, report.failed);
			Ok(report.failed == 0)
		},
		Command::Tune { out } => {
			let Chosen::Device(device) = choose(Backend::Cuda, None)? else {
				return Err(DeviceError::NoDriver.into());
			};
			let mut tuning = Tuning::default();
			let cells: Vec<Cell> = Cell::flashcore().into_iter().chain(Cell::more()).collect();
			let mut told = |cell: &Cell, tile, time: Result<f64, DeviceError>| {
				let time = time.map_or_else(|error| error.to_string(), |time| format!("{time:.2} us"));
				eprintln!("{cell}  {tile:?}  {time}");
			};
			for cell in cells {
				tune(&device, &mut tuning, &[cell], &Effort::FULL, &mut told)?;
				// What was found is not lost if there is no time for the rest.
				write(&out, &tuning.to_json()?)?;
			}
			Ok(true)
		},
		Command::Cells => {
			let cells = Cell::flashcore().into_iter().chain(Cell::more());
			let named: Vec<_> =
				cells.map(|cell| serde_json::json!({ "name": cell.to_string(), "cell": cell })).collect();
			print(&serde_json::to_string(&named)?)?;
			Ok(true)
		},
		Command::Merge { run, sdpa, tool, note, out } => {
			let part = |path: &PathBuf| {
				let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
				(name, read_json::<serde_json::Value>(path))
			};
			let run = combine(&run.iter().map(part).collect::<Vec<_>>());
			let sdpa: Result<Sdpa, String> =
				sdpa.map_or_else(|| Err("it was not run".into()), |path| read_json(&path));
			let sdpa = sdpa.unwrap_or_else(|missing| Sdpa { missing: Some(missing), ..Sdpa::default() });
			let step =
				|required: bool| move |(name, result): (String, String)| Step { name, result, required };
			let steps: Vec<Step> =
				tool.into_iter().map(step(true)).chain(note.into_iter().map(step(false))).collect();
			let (json, text) = merge(&run, &sdpa, &steps);
			write(&out.join("gpu-check.json"), &serde_json::to_string_pretty(&json)?)?;
			write(&out.join("gpu-check.md"), &text)?;
			print(&text)?;
			Ok(json.pointer("/summary/verdict/passed") == Some(&serde_json::Value::Bool(true)))
		},
	}
}

/// As `println!`, but whoever reads may have gone away.
fn print(text: &str) -> std::io::Result<()> {
	writeln!(std::io::stdout(), "{text}")
}

fn read(path: &Path) -> Result<String, String> {
	fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
	serde_json::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
	fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Replaces the file as a whole: whenever this process is killed, one or the other is there.
fn save(path: &Path, report: &Outcome) -> Result<(), String> {
	let text = serde_json::to_string(report).map_err(|error| error.to_string())?;
	let partial = path.with_extension("partial");
	write(&partial, &text)?;
	fs::rename(&partial, path).map_err(|error| format!("{}: {error}", path.display()))
}
