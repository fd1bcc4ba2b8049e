//! A context over shards that are processes of their own: the undivided result, or a clear error.
//!
//! Has its own `main`: with [`ROLE`] set the executable is a shard, else it runs the tests (those whose names contain
//! the first argument, if any).

// A test may fail loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use noesis_canon::{attention, shard::PartialError};
use noesis_engine::{
	context::{
		commitment,
		commitment::SumNode,
		serve,
		wire::{self, Request, Response},
		Channel, Coordinator, Positions, Refusal, ServeOptions, Shape, Shard, ShardsError, Split, Tcp,
		WireError,
	},
	testing::numbers,
	Backend,
};
use noesis_primitives::{merkle, Root};
use std::{
	env,
	io::{BufRead, BufReader, Write},
	net::{TcpListener, TcpStream},
	process::{self, Command, Stdio},
	thread,
	time::{Duration, Instant},
};

const ROLE: &str = "NOESIS_TEST_SHARD_ROLE";
const CONTEXT: Root = Root([9; 32]);
const SHAPE: Shape = Shape { layers: 2, heads: 6, kv_heads: 2, head_dim: 64 };
const MINUTE: Duration = Duration::from_secs(60);

/// Runs a test by name, for those that match the filter.
macro_rules! tests {
	($($name:ident),* $(,)?) => {
		fn run(filter: &str) {
			$(
				if stringify!($name).contains(filter) {
					let start = Instant::now();
					$name();
					println!("test {} ... ok ({:.1} s)", stringify!($name), start.elapsed().as_secs_f64());
				}
			)*
		}
	};
}

tests!(
	shard_processes_should_equal_the_undivided_context,
	keys_that_arrive_later_should_be_seen,
	a_64k_context_over_eight_processes_should_equal_the_undivided,
	a_shard_should_keep_its_context_when_the_coordinator_comes_back,
	evidence_should_hold_every_shard_to_its_word,
	a_killed_shard_should_be_an_error_and_not_a_hang,
	a_dying_shard_should_be_an_error_when_it_has_sent_half_an_answer,
	a_silent_or_trickling_shard_should_run_out_of_time,
	garbage_should_be_an_error,
	wrong_answers_should_be_errors,
	a_mismatch_at_the_handshake_should_be_an_error,
	impossible_questions_should_be_refused_before_they_are_sent,
);

fn main() {
	match env::var(ROLE) {
		Ok(role) => shard_process(&role),
		Err(_) => run(&env::args().nth(1).filter(|a| !a.starts_with('-')).unwrap_or_default()),
	}
}

// ---- The shard's side.

/// Serves one coordinator (`twice`: two in turn), honestly or not. What goes wrong here, the coordinator sees.
fn shard_process(role: &str) {
	let listener = TcpListener::bind("127.0.0.1:0").unwrap();
	println!("{}", listener.local_addr().unwrap());
	let accept = || Tcp::new(listener.accept().unwrap().0, MINUTE).unwrap();
	let options = ServeOptions { backend: Backend::best(), memory: 1 << 30 };
	let mut kept = None;
	match role {
		"honest" => drop(serve(&mut accept(), &mut kept, &options)),
		"twice" => (0..2).for_each(|_| drop(serve(&mut accept(), &mut kept, &options))),
		"poor" => {
			let options = ServeOptions { memory: 1000, ..options };
			drop(serve(&mut accept(), &mut kept, &options));
		},
		"foreign" => {
			let (mut stream, _) = listener.accept().unwrap();
			stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
			drain(stream);
		},
		_ => dishonest(accept(), role),
	}
}

/// Reads until the other side goes away.
fn drain(mut stream: impl std::io::Read) {
	let _ = std::io::copy(&mut stream, &mut std::io::sink());
}

