//! `km check --policy`: prints the least-privilege policy of the settings.

use km_settings::Settings;
use serde::Serialize;

use crate::cli::GlobalArgs;
use crate::config;
use crate::error::Failure;
use crate::io::output;

/// Vault's and OpenBao's name of the root namespace.
const ROOT_NAMESPACE: &str = "root";

/// The policy as it is printed, and separately for each namespace in which it may be written.
#[derive(Serialize)]
struct Document<'a> {
    policy: String,
    #[serde(skip_serializing_if = "is_single")]
    policies: Vec<NamespacePolicy<'a>>,
}

#[derive(Serialize)]
struct NamespacePolicy<'a> {
    namespace: &'a str,
    policy: &'a str,
}

/// Returns whether there is only the policy that is printed.
fn is_single(policies: &[NamespacePolicy<'_>]) -> bool {
    policies.len() == 1
}

/// Prints the policy. This sends nothing and needs no credentials, because a policy usually comes
/// before the login that it is for.
pub(super) async fn print(global: &GlobalArgs) -> Result<(), Failure> {
    let settings = config::read(global, Settings::without_login).await?;
    let policies = km_proxy_adapter::policy(&settings)?;
    let policy = policies.to_string();
    if !global.json {
        return output::lines(policy.lines());
    }
    let by_namespace = policies.as_slice().iter().map(|policy| NamespacePolicy {
        namespace: policy.namespace.as_deref().unwrap_or(ROOT_NAMESPACE),
        policy: &policy.policy,
    });
    let policies = by_namespace.collect();
    output::json(&Document { policy, policies })
}
