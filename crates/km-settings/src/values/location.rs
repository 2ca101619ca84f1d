//! The location of secrets in Vault.

/// A location in Vault: `/v1/[{namespace}/]{mount}/data/[{path_prefix}/]{name}`, and a field there.
///
/// Namespace, mount and prefix are normalized (no white space or `/` on either end) and validated.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The namespace; `None` is the root namespace.
    pub namespace: Option<String>,
    /// The mount of a KV v2 engine.
    pub mount: String,
    /// The path segments between `data/` and the name.
    pub path_prefix: Option<String>,
    /// The field that contains the value.
    pub field: String,
}

impl Location {
    /// The field that contains the description. If it is also the [`field`](Self::field) of the
    /// value, no description can be stored.
    pub const DESCRIPTION: &str = "description";

    /// The field that LiteLLM stores a value in.
    pub(crate) const VALUE: &str = "key";
}
