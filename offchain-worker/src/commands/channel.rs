//! `noesis channel`: the requester's side, from the offer to the settlement.

use super::{connect, order, print_json, CommandError};
use crate::{
	chain::{BlockHash, Call, Chain, Submitter},
	channel::{Answered, Book, BookFile, ChainMarket, ChannelError, Objection, Session, Terms},
	cli::{
		dot, ChannelAskArgs, ChannelCloseArgs, ChannelCommand, ChannelOpenArgs, ChannelStatusArgs, StateArgs,
	},
	executor::{run as execute, Task},
	keys::Keys,
	models::Model,
	AccountId,
};
use noesis_primitives::{
	BlockNumber, ChannelId, ChannelSpec, ChannelState, ChannelView, CheckpointId, JobKind, Tally, Turn,
};
use std::{path::PathBuf, time::Instant};

/// Blocks that a worker has to accept an offer, or to close, before the command goes on without it.
const PATIENCE: BlockNumber = 30;

pub(super) async fn run(url: &str, command: ChannelCommand) -> Result<(), CommandError> {
	match command {
		ChannelCommand::Open(args) => open(url, args).await,
		ChannelCommand::Ask(args) => ask(url, args).await,
		ChannelCommand::Close(args) => close(url, args).await,
		ChannelCommand::Status(args) => status(url, args).await,
	}
}

async fn open(url: &str, args: ChannelOpenArgs) -> Result<(), CommandError> {
	let keys = args.key.load()?;
	let chain = connect(url).await?;
	let checkpoint = order::checkpoint(&chain, args.checkpoint).await?;
	let spec = ChannelSpec {
		worker: args.worker,
		checkpoint,
		escrow: args.escrow,
		cap: args.cap.unwrap_or(args.escrow),
		lifetime: args.lifetime,
		tier: args.tier.into(),
		verification: args.verification,
	};
	ensure_servable(&chain, &spec).await?;
	let submitter = Submitter::start(chain.clone(), keys);
	let included = submitter.submit(Call::open_channel(&spec)).await?;
	let id: ChannelId = included
		.event("Poi", "ChannelOffered")
		.and_then(|event| event.decode())
		.ok_or(CommandError::NoEvent("Poi.ChannelOffered"))?;
	if !args.json {
		eprintln!("channel {id} is offered in block {}: {} held", included.block.number, dot(spec.escrow));
	}
	if !args.no_wait {
		let accepted = |view: &ChannelView<AccountId>| view.state != ChannelState::Offered;
		let patience = Some(included.block.number.saturating_add(PATIENCE));
		if wait(&chain, id, patience, false, accepted).await?.is_none() {
			return Err(CommandError::NotAccepted(id, PATIENCE));
		}
	}
	let view = view(&chain, chain.best().hash, id).await?;
	match args.json {
		true => print_json(&report(&view, None)),
		false => println!("{id}"),
	}
	Ok(())
}

/// Says before money is held why the worker would not accept.
async fn ensure_servable(chain: &Chain, spec: &ChannelSpec<AccountId>) -> Result<(), CommandError> {
	let operator = chain.operator(chain.best().hash, spec.worker).await?;
	let reason = match operator {
		None => "it is not registered: see `noesis status --account`".to_owned(),
		Some(view) if !view.record.capability.checkpoints.contains(&spec.checkpoint) => {
			format!("it does not offer checkpoint {}", spec.checkpoint)
		},
		Some(view) if view.free_exposure < spec.escrow => {
			format!("its stake covers {} now: offer an escrow of at most that", dot(view.free_exposure))
		},
		Some(_) => return Ok(()),
	};
	Err(CommandError::NotServable(reason))
}

