//! The age of a version, and its `deletion_time` on the monotonic clock.
//!
//! Both are the difference of two times of the server, one of them the
//! [`Date`](https://www.rfc-editor.org/rfc/rfc9110#section-6.6.1) of the response, so that the wall
//! clock of this machine has no influence.

use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use vault_http::Response;

use crate::secret::{Lifetime, VersionMetadata};

/// The resolution of the `Date` header, which is truncated to whole seconds.
const DATE_RESOLUTION: Duration = Duration::from_secs(1);

/// Returns the lifetime of a version that `response` reports as existing, or `None` if the version
/// was deleted before the response was sent.
pub(crate) fn of(response: &Response, metadata: &VersionMetadata) -> Option<Lifetime> {
    let Some(deletion_time) = metadata.deletion_time.as_deref() else {
        return Some(Lifetime::Unlimited);
    };
    let deletion_time = humantime::parse_rfc3339(deletion_time).ok();
    lifetime(response.sent_at(), response.date(), deletion_time)
}

/// Returns the age of a version at the time of `response`. A version that is younger than the
/// resolution of the header has an age of zero.
pub(crate) fn age(response: &Response, metadata: &VersionMetadata) -> Option<Duration> {
    let created = humantime::parse_rfc3339(&metadata.created_time).ok()?;
    Some(response.date()?.duration_since(created).unwrap_or_default())
}

fn lifetime(
    sent_at: Instant,
    date: Option<SystemTime>,
    deletion_time: Option<SystemTime>,
) -> Option<Lifetime> {
    let (Some(date), Some(deletion_time)) = (date, deletion_time) else {
        return Some(Lifetime::Unknown);
    };
    let left = deletion_time.duration_since(date).ok().filter(|left| !left.is_zero())?;
    let until = sent_at.checked_add(left.saturating_sub(DATE_RESOLUTION));
    Some(until.map_or(Lifetime::Unlimited, Lifetime::Until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetime_is_counted_from_the_request_by_the_servers_clock() {
        let (sent_at, date) =
            (Instant::now(), SystemTime::UNIX_EPOCH + Duration::from_secs(1 << 30));
        let (second, millis) = (Duration::from_secs(1), Duration::from_millis(1));
        // The last second that this machine's clock can represent.
        let (epoch, far) = (SystemTime::UNIX_EPOCH, Duration::from_secs(i64::MAX.unsigned_abs()));
        let until = |left| Some(Lifetime::Until(sent_at + left));
        for (date, deletion_time, expected) in [
            (Some(date), Some(date + 6 * second), until(5 * second)),
            (Some(date), Some(date + 6 * second + millis), until(5 * second + millis)),
            (Some(date), Some(date + second), until(Duration::ZERO)),
            // The second of `Date` has begun, and may be almost over.
            (Some(date), Some(date + millis), until(Duration::ZERO)),
            (Some(date), Some(date), None),
            (Some(date), Some(date - millis), None),
            (Some(date), Some(date - 1_000 * second), None),
            (None, Some(date + 6 * second), Some(Lifetime::Unknown)),
            (Some(date), None, Some(Lifetime::Unknown)),
            (Some(epoch), epoch.checked_add(far), Some(Lifetime::Unlimited)),
        ] {
            let found = lifetime(sent_at, date, deletion_time);
            assert_eq!(found, expected, "{date:?} {deletion_time:?}");
        }
    }
}
