//! The report of `km check`: a line for each step, and a table of the secrets.

use km_proxy_adapter::{CheckResult, CheckStatus, ErrorKind};
use serde::Serialize;

use super::secrets::{self, Row};
use crate::error::Failure;
use crate::io::output;

/// The outcome of all steps.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) checks: Vec<Line>,
    /// The secrets, if they were read.
    pub(super) secrets: Option<Vec<Row>>,
}

/// The outcome of one step.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) status: &'static str,
    pub(super) step: &'static str,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hint: Option<String>,
    #[serde(skip)]
    pub(super) error: Option<ErrorKind>,
}

impl Line {
    pub(super) fn new(result: &CheckResult) -> Self {
        let (status, message, hint) = match &result.status {
            CheckStatus::Ok => ("ok", result.detail.clone(), None),
            CheckStatus::Warning(hint) => ("warning", result.detail.clone(), Some(hint.clone())),
            CheckStatus::Failed(error) => {
                ("failed", error.message(), error.hint().map(str::to_owned))
            }
            CheckStatus::Skipped => ("skipped", result.detail.clone(), None),
        };
        let error = result.error().map(km_proxy_adapter::Error::kind);
        Self { status, step: result.step, message, hint, error }
    }

    fn text(&self) -> String {
        let Self { status, step, message, .. } = self;
        let hint = self.hint.as_ref().map_or_else(String::new, |hint| format!("; {hint}"));
        format!("{status:<8} {step:<9} {message}{hint}")
    }
}

impl Report {
    /// Prints the report as text or as one JSON document.
    pub(super) fn print(&self, json: bool) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Document<'a> {
            ok: bool,
            checks: &'a [Line],
            #[serde(skip_serializing_if = "Option::is_none")]
            secrets: Option<&'a [Row]>,
        }
        if json {
            let (checks, secrets) = (&*self.checks, self.secrets.as_deref());
            return output::json(&Document { ok: self.errors().is_empty(), checks, secrets });
        }
        output::lines(self.checks.iter().map(Line::text))?;
        self.secrets.as_deref().map_or(Ok(()), secrets::print)
    }

    /// Returns the failure of the first step or secret that failed.
    pub(super) fn outcome(&self) -> Result<(), Failure> {
        let errors = self.errors();
        let Some((first, kind)) = errors.first() else {
            return Ok(());
        };
        let others = match errors.len() {
            1 => String::new(),
            count => format!(" and {} more", count - 1),
        };
        // The report has described each failure.
        let message = format!("check: failed: {first}{others}");
        Err(Failure::new(*kind, message, "see the report on stdout"))
    }

    /// Returns the names of the steps and secrets that failed, each with the kind of its error.
    fn errors(&self) -> Vec<(&str, ErrorKind)> {
        let steps = self.checks.iter().filter_map(|line| Some((line.step, line.error?)));
        let secrets = self.secrets.iter().flatten();
        let secrets = secrets.filter_map(|row| Some((row.name(), row.error_kind()?)));
        steps.chain(secrets).collect()
    }
}
