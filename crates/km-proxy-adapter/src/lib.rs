#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "a hit is inlined as a whole: what is handed on in memory costs as much as the look-up"
)]

mod config_files;
mod connect;
mod engines;
mod environment;
mod keys;
mod rules;

mod handle;
mod name;
mod ownership;
mod preload;
mod read;
mod reading;
mod route;

mod load;
mod secret;
mod value_warning;

mod check;
mod documents;
mod listing;
mod ready;
mod virtual_keys;
mod write;

mod cause;
mod error;
mod explain;

pub use cause::Reason;
pub use check::{CheckResult, CheckStatus, policy};
pub use config_files::ConfigFiles;
pub use documents::{Document, Entry};
pub use error::{Error, ErrorKind, Problem};
pub use handle::Handle;
pub use keys::{KeyManager, SecretLocation};
pub use listing::{Listing, NameState};
pub use name::{is_resolved_by_gateway, parse as name_of};
pub use preload::Preloaded;
pub use rules::VaultValidator;
pub use secret::{Secret, Source};
pub use value_warning::ValueWarning;
/// Reading the files that an operator names, for programs over this crate.
pub use vault_http::{file, json, zeroizing};
/// A server in memory, for tests of programs over this crate.
#[cfg(feature = "test-util")]
pub use vault_http::{test_util, transport};
pub use vault_kv::{
    Fields, MAX_VALUE_BYTES, MetadataUpdate, SecretMetadata, Value, VersionMetadata, VersionState,
};
pub use virtual_keys::{KeyAlias, KeyChange, StoreOutcome, VirtualKey, VirtualKeys};
pub use write::{WriteOptions, Written};
