//! What settings are made from. Nothing here opens a file: the caller brings the text.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

pub(crate) mod env;
pub(crate) mod yaml;

use crate::validator::Validator;
use env::Env;

/// Everything that settings are read from.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// The environment; [`ProcessEnv`](crate::ProcessEnv) outside of tests.
    pub env: &'a dyn Env,
    /// LiteLLM's `config.yaml`, where there is one.
    pub yaml: Option<Yaml<'a>>,
    /// What Vault accepts.
    pub validator: &'a dyn Validator,
}

/// LiteLLM's configuration. The caller has read it.
#[derive(Clone, Copy)]
pub struct Yaml<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) includes: &'a dyn Includes,
}

impl<'a> Yaml<'a> {
    /// A file of this name and content. The content may hold secrets, and no message quotes it.
    ///
    /// A file that has an `include:` list needs [`with_includes`](Self::with_includes).
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, includes: &NoIncludes }
    }

    /// The same file, with the files that it includes.
    #[must_use]
    pub fn with_includes(self, includes: &'a dyn Includes) -> Self {
        Self { includes, ..self }
    }
}

/// The files that a configuration includes.
///
/// This crate opens no file. An implementation opens regular files only, does not block on them, and
/// reads no more than it is asked to.
pub trait Includes: Send + Sync {
    /// The text of the file at `path`, which holds at most `limit` bytes. The path is relative to the
    /// same directory as [`Yaml::new`]'s `file`.
    ///
    /// # Errors
    ///
    /// Why the file cannot be read.
    fn read(&self, path: &Path, limit: usize) -> Result<Zeroizing<String>, IncludeError>;
}

/// Why an included file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncludeError {
    /// The file does not exist.
    #[error("not found")]
    NotFound,
    /// It is larger than what is left of the limit for all files together.
    #[error("all files together are larger than 1 MiB")]
    TooLarge,
    /// Something else, as a lower-case fragment that quotes nothing of the file.
    #[error("{0}")]
    Unreadable(String),
}

impl IncludeError {
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::NotFound => "name a file relative to the one that includes it",
            Self::TooLarge => "make the files smaller",
            Self::Unreadable(_) => "name a file that this process can read",
        }
    }
}

/// The includes of a configuration that is given as text alone.
struct NoIncludes;

impl Includes for NoIncludes {
    fn read(&self, _: &Path, _: usize) -> Result<Zeroizing<String>, IncludeError> {
        Err(IncludeError::Unreadable("the program reads no included files".to_owned()))
    }
}

impl fmt::Debug for Sources<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Sources").field("yaml", &self.yaml).finish_non_exhaustive()
    }
}

impl fmt::Debug for Yaml<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Yaml").field("file", &self.file).finish_non_exhaustive()
    }
}
