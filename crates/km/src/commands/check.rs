//! `km check`: is everything in place?

use km_proxy_adapter::{CheckResult, CheckStatus};
use km_settings::Settings;
use serde::Serialize;

use crate::cli::{Check, Common};
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

pub(crate) async fn run(common: &Common, args: &Check) -> Result<(), Failure> {
    if args.policy {
        return policy(common).await;
    }
    let keys = match config::connect(common).await {
        Ok(keys) => keys,
        Err(failure) => {
            let lines = failure.lines().map(|(message, hint)| Line {
                status: "failed",
                step: "settings",
                message: message.to_owned(),
                hint: hint.map(str::to_owned),
            });
            print(lines.collect(), false, common.json)?;
            return Err(failure);
        }
    };
    let findings = keys.check().await;
    let checks: Vec<Line> = findings.iter().map(line).collect();
    let failed = findings.into_iter().find_map(|finding| match finding.verdict {
        CheckStatus::Failed(error) => Some(error),
        CheckStatus::Ok | CheckStatus::Warning(_) => None,
    });
    print(checks, failed.is_none(), common.json)?;
    failed.map_or(Ok(()), |error| Err(error.into()))
}

/// Prints the policy. Nothing is sent, and no login is needed: there is none before the policy.
async fn policy(common: &Common) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Document {
        policy: String,
    }
    let policy = km_proxy_adapter::policy(&config::read(common, Settings::without_login).await?)?;
    if common.json { output::json(&Document { policy }) } else { output::lines(policy.lines()) }
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

fn line(finding: &CheckResult) -> Line {
    let step = finding.step;
    let (status, message, hint) = match &finding.verdict {
        CheckStatus::Ok => ("ok", finding.seen.clone(), None),
        CheckStatus::Warning(hint) => ("warning", finding.seen.clone(), Some(hint.clone())),
        CheckStatus::Failed(error) => ("failed", error.message(), error.hint().map(str::to_owned)),
    };
    Line { status, step, message, hint }
}