/// Does as it should until the second round.
fn dishonest(mut channel: Tcp, role: &str) {
	let backend = Backend::best();
	let (mut shard, mut asked) = (None, None);
	while let Ok(Some((request, _))) = wire::receive::<Request>(&mut channel) {
		let response = match request {
			Request::Hello { .. } if role == "version" => {
				channel.write_all(b"nsh\x07\0\0\0\0").unwrap();
				return drain(channel);
			},
			Request::Hello { context, shape, positions } => {
				shard = Some(Shard::new(context, shape, positions).unwrap());
				Response::Welcome { held: vec![0; shape.layers as usize] }
			},
			Request::Append { layer, keys, values } => {
				let held = shard.as_mut().unwrap().append(layer as usize, &keys, &values).unwrap();
				Response::Appended { held }
			},
			Request::Maxima { layer, first, queries } => {
				let shard = shard.as_ref().unwrap();
				let question = shard.maxima(backend, layer as usize, first as usize, queries).unwrap();
				let mut maxima: Vec<_> = question.maxima.iter().map(|m| m.0).collect();
				asked = Some(question);
				match role {
					"no maximum" => maxima[1] = None,
					"huge maximum" => maxima[1] = Some(i64::MAX),
					"too great a maximum" => maxima[1] = maxima[1].map(|m| m + (1 << 30)),
					"too few maxima" => maxima.truncate(3),
					_ => {},
				}
				Response::Maxima { maxima }
			},
			Request::Partials { maxima } => {
				let (shard, asked) = (shard.as_ref().unwrap(), asked.as_ref().unwrap());
				// The lie of "too great a maximum" was told in the first round.
				let honest = shard.partials(backend, asked, &maxima);
				let mut sums = honest.unwrap();
				let question = commitment::question(CONTEXT, SHAPE, asked.layer, asked.first, &asked.queries);
				let commitment = commitment::commit(question, shard.positions(), &maxima, &sums);
				match role {
					"killed" | "silent" => loop {
						thread::sleep(MINUTE);
					},
					"trickle" => {
						let mut bytes = Vec::new();
						wire::send(&mut bytes, &Response::Partials { sums, commitment }).unwrap();
						for byte in bytes {
							channel.restart_clock();
							if channel.write_all(&[byte]).is_err() {
								return;
							}
							thread::sleep(Duration::from_millis(20));
						}
						return;
					},
					"dying" => {
						let mut bytes = Vec::new();
						wire::send(&mut bytes, &Response::Partials { sums, commitment }).unwrap();
						channel.write_all(&bytes[..bytes.len() / 2]).unwrap();
						process::abort();
					},
					"garbage" => {
						let mut bytes = Vec::new();
						wire::send(&mut bytes, &Response::Partials { sums, commitment }).unwrap();
						// A whole message whose body is noise.
						bytes[8..].iter_mut().enumerate().for_each(|(i, b)| *b = (i * 37 + 5) as u8);
						channel.write_all(&bytes).unwrap();
						continue;
					},
					"huge message" => {
						channel.write_all(b"nsh\x01\xff\xff\xff\xff").unwrap();
						continue;
					},
					"other answer" => {
						wire::send(&mut channel, &Response::Appended { held: 0 }).unwrap();
						continue;
					},
					"short sums" => {
						sums.numerators.pop();
					},
					"missing row" => {
						sums.keys.pop();
						sums.denominators.pop();
					},
					"key too few" => sums.keys[0] -= 1,
					"heavy" => sums.denominators[0] = u32::MAX,
					"large" => sums.numerators[0] = i64::MIN,
					"weightless" => {
						sums.denominators.fill(0);
						sums.numerators.fill(0);
					},
					"uncommitted" => sums.numerators[0] += 1,
					_ => {},
				}
				Response::Partials { sums, commitment }
			},
		};
		wire::send(&mut channel, &response).unwrap();
	}
}

// ---- The coordinator's side.

/// A shard process; ends with the test.
struct Process(process::Child);

impl Drop for Process {
	fn drop(&mut self) {
		let _ = self.0.kill();
		let _ = self.0.wait();
	}
}

fn start(role: &str) -> (Process, String) {
	let mut command = Command::new(env::current_exe().unwrap());
	// One thread each: there may be more shards than cores.
	let command = command.env(ROLE, role).env("RAYON_NUM_THREADS", "1").stdout(Stdio::piped());
	let mut child = Process(command.spawn().unwrap());
	let mut address = String::new();
	BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut address).unwrap();
	(child, address.trim().into())
}

fn connect(address: &str, limit: Duration) -> Tcp {
	Tcp::connect(address, limit).unwrap()
}

/// Keys and values of a layer.
fn layer_numbers(layer: usize, positions: usize) -> (Vec<i16>, Vec<i16>) {
	let count = positions * SHAPE.kv_width();
	(numbers(10 + layer as u64, count, 11), numbers(20 + layer as u64, count, 15))
}

