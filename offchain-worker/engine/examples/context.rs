//! Measures attention over a long context, whole and split over shards that are processes of their own on loopback:
//! `context [<positions>]`, 65536 by default. Prints JSON. (`context shard` is such a process: it prints its address
//! and serves once.)

use noesis_engine::{
	context::{
		bench::{context, ContextOptions},
		serve, ServeOptions, Tcp,
	},
	Backend,
};
use std::{
	env,
	error::Error,
	io::{self, BufRead, BufReader},
	net::TcpListener,
	process::{Child, Command, Stdio},
	time::Duration,
};

const LIMIT: Duration = Duration::from_secs(120);

fn main() -> Result<(), Box<dyn Error>> {
	let argument = env::args().nth(1);
	if argument.as_deref() == Some("shard") {
		let listener = TcpListener::bind("127.0.0.1:0")?;
		println!("{}", listener.local_addr()?);
		let mut channel = Tcp::new(listener.accept()?.0, LIMIT)?;
		return Ok(serve(
			&mut channel,
			&mut None,
			&ServeOptions { backend: Backend::best(), memory: 1 << 32 },
		)?);
	}
	let keys = argument.map_or(Ok(65_536), |argument| argument.parse())?;
	let options = ContextOptions { keys, limit: LIMIT, ..Default::default() };
	let mut processes = Vec::new();
	let result = context(&options, &mut || {
		let (process, channel) = start()?;
		processes.push(process);
		Ok(channel)
	})?;
	// Shards end when the coordinator goes away.
	for mut process in processes {
		process.wait()?;
	}
	println!("{}", serde_json::to_string_pretty(&result)?);
	Ok(())
}

fn start() -> io::Result<(Child, Tcp)> {
	let mut process = Command::new(env::current_exe()?).arg("shard").stdout(Stdio::piped()).spawn()?;
	let mut address = String::new();
	if let Some(output) = process.stdout.take() {
		BufReader::new(output).read_line(&mut address)?;
	}
	let channel = Tcp::connect(address.trim(), LIMIT)?;
	Ok((process, channel))
}
