//! The error of a command, and its report on stderr.

pub(crate) mod exit_code;

use km_proxy_adapter::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use crate::io::{escape, stderr};

/// The error of a command: one or more problems of one kind.
///
/// It contains no secret, URL query or body.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    code: u8,
    problems: Vec<Problem>,
}

#[derive(Debug)]
struct Problem {
    message: String,
    hint: Option<String>,
}

/// An error as the value of `error` in JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorBody {
    kind: String,
    pub(crate) message: String,
    #[serde(default)]
    pub(crate) hint: Option<String>,
}

impl ErrorBody {
    /// Returns the failure, or `None` if its kind is unknown.
    pub(crate) fn into_failure(self) -> Option<Failure> {
        let kind = exit_code::kind(&self.kind)?;
        Some(Failure::with_optional_hint(kind, self.message, self.hint))
    }

    /// Replaces the hint.
    pub(crate) fn with_hint(self, hint: &str) -> Self {
        Self { hint: Some(hint.to_owned()), ..self }
    }
}

impl From<&Failure> for ErrorBody {
    fn from(failure: &Failure) -> Self {
        let join = |parts: Vec<&str>| parts.join("; ");
        let messages = failure.problems().map(|(message, _)| message).collect();
        let hints: Vec<&str> = failure.problems().filter_map(|(_, hint)| hint).collect();
        Self {
            kind: exit_code::name(failure.kind).to_owned(),
            message: join(messages),
            hint: (!hints.is_empty()).then(|| join(hints)),
        }
    }
}

impl Failure {
    pub(crate) fn new(
        kind: ErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self::with_optional_hint(kind, message.into(), Some(hint.into()))
    }

    /// Like [`new`](Self::new), but without a hint if there is none.
    pub(crate) fn with_optional_hint(
        kind: ErrorKind,
        message: String,
        hint: Option<String>,
    ) -> Self {
        let problems = vec![Problem { message, hint }];
        Self { kind, code: exit_code::code(kind), problems }
    }

    /// Appends the problems of another failure. The kind and the exit code remain this failure's.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.problems.extend(other.problems);
        self
    }

    /// Replaces the exit code, which is the kind's by default.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Returns the kind.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// Returns the message and the hint of each problem.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.problems.iter().map(|problem| (problem.message.as_str(), problem.hint.as_deref()))
    }

    /// Writes the failure to stderr: two lines per problem, or one JSON object.
    pub(crate) fn report(&self, json: bool) {
        let text = if json { self.json() } else { self.text() };
        stderr::write(&text);
    }

    fn text(&self) -> String {
        let lines = |problem: &Problem| {
            let hint = problem.hint.as_deref().map(escape::text);
            let hint = hint.map_or_else(String::new, |hint| format!("hint: {hint}\n"));
            format!("km: {}\n{hint}", escape::text(&problem.message))
        };
        self.problems.iter().map(lines).collect()
    }

    /// Returns the failure as one JSON object.
    pub(crate) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Document {
            error: ErrorBody,
        }
        let document = Document { error: self.into() };
        // Strings always serialize.
        let document = serde_json::to_string(&document).unwrap_or_default();
        escape::json(&document).into_owned() + "\n"
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let problems = error.problems().iter().map(|problem| Problem {
            message: format!("settings: {problem}"),
            hint: Some(problem.hint.clone()),
        });
        let mut problems: Vec<_> = problems.collect();
        if problems.is_empty() {
            let hint = error.hint().map(str::to_owned);
            problems.push(Problem { message: error.message(), hint });
        }
        Self { kind: error.kind(), code: exit_code::code(error.kind()), problems }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failure_is_reported_with_its_hint_as_text_and_as_json() {
        let failure =
            Failure::new(ErrorKind::Denied, "write A: the access mode is read_only", "set it");
        assert_eq!(failure.text(), "km: write A: the access mode is read_only\nhint: set it\n");
        assert_eq!(
            failure.json(),
            "{\"error\":{\"kind\":\"denied\",\"message\":\"write A: the access mode is read_only\",\
             \"hint\":\"set it\"}}\n"
        );
        assert_eq!(failure.code(), 5);
    }
}
