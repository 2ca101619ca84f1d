//! The one error of the adapter: what failed, why, and how to mend it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// Why an operation failed. Cheap to clone.
///
/// `Display` says what failed; the causes are its sources. Neither holds a value, a query or a
/// body.
#[derive(Debug, Clone)]
pub struct Error(Box<Parts>);

/// Apart, so that an answer that is no error is small.
#[derive(Debug, Clone)]
struct Parts {
    kind: ErrorKind,
    operation: String,
    hint: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    problems: Arc<[Problem]>,
}

/// The kind of an [`Error`]: who has to do something about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input can't be used: a name, a value, an option.
    Usage,
    /// The settings can't be used; [`Error::problems`] lists what is wrong.
    Settings,
    /// The login was refused, or no credential is accepted.
    Auth,
    /// The server can't be asked, or its answer is none.
    Unavailable,
    /// A policy, or the access mode, forbids it.
    Denied,
    /// There is no such secret, or no such mount or namespace.
    NotFound,
    /// The stored version is another one, or the outcome of a write is unknown.
    Conflict,
    /// What is stored can't be used: no such field, no string, a version 1 engine.
    StoredValue,
    /// A bug.
    Internal,
}

/// One thing that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where it stands: a variable, a line of a file, a file.
    pub source: String,
    /// What is wrong.
    pub what: String,
    /// How to mend it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.what)
    }
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, operation: impl Into<String>) -> Self {
        let operation = operation.into();
        let problems = Arc::default();
        Self(Box::new(Parts { kind, operation, hint: None, source: None, problems }))
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    pub(crate) fn settings(problems: impl IntoIterator<Item = Problem>) -> Self {
        let mut error = Self::new(ErrorKind::Settings, "settings");
        error.0.problems = problems.into_iter().collect();
        error
    }

    /// Who has to do something about it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// How to mend it, where that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// All that is wrong with the settings; empty unless the kind is [`ErrorKind::Settings`].
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// What failed and why, on one line.
    pub fn message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.operation)?;
        for (index, problem) in self.0.problems.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { ": " } else { "; " })?;
        }
        Ok(())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

impl From<km_settings::Problems> for Error {
    fn from(problems: km_settings::Problems) -> Self {
        Self::settings(problems.into_iter().map(|problem| Problem {
            source: problem.source.to_string(),
            what: problem.message,
            hint: problem.hint,
        }))
    }
}
