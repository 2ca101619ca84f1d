//! The version of the secrets engine at a mount, and the memory of it.
//!
//! [`version_check`](crate::version_check) sends the requests.

use std::sync::atomic::{AtomicBool, AtomicU64};

use tokio::sync::Mutex;

/// The engine at a mount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MountVersion {
    /// KV version 1.
    V1,
    /// KV version 2.
    V2,
    /// A secrets engine that is not KV.
    NotKv,
    /// Nothing is mounted at this exact path. It lies within another mount.
    NoMount,
    /// Vault denied the request. Either nothing is mounted, or the token has no capability below
    /// the mount; Vault does not tell which.
    Unknown,
}

/// The state of the check of one mount, shared by all clones of a [`Kv`](crate::Kv).
///
/// Only the version that the client expects and the existence of the namespace are remembered,
/// because anything else may be fixed by an operator at any time.
#[derive(Debug, Default)]
pub(crate) struct MountCheck {
    /// Whether the mount was seen to have the version that the client expects.
    pub(crate) is_expected: AtomicBool,
    /// Whether the namespace of the mount was seen to exist.
    pub(crate) namespace_exists: AtomicBool,
    /// The number of completed requests.
    pub(crate) completed: AtomicU64,
    /// The outcome of the last request, for the callers that waited for it. Locked while a request
    /// is in flight.
    pub(crate) last: Mutex<Option<MountVersion>>,
}
