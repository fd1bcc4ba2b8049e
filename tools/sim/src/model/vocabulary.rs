//! The tokenizer: a byte for each token, none for the one that ends an answer. Inputs are ids, so no text is ever read.

use super::{Model, END};
use noesis_canon::tokenizer::{Head, NO_SYMBOL};
use noesis_primitives::{
	merkle::{self, leaf_hash, Node},
	TokenProof,
};

/// What a token adds to an answer.
fn bytes(token: u32) -> Vec<u8> {
	if token == END {
		Vec::new()
	} else {
		vec![b'A' + token as u8]
	}
}

impl Model {
	fn vocabulary(&self) -> Vec<Node> {
		(0..self.architecture.vocabulary).map(|token| leaf_hash(&bytes(token))).collect()
	}

	/// What the chain has of the tokenizer.
	pub fn head(&self) -> Head {
		Head {
			pairs_root: merkle::EMPTY,
			pairs: 0,
			vocabulary_root: merkle::root(&self.vocabulary()),
			vocabulary: self.architecture.vocabulary,
			end: END,
			byte_symbols: [NO_SYMBOL; 256],
			prefix: String::new(),
			suffix: String::new(),
			special: Vec::new(),
		}
	}

	/// What shows what a token adds to an answer.
	pub fn token_proof(&self, token: u32) -> Option<TokenProof> {
		let path = merkle::path(&self.vocabulary(), token)?.try_into().ok()?;
		Some(TokenProof { bytes: bytes(token).try_into().ok()?, path })
	}
}
