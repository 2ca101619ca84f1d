//! Why a load runs, and how it ends.

use std::sync::Arc;

use crate::load_error::LoadErrorKind;
use crate::loaded::Loaded;

/// The reason for a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoadReason {
    /// There is no value, and a caller waits for one.
    Miss,
    /// The value is due, or past its refresh interval.
    Refresh,
    /// A refresh during an outage, which detects the end of the outage.
    Probe,
}

/// The outcome of a load.
pub(crate) enum LoadOutcome<V, E> {
    Loaded(Loaded<V>),
    Failed(Arc<E>, LoadErrorKind),
    Panicked,
}
