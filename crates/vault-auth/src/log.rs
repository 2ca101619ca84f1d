//! Log events through [`tracing`](https://docs.rs/tracing), or none without the feature `tracing`.

#[cfg(feature = "tracing")]
pub(crate) use tracing::{debug, info, warn};

/// Discards an event.
#[cfg(not(feature = "tracing"))]
macro_rules! discard {
    ($($event:tt)*) => {{}};
}

#[cfg(not(feature = "tracing"))]
pub(crate) use {discard as debug, discard as info, discard as warn};
