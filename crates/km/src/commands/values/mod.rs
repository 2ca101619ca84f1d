//! The values of secrets that a command passes on: which names, their values, and their changes.

mod notifier;
mod resolve;
mod watcher;

pub(crate) use resolve::{Values, resolve_initial};
pub(crate) use watcher::ValueWatcher;
