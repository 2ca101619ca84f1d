//! What Vault accepts as an address and as a path, and what the files hold, for the settings.

use std::path::Path;

use km_settings::{Credential as Setting, FileProblem, Login, Method, Server, Validator};
use vault_auth::Credential;
use vault_http::{Address, ApiPath, Plaintext};

use crate::connect;

/// The rules of `vault-http`, which the settings are checked against.
#[derive(Debug, Clone, Copy, Default)]
pub struct VaultValidator;

impl Validator for VaultValidator {
    fn address(&self, text: &str, danger_plaintext: bool) -> Result<(), String> {
        let checked = Address::parse(text, plaintext(danger_plaintext));
        checked.map(drop).map_err(|error| error.to_string())
    }

    fn path(&self, text: &str) -> Result<(), String> {
        ApiPath::parse(text).map(drop).map_err(|error| error.to_string())
    }

    /// Reads the files as a connection and a login would. Nothing is sent.
    fn files(&self, server: &Server, login: &Login) -> Vec<FileProblem> {
        let mut problems = Vec::new();
        // The address is another rule's, and the system's roots are nobody's file: they are not
        // loaded for a plain address.
        if let Ok(address) = Address::parse("http://127.0.0.1", Plaintext::LoopbackOnly)
            && let Err(error) = connect::client(address, server, login)
        {
            problems.extend(connect::problems(&error, server, login));
        }
        problems.extend(credential_files(&login.method).into_iter().filter_map(unusable));
        problems
    }
}

fn unusable(file: &Path) -> Option<FileProblem> {
    let error = Credential::File(file.to_owned()).read_blocking().err()?;
    let cause = std::error::Error::source(&error);
    let why = cause.map_or_else(String::new, |cause| format!(": {cause}"));
    Some(FileProblem {
        file: file.display().to_string(),
        message: format!("{}{why}", error.detail()),
        hint: "put the credential there, readable by this process".to_owned(),
    })
}

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

pub(crate) fn plaintext(danger: bool) -> Plaintext {
    if danger { Plaintext::DangerAnywhere } else { Plaintext::LoopbackOnly }
}