fn queries(seed: u64, tokens: usize) -> Vec<i16> {
	numbers(seed, tokens * SHAPE.query_width(), 10)
}

fn undivided(positions: usize) -> Shard {
	let mut shard = Shard::new(CONTEXT, SHAPE, Positions::from_start(positions)).unwrap();
	for layer in 0..SHAPE.layers as usize {
		let (keys, values) = layer_numbers(layer, positions);
		shard.append(layer, &keys, &values).unwrap();
	}
	shard
}

/// Shards in processes, with all keys and values.
fn shards(split: &Split) -> (Vec<Process>, Coordinator<Tcp>) {
	let (processes, channels) = split
		.parts()
		.iter()
		.map(|_| {
			let (process, address) = start("honest");
			(process, connect(&address, MINUTE))
		})
		.unzip();
	let mut coordinator = Coordinator::connect(CONTEXT, SHAPE, split.clone(), channels).unwrap();
	for layer in 0..SHAPE.layers as usize {
		let (keys, values) = layer_numbers(layer, split.count());
		coordinator.append(layer, &keys, &values).unwrap();
	}
	(processes, coordinator)
}

fn shard_processes_should_equal_the_undivided_context() {
	let positions = 16_384;
	let whole = undivided(positions);
	let part = |first, stride, count| Positions { first, stride, count };
	let uneven = Split::new(vec![part(0, 1, 1), part(0, 1, 0), part(1, 1, 16_000), part(16_001, 1, 383)]);
	let splits = [
		Split::contiguous(positions, 1),
		Split::striped(positions, 2),
		Split::contiguous(positions, 4),
		Split::striped(positions, 8),
		uneven.unwrap(),
	];
	for split in splits {
		let (_processes, mut shards) = shards(&split);
		// Single tokens at both ends and in the middle, a block that begins where some shards have nothing to see.
		for (layer, first, tokens) in
			[(0, 0, 1), (1, 5000, 1), (0, positions - 1, 1), (1, 2, 20), (0, 9000, 30)]
		{
			let queries = queries(first as u64, tokens);
			let expected = whole.attend(Backend::best(), layer, first, &queries).unwrap();
			let found = shards.attend(layer, first, &queries).unwrap();
			assert!(found.values == expected, "{:?}, layer {layer}, from {first}", split.parts());
		}
	}
	// The undivided one is the definition's.
	let (row, dim) = (9 * SHAPE.heads as usize + 4, SHAPE.head_dim as usize);
	let queries = queries(3, 10);
	let (keys, values) = layer_numbers(1, 1000 + 10);
	let head = |all: &[i16]| -> Vec<i16> {
		all.chunks(SHAPE.kv_width()).flat_map(|position| position[dim..2 * dim].to_vec()).collect()
	};
	let mut expected = vec![0; dim];
	attention::attend(
		&queries[row * dim..(row + 1) * dim],
		&head(&keys),
		&head(&values),
		attention::multiplier(dim),
		&mut vec![0; 1010],
		&mut expected,
	);
	let found = whole.attend(Backend::best(), 1, 1000, &queries).unwrap();
	assert_eq!(found[row * dim..(row + 1) * dim], expected);
}

fn keys_that_arrive_later_should_be_seen() {
	let (positions, step) = (300, 7);
	let whole = undivided(positions);
	let split = Split::striped(positions, 3);
	let (_processes, channels): (Vec<_>, _) =
		(0..3).map(|_| start("honest")).map(|(p, address)| (p, connect(&address, MINUTE))).unzip();
	let mut shards = Coordinator::connect(CONTEXT, SHAPE, split, channels).unwrap();
	let (keys, values) = layer_numbers(0, positions);
	let width = SHAPE.kv_width();
	for first in (0..positions).step_by(step) {
		let end = (first + step).min(positions);
		let range = first * width..end * width;
		shards.append(0, &keys[range.clone()], &values[range]).unwrap();
		assert_eq!((shards.held(0), shards.held(1)), (end, 0));
		let queries = queries(first as u64, end - first);
		let expected = whole.attend(Backend::Scalar, 0, first, &queries).unwrap();
		assert_eq!(shards.attend(0, first, &queries).unwrap().values, expected);
	}
	let full = shards.append(0, &keys[..width], &values[..width]);
	assert!(matches!(full, Err(ShardsError::Request(Refusal::Size))), "{full:?}");
}

