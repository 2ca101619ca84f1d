//! What a login method is: something that turns a credential into a token.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vault_http::{ApiPath, Client, Deadline, Error, Kind, Request, Response, Token};

/// A way to log in. A program may bring its own: it is one implementation of this trait.
#[async_trait]
pub trait Method: fmt::Debug + Send + Sync + 'static {
    /// Logs in once. The credential is read anew each time.
    ///
    /// # Errors
    /// [`Kind::LoginRefused`] when the credential is not accepted; any other kind when nobody could
    /// be asked.
    async fn login(&self, link: &Link<'_>) -> Result<Login, Error>;
}

/// What a login gave.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token.
    pub token: Token,
    /// How long it lives from before the login was sent; `None`: no end is known.
    pub lease: Option<Duration>,
}

/// The way to the server that a method gets for one login.
#[derive(Debug)]
pub struct Link<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: Option<&'a ApiPath>,
    pub(crate) deadline: Deadline,
}

impl Link<'_> {
    /// The namespace that the login is sent to.
    pub fn namespace(&self) -> Option<&ApiPath> {
        self.namespace
    }

    /// Sends `body` to `path`, with `token` where one is needed, in the login's namespace.
    ///
    /// # Errors
    /// As [`Client::send`].
    pub async fn post(
        &self,
        path: ApiPath,
        body: &(impl Serialize + Sync),
        token: Option<&Token>,
    ) -> Result<Response, Error> {
        let request = Request::post(path, body)?.namespace(self.namespace);
        self.client.send(&request, token, self.deadline).await
    }

    /// Sends a login and reads its answer.
    ///
    /// # Errors
    /// Any refusal is [`Kind::LoginRefused`]; an answer without a usable token is
    /// [`Kind::Malformed`].
    pub async fn login(
        &self,
        path: ApiPath,
        body: &(impl Serialize + Sync),
    ) -> Result<Login, Error> {
        let answer = self.post(path, body, None).await.map_err(refused)?;
        let Answer { auth } = answer.json()?;
        let auth = auth.ok_or_else(|| answer.malformed("the login has no `auth`"))?;
        let token = Token::new(&auth.client_token);
        let token = token.map_err(|_| answer.malformed("the login has no usable token"))?;
        let seconds = u64::try_from(auth.lease_duration)
            .map_err(|_| answer.malformed("the login has a negative lease"))?;
        // A lease of 0 is a token that does not end, such as root's.
        let lease = (seconds > 0).then(|| Duration::from_secs(seconds));
        Ok(Login { token, lease })
    }
}

#[derive(Deserialize)]
struct Answer {
    auth: Option<AuthBlock>,
}

#[derive(Deserialize)]
struct AuthBlock {
    client_token: SecretString,
    lease_duration: i64,
}

/// A "no" to a login, whatever its words: the credential, the role or the auth mount is wrong, or
/// the role is locked out.
fn refused(error: Error) -> Error {
    match error.kind() {
        Kind::Rejected
        | Kind::TokenInvalid
        | Kind::Denied
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::NoMount
        | Kind::NoNamespace => error.into_kind(Kind::LoginRefused),
        _ => error,
    }
}

/// A secret in a request's body.
pub(crate) fn expose<S: serde::Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
