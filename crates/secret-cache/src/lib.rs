#![doc = include_str!("../README.md")]

// What a user of the cache implements.
mod load;
mod version;

// What a user of the cache holds.
mod builder;
mod cache;
mod error;
mod lent;

// Policy: pure, what is served and when to load again.
mod entry;
mod policy;

// Mechanism: a load that runs once, and the bounded table of all keys.
mod flight;
mod shared;
mod table;

pub use builder::{Builder, MAX_NEGATIVE_TTL};
pub use cache::Cache;
pub use error::{BuildError, Error, Problem};
pub use lent::{Lent, Origin};
pub use load::{Load, LoadError, Loaded, Outcome};
pub use version::Version;
