//! A secret id that was delivered wrapped: who intercepted the wrapping token can't go unnoticed.

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

/// A wrapping token, and the secret id once it was unwrapped: that works only once.
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

    /// The secret id; unwraps it when the wrapping token is another than the one already spent.
    pub(super) async fn secret_id(
        &self,
        link: &LoginClient<'_>,
        mount: &ApiPath,
    ) -> Result<SecretString, Error> {
        let token = self.token.read_trimmed(accept_any).await?;
        let mut unwrapped = self.unwrapped.lock().await;
        if let Some(known) = &*unwrapped
            && known.from.expose_secret() == token.expose_secret()
        {
            return Ok(known.secret_id.clone());
        }
        check_origin(link, mount, &token).await?;
        let secret_id = unwrap(link, &token).await?;
        *unwrapped = Some(Unwrapped { from: token, secret_id: secret_id.clone() });
        Ok(secret_id)
    }
}

/// Looks where the token was made. That spends nothing; a forgery says `sys/wrapping/wrap`.
async fn check_origin(
    link: &LoginClient<'_>,
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
    let answer = link.post(LOOKUP, &Body { token }, None).await.map_err(spent_token)?;
    let Origin { creation_path } = answer.data()?;
    if is_secret_id_path(&creation_path, link.namespace(), mount) {
        return Ok(());
    }
    Err(answer
        .error(ErrorKind::LoginRefused)
        .with_detail("the wrapping token was not made by the role's secret-id endpoint"))
}

/// Whether `path` is `[namespace/]auth/<mount>/role/<one segment>/secret-id`.
fn is_secret_id_path(path: &str, namespace: Option<&ApiPath>, mount: &ApiPath) -> bool {
    let head = namespace.map(|namespace| format!("{}/", namespace.decoded()));
    let path = head.and_then(|head| path.strip_prefix(&head)).unwrap_or(path);
    path.strip_prefix("auth/")
        .and_then(|rest| rest.strip_prefix(&*mount.decoded()))
        .and_then(|rest| rest.strip_prefix("/role/"))
        .and_then(|rest| rest.strip_suffix("/secret-id"))
        .is_some_and(|role| !role.is_empty() && !role.contains('/'))
}

async fn unwrap(link: &LoginClient<'_>, token: &SecretString) -> Result<SecretString, Error> {
    #[derive(Serialize)]
    struct Nothing {}
    #[derive(Deserialize)]
    struct Content {
        #[serde(deserialize_with = "vault_http::json::secret_string")]
        secret_id: SecretString,
    }
    let token = Token::new(token).map_err(|error| {
        Error::new(ErrorKind::LoginRefused, "unwrap the secret id").with_source(error)
    })?;
    let answer = link.post(UNWRAP, &Nothing {}, Some(&token)).await.map_err(spent_token)?;
    let Content { secret_id } = answer.data()?;
    Ok(secret_id)
}

/// Spent, expired and forged tokens all get the same 400.
fn spent_token(error: Error) -> Error {
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
    fn only_the_roles_own_endpoint_makes_secret_ids() {
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
