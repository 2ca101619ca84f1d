//! Prints each step when it is done, or with `--json` one document at the end.

use serde::Serialize;
use tracing::warn;

use super::provider::Context;
use crate::error::Failure;
use crate::io::output;

/// A step that is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Step {
    Minted,
    Verified,
    Stored,
    Confirmed,
    Settled,
    Revoked,
    Discarded,
}

/// The report of a rotation.
pub(super) struct Report<'a> {
    name: &'a str,
    json: bool,
    document: Document,
}

#[derive(Default, Serialize)]
struct Document {
    id: Option<String>,
    old_version: Option<u64>,
    new_version: Option<u64>,
    /// Whether an earlier rotation was completed.
    resumed: bool,
    /// The ID of an earlier rotation that may have minted a key and stored none.
    abandoned: Option<String>,
    warnings: Vec<String>,
    steps: Vec<Step>,
}

impl<'a> Report<'a> {
    pub(super) fn new(name: &'a str, json: bool) -> Self {
        Self { name, json, document: Document::default() }
    }

    /// Sets the rotation that the steps belong to.
    pub(super) fn begin(&mut self, context: &Context, resumed: bool, abandoned: Option<&str>) {
        let Context { id, old_version, new_version } = context;
        self.document.id = Some(id.clone());
        (self.document.old_version, self.document.new_version) = (Some(*old_version), *new_version);
        (self.document.resumed, self.document.abandoned) = (resumed, abandoned.map(str::to_owned));
    }

    /// Sets the version of the new key.
    pub(super) fn stored(&mut self, version: u64) {
        self.document.new_version = Some(version);
    }

    /// Reports a step.
    pub(super) fn done(&mut self, step: Step, line: &str) -> Result<(), Failure> {
        self.document.steps.push(step);
        self.line(line)
    }

    /// Logs a warning, or with `--json` adds it to the document.
    pub(super) fn warn(&mut self, warning: String) {
        if self.json {
            self.document.warnings.push(warning);
        } else {
            warn!("{warning}");
        }
    }

    /// Prints a line for people.
    pub(super) fn line(&self, line: &str) -> Result<(), Failure> {
        if self.json { Ok(()) } else { output::lines([line]) }
    }

    /// Prints the document, unless the rotation failed before its first step and without a warning.
    pub(super) fn finish(&self, succeeded: bool) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Named<'a> {
            name: &'a str,
            #[serde(flatten)]
            document: &'a Document,
        }
        let Document { steps, warnings, .. } = &self.document;
        if self.json && (succeeded || !steps.is_empty() || !warnings.is_empty()) {
            return output::json(&Named { name: self.name, document: &self.document });
        }
        Ok(())
    }
}
