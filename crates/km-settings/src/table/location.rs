//! The location of secrets.

use super::section::Section::Location;
use super::setting::Setting;
use super::value_type::ValueType::Path;

pub(crate) const NAMESPACE: Setting =
    Setting::new(Location, "HCP_VAULT_NAMESPACE", Path, "namespace of the login and of secrets")
        .derived("the root namespace");

pub(crate) const SECRET_NAMESPACE: Setting = Setting::new(
    Location,
    "HCP_VAULT_SECRET_NAMESPACE",
    Path,
    "namespace of secrets; empty is the root namespace",
)
.derived("`HCP_VAULT_NAMESPACE`");

pub(crate) const MOUNT_NAME: Setting =
    Setting::new(Location, "HCP_VAULT_MOUNT_NAME", Path, "mount of the KV v2 engine")
        .default("secret");

pub(crate) const PATH_PREFIX: Setting = Setting::new(
    Location,
    "HCP_VAULT_PATH_PREFIX",
    Path,
    "path segments between `data/` and the name of a secret",
);
