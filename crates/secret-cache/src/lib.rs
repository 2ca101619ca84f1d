#![doc = include_str!("../README.md")]
#![expect(
    clippy::inline_always,
    reason = "moving the parts of a hit through memory costs as much as the lookup"
)]

// What a user of the cache implements.
mod load;
mod load_error;
mod load_fn;
mod loaded;
mod version;

// What a user of the cache calls.
mod builder;
mod cache;
mod error;
mod get;
mod handle;
mod refreshed;
mod status;
mod value_ref;

// The entries, the decisions about them, and the rest of the state.
mod map;
mod policy;
mod state;

// The tasks, and what they share with callers.
mod metrics;
mod refresh;
mod shared;
mod task;

pub use builder::Builder;
pub use cache::Cache;
pub use error::{BuildError, BuildErrorKind, Error};
pub use handle::Handle;
pub use load::Load;
pub use load_error::{LoadError, LoadErrorKind, LoadFailure};
pub use load_fn::{FnCache, LoadFn, load_fn};
pub use loaded::Loaded;
pub use refreshed::Refreshed;
pub use status::{KeyState, KeyStatus, Status};
pub use value_ref::{Origin, Ref};
pub use version::Version;
