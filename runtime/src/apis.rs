//! The runtime APIs: what nodes call to build and check blocks, and what users and workers ask.

use crate::{configs::*, *};
use cumulus_primitives_core::{ParaId, VerifySchedulingSignature};
use frame_support::{
	genesis_builder_helper::{build_state, get_preset},
	weights::Weight,
};
use noesis_canon::soft::step::Step;
use noesis_primitives::{
	BatchSpec, BundleId, BundleView, CanaryView, ChannelId, ChannelState, ChannelView, CheckpointId,
	CheckpointView, Claimable, Disputable, DisputeId, DisputeView, DisputedSubject, JobId, JobSpec, JobState,
	JobView, OperatorView, PanelView, PanelWindows, Quote, QuoteError, Security, Subject, TimelineEntry,
	MAX_LISTED,
};
use pallet_transaction_payment::{FeeDetails, RuntimeDispatchInfo};
use sp_api::{decl_runtime_apis, impl_runtime_apis};
use sp_core::{crypto::KeyTypeId, OpaqueMetadata};
use sp_runtime::{
	traits::Block as BlockT,
	transaction_validity::{TransactionSource, TransactionValidity},
	ApplyExtrinsicResult,
};
use staging_xcm::{
	latest::prelude::AssetId, Version as XcmVersion, VersionedAsset, VersionedAssetId, VersionedAssets,
	VersionedLocation, VersionedXcm,
};
use xcm_runtime_apis::{
	conversions::Error as ConversionError,
	dry_run::{CallDryRunEffects, Error as DryRunError, XcmDryRunEffects},
	fees::Error as FeeError,
	trusted_query::XcmTrustedQueryResult,
};

decl_runtime_apis! {
	/// What the chain knows of jobs, checkpoints and operators.
	pub trait NoesisApi {
		/// A job as it stands; none when it was never submitted or is pruned.
		fn job(id: JobId) -> Option<JobView<AccountId>>;
		/// Every move of a job, the oldest first.
		fn timeline(id: JobId) -> Vec<TimelineEntry<AccountId>>;
		/// The number that the next job will get.
		fn next_job() -> JobId;
		/// Where jobs stand, in the order of the numbers, at most 256 of them; none where one was never submitted or is
		/// pruned.
		fn job_states(ids: Vec<JobId>) -> Vec<Option<JobState<AccountId>>>;
		/// Jobs that a worker may claim now and has the stake for, those directed to it first; at most `limit`.
		fn open_jobs(worker: AccountId, limit: u32) -> Vec<JobId>;
		/// Open jobs that name a worker.
		fn directed_jobs(worker: AccountId) -> Vec<JobId>;
		/// Jobs that a worker has claimed and not seen settled.
		fn active_jobs(worker: AccountId) -> Vec<JobId>;
		/// The block from which a worker may claim an open job; none when it never may.
		fn claimable_at(job: JobId, worker: AccountId) -> Option<BlockNumber>;
		/// A checkpoint as it stands.
		fn checkpoint(id: CheckpointId) -> Option<CheckpointView<AccountId>>;
		/// Checkpoints from number `from` on; at most `limit`.
		fn checkpoints(from: CheckpointId, limit: u32) -> Vec<CheckpointView<AccountId>>;
		/// What a job may cost, in units and planck.
		fn quote(spec: JobSpec<AccountId>) -> Result<Quote, QuoteError>;
		/// What a batch may cost, in units and planck.
		fn quote_batch(spec: BatchSpec<AccountId>) -> Result<Quote, QuoteError>;
		/// An operator as it stands.
		fn operator(who: AccountId) -> Option<OperatorView>;
		/// Active workers that offer a checkpoint and take sealed jobs; at most `limit`, in no order.
		fn sealed_workers(checkpoint: CheckpointId, limit: u32) -> Vec<AccountId>;
		/// The open panel over a subject.
		fn panel(subject: Subject) -> Option<PanelView<AccountId>>;
		/// Open panels; at most `limit`.
		fn open_panels(limit: u32) -> Vec<PanelView<AccountId>>;
		/// Panels on which a validator may speak if it is drawn, in one order: the first, or those after the panel over a
		/// subject; at most `limit`.
		fn panels_for(validator: AccountId, after: Option<Subject>, limit: u32) -> Vec<PanelView<AccountId>>;
		/// When a panel is open.
		fn windows(subject: Subject) -> Option<PanelWindows>;
		/// How likely a wrong answer passes the panel over a subject.
		fn security(subject: Subject) -> Option<Security>;
		/// A subject with a claim, as it can be disputed.
		fn disputed(subject: Subject) -> Option<DisputedSubject<AccountId>>;
		/// An open dispute.
		fn dispute(id: DisputeId) -> Option<DisputeView<AccountId>>;
		/// Open disputes; at most `limit`.
		fn open_disputes(limit: u32) -> Vec<DisputeView<AccountId>>;
		/// Open disputes that an account plays in, at most `limit`: those in which it has to move before the others, and the
		/// most urgent first.
		fn disputes_of(who: AccountId, limit: u32) -> Vec<DisputeView<AccountId>>;
		/// A channel as it stands.
		fn channel(id: ChannelId) -> Option<ChannelView<AccountId>>;
		/// Where channels stand, in the order of the numbers, at most 256 of them; none where there was never one or it is
		/// pruned.
		fn channel_states(ids: Vec<ChannelId>) -> Vec<Option<ChannelState>>;
		/// The results of a batch or channel as they stand, once they are committed.
		fn bundle(id: BundleId) -> Option<BundleView>;
		/// What an account could get moving, and what it would have of it; at most `limit`.
		fn claimable(who: AccountId, limit: u32) -> Vec<Claimable>;
		/// A canary that is not revealed yet.
		fn canary(proposer: AccountId, commitment: [u8; 32]) -> Option<CanaryView>;
		/// What a step of the profile `Canon32` makes of its pieces (`docs/canon32.md`), by integer instructions; none when
		/// they do not fit it, or a number is not finite.
		fn canon32_step(step: u8, pieces: Vec<Vec<u8>>) -> Option<Vec<u8>>;
	}
}

