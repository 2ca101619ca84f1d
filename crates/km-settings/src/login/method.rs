//! The login methods and what each of them needs.

use std::path::PathBuf;

use super::name::MethodName;
use crate::values::credential::Credential;

/// How to log in to Vault.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login {
    /// The namespace of the login, which may differ from that of the secrets; `None` is the root
    /// namespace.
    pub namespace: Option<String>,
    /// The login method.
    pub method: Method,
}

/// A login method with everything it needs. Mounts, roles and user names are normalized and
/// validated.
#[derive(Debug, Clone)]
pub enum Method {
    /// AppRole: a role ID and, usually, a secret ID.
    AppRole {
        /// The mount of the method.
        mount: String,
        /// The role ID.
        role_id: Credential,
        /// The secret ID; `None` if the role does not require one.
        secret_id: Option<Credential>,
        /// Whether the secret ID is a wrapping token that must be unwrapped first.
        wrapped: bool,
    },
    /// A TLS client certificate, at the mount `cert`.
    Cert {
        /// The PEM file with the certificate.
        certificate: PathBuf,
        /// The PEM file with the private key.
        key: PathBuf,
        /// The certificate role; `None` to let the server choose.
        role: Option<String>,
    },
    /// A static token, issued outside of this process.
    Token(Credential),
    /// A JWT from an identity provider.
    Jwt {
        /// The mount of the method.
        mount: String,
        /// The role; `None` for the default role of the method.
        role: Option<String>,
        /// The file with the JWT.
        token_file: PathBuf,
    },
    /// The service account token of a Kubernetes pod.
    Kubernetes {
        /// The mount of the method.
        mount: String,
        /// The role.
        role: String,
        /// The file with the token.
        token_file: PathBuf,
    },
    /// A user name and a password.
    Userpass {
        /// The mount of the method.
        mount: String,
        /// The user name.
        username: String,
        /// The password.
        password: Credential,
    },
}

impl Method {
    /// Returns the name of the method in `KM_AUTH_METHOD`.
    pub fn name(&self) -> &'static str {
        let name = match self {
            Self::AppRole { .. } => MethodName::AppRole,
            Self::Cert { .. } => MethodName::Cert,
            Self::Token(_) => MethodName::Token,
            Self::Jwt { .. } => MethodName::Jwt,
            Self::Kubernetes { .. } => MethodName::Kubernetes,
            Self::Userpass { .. } => MethodName::Userpass,
        };
        name.as_str()
    }
}
