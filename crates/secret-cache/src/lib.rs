#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "a hit is inlined as a whole: what is handed on in memory costs as much as the look-up"
)]

// What a user of the cache implements.
mod load;
mod version;

// What a user of the cache holds.
mod builder;
mod cache;
mod error;
mod get;
mod handle;
mod value_ref;

// Decisions, entries, and everything else that a cache knows.
mod map;
mod policy;
mod state;

// Tasks, and what they share with callers.
mod metrics;
mod shared;
mod task;

pub use builder::Builder;
pub use cache::Cache;
pub use error::{BuildError, BuildErrorKind, Error};
pub use handle::Handle;
pub use load::{Load, LoadError, LoadErrorKind, Loaded};
pub use policy::MAX_NEGATIVE_TTL;
pub use value_ref::{Origin, Ref};
pub use version::Version;
