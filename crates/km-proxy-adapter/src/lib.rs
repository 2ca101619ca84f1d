#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "a cache hit is inlined as a whole, because a call costs as much as the look-up"
)]

mod key_manager;
mod lifecycle;
mod write;

mod inner;

mod read;

mod entry;
mod virtual_keys;

mod listing;
mod stored;
mod value_warning;

mod access;
mod name;
mod ownership;
mod route;

mod check;
mod connect;
mod error;

pub use check::policy::{NamespacePolicy, Policies, policy};
pub use check::result::{CheckResult, CheckStatus};
pub use connect::config_files::ConfigFiles;
pub use connect::validator::VaultValidator;
pub use entry::Entry;
pub use entry::document::Document;
pub use error::reason::Reason;
pub use error::{Error, ErrorKind, Problem};
pub use key_manager::KeyManager;
pub use listing::{Listing, NameState};
pub use name::{is_resolved_by_gateway, parse as parse_reference};
pub use read::handle::Handle;
pub use read::preload::PreloadProgress;
pub use read::secret::{Secret, Source};
pub use route::SecretLocation;
pub use value_warning::ValueWarning;
pub use virtual_keys::alias::KeyAlias;
pub use virtual_keys::change::{KeyChange, StoreOutcome};
pub use virtual_keys::{VirtualKey, VirtualKeys};
pub use write::{WriteOptions, Written};

/// Reading of files and JSON without copies of secrets, for programs that use this crate.
pub use vault_http::{file, json, zeroizing};
/// A server in memory, for tests of programs over this crate.
#[cfg(feature = "test-util")]
pub use vault_http::{test_util, transport};
pub use vault_kv::{
    Fields, MAX_VALUE_BYTES, MetadataUpdate, SecretMetadata, Value, VersionMetadata, VersionState,
};
