//! Taking an answer to a panel.

use crate::{Config, Error, Event, Outputs, Pallet};
use noesis_primitives::{CheckpointRegistry, Claim, JobEvent, JobId, Panels, Payload, Root, Subject, Usage};
use polkadot_sdk::frame_support::{dispatch::DispatchResult, ensure};

impl<T: Config> Pallet<T> {
	pub(crate) fn take_answer(
		worker: T::AccountId,
		id: JobId,
		output: Payload,
		root: Root,
		leaves: u32,
		usage: Usage,
	) -> DispatchResult {
		let mut job = Self::assigned_to(&worker, id)?;
		let max_input = job.kind.max_input_tokens(job.input_bytes);
		let max_output = job.kind.max_output_tokens();
		let plausible =
			(1..=max_input).contains(&usage.input_tokens) && (1..=max_output).contains(&usage.output_tokens);
		ensure!(plausible, Error::<T>::BadUsage);
		let facts = T::Checkpoints::facts(job.checkpoint).ok_or(Error::<T>::UnknownCheckpoint)?;
		ensure!(facts.trace_leaves(usage.positions()) == Some(leaves), Error::<T>::BadTrace);

		let claim = Claim { root, leaves, output: output.content_hash(), usage };
		let excluded = [worker.clone(), job.requester.clone()];
		T::Panels::open(Subject::Job(id), claim, job.checkpoint, excluded)
			.map_err(|_| Error::<T>::PanelExists)?;
		job.claim = Some(claim);
		Self::advance(id, &mut job, JobEvent::Answer)?;
		Outputs::<T>::insert(id, &output);
		Self::deposit_event(Event::Answered { job: id, worker, output, root });
		Ok(())
	}
}
