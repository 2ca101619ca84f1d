//! The order of two values of one key.

use std::time::{Duration, SystemTime};

/// The version of a value, as assigned by its source.
///
/// A replica that lags may return an older value than one already seen. Versions prevent such a
/// response from replacing a newer value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    number: u64,
    created: Created,
}

/// Nanoseconds since the Unix epoch, or [`Created::UNKNOWN`]. It has half the size of an
/// `Option<SystemTime>`, and each entry contains one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Created(i64);

impl Created {
    const UNKNOWN: Self = Self(i64::MIN);

    fn at(time: SystemTime) -> Self {
        let nanos = |span: Duration| i64::try_from(span.as_nanos()).unwrap_or(i64::MAX);
        Self(match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(since) => nanos(since),
            Err(before) => nanos(before.duration()).saturating_neg(),
        })
    }

    fn time(self) -> Option<SystemTime> {
        let span = Duration::from_nanos(self.0.unsigned_abs());
        match self.0 {
            _ if self == Self::UNKNOWN => None,
            0.. => SystemTime::UNIX_EPOCH.checked_add(span),
            _ => SystemTime::UNIX_EPOCH.checked_sub(span),
        }
    }
}

impl Default for Created {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Version {
    /// Creates a version from a number that the source increments.
    ///
    /// If the source may restart its numbers, set the creation time too ([`Version::created`]).
    /// Otherwise values after a restart count as older while the old one is remembered.
    pub const fn new(number: u64) -> Self {
        Self { number, created: Created::UNKNOWN }
    }

    /// Sets when the source created this version, by the source's clock. Times before 1678 and
    /// after 2262 are clamped to these years.
    #[must_use]
    pub fn created(mut self, at: SystemTime) -> Self {
        self.created = Created::at(at);
        self
    }

    /// Returns the number. It is zero for a source without versions.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// Returns when the source created this version, if that is known.
    pub fn created_at(self) -> Option<SystemTime> {
        self.created.time()
    }

    /// Returns whether the number or the creation time is known. If neither is, two values of equal
    /// version may differ.
    pub(crate) fn is_known(self) -> bool {
        self != Self::default()
    }

    /// Returns whether a value of this version may replace one of version `held`.
    ///
    /// It may unless its number is lower. A lower number may if it was created later, because then
    /// the source has restarted its numbers. Times are used for nothing else, because the clocks of
    /// a cluster differ.
    ///
    /// ```
    /// # use std::time::{Duration, SystemTime};
    /// # use secret_cache::Version;
    /// let noon = SystemTime::UNIX_EPOCH + Duration::from_secs(43_200);
    /// let second = Duration::from_secs(1);
    /// assert!(Version::new(4).replaces(Version::new(4)));
    /// assert!(!Version::new(3).replaces(Version::new(4)));
    /// assert!(Version::new(1).created(noon + second).replaces(Version::new(4).created(noon)));
    /// assert!(!Version::new(1).created(noon + second).replaces(Version::new(4)));
    /// ```
    pub fn replaces(self, held: Self) -> bool {
        let created_later = held.created != Created::UNKNOWN && self.created > held.created;
        self.number >= held.number || created_later
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn creation_time_is_returned_as_set_within_the_range() {
        let epoch = SystemTime::UNIX_EPOCH;
        let (span, far) = (Duration::new(1_700_000_000, 123_456_700), Duration::from_secs(1 << 40));
        for time in [epoch, epoch + span, epoch - span] {
            assert_eq!(Version::new(1).created(time).created_at(), Some(time));
        }
        for (time, years) in [(epoch + far, 292), (epoch - far, -292)] {
            let nanos = Version::new(1).created(time).created.0;
            assert_eq!(nanos / 1_000_000_000 / 31_556_952, years);
        }
        assert_eq!(Version::new(1).created_at(), None);
    }
}
