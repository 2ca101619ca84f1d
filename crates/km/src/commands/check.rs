//! `km check`: verifies settings, connectivity, login, mount and permissions.

use km_proxy_adapter::{CheckResult, CheckStatus};
use km_settings::Settings;
use serde::Serialize;

use crate::cli::{CheckArgs, GlobalArgs};
use crate::config;
use crate::error::Failure;
use crate::io::output;

#[derive(Serialize)]
struct Document {
    ok: bool,
    checks: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    status: &'static str,
    step: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

/// The policy as it is printed, and separately for each namespace in which it may be written.
#[derive(Serialize)]
struct PolicyDocument<'a> {
    policy: String,
    #[serde(skip_serializing_if = "is_single")]
    policies: Vec<NamespacePolicy<'a>>,
}

#[derive(Serialize)]
struct NamespacePolicy<'a> {
    namespace: &'a str,
    policy: &'a str,
}

/// Vault's and OpenBao's name of the root namespace.
const ROOT_NAMESPACE: &str = "root";

/// Returns whether there is only the policy that is printed.
fn is_single(policies: &[NamespacePolicy<'_>]) -> bool {
    policies.len() == 1
}

pub(crate) async fn run(global: &GlobalArgs, args: &CheckArgs) -> Result<(), Failure> {
    if args.policy {
        return print_policy(global).await;
    }
    let keys = match config::connect(global).await {
        Ok(keys) => keys,
        Err(failure) => {
            let lines = failure.problems().map(|(message, hint)| Line {
                status: "failed",
                step: "settings",
                message: message.to_owned(),
                hint: hint.map(str::to_owned),
            });
            print(lines.collect(), false, global.json)?;
            return Err(failure);
        }
    };
    let results = keys.check().await;
    let checks: Vec<Line> = results.iter().map(line).collect();
    let failed = results.into_iter().find_map(|result| match result.status {
        CheckStatus::Failed(error) => Some(error),
        CheckStatus::Ok | CheckStatus::Warning(_) => None,
    });
    print(checks, failed.is_none(), global.json)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Prints the policy. This sends nothing and needs no credentials, because a policy usually comes
/// before the login that it is for.
async fn print_policy(global: &GlobalArgs) -> Result<(), Failure> {
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
    let policies = by_namespace.collect::<Vec<_>>();
    output::json(&PolicyDocument { policy, policies })
}

fn print(checks: Vec<Line>, ok: bool, json: bool) -> Result<(), Failure> {
    if json {
        return output::json(&Document { ok, checks });
    }
    output::lines(checks.into_iter().map(|check| {
        let hint = check.hint.map_or_else(String::new, |hint| format!("; {hint}"));
        format!("{:<8} {:<9} {}{hint}", check.status, check.step, check.message)
    }))
}

fn line(result: &CheckResult) -> Line {
    let step = result.step;
    let (status, message, hint) = match &result.status {
        CheckStatus::Ok => ("ok", result.detail.clone(), None),
        CheckStatus::Warning(hint) => ("warning", result.detail.clone(), Some(hint.clone())),
        CheckStatus::Failed(error) => ("failed", error.message(), error.hint().map(str::to_owned)),
    };
    Line { status, step, message, hint }
}
