//! Coming in as an operator, and staying what one says one is.

use crate::{
	chain::{Call, Chain, ChainError, SubmitError, Submitter},
	keys::Keys,
	models::Models,
};
use noesis_primitives::{Balance, Capability, CheckpointId, Locator, OperatorStatus, Role, MAX_RUNNABLE};

/// Why this account can't take part.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
	/// The chain could not be read.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The registration had no effect.
	#[error(transparent)]
	Submit(#[from] SubmitError),
	/// The account is registered for something else.
	#[error("this account is registered as a {0:?}: take another key, or unbond and withdraw first")]
	OtherRole(Role),
	/// The endpoint is too long.
	#[error("the endpoint `{0}` is too long or no http:// URL")]
	Endpoint(String),
	/// The region is too long.
	#[error("the region `{0}` has more than 16 bytes")]
	Region(String),
}

/// What an operator says of itself.
#[derive(Clone, Debug)]
pub struct Profile {
	/// What it does; `None` for an outsider, who registers for nothing.
	pub role: Option<Role>,
	/// What it stakes when it comes in, in planck.
	pub stake: Balance,
	/// Base URL of its store as others reach it; may be empty for a validator.
	pub endpoint: String,
	/// Where it is.
	pub region: String,
}

impl Profile {
	/// The endpoint as a locator.
	pub fn locator(&self) -> Result<Locator, OperatorError> {
		let bad = || OperatorError::Endpoint(self.endpoint.clone());
		if !self.endpoint.is_empty() && !self.endpoint.starts_with("http://") {
			return Err(bad());
		}
		self.endpoint.clone().into_bytes().try_into().map_err(|_| bad())
	}

	/// What is offered: of `ids` the first, as many as may be.
	fn capability(
		&self,
		keys: &Keys,
		models: &Models,
		mut ids: Vec<CheckpointId>,
	) -> Result<Capability, OperatorError> {
		ids.truncate(MAX_RUNNABLE as usize);
		// By number: the same set stays the same capability when one of them is deprecated. Who sets another is too new for
		// the panels that are open.
		ids.sort();
		let bytes: u64 = models
			.all()
			.iter()
			.filter_map(|model| std::fs::metadata(&model.path).ok())
			.map(|meta| meta.len())
			.sum();
		Ok(Capability {
			checkpoints: ids.try_into().unwrap_or_default(),
			memory_mib: u32::try_from(bytes >> 20).unwrap_or(u32::MAX),
			tokens_per_second: 0,
			region: self
				.region
				.clone()
				.into_bytes()
				.try_into()
				.map_err(|_| OperatorError::Region(self.region.clone()))?,
			endpoint: self.locator()?,
			draw_key: keys.draw_key(),
			owner: None,
			seal_key: (self.role == Some(Role::Worker)).then(|| keys.seal().public().0),
		})
	}
}

/// Registers the account, or brings what the chain knows of it up to date; returns the checkpoints it offers.
/// What stands already costs nothing.
pub async fn enrol(
	chain: &Chain,
	submitter: &Submitter,
	keys: &Keys,
	profile: &Profile,
	models: &Models,
) -> Result<Vec<CheckpointId>, OperatorError> {
	let best = chain.best();
	let ids = models.identify(&chain.checkpoints(best.hash).await?);
	let Some(role) = profile.role else { return Ok(ids) };
	let mut capability = profile.capability(keys, models, ids)?;
	let ids = capability.checkpoints.to_vec();
	let Some(view) = chain.operator(best.hash, keys.account()).await? else {
		capability.tokens_per_second = measure(models);
		submitter.submit(Call::register_operator(role, profile.stake, &capability)).await?;
		tracing::info!(?role, account = %keys.account(), "registered");
		return Ok(ids);
	};
	if view.record.role != role {
		return Err(OperatorError::OtherRole(view.record.role));
	}
	match view.record.status {
		OperatorStatus::Active => {},
		// It answers for what it did until its stake is free, so it has to play on.
		OperatorStatus::Unbonding { until } => {
			tracing::warn!(
				until,
				"leaving: open disputes are played, nothing else is begun; rejoin or withdraw"
			);
			return Ok(ids);
		},
		OperatorStatus::Excluded { until } if until <= best.number => {
			submitter.submit(Call::rejoin()).await?;
			tracing::info!("came back after an exclusion");
		},
		OperatorStatus::Absent { .. } => {
			submitter.submit(Call::heartbeat()).await?;
			tracing::info!("came back after an absence");
		},
		OperatorStatus::Excluded { until } => {
			tracing::warn!(until, "shut out: nothing can be claimed or validated until then");
		},
	}
	if view.heartbeat_from.is_some_and(|from| from <= best.number)
		&& view.record.status == OperatorStatus::Active
	{
		submitter.submit(Call::heartbeat()).await?;
	}
	capability.tokens_per_second = view.record.capability.tokens_per_second;
	if capability != view.record.capability {
		capability.tokens_per_second = measure(models);
		submitter.submit(Call::update_capability(&capability)).await?;
		tracing::info!(checkpoints = ?ids, "capability brought up to date");
	}
	Ok(ids)
}

/// Tokens per second of the fastest model.
fn measure(models: &Models) -> u32 {
	tokio::task::block_in_place(|| models.all().iter().map(|model| model.speed()).max().unwrap_or_default())
}

#[cfg(test)]
mod tests {
	use super::*;
	use noesis_engine::{testing, EngineOptions};

	#[test]
	fn capability_should_be_cut_to_the_first_when_more_are_known_than_may_be_offered() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("model.noesis");
		testing::write_random_model(&path, 3).unwrap();
		let models = Models::open(&[path], &EngineOptions::default()).unwrap();
		let keys = Keys::from_suri("//Bob").unwrap();
		let (endpoint, region) = (String::new(), String::new());
		let profile = Profile { role: Some(Role::Validator), stake: 0, endpoint, region };
		let known = (0..MAX_RUNNABLE + 8).rev().map(CheckpointId).collect();
		let capability = profile.capability(&keys, &models, known).unwrap();
		let first: Vec<_> = (8..MAX_RUNNABLE + 8).map(CheckpointId).collect();
		assert_eq!(capability.checkpoints.to_vec(), first);
	}
}
