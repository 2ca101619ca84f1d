//! Which of two values of one key is the newer one.

use std::time::{Duration, SystemTime};

/// The version of a value, as its source counts it.
///
/// A replica that lags may answer with an older value than one already seen. Versions keep such an
/// answer from undoing a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    number: u64,
    created: Created,
}

/// Nanoseconds from 1970, or [`Created::UNKNOWN`]: half of an `Option<SystemTime>`, which a cache
/// would hold for each entry.
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
    /// Version `number`, counted upwards by the source.
    ///
    /// Give the time of creation too ([`Version::created`]) if the source ever starts counting
    /// anew, or values after a new start count as older for as long as the old one is held.
    pub const fn new(number: u64) -> Self {
        Self { number, created: Created::UNKNOWN }
    }

    /// When the source created this version, by the source's clock. Times before 1678 and after
    /// 2262 are taken as these years.
    #[must_use]
    pub fn created(mut self, at: SystemTime) -> Self {
        self.created = Created::at(at);
        self
    }

    /// The number, zero for a source that counts no versions.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// When the source created this version, if it says so.
    pub fn created_at(self) -> Option<SystemTime> {
        self.created.time()
    }

    /// Whether the source counts versions or tells times: without either, any two may differ.
    pub(crate) fn is_known(self) -> bool {
        self != Self::default()
    }

    /// Whether a value of this version may take the place of one of version `held`.
    ///
    /// It may unless its number is lower. A lower number that was created later also may: the
    /// source started to count anew. Times decide nothing else, because clocks of a cluster differ.
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
    fn a_time_of_creation_comes_back_as_it_was() {
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