async fn ask(url: &str, args: ChannelAskArgs) -> Result<(), CommandError> {
	let keys = args.key.load()?;
	let chain = connect(url).await?;
	let view = view(&chain, chain.best().hash, args.channel).await?;
	if view.state != ChannelState::Open {
		return Err(CommandError::NotOpen { channel: view.id, why: describe(&view.state) });
	}
	let mut session = session(&chain, &view, keys, &args.state).await?;
	let judge = Judge::new(&chain, &view, &args).await?;
	let asked = (args.generate.kind(), order::input(args.generate.format, &args.prompt)?);
	if let Some(begun) = session.pending()? {
		let same = begun == asked;
		let finished = turn(&chain, &view, &mut session, begun, &judge).await;
		match finished {
			Ok((answered, seconds)) if same => return show(&args, &session, &answered, seconds),
			Ok((answered, _)) => tracing::warn!(
				turn = answered.turn.index, answer = %String::from_utf8_lossy(&answered.output),
				"a turn that was begun before has been ended first"
			),
			// The worker has never served it: there is nothing to end.
			Err(_) if session.pending()?.is_none() => {},
			Err(CommandError::Channel(error)) => return Err(CommandError::Unfinished(error)),
			Err(error) => return Err(error),
		}
	}
	let (answered, seconds) = turn(&chain, &view, &mut session, asked, &judge).await?;
	show(&args, &session, &answered, seconds)
}

/// One turn, and how long it took.
async fn turn(
	chain: &Chain,
	view: &ChannelView<AccountId>,
	session: &mut Session,
	(kind, input): (JobKind, Vec<u8>),
	judge: &Judge,
) -> Result<(Answered, f64), CommandError> {
	let market = ChainMarket { chain: chain.clone() };
	let terms: Terms = market.terms(view, &kind, input.len()).await?.map_err(CommandError::Quote)?;
	let started = Instant::now();
	let again = input.clone();
	let answered = session.ask(kind, input, &terms, |turn| judge.approve(turn, &again)).await?;
	Ok((answered, started.elapsed().as_secs_f64()))
}

/// Computes turns again before they are signed, if that is wanted.
struct Judge {
	model: Option<(Model, CheckpointId)>,
}

impl Judge {
	async fn new(
		chain: &Chain,
		view: &ChannelView<AccountId>,
		args: &ChannelAskArgs,
	) -> Result<Self, CommandError> {
		let Some(path) = args.recompute.clone() else { return Ok(Self { model: None }) };
		let id = view.spec.checkpoint;
		let checkpoint = chain.checkpoint(chain.best().hash, id).await?;
		let checkpoint = checkpoint.ok_or(CommandError::UnknownCheckpoint(id))?;
		Ok(Self { model: Some((order::model(path, &args.engine, &checkpoint)?, id)) })
	}

	fn approve(&self, turn: &Turn, input: &[u8]) -> Result<(), Objection> {
		let Some((model, checkpoint)) = &self.model else { return Ok(()) };
		let task = Task {
			checkpoint: *checkpoint,
			kind: &turn.kind,
			input,
			draft: None,
			open: &[],
			on_output: &mut |_| true,
		};
		match tokio::task::block_in_place(|| execute(&model.engine, task)) {
			Ok(finding) if finding.claim == turn.claim => Ok(()),
			Ok(_) => Err(Objection::Wrong),
			Err(error) => {
				tracing::warn!(%error, "the turn could not be computed again");
				Err(Objection::Wrong)
			},
		}
	}
}

fn show(
	args: &ChannelAskArgs,
	session: &Session,
	answered: &Answered,
	seconds: f64,
) -> Result<(), CommandError> {
	let Answered { turn, output, price } = answered;
	let answer = String::from_utf8_lossy(output);
	let delivered = session.book().delivered == session.book().next();
	if args.json {
		print_json(&serde_json::json!({
			"channel": turn.channel,
			"turn": turn.index,
			"answer": answer,
			"price": price.to_string(),
			"spent": turn.spent.to_string(),
			"input_tokens": turn.claim.usage.input_tokens,
			"output_tokens": turn.claim.usage.output_tokens,
			"root": turn.claim.root,
			"signed": session.book().by_requester,
			"delivered": delivered,
			"recomputed": args.recompute.is_some(),
			"seconds": seconds,
		}));
		return Ok(());
	}
	println!("{answer}");
	eprintln!(
		"turn {} after {seconds:.1} s: {}, {} in all; root {}",
		turn.index,
		dot(*price),
		dot(turn.spent),
		turn.claim.root
	);
	Ok(())
}

