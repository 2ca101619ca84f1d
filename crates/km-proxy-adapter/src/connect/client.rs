//! The HTTP client of the settings, and the problems of the files that it is built from.

use std::path::PathBuf;

use km_settings::{FileProblem, Login, Method, Server};
use vault_http::{Address, BuildError, BuildErrorKind, Client, ClientBuilder, Plaintext};

const CA_HINT: &str = "set KM_CA_CERT, VAULT_CACERT or SSL_CERT_FILE to a PEM bundle";
const IDENTITY_HINT: &str =
    "set HCP_VAULT_CLIENT_CERT and HCP_VAULT_CLIENT_KEY to the PEM files of one certificate";

/// Returns a builder with these settings.
pub(crate) fn builder(address: Address, server: &Server, login: &Login) -> ClientBuilder {
    let mut builder = Client::builder(address).deadline(server.deadline);
    if let Some(path) = &server.ca_cert {
        builder = builder.ca_file(path);
    }
    if let Some(name) = &server.tls_server_name {
        builder = builder.server_name(name);
    }
    if let Method::Cert { certificate, key, .. } = &login.method {
        builder = builder.identity_files(certificate, key);
    }
    builder
}

/// Returns the problems of the files and names that a client is built from.
pub(crate) fn problems(error: &BuildError, server: &Server, login: &Login) -> Vec<FileProblem> {
    let shown = |path: &PathBuf| path.display().to_string();
    let ca_file = server.ca_cert.as_ref().map_or_else(|| "TLS".to_owned(), shown);
    let identity_files = match &login.method {
        Method::Cert { certificate, key, .. } => format!("{}, {}", shown(certificate), shown(key)),
        _ => "TLS".to_owned(),
    };
    let problem = |problem: &BuildErrorKind| {
        let (file, message, hint) = match problem {
            BuildErrorKind::Trust(why) => (ca_file.clone(), why.to_string(), CA_HINT),
            BuildErrorKind::Identity(why) => {
                (identity_files.clone(), why.to_string(), IDENTITY_HINT)
            }
            BuildErrorKind::File { path, reason } => {
                let is_ca = server.ca_cert.as_ref() == Some(path);
                let hint = if is_ca { CA_HINT } else { IDENTITY_HINT };
                (shown(path), format!("cannot read the file: {reason}"), hint)
            }
            BuildErrorKind::ServerName(why) => {
                ("KM_TLS_SERVER_NAME".to_owned(), why.to_string(), "set it to a host name")
            }
            other => {
                ("settings".to_owned(), other.to_string(), "set KM_DEADLINE to a value like `5s`")
            }
        };
        FileProblem { file, message, hint: hint.to_owned() }
    };
    error.problems().iter().map(problem).collect()
}

/// Returns where plain http is allowed.
pub(crate) fn plaintext(danger: bool) -> Plaintext {
    if danger { Plaintext::DangerAnywhere } else { Plaintext::LoopbackOnly }
}
