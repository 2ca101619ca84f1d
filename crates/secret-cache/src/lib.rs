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
mod handle;
mod lent;

// Policy: pure, what is served and when to load again.
mod memo;
mod outage;
mod policy;

// Mechanism, values: held in places that are read without a lock.
mod clock;
mod level;
mod slot;
mod stored;
mod sync;
mod values;

// Mechanism, everything else: behind one lock, with each step that is taken on it.
mod agenda;
mod landing;
mod state;
mod table;
mod tending;
mod writing;

// Mechanism, tasks: loads, the timer, and what they share with callers.
mod events;
mod flight;
mod get;
mod hits;
mod permits;
mod shared;
mod timer;

pub use builder::{Builder, MAX_NEGATIVE_TTL};
pub use cache::Cache;
pub use error::{BuildError, BuildErrorKind, Error};
pub use handle::Handle;
pub use lent::{Origin, Ref};
pub use load::{Load, LoadError, LoadErrorKind, Loaded};
pub use version::Version;
