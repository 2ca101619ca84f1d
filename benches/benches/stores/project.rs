//! The adapter as a gateway uses it: settings, a location, a key.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use benches::{Reader, canned};
use km_proxy_adapter::{KeyAlias, KeyManager, Stored, VaultRules, VirtualKeys};
use km_settings::{Settings, Sources};

#[derive(Clone)]
pub(crate) struct Project {
    keys: VirtualKeys,
    next: Arc<AtomicU64>,
}

impl Project {
    pub(crate) async fn new(base: &str) -> Result<Self> {
        let env: BTreeMap<_, _> = [
            ("HCP_VAULT_ADDR", base),
            ("HCP_VAULT_TOKEN", canned::TOKEN),
            ("KM_STORE_VIRTUAL_KEYS", "true"),
            ("KM_ACCESS_MODE", "read_and_write"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let sources = Sources { env: &env, yaml: None, rules: &VaultRules };
        let settings = Settings::from_sources(&sources)?;
        let keys = KeyManager::connect_with(settings, env.clone()).await?;
        Ok(Self { keys: keys.virtual_keys(None)?, next: Arc::default() })
    }
}

impl Reader for Project {
    type Answer = Stored;

    async fn read(&mut self) -> Result<Stored> {
        let alias = KeyAlias::new(&format!("alias-{}", self.next.fetch_add(1, Relaxed)))?;
        Ok(self.keys.store(&alias, canned::VALUE.into(), None).await?)
    }

    fn is_right(answer: &Stored) -> bool {
        matches!(answer, Stored::Done(change) if change.version == 1)
    }
}
