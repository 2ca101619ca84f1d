//! The login methods and what each of them needs.

use std::path::PathBuf;

use crate::values::credential::Credential;

/// A login method, complete. Mounts, roles and user names are cleaned and accepted by the rules.
#[derive(Debug, Clone)]
pub enum Method {
    /// A role id and a secret id.
    AppRole {
        /// The method's mount.
        mount: String,
        /// The role id.
        role_id: Credential,
        /// The secret ID; `None`: the role asks for none.
        secret_id: Option<Credential>,
        /// Whether the secret id is a wrapping token, to be unwrapped first.
        wrapped: bool,
    },
    /// A TLS client certificate, at the mount `cert`.
    Cert {
        /// PEM file of the certificate.
        certificate: PathBuf,
        /// PEM file of its key.
        key: PathBuf,
        /// The certificate role; `None` lets the server choose.
        role: Option<String>,
    },
    /// A token that somebody else has made.
    Token(Credential),
    /// A JWT of an identity provider.
    Jwt {
        /// The method's mount.
        mount: String,
        /// The role; `None`: the method's default role.
        role: Option<String>,
        /// The file of the JWT.
        token_file: PathBuf,
    },
    /// The token of a pod's service account.
    Kubernetes {
        /// The method's mount.
        mount: String,
        /// The role.
        role: String,
        /// The file of the token.
        token_file: PathBuf,
    },
    /// A user name and a password.
    Userpass {
        /// The method's mount.
        mount: String,
        /// The user name.
        username: String,
        /// The password.
        password: Credential,
    },
}
