//! The result of one step of a check.

use crate::error::Error;

pub(super) const SETTINGS: &str = "settings";
pub(super) const SERVER: &str = "server";
pub(super) const LOGIN: &str = "login";
pub(super) const MOUNT: &str = "mount";
pub(super) const RIGHTS: &str = "rights";

/// The names of the steps, in the order in which they are run.
const STEPS: [&str; 5] = [SETTINGS, SERVER, LOGIN, MOUNT, RIGHTS];

/// The result of one step of [`KeyManager::check`](crate::KeyManager::check).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CheckResult {
    /// The name of the step, such as `login`.
    pub step: &'static str,
    /// What the step found; empty if it failed.
    pub detail: String,
    /// The status of the step.
    pub status: CheckStatus,
}

/// The status of a step of a check.
#[derive(Debug, Clone)]
pub enum CheckStatus {
    /// The step succeeded.
    Ok,
    /// The step succeeded, but the setup may not be the intended one; the text says how to fix it.
    Warning(String),
    /// The step failed.
    Failed(Error),
    /// The step was not run, because another step failed; the detail names it.
    Skipped,
}

impl CheckResult {
    pub(super) fn ok(step: &'static str, detail: impl Into<String>) -> Self {
        Self { step, detail: detail.into(), status: CheckStatus::Ok }
    }

    pub(super) fn warning(
        step: &'static str,
        detail: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self { step, detail: detail.into(), status: CheckStatus::Warning(hint.into()) }
    }

    pub(super) fn failed(step: &'static str, error: Error) -> Self {
        Self { step, detail: String::new(), status: CheckStatus::Failed(error) }
    }

    /// Returns a step that is not run because the step `failed` failed.
    pub fn skipped(step: &'static str, failed: &str) -> Self {
        let detail = format!("not run, because the step `{failed}` failed");
        Self { step, detail, status: CheckStatus::Skipped }
    }

    /// Returns the steps that follow the step `failed`, all of them skipped because of it.
    pub fn skipped_after(failed: &str) -> impl Iterator<Item = Self> {
        let following = STEPS.into_iter().skip_while(move |step| *step != failed).skip(1);
        following.map(move |step| Self::skipped(step, failed))
    }

    /// Returns the error of a step that failed.
    pub fn error(&self) -> Option<&Error> {
        match &self.status {
            CheckStatus::Failed(error) => Some(error),
            CheckStatus::Ok | CheckStatus::Warning(_) | CheckStatus::Skipped => None,
        }
    }

    /// Returns whether the step failed so that no secret can be read from Vault.
    pub fn prevents_reads(&self) -> bool {
        self.error().is_some() && self.step != RIGHTS
    }
}
