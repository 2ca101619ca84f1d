//! Detects when the values in Vault differ from those in use.

use std::collections::BTreeSet;
use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager, Secret};
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::binding::{Binding, OnMissing};
use super::notifier::ChangeNotifier;
use super::resolve::{Values, resolve, resolve_initial, warn_of_suspicious};
use crate::error::Failure;
use crate::io::log::WATCH;

/// The delay between the first change and the read of all names. A rotation of several secrets
/// writes them one after another.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// The interval at which values are read again after a failure whose end is not notified. It is the
/// time for which the cache remembers that a name could not be loaded.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// How long [`ValueWatcher::reload`] waits for Vault, as a reader waits for a late refresh.
const RELOAD_LIMIT: Duration = Duration::from_secs(1);

/// The verification of new values before they replace those in use.
type Check<'a> = Box<dyn Fn(&Values) -> Result<(), Failure> + 'a>;

/// The values in use, and a notifier of changes to them.
pub(crate) struct ValueWatcher<'a> {
    keys: &'a KeyManager,
    bindings: Vec<Binding>,
    check: Check<'a>,
    notifier: ChangeNotifier,
    /// Shared with the cache, not copied, except for values of other fields.
    values: Values,
    /// Whether a change was notified, but the values were not compared yet.
    is_notified: bool,
    last_failure: Option<LastFailure>,
}

/// Why the current values could not be read or cannot be used.
struct LastFailure {
    /// The message, which is logged once.
    message: String,
    /// Whether the notifier does not report the end of the failure.
    needs_polling: bool,
}

impl<'a> ValueWatcher<'a> {
    /// Reads the first values. `check` verifies later ones; the caller verifies the first.
    ///
    /// # Errors
    ///
    /// As [`resolve_initial`].
    pub(crate) async fn new(
        keys: &'a KeyManager,
        bindings: Vec<Binding>,
        check: impl Fn(&Values) -> Result<(), Failure> + 'a,
    ) -> Result<Self, Failure> {
        // The handles are created before the first read, so that no later change is missed.
        let names = distinct_names(&bindings);
        let handles: Result<Vec<_>, _> = names.iter().map(|name| keys.handle(name)).collect();
        let handles = handles?;
        let values = resolve_initial(keys, &bindings).await?;
        let notifier = ChangeNotifier::new(handles);
        let (check, is_notified, last_failure) = (Box::new(check), false, None);
        Ok(Self { keys, bindings, check, notifier, values, is_notified, last_failure })
    }

    /// Returns the values in use: the first ones, or those of the last reported change.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// Waits until values have changed, and returns their targets. A failure is logged, and the
    /// values in use are kept. Cancel-safe.
    pub(crate) async fn changed(&mut self) -> Vec<String> {
        loop {
            if !self.is_notified {
                self.wait().await;
                self.is_notified = true;
            }
            let outcome = self.update().await;
            self.is_notified = false;
            let changed = self.changed_or_record(outcome);
            if !changed.is_empty() {
                return changed;
            }
        }
    }

    /// Reads all values from Vault again, and returns the targets of those that have changed. A
    /// failure is logged, and the values in use are kept.
    ///
    /// Called by a caller that uses the values some time after they were read, so that it does not
    /// have to replace them at once. Waits at most a second.
    pub(crate) async fn reload(&mut self) -> Vec<String> {
        let outcome = timeout(RELOAD_LIMIT, self.load()).await;
        self.changed_or_record(outcome.unwrap_or_else(|_| {
            let what = format!("read the values again: timed out after {RELOAD_LIMIT:?}");
            Err(Failure::new(ErrorKind::Unavailable, what, "check the health of the server"))
        }))
    }

    async fn wait(&self) {
        let changed = self.notifier.changed();
        if self.last_failure.as_ref().is_some_and(|failure| failure.needs_polling) {
            // The values are read again in either case.
            let _ = timeout(RETRY_INTERVAL, changed).await;
        } else {
            changed.await;
        }
    }

    /// Compares the values in the cache with those in use and, if one differs, loads all names from
    /// Vault. Others may have changed together with it, and would otherwise be noticed up to a
    /// refresh interval later.
    async fn update(&mut self) -> Result<Vec<String>, Failure> {
        if changed_targets(&self.values, &self.read().await?, Secret::expose).is_empty() {
            return Ok(Vec::new());
        }
        sleep(DEBOUNCE).await;
        self.load().await
    }

    /// Loads all names from Vault, and returns the targets whose values have changed.
    async fn load(&mut self) -> Result<Vec<String>, Failure> {
        for name in distinct_names(&self.bindings) {
            self.keys.invalidate(name)?;
        }
        let values = self.read().await?;
        let changed = changed_targets(&self.values, &values, Secret::expose);
        warn_of_suspicious(values.iter().filter(|(target, _)| changed.contains(target)));
        self.values = values;
        Ok(changed)
    }

