//! `noesis worker` and `noesis validator`.

use super::CommandError;
use crate::{
	cli::{ServiceArgs, WorkerArgs},
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
	let fault = args.rehearse_fault;
	let options = WorkerOptions { queue: args.queue.max(1), fault };
	until_told(async {
		let service = start(url, args.service, Some(Role::Worker)).await?;
		if let Some(fault) = fault {
			tracing::warn!(
				?fault,
				"computing wrongly on purpose: whoever disputes an answer takes stake from this key"
			);
		}
		let executor = Arc::new(EngineExecutor::with_fault(service.models.clone(), fault));
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

pub(super) async fn watch(url: String, args: ServiceArgs) -> Result<(), CommandError> {
	until_told(async {
		disputes::watch(start(url, args, None).await?).await;
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
