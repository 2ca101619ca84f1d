//! The tasks of a cache: its loads and its refresher.

pub(crate) mod load;
pub(crate) mod permits;
pub(crate) mod refresher;
