//! The table of `km check --secrets`.

use km_proxy_adapter::{ErrorKind, FoundSecret, SecretCheck, SecretOutcome};
use serde::Serialize;

use crate::commands::source::found_in;
use crate::error::{ErrorBody, Failure, exit_code};
use crate::io::output;
use crate::io::styled::Span;
use crate::io::styled::Tone::{Bad, Good, Plain, Warning};
use crate::io::table::Table;
use crate::io::time_span::span;

/// What is reported about one name. It never contains a value or a part of one.
#[derive(Debug, Default, Serialize)]
pub(super) struct Row {
    status: &'static str,
    name: String,
    source: Option<&'static str>,
    path: Option<String>,
    version: Option<u64>,
    version_age_seconds: Option<u64>,
    length: Option<usize>,
    warnings: Vec<WarningDocument>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<ErrorBody>,
    #[serde(skip)]
    error_kind: Option<ErrorKind>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

#[derive(Debug, Serialize)]
struct WarningDocument {
    kind: &'static str,
    message: String,
}

impl Row {
    pub(super) fn new(check: &SecretCheck) -> Self {
        let row = Self { name: check.name.clone(), ..Self::default() };
        match &check.outcome {
            SecretOutcome::Found(found) => Self::found(row, found),
            SecretOutcome::Skipped(reason) => {
                Self { status: "skipped", reason: Some(reason), ..row }
            }
            SecretOutcome::Failed(error) => {
                let body = ErrorBody::from(&Failure::from(error.clone()));
                Self { status: "failed", error: Some(body), error_kind: Some(error.kind()), ..row }
            }
        }
    }

    fn found(row: Self, found: &FoundSecret) -> Self {
        let warnings = found.warnings.iter();
        let warnings = warnings
            .map(|warning| WarningDocument { kind: warning.kind(), message: warning.to_string() });
        Self {
            status: if found.warnings.is_empty() { "ok" } else { "warning" },
            source: Some(found_in(found.source)),
            path: found.path.as_ref().map(ToString::to_string),
            version: found.version,
            version_age_seconds: found.age.map(|age| age.as_secs()),
            length: Some(found.length),
            warnings: warnings.collect(),
            ..row
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn error_kind(&self) -> Option<ErrorKind> {
        self.error_kind
    }

    fn columns(&self) -> Vec<Span> {
        let tone = match self.status {
            "ok" => Good,
            "failed" => Bad,
            _ => Warning,
        };
        let mut columns = vec![
            Span::new(self.status, tone),
            Span::new(&self.name, Plain),
            cell(self.location()),
            cell(self.version.map(|version| version.to_string())),
            cell(self.version_age_seconds.map(span)),
            cell(self.length.map(|length| length.to_string())),
        ];
        let notes = self.notes();
        // An empty last cell would leave spaces at the end of the line.
        columns.extend((!notes.is_empty()).then(|| Span::new(&notes, tone)));
        columns
    }

    /// Returns where the value was found, or the kind of the error.
    fn location(&self) -> Option<String> {
        let kind = self.error_kind.map(|kind| exit_code::name(kind).replace('_', " "));
        let source = self.source.map(str::to_owned);
        self.path.clone().or(source).or(kind)
    }

    fn notes(&self) -> String {
        let mut notes: Vec<_> =
            self.warnings.iter().map(|warning| format!("the value {}", warning.message)).collect();
        notes.extend(self.reason.map(str::to_owned));
        if let Some(ErrorBody { message, hint, .. }) = &self.error {
            notes.push(message.clone());
            notes.extend(hint.clone());
        }
        notes.join("; ")
    }
}

fn cell(text: Option<String>) -> Span {
    Span::or_dash(text.as_deref(), Plain)
}

/// Prints the table, or one line if the configuration references nothing.
pub(super) fn print(rows: &[Row]) -> Result<(), Failure> {
    if rows.is_empty() {
        return output::lines(["ok       secrets   the configuration references no names"]);
    }
    let header = ["STATUS", "NAME", "FOUND IN", "VERSION", "AGE", "LENGTH", "NOTES"];
    let mut table = Table::new(header);
    for row in rows {
        table.row(row.columns());
    }
    output::table(table)
}
