//! A secret that logs in: itself, or the file that holds it.

use std::path::PathBuf;

use secrecy::SecretString;

/// Where a credential is had from. `Debug` masks the value.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The credential itself.
    Value(SecretString),
    /// A file that holds it. Its content may change while the process runs.
    File(PathBuf),
}