    /// Reads all names. A value in use must not be missing.
    async fn read(&self) -> Result<Values, Failure> {
        let is_in_use = |target: &str| self.values.iter().any(|(used, _)| used == target);
        let values = resolve(self.keys, &self.bindings, |binding| {
            binding.on_missing != OnMissing::Fail && !is_in_use(&binding.target)
        });
        let values = values.await?;
        (self.check)(&values)?;
        Ok(values)
    }

    fn changed_or_record(&mut self, outcome: Result<Vec<String>, Failure>) -> Vec<String> {
        match outcome {
            Ok(changed) => {
                self.last_failure = None;
                changed
            }
            Err(failure) => {
                self.record(&failure);
                Vec::new()
            }
        }
    }

    /// Records a failure, and logs it unless it is the same as the last one.
    fn record(&mut self, failure: &Failure) {
        let message = failure.problems().map(|(message, _)| message).collect::<Vec<_>>().join("; ");
        if self.last_failure.as_ref().is_none_or(|last| last.message != message) {
            warn!(
                target: WATCH,
                error = message,
                "cannot update the values: the current ones remain in use"
            );
        }
        let needs_polling = needs_polling(failure.kind());
        self.last_failure = Some(LastFailure { message, needs_polling });
    }
}

/// Returns the names of the secrets, each once.
fn distinct_names(bindings: &[Binding]) -> BTreeSet<&str> {
    bindings.iter().map(|binding| binding.name.as_str()).collect()
}

/// Returns the targets whose values are new or differ. A new version with the same bytes does not
/// count.
fn changed_targets<V>(
    old: &[(String, V)],
    new: &[(String, V)],
    text: impl Fn(&V) -> &str,
) -> Vec<String> {
    let old_value =
        |target: &str| old.iter().find(|(old, _)| old == target).map(|(_, value)| text(value));
    let changed = new.iter().filter(|(target, value)| old_value(target) != Some(text(value)));
    changed.map(|(target, _)| target.clone()).collect()
}

/// Returns whether the end of such a failure is not notified.
///
/// A definite error is a state of the name, so that its end is a change. A server that was
/// unreachable may come back with the same values as before.
fn needs_polling(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::NotFound
        | ErrorKind::Denied
        | ErrorKind::StoredValue
        | ErrorKind::Usage
        | ErrorKind::Settings => false,
        ErrorKind::Auth | ErrorKind::Unavailable | ErrorKind::Conflict | ErrorKind::Internal => {
            true
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::sync::{Arc, Mutex};

    use km_proxy_adapter::VaultValidator;
    use km_settings::{Env, Settings, Sources};

    use super::*;

    /// An environment whose variable `ONE`, which is not read from Vault, can change.
    #[derive(Clone)]
    struct Variables(Arc<Mutex<&'static str>>);

    impl Env for Variables {
        fn var(&self, name: &str) -> Option<OsString> {
            let value = match name {
                "HCP_VAULT_ADDR" => "http://127.0.0.1:8200",
                "HCP_VAULT_TOKEN" => "token",
                "KM_HOSTED_KEYS" => "OTHER",
                "ONE" => *self.0.lock().unwrap(),
                _ => return None,
            };
            Some(value.into())
        }
    }

    /// A caller may wait for a signal as well, and so cancel the call before its update has ended.
    #[tokio::test(start_paused = true)]
    async fn change_during_a_cancelled_call_is_reported_by_the_next_one() {
        let variables = Variables(Arc::new(Mutex::new("first")));
        let sources = Sources { env: &variables, yaml: None, validator: &VaultValidator };
        let settings = Settings::from_sources(&sources).unwrap();
        let keys = KeyManager::connect_once(settings, variables.clone()).unwrap();
        let bindings = vec![Binding::of_name("ONE", false)];
        let mut watcher = ValueWatcher::new(&keys, bindings, |_| Ok(())).await.unwrap();
        *variables.0.lock().unwrap() = "second";
        watcher.notifier.notify();
        let cancelled = timeout(DEBOUNCE / 2, watcher.changed()).await;
        assert!(cancelled.is_err(), "{cancelled:?}");
        let reported = timeout(Duration::from_secs(60), watcher.changed()).await;
        assert_eq!(reported.unwrap(), ["ONE"]);
        assert_eq!(watcher.values()[0].1.expose(), "second");
    }

    #[test]
    fn changed_and_new_values_are_reported_by_target() {
        let check = |old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]| {
            let owned = |pairs: &[(&str, &str)]| -> Vec<_> {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect()
            };
            assert_eq!(
                changed_targets(&owned(old), &owned(new), String::as_str),
                expected,
                "{old:?} {new:?}"
            );
        };
        check(&[], &[], &[]);
        check(&[("A", "1"), ("B", "2")], &[("A", "1"), ("B", "2")], &[]);
        check(&[("A", "1"), ("B", "2")], &[("A", "1"), ("B", "3")], &["B"]);
        check(&[("A", "1"), ("B", "2")], &[("A", "2"), ("B", "1")], &["A", "B"]);
        check(&[("B", "2")], &[("A", "2"), ("B", "2")], &["A"]);
        check(&[("A", "1")], &[("A", "1 ")], &["A"]);
        check(&[("A", "")], &[("A", "0")], &["A"]);
    }
}