fn a_64k_context_over_eight_processes_should_equal_the_undivided() {
	let (positions, tokens) = (attention::MAX_KEYS, 128);
	let whole = undivided(positions);
	let (_processes, mut shards) = shards(&Split::striped(positions, 8));
	let queries = queries(77, tokens);
	let expected = whole.attend(Backend::best(), 1, positions - tokens, &queries).unwrap();
	let found = shards.attend(1, positions - tokens, &queries).unwrap();
	assert!(found.values == expected);
}

fn a_shard_should_keep_its_context_when_the_coordinator_comes_back() {
	let (_process, address) = start("twice");
	let split = Split::contiguous(500, 1);
	let (keys, values) = layer_numbers(1, 500);
	let width = SHAPE.kv_width();
	let mut first =
		Coordinator::connect(CONTEXT, SHAPE, split.clone(), vec![connect(&address, MINUTE)]).unwrap();
	first.append(1, &keys[..200 * width], &values[..200 * width]).unwrap();
	drop(first);
	let mut second = Coordinator::connect(CONTEXT, SHAPE, split, vec![connect(&address, MINUTE)]).unwrap();
	assert_eq!((second.held(0), second.held(1)), (0, 200));
	second.append(1, &keys[200 * width..], &values[200 * width..]).unwrap();
	let queries = queries(1, 40);
	let expected = undivided(500).attend(Backend::best(), 1, 460, &queries).unwrap();
	assert_eq!(second.attend(1, 460, &queries).unwrap().values, expected);
}

fn evidence_should_hold_every_shard_to_its_word() {
	let split = Split::striped(1000, 5);
	let (_processes, mut shards) = shards(&split);
	let queries = queries(5, 3);
	let attended = shards.attend(0, 900, &queries).unwrap();
	let evidence = &attended.evidence;
	assert_eq!(evidence.question, commitment::question(CONTEXT, SHAPE, 0, 900, &queries));
	let (row, dim) = (13, SHAPE.head_dim as usize);
	let statements = evidence.statements(row);
	let leaves: Vec<SumNode> = statements.iter().map(SumNode::leaf).collect();
	let root = commitment::sum_root(&leaves).unwrap().unwrap();
	// The total is the output, and counts every position that the row sees.
	let mut out = vec![0; dim];
	root.sums.finish(&mut out).unwrap();
	assert_eq!(out, attended.values[row * dim..(row + 1) * dim]);
	assert_eq!(root.sums.keys, 900 + 13 / SHAPE.heads + 1);
	for (i, (statement, part)) in statements.iter().zip(&evidence.parts).enumerate() {
		let path = commitment::sum_path(&leaves, i).unwrap().unwrap();
		assert!(commitment::verify_sum(&root, 5, i, statement, &path));
		// The same statement is under what the shard committed to.
		let own = commitment::statements(evidence.question, part.positions, &evidence.maxima, &part.sums);
		let own: Vec<_> = own.map(|s| s.hash()).collect();
		let path = merkle::path(&own, row as u32).unwrap();
		assert!(merkle::verify(&part.commitment.0, 18, row as u32, statement.hash(), &path));
	}
	assert!(evidence.statements(18).is_empty());
}

/// Two shards, the second of a kind, and what comes of a question.
fn question_to(role: &str, limit: Duration) -> (ShardsError, Duration) {
	let (_honest, good) = start("honest");
	let (mut bad_process, bad) = start(role);
	let channels = vec![connect(&good, limit), connect(&bad, limit)];
	let positions = 200;
	let mut shards = Coordinator::connect(CONTEXT, SHAPE, Split::striped(positions, 2), channels).unwrap();
	let (keys, values) = layer_numbers(0, positions);
	shards.append(0, &keys, &values).unwrap();
	let start = Instant::now();
	let process = thread::spawn({
		let is_killed = role == "killed";
		move || {
			if is_killed {
				thread::sleep(Duration::from_millis(300));
				bad_process.0.kill().unwrap();
			}
			bad_process
		}
	});
	let error = shards.attend(0, 150, &queries(8, 2)).unwrap_err();
	let elapsed = start.elapsed();
	assert!(matches!(shards.attend(0, 150, &queries(8, 2)), Err(ShardsError::Broken)), "{role}");
	// It lives until here unless it was killed.
	drop(process.join().unwrap());
	(error, elapsed)
}

