//! The KV engines at the mounts that teams name, each made once, so that each is asked only once
//! what is mounted there.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use vault_kv::{Kv, Mount};

/// More mounts than teams have. Team settings may come from outside: beyond this all are forgotten,
/// which costs one question a mount.
const MOST: usize = 1_024;

/// The engine of the global mount, and those of the mounts seen so far.
#[derive(Debug)]
pub(crate) struct MountCache {
    global: Kv,
    others: Mutex<HashMap<Mount, Kv>>,
}

impl MountCache {
    pub(crate) fn new(global: Kv) -> Self {
        Self { global, others: Mutex::default() }
    }

    /// The engine at `mount`.
    pub(crate) fn at(&self, mount: &Mount) -> Kv {
        if mount == self.global.mount() {
            return self.global.clone();
        }
        // Nothing panics while it is held.
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if others.len() >= MOST && !others.contains_key(mount) {
            others.clear();
        }
        others.entry(mount.clone()).or_insert_with(|| self.global.with_mount(mount.clone())).clone()
    }
}
