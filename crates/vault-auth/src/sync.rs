//! What threads share, by names of our own: the loom test puts loom's in their place
//! (`tests/loom.rs`).

pub(crate) use std::sync::atomic::AtomicU32;
pub(crate) use std::sync::{Arc, Mutex};

/// A place for a value that readers take without waiting, and that is replaced as a whole.
pub(crate) type Slot<T> = arc_swap::ArcSwapOption<T>;
