//! Writes the seeds of every target, each into a file of its own: `seeds FOLDER` makes `FOLDER/TARGET/NUMBER`.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
	let missing = || io::Error::new(io::ErrorKind::InvalidInput, "usage: seeds FOLDER");
	let folder = PathBuf::from(env::args().nth(1).ok_or_else(missing)?);
	for target in noesis_fuzz::targets() {
		let folder = folder.join(target.name);
		fs::create_dir_all(&folder)?;
		for (number, seed) in (target.seeds)().iter().enumerate() {
			fs::write(folder.join(format!("seed-{number}")), seed)?;
		}
	}
	Ok(())
}
