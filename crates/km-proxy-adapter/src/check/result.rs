//! The result of one step of a check.

use crate::error::Error;

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

    pub(super) fn is_failed(&self) -> bool {
        matches!(self.status, CheckStatus::Failed(_))
    }
}
