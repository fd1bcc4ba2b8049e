//! Processes that end with the test, however it ends.

use crate::Outcome;
use std::{
	fs::File,
	io::Write,
	net::TcpListener,
	path::{Path, PathBuf},
	process::{Child, ChildStdin, Command, Output, Stdio},
};

/// Starts the command, kills it when standard input closes. The kernel closes it when the test's process ends,
/// even if nothing is dropped. `$0` is the signal.
const GUARD: &str =
	r#"exec 3<&0; "$@" </dev/null 3<&- & pid=$!; (read -r _ <&3; kill -s "$0" $pid) & wait $pid"#;

/// A process in the background, with its output in a file.
#[derive(Debug)]
pub struct Process {
	guard: Child,
	input: Option<ChildStdin>,
	/// Where its output is.
	pub log: PathBuf,
}

impl Process {
	/// Starts `program` with `args`; its output goes to `log`.
	pub fn start(program: &Path, args: &[String], log: PathBuf) -> Outcome<Self> {
		let mut out = File::create(&log)?;
		writeln!(out, "{} {}", program.display(), args.join(" "))?;
		let mut guard = Command::new("sh")
			.args(["-c", GUARD, "KILL"])
			.arg(program)
			.args(args)
			.env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "info".to_owned()))
			.stdin(Stdio::piped())
			.stdout(out.try_clone()?)
			.stderr(out)
			.spawn()
			.map_err(|error| format!("{} does not start: {error}", program.display()))?;
		let input = guard.stdin.take();
		Ok(Self { guard, input, log })
	}

	/// Kills it without a warning and waits for its end.
	pub fn kill(&mut self) -> Outcome {
		drop(self.input.take());
		self.guard.wait()?;
		Ok(())
	}

	/// Whether it still runs.
	pub fn is_running(&mut self) -> bool {
		matches!(self.guard.try_wait(), Ok(None))
	}

	/// What it has printed so far.
	pub fn output(&self) -> String {
		std::fs::read_to_string(&self.log).unwrap_or_default()
	}
}

impl Drop for Process {
	fn drop(&mut self) {
		let _ = self.kill();
	}
}

/// The binary `name` of this build: beside the running program, or, for a test, one folder above.
pub fn binary(name: &str) -> Outcome<PathBuf> {
	let own = std::env::current_exe()?;
	let found = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.exists());
	found.ok_or_else(|| {
		format!("{name} is not beside {}: run `cargo build --workspace` first", own.display()).into()
	})
}

/// The node: the one that NOESIS_NODE names, or the one of this build.
pub fn node_binary() -> Outcome<PathBuf> {
	match std::env::var_os("NOESIS_NODE") {
		Some(path) => Ok(path.into()),
		None => binary("noesis-node"),
	}
}

/// A port that nobody uses now.
pub fn free_port() -> Outcome<u16> {
	Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The last line of a successful command as JSON.
pub(crate) fn json(output: &Output) -> Outcome<serde_json::Value> {
	let text = String::from_utf8_lossy(&output.stdout);
	let line = text.lines().last().unwrap_or_default();
	serde_json::from_str(line).map_err(|error| {
		let complaint = String::from_utf8_lossy(&output.stderr);
		format!("{} printed no JSON ({error}): {text}{complaint}", output.status).into()
	})
}
