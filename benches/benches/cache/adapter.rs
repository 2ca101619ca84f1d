//! The whole path of a gateway's read: settings, location, cache, value.

use std::time::Duration;

use anyhow::{Result, ensure};
use benches::{Server, canned, gateway};
use km_proxy_adapter::{Handle, KeyManager};
use tokio::runtime::Runtime;

use crate::names::{Names, VALUE, chain, on_threads};
use crate::project::{at_once, runtime, settle};

/// A gateway's keys, all cached.
pub(crate) struct Adapter {
    keys: KeyManager,
    handles: Vec<Handle>,
    _runtime: Runtime,
}

impl Adapter {
    /// Reads every name, and reads it again so that it counts as used.
    pub(crate) fn fill(names: &Names, server: &Server) -> Result<Self> {
        let runtime = runtime()?;
        let keys = runtime.block_on(async {
            let keys = gateway(&server.url(), &[])?;
            for name in names.0.iter().chain(&names.0) {
                ensure!(keys.secret(name).await?.expose() == canned::VALUE, "wrong value");
            }
            settle().await;
            Ok(keys)
        })?;
        let handles = names.0.iter().map(|name| Ok(keys.handle(name)?)).collect::<Result<_>>()?;
        Ok(Self { keys, handles, _runtime: runtime })
    }

    pub(crate) fn by_name(&self, names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                at_once(async {
                    chain!(names, reads, |_index, name| match self.keys.secret(name).await {
                        Ok(value) => value.expose().len(),
                        Err(_) => 0,
                    });
                });
            })
        }
    }

    pub(crate) fn by_handle(&self, names: &Names, threads: usize) -> impl FnMut(u64) -> Duration {
        move |reads| {
            on_threads(threads, || {
                at_once(async {
                    chain!(names, reads, |index, _name| match self.handles[index].secret().await {
                        Ok(value) => value.expose().len(),
                        Err(_) => 0,
                    });
                });
            })
        }
    }
}

const _: () = assert!(canned::VALUE.len() == VALUE);
