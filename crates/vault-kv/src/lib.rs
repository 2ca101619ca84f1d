#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "some values are only logged")
)]

mod kv;
mod mount;
mod path;

mod list;
mod read;
mod write;

mod v1;

mod ambiguous;
mod metadata;
mod mount_version;
mod namespace_check;
mod version_check;

mod fields;
mod lifetime;
mod secret;

mod error;
mod log;

pub use error::{Error, ErrorKind};
pub use fields::{
    FieldError, Fields, IntoIter, Iter, ParseError, ParseErrorKind, SerializeError, Value,
    ValueKind, serialize_exposed,
};
pub use kv::Kv;
pub use list::{ListEntry, MAX_LIST_BYTES};
pub use metadata::MetadataUpdate;
pub use mount::Mount;
pub use mount_version::MountVersion;
pub use path::SecretPath;
pub use secret::{Attribution, Lifetime, Secret, SecretMetadata, VersionMetadata, VersionState};
pub use v1::KvV1;
pub use write::{Cas, MAX_VALUE_BYTES};

/// The crates whose types are part of this crate's signatures.
pub use {secrecy, vault_http};
