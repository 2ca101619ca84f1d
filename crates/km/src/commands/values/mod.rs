//! The values of secrets that a command passes on, as variables or as files: which they are, how
//! they are read, and when they change.
//!
//! What a variable or a file can hold is checked by the commands that write them.

mod binding;
mod notifier;
mod resolve;
mod watcher;

pub(crate) use binding::Binding;
pub(crate) use resolve::{Values, resolve_initial};
pub(crate) use watcher::ValueWatcher;
