//! The implementation of km-settings' [`Validator`] by the rules of `vault-http` and `vault-auth`.

use std::path::Path;

use km_settings::{Credential as Setting, FileProblem, Login, Method, Server, Validator};
use vault_auth::Credential;
use vault_http::{Address, ApiPath, Plaintext};

use super::client;

/// Validates addresses, paths and files of the settings by the rules of `vault-http`.
#[derive(Debug, Clone, Copy, Default)]
pub struct VaultValidator;

impl Validator for VaultValidator {
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String> {
        let checked = Address::parse(text, client::plaintext(danger_plaintext));
        checked.map(drop).map_err(|error| error.reason())
    }

    fn path(&self, text: &str) -> Result<(), String> {
        ApiPath::parse(text).map(drop).map_err(|error| error.reason())
    }

    /// Reads the files as a connection and a login would. Sends nothing.
    fn files(&self, server: &Server, login: &Login) -> Vec<FileProblem> {
        let mut problems = Vec::new();
        // The method `address` validates the address. A client of a plain one does not load the
        // system roots, which no setting can fix.
        if let Ok(address) = Address::parse("http://127.0.0.1", Plaintext::LoopbackOnly)
            && let Err(error) = client::builder(address, server, login).build()
        {
            problems.extend(client::problems(&error, server, login));
        }
        let credentials = credential_files(&login.method).into_iter();
        problems.extend(credentials.filter_map(credential_problem));
        problems
    }
}

/// Returns the problem of a credential file, or `None` if it can be used.
fn credential_problem(file: &Path) -> Option<FileProblem> {
    let error = Credential::File(file.to_owned()).read_blocking().err()?;
    let cause = std::error::Error::source(&error);
    let why = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    Some(FileProblem {
        file: file.display().to_string(),
        message: format!("{}{why}", error.detail()),
        hint: "write the credential to this file, and make it readable for this process".to_owned(),
    })
}

/// Returns the files that the login method reads credentials from.
fn credential_files(method: &Method) -> Vec<&Path> {
    let credentials = match method {
        Method::AppRole { role_id, secret_id, .. } => {
            [role_id].into_iter().chain(secret_id).collect()
        }
        Method::Token(token) => vec![token],
        Method::Userpass { password, .. } => vec![password],
        Method::Jwt { token_file, .. } | Method::Kubernetes { token_file, .. } => {
            return vec![token_file];
        }
        Method::Cert { .. } => vec![],
    };
    let files = credentials.into_iter().filter_map(|credential| match credential {
        Setting::File(path) => Some(path.as_path()),
        Setting::Value(_) => None,
    });
    files.collect()
}
