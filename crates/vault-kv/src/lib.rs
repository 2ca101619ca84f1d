#![doc = include_str!("../README.md")]

mod location;

mod engine;
mod preflight;

mod metadata;
mod read;
mod settle;
mod write;

mod fields;
mod lifetime;
mod same_json;
mod secret;

mod error;

pub use engine::Kv;
pub use error::{Error, ErrorKind};
pub use fields::{FieldError, Fields, Value};
pub use location::{Mount, SecretPath};
pub use metadata::MetadataUpdate;
pub use preflight::MountVersion;
pub use secret::{Lifetime, Secret, SecretMetadata, VersionMetadata, VersionState};
pub use write::{Cas, MAX_VALUE_BYTES};
