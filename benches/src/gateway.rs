//! A key manager in front of the prepared server.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use km_proxy_adapter::{KeyManager, VaultValidator};
use km_settings::{Settings, Sources};

use crate::canned;

/// Returns a key manager for the server at `url`, with further settings.
///
/// # Errors
/// The settings are invalid.
pub fn gateway(url: &str, settings: &[(&str, &str)]) -> Result<KeyManager> {
    let own = [("HCP_VAULT_ADDR", url), ("HCP_VAULT_TOKEN", canned::TOKEN)];
    let all = own.iter().chain(settings);
    let env: BTreeMap<_, _> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
    Ok(KeyManager::connect_once(Settings::from_sources(&sources)?, env)?)
}

/// Installs the process-wide cryptography provider that some peers require even without TLS.
///
/// # Errors
/// One is installed already.
pub fn provide_cryptography() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("there is a provider of cryptography already"))
}
