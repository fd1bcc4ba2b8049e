//! SCALE: what comes in extrinsics, and what a node answers.

use crate::mutate::Random;
use codec::{
	Decode, DecodeAll, DecodeWithMemLimit, DecodeWithMemTracking, Encode, Error, Input, MaxEncodedLen,
};
use noesis_primitives::*;
use std::fmt::Debug;

type AccountId = [u8; 32];

/// Bytes are refused, or the only encoding of what they say.
fn canonical<T: DecodeAll + Encode>(bytes: &[u8]) {
	if let Ok(value) = T::decode_all(&mut &*bytes) {
		assert_eq!(value.encode(), bytes, "another encoding of the same");
	}
}

/// The same; and memory is counted as it is taken, as the chain does.
fn tracked<T: DecodeAll + DecodeWithMemTracking + Encode + PartialEq + Debug>(bytes: &[u8]) {
	canonical::<T>(bytes);
	let limited = T::decode_with_mem_limit(&mut &*bytes, 1 << 20);
	if let (Ok(limited), Ok(value)) = (limited, T::decode(&mut &*bytes)) {
		assert_eq!(limited, value, "memory that is counted changes a value");
	}
}

/// The same; and nothing is longer than it says that it can be.
fn bounded<T: DecodeAll + DecodeWithMemTracking + Encode + MaxEncodedLen + PartialEq + Debug>(bytes: &[u8]) {
	tracked::<T>(bytes);
	if let Ok(value) = T::decode(&mut &*bytes) {
		assert!(value.encoded_size() <= T::max_encoded_len(), "longer than its greatest length");
	}
}

/// Bytes from which a value can be read: mostly zeros, and such as are variants and short lengths; only zeros at first.
struct Small {
	random: Random,
	zeros: bool,
}

impl Input for Small {
	fn remaining_len(&mut self) -> Result<Option<usize>, Error> {
		Ok(None)
	}

	fn read(&mut self, into: &mut [u8]) -> Result<(), Error> {
		for byte in into {
			*byte = match self.random.below(16) {
				_ if self.zeros => 0,
				0 => self.random.number() as u8,
				1 | 2 => 4 * self.random.below(9) as u8,
				3 | 4 => self.random.below(5) as u8,
				_ => 0,
			};
		}
		Ok(())
	}
}

/// Encodings of some values of a type.
fn samples<T: Decode + Encode>(count: u64) -> Vec<Vec<u8>> {
	let sample = |seed| {
		let mut bytes = Small { random: Random(seed), zeros: seed == 0 };
		T::decode(&mut bytes).ok().map(|value| value.encode())
	};
	(0..256).filter_map(sample).filter(|bytes| bytes.len() < 4096).take(count as usize).collect()
}

/// A type: what is done with its bytes, and some of its values.
type Kind = (fn(&[u8]), fn(u64) -> Vec<Vec<u8>>);

macro_rules! kinds {
	($($check:ident: $($of:ty),+;)+) => {
		&[$($(($check::<$of>, samples::<$of>)),+),+]
	};
}

/// What calls take.
const CALLS: &[Kind] = kinds! {
	bounded: JobSpec<AccountId>, BatchSpec<AccountId>, ChannelSpec<AccountId>, Payload, Usage, Root, Engagement,
		Item, ItemInput, Tally, Turn, Subject, Claim, Draw, Opening, Capability, Role, CheckpointRecord, Locators,
		Architecture, Accused<AccountId>, Nodes, NodePath, LeafBytes, LengthProof, TokenProof, WordCommitment,
		TokenSource, TextEvidence, PairProof, Tier, Verification, JobKind;
	tracked: Evidence, Piece, FinePiece, WeightsPiece, RowPiece, WordEvidence, OutputProof, ShownOutput;
};

/// What a node answers.
const VIEWS: &[Kind] = kinds! {
	canonical: JobView<AccountId>, ChannelView<AccountId>, BundleView, Vec<Claimable>, PanelView<AccountId>,
		PanelWindows, CanaryView, Security, CheckpointView<AccountId>, OperatorView, Quote, QuoteError,
		DisputeView<AccountId>, DisputedSubject<AccountId>, Receipt<AccountId>, Vec<TimelineEntry<AccountId>>,
		Vec<JobId>, Phase, Verdict, JobState<AccountId>;
};

fn run(kinds: &[Kind], bytes: &[u8]) {
	let Some((kind, bytes)) = bytes.split_first() else { return };
	(kinds[usize::from(*kind) % kinds.len()].0)(bytes);
}

fn seeds(kinds: &[Kind]) -> Vec<Vec<u8>> {
	let of = |(at, kind): (usize, &Kind)| {
		let values = (kind.1)(3);
		assert!(!values.is_empty(), "no value of type {at}");
		values.into_iter().map(move |value| [&[at as u8][..], &value].concat())
	};
	kinds.iter().enumerate().flat_map(of).collect()
}

/// What calls take: the first byte says what.
pub fn extrinsics(bytes: &[u8]) {
	run(CALLS, bytes);
}

/// Values of each.
pub fn extrinsic_seeds() -> Vec<Vec<u8>> {
	seeds(CALLS)
}

/// What a node answers: the first byte says what.
pub fn views(bytes: &[u8]) {
	run(VIEWS, bytes);
}

/// Values of each.
pub fn view_seeds() -> Vec<Vec<u8>> {
	seeds(VIEWS)
}
