//! The values of the names: asked for together, and had together or not at all.

use futures_util::{StreamExt as _, stream};
use km_proxy_adapter::{Error, ErrorKind, KeyManager, Reason, Secret, ValueWarning};
use tracing::warn;

use super::environment;
use crate::cli::Exec;
use crate::error::Failure;

/// Names that are asked for at once: as many requests as are sent to Vault at once.
const AT_ONCE: usize = 64;

/// Each name that has a value, in the order of the names.
pub(super) type Values = Vec<(String, Secret)>;

/// The value of each name, each fit for an environment. A name that nobody has is left out if
/// `may_be_missing`, which is asked of no other.
pub(super) async fn resolve(
    keys: &KeyManager,
    names: &[String],
    args: &Exec,
    may_be_missing: impl Fn(&str) -> bool,
) -> Result<Values, Failure> {
    let mut answers = ask(keys, names).await;
    answers.retain(|(name, answer)| {
        let missing = answer.as_ref().is_err_and(is_missing);
        !(missing && may_be_missing(name))
    });
    let values = all(answers)?;
    for (name, value) in &values {
        environment::check(name, value, &args.danger_env)?;
    }
    Ok(values)
}

/// Warns of values that are likely not what a provider expects. They are passed on unchanged.
pub(super) fn warn_of_suspicious<'a>(values: impl IntoIterator<Item = &'a (String, Secret)>) {
    for (name, value) in values {
        for warning in ValueWarning::of(value.expose()) {
            warn!(name, "the value {warning}: check what is stored");
        }
    }
}

/// Asks for all names, and waits for all answers; they come in the order of the names.
async fn ask(keys: &KeyManager, names: &[String]) -> Vec<(String, Result<Secret, Error>)> {
    let reads = names.iter().cloned().map(|name| async move {
        let answer = keys.secret(&name).await;
        (name, answer)
    });
    stream::iter(reads).buffered(AT_ONCE).collect().await
}

/// All values, or why there is none: every name that is missing, or the first other failure, since
/// the same one would follow for many names.
fn all(answers: Vec<(String, Result<Secret, Error>)>) -> Result<Values, Failure> {
    let (mut values, mut missing, mut failed) = (Vec::new(), None::<Failure>, None);
    for (name, answer) in answers {
        match answer {
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
    error.kind() == ErrorKind::NotFound && error.reason() != Reason::Misplaced
}