fn a_killed_shard_should_be_an_error_and_not_a_hang() {
	let (error, elapsed) = question_to("killed", MINUTE);
	assert!(matches!(error, ShardsError::Wire { shard: 1, source: WireError::Closed }), "{error}");
	assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
	assert_eq!(error.to_string(), "shard 1: the connection was closed");
}

fn a_dying_shard_should_be_an_error_when_it_has_sent_half_an_answer() {
	let (error, _) = question_to("dying", MINUTE);
	assert!(matches!(error, ShardsError::Wire { shard: 1, source: WireError::Closed }), "{error}");
}

fn a_silent_or_trickling_shard_should_run_out_of_time() {
	for role in ["silent", "trickle"] {
		let (error, elapsed) = question_to(role, Duration::from_secs(3));
		assert!(
			matches!(error, ShardsError::Wire { shard: 1, source: WireError::Timeout }),
			"{role}: {error}"
		);
		assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
	}
}

fn garbage_should_be_an_error() {
	let (error, _) = question_to("garbage", MINUTE);
	assert!(matches!(error, ShardsError::Wire { shard: 1, source: WireError::Malformed(_) }), "{error}");
	let (error, _) = question_to("huge message", MINUTE);
	assert!(matches!(error, ShardsError::Wire { shard: 1, source: WireError::TooLarge { .. } }), "{error}");
	let (_process, address) = start("foreign");
	let channels = vec![connect(&address, MINUTE)];
	let error = Coordinator::connect(CONTEXT, SHAPE, Split::striped(5, 1), channels).unwrap_err();
	assert!(matches!(error, ShardsError::Wire { shard: 0, source: WireError::Foreign }), "{error}");
	// A shard that is sent garbage says so and ends.
	let (_process, address) = start("twice");
	let mut stream = TcpStream::connect(address).unwrap();
	stream.write_all(b"nsh\x01\x01\0\0\0\xff").unwrap();
	let (answer, _) = wire::receive::<Response>(&mut stream).unwrap().unwrap();
	assert_eq!(answer, Response::Refused(Refusal::Malformed));
	assert!(wire::receive::<Response>(&mut stream).unwrap().is_none());
}

fn wrong_answers_should_be_errors() {
	type Check = fn(&ShardsError) -> bool;
	let cases: [(&str, Check); 12] = [
		("other answer", |e| matches!(e, ShardsError::Unexpected { shard: 1 })),
		("too few maxima", |e| matches!(e, ShardsError::Size { shard: 1, found: 3, expected: 12 })),
		("no maximum", |e| matches!(e, ShardsError::Maximum { shard: 1, row: 1 })),
		("huge maximum", |e| matches!(e, ShardsError::Maximum { shard: 1, row: 1 })),
		("too great a maximum", |e| {
			matches!(e, ShardsError::Sums { shard: 1, row: 1, source: PartialError::NoMaximum })
		}),
		("short sums", |e| matches!(e, ShardsError::Size { shard: 1, found: 767, expected: 768 })),
		("missing row", |e| matches!(e, ShardsError::Size { shard: 1, found: 11, expected: 12 })),
		("key too few", |e| matches!(e, ShardsError::Keys { shard: 1, row: 0, .. })),
		("heavy", |e| matches!(e, ShardsError::Sums { row: 0, source: PartialError::Denominator, .. })),
		("large", |e| matches!(e, ShardsError::Sums { row: 0, source: PartialError::Numerator, .. })),
		("weightless", |e| matches!(e, ShardsError::Sums { shard: 1, source: PartialError::NoMaximum, .. })),
		("uncommitted", |e| matches!(e, ShardsError::Commitment { shard: 1 })),
	];
	for (role, is_expected) in cases {
		let (error, _) = question_to(role, MINUTE);
		assert!(is_expected(&error), "{role}: {error}");
	}
}

