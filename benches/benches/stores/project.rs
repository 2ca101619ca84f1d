//! The adapter as a gateway uses it: settings, a location, a key.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use benches::{Reader, canned, gateway};
use km_proxy_adapter::{KeyAlias, StoreOutcome, VirtualKeys};

#[derive(Clone)]
pub(crate) struct Project {
    keys: VirtualKeys,
    next: Arc<AtomicU64>,
}

impl Project {
    pub(crate) fn new(base: &str) -> Result<Self> {
        let writes = [("KM_STORE_VIRTUAL_KEYS", "true"), ("KM_ACCESS_MODE", "read_and_write")];
        let keys = gateway(base, &writes)?;
        Ok(Self { keys: keys.virtual_keys(None)?, next: Arc::default() })
    }
}

impl Reader for Project {
    type Answer = StoreOutcome;

    async fn read(&mut self) -> Result<StoreOutcome> {
        let alias = KeyAlias::new(&format!("alias-{}", self.next.fetch_add(1, Relaxed)))?;
        Ok(self.keys.store(&alias, canned::VALUE.into(), None).await?)
    }

    fn is_right(answer: &StoreOutcome) -> bool {
        matches!(answer, StoreOutcome::Stored(change) if change.version == 1)
    }
}
