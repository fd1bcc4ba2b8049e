//! What the worker reads of the chain before it hands out a content key.

use super::{desk::Casebook, ContentKey, DrawKey, OpenPanel, SealedJob, Unreadable};
use crate::{service::Service, AccountId};
use noesis_primitives::{JobId, JobView, OperatorStatus, Role, Subject};
use std::{fmt::Display, sync::Arc};

/// The chain at its best block, and the inputs of this worker's jobs.
pub struct ChainBook {
	service: Arc<Service>,
}

fn unreadable(error: impl Display) -> Unreadable {
	Unreadable(error.to_string())
}

impl ChainBook {
	/// Over `service`.
	pub fn new(service: Arc<Service>) -> Self {
		Self { service }
	}

	async fn job(&self, job: JobId) -> Result<Option<JobView<AccountId>>, Unreadable> {
		let chain = &self.service.chain;
		chain.job(chain.best().hash, job).await.map_err(unreadable)
	}
}

impl Casebook for ChainBook {
	async fn panel(&self, job: JobId) -> Result<Option<OpenPanel>, Unreadable> {
		let (chain, subject) = (&self.service.chain, Subject::Job(job));
		let at = chain.best().hash;
		let Some(panel) = chain.panel(at, subject).await.map_err(unreadable)? else { return Ok(None) };
		// Windows go on to be counted when the panel is over, and each would let in twice as many.
		let windows = chain.windows(at, subject).await.map_err(unreadable)?;
		let is_open = panel.audited == Some(true) && windows.is_some_and(|windows| !windows.over);
		if !is_open || panel.worker != self.service.keys.account() {
			return Ok(None);
		}
		Ok(panel.seed.map(|seed| OpenPanel {
			seed,
			size: panel.size,
			validators: panel.validators,
			window: panel.window,
			opened: panel.opened,
		}))
	}

	async fn draw_key(&self, who: AccountId, job: JobId) -> Result<Option<DrawKey>, Unreadable> {
		let Some(view) = self.job(job).await? else { return Ok(None) };
		let chain = &self.service.chain;
		let operator = chain.operator(chain.best().hash, who).await.map_err(unreadable)?;
		Ok(operator.map(|view| view.record).and_then(|record| {
			let validates = record.role == Role::Validator && matches!(record.status, OperatorStatus::Active);
			let since = record.offers_since(view.spec.checkpoint).filter(|_| validates);
			since.map(|since| DrawKey { public: record.capability.draw_key, since })
		}))
	}

	async fn content_key(&self, job: JobId) -> Result<Option<ContentKey>, Unreadable> {
		let Some(view) = self.job(job).await? else { return Ok(None) };
		let Some(sealed) = SealedJob::of(&view) else { return Ok(None) };
		let input = self.service.payload(&view.spec.input, &[]).await.map_err(unreadable)?;
		let opened = self.service.reader.open(&sealed, &input).map_err(unreadable)?;
		Ok(Some(opened.content_key().clone()))
	}
}
