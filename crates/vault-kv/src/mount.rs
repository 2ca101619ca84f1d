//! The path of a mount, and the API paths below it.
//!
//! A [`Mount`] is valid by construction, so that a request never leaves it.

use std::fmt;
use std::str::FromStr;

use vault_http::{ApiPath, PathError};

use crate::path::SecretPath;

const DATA: ApiPath = ApiPath::from_static("data");
const METADATA: ApiPath = ApiPath::from_static("metadata");

/// The path at which a secrets engine is mounted, with its namespace.
///
/// The namespace is part of the URL path, ahead of the mount, and not a header. The same path then
/// denotes the same mount on editions of Vault with and without namespaces.
///
/// ```
/// use vault_kv::Mount;
///
/// let mount = Mount::new("kv-prod")?.in_namespace("teams/team-a")?;
/// assert_eq!(mount.to_string(), "teams/team-a/kv-prod");
/// assert!(Mount::new("kv/../sys").is_err());
/// # Ok::<(), vault_http::PathError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mount {
    namespace: Option<ApiPath>,
    path: ApiPath,
    full: ApiPath,
}

impl Mount {
    /// Creates a mount in the root namespace.
    ///
    /// # Errors
    /// [`PathError`] if `mount` is not a valid path.
    pub fn new(mount: &str) -> Result<Self, PathError> {
        let path = ApiPath::parse(mount)?;
        Ok(Self { namespace: None, full: path.clone(), path })
    }

    /// Moves the mount to `namespace`.
    ///
    /// # Errors
    /// [`PathError`] if `namespace` is not a valid path.
    pub fn in_namespace(self, namespace: &str) -> Result<Self, PathError> {
        let namespace = ApiPath::parse(namespace)?;
        let full = namespace.join(&self.path);
        Ok(Self { namespace: Some(namespace), full, ..self })
    }

    /// Returns the namespace, or `None` for the root namespace.
    pub fn namespace(&self) -> Option<&ApiPath> {
        self.namespace.as_ref()
    }

    /// Returns the path of the mount within its namespace.
    pub fn path(&self) -> &ApiPath {
        &self.path
    }

    /// Returns the path of the mount from the root namespace.
    pub fn full(&self) -> &ApiPath {
        &self.full
    }

    /// Returns `{mount}/data/{path}`, the endpoint of a secret's versions.
    pub fn data(&self, path: &SecretPath) -> ApiPath {
        self.endpoint(&DATA, path)
    }

    /// Returns `{mount}/metadata/{path}`, the endpoint of a secret's metadata.
    pub fn metadata(&self, path: &SecretPath) -> ApiPath {
        self.endpoint(&METADATA, path)
    }

    /// Returns `{mount}/{path}`, the endpoint of a secret of a version 1 engine.
    pub fn secret(&self, path: &SecretPath) -> ApiPath {
        self.full.join(path.as_api_path())
    }

    pub(crate) fn endpoint(&self, endpoint: &ApiPath, path: &SecretPath) -> ApiPath {
        self.full.join(endpoint).join(path.as_api_path())
    }

    /// Returns `{mount}/metadata[/{path}]`, the endpoint that lists the folder at `path`, or the
    /// top folder of the mount.
    pub fn folder(&self, path: Option<&SecretPath>) -> ApiPath {
        path.map_or_else(|| self.full.join(&METADATA), |path| self.metadata(path))
    }
}

/// Like [`Mount::new`].
impl FromStr for Mount {
    type Err = PathError;

    fn from_str(mount: &str) -> Result<Self, PathError> {
        Self::new(mount)
    }
}

/// Like [`Mount::new`].
impl TryFrom<&str> for Mount {
    type Error = PathError;

    fn try_from(mount: &str) -> Result<Self, PathError> {
        Self::new(mount)
    }
}

/// Displays the path from the root namespace, percent-encoded.
impl fmt::Display for Mount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.full.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = "[a-c/._%2 \\\\-]{1,10}";

    #[test]
    fn data_paths_are_those_of_litellms_documentation() {
        let url = |namespace: Option<&str>, mount: &str, prefix: Option<&str>, name: &str| {
            let mount = Mount::new(mount).unwrap();
            let mount = match namespace {
                Some(namespace) => mount.in_namespace(namespace).unwrap(),
                None => mount,
            };
            let path = match prefix {
                Some(prefix) => SecretPath::new(prefix).unwrap().join(name).unwrap(),
                None => SecretPath::new(name).unwrap(),
            };
            mount.data(&path).to_string()
        };
        assert_eq!(
            url(Some("admin"), "secret", Some("litellm"), "AZURE_API_KEY"),
            "admin/secret/data/litellm/AZURE_API_KEY"
        );
        assert_eq!(
            url(Some("teams/team-a"), "kv-prod", Some("virtual-keys"), "litellm/alias"),
            "teams/team-a/kv-prod/data/virtual-keys/litellm/alias"
        );
        assert_eq!(url(None, "secret", None, "OPENAI_API_KEY"), "secret/data/OPENAI_API_KEY");
    }

    proptest! {
        #[test]
        fn joined_name_stays_below_its_prefix(prefix in TEXT, name in TEXT) {
            let mount = Mount::new("kv").unwrap();
            if let Ok(folder) = SecretPath::new(&prefix) && let Ok(path) = folder.join(&name) {
                let (folder, path) = (mount.data(&folder), mount.data(&path));
                let tail = path.as_str().strip_prefix(folder.as_str()).unwrap();
                prop_assert!(tail.starts_with('/'));
                prop_assert!(tail.split('/').skip(1).all(|s| !matches!(s, "" | "." | "..")));
            }
        }

        #[test]
        fn different_names_have_different_data_paths(a in TEXT, b in TEXT) {
            let mount = Mount::new("kv").unwrap();
            if let (Ok(left), Ok(right)) = (SecretPath::new(&a), SecretPath::new(&b)) {
                prop_assert_eq!(mount.data(&left) == mount.data(&right), a == b);
            }
        }
    }
}
