//! What a shard of a long context is asked, and what a coordinator is answered.

use crate::cut::Cut;
use codec::{DecodeWithMemTracking, Encode};
use noesis_engine::{
	context::{
		serve,
		wire::{receive, send, Request, Response, HEADER},
		Channel, Positions, ServeOptions, Shape,
	},
	Backend,
};
use noesis_primitives::Root;
use std::{
	fmt::Debug,
	io::{self, Read, Write},
};

/// A stream of bytes that come, and of those that went.
struct Line<'a> {
	comes: &'a [u8],
	went: Vec<u8>,
}

impl Read for Line<'_> {
	fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
		self.comes.read(buffer)
	}
}

impl Write for Line<'_> {
	fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
		self.went.write(bytes)
	}

	fn flush(&mut self) -> io::Result<()> {
		Ok(())
	}
}

impl Channel for Line<'_> {}

/// What is read goes out as the same bytes.
fn same<T: DecodeWithMemTracking + Encode + Debug>(mut bytes: &[u8]) {
	let whole = bytes;
	if let Ok(Some((message, size))) = receive::<T>(&mut bytes) {
		let mut sent = Vec::new();
		send(&mut sent, &message).unwrap();
		assert_eq!(sent, whole[..size], "{message:?} has two encodings");
	}
}

/// Frames around pieces, so that what is in them is read.
fn framed(bytes: &[u8]) -> Vec<u8> {
	let (mut cut, mut stream) = (Cut(bytes), Vec::new());
	while !cut.0.is_empty() {
		let length = usize::from(cut.short());
		let body = cut.bytes(length);
		stream.extend_from_slice(b"nsh\x01");
		stream.extend_from_slice(&(body.len() as u32).to_le_bytes());
		stream.extend_from_slice(body);
	}
	stream
}

/// A conversation with a shard: the bytes as they are, or as the bodies of messages.
pub fn run(bytes: &[u8]) {
	let Some((way, bytes)) = bytes.split_first() else { return };
	let stream = if way % 4 == 0 { bytes.to_vec() } else { framed(bytes) };
	same::<Request>(&stream);
	same::<Response>(&stream);
	let options = ServeOptions { backend: Backend::Scalar, memory: 1 << 18 };
	let (mut line, mut shard) = (Line { comes: &stream, went: Vec::new() }, None);
	let _ = serve(&mut line, &mut shard, &options);
	// Every answer can be read.
	let mut went = line.went.as_slice();
	while receive::<Response>(&mut went).expect("a shard's own message").is_some() {}
	if let Some(shard) = shard {
		assert!(shard.shape().bytes(shard.positions().count) <= options.memory, "more memory than was given");
	}
}

/// A whole conversation, and each of its messages.
pub fn seeds() -> Vec<Vec<u8>> {
	let shape = Shape { layers: 1, heads: 2, kv_heads: 1, head_dim: 4 };
	let positions = Positions { first: 0, stride: 1, count: 3 };
	let requests = [
		Request::Hello { context: Root([1; 32]), shape, positions },
		Request::Append { layer: 0, keys: vec![3; 12], values: vec![-7; 12] },
		Request::Maxima { layer: 0, first: 2, queries: vec![5; 8] },
		Request::Partials { maxima: vec![60, 60] },
	];
	let body = |request: &Request| {
		let mut sent = Vec::new();
		send(&mut sent, request).unwrap();
		sent.split_off(HEADER)
	};
	let frame = |body: Vec<u8>| [&(body.len() as u16).to_le_bytes()[..], &body].concat();
	let all: Vec<Vec<u8>> = requests.iter().map(|request| frame(body(request))).collect();
	let answers = [Response::Welcome { held: vec![1] }, Response::Maxima { maxima: vec![Some(3), None] }];
	let mut seeds = vec![[&[1][..], &all.concat()].concat()];
	seeds.extend(all.iter().map(|one| [&[1][..], one].concat()));
	seeds.extend(answers.map(|answer| [&[1][..], &frame(answer.encode())].concat()));
	seeds
}
