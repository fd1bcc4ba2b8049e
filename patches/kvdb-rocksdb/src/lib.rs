//! Stands in for `kvdb-rocksdb` 0.21 in a build without RocksDB.
//!
//! The Substrate node names this crate unconditionally. Its real form compiles 20 core-minutes of C++ for
//! a database that Noesis does not use: ParityDB is ours. This crate has the same public items as far as
//! `sp-database`, `sc-client-db` and `polkadot-service` call them. [`Database`] has no values, so whatever is
//! asked of an open database can't happen, and [`Database::open`] says what to do instead.

use kvdb::{DBKeyValue, DBTransaction, DBValue, KeyValueDB};
use std::{collections::HashMap, io, path::Path};

/// Memory budget of a database in MiB, as the real crate has it.
pub const DB_DEFAULT_MEMORY_BUDGET_MB: usize = 512;

/// What a RocksDB would be opened with.
#[derive(Clone, Debug)]
pub struct DatabaseConfig {
	/// Greatest number of open files.
	pub max_open_files: i32,
	/// Memory budget in MiB per column.
	pub memory_budget: HashMap<u32, usize>,
	/// Number of columns.
	pub columns: u32,
	/// Number of log files kept.
	pub keep_log_file_num: i32,
	/// Whether statistics are gathered.
	pub enable_statistics: bool,
	/// Path of a secondary instance.
	pub secondary: Option<std::path::PathBuf>,
	/// Greatest size of the write-ahead log in bytes.
	pub max_total_wal_size: Option<u64>,
	/// Whether a missing database is made.
	pub create_if_missing: bool,
}

impl DatabaseConfig {
	/// The defaults of the real crate, for `columns` columns.
	pub fn with_columns(columns: u32) -> Self {
		Self { columns, ..Self::default() }
	}
}

impl Default for DatabaseConfig {
	fn default() -> Self {
		Self {
			max_open_files: 512,
			memory_budget: HashMap::new(),
			columns: 1,
			keep_log_file_num: 1,
			enable_statistics: false,
			secondary: None,
			max_total_wal_size: None,
			create_if_missing: true,
		}
	}
}

/// A RocksDB: it has no values in this build.
#[derive(Debug)]
pub enum Database {}

impl Database {
	/// Always an error: this build has no RocksDB.
	///
	/// `--database auto` looks for the words `create_if_missing is false` to fall back to ParityDB.
	pub fn open<P: AsRef<Path>>(config: &DatabaseConfig, path: P) -> io::Result<Self> {
		let reason = if config.create_if_missing { "" } else { " (create_if_missing is false)" };
		Err(io::Error::other(format!(
			"built without RocksDB: use --database paritydb{reason}; asked for {}",
			path.as_ref().display()
		)))
	}

	/// Unreachable: there is no open database.
	pub fn num_columns(&self) -> u32 {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn num_keys(&self, _col: u32) -> io::Result<u64> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn remove_last_column(&mut self) -> io::Result<()> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn add_column(&mut self) -> io::Result<()> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn force_compact(&self, _col: u32) -> io::Result<()> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn transaction(&self) -> DBTransaction {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn write(&self, _transaction: DBTransaction) -> io::Result<()> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn get(&self, _col: u32, _key: &[u8]) -> io::Result<Option<DBValue>> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn get_by_prefix(&self, _col: u32, _prefix: &[u8]) -> io::Result<Option<DBValue>> {
		match *self {}
	}

	/// Unreachable: there is no open database.
	pub fn iter<'a>(&'a self, _col: u32) -> Box<dyn Iterator<Item = io::Result<DBKeyValue>> + 'a> {
		match *self {}
	}
}

impl KeyValueDB for Database {
	fn get(&self, _col: u32, _key: &[u8]) -> io::Result<Option<DBValue>> {
		match *self {}
	}

	fn get_by_prefix(&self, _col: u32, _prefix: &[u8]) -> io::Result<Option<DBValue>> {
		match *self {}
	}

	fn write(&self, _transaction: DBTransaction) -> io::Result<()> {
		match *self {}
	}

	fn iter<'a>(&'a self, _col: u32) -> Box<dyn Iterator<Item = io::Result<DBKeyValue>> + 'a> {
		match *self {}
	}

	fn iter_with_prefix<'a>(
		&'a self,
		_col: u32,
		_prefix: &'a [u8],
	) -> Box<dyn Iterator<Item = io::Result<DBKeyValue>> + 'a> {
		match *self {}
	}
}

