#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "moving the parts of a hit through memory costs as much as the lookup"
)]

// What a user of the cache implements.
mod load;
mod version;

// What a user of the cache calls.
mod builder;
mod cache;
mod error;
mod get;
mod handle;
mod status;
mod value_ref;

// The entries, the decisions about them, and the rest of the state.
mod map;
mod policy;
mod state;

// The tasks, and what they share with callers.
mod metrics;
mod shared;
mod task;

pub use builder::Builder;
pub use cache::Cache;
pub use error::{BuildError, BuildErrorKind, Error};
pub use handle::Handle;
pub use load::{Load, LoadError, LoadErrorKind, Loaded};
pub use policy::MAX_NEGATIVE_TTL;
pub use status::{KeyState, KeyStatus, Status};
pub use value_ref::{Origin, Ref};
pub use version::Version;
