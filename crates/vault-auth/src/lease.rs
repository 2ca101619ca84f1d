//! When a token ends, as its holder counts it. Pure: time is passed in.

use std::time::Duration;

use tokio::time::Instant;

/// One part in this many of a lease is left unused, so that a request on its way arrives in time.
const MARGIN: u32 = 20;
const MIN_MARGIN: Duration = Duration::from_secs(1);
const MAX_MARGIN: Duration = Duration::from_secs(30);

/// The moment after which a token of `lease` is not used any more. It counts from `asked`, before
/// the login was sent: the server may have counted from then. `None`: it does not end.
pub(crate) fn end(asked: Instant, lease: Option<Duration>) -> Option<Instant> {
    let lease = lease?;
    let margin = (lease / MARGIN).clamp(MIN_MARGIN, MAX_MARGIN).min(lease / 2);
    // A lease beyond what the clock can count does not end.
    asked.checked_add(lease.saturating_sub(margin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn leases_end_early_by_a_margin() {
        let now = Instant::now();
        let check = |seconds: u64, usable: f64| {
            let end = end(now, Some(Duration::from_secs(seconds))).unwrap();
            assert!(((end - now).as_secs_f64() - usable).abs() < 0.001, "{seconds} s");
        };
        check(1, 0.5);
        check(10, 9.0);
        check(100, 95.0);
        check(3_600, 3_570.0);
        assert_eq!(end(now, None), None);
        assert_eq!(end(now, Some(Duration::MAX)), None);
    }
}
