#![doc = include_str!("../README.md")]

mod connect;
mod keys;
mod rules;

mod name;
mod read;
mod route;

mod load;
mod secret;

mod check;
mod write;

mod error;
mod explain;

pub use check::{Finding, Verdict};
pub use error::{Error, Kind, Problem};
pub use keys::{KeyManager, Place};
pub use rules::VaultRules;
pub use secret::{Secret, Source};
pub use vault_kv::MAX_VALUE_BYTES;
pub use write::{WriteOptions, Written};