async fn close(url: &str, args: ChannelCloseArgs) -> Result<(), CommandError> {
	let keys = args.key.load()?;
	let chain = connect(url).await?;
	let id = args.channel;
	let now = view(&chain, chain.best().hash, id).await?;
	if now.requester != keys.account() {
		return Err(CommandError::OtherRequester(id));
	}
	match now.state {
		ChannelState::Offered => {
			let take_back = Call::close_channel(&Tally::empty(id), None);
			Submitter::start(chain.clone(), keys).submit(take_back).await?;
		},
		ChannelState::Open => {
			let by_worker = !args.alone && closed_by_worker(&chain, &now, &keys, &args.state).await?;
			if !by_worker {
				let book = BookFile::peek(&folder(&chain, &args.state), id)?;
				let signed = book.and_then(|book| book.by_worker);
				let call = match signed {
					Some(signed) => Call::close_channel(&signed.tally, Some(signed.signature)),
					None => Call::close_channel(&Tally::empty(id), None),
				};
				Submitter::start(chain.clone(), keys).submit(call).await?;
			}
		},
		_ => {},
	}
	let ended = |view: &ChannelView<AccountId>| view.state.is_terminal();
	let end = match args.no_wait {
		true => None,
		false => wait(&chain, id, None, true, ended).await?,
	};
	let end = match end {
		Some(view) => view,
		None => view(&chain, chain.best().hash, id).await?,
	};
	let book = BookFile::peek(&folder(&chain, &args.state), id)?;
	show_channel(&end, book.as_ref(), args.json);
	Ok(())
}

/// Asks the worker to close; whether it did.
async fn closed_by_worker(
	chain: &Chain,
	view: &ChannelView<AccountId>,
	keys: &Keys,
	state: &StateArgs,
) -> Result<bool, CommandError> {
	let asked = match session(chain, view, keys.clone(), state).await {
		Ok(mut session) => session.end().await,
		Err(CommandError::Channel(error)) => Err(error),
		Err(error) => return Err(error),
	};
	match asked {
		Ok(()) => {},
		Err(error @ (ChannelError::Book(_) | ChannelError::Store(_))) => return Err(error.into()),
		Err(error) => {
			tracing::warn!(%error, "the worker does not close it: closing alone");
			return Ok(false);
		},
	}
	let patience = Some(chain.best().number.saturating_add(PATIENCE));
	let closed = |view: &ChannelView<AccountId>| view.state != ChannelState::Open;
	let by_worker = wait(chain, view.id, patience, false, closed).await?.is_some();
	if !by_worker {
		tracing::warn!("the worker has not closed it within {PATIENCE} blocks: closing alone");
	}
	Ok(by_worker)
}

async fn status(url: &str, args: ChannelStatusArgs) -> Result<(), CommandError> {
	let chain = connect(url).await?;
	let view = view(&chain, chain.best().hash, args.channel).await?;
	let book = BookFile::peek(&folder(&chain, &args.state), args.channel)?;
	show_channel(&view, book.as_ref(), args.json);
	Ok(())
}

async fn view(chain: &Chain, at: BlockHash, id: ChannelId) -> Result<ChannelView<AccountId>, CommandError> {
	chain.channel(at, id).await?.ok_or(CommandError::UnknownChannel(id))
}

/// Follows a channel until it is where it is wanted; `None` after block `patience`.
async fn wait(
	chain: &Chain,
	id: ChannelId,
	patience: Option<BlockNumber>,
	finalized: bool,
	wanted: impl Fn(&ChannelView<AccountId>) -> bool,
) -> Result<Option<ChannelView<AccountId>>, CommandError> {
	let mut heads = chain.heads();
	loop {
		let now = *heads.borrow_and_update();
		let at = if finalized { now.finalized } else { now.best };
		match chain.channel(at.hash, id).await {
			Ok(view) => {
				if let Some(view) = view.filter(&wanted) {
					return Ok(Some(view));
				}
			},
			Err(error) => tracing::warn!(%error, "following on"),
		}
		if patience.is_some_and(|last| now.best.number > last) {
			return Ok(None);
		}
		heads.changed().await.map_err(|_| CommandError::Disconnected)?;
	}
}

