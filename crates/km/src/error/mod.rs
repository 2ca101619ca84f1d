//! The error of a command, and its report on stderr.

pub(crate) mod exit_code;

use km_proxy_adapter::{Error, ErrorKind};
use serde::Serialize;

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
            error: Body,
        }
        #[derive(Serialize)]
        struct Body {
            kind: &'static str,
            message: String,
            hint: Option<String>,
        }
        let join = |parts: Vec<&str>| parts.join("; ");
        let messages = self.problems.iter().map(|problem| problem.message.as_str()).collect();
        let hints: Vec<&str> = self.problems().filter_map(|(_, hint)| hint).collect();
        let body = Body {
            kind: exit_code::name(self.kind),
            message: join(messages),
            hint: (!hints.is_empty()).then(|| join(hints)),
        };
        // Strings always serialize.
        let document = serde_json::to_string(&Document { error: body }).unwrap_or_default();
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
