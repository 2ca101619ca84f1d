//! Where secrets live.

use crate::reader::Reader;

/// Vault's own name for a development server's KV mount, and LiteLLM's default.
pub(crate) const MOUNT: &str = "secret";
/// The field that LiteLLM keeps a value in.
pub(crate) const FIELD: &str = "key";

/// A place in Vault: `/v1/[{namespace}/]{mount}/data/[{path_prefix}/]{name}`, and the field there.
///
/// Every part is cleaned (no white space or `/` at its ends) and accepted by the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The namespace; `None` is the root.
    pub namespace: Option<String>,
    /// The mount of a KV v2 engine.
    pub mount: String,
    /// What stands between `data/` and the name.
    pub path_prefix: Option<String>,
    /// The field that holds the value.
    pub field: String,
}

impl Location {
    /// The field that a description is written to. Where it is the [`field`](Self::field) of the
    /// value, no description can be.
    pub const DESCRIPTION: &str = "description";

    pub(crate) fn read(reader: &mut Reader<'_>) -> Self {
        let mount = reader.variable("HCP_VAULT_MOUNT_NAME");
        let path_prefix = reader.variable("HCP_VAULT_PATH_PREFIX");
        Self {
            namespace: namespace(reader, "HCP_VAULT_SECRET_NAMESPACE"),
            mount: reader.path(mount).unwrap_or_else(|| MOUNT.to_owned()),
            path_prefix: reader.path(path_prefix),
            field: FIELD.to_owned(),
        }
    }
}

/// The namespace in the variable `own`, where that is set, empty or not; else the general one.
pub(crate) fn namespace(reader: &mut Reader<'_>, own: &str) -> Option<String> {
    let found =
        reader.variable_or_empty(own).or_else(|| reader.variable_or_empty("HCP_VAULT_NAMESPACE"));
    reader.path(found)
}