async fn session(
	chain: &Chain,
	view: &ChannelView<AccountId>,
	keys: Keys,
	state: &StateArgs,
) -> Result<Session, CommandError> {
	if view.requester != keys.account() {
		return Err(CommandError::OtherRequester(view.id));
	}
	let base = chain.endpoint(view.spec.worker).await?.unwrap_or_default();
	let new = Book::new(chain.genesis().0, view.id, view.requester, view.spec.worker);
	Ok(Session::open(&folder(chain, state), new, keys, &base)?)
}

/// Where the books of this chain are.
fn folder(chain: &Chain, state: &StateArgs) -> PathBuf {
	let variable = |name| std::env::var_os(name).map(PathBuf::from);
	let base = state
		.state
		.clone()
		.or_else(|| variable("XDG_DATA_HOME").map(|data| data.join("noesis").join("channels")))
		.or_else(|| variable("HOME").map(|home| home.join(".local/share/noesis/channels")))
		.unwrap_or_else(|| PathBuf::from("noesis-channels"));
	crate::channel::folder(&base, &chain.genesis().0)
}

fn show_channel(view: &ChannelView<AccountId>, book: Option<&Book>, json: bool) {
	if json {
		return print_json(&report(view, book));
	}
	println!("channel {} of {} to {}: {}", view.id, view.requester, view.spec.worker, describe(&view.state));
	println!(
		"  escrow {}, cap {} a turn, checkpoint {}, until block {}, due at {}",
		dot(view.spec.escrow),
		dot(view.spec.cap),
		view.spec.checkpoint,
		view.expires,
		view.due
	);
	if let Some(tally) = view.tally {
		println!("  closed by {} turns for {}, root {}", tally.turns, dot(tally.spent), tally.root);
	}
	if let Some(book) = book {
		println!("  here {} turns for {}, {} delivered", book.next(), dot(book.spent()), book.delivered);
		if book.pending.is_some() {
			println!("  a turn was begun and not ended: the next `noesis channel ask` ends it");
		}
	}
	if let Some(settlement) = &view.settlement {
		println!("  paid {} to the worker, {} came back", dot(settlement.worker), dot(settlement.refund));
	}
}

fn report(view: &ChannelView<AccountId>, book: Option<&Book>) -> serde_json::Value {
	let here = book.map(|book| {
		serde_json::json!({
			"turns": book.next(),
			"spent": book.spent().to_string(),
			"delivered": book.delivered,
			"pending": book.pending.is_some(),
			"root": book.tally().root,
		})
	});
	let tally = view.tally.map(
		|tally| serde_json::json!({ "turns": tally.turns, "root": tally.root, "spent": tally.spent.to_string() }),
	);
	let settlement = view.settlement.as_ref().map(|settlement| {
		serde_json::json!({
			"worker": settlement.worker.to_string(),
			"per_validator": settlement.per_validator.to_string(),
			"bonus": settlement.bonus.to_string(),
			"saved": settlement.saved.to_string(),
			"pot": settlement.pot.to_string(),
			"refund": settlement.refund.to_string(),
			"verdicts": settlement.verdicts.to_vec(),
		})
	});
	serde_json::json!({
		"channel": view.id,
		"requester": view.requester,
		"worker": view.spec.worker,
		"checkpoint": view.spec.checkpoint,
		"escrow": view.spec.escrow.to_string(),
		"cap": view.spec.cap.to_string(),
		"state": view.state,
		"expires": view.expires,
		"due": view.due,
		"tally": tally,
		"settlement": settlement,
		"here": here,
	})
}

fn describe(state: &ChannelState) -> String {
	match state {
		ChannelState::Offered => "offered, and not accepted yet".to_owned(),
		ChannelState::Open => "open".to_owned(),
		ChannelState::Closing { until } => {
			format!("closing; the worker may show a later tally until block {until}")
		},
		ChannelState::Closed => "closed; the drawn turns are being checked".to_owned(),
		ChannelState::Disputed => "closed, and a turn is disputed".to_owned(),
		ChannelState::Paid => "paid".to_owned(),
		ChannelState::Refunded { reason } => format!("refunded ({reason:?})"),
	}
}
