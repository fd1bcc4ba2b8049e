//! Tiny models: the one that is registered, and what cheats would run instead.

use noesis_engine::{
	checkpoint::{Encoding, Source, TensorShape, Writer},
	testing, Architecture, Checkpoint, CheckpointError, Engine, EngineOptions, Shapes,
};
use noesis_primitives::{CheckpointRecord, Profile};
use std::{path::Path, sync::OnceLock};

/// A model on disk and ready to run.
#[derive(Debug)]
pub struct Model {
	/// Its file.
	pub checkpoint: Checkpoint,
	/// Its engine.
	pub engine: Engine,
}

impl Model {
	/// Its shape.
	pub fn architecture(&self) -> &Architecture {
		&self.checkpoint.manifest().architecture
	}

	/// What registers it.
	pub fn record(&self) -> CheckpointRecord {
		let manifest = self.checkpoint.manifest();
		let architecture = &manifest.architecture;
		CheckpointRecord {
			parent: None,
			profile: Profile::Exact,
			architecture: manifest.architecture_hash,
			tokenizer: manifest.tokenizer_hash,
			weights: manifest.weights_root,
			layer_roots: manifest.layer_roots.clone().try_into().unwrap(),
			width: architecture.width,
			layers: architecture.layers,
			context: architecture.context,
			vocabulary: architecture.vocabulary,
			units_per_token: manifest.units_per_token,
			locators: Default::default(),
		}
	}
}

/// The models of the tests.
#[derive(Debug)]
pub struct Models {
	/// The one that jobs are asked of.
	pub registered: Model,
	/// With less than half of its feed-forward layer, and other weights.
	pub smaller: Model,
	/// Its weights, with codes of two bits fewer.
	pub requantised: Model,
	/// Of a width that is no multiple of a slice, and rows of two chunks.
	pub odd: Model,
}

/// All of them, made once.
pub fn models() -> &'static Models {
	static MODELS: OnceLock<Models> = OnceLock::new();
	MODELS.get_or_init(|| {
		let folder = tempfile::tempdir().unwrap();
		let random = |name: &str, architecture| {
			let path = folder.path().join(name);
			testing::write_random_model_of(&path, 11, architecture).unwrap();
			open(&path)
		};
		let small = testing::architecture();
		let registered = random("registered", small);
		let path = folder.path().join("requantised");
		let mut coarser = Coarser(&registered.checkpoint);
		let data = testing::tokenizer_data();
		Writer::create(&path).unwrap().finish("requantised", small, &data, &mut coarser).unwrap();
		let odd = Architecture {
			layers: 1,
			width: 32,
			heads: 2,
			kv_heads: 2,
			head_dim: 48,
			feed_forward: 2080,
			..small
		};
		Models {
			requantised: open(&path),
			smaller: random("smaller", Architecture { feed_forward: 64, ..small }),
			odd: random("odd", odd),
			registered,
		}
	})
}

fn open(path: &Path) -> Model {
	let checkpoint = Checkpoint::open(path).unwrap();
	let options = EngineOptions { threads: Some(1), ..EngineOptions::default() };
	let engine = Engine::new(&checkpoint, &options).unwrap();
	Model { checkpoint, engine }
}

/// Another model's tensors, with the lowest two bits of every 4-bit code cut off.
struct Coarser<'a>(&'a Checkpoint);

impl Source for Coarser<'_> {
	type Error = CheckpointError;

	fn tensor(
		&mut self,
		layer: Option<u32>,
		shape: &TensorShape,
	) -> Result<(Encoding, Vec<u8>), CheckpointError> {
		let architecture = &self.0.manifest().architecture;
		let group = layer.map_or(0, |layer| layer as usize + 1);
		let shapes = match layer {
			None => architecture.embedding_shapes().to_vec(),
			Some(_) => architecture.layer_shapes().to_vec(),
		};
		let at = shapes.iter().position(|other| other == shape).unwrap();
		let tensor = self.0.group(group)?[at];
		let mut bytes = tensor.bytes.to_vec();
		if tensor.encoding == Encoding::Q4 {
			// A group's scale and minimum, then its codes.
			bytes
				.chunks_exact_mut(24)
				.for_each(|group| group[8..].iter_mut().for_each(|codes| *codes &= 0xcc));
		}
		Ok((tensor.encoding, bytes))
	}
}
