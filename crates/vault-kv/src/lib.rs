#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "tracing"),
    expect(unused_variables, reason = "some values are only logged")
)]

mod kv;
mod mount;
mod path;

mod read;
mod write;

mod ambiguous;
mod metadata;
mod mount_version;
mod namespace_check;
mod version_check;

mod fields;
mod lifetime;
mod same_json;
mod secret;

mod error;
mod log;

pub use error::{Error, ErrorKind};
pub use fields::{FieldError, Fields, Value};
pub use kv::Kv;
pub use metadata::MetadataUpdate;
pub use mount::Mount;
pub use mount_version::MountVersion;
pub use path::SecretPath;
pub use secret::{Attribution, Lifetime, Secret, SecretMetadata, VersionMetadata, VersionState};
pub use write::{Cas, MAX_VALUE_BYTES};
