//! What a gateway has in front of the canned server.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow};
use km_proxy_adapter::{KeyManager, VaultValidator};
use km_settings::{Settings, Sources};

use crate::canned;

/// A key manager for the server at `url`, with these settings beside the address and the token.
///
/// # Errors
/// The settings are none.
pub fn gateway(url: &str, settings: &[(&str, &str)]) -> Result<KeyManager> {
    let own = [("HCP_VAULT_ADDR", url), ("HCP_VAULT_TOKEN", canned::TOKEN)];
    let all = own.iter().chain(settings);
    let env: BTreeMap<_, _> =
        all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let sources = Sources { env: &env, yaml: None, validator: &VaultValidator };
    Ok(KeyManager::connect_once(Settings::from_sources(&sources)?, env)?)
}

/// The TLS backend of some peers wants a provider of cryptography even where there is no TLS.
///
/// # Errors
/// There is one already.
pub fn provide_cryptography() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("there is a provider of cryptography already"))
}
