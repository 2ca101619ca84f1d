//! What a rotation has to do next, from the record and the versions of its secret. Pure.
//!
//! Only the data decides whether a new key was stored. The record is written once, before a key is
//! minted, and names the version whose key is to be revoked. Therefore an interruption between the
//! write of the key and that of its record is not possible (`docs/adr/0049-rotation.md`).

use secrecy::SecretString;

use super::key::StoredKey;
use super::record::RotationRecord;
use crate::error::Error;

/// What a rotation has to do, as Vault shows it.
#[derive(Debug)]
pub enum RotationPlan {
    /// Mint a key and store it.
    Mint {
        /// A rotation that stored no key. It may have minted one, or may still be running.
        abandoned: Option<RotationRecord>,
    },
    /// A newer key is stored: confirm it everywhere, and then revoke the old one.
    Complete {
        /// The rotation that was interrupted, or that another writer overtook.
        record: RotationRecord,
        /// The key to revoke. An error if its version can no longer be read.
        old_key: Result<SecretString, Error>,
    },
}

/// Returns whether a version newer than that of the record is current, so that the key of the
/// record's version has to be read and compared.
pub(super) fn is_outdated(record: &RotationRecord, current: &StoredKey) -> bool {
    record.old_version < current.version
}

/// Returns what is to be done next. `old_key` is the key of the record's version, if that
/// [is outdated](is_outdated).
pub(super) fn next_step(
    record: Option<RotationRecord>,
    old_key: Option<Result<SecretString, Error>>,
    current: &StoredKey,
) -> RotationPlan {
    match (record, old_key) {
        (Some(record), Some(old_key)) if is_outdated(&record, current) => match old_key {
            // Only another field was changed, or the old key was restored: it must not be revoked.
            Ok(key) if current.is(&key) => RotationPlan::Mint { abandoned: Some(record) },
            old_key => RotationPlan::Complete { record, old_key },
        },
        (abandoned, _) => RotationPlan::Mint { abandoned },
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::error::ErrorKind;

    fn record(old_version: u64) -> RotationRecord {
        RotationRecord { id: "id".to_owned(), old_version }
    }

    fn unreadable() -> Result<SecretString, Error> {
        Err(Error::new(ErrorKind::NotFound, "destroyed"))
    }

    #[test]
    fn key_is_minted_unless_another_one_replaced_that_of_the_record() {
        let same = || Some(Ok(SecretString::from("current")));
        let other = || Some(Ok(SecretString::from("old")));
        // (version of the record, its key, current version, whether a key is minted)
        for (old_version, old_key, version, mints) in [
            (None, None, 4, true),
            // Interrupted before the write.
            (Some(4), None, 4, true),
            // Interrupted after it, or another writer was faster.
            (Some(4), other(), 5, false),
            (Some(4), other(), 9, false),
            (Some(4), Some(unreadable()), 5, false),
            // Another field was changed, or the old key was restored.
            (Some(4), same(), 5, true),
            // The record is about a version that does not exist.
            (Some(4), other(), 1, true),
        ] {
            let current = StoredKey { version, value: "current".into() };
            let plan = next_step(old_version.map(record), old_key, &current);
            let (actual, found) = match plan {
                RotationPlan::Mint { abandoned } => (true, abandoned),
                RotationPlan::Complete { record, .. } => (false, Some(record)),
            };
            assert_eq!(actual, mints, "{old_version:?} {version}");
            assert_eq!(found, old_version.map(record), "{old_version:?} {version}");
        }
    }

    /// A secret, its record, and the keys that the provider accepts.
    #[derive(Debug, Default)]
    struct World {
        versions: Vec<String>,
        record: Option<RotationRecord>,
        valid: Vec<String>,
        minted: usize,
    }

    /// More changes than a run makes.
    const MAX_CHANGES: usize = 8;

    impl World {
        fn new() -> Self {
            let mut world = Self::default();
            let first = world.mint();
            world.versions.push(first);
            world
        }

        fn current(&self) -> StoredKey {
            let value = self.versions.last().cloned().unwrap_or_default().into();
            StoredKey { version: self.versions.len() as u64, value }
        }

        fn key(&self, version: u64) -> Option<&String> {
            self.versions.get(usize::try_from(version).ok()?.checked_sub(1)?)
        }

        fn current_is_valid(&self) -> bool {
            self.versions.last().is_some_and(|key| self.valid.contains(key))
        }

        fn mint(&mut self) -> String {
            self.minted += 1;
            let key = format!("key-{}", self.minted);
            self.valid.push(key.clone());
            key
        }

        /// Runs a rotation that is killed after this many changes. If `overtaken`, another writer
        /// stores a key while this one is minted.
        fn run(&mut self, changes: usize, overtaken: bool) {
            // The end of a run that is killed.
            let _: Option<()> = self.run_until_killed(changes, overtaken);
        }

        fn run_until_killed(&mut self, mut changes: usize, overtaken: bool) -> Option<()> {
            let mut change = || {
                changes = changes.checked_sub(1)?;
                Some(())
            };
            let current = self.current();
            let record = self.record.clone();
            let old_key = record.as_ref().filter(|record| is_outdated(record, &current));
            let old_key = old_key.and_then(|record| self.key(record.old_version).cloned());
            let plan = next_step(record, old_key.map(|key| Ok(key.into())), &current);
            let old_key = match plan {
                RotationPlan::Mint { .. } => {
                    change()?;
                    self.record = Some(super::tests::record(current.version));
                    change()?;
                    let new = self.mint();
                    if overtaken {
                        let other = self.mint();
                        self.versions.push(other);
                    }
                    change()?;
                    if self.current().version != current.version {
                        // The loser revokes what it minted.
                        self.valid.retain(|valid| *valid != new);
                        return None;
                    }
                    self.versions.push(new);
                    current.value
                }
                RotationPlan::Complete { old_key, .. } => old_key.ok()?,
            };
            change()?;
            if self.current().is(&old_key) {
                return None;
            }
            self.valid.retain(|valid| valid != old_key.expose_secret());
            change()?;
            self.record = None;
            Some(())
        }
    }

    proptest! {
        /// Kills, writers that overtake, and old keys that are restored, in any order.
        #[test]
        fn current_key_stays_valid_and_two_runs_end_every_interrupted_rotation(
            events in prop::collection::vec((0..MAX_CHANGES, any::<bool>(), any::<bool>()), 0..12),
        ) {
            let mut world = World::new();
            for (changes, overtaken, restored) in events {
                world.run(changes, overtaken);
                let previous = world.versions.iter().rev().nth(1).cloned();
                if let Some(key) = previous.filter(|key| restored && world.valid.contains(key)) {
                    world.versions.push(key);
                }
                prop_assert!(world.current_is_valid(), "{world:?}");
            }
            // The first run completes what was interrupted, and the second one rotates.
            world.run(MAX_CHANGES, false);
            world.run(MAX_CHANGES, false);
            prop_assert_eq!(&world.record, &None);
            prop_assert!(world.current_is_valid(), "{world:?}");
        }
    }
}
