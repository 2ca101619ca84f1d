//! What Vault accepts as an address and as a path is Vault's to say: the caller brings the rules.

/// The rules for what goes into a request's URL.
///
/// An `Err` is what is wrong, as a lower-case fragment (`` a segment is `..` ``). It does not
/// quote an address: that may hold a password. Source and hint are added here.
pub trait Rules: Send + Sync {
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
}
