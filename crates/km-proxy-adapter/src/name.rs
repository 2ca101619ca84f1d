//! A name as a gateway's configuration writes it, and as the cache knows it.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use vault_http::PathError;
use vault_kv::SecretPath;

use crate::error::{Error, ErrorKind};

/// The beginning of a reference to a name.
pub(crate) const REFERENCE_PREFIX: &str = "os.environ/";

/// Names that the gateway resolves itself, by asking an identity provider.
const OIDC: &str = "oidc/";

/// The name in `reference`: what is asked of Vault or of the environment.
///
/// # Errors
/// [`ErrorKind::Usage`] for a name that never goes to either.
pub fn parse(reference: &str) -> Result<&str, Error> {
    let name = bare(reference);
    if is_resolved_by_gateway(name) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("read {name:?}: `oidc/` names are no secrets"),
        )
        .with_hint("the gateway resolves them itself"));
    }
    Ok(name)
}

/// The same, whatever it is a name of.
#[inline]
pub(crate) fn bare(reference: &str) -> &str {
    reference.strip_prefix(REFERENCE_PREFIX).unwrap_or(reference)
}

/// Whether the gateway resolves this name itself, so that it is no secret of anybody's here.
pub fn is_resolved_by_gateway(name: &str) -> bool {
    name.starts_with(OIDC)
}

/// Whether `path` is `folder` or lies below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    below(path, folder).is_some()
}

/// What `path` is called below `folder`; empty for the folder itself.
fn below<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A secret of the global location: what it is called below the path prefix, and its path in the
/// mount. Each name has one path, so that the name alone tells one from another.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    name: Box<str>,
    path: Arc<SecretPath>,
}

impl Name {
    /// The secret of this name, which has this path.
    pub(crate) fn new(name: &str, path: SecretPath) -> Self {
        Self { name: name.into(), path: Arc::new(path) }
    }

    /// The secret at `path`, unless that is not below `prefix`.
    pub(crate) fn of(path: SecretPath, prefix: Option<&str>) -> Option<Self> {
        let decoded = path.decoded();
        let name = match prefix {
            Some(prefix) => below(&decoded, prefix)?,
            None => &decoded,
        };
        Some(Self::new(name, path))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> &SecretPath {
        &self.path
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Name {}

impl Hash for Name {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl Borrow<str> for Name {
    #[inline]
    fn borrow(&self) -> &str {
        &self.name
    }
}

/// The error of a name that can't stand in a path; `what` says what it is a name of.
pub(crate) fn unusable(what: &str, name: &str, why: PathError) -> Error {
    let shown: String = name.escape_debug().take(64).collect();
    Error::new(ErrorKind::Usage, format!("the {what} `{shown}` {why}"))
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
