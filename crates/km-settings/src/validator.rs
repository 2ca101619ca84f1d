//! What Vault accepts as an address and as a path is Vault's to say: the caller brings the rules.

use crate::login::Login;
use crate::values::server::Server;

/// The rules for what goes into a request's URL.
///
/// An `Err` is what is wrong, as a lower-case fragment (`` a segment is `..` ``). It does not
/// quote an address: that may hold a password. Source and hint are added here.
pub trait Validator: Send + Sync {
    /// Whether `text` is a server's address. `danger_plaintext` allows `http` to any host.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String>;

    /// Whether `text`, one segment or several with `/` between, can be part of a path: a
    /// namespace, a mount, a prefix, a role, a user name.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    fn path(&self, text: &str) -> Result<(), String>;

    /// What is wrong with the files that the connection and the login name. Reading them is the
    /// caller's: here no file is opened. Without an implementation, nothing is.
    fn files(&self, server: &Server, login: &Login) -> Vec<FileProblem> {
        let _ = (server, login);
        Vec::new()
    }
}

/// What is wrong with a file that settings name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileProblem {
    /// The file, or the files that have to go together.
    pub file: String,
    /// What is wrong, as a lower-case fragment. It quotes nothing of what is in the file.
    pub message: String,
    /// How to mend it, as a lower-case fragment.
    pub hint: String,
}
