#![doc = include_str!("../README.md")]

mod connect;
mod engines;
mod keys;
mod rules;

mod name;
mod read;
mod route;

mod load;
mod secret;

mod check;
mod virtual_keys;
mod write;

mod error;
mod explain;

pub use check::{Finding, Verdict, policy};
pub use error::{Error, Kind, Problem};
pub use keys::{KeyManager, Place};
pub use rules::VaultRules;
pub use secret::{Secret, Source};
pub use vault_kv::MAX_VALUE_BYTES;
pub use virtual_keys::{KeyAlias, KeyChange, Stored, VirtualKey, VirtualKeys};
pub use write::{WriteOptions, Written};
