//! A name as a gateway's configuration writes it.

use vault_http::PathError;

use crate::error::{Error, Kind};

/// What stands before a name that is to be resolved.
const REFERENCE: &str = "os.environ/";

/// Names that the gateway resolves itself, by asking an identity provider.
const OIDC: &str = "oidc/";

/// The name in `reference`: what is asked of Vault or of the environment.
///
/// # Errors
/// [`Kind::Usage`] for a name that never goes to either.
pub fn parse(reference: &str) -> Result<&str, Error> {
    let name = reference.strip_prefix(REFERENCE).unwrap_or(reference);
    if is_resolved_by_gateway(name) {
        return Err(Error::new(
            Kind::Usage,
            format!("read {name:?}: `oidc/` names are no secrets"),
        )
        .with_hint("the gateway resolves them itself"));
    }
    Ok(name)
}

/// Whether the gateway resolves this name itself, so that it is no secret of anybody's here.
pub fn is_resolved_by_gateway(name: &str) -> bool {
    name.starts_with(OIDC)
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    let rest = path.strip_prefix(folder);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The error of a name that can't stand in a path; `what` says what it is a name of.
pub(crate) fn unusable(what: &str, name: &str, why: PathError) -> Error {
    let shown: String = name.escape_debug().take(64).collect();
    Error::new(Kind::Usage, format!("the {what} `{shown}` {why}"))
        .with_hint("use plain segments with `/` between")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references() {
        let check = |input: &str, expected: Option<&str>| {
            assert_eq!(parse(input).ok(), expected, "{input}");
        };
        check("OPENAI_API_KEY", Some("OPENAI_API_KEY"));
        check("os.environ/OPENAI_API_KEY", Some("OPENAI_API_KEY"));
        check("os.environ/os.environ/A", Some("os.environ/A"));
        check("oidc/google/audience", None);
        check("os.environ/oidc/google", None);
        check("my/oidc/name", Some("my/oidc/name"));
    }
}
