//! Points in time as eight bytes, on Tokio's clock, which tests can pause.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

use crate::policy::{Tick, nanos};

/// The tick of the [epoch]. It leaves room for paused clocks that are behind the epoch, and for
/// four centuries after it.
const FIRST: Tick = 1 << 62;

/// When the clock was first read. All caches share it, so that a [`Ref`](crate::Ref) can compute
/// its age without a reference to its cache.
static EPOCH: OnceLock<Instant> = OnceLock::new();

fn epoch() -> Instant {
    *EPOCH.get_or_init(Instant::now)
}

pub(crate) fn now() -> Tick {
    tick(Instant::now())
}

pub(crate) fn tick(at: Instant) -> Tick {
    let (before, since) = (epoch().duration_since(at), at.duration_since(epoch()));
    FIRST.saturating_add(nanos(since)).saturating_sub(nanos(before))
}

/// Converts a tick back. A time that an [`Instant`] can't represent becomes the epoch.
pub(crate) fn instant(tick: Tick) -> Instant {
    let (before, since) = (FIRST.saturating_sub(tick), tick.saturating_sub(FIRST));
    let early = epoch().checked_sub(Duration::from_nanos(before));
    early.and_then(|at| at.checked_add(Duration::from_nanos(since))).unwrap_or_else(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tick_converts_to_an_instant_and_back() {
        let day = Duration::from_secs(86_400);
        for at in [epoch(), epoch() + day, epoch().checked_sub(day).unwrap_or_else(epoch)] {
            assert_eq!(instant(tick(at)), at);
        }
        assert_eq!(tick(epoch() + day) - tick(epoch()), nanos(day));
        assert_eq!(
            instant(Tick::MAX).duration_since(epoch()),
            Duration::from_nanos(u64::MAX - FIRST)
        );
    }
}
