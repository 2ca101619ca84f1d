//! The error type of the adapter: what failed, why, and how to fix it.
//!
//! [`convert`] maps the errors of the crates below to it, and [`reason`] refines its kind.

pub(crate) mod convert;
pub(crate) mod reason;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// The error of an operation on keys. Cheap to clone.
///
/// `Display` prints the operation that failed; the causes are its [sources](StdError::source).
/// Neither contains a secret, a query string or a body.
#[derive(Debug, Clone)]
pub struct Error(Box<Parts>);

/// The fields of an [`Error`], boxed to keep `Result`s small.
#[derive(Debug, Clone)]
struct Parts {
    kind: ErrorKind,
    operation: String,
    hint: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    problems: Arc<[Problem]>,
}

/// The kind of an [`Error`], by who can fix it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The input is invalid: a name, a value or an option.
    Usage,
    /// The settings are invalid; [`Error::problems`] lists every problem.
    Settings,
    /// The login was refused, or no credential is accepted.
    Auth,
    /// Vault can't be reached, isn't ready, or returned a malformed response. Retry later.
    Unavailable,
    /// A policy or the access mode forbids the operation.
    Denied,
    /// The secret, its mount or its namespace does not exist.
    NotFound,
    /// Another version is stored, or the outcome of a write is unknown.
    Conflict,
    /// The stored secret can't be used: the field is missing or not a string, or the mount is
    /// KV version 1.
    StoredValue,
    /// A bug.
    Internal,
}

/// One problem of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the setting comes from: a variable, a line of a file, or a file.
    pub source: String,
    /// What is wrong with it.
    pub message: String,
    /// How to fix it.
    pub hint: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.source, self.message)
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

    /// Returns the kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Returns how to fix the error, if that is known.
    pub fn hint(&self) -> Option<&str> {
        self.0.hint.as_deref()
    }

    /// Returns all problems of the settings. Empty unless the kind is [`ErrorKind::Settings`].
    pub fn problems(&self) -> &[Problem] {
        &self.0.problems
    }

    /// Returns the operation and all its causes on one line.
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
            message: problem.message,
            hint: problem.hint,
        }))
    }
}
