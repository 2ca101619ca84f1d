//! What is mounted, and what is remembered about it.

use std::sync::atomic::{AtomicBool, AtomicU64};

use tokio::sync::Mutex;

/// What a mount turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MountVersion {
    /// KV version 1.
    V1,
    /// KV version 2.
    V2,
    /// Another secrets engine.
    NotKv,
    /// Nothing is mounted at exactly this path: it ends within another mount.
    NoMount,
    /// The token has no right below the mount, or there is none: Vault says the same to both.
    Unknown,
}

/// What was found out about a mount. Clones of the engine share it.
///
/// Only a definite answer is remembered: that it is KV version 2.
#[derive(Debug, Default)]
pub(crate) struct MountCheck {
    pub(crate) version_two: AtomicBool,
    /// The number of answers so far.
    pub(crate) answers: AtomicU64,
    /// The last answer, for the callers that waited for it. Locked while the question is out.
    pub(crate) last: Mutex<Option<MountVersion>>,
}
