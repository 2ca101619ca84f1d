//! Why a command failed, and how that is told.

pub(crate) mod exit_code;

use km_proxy_adapter::{Error, ErrorKind};
use serde::Serialize;

use crate::io::{escape, log};

/// The error of a command. Holds no value, query or body.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: ErrorKind,
    code: u8,
    lines: Vec<Line>,
}

/// One thing that is wrong.
#[derive(Debug)]
struct Line {
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(
        kind: ErrorKind,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let line = Line { message: message.into(), hint: Some(hint.into()) };
        Self { kind, code: exit_code::code(kind), lines: vec![line] }
    }

    /// Both, as one failure of this one's kind.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.lines.extend(other.lines);
        self
    }

    /// The same with another exit code than the kind's.
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// Whose matter it is.
    pub(crate) fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The exit code.
    pub(crate) fn code(&self) -> u8 {
        self.code
    }

    /// All that is wrong, each with how to mend it.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.lines.iter().map(|line| (line.message.as_str(), line.hint.as_deref()))
    }

    /// Tells it on stderr: a line each, or one JSON object.
    pub(crate) fn report(&self, json: bool) {
        let text = if json { self.json() } else { self.text() };
        log::write(&text);
    }

    fn text(&self) -> String {
        let line = |line: &Line| {
            let hint = line.hint.as_deref().map(escape::text);
            let hint = hint.map_or_else(String::new, |hint| format!("hint: {hint}\n"));
            format!("km: {}\n{hint}", escape::text(&line.message))
        };
        self.lines.iter().map(line).collect()
    }

    /// The same as one JSON object.
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
        let hints: Vec<&str> = self.lines.iter().filter_map(|line| line.hint.as_deref()).collect();
        let body = Body {
            kind: exit_code::name(self.kind),
            message: join(self.lines.iter().map(|line| line.message.as_str()).collect()),
            hint: (!hints.is_empty()).then(|| join(hints)),
        };
        // Three strings have a JSON form.
        let document = serde_json::to_string(&Document { error: body }).unwrap_or_default();
        escape::json(&document).into_owned() + "\n"
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let problems = error.problems().iter().map(|problem| Line {
            message: format!("settings: {problem}"),
            hint: Some(problem.hint.clone()),
        });
        let mut lines: Vec<_> = problems.collect();
        if lines.is_empty() {
            let hint = error.hint().map(str::to_owned);
            lines.push(Line { message: error.message(), hint });
        }
        Self { kind: error.kind(), code: exit_code::code(error.kind()), lines }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_a_line_and_a_hint() {
        let failure =
            Failure::new(ErrorKind::Denied, "write A: the access mode is read_only", "set it");
        assert_eq!(failure.text(), "km: write A: the access mode is read_only\nhint: set it\n");
        assert_eq!(
            failure.json(),
            "{\"error\":{\"kind\":\"denied\",\"message\":\"write A: the access mode is read_only\",\"hint\":\"set it\"}}\n"
        );
        assert_eq!(failure.code(), 5);
    }
}
