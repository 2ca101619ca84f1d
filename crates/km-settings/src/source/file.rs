//! The configuration file and the files that it includes, read by the caller.

use std::fmt;
use std::path::Path;

use zeroize::Zeroizing;

/// LiteLLM's configuration, which the caller has read.
#[derive(Clone, Copy)]
pub struct Yaml<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    pub(crate) includes: &'a dyn Includes,
}

impl<'a> Yaml<'a> {
    /// Creates a configuration from the name and the text of its file.
    ///
    /// The text may contain secrets; no message quotes it. A configuration with an `include:` list
    /// needs [`with_includes`](Self::with_includes).
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, includes: &NoIncludes }
    }

    /// Sets the reader of included files.
    #[must_use]
    pub fn with_includes(self, includes: &'a dyn Includes) -> Self {
        Self { includes, ..self }
    }
}

/// A reader of the files that a configuration includes.
///
/// An implementation opens regular files only, does not block on them, and reads no more than
/// `limit` bytes.
pub trait Includes: Send + Sync {
    /// Returns the text of the file at `path`, at most `limit` bytes. The path is relative to the
    /// same directory as the `file` of [`Yaml::new`].
    ///
    /// # Errors
    ///
    /// [`IncludeError::NotFound`] if the file does not exist, in which case it is searched beside
    /// the root file. Any other error ends the search and is reported as a problem.
    fn read(&self, path: &Path, limit: usize) -> Result<Zeroizing<String>, IncludeError>;
}

/// The reason why an included file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IncludeError {
    /// The file does not exist.
    #[error("not found")]
    NotFound,
    /// The file exceeds what remains of the size limit for all files together.
    #[error("all files together are larger than 1 MiB")]
    TooLarge,
    /// Any other reason, as a lower-case fragment that does not quote the file.
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

/// Rejects every file, for a configuration that is passed as text alone.
struct NoIncludes;

impl Includes for NoIncludes {
    fn read(&self, _: &Path, _: usize) -> Result<Zeroizing<String>, IncludeError> {
        Err(IncludeError::Unreadable("included files are not supported here".to_owned()))
    }
}

impl fmt::Debug for Yaml<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Yaml").field("file", &self.file).finish_non_exhaustive()
    }
}
