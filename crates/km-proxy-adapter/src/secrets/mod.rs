//! Operations on the secrets of the global location other than reads of their values.

mod list;
pub(crate) mod rotation;
pub(crate) mod update;
mod versions;
pub(crate) mod write;
