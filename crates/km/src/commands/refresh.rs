//! `km refresh`: makes a running sidecar read secrets from Vault again.

use km_proxy_adapter::ErrorKind;

use crate::cli::RefreshArgs;
use crate::error::Failure;
use crate::io::output;
use crate::sidecar::Sidecar;
use crate::sidecar::refresh::{PATH, RefreshRequest, RefreshResponse, RefreshedName};

/// Prints a line for each name that was refreshed. Fails with the errors of all others, and the kind
/// of the first one.
pub(crate) async fn run(args: RefreshArgs, json: bool) -> Result<(), Failure> {
    let sidecar = Sidecar::find(args.sidecar.server.as_deref()).await?;
    let names = (!args.names.is_empty()).then_some(args.names);
    let response: RefreshResponse = sidecar.post(PATH, &RefreshRequest { names }).await?;
    if json {
        output::json(&response)?;
    } else {
        output::lines(response.names.iter().filter(|name| name.error.is_none()).map(line))?;
    }
    let errors = response.names.into_iter().filter_map(|name| name.error);
    let failures = errors.map(|error| error.into_failure().unwrap_or_else(unknown_kind));
    failures.reduce(Failure::and).map_or(Ok(()), Err)
}

fn line(refreshed: &RefreshedName) -> String {
    let RefreshedName { name, version_before, version_after, .. } = refreshed;
    match (version_before, version_after) {
        (Some(before), Some(after)) if before == after => {
            format!("{name} version {after}, unchanged")
        }
        (Some(before), Some(after)) => format!("{name} version {before} → {after}"),
        (None, Some(after)) => format!("{name} version {after}"),
        (Some(before), None) => format!("{name} version {before} → none in Vault"),
        (None, None) => format!("{name} not in Vault"),
    }
}

fn unknown_kind() -> Failure {
    let what = "refresh: the response has an error of an unknown kind";
    Failure::new(ErrorKind::Unavailable, what, "use the same version of km for both")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_shows_both_versions() {
        for (version_before, version_after, expected) in [
            (Some(3), Some(4), "NAME version 3 → 4"),
            (Some(3), Some(3), "NAME version 3, unchanged"),
            (None, Some(4), "NAME version 4"),
            (Some(3), None, "NAME version 3 → none in Vault"),
            (None, None, "NAME not in Vault"),
        ] {
            let name = "NAME".to_owned();
            let refreshed = RefreshedName { name, version_before, version_after, error: None };
            assert_eq!(line(&refreshed), expected);
        }
    }
}
