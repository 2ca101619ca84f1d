//! `km check`: verifies settings, connectivity, login, mount and permissions, and with `--secrets`
//! every secret that the configuration references.
//!
//! Each failure is reported once, on stdout. stderr only summarizes them.

mod policy;
mod report;
mod secrets;

use km_proxy_adapter::{CheckResult, KeyManager};

use self::report::{Line, Report};
use self::secrets::Row;
use crate::cli::{CheckArgs, GlobalArgs};
use crate::config;
use crate::error::Failure;

/// The name of the step that reads the secrets.
const SECRETS: &str = "secrets";

pub(crate) async fn run(global: &GlobalArgs, args: &CheckArgs) -> Result<(), Failure> {
    if args.policy {
        return policy::print(global).await;
    }
    let report = match config::connect_without_warnings(global).await {
        Ok(keys) => check(&keys, args).await,
        Err(failure) => invalid_settings(&failure, args),
    };
    report.print(global.json)?;
    report.outcome()
}

async fn check(keys: &KeyManager, args: &CheckArgs) -> Report {
    let mut results = keys.check().await;
    let mut rows = None;
    if args.secrets {
        match results.iter().find(|result| result.prevents_reads()) {
            Some(failed) => results.push(CheckResult::skipped(SECRETS, failed.step)),
            None => rows = Some(keys.check_secrets().await.iter().map(Row::new).collect()),
        }
    }
    Report { checks: results.iter().map(Line::new).collect(), secrets: rows }
}

/// Returns the report on settings that are invalid, so that no other step can run.
fn invalid_settings(failure: &Failure, args: &CheckArgs) -> Report {
    const SETTINGS: &str = "settings";
    let problems = failure.problems().map(|(message, hint)| Line {
        status: "failed",
        step: SETTINGS,
        message: message.to_owned(),
        hint: hint.map(str::to_owned),
        error: Some(failure.kind()),
    });
    let secrets = args.secrets.then(|| CheckResult::skipped(SECRETS, SETTINGS));
    let skipped = CheckResult::skipped_after(SETTINGS).chain(secrets);
    let skipped: Vec<_> = skipped.map(|result| Line::new(&result)).collect();
    Report { checks: problems.chain(skipped).collect(), secrets: None }
}