fn a_mismatch_at_the_handshake_should_be_an_error() {
	let greet = |address: &str, context, shape, split| {
		Coordinator::connect(context, shape, split, vec![connect(address, MINUTE)]).map(drop)
	};
	let split = Split::contiguous(100, 1);
	let other_shape = Shape { head_dim: 32, ..SHAPE };
	let cases = [
		(CONTEXT, other_shape, split.clone(), Refusal::Shape),
		(CONTEXT, SHAPE, Split::contiguous(99, 1), Refusal::Positions),
		(Root([1; 32]), SHAPE, split.clone(), Refusal::Context),
	];
	for (context, shape, other, expected) in cases {
		let (_process, address) = start("twice");
		greet(&address, CONTEXT, SHAPE, split.clone()).unwrap();
		let error = greet(&address, context, shape, other).unwrap_err();
		assert!(
			matches!(error, ShardsError::Refused { shard: 0, refusal } if refusal == expected),
			"{error}"
		);
	}
	let (_process, address) = start("poor");
	let error = greet(&address, CONTEXT, SHAPE, split.clone()).unwrap_err();
	let refusal = Refusal::Memory { needed: SHAPE.bytes(100), given: 1000 };
	assert!(matches!(error, ShardsError::Refused { shard: 0, refusal: r } if r == refusal), "{error}");
	let (_process, address) = start("version");
	let error = greet(&address, CONTEXT, SHAPE, split.clone()).unwrap_err();
	let theirs = WireError::Version { theirs: 7 }.to_string();
	assert_eq!(error.to_string(), format!("shard 0: {theirs}"));
	let error = Coordinator::<Tcp>::connect(CONTEXT, SHAPE, split, vec![]).unwrap_err();
	assert!(matches!(error, ShardsError::Connections { parts: 1, connections: 0 }), "{error}");

	// The shard's side of it: questions before a hello, another version, a second round without a first.
	let (_process, address) = start("honest");
	let mut stream = connect(&address, MINUTE);
	let mut ask = |request: &Request| {
		wire::send(&mut stream, request).unwrap();
		wire::receive::<Response>(&mut stream).unwrap().unwrap().0
	};
	let order = Response::Refused(Refusal::Order);
	assert_eq!(ask(&Request::Maxima { layer: 0, first: 0, queries: queries(1, 1) }), order);
	let hello = Request::Hello { context: CONTEXT, shape: SHAPE, positions: Positions::from_start(4) };
	assert_eq!(ask(&hello), Response::Welcome { held: vec![0, 0] });
	assert_eq!(ask(&Request::Partials { maxima: vec![0; 6] }), order);
	let missing = Response::Refused(Refusal::Missing { held: 0 });
	assert_eq!(ask(&Request::Maxima { layer: 0, first: 0, queries: queries(1, 1) }), missing);
	let (keys, values) = layer_numbers(0, 4);
	let append = |layer| Request::Append { layer, keys: keys.clone(), values: values.clone() };
	assert_eq!(ask(&append(2)), Response::Refused(Refusal::Layer));
	assert_eq!(ask(&append(0)), Response::Appended { held: 4 });
	assert_eq!(ask(&append(0)), Response::Refused(Refusal::Size));
	let Response::Maxima { maxima } = ask(&Request::Maxima { layer: 0, first: 3, queries: queries(1, 1) })
	else {
		panic!("no maxima");
	};
	// A maximum under a score that is there would make weights that are none.
	let lower = maxima.iter().map(|m| m.unwrap() - 1).collect();
	assert_eq!(ask(&Request::Partials { maxima: lower }), Response::Refused(Refusal::Maximum));
	stream.write_all(b"nsh\x02\0\0\0\0").unwrap();
	let (answer, _) = wire::receive::<Response>(&mut stream).unwrap().unwrap();
	assert_eq!(answer, Response::Refused(Refusal::Version));
}

fn impossible_questions_should_be_refused_before_they_are_sent() {
	let split = Split::striped(200, 2);
	let (_processes, mut shards) = shards(&split);
	let good = queries(4, 1);
	let mut low = good.clone();
	low[5] = i16::MIN;
	let too_many = queries(4, 129);
	let cases: [(usize, usize, &[i16], Refusal); 7] = [
		(2, 0, &good, Refusal::Layer),
		(0, 200, &good, Refusal::Missing { held: 200 }),
		(0, 0, &good[1..], Refusal::Size),
		(0, 0, &[], Refusal::Size),
		(0, 0, &too_many, Refusal::Size),
		(0, 65_536, &good, Refusal::Size),
		(0, 0, &low, Refusal::Number),
	];
	for (layer, first, queries, expected) in cases {
		let error = shards.attend(layer, first, queries).unwrap_err();
		assert!(matches!(error, ShardsError::Request(refusal) if refusal == expected), "{error}");
	}
	// Nothing was sent, so the conversation goes on.
	assert!(shards.attend(0, 199, &good).is_ok());
}