impl_runtime_apis! {
	impl self::NoesisApi<Block> for Runtime {
		fn job(id: JobId) -> Option<JobView<AccountId>> {
			Poi::job_view(id)
		}

		fn timeline(id: JobId) -> Vec<TimelineEntry<AccountId>> {
			Poi::timeline(id)
		}

		fn next_job() -> JobId {
			pallet_poi::NextJob::<Runtime>::get()
		}

		fn job_states(ids: Vec<JobId>) -> Vec<Option<JobState<AccountId>>> {
			let state = |id| pallet_poi::Jobs::<Runtime>::get(id).map(|job| job.state);
			ids.into_iter().take(MAX_LISTED as usize).map(state).collect()
		}

		fn open_jobs(worker: AccountId, limit: u32) -> Vec<JobId> {
			crate::queries::open_jobs(&worker, limit.min(MAX_LISTED))
		}

		fn directed_jobs(worker: AccountId) -> Vec<JobId> {
			Poi::directed_jobs(&worker)
		}

		fn active_jobs(worker: AccountId) -> Vec<JobId> {
			Poi::active_jobs(&worker)
		}

		fn claimable_at(job: JobId, worker: AccountId) -> Option<BlockNumber> {
			Poi::claimable_at(job, &worker)
		}

		fn checkpoint(id: CheckpointId) -> Option<CheckpointView<AccountId>> {
			crate::queries::checkpoint(id)
		}

		fn checkpoints(from: CheckpointId, limit: u32) -> Vec<CheckpointView<AccountId>> {
			crate::queries::checkpoints(from, limit.min(MAX_LISTED))
		}

		fn quote(spec: JobSpec<AccountId>) -> Result<Quote, QuoteError> {
			Poi::quote(&spec)
		}

		fn quote_batch(spec: BatchSpec<AccountId>) -> Result<Quote, QuoteError> {
			Poi::quote_batch(&spec)
		}

		fn operator(who: AccountId) -> Option<OperatorView> {
			crate::queries::operator(&who)
		}

		fn sealed_workers(checkpoint: CheckpointId, limit: u32) -> Vec<AccountId> {
			crate::queries::sealed_workers(checkpoint, limit.min(MAX_LISTED))
		}

		fn panel(subject: Subject) -> Option<PanelView<AccountId>> {
			Poc::panel_view(subject)
		}

		fn open_panels(limit: u32) -> Vec<PanelView<AccountId>> {
			Poc::open_panels(limit.min(MAX_LISTED))
		}

		fn panels_for(validator: AccountId, after: Option<Subject>, limit: u32) -> Vec<PanelView<AccountId>> {
			Poc::panels_for(&validator, after, limit.min(MAX_LISTED))
		}

		fn windows(subject: Subject) -> Option<PanelWindows> {
			Poc::windows(subject)
		}

		fn security(subject: Subject) -> Option<Security> {
			Poc::security(subject)
		}

		fn disputed(subject: Subject) -> Option<DisputedSubject<AccountId>> {
			<Poi as Disputable<AccountId>>::disputed(subject)
		}

		fn dispute(id: DisputeId) -> Option<DisputeView<AccountId>> {
			Dispute::dispute(id)
		}

		fn open_disputes(limit: u32) -> Vec<DisputeView<AccountId>> {
			Dispute::open_disputes(limit.min(MAX_LISTED))
		}

		fn disputes_of(who: AccountId, limit: u32) -> Vec<DisputeView<AccountId>> {
			Dispute::disputes_of(&who, limit.min(MAX_LISTED))
		}

		fn channel(id: ChannelId) -> Option<ChannelView<AccountId>> {
			Poi::channel_view(id)
		}

		fn channel_states(ids: Vec<ChannelId>) -> Vec<Option<ChannelState>> {
			let state = |id| pallet_poi::Channels::<Runtime>::get(id).map(|channel| channel.state);
			ids.into_iter().take(MAX_LISTED as usize).map(state).collect()
		}

		fn bundle(id: BundleId) -> Option<BundleView> {
			Poi::bundle_view(id)
		}

		fn claimable(who: AccountId, limit: u32) -> Vec<Claimable> {
			Poi::claimable(&who, limit.min(MAX_LISTED))
		}

		fn canary(proposer: AccountId, commitment: [u8; 32]) -> Option<CanaryView> {
			Poc::canary(&proposer, commitment)
		}

		fn canon32_step(step: u8, pieces: Vec<Vec<u8>>) -> Option<Vec<u8>> {
			let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
			Step::from_number(step)?.evaluate(&pieces)
		}
	}

	impl sp_consensus_aura::AuraApi<Block, AuraId> for Runtime {
		fn slot_duration() -> sp_consensus_aura::SlotDuration {
			sp_consensus_aura::SlotDuration::from_millis(SLOT_DURATION)
		}

		fn authorities() -> Vec<AuraId> {
			pallet_aura::Authorities::<Runtime>::get().into_inner()
		}
	}

	impl cumulus_primitives_aura::AuraUnincludedSegmentApi<Block> for Runtime {
		fn can_build_upon(
			included_hash: <Block as BlockT>::Hash,
			slot: cumulus_primitives_aura::Slot,
		) -> bool {
			ConsensusHook::can_build_upon(included_hash, slot)
		}
	}

	impl cumulus_primitives_core::RelayParentOffsetApi<Block> for Runtime {
		fn relay_parent_offset() -> u32 {
			RELAY_PARENT_OFFSET
		}

		fn max_claim_queue_offset() -> u8 {
			ParachainSystem::max_claim_queue_offset()
		}
	}

	impl cumulus_primitives_core::SchedulingV3EnabledApi<Block> for Runtime {
		fn scheduling_v3_enabled() -> bool {
			<Runtime as cumulus_pallet_parachain_system::Config>::SchedulingSignatureVerifier::V3_SCHEDULING_ENABLED
		}
	}

	impl cumulus_primitives_core::CollectCollationInfo<Block> for Runtime {
		fn collect_collation_info(
			header: &<Block as BlockT>::Header,
		) -> cumulus_primitives_core::CollationInfo {
			ParachainSystem::collect_collation_info(header)
		}
	}

	impl cumulus_primitives_core::GetParachainInfo<Block> for Runtime {
		fn parachain_id() -> ParaId {
			ParachainInfo::parachain_id()
		}
	}

	impl sp_api::Core<Block> for Runtime {
		fn version() -> RuntimeVersion {
			VERSION
		}

		fn execute_block(block: <Block as BlockT>::LazyBlock) {
			Executive::execute_block(block)
		}

		fn initialize_block(
			header: &<Block as BlockT>::Header,
		) -> sp_runtime::ExtrinsicInclusionMode {
			Executive::initialize_block(header)
		}
	}

	impl sp_api::Metadata<Block> for Runtime {
		fn metadata() -> OpaqueMetadata {
			OpaqueMetadata::new(Runtime::metadata().into())
		}

		fn metadata_at_version(version: u32) -> Option<OpaqueMetadata> {
			Runtime::metadata_at_version(version)
		}

		fn metadata_versions() -> Vec<u32> {
			Runtime::metadata_versions()
		}
	}

	impl frame_support::view_functions::runtime_api::RuntimeViewFunction<Block> for Runtime {
		fn execute_view_function(
			id: frame_support::view_functions::ViewFunctionId,
			input: Vec<u8>,
		) -> Result<Vec<u8>, frame_support::view_functions::ViewFunctionDispatchError> {
			Runtime::execute_view_function(id, input)
		}
	}

	impl sp_block_builder::BlockBuilder<Block> for Runtime {
		fn apply_extrinsic(extrinsic: <Block as BlockT>::Extrinsic) -> ApplyExtrinsicResult {
			Executive::apply_extrinsic(extrinsic)
		}

		fn finalize_block() -> <Block as BlockT>::Header {
			Executive::finalize_block()
		}

		fn inherent_extrinsics(
			data: sp_inherents::InherentData,
		) -> Vec<<Block as BlockT>::Extrinsic> {
			data.create_extrinsics()
		}

		fn check_inherents(
			block: <Block as BlockT>::LazyBlock,
			data: sp_inherents::InherentData,
		) -> sp_inherents::CheckInherentsResult {
			data.check_extrinsics(&block)
		}
	}

	impl sp_transaction_pool::runtime_api::TaggedTransactionQueue<Block> for Runtime {
		fn validate_transaction(
			source: TransactionSource,
			tx: <Block as BlockT>::Extrinsic,
			block_hash: <Block as BlockT>::Hash,
		) -> TransactionValidity {
			Executive::validate_transaction(source, tx, block_hash)
		}
	}

	impl sp_offchain::OffchainWorkerApi<Block> for Runtime {
		fn offchain_worker(header: &<Block as BlockT>::Header) {
			Executive::offchain_worker(header)
		}
	}

	impl sp_session::SessionKeys<Block> for Runtime {
		fn generate_session_keys(
			owner: Vec<u8>,
			seed: Option<Vec<u8>>,
		) -> sp_session::OpaqueGeneratedSessionKeys {
			SessionKeys::generate(&owner, seed).into()
		}

		fn decode_session_keys(encoded: Vec<u8>) -> Option<Vec<(Vec<u8>, KeyTypeId)>> {
			SessionKeys::decode_into_raw_public_keys(&encoded)
		}
	}

	impl frame_system_rpc_runtime_api::AccountNonceApi<Block, AccountId, Nonce> for Runtime {
		fn account_nonce(account: AccountId) -> Nonce {
			System::account_nonce(account)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentApi<Block, Balance> for Runtime {
		fn query_info(
			uxt: <Block as BlockT>::Extrinsic,
			len: u32,
		) -> RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_info(uxt, len)
		}

		fn query_fee_details(uxt: <Block as BlockT>::Extrinsic, len: u32) -> FeeDetails<Balance> {
			TransactionPayment::query_fee_details(uxt, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl pallet_transaction_payment_rpc_runtime_api::TransactionPaymentCallApi<Block, Balance, RuntimeCall>
		for Runtime
	{
		fn query_call_info(call: RuntimeCall, len: u32) -> RuntimeDispatchInfo<Balance> {
			TransactionPayment::query_call_info(call, len)
		}

		fn query_call_fee_details(call: RuntimeCall, len: u32) -> FeeDetails<Balance> {
			TransactionPayment::query_call_fee_details(call, len)
		}

		fn query_weight_to_fee(weight: Weight) -> Balance {
			TransactionPayment::weight_to_fee(weight)
		}

		fn query_length_to_fee(length: u32) -> Balance {
			TransactionPayment::length_to_fee(length)
		}
	}

	impl xcm_runtime_apis::fees::XcmPaymentApi<Block> for Runtime {
		fn query_acceptable_payment_assets(
			xcm_version: XcmVersion,
		) -> Result<Vec<VersionedAssetId>, FeeError> {
			let accepted = alloc::vec![AssetId(xcm::RelayLocation::get())];
			PolkadotXcm::query_acceptable_payment_assets(xcm_version, accepted)
		}

		fn query_weight_to_asset_fee(
			weight: Weight,
			asset: VersionedAssetId,
		) -> Result<u128, FeeError> {
			type Trader = <xcm::XcmConfig as staging_xcm_executor::Config>::Trader;
			PolkadotXcm::query_weight_to_asset_fee::<Trader>(weight, asset)
		}

		fn query_xcm_weight(message: VersionedXcm<()>) -> Result<Weight, FeeError> {
			PolkadotXcm::query_xcm_weight(message)
		}

		fn query_delivery_fees(
			destination: VersionedLocation,
			message: VersionedXcm<()>,
			asset_id: VersionedAssetId,
		) -> Result<VersionedAssets, FeeError> {
			type Exchanger = <xcm::XcmConfig as staging_xcm_executor::Config>::AssetExchanger;
			PolkadotXcm::query_delivery_fees::<Exchanger>(destination, message, asset_id)
		}
	}

	impl xcm_runtime_apis::dry_run::DryRunApi<Block, RuntimeCall, RuntimeEvent, OriginCaller> for Runtime {
		fn dry_run_call(
			origin: OriginCaller,
			call: RuntimeCall,
			result_xcms_version: XcmVersion,
		) -> Result<CallDryRunEffects<RuntimeEvent>, DryRunError> {
			PolkadotXcm::dry_run_call::<Runtime, xcm::XcmRouter, OriginCaller, RuntimeCall>(
				origin,
				call,
				result_xcms_version,
			)
		}

		fn dry_run_xcm(
			origin_location: VersionedLocation,
			xcm: VersionedXcm<RuntimeCall>,
		) -> Result<XcmDryRunEffects<RuntimeEvent>, DryRunError> {
			PolkadotXcm::dry_run_xcm::<xcm::XcmRouter>(origin_location, xcm)
		}
	}

	impl xcm_runtime_apis::conversions::LocationToAccountApi<Block, AccountId> for Runtime {
		fn convert_location(location: VersionedLocation) -> Result<AccountId, ConversionError> {
			xcm_runtime_apis::conversions::LocationToAccountHelper::<AccountId, xcm::LocationToAccountId>::convert_location(location)
		}
	}

	impl xcm_runtime_apis::trusted_query::TrustedQueryApi<Block> for Runtime {
		fn is_trusted_reserve(
			asset: VersionedAsset,
			location: VersionedLocation,
		) -> XcmTrustedQueryResult {
			PolkadotXcm::is_trusted_reserve(asset, location)
		}

		fn is_trusted_teleporter(
			asset: VersionedAsset,
			location: VersionedLocation,
		) -> XcmTrustedQueryResult {
			PolkadotXcm::is_trusted_teleporter(asset, location)
		}
	}

	#[cfg(feature = "try-runtime")]
	impl frame_try_runtime::TryRuntime<Block> for Runtime {
		#[allow(clippy::unwrap_used)] // A failed check must stop the dry run with a backtrace.
		fn on_runtime_upgrade(checks: frame_try_runtime::UpgradeCheckSelect) -> (Weight, Weight) {
			let weight = Executive::try_runtime_upgrade(checks).unwrap();
			(weight, RuntimeBlockWeights::get().max_block)
		}

		#[allow(clippy::unwrap_used)] // A failed check must stop the dry run with a backtrace.
		fn execute_block(
			block: <Block as BlockT>::LazyBlock,
			state_root_check: bool,
			signature_check: bool,
			select: frame_try_runtime::TryStateSelect,
		) -> Weight {
			Executive::try_execute_block(block, state_root_check, signature_check, select).unwrap()
		}
	}

	#[cfg(feature = "runtime-benchmarks")]
	impl frame_benchmarking::Benchmark<Block> for Runtime {
		fn benchmark_metadata(
			extra: bool,
		) -> (Vec<frame_benchmarking::BenchmarkList>, Vec<frame_support::traits::StorageInfo>) {
			crate::benches::metadata(extra)
		}

		#[allow(non_local_definitions)]
		fn dispatch_benchmark(
			config: frame_benchmarking::BenchmarkConfig,
		) -> Result<Vec<frame_benchmarking::BenchmarkBatch>, alloc::string::String> {
			crate::benches::dispatch(config)
		}
	}

	impl sp_genesis_builder::GenesisBuilder<Block> for Runtime {
		fn build_state(config: Vec<u8>) -> sp_genesis_builder::Result {
			build_state::<RuntimeGenesisConfig>(config)
		}

		fn get_preset(id: &Option<sp_genesis_builder::PresetId>) -> Option<Vec<u8>> {
			get_preset::<RuntimeGenesisConfig>(id, crate::genesis_config_presets::get_preset)
		}

		fn preset_names() -> Vec<sp_genesis_builder::PresetId> {
			crate::genesis_config_presets::preset_names()
		}
	}
}
