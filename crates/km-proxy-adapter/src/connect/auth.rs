//! The login method of the settings.

use km_settings::{Credential as Setting, Method as Configured};
use vault_auth::{AppRole, Auth, Certificate, Credential, Jwt, Method, StaticToken, Userpass};
use vault_http::{ApiPath, Client};

use crate::error::{Error, convert};

/// The expected lifetime of the program, which decides what is worth a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// One operation: only the requests that it needs are sent.
    OneShot,
    /// A gateway or a sidecar: a static token is looked up, and renewed if it is renewable.
    LongRunning,
}

/// Builds the login. Sends nothing.
pub(super) fn auth(
    client: &Client,
    namespace: Option<ApiPath>,
    method: &Configured,
    lifetime: Lifetime,
) -> Result<Auth, Error> {
    let path = |text: &str| {
        ApiPath::parse(text).map_err(|why| convert::invalid_path("auth mount or name", &why))
    };
    let client = client.clone();
    Ok(match method {
        Configured::AppRole { mount, role_id, secret_id, wrapped } => {
            let role = match secret_id {
                Some(secret_id) => AppRole::new(credential(role_id), credential(secret_id)),
                None => AppRole::without_secret_id(credential(role_id)),
            };
            let role = if *wrapped { role.wrapped() } else { role };
            build(client, namespace, role.mount(path(mount)?))
        }
        Configured::Cert { role, certificate, key } => {
            build(client, namespace, Certificate::new(role.clone()).files(certificate, key))
        }
        Configured::Token(token) => {
            let token = StaticToken::new(credential(token));
            let token = if lifetime == Lifetime::LongRunning { token.with_lookup() } else { token };
            build(client, namespace, token)
        }
        Configured::Jwt { mount, role, token_file } => {
            let jwt = Credential::File(token_file.clone());
            let jwt = match role {
                Some(role) => Jwt::new(role, jwt),
                None => Jwt::with_default_role(jwt),
            };
            build(client, namespace, jwt.mount(path(mount)?))
        }
        Configured::Kubernetes { mount, role, token_file } => {
            let jwt = Credential::File(token_file.clone());
            build(client, namespace, Jwt::kubernetes(role, jwt).mount(path(mount)?))
        }
        Configured::Userpass { mount, username, password } => {
            let user = Userpass::new(path(username)?, credential(password)).mount(path(mount)?);
            build(client, namespace, user)
        }
    })
}

/// A replaced token is revoked. It only read and wrote KV secrets, so Vault has no leases or child
/// tokens to revoke with it.
fn build(client: Client, namespace: Option<ApiPath>, method: impl Method) -> Auth {
    Auth::builder(client, method).namespace(namespace).name("km").revoke_replaced(true).build()
}

fn credential(setting: &Setting) -> Credential {
    match setting {
        Setting::Value(value) => Credential::Value(value.clone()),
        Setting::File(path) => Credential::File(path.clone()),
    }
}
