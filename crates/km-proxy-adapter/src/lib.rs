#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "a hit is inlined as a whole: what is handed on in memory costs as much as the look-up"
)]

mod config_files;
mod connect;
mod key_manager;

mod handle;
mod name;
mod ownership;
mod read;
mod reading;
mod route;

mod value_warning;

mod check;
mod entry;
mod lifecycle;
mod listing;
mod virtual_keys;
mod write;

mod error;

pub use check::{CheckResult, CheckStatus, policy};
pub use config_files::ConfigFiles;
pub use connect::validator::VaultValidator;
pub use entry::{Document, Entry};
pub use error::reason::Reason;
pub use error::{Error, ErrorKind, Problem};
pub use handle::Handle;
pub use key_manager::{KeyManager, SecretLocation};
pub use listing::{Listing, NameState};
pub use name::{is_resolved_by_gateway, parse as parse_reference};
pub use read::preload::PreloadProgress;
pub use read::secret::{Secret, Source};
pub use value_warning::ValueWarning;
/// Reading the files that an operator names, for programs over this crate.
pub use vault_http::{file, json, zeroizing};
pub use vault_kv::{
    Fields, MAX_VALUE_BYTES, MetadataUpdate, SecretMetadata, Value, VersionMetadata, VersionState,
};
pub use virtual_keys::{KeyAlias, KeyChange, StoreOutcome, VirtualKey, VirtualKeys};
pub use write::{WriteOptions, Written};
