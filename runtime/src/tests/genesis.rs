use super::preset;
use crate::{configs::PotAccount, genesis_config_presets::*, *};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Ferdie};

#[test]
fn every_preset_should_build() {
	assert_eq!(preset_names().len(), 2);
	for name in preset_names() {
		preset(name.as_ref()).execute_with(|| {
			assert_eq!(u32::from(ParachainInfo::parachain_id()), PARACHAIN_ID);
			assert_eq!(Balances::free_balance(Ferdie.to_account_id()), ENDOWMENT);
			assert_eq!(Balances::free_balance(PotAccount::get()), EXISTENTIAL_DEPOSIT);
			assert_eq!(pallet_sudo::Key::<Runtime>::get(), Some(Alice.to_account_id()));
		});
	}
	assert_eq!(get_preset(&"mainnet".into()), None);
}

#[test]
fn local_testnet_should_have_two_collators() {
	preset("local_testnet").execute_with(|| {
		let collators = pallet_collator_selection::Invulnerables::<Runtime>::get();
		assert_eq!(collators.len(), 2);
		assert!(collators.contains(&Bob.to_account_id()));
	});
}
