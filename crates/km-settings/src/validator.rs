//! The port for what Vault accepts. The caller implements it, so that this crate does not depend on
//! a Vault client (`docs/adr/0004-path-validation.md`).

use crate::login::Login;
use crate::values::server::Server;

/// Validates the values that become part of a request, and the files that settings name.
///
/// An `Err` describes the problem as a lower-case fragment (`` a segment is `..` ``). It must not
/// quote an address, which may contain a password. This crate adds the source and the hint.
pub trait Validator: Send + Sync {
    /// Validates the address of a server. `danger_plaintext` allows `http` to any host.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the address.
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String>;

    /// Validates one or more path segments with `/` between them: a namespace, a mount, a prefix,
    /// a role or a user name.
    ///
    /// # Errors
    ///
    /// Returns what is wrong with the path.
    fn path(&self, text: &str) -> Result<(), String>;

    /// Validates the files that the connection and the login depend on, and returns the problems.
    ///
    /// The implementation reads the files, because this crate opens none. The default
    /// implementation returns no problems.
    fn files(&self, server: &Server, login: &Login) -> Vec<FileProblem> {
        let _ = (server, login);
        Vec::new()
    }
}

/// A problem with a file that settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file, or several files that belong together.
    pub file: String,
    /// What is wrong, as a lower-case fragment. It does not quote the contents.
    pub message: String,
    /// How to fix it, as a lower-case imperative.
    pub hint: String,
}
