//! Credentials for the login.

use std::path::PathBuf;

use secrecy::SecretString;

/// A credential for the login. `Debug` masks the value.
#[derive(Debug, Clone)]
pub enum Credential {
    /// The credential itself.
    Value(SecretString),
    /// The file that contains the credential. Its contents may change while the process runs.
    File(PathBuf),
}
