//! Where a value is stored.

use km_proxy_adapter::Source;

/// Returns where a value is stored, however it was read.
pub(super) fn found_in(source: Source) -> &'static str {
    match source {
        Source::Vault | Source::Cache | Source::Stale => "vault",
        Source::Environment => "environment",
    }
}
