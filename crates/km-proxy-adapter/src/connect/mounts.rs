//! The mounts of locations, and a cache of the KV engines at the mounts of teams.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vault_kv::{Kv, Mount};

use crate::error::{Error, convert};

/// The maximum number of cached engines, more than teams have mounts. Team settings may come from
/// outside; when the limit is reached, all engines are dropped, which costs one request a mount.
const MAX_ENGINES: usize = 1_024;

/// The KV engine of the global mount, and those of other mounts that were used.
///
/// An engine checks the KV version of its mount once, so each is created once.
#[derive(Debug)]
pub(crate) struct MountCache {
    global: Kv,
    others: Mutex<HashMap<Mount, Kv>>,
}

impl MountCache {
    pub(crate) fn new(global: Kv) -> Self {
        Self { global, others: Mutex::default() }
    }

    /// Returns the engine at `mount`.
    pub(crate) fn engine(&self, mount: &Mount) -> Kv {
        if mount == self.global.mount() {
            return self.global.clone();
        }
        // No code that can panic runs under this lock.
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= MAX_ENGINES && !others.contains_key(mount) {
            others.clear();
        }
        others.entry(mount.clone()).or_insert_with(|| self.global.with_mount(mount.clone())).clone()
    }
}

/// Returns the mount of a location.
pub(crate) fn mount(namespace: Option<&str>, mount: &str) -> Result<Mount, Error> {
    let mount = Mount::new(mount).map_err(|why| convert::invalid_path("mount", &why))?;
    match namespace {
        Some(namespace) => {
            mount.in_namespace(namespace).map_err(|why| convert::invalid_path("namespace", &why))
        }
        None => Ok(mount),
    }
}
