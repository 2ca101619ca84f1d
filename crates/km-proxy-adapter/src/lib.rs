#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "a cache hit is inlined as a whole, because a call costs as much as the look-up"
)]
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "some values are only logged")
)]

mod key_manager;
mod lifecycle;
mod secrets;

mod inner;

mod read;

mod entry;
mod virtual_keys;

mod history;
mod listing;
mod status;
mod stored;
mod value_warning;

mod access;
mod name;
mod ownership;
mod route;

mod check;
mod connect;
mod error;
mod log;

pub use check::policy::{NamespacePolicy, Policies, policy};
pub use check::result::{CheckResult, CheckStatus};
pub use check::secrets::{FoundSecret, SecretCheck, SecretOutcome, SecretWarning};
pub use connect::config_files::ConfigFiles;
pub use connect::validator::VaultValidator;
pub use entry::Entry;
pub use entry::document::Document;
pub use error::reason::Reason;
pub use error::{Error, ErrorKind, Problem};
pub use history::{History, HistoryEntry, VersionChange};
pub use key_manager::KeyManager;
pub use listing::{ListProgress, Listing, NameState};
pub use name::{is_resolved_by_gateway, parse as parse_reference};
pub use read::handle::Handle;
pub use read::preload::PreloadProgress;
pub use read::refresh::{Refresh, RefreshOutcome, RefreshedSecret};
pub use read::secret::{Secret, Source};
pub use read::version::ReadOptions;
pub use route::SecretLocation;
pub use secrets::rotation::{Rotation, RotationPlan, RotationRecord, StoredKey};
pub use secrets::update::Change;
pub use secrets::write::{WriteOptions, Written};
pub use status::secrets::{SecretState, SecretStatus};
pub use status::{CacheStatus, LoginStatus, Status, VaultStatus};
pub use value_warning::ValueWarning;
pub use virtual_keys::alias::KeyAlias;
pub use virtual_keys::change::{KeyChange, StoreOutcome};
pub use virtual_keys::{VirtualKey, VirtualKeys};

/// Reading of files and JSON without copies of secrets, for programs that use this crate.
pub use vault_http::{file, json, zeroizing};
/// A server in memory, for tests of programs over this crate.
#[cfg(feature = "test-util")]
pub use vault_http::{test_util, transport};
pub use vault_kv::{
    Attribution, Fields, MAX_VALUE_BYTES, MetadataUpdate, SecretMetadata, Value, VersionMetadata,
    VersionState,
};
