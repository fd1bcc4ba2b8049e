//! `noesis keys`.

use super::print_json;
use crate::{
	cli::KeysCommand,
	keys::{KeyError, Keys},
};
use noesis_primitives::ContentHash;

pub(super) fn run(command: KeysCommand) -> Result<(), KeyError> {
	match command {
		KeysCommand::New { out: Some(path), json } => {
			let (keys, phrase) = Keys::generate()?;
			Keys::write_file(&path, &phrase)?;
			show(&keys, json, Some(("file", path.display().to_string())));
		},
		KeysCommand::New { out: None, json } => {
			let (keys, phrase) = Keys::generate()?;
			show(&keys, json, Some(("phrase", phrase)));
		},
		KeysCommand::Show { key, json } => show(&key.load()?, json, None),
	}
	Ok(())
}

fn show(keys: &Keys, json: bool, more: Option<(&str, String)>) {
	let account = keys.account();
	// Both are 32 bytes; only the hexadecimal form is borrowed.
	let (public, draw) = (ContentHash(account.0).to_string(), ContentHash(keys.draw_key()).to_string());
	if json {
		let mut report = serde_json::json!({ "account": account, "public": public, "draw_key": draw });
		if let (Some((name, value)), Some(report)) = (more, report.as_object_mut()) {
			report.insert(name.to_owned(), value.into());
		}
		print_json(&report);
		return;
	}
	println!("account   {account}\npublic    {public}\ndraw key  {draw}");
	if let Some((name, value)) = more {
		println!("{name:<9} {value}");
	}
}
