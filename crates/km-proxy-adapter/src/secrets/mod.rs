//! Operations on the secrets of the global location other than reads of their values.

mod list;
mod versions;
pub(crate) mod write;
