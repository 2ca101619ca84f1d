//! The tasks of a cache: loads, and the refresher.

pub(crate) mod load;
pub(crate) mod permits;
pub(crate) mod refresher;
