//! Resolves all bindings together, or none of them.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use km_proxy_adapter::{Error, ErrorKind, KeyManager, ReadOptions, Reason, Secret, ValueWarning};
use tracing::warn;

use super::binding::{Binding, OnMissing};
use crate::error::Failure;
use crate::io::progress;

/// The number of concurrent reads, which is that of concurrent requests to Vault.
const MAX_CONCURRENT_READS: usize = 64;

/// The targets of bindings with their values, in the order of the bindings.
pub(crate) type Values = Vec<(String, Secret)>;

/// The results of the reads, in the order of the bindings.
type Results<'b> = Vec<(&'b Binding, Result<Secret, Error>)>;

/// Resolves the bindings for the first time, and logs which are omitted and which values are
/// suspicious.
///
/// # Errors
///
/// As [`resolve`].
pub(crate) async fn resolve_initial(
    keys: &KeyManager,
    bindings: &[Binding],
) -> Result<Values, Failure> {
    let values = resolve(keys, bindings, may_be_omitted).await?;
    warn_of_suspicious(&values);
    Ok(values)
}

/// Returns whether a binding without a value is omitted, and logs that.
fn may_be_omitted(binding: &Binding) -> bool {
    let name = binding.name.as_str();
    match binding.on_missing {
        OnMissing::Fail => return false,
        OnMissing::Warn => warn!(name, "not found in Vault or the environment"),
        OnMissing::SkipReserved => {
            warn!(name, "skipped: settings and credentials are not read from the environment");
        }
        OnMissing::Omit => {}
    }
    true
}

/// Resolves the bindings. Two bindings of one secret have values of the same version.
///
/// A binding without a value is omitted if `may_be_missing` returns true, which is called for no
/// other bindings.
///
/// # Errors
///
/// The first failure that is not a missing name, because the same failure would follow for many
/// names; otherwise all missing names.
pub(super) async fn resolve(
    keys: &KeyManager,
    bindings: &[Binding],
    may_be_missing: impl Fn(&Binding) -> bool,
) -> Result<Values, Failure> {
    let mut results = read(keys, bindings).await;
    if mixed_versions(&results).is_some() {
        // The secret was written between the reads. The cache has the later version now.
        results = read(keys, bindings).await;
    }
    if let Some(name) = mixed_versions(&results) {
        let what = format!("read {name}: it was written while its fields were read");
        return Err(Failure::new(ErrorKind::Unavailable, what, "run the command again"));
    }
    results.retain(|(binding, result)| {
        let missing = result.as_ref().is_err_and(is_missing);
        !(missing && may_be_missing(binding))
    });
    all_or_failure(results)
}

/// Logs a warning for each value that is probably not what a provider expects, such as one with
/// surrounding white space. The value is passed on unchanged.
pub(super) fn warn_of_suspicious<'a>(values: impl IntoIterator<Item = &'a (String, Secret)>) {
    for (name, value) in values {
        for warning in ValueWarning::detect(value.expose()) {
            warn!(name, "the value {warning}: check what is stored");
        }
    }
}

/// Reads all bindings concurrently.
async fn read<'b>(keys: &KeyManager, bindings: &'b [Binding]) -> Results<'b> {
    let reads = bindings.iter().map(|binding| async move {
        let options = ReadOptions { field: binding.field.clone(), version: None };
        (binding, keys.secret_with(&binding.name, &options).await)
    });
    progress::during("reading secrets", bindings.len(), async |progress| {
        let reads = stream::iter(reads).buffered(MAX_CONCURRENT_READS);
        reads.inspect(|_| progress.advance()).collect().await
    })
    .await
}

/// Returns the name of a secret of which two versions were read.
fn mixed_versions<'b>(results: &Results<'b>) -> Option<&'b str> {
    let versions = results.iter().filter_map(|(binding, result)| {
        Some((binding.name.as_str(), result.as_ref().ok()?.version()?))
    });
    with_two_versions(versions)
}

fn with_two_versions<'b>(versions: impl Iterator<Item = (&'b str, u64)>) -> Option<&'b str> {
    let mut first = BTreeMap::new();
    let mut versions = versions;
    let mixed = versions.find(|(name, version)| first.entry(*name).or_insert(*version) != version);
    mixed.map(|(name, _)| name)
}

fn all_or_failure(results: Results<'_>) -> Result<Values, Failure> {
    let (mut values, mut missing, mut failed) = (Vec::new(), None::<Failure>, None);
    for (binding, result) in results {
        match result {
            Ok(value) => values.push((binding.target.clone(), value)),
            Err(error) if is_missing(&error) => {
                let next = Failure::from(error);
                missing = Some(match missing {
                    Some(others) => others.and(next),
                    None => next,
                });
            }
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    match (failed, missing) {
        (Some(error), _) => Err(error.into()),
        (None, Some(missing)) => Err(missing),
        (None, None) => Ok(values),
    }
}

fn is_missing(error: &Error) -> bool {
    error.kind() == ErrorKind::NotFound && error.reason() != Reason::MountMissing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_versions_of_one_secret_are_detected() {
        let check = |versions: &[(&str, u64)], expected: Option<&str>| {
            assert_eq!(with_two_versions(versions.iter().copied()), expected, "{versions:?}");
        };
        check(&[], None);
        check(&[("A", 1), ("B", 2), ("A", 1)], None);
        check(&[("A", 1), ("B", 2), ("B", 3), ("A", 1)], Some("B"));
        check(&[("A", 2), ("A", 1), ("A", 2)], Some("A"));
    }
}
