//! Values of variables.

use std::ffi::OsString;
use std::time::Duration;

use super::error::EnvProblem;
use super::variable::{Variable, find};
use crate::path::ApiPath;

/// Returns the first of these variables that is set.
pub(super) fn first(
    lookup: &impl Fn(&str) -> Option<OsString>,
    names: &[&str],
) -> Option<Variable> {
    names.iter().find_map(|name| find(lookup, name))
}

/// Parses a variable. Returns `None` if it is not set, or if it has a problem.
pub(super) fn parsed<T>(
    lookup: &impl Fn(&str) -> Option<OsString>,
    name: &str,
    problems: &mut Vec<EnvProblem>,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<T> {
    let variable = find(lookup, name)?;
    let value =
        variable.text().and_then(|text| parse(text).map_err(|reason| variable.problem(reason)));
    value.map_err(|problem| problems.push(problem)).ok()
}

/// Parses a namespace, which may end in a slash. `root` and `/` are the root namespace.
pub(super) fn namespace(text: &str) -> Result<Option<ApiPath>, String> {
    match text.trim_matches('/') {
        "" | "root" => Ok(None),
        path => ApiPath::parse(path).map(Some).map_err(|error| error.reason()),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().map(Duration::from_secs);
    let duration = seconds.or_else(|_| humantime::parse_duration(text));
    let duration = duration.map_err(|_| "must be seconds, or a duration such as `30s`");
    Ok(duration?)
}

/// Rejects the request to verify no certificate.
pub(super) fn verified(text: &str) -> Result<(), String> {
    // The words that the programs accept.
    match text {
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(()),
        "1" | "t" | "T" | "true" | "TRUE" | "True" => {
            Err("certificates are always verified; set VAULT_CACERT instead".to_owned())
        }
        _ => Err("must be `true` or `false`".to_owned()),
    }
}
