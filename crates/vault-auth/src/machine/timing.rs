//! When a token ends, is renewed and is replaced, and how long a failure is waited out. Pure: time
//! and chance are passed in.

use std::time::Duration;

use tokio::time::Instant;

/// One part in this many of a lease is left unused, so that a request on its way arrives in time.
const MARGIN_DIVISOR: u32 = 20;
const MIN_MARGIN: Duration = Duration::from_secs(1);
const MAX_MARGIN: Duration = Duration::from_secs(30);

/// Below this, half of a lease is waited before it is renewed: there is no time to spread.
const SPREAD_FROM: Duration = Duration::from_secs(20);
/// A renewal is asked for no sooner than this after the last time the lease began.
const MIN_RENEWAL_DELAY: Duration = Duration::from_secs(1);
/// Time that a login has before a short lease ends.
const LOGIN_TIME: Duration = Duration::from_secs(2);

/// How long a request about a token may take, however long anybody waits for it.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// Bound of the first wait after a failure; it doubles with each further one.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Longest wait between two logins where there is no token to use meanwhile.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// The same where there is one.
pub(super) const MAX_BACKOFF_WITH_TOKEN: Duration = Duration::from_secs(60);
/// Bound of the two quick tries that a login has for those who wait for it.
const QUICK_RETRY_DELAY: Duration = Duration::from_millis(50);
/// How many they are.
const QUICK_RETRIES: u32 = 2;
/// The longest time between two questions for the health of a server that can't be reached.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// The moment after which a token of `lease` is not used any more. It counts from `asked`, before
/// the login was sent: the server may have counted from then. `None`: it does not end.
pub(crate) fn usable_until(asked: Instant, lease: Option<Duration>) -> Option<Instant> {
    let lease = lease?;
    let margin = (lease / MARGIN_DIVISOR).clamp(MIN_MARGIN, MAX_MARGIN).min(lease / 4);
    // A lease beyond what the clock can count does not end.
    asked.checked_add(lease.saturating_sub(margin))
}

/// When a token is renewed: at 0.55 to 0.70 of its lease, so that many that began together don't
/// come together.
pub(crate) fn renew_at(asked: Instant, lease: Duration, chance: f64) -> Option<Instant> {
    let wait = if lease < SPREAD_FROM { lease / 2 } else { fraction(lease, 0.55, 0.15, chance) };
    asked.checked_add(wait.max(MIN_RENEWAL_DELAY))
}

/// How long a renewal may take: a server that hangs must leave time for a login.
pub(crate) fn renewal_timeout(now: Instant, end: Option<Instant>) -> Duration {
    let left = end.map(|end| end.saturating_duration_since(now) / 2);
    left.map_or(REQUEST_TIMEOUT, |left| left.min(REQUEST_TIMEOUT))
}

/// When a token that isn't renewed is replaced: at 0.8 of its lease, give or take a tenth of that,
/// and early enough for a login.
pub(crate) fn replace_at(asked: Instant, lease: Duration, chance: f64) -> Option<Instant> {
    let point = asked.checked_add(fraction(lease, 0.72, 0.16, chance))?;
    let latest = usable_until(asked, Some(lease))?.checked_sub(LOGIN_TIME.min(lease / 4))?;
    Some(point.min(latest))
}

/// How long the `failures`-th failure in a row is waited out: full jitter below 1 s, doubling up to
/// `most`.
pub(crate) fn backoff(failures: u32, most: Duration, chance: f64) -> Duration {
    let bound = FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16));
    bound.min(most).mul_f64(chance)
}

/// The wait before a login is tried again for those who wait for it, while that is quick.
pub(crate) fn quick_retry(failures: u32, chance: f64) -> Option<Duration> {
    let bound = QUICK_RETRY_DELAY.saturating_mul(failures);
    (failures <= QUICK_RETRIES).then(|| bound.mul_f64(chance))
}

/// The wait before the next question for the server's health: one a second, not in step with other
/// clients.
pub(crate) fn probe_delay(chance: f64) -> Duration {
    PROBE_INTERVAL.mul_f64(0.9 + 0.1 * chance)
}

/// From `from` to `from + spread` of a lease; a lease of any length.
fn fraction(lease: Duration, from: f64, spread: f64, chance: f64) -> Duration {
    let seconds = lease.as_secs_f64() * (from + spread * chance);
    Duration::try_from_secs_f64(seconds).unwrap_or(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;

    #[tokio::test(start_paused = true)]
    async fn leases_end_early_by_a_margin() {
        let now = Instant::now();
        let check = |seconds: u64, usable: f64| {
            let end = usable_until(now, Some(Duration::from_secs(seconds))).unwrap();
            assert!(((end - now).as_secs_f64() - usable).abs() < 0.001, "{seconds} s");
        };
        check(1, 0.75);
        check(2, 1.5);
        check(10, 9.0);
        check(100, 95.0);
        check(3_600, 3_570.0);
        assert_eq!(usable_until(now, None), None);
        assert_eq!(usable_until(now, Some(Duration::MAX)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn renewals_and_logins_come_in_time_for_every_lease() {
        let now = Instant::now();
        for seconds in [2, 3, 4, 10, 19, 20, 60, 3_600, 2_764_800, 10 * YEAR] {
            let lease = Duration::from_secs(seconds);
            let end = usable_until(now, Some(lease)).unwrap();
            for chance in [0.0, 0.5, 1.0] {
                let renewal = renew_at(now, lease, chance).unwrap();
                let login = replace_at(now, lease, chance).unwrap();
                assert!(renewal >= now + MIN_RENEWAL_DELAY && renewal < end, "{seconds} s");
                assert!(renewal <= login && login < end, "{seconds} s, {chance}");
            }
        }
        assert_eq!(renew_at(now, Duration::MAX, 0.5), None);
        assert_eq!(replace_at(now, Duration::MAX, 0.5), None);
    }

    #[tokio::test(start_paused = true)]
    async fn points_are_drawn_within_their_bounds() {
        let (now, lease) = (Instant::now(), Duration::from_secs(1_000));
        let millis = |at: Option<Instant>| (at.unwrap() - now).as_millis();
        assert_eq!([0.0, 1.0].map(|c| millis(renew_at(now, lease, c))), [550_000, 700_000]);
        assert_eq!([0.0, 1.0].map(|c| millis(replace_at(now, lease, c))), [720_000, 880_000]);
        assert_eq!(millis(renew_at(now, Duration::from_secs(10), 1.0)), 5_000);
    }

    #[tokio::test(start_paused = true)]
    async fn renewal_leaves_half_of_what_is_left_for_a_login() {
        let now = Instant::now();
        let timeout = |left| renewal_timeout(now, Some(now + Duration::from_secs(left)));
        assert_eq!(timeout(4), Duration::from_secs(2));
        assert_eq!(timeout(3_600), REQUEST_TIMEOUT);
        assert_eq!(renewal_timeout(now, None), REQUEST_TIMEOUT);
    }

    #[test]
    fn waits_double_up_to_their_bound() {
        let most = Duration::from_secs(60);
        let waits: Vec<_> = (1..9).map(|failures| backoff(failures, most, 1.0).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(u32::MAX, most, 0.5).as_secs(), 30);
        let quick: Vec<_> = (1..4).map(|failures| quick_retry(failures, 1.0)).collect();
        assert_eq!(quick, [Some(QUICK_RETRY_DELAY), Some(QUICK_RETRY_DELAY * 2), None]);
    }
}
