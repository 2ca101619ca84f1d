//! Where secrets live: a mount, and paths in it. Types that can't hold a bad path.

use std::fmt;

use vault_http::{ApiPath, PathError};

use crate::path::SecretPath;

const DATA: ApiPath = ApiPath::from_static("data");
const METADATA: ApiPath = ApiPath::from_static("metadata");

/// The path that a KV version 2 engine is mounted at, in the root namespace or another.
///
/// The namespace stands in the URL, ahead of the mount, so that it names the same place on an
/// edition with namespaces and on one without.
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
    /// A mount in the root namespace.
    ///
    /// # Errors
    /// [`PathError`] when `mount` can't stand in a path.
    pub fn new(mount: &str) -> Result<Self, PathError> {
        let path = ApiPath::parse(mount)?;
        Ok(Self { namespace: None, full: path.clone(), path })
    }

    /// The same mount in `namespace`.
    ///
    /// # Errors
    /// [`PathError`] when `namespace` can't stand in a path.
    pub fn in_namespace(self, namespace: &str) -> Result<Self, PathError> {
        let namespace = ApiPath::parse(namespace)?;
        let full = namespace.join(&self.path);
        Ok(Self { namespace: Some(namespace), full, ..self })
    }

    /// The namespace, if it is not the root.
    pub fn namespace(&self) -> Option<&ApiPath> {
        self.namespace.as_ref()
    }

    /// The mount without its namespace.
    pub fn path(&self) -> &ApiPath {
        &self.path
    }

    /// Namespace and mount.
    pub fn full(&self) -> &ApiPath {
        &self.full
    }

    /// `{mount}/data/{path}`: where versions are read and written.
    pub fn data(&self, path: &SecretPath) -> ApiPath {
        self.endpoint(&DATA, path)
    }

    /// `{mount}/metadata/{path}`: where a secret's metadata is.
    pub fn metadata(&self, path: &SecretPath) -> ApiPath {
        self.endpoint(&METADATA, path)
    }

    pub(crate) fn endpoint(&self, endpoint: &ApiPath, path: &SecretPath) -> ApiPath {
        self.full.join(endpoint).join(path.as_api_path())
    }

    /// `{mount}/metadata[/{path}]`: what is asked to list the folder at `path`, or the top one.
    pub fn folder(&self, path: Option<&SecretPath>) -> ApiPath {
        path.map_or_else(|| self.full.join(&METADATA), |path| self.metadata(path))
    }
}

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
    fn the_pages_own_examples() {
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
        fn no_name_leaves_its_prefix(prefix in TEXT, name in TEXT) {
            let mount = Mount::new("kv").unwrap();
            if let Ok(folder) = SecretPath::new(&prefix) && let Ok(path) = folder.join(&name) {
                let (folder, path) = (mount.data(&folder), mount.data(&path));
                let tail = path.as_str().strip_prefix(folder.as_str()).unwrap();
                prop_assert!(tail.starts_with('/'));
                prop_assert!(tail.split('/').skip(1).all(|s| !matches!(s, "" | "." | "..")));
            }
        }

        #[test]
        fn different_names_are_different_places(a in TEXT, b in TEXT) {
            let mount = Mount::new("kv").unwrap();
            if let (Ok(left), Ok(right)) = (SecretPath::new(&a), SecretPath::new(&b)) {
                prop_assert_eq!(mount.data(&left) == mount.data(&right), a == b);
            }
        }
    }
}
