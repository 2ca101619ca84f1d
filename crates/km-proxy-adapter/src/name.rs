//! Names of secrets: as a gateway's configuration references them, and as keys of the cache.

use std::borrow::Borrow;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use vault_http::PathError;
use vault_kv::SecretPath;

use crate::error::{Error, ErrorKind};

/// The prefix that marks a value in the configuration as a reference to a name.
pub(crate) const REFERENCE_PREFIX: &str = "os.environ/";

/// The prefix of names that the gateway resolves itself, through an identity provider.
const OIDC_PREFIX: &str = "oidc/";

/// Returns the name in `reference`, without a leading `os.environ/`.
///
/// # Errors
/// [`ErrorKind::Usage`] for an `oidc/` name, which the gateway resolves itself.
pub fn parse(reference: &str) -> Result<&str, Error> {
    let name = strip_reference(reference);
    if is_resolved_by_gateway(name) {
        let what = format!("read {name:?}: `oidc/` names are not secrets");
        return Err(Error::new(ErrorKind::Usage, what)
            .with_hint("leave this name to the gateway, which resolves it itself"));
    }
    Ok(name)
}

/// Like [`parse`], but without the check.
///
/// A name without the prefix is returned as it is, behind a branch. If the compiler selected
/// between two pointers instead, hashing would wait for the comparison.
#[inline(always)]
pub(crate) fn strip_reference(reference: &str) -> &str {
    if reference.starts_with(REFERENCE_PREFIX) { without_prefix(reference) } else { reference }
}

#[cold]
#[inline(never)]
fn without_prefix(reference: &str) -> &str {
    reference.strip_prefix(REFERENCE_PREFIX).unwrap_or(reference)
}

/// Returns whether the gateway resolves this name itself, so that it is never looked up.
pub fn is_resolved_by_gateway(name: &str) -> bool {
    name.starts_with(OIDC_PREFIX)
}

/// Returns whether `path` is `folder` or below it.
pub(crate) fn is_within(path: &str, folder: &str) -> bool {
    strip_folder(path, folder).is_some()
}

/// Returns `path` relative to `folder`; empty for the folder itself.
fn strip_folder<'p>(path: &'p str, folder: &str) -> Option<&'p str> {
    let rest = path.strip_prefix(folder)?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

/// A secret of the global location: its name below the path prefix, and its path in the mount.
///
/// A name has exactly one path, so equality and hash consider the name alone.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    name: Box<str>,
    path: Arc<SecretPath>,
}

impl Name {
    /// Creates a name whose path is already known.
    pub(crate) fn new(name: &str, path: SecretPath) -> Self {
        Self { name: name.into(), path: Arc::new(path) }
    }

    /// Returns the name of the secret at `path`, or `None` if it is not below `prefix`.
    pub(crate) fn at(path: SecretPath, prefix: Option<&str>) -> Option<Self> {
        let decoded = path.decoded();
        let name = match prefix {
            Some(prefix) => strip_folder(&decoded, prefix)?,
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

/// Returns the error of a name that is not a valid path; `what` is the kind of name.
pub(crate) fn invalid(what: &str, name: &str, why: &PathError) -> Error {
    let shown: String = name.escape_debug().take(64).collect();
    Error::new(ErrorKind::Usage, format!("the {what} `{shown}` {}", why.reason()))
        .with_hint("use plain segments separated by `/`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_is_parsed_to_its_name_unless_it_is_oidc() {
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
