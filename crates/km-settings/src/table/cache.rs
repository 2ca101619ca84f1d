//! The cache.

use super::section::Section::Cache;
use super::setting::Setting;
use super::value_type::ValueType::Duration;

pub(crate) const REFRESH_INTERVAL: Setting = Setting::new(
    Cache,
    "HCP_VAULT_REFRESH_INTERVAL",
    Duration,
    "how long a cached value is served before it is read again; `0` disables caching",
)
.derived("`SECRET_MANAGER_REFRESH_INTERVAL`");

/// LiteLLM's setting for all of its secret managers.
pub(crate) const GENERAL_REFRESH_INTERVAL: Setting = Setting::new(
    Cache,
    "SECRET_MANAGER_REFRESH_INTERVAL",
    Duration,
    "used if `HCP_VAULT_REFRESH_INTERVAL` is not set",
)
.default("86400");

pub(crate) const POLL_INTERVAL: Setting = Setting::new(
    Cache,
    "KM_POLL_INTERVAL",
    Duration,
    "the time within which a value that is watched, or was read since its last load, is read again \
     to notice a change; `0` means the refresh interval alone",
)
.yaml("km.poll_interval")
.default("60s");

pub(crate) const MAX_STALE: Setting = Setting::new(
    Cache,
    "KM_MAX_STALE",
    Duration,
    "how long after the refresh interval a stale value is served while Vault is unavailable; `0s` \
     means never",
)
.yaml("km.max_stale")
.default("1h");
