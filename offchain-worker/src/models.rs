//! The checkpoint files of this process, and which checkpoints of the chain they are.

use crate::AccountId;
use noesis_engine::{Checkpoint, Engine, EngineError, EngineOptions, Manifest, RunOptions};
use noesis_primitives::{
	CheckpointId, CheckpointRecord, CheckpointView, GenerateParams, InputFormat, JobKind, Locators, Root,
};
use std::{
	collections::{BTreeMap, HashMap},
	path::PathBuf,
	sync::{Arc, RwLock},
	time::Instant,
};

/// Why a checkpoint file can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
	/// No file was given.
	#[error("no checkpoint file: pass at least one with --checkpoint (see `noesis checkpoint import`)")]
	None,
	/// The file is not usable.
	#[error("checkpoint file {path}: {source}")]
	Open {
		/// Which.
		path: PathBuf,
		/// Why.
		source: EngineError,
	},
	/// The model has more layers than a record can name.
	#[error("the model has {0} layers, more than a checkpoint may have")]
	Layers(usize),
}

/// A loaded checkpoint file.
#[derive(Debug)]
pub struct Model {
	/// The file.
	pub path: PathBuf,
	/// Its engine.
	pub engine: Engine,
	/// Its tensors as they are hashed, for disputes.
	pub checkpoint: Checkpoint,
}

impl Model {
	/// Loads a checkpoint file.
	pub fn open(path: PathBuf, options: &EngineOptions) -> Result<Self, ModelError> {
		let (engine, checkpoint) = Engine::open_with_checkpoint(&path, options)
			.map_err(|source| ModelError::Open { path: path.clone(), source })?;
		Ok(Self { path, engine, checkpoint })
	}

	/// Tokens per second of a short answer to a short question.
	pub fn speed(&self) -> u32 {
		const TOKENS: u32 = 16;
		let kind = JobKind::Generate(GenerateParams::greedy(InputFormat::Text, TOKENS));
		let started = Instant::now();
		let Ok(execution) = self.engine.run(&kind, b"The", RunOptions::default()) else { return 0 };
		(f64::from(execution.usage.output_tokens) / started.elapsed().as_secs_f64().max(1e-6)) as u32
	}

	/// Whether the file is what was registered, to the last number: the chain judges answers by the record's.
	pub fn is(&self, registered: &CheckpointRecord) -> bool {
		let own = record(self.engine.manifest(), registered.parent, registered.locators.clone());
		own.is_ok_and(|own| own == *registered)
	}
}

/// What registers the checkpoint that `manifest` describes.
pub fn record(
	manifest: &Manifest,
	parent: Option<CheckpointId>,
	locators: Locators,
) -> Result<CheckpointRecord, ModelError> {
	let roots = manifest.layer_roots.clone();
	let count = roots.len();
	Ok(CheckpointRecord {
		parent,
		profile: manifest.profile,
		architecture: manifest.architecture_hash,
		tokenizer: manifest.tokenizer_hash,
		weights: manifest.weights_root,
		layer_roots: roots.try_into().map_err(|_| ModelError::Layers(count))?,
		width: manifest.architecture.width,
		layers: manifest.architecture.layers,
		context: manifest.architecture.context,
		vocabulary: manifest.architecture.vocabulary,
		units_per_token: manifest.units_per_token,
		locators,
	})
}

/// Where a checkpoint stands among those that are offered, of which only so many are: first the active ones, the oldest
/// first, then the deprecated ones, the newest first.
fn rank(id: CheckpointId, active: bool) -> (bool, u32) {
	match active {
		true => (false, id.0),
		false => (true, u32::MAX.saturating_sub(id.0)),
	}
}

/// All loaded checkpoint files.
#[derive(Debug)]
pub struct Models {
	loaded: Vec<Arc<Model>>,
	/// Which checkpoint of the chain is which file.
	ids: RwLock<BTreeMap<CheckpointId, usize>>,
}

impl Models {
	/// Loads checkpoint files.
	pub fn open(paths: &[PathBuf], options: &EngineOptions) -> Result<Self, ModelError> {
		if paths.is_empty() {
			return Err(ModelError::None);
		}
		let loaded = paths
			.iter()
			.map(|path| Model::open(path.clone(), options).map(Arc::new))
			.collect::<Result<_, _>>()?;
		Ok(Self { loaded, ids: RwLock::default() })
	}

	/// All files.
	pub fn all(&self) -> &[Arc<Model>] {
		&self.loaded
	}

