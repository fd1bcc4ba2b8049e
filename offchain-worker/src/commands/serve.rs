//! `noesis worker` and `noesis validator`.

use super::CommandError;
use crate::{
	cli::{ServiceArgs, WatchArgs, WorkerArgs},
	disputes,
	executor::EngineExecutor,
	service::Service,
	validator,
	worker::{self, WorkerOptions},
};
use noesis_primitives::Role;
use std::{future::Future, sync::Arc};

pub(super) async fn worker(url: String, args: WorkerArgs) -> Result<(), CommandError> {
	if args.service.listen.is_none() {
		return Err(CommandError::NoListen);
	}
	let lie = args.rehearse_fault;
	let options = WorkerOptions { queue: args.queue.max(1), lie, canary_proposers: args.canary_proposer };
	until_told(async {
		let service = start(url, args.service, Some(Role::Worker)).await?;
		if let Some(lie) = lie {
			tracing::warn!(
				?lie,
				"answering wrongly on purpose: whoever disputes an answer takes stake from this key"
			);
		}
		let executor = Arc::new(EngineExecutor::lying(service.models.clone(), lie));
		worker::run(service, executor, options).await;
		Err(CommandError::Disconnected)
	})
	.await
}

pub(super) async fn validator(url: String, args: ServiceArgs) -> Result<(), CommandError> {
	until_told(async {
		let service = start(url, args, Some(Role::Validator)).await?;
		let executor = Arc::new(EngineExecutor::new(service.models.clone()));
		validator::run(service, executor).await;
		Err(CommandError::Disconnected)
	})
	.await
}

pub(super) async fn watch(url: String, args: WatchArgs) -> Result<(), CommandError> {
	let options = disputes::WatchOptions { sample: args.sample, channels: args.channels };
	until_told(async {
		disputes::watch(start(url, args.service, None).await?, options).await;
		Err(CommandError::Disconnected)
	})
	.await
}

async fn start(url: String, args: ServiceArgs, role: Option<Role>) -> Result<Arc<Service>, CommandError> {
	let keys = args.key.load()?;
	Ok(Arc::new(Service::start(keys, args.options(url, role)?).await?))
}

/// Serves until the process is told to end. What is under way is taken up again at the next start.
async fn until_told(serving: impl Future<Output = Result<(), CommandError>>) -> Result<(), CommandError> {
	#[cfg(unix)]
	let terminated = async {
		use tokio::signal::unix::{signal, SignalKind};
		match signal(SignalKind::terminate()) {
			Ok(mut signal) => drop(signal.recv().await),
			Err(_) => std::future::pending().await,
		}
	};
	#[cfg(not(unix))]
	let terminated = std::future::pending::<()>();
	tokio::select! {
		result = serving => result,
		_ = tokio::signal::ctrl_c() => Ok(()),
		() = terminated => Ok(()),
	}
}
