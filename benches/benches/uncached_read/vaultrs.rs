//! vaultrs, a client library for Vault, as in its own examples.

use std::sync::Arc;

use anyhow::Result;
use benches::{Reader, canned};
use serde::Deserialize;
use vaultrs::client::{VaultClient, VaultClientSettingsBuilder};
use vaultrs::kv2;

#[derive(Clone)]
pub(crate) struct Vaultrs(Arc<VaultClient>);

#[derive(Deserialize)]
pub(crate) struct Fields {
    key: String,
}

impl Vaultrs {
    /// Sets everything that it would otherwise take from the environment.
    pub(crate) fn new(base: &str) -> Result<Self> {
        let settings = VaultClientSettingsBuilder::default()
            .address(base)
            .token(canned::TOKEN)
            .ca_certs(Vec::new())
            .identity(None)
            .verify(true)
            .build()?;
        Ok(Self(Arc::new(VaultClient::new(settings)?)))
    }
}

impl Reader for Vaultrs {
    type Answer = Fields;

    async fn read(&mut self) -> Result<Fields> {
        Ok(kv2::read(&*self.0, canned::MOUNT, canned::SECRET).await?)
    }

    fn is_right(answer: &Fields) -> bool {
        answer.key == canned::VALUE
    }
}
