//! Whether the values are others than those that the program has.

use std::time::Duration;

use km_proxy_adapter::{ErrorKind, KeyManager, Secret};
use km_settings::is_reserved;
use tokio::time::{sleep, timeout};
use tracing::warn;

use super::LOG;
use super::notifier::News;
use crate::cli::Exec;
use crate::commands::exec::arg_max::check_total;
use crate::commands::exec::values::{Values, resolve, warn_of_suspicious};
use crate::error::Failure;

/// From the first name that has changed to the look at all of them: what rotates several writes them
/// one after the other.
const SETTLED_AFTER: Duration = Duration::from_millis(300);

/// How often values are looked at that can't be had just now: as long as the cache leaves a name in
/// peace that it has no value of.
const LOOKS_EVERY: Duration = Duration::from_secs(5);

/// The values that the program has, and news of others.
pub(super) struct Changes<'a> {
    keys: &'a KeyManager,
    args: &'a Exec,
    names: Vec<String>,
    news: News,
    /// Ref by the cache, not copied.
    values: Values,
    trouble: Option<Trouble>,
}

/// Why the program can't be given what there is.
struct Trouble {
    /// As it was told.
    why: String,
    /// Whether no news will come of its end.
    is_silent: bool,
}

impl<'a> Changes<'a> {
    /// Reads the first values.
    pub(super) async fn begin(
        keys: &'a KeyManager,
        names: Vec<String>,
        args: &'a Exec,
    ) -> Result<Self, Failure> {
        // Taken before the first value is read: what changes after that is news.
        let handles: Result<Vec<_>, _> = names.iter().map(|name| keys.handle(name)).collect();
        let handles = handles?;
        let values = crate::commands::exec::read_names(keys, &names, args).await?;
        let news = News::of(handles);
        Ok(Self { keys, args, names, news, values, trouble: None })
    }

    /// The values that the program should have.
    pub(super) fn values(&self) -> &Values {
        &self.values
    }

    /// Waits until they are others: the names of those. While they can't be had the program should keep
    /// what it has.
    pub(super) async fn next(&mut self) -> Vec<String> {
        loop {
            self.wait().await;
            match self.look().await {
                Ok(changed) => {
                    self.trouble = None;
                    if !changed.is_empty() {
                        return changed;
                    }
                }
                Err(failure) => self.note(&failure),
            }
        }
    }

    async fn wait(&self) {
        let news = self.news.next();
        if self.trouble.as_ref().is_some_and(|trouble| trouble.is_silent) {
            // Either way there may be something to see.
            let _ = timeout(LOOKS_EVERY, news).await;
        } else {
            news.await;
        }
    }

    /// Looks at memory, and where that has something else asks Vault for all names: others may have
    /// been changed with this one, and would be heard of up to an interval later.
    async fn look(&mut self) -> Result<Vec<String>, Failure> {
        if differing(&self.values, &self.read().await?, Secret::expose).is_empty() {
            return Ok(Vec::new());
        }
        sleep(SETTLED_AFTER).await;
        for name in &self.names {
            self.keys.invalidate(name)?;
        }
        let values = self.read().await?;
        let changed = differing(&self.values, &values, Secret::expose);
        warn_of_suspicious(values.iter().filter(|(name, _)| changed.contains(name)));
        self.values = values;
        Ok(changed)
    }

    /// What the program has it goes on having: only what it was started without may be missing.
    async fn read(&self) -> Result<Values, Failure> {
        let is_had = |name: &str| self.values.iter().any(|(had, _)| had == name);
        let may_be_missing =
            |name: &str| (self.args.allow_missing || is_reserved(name)) && !is_had(name);
        let values = resolve(self.keys, &self.names, self.args, may_be_missing).await?;
        check_total(self.args, &values)?;
        Ok(values)
    }

    /// Tells of it once, however often it is met.
    fn note(&mut self, failure: &Failure) {
        let why = failure.lines().map(|(why, _)| why).collect::<Vec<_>>().join("; ");
        if self.trouble.as_ref().is_none_or(|trouble| trouble.why != why) {
            warn!(target: LOG, why, "a value can't be had: the program goes on with what it has");
        }
        self.trouble = Some(Trouble { why, is_silent: is_silent(failure.kind()) });
    }
}

/// The names whose values are others, or new. A new version of the same bytes is none.
fn differing<V>(
    old: &[(String, V)],
    new: &[(String, V)],
    text: impl Fn(&V) -> &str,
) -> Vec<String> {
    let had = |name: &str| old.iter().find(|(had, _)| had == name).map(|(_, value)| text(value));
    let others = new.iter().filter(|(name, value)| had(name) != Some(text(value)));
    others.map(|(name, _)| name.clone()).collect()
}

/// Whether the end of such a failure is no news of a name. A definite no is one, and so is what follows
/// on it; a server that can't be asked may come back with the values of before.
fn is_silent(kind: ErrorKind) -> bool {
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
    fn other_values_and_new_ones_differ() {
        let check = |old: &[(&str, &str)], new: &[(&str, &str)], expected: &[&str]| {
            let own = |pairs: &[(&str, &str)]| -> Vec<_> {
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect()
            };
            assert_eq!(
                differing(&own(old), &own(new), String::as_str),
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
