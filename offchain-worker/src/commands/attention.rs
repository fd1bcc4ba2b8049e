//! `noesis bench attention`.

use super::{print_json, CommandError};
use crate::cli::AttentionArgs;
use noesis_cuda::{
	attention::tuning::Tuning,
	bench::{run_cpu, run_device, tune, Cell, Effort, Outcome},
	choose, Chosen, DeviceError,
};
use std::{fs, path::Path};

pub(super) fn bench(args: AttentionArgs) -> Result<(), CommandError> {
	let mut cells = Cell::flashcore();
	if args.all {
		cells.extend(Cell::more());
	}
	let mut told =
		|outcome: &Outcome| tracing::info!(shape = outcome.name, error = outcome.error, "measured");
	let report = match choose(args.backend, None)? {
		Chosen::Device(device) => {
			let mut tuning = match &args.tiles {
				Some(path) => Tuning::from_json(&read(path)?)?,
				None => Tuning::default(),
			};
			if let Some(path) = &args.tune {
				tune(&device, &mut tuning, &cells, &Effort::FULL, &mut |cell, tile, time| {
					tracing::info!(%cell, ?tile, ?time, "timed");
				})?;
				write(path, &tuning.to_json()?)?;
			}
			run_device(&device, "cuda", &tuning, &cells, &Effort::FULL, &mut told)?
		},
		Chosen::Cpu { .. } if args.tune.is_some() => return Err(DeviceError::NoDriver.into()),
		Chosen::Cpu { reason } => {
			tracing::warn!(reason, "measuring the CPU");
			run_cpu(&cells, &Effort::CPU, &mut told)
		},
	};
	if args.json {
		print_json(&report);
	} else {
		println!("{}\n{}", report.protocol, report.table());
	}
	Ok(())
}

fn read(path: &Path) -> Result<String, CommandError> {
	fs::read_to_string(path).map_err(|source| CommandError::File { path: path.into(), source })
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
	fs::write(path, text).map_err(|source| CommandError::File { path: path.into(), source })
}
