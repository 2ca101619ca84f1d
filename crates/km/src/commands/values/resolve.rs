//! Resolves all names together, or none of them.

use futures_util::{StreamExt as _, stream};
use km_proxy_adapter::{Error, ErrorKind, KeyManager, Reason, Secret, ValueWarning};
use km_settings::is_reserved;
use tracing::warn;

use crate::cli::ResolveArgs;
use crate::commands::variables as environment;
use crate::error::Failure;
use crate::io::progress;

/// The number of concurrent reads, which is that of concurrent requests to Vault.
const MAX_CONCURRENT_READS: usize = 64;

/// The resolved names with their values, in the order of the names.
pub(crate) type Values = Vec<(String, Secret)>;

/// Resolves the names for the first start of the program, and logs the names that are skipped.
pub(crate) async fn resolve_initial(
    keys: &KeyManager,
    names: &[String],
    args: &ResolveArgs,
) -> Result<Values, Failure> {
    let may_be_missing = |name: &str| {
        if is_reserved(name) {
            warn!(name, "skipped: settings and credentials are not read from the environment");
        } else if args.allow_missing {
            warn!(name, "not found in Vault or the environment");
        }
        args.allow_missing || is_reserved(name)
    };
    let values = resolve(keys, names, args, may_be_missing).await?;
    warn_of_suspicious(&values);
    Ok(values)
}

/// Resolves the names, and verifies that an environment can hold their values.
///
/// A missing name is omitted if `may_be_missing` returns true, which is called for missing names
/// only.
///
/// # Errors
///
/// The first failure that is not a missing name, because the same failure would follow for many
/// names; otherwise all missing names.
pub(crate) async fn resolve(
    keys: &KeyManager,
    names: &[String],
    args: &ResolveArgs,
    may_be_missing: impl Fn(&str) -> bool,
) -> Result<Values, Failure> {
    let mut results = read(keys, names).await;
    results.retain(|(name, result)| {
        let missing = result.as_ref().is_err_and(is_missing);
        !(missing && may_be_missing(name))
    });
    let values = all_or_failure(results)?;
    for (name, value) in &values {
        environment::check(name, value, &args.danger_env)?;
    }
    Ok(values)
}

/// Logs a warning for each value that is probably not what a provider expects, such as one with
/// surrounding white space. The value is passed on unchanged.
pub(crate) fn warn_of_suspicious<'a>(values: impl IntoIterator<Item = &'a (String, Secret)>) {
    for (name, value) in values {
        for warning in ValueWarning::detect(value.expose()) {
            warn!(name, "the value {warning}: check what is stored");
        }
    }
}

/// Reads all names concurrently. The results are in the order of the names.
async fn read(keys: &KeyManager, names: &[String]) -> Vec<(String, Result<Secret, Error>)> {
    let reads = names.iter().cloned().map(|name| async move {
        let result = keys.secret(&name).await;
        (name, result)
    });
    progress::during("reading secrets", names.len(), async |progress| {
        let reads = stream::iter(reads).buffered(MAX_CONCURRENT_READS);
        reads.inspect(|_| progress.advance()).collect().await
    })
    .await
}

fn all_or_failure(results: Vec<(String, Result<Secret, Error>)>) -> Result<Values, Failure> {
    let (mut values, mut missing, mut failed) = (Vec::new(), None::<Failure>, None);
    for (name, result) in results {
        match result {
            Ok(value) => values.push((name, value)),
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
