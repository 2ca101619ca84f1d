//! Why a load runs, and how it ends.

use std::sync::Arc;

use crate::load::{LoadErrorKind, Loaded};

/// How a load ended.
pub(crate) enum Report<V, E> {
    Loaded(Loaded<V>),
    Failed(Arc<E>, LoadErrorKind),
    Panicked,
}

/// Why a load was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// There is no value, and a caller waits for one.
    Miss,
    /// The value came due, or is past its refresh interval.
    Refresh,
    /// Like a refresh, while the source can't be asked: it finds out whether that is over.
    Probe,
}
