//! Reads, writes, virtual keys and the fallback.

use super::section::Section::Access;
use super::setting::Setting;
use super::value_type::ValueType::{Boolean, Choice, List, Path, Text};

pub(crate) const ACCESS_MODE: Setting = Setting::new(
    Access,
    "KM_ACCESS_MODE",
    Choice(&["read_only", "write_only", "read_and_write"]),
    "which operations Vault is used for",
)
.yaml("access_mode")
.default_unless("read_only", "`read_and_write` if virtual keys are stored");

pub(crate) const HOSTED_KEYS: Setting = Setting::new(
    Access,
    "KM_HOSTED_KEYS",
    List,
    "the only names that are read from Vault; an empty list means none",
)
.yaml("hosted_keys")
.derived("all names");

pub(crate) const STORE_VIRTUAL_KEYS: Setting = Setting::new(
    Access,
    "KM_STORE_VIRTUAL_KEYS",
    Boolean,
    "store the gateway's virtual keys in Vault",
)
.yaml("store_virtual_keys")
.default("false");

pub(crate) const VIRTUAL_KEY_PREFIX: Setting = Setting::new(
    Access,
    "KM_PREFIX_FOR_STORED_VIRTUAL_KEYS",
    Path,
    "path segments before the alias of a virtual key; empty means none",
)
.yaml("prefix_for_stored_virtual_keys")
.default("litellm/");

pub(crate) const DANGER_SHARED_KEY_FOLDER: Setting = Setting::new(
    Access,
    "KM_DANGER_SHARED_KEY_FOLDER",
    Boolean,
    "allow virtual keys in the folder of the provider secrets (an empty key prefix); names that \
     the configuration references or hosts are still rejected as aliases",
)
.yaml("km.danger_shared_key_folder")
.default("false");

pub(crate) const DESCRIPTION: Setting = Setting::new(
    Access,
    "KM_DESCRIPTION",
    Text,
    "text that is stored in the field `description` beside each value",
)
.yaml("description");

pub(crate) const FALLBACK: Setting = Setting::new(
    Access,
    "KM_FALLBACK",
    Choice(&["never", "on_missing", "on_error"]),
    "when the process environment is used instead of Vault: `on_missing` if Vault has no such \
     secret, `on_error` also if Vault is unavailable or denies access. Settings and credentials \
     are never returned, and `km serve` falls back only for names that the configuration \
     references",
)
.yaml("km.fallback")
.default_unless("on_missing", "`never` in `km serve`");
