//! The reported outcome of each write, compared with what is stored.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// The outcome of a write that the product reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Stored as this version.
    Stored(u64),
    /// Unknown.
    Ambiguous,
    /// Not stored.
    Refused,
}

/// A write, by its key and its unique value.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) outcome: Outcome,
}

/// All writes, in any order.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<Write>>);

impl History {
    pub(crate) fn add(&self, write: Write) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(write);
    }

    pub(crate) fn writes(&self) -> Vec<Write> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn acknowledged(&self) -> usize {
        let writes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writes.iter().filter(|write| matches!(write.outcome, Outcome::Stored(_))).count()
    }
}

/// Everything that is stored: the value by key and version.
pub(crate) type Stored = BTreeMap<(String, u64), String>;

/// The result of the comparison.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Writes that were reported as stored, and are stored as that version.
    pub(crate) kept: usize,
    /// Writes that were reported as stored, and are not stored as that version.
    pub(crate) lost: usize,
    /// Writes that are stored in more than one version.
    pub(crate) duplicated: usize,
    /// Writes that were reported as not stored, and are stored.
    pub(crate) denied: usize,
    /// Ambiguous writes that are stored.
    pub(crate) ambiguous_stored: usize,
    /// Ambiguous writes that are not stored.
    pub(crate) ambiguous_absent: usize,
    /// Stored values of no write.
    pub(crate) foreign: usize,
}

impl Verdict {
    pub(crate) fn is_clean(&self) -> bool {
        self.lost + self.duplicated + self.denied + self.foreign == 0
    }
}

pub(crate) fn compare(writes: &[Write], stored: &Stored) -> Verdict {
    let mut places: BTreeMap<(&str, &str), Vec<u64>> = BTreeMap::new();
    for ((key, version), value) in stored {
        places.entry((key, value)).or_default().push(*version);
    }
    let mut verdict = Verdict::default();
    for write in writes {
        let versions = places.remove(&(write.key.as_str(), write.value.as_str()));
        let versions = versions.unwrap_or_default();
        verdict.duplicated += usize::from(versions.len() > 1);
        *match (write.outcome, versions.is_empty()) {
            (Outcome::Stored(version), _) if versions.contains(&version) => &mut verdict.kept,
            (Outcome::Stored(_), _) => &mut verdict.lost,
            (Outcome::Refused, false) => &mut verdict.denied,
            (Outcome::Refused, true) => continue,
            (Outcome::Ambiguous, false) => &mut verdict.ambiguous_stored,
            (Outcome::Ambiguous, true) => &mut verdict.ambiguous_absent,
        } += 1;
    }
    verdict.foreign = places.len();
    verdict
}

#[test]
fn comparison_finds_every_wrong_outcome() {
    let check = |outcome, stored: &[(u64, &str)], expected: Verdict| {
        let write = Write { key: "k".to_owned(), value: "mine".to_owned(), outcome };
        let place = |(version, value): &(u64, &str)| (("k".to_owned(), *version), (*value).into());
        let stored: Stored = stored.iter().map(place).collect();
        assert_eq!(compare(&[write], &stored), expected, "{outcome:?} {stored:?}");
    };
    let clean = Verdict::default;
    check(Outcome::Stored(1), &[(1, "mine")], Verdict { kept: 1, ..clean() });
    check(Outcome::Stored(1), &[], Verdict { lost: 1, ..clean() });
    check(Outcome::Stored(2), &[(1, "mine")], Verdict { lost: 1, ..clean() });
    check(Outcome::Stored(1), &[(1, "other")], Verdict { lost: 1, foreign: 1, ..clean() });
    let twice = &[(1, "mine"), (2, "mine")];
    check(Outcome::Stored(1), twice, Verdict { kept: 1, duplicated: 1, ..clean() });
    check(Outcome::Ambiguous, twice, Verdict { ambiguous_stored: 1, duplicated: 1, ..clean() });
    check(Outcome::Ambiguous, &[(1, "mine")], Verdict { ambiguous_stored: 1, ..clean() });
    check(Outcome::Ambiguous, &[], Verdict { ambiguous_absent: 1, ..clean() });
    check(Outcome::Refused, &[(1, "mine")], Verdict { denied: 1, ..clean() });
    check(Outcome::Refused, &[], clean());
}