	/// The files by weights root.
	pub fn files(&self) -> HashMap<Root, PathBuf> {
		let entry = |model: &Arc<Model>| (model.engine.manifest().weights_root, model.path.clone());
		self.loaded.iter().map(entry).collect()
	}

	/// Learns which registered checkpoints the files are, the deprecated ones too: open work on those is still to be judged
	/// and defended. Returns them in the order in which they are worth offering.
	pub fn identify(&self, registered: &[CheckpointView<AccountId>]) -> Vec<CheckpointId> {
		let matches = registered.iter().filter_map(|view| {
			let index = self.loaded.iter().position(|model| model.is(&view.record))?;
			Some((view, index))
		});
		let mut known: Vec<_> = matches.collect();
		known.sort_by_key(|(view, _)| rank(view.id, view.active));
		let mut ids = self.ids.write().unwrap_or_else(|poisoned| poisoned.into_inner());
		*ids = known.iter().map(|(view, index)| (view.id, *index)).collect();
		known.iter().map(|(view, _)| view.id).collect()
	}

	/// Files that are no registered checkpoint, as far as is known.
	pub fn unknown(&self) -> Vec<Arc<Model>> {
		let ids = self.ids.read().unwrap_or_else(|poisoned| poisoned.into_inner());
		let known = |index: &usize| ids.values().any(|known| known == index);
		self.loaded
			.iter()
			.enumerate()
			.filter(|(index, _)| !known(index))
			.map(|(_, model)| model.clone())
			.collect()
	}

	/// Whether a checkpoint is loaded.
	pub fn has(&self, id: CheckpointId) -> bool {
		self.get(id).is_some()
	}

	/// A checkpoint's model.
	pub fn get(&self, id: CheckpointId) -> Option<Arc<Model>> {
		let ids = self.ids.read().unwrap_or_else(|poisoned| poisoned.into_inner());
		self.loaded.get(*ids.get(&id)?).cloned()
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_engine::testing;

	fn view(id: u32, active: bool, record: CheckpointRecord) -> CheckpointView<AccountId> {
		let (id, owner) = (CheckpointId(id), AccountId::from([1; 32]));
		CheckpointView { id, active, owner, record, depth: 0, registered: 1 }
	}

	/// Whoever owns a checkpoint could otherwise disarm those who dispute its answers.
	#[test]
	fn checkpoint_should_stay_known_when_it_is_deprecated() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("model.noesis");
		let manifest = testing::write_random_model(&path, 3).unwrap();
		let models = Models::open(&[path], &EngineOptions::default()).unwrap();
		let record = record(&manifest, None, Locators::default()).unwrap();
		assert_eq!(models.identify(&[view(0, true, record.clone())]), vec![CheckpointId(0)]);
		assert_eq!(models.identify(&[view(0, false, record.clone())]), vec![CheckpointId(0)]);
		assert!(models.has(CheckpointId(0)) && models.unknown().is_empty());
		let all = [(0, false), (1, true), (2, false), (3, true), (4, false)];
		let views = all.map(|(id, active)| view(id, active, record.clone()));
		assert_eq!(models.identify(&views), [1, 3, 4, 2, 0].map(CheckpointId));
		assert!((0..5).all(|id| models.has(CheckpointId(id))));
	}

	/// A dispute judges by what the record says. Whoever serves a model by a record that says another context can be slashed
	/// for an answer that is right.
	#[test]
	fn a_file_should_not_be_taken_for_a_checkpoint_that_misstates_it() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("model.noesis");
		let manifest = testing::write_random_model(&path, 3).unwrap();
		let models = Models::open(&[path], &EngineOptions::default()).unwrap();
		let right = record(&manifest, Some(CheckpointId(4)), Locators::default()).unwrap();
		let wrong = [
			CheckpointRecord { context: right.context * 2, ..right.clone() },
			CheckpointRecord { width: right.width + 64, ..right.clone() },
			CheckpointRecord { layers: right.layers - 1, ..right.clone() },
			CheckpointRecord { vocabulary: right.vocabulary + 1, ..right.clone() },
			CheckpointRecord { units_per_token: right.units_per_token + 1, ..right.clone() },
			CheckpointRecord { layer_roots: Default::default(), ..right.clone() },
		];
		let all = [right].into_iter().chain(wrong).enumerate();
		let views: Vec<_> = all.map(|(id, record)| view(id as u32, true, record)).collect();
		assert_eq!(models.identify(&views), vec![CheckpointId(0)]);
	}
}
