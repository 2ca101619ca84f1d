//! Detects when the values differ from those that the program was started with.

use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager, Secret};
use km_settings::is_reserved;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::notifier::ChangeNotifier;
use super::resolve::{Values, resolve, resolve_initial, warn_of_suspicious};
use crate::cli::ExecArgs;
use crate::commands::exec::command::check_size;
use crate::error::Failure;
use crate::io::log::WATCH;

/// The delay between the first change and the read of all names. A rotation of several secrets
/// writes them one after another.
const DEBOUNCE: Duration = Duration::from_millis(300);

/// The interval at which values are read again after a failure whose end is not notified. It is the
/// time for which the cache remembers that a name could not be loaded.
const RETRY_INTERVAL: Duration = Duration::from_secs(5);

/// The values that the program has, and a notifier of changes to them.
pub(crate) struct ValueWatcher<'a> {
    keys: &'a KeyManager,
    args: &'a ExecArgs,
    names: Vec<String>,
    notifier: ChangeNotifier,
    /// Shared with the cache, not copied.
    values: Values,
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
    /// Reads the first values.
    pub(crate) async fn new(
        keys: &'a KeyManager,
        names: Vec<String>,
        args: &'a ExecArgs,
    ) -> Result<Self, Failure> {
        // The handles are created before the first read, so that no later change is missed.
        let handles: Result<Vec<_>, _> = names.iter().map(|name| keys.handle(name)).collect();
        let handles = handles?;
        let values = resolve_initial(keys, &names, &args.resolve).await?;
        let notifier = ChangeNotifier::new(handles);
        Ok(Self { keys, args, names, notifier, values, last_failure: None })
    }

    /// Returns the values to start the program with.
    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// Waits until values have changed, and returns their names. A failure is logged, and the
    /// program should keep the values that it has.
    pub(crate) async fn changed(&mut self) -> Vec<String> {
        loop {
            self.wait().await;
            match self.update().await {
                Ok(changed) => {
                    self.last_failure = None;
                    if !changed.is_empty() {
                        return changed;
                    }
                }
                Err(failure) => self.record(&failure),
            }
        }
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

    /// Compares the values in the cache with the current ones and, if one differs, loads all names
    /// from Vault. Others may have changed together with it, and would otherwise be noticed up to a
    /// refresh interval later.
    async fn update(&mut self) -> Result<Vec<String>, Failure> {
        if changed_names(&self.values, &self.read().await?, Secret::expose).is_empty() {
            return Ok(Vec::new());
        }
        sleep(DEBOUNCE).await;
        for name in &self.names {
            self.keys.invalidate(name)?;
        }
        let values = self.read().await?;
        let changed = changed_names(&self.values, &values, Secret::expose);
        warn_of_suspicious(values.iter().filter(|(name, _)| changed.contains(name)));
        self.values = values;
        Ok(changed)
    }

    /// Reads all names. A name that the program was started with must not be missing.
    async fn read(&self) -> Result<Values, Failure> {
        let is_in_use = |name: &str| self.values.iter().any(|(used, _)| used == name);
        let may_be_missing =
            |name: &str| (self.args.resolve.allow_missing || is_reserved(name)) && !is_in_use(name);
        let values = resolve(self.keys, &self.names, &self.args.resolve, may_be_missing).await?;
        check_size(self.args, &values)?;
        Ok(values)
    }

    /// Records a failure, and logs it unless it is the same as the last one.
    fn record(&mut self, failure: &Failure) {
        let message = failure.problems().map(|(message, _)| message).collect::<Vec<_>>().join("; ");
        if self.last_failure.as_ref().is_none_or(|last| last.message != message) {
            warn!(
                target: WATCH,
                error = message,
                "cannot update the values: the program keeps the current ones"
            );
        }
        let needs_polling = needs_polling(failure.kind());
        self.last_failure = Some(LastFailure { message, needs_polling });
    }
}

/// Returns the names whose values are new or differ. A new version with the same bytes does not
/// count.
fn changed_names<V>(
    old: &[(String, V)],
    new: &[(String, V)],
    text: impl Fn(&V) -> &str,
) -> Vec<String> {
    let old_value =
        |name: &str| old.iter().find(|(old, _)| old == name).map(|(_, value)| text(value));
    let changed = new.iter().filter(|(name, value)| old_value(name) != Some(text(value)));
    changed.map(|(name, _)| name.clone()).collect()
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
    use super::*;

    #[test]
    fn changed_and_new_values_are_reported_by_name() {
        let check = |old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]| {
            let owned = |pairs: &[(&str, &str)]| -> Vec<_> {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect()
            };
            assert_eq!(
                changed_names(&owned(old), &owned(new), String::as_str),
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
