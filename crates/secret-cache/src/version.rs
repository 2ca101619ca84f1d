//! Which of two values of one key is the newer one.

use std::time::SystemTime;

/// The version of a value, as its source counts it.
///
/// A replica that lags may answer with an older value than one already seen. Versions keep such an
/// answer from undoing a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Version {
    number: u64,
    created: Option<SystemTime>,
}

impl Version {
    /// Version `number`, counted upwards by the source.
    ///
    /// Give the time of creation too ([`Version::created`]) if the source ever starts counting
    /// anew, or values after a new start count as older for as long as the old one is held.
    pub const fn new(number: u64) -> Self {
        Self { number, created: None }
    }

    /// When the source created this version, by the source's clock.
    #[must_use]
    pub const fn created(mut self, at: SystemTime) -> Self {
        self.created = Some(at);
        self
    }

    /// The number, zero for a source that counts no versions.
    pub const fn number(self) -> u64 {
        self.number
    }

    /// When the source created this version, if it says so.
    pub const fn created_at(self) -> Option<SystemTime> {
        self.created
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
        let created_later = match (self.created, held.created) {
            (Some(new), Some(old)) => new > old,
            _ => false,
        };
        self.number >= held.number || created_later
    }
}
