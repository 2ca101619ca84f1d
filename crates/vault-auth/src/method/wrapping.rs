//! A secret ID that is delivered in a response-wrapping token, so that an interception is noticed:
//! <https://developer.hashicorp.com/vault/docs/concepts/response-wrapping>.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use vault_http::{ApiPath, Error, ErrorKind, Token};

use super::LoginClient;
use super::client::expose;
use crate::credential::{CredentialReader, accept_any};

const LOOKUP: ApiPath = ApiPath::from_static("sys/wrapping/lookup");
const UNWRAP: ApiPath = ApiPath::from_static("sys/wrapping/unwrap");

/// A wrapping token, and the secret ID that was unwrapped from it, which works only once.
#[derive(Debug)]
pub(super) struct WrappedSecretId {
    token: CredentialReader,
    unwrapped: Mutex<Option<Unwrapped>>,
}

#[derive(Debug)]
struct Unwrapped {
    from: SecretString,
    secret_id: SecretString,
}

impl WrappedSecretId {
    pub(super) fn new(token: CredentialReader) -> Self {
        Self { token, unwrapped: Mutex::default() }
    }

    pub(super) fn file(&self) -> Option<PathBuf> {
        self.token.file()
    }

    /// Returns the secret ID, and unwraps it if the wrapping token was replaced.
    pub(super) async fn secret_id(
        &self,
        client: &LoginClient<'_>,
        mount: &ApiPath,
    ) -> Result<SecretString, Error> {
        let token = self.token.read_trimmed(accept_any).await?;
        let mut unwrapped = self.unwrapped.lock().await;
        if let Some(known) = &*unwrapped
            && known.from.expose_secret() == token.expose_secret()
        {
            return Ok(known.secret_id.clone());
        }
        verify_origin(client, mount, &token).await?;
        let secret_id = unwrap(client, &token).await?;
        *unwrapped = Some(Unwrapped { from: token, secret_id: secret_id.clone() });
        Ok(secret_id)
    }
}

/// Verifies that the role's secret ID endpoint created the wrapping token. The look-up does not
/// spend the token. A forged token has another creation path, such as `sys/wrapping/wrap`.
async fn verify_origin(
    client: &LoginClient<'_>,
    mount: &ApiPath,
    token: &SecretString,
) -> Result<(), Error> {
    #[derive(Serialize)]
    struct Body<'a> {
        #[serde(serialize_with = "expose")]
        token: &'a SecretString,
    }
    #[derive(Deserialize)]
    struct Origin {
        creation_path: String,
    }
    let response = client.post(LOOKUP, &Body { token }, None).await.map_err(into_login_refused)?;
    let Origin { creation_path } = response.data()?;
    if is_secret_id_path(&creation_path, client.namespace(), mount) {
        return Ok(());
    }
    Err(response
        .error(ErrorKind::LoginRefused)
        .with_detail("the wrapping token was not created by the role's secret-id endpoint"))
}

/// Returns whether `path` is `[namespace/]auth/<mount>/role/<one segment>/secret-id`.
fn is_secret_id_path(path: &str, namespace: Option<&ApiPath>, mount: &ApiPath) -> bool {
    let head = namespace.map(|namespace| format!("{}/", namespace.decoded()));
    let path = head.and_then(|head| path.strip_prefix(&head)).unwrap_or(path);
    path.strip_prefix("auth/")
        .and_then(|rest| rest.strip_prefix(&*mount.decoded()))
        .and_then(|rest| rest.strip_prefix("/role/"))
        .and_then(|rest| rest.strip_suffix("/secret-id"))
        .is_some_and(|role| !role.is_empty() && !role.contains('/'))
}

async fn unwrap(client: &LoginClient<'_>, token: &SecretString) -> Result<SecretString, Error> {
    #[derive(Serialize)]
    struct Empty {}
    #[derive(Deserialize)]
    struct Data {
        #[serde(deserialize_with = "vault_http::json::secret_string")]
        secret_id: SecretString,
    }
    let token = Token::new(token).map_err(|error| {
        Error::new(ErrorKind::LoginRefused, "unwrap the secret ID").with_source(error)
    })?;
    let response =
        client.post(UNWRAP, &Empty {}, Some(&token)).await.map_err(into_login_refused)?;
    let Data { secret_id } = response.data()?;
    Ok(secret_id)
}

/// Converts the error for a spent, expired or forged wrapping token. Vault returns 400 for all.
fn into_login_refused(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Rejected
        | ErrorKind::TokenInvalid
        | ErrorKind::Denied
        | ErrorKind::Forbidden => error
            .into_kind(ErrorKind::LoginRefused)
            .with_detail("the wrapping token is spent, expired or unknown"),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_secret_id_endpoint_of_the_role_is_a_valid_origin() {
        let mount = ApiPath::from_static("approle");
        let team = ApiPath::from_static("team-a");
        let check = |path: &str, namespace, expected| {
            assert_eq!(is_secret_id_path(path, namespace, &mount), expected, "{path}");
        };
        check("auth/approle/role/gateway/secret-id", None, true);
        check("team-a/auth/approle/role/gateway/secret-id", Some(&team), true);
        check("auth/approle/role/gateway/secret-id", Some(&team), true);
        check("team-a/auth/approle/role/gateway/secret-id", None, false);
        check("sys/wrapping/wrap", None, false);
        check("auth/other/role/gateway/secret-id", None, false);
        check("auth/approle/role//secret-id", None, false);
        check("auth/approle/role/a/b/secret-id", None, false);
        check("auth/approle/role/gateway/secret-id/x", None, false);
    }
}
