//! The token of the environment.

use std::ffi::OsString;
use std::path::PathBuf;

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::error::{EnvError, EnvProblem};
use super::variable::{find, of_process};
use crate::file::{self, FileError};
use crate::token::Token;
use crate::token::fixed::FixedToken;

/// The file in which `vault login` and `bao login` store the token.
const TOKEN_FILE: &str = ".vault-token";
/// The maximum size of that file, in bytes. Batch tokens have several hundred.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

impl FixedToken {
    /// Returns the token of the environment of the process, by the conventions of [`env`](crate::env).
    ///
    /// Reads the file of `vault login` if no variable is set.
    ///
    /// # Errors
    /// [`EnvError`] if there is no token, or it is not valid.
    pub fn from_env() -> Result<Self, EnvError> {
        token(of_process).map(Self::new)
    }
}

/// Returns the token of the variables that `lookup` returns, as
/// [`FixedToken::from_env`] does for those of the process. The file of `vault login` is in the
/// directory `HOME`.
///
/// # Errors
/// [`EnvError`] if there is no token, or it is not valid.
pub fn token(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Token, EnvError> {
    let (name, value) = match find(&lookup, "TOKEN") {
        Some(variable) => (variable.name, Zeroizing::new(variable.value.into_encoded_bytes())),
        None => ("VAULT_TOKEN".to_owned(), from_file(lookup)?),
    };
    let problem = |reason: &str| EnvProblem::new(&name, reason);
    let text = str::from_utf8(&value).map_err(|_| problem("the token is not UTF-8"))?;
    let token = Token::new(&SecretString::from(text));
    Ok(token.map_err(|error| problem(&error.to_string()))?)
}

fn from_file(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Zeroizing<Vec<u8>>, EnvProblem> {
    let problem = |reason: String| EnvProblem::new("VAULT_TOKEN", reason);
    let home = lookup("HOME").filter(|home| !home.is_empty());
    let home = home.ok_or_else(|| problem("is not set, and neither is HOME".to_owned()))?;
    let path = PathBuf::from(home).join(TOKEN_FILE);
    match file::read_blocking(&path, MAX_TOKEN_BYTES) {
        Ok(content) => Ok(content.bytes),
        Err(FileError::Io(error)) => {
            Err(problem(format!("is not set, and {}: {error}", path.display())))
        }
        Err(error) => Err(problem(format!("is not set, and {}: {error}", path.display()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_is_that_of_the_variable_or_else_of_the_file() {
        let home = tempfile::tempdir().unwrap();
        let check = |variables: &[(&str, &str)], expected: Result<&str, &str>| {
            let home = home.path().as_os_str().to_owned();
            let found = token(|name| {
                let variable = variables.iter().find(|(key, _)| *key == name);
                let value = variable.map(|(_, value)| OsString::from(value));
                value.or_else(|| (name == "HOME").then(|| home.clone()))
            });
            match (found, expected) {
                (Ok(token), Ok(expected)) => assert_eq!(token.expose(), expected),
                (Err(error), Err(expected)) => {
                    let error = error.to_string();
                    assert!(error.contains(expected) && !error.contains("PLANTED"), "{error}");
                }
                (found, expected) => panic!("{found:?}, not {expected:?}"),
            }
        };
        check(&[], Err("VAULT_TOKEN: is not set, and "));
        check(&[("HOME", "")], Err("VAULT_TOKEN: is not set, and neither is HOME"));
        std::fs::write(home.path().join(TOKEN_FILE), "of-file\n").unwrap();
        check(&[], Ok("of-file"));
        check(&[("VAULT_TOKEN", "of-vault")], Ok("of-vault"));
        check(&[("VAULT_TOKEN", "of-vault"), ("BAO_TOKEN", "of-bao")], Ok("of-bao"));
        check(&[("VAULT_TOKEN", "of-vault"), ("BAO_TOKEN", "")], Ok("of-file"));
        check(&[("BAO_TOKEN", "PLANTED x")], Err("BAO_TOKEN: the token contains white space"));
    }
}
