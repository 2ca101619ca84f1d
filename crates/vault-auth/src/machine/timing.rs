//! Timing policy: when a token expires, is renewed and is replaced, and the delays after failures.
//! Pure: the caller supplies the time and the jitter, a random number from 0 to 1.

use std::time::Duration;

use tokio::time::Instant;

/// The divisor of a lease that yields its margin, the part that is left unused so that a request in
/// flight arrives in time.
const MARGIN_DIVISOR: u32 = 20;
/// The minimum margin.
const MIN_MARGIN: Duration = Duration::from_secs(1);
/// The maximum margin.
const MAX_MARGIN: Duration = Duration::from_secs(30);

/// The lease below which a renewal comes at half of it, because there is no time for jitter.
const SPREAD_FROM: Duration = Duration::from_secs(20);
/// The minimum time from the start of a lease to its renewal.
const MIN_RENEWAL_DELAY: Duration = Duration::from_secs(1);
/// The time that a login has before a short lease expires.
const LOGIN_TIME: Duration = Duration::from_secs(2);

/// The timeout of a request about a token, independent of the deadlines of waiting callers.
pub(crate) const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);

/// The upper bound of the first backoff. It doubles with each further failure.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// The maximum backoff while there is no token.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(20);
/// The maximum backoff while there is a token to use.
pub(super) const MAX_BACKOFF_WITH_TOKEN: Duration = Duration::from_secs(60);
/// The upper bound of the first quick retry of a login, for callers that wait for it.
const QUICK_RETRY_DELAY: Duration = Duration::from_millis(50);
/// The number of quick retries.
const QUICK_RETRIES: u32 = 2;
/// The maximum time between two health probes of an unreachable server.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);

/// Returns when a token with this `lease` is no longer used, or `None` if it does not expire.
///
/// The lease counts from before the request was sent, because the server may count from its
/// arrival.
pub(crate) fn usable_until(lease_start: Instant, lease: Option<Duration>) -> Option<Instant> {
    let lease = lease?;
    let margin = (lease / MARGIN_DIVISOR).clamp(MIN_MARGIN, MAX_MARGIN).min(lease / 4);
    // A lease beyond the range of the clock does not expire.
    lease_start.checked_add(lease.saturating_sub(margin))
}

/// Returns when a token is renewed: at 0.55 to 0.70 of its lease, so that processes that started
/// together do not renew together.
pub(crate) fn renew_at(lease_start: Instant, lease: Duration, jitter: f64) -> Option<Instant> {
    let delay = if lease < SPREAD_FROM { lease / 2 } else { fraction(lease, 0.55, 0.15, jitter) };
    lease_start.checked_add(delay.max(MIN_RENEWAL_DELAY))
}

/// Returns the timeout of a renewal, which leaves time for a login if the server hangs.
pub(crate) fn renewal_timeout(now: Instant, usable_until: Option<Instant>) -> Duration {
    let left = usable_until.map(|end| end.saturating_duration_since(now) / 2);
    left.map_or(REQUEST_TIMEOUT, |left| left.min(REQUEST_TIMEOUT))
}

/// Returns when a token that is not renewed is replaced: at 0.8 of its lease, plus or minus a tenth
/// of that, and early enough for a login.
pub(crate) fn replace_at(lease_start: Instant, lease: Duration, jitter: f64) -> Option<Instant> {
    let point = lease_start.checked_add(fraction(lease, 0.72, 0.16, jitter))?;
    let latest = usable_until(lease_start, Some(lease))?.checked_sub(LOGIN_TIME.min(lease / 4))?;
    Some(point.min(latest))
}

/// Returns the backoff after `failures` failures in a row: full jitter below a bound that starts at
/// 1 s and doubles up to `max`.
pub(crate) fn backoff(failures: u32, max: Duration, jitter: f64) -> Duration {
    let bound = FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(16));
    bound.min(max).mul_f64(jitter)
}

/// Returns the delay of a quick retry, or `None` if no quick retries are left.
pub(crate) fn quick_retry(failures: u32, jitter: f64) -> Option<Duration> {
    let bound = QUICK_RETRY_DELAY.saturating_mul(failures);
    (failures <= QUICK_RETRIES).then(|| bound.mul_f64(jitter))
}

/// Returns the delay of the next health probe: about a second, with jitter.
pub(crate) fn probe_delay(jitter: f64) -> Duration {
    PROBE_INTERVAL.mul_f64(0.9 + 0.1 * jitter)
}

/// Returns the fraction `from + spread * jitter` of a lease of any length.
fn fraction(lease: Duration, from: f64, spread: f64, jitter: f64) -> Duration {
    let seconds = lease.as_secs_f64() * (from + spread * jitter);
    Duration::try_from_secs_f64(seconds).unwrap_or(lease)
}

#[cfg(test)]
mod tests {
    use super::*;

    const YEAR: u64 = 365 * 86_400;

    #[tokio::test(start_paused = true)]
    async fn token_is_not_used_in_the_margin_of_its_lease() {
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
    async fn renewal_and_login_come_in_time_for_every_lease() {
        let now = Instant::now();
        for seconds in [2, 3, 4, 10, 19, 20, 60, 3_600, 2_764_800, 10 * YEAR] {
            let lease = Duration::from_secs(seconds);
            let end = usable_until(now, Some(lease)).unwrap();
            for jitter in [0.0, 0.5, 1.0] {
                let renewal = renew_at(now, lease, jitter).unwrap();
                let login = replace_at(now, lease, jitter).unwrap();
                assert!(renewal >= now + MIN_RENEWAL_DELAY && renewal < end, "{seconds} s");
                assert!(renewal <= login && login < end, "{seconds} s, {jitter}");
            }
        }
        assert_eq!(renew_at(now, Duration::MAX, 0.5), None);
        assert_eq!(replace_at(now, Duration::MAX, 0.5), None);
    }

    #[tokio::test(start_paused = true)]
    async fn jitter_stays_within_its_bounds() {
        let (now, lease) = (Instant::now(), Duration::from_secs(1_000));
        let millis = |at: Option<Instant>| (at.unwrap() - now).as_millis();
        assert_eq!([0.0, 1.0].map(|c| millis(renew_at(now, lease, c))), [550_000, 700_000]);
        assert_eq!([0.0, 1.0].map(|c| millis(replace_at(now, lease, c))), [720_000, 880_000]);
        assert_eq!(millis(renew_at(now, Duration::from_secs(10), 1.0)), 5_000);
    }

    #[tokio::test(start_paused = true)]
    async fn renewal_timeout_leaves_half_of_the_remaining_time_for_a_login() {
        let now = Instant::now();
        let timeout = |left| renewal_timeout(now, Some(now + Duration::from_secs(left)));
        assert_eq!(timeout(4), Duration::from_secs(2));
        assert_eq!(timeout(3_600), REQUEST_TIMEOUT);
        assert_eq!(renewal_timeout(now, None), REQUEST_TIMEOUT);
    }

    #[test]
    fn backoff_doubles_up_to_its_bound() {
        let max = Duration::from_secs(60);
        let delays: Vec<_> = (1..9).map(|failures| backoff(failures, max, 1.0).as_secs()).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(backoff(u32::MAX, max, 0.5).as_secs(), 30);
        let quick: Vec<_> = (1..4).map(|failures| quick_retry(failures, 1.0)).collect();
        assert_eq!(quick, [Some(QUICK_RETRY_DELAY), Some(QUICK_RETRY_DELAY * 2), None]);
    }
}
