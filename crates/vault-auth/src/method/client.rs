//! What a login method is: something that turns a credential into a token.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Response, Token};

use crate::login::Login;
use crate::token_self::TokenSelf;

/// The way to the server that a method gets for one login.
#[derive(Debug)]
pub struct LoginClient<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: Option<&'a ApiPath>,
    pub(crate) deadline: Deadline,
}

impl LoginClient<'_> {
    /// The namespace that the login is sent to.
    pub fn namespace(&self) -> Option<&ApiPath> {
        self.namespace
    }

    /// Has what is sent from now on go over new connections: they show the certificate that the
    /// client has now.
    pub fn reconnect(&self) {
        self.client.reconnect();
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
        // A secret ID can be unwrapped once: giving up would lose it.
        let request = Request::post(path, body)?.namespace(self.namespace).first_byte_limit(None);
        let answer = self.client.send(&request, token, self.deadline).await?;
        answer.expect_status(&[200, 204])?;
        Ok(answer)
    }

    /// Sends a login, once, and reads its answer.
    ///
    /// # Errors
    /// Any refusal is [`ErrorKind::LoginRefused`]; an answer without a usable token is
    /// [`ErrorKind::Malformed`].
    pub async fn login(
        &self,
        path: ApiPath,
        body: &(impl Serialize + Sync),
    ) -> Result<Login, Error> {
        let request = Request::post(path, body)?.namespace(self.namespace);
        // The server may have to ask a directory or review a token first.
        let request = request.without_retries().first_byte_limit(None);
        let answer = self.client.send(&request, None, self.deadline).await;
        Login::from_answer(&answer.map_err(refused)?)
    }

    /// Looks `token` up: what kind it is, and how long it lives. This costs a use of a token that
    /// has a number of them.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] when the token is dead. One that may not look itself up is taken for
    /// one without an end.
    pub async fn look_up(&self, token: Token) -> Result<Login, Error> {
        let &Self { client, namespace, deadline } = self;
        let requests = TokenSelf { client, namespace, deadline };
        match requests.look_up(&token).await {
            Ok(answer) => Login::from_look_up(token, &answer),
            Err(error) if error.kind() == ErrorKind::Denied => Ok(Login::new(token)),
            Err(error) => Err(refused(error)),
        }
    }
}

/// A "no" to a login, whatever its words: the credential, the role or the auth mount is wrong, or
/// the role is locked out.
fn refused(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Rejected
        | ErrorKind::TokenInvalid
        | ErrorKind::Denied
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::NoMount
        | ErrorKind::NoNamespace => error.into_kind(ErrorKind::LoginRefused),
        _ => error,
    }
}

/// A secret in a request's body.
#[derive(Serialize)]
pub(crate) struct Exposed(#[serde(serialize_with = "expose")] pub(crate) SecretString);

/// Serializes a secret in a request's body.
pub(crate) fn expose<S: serde::Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

const AUTH: ApiPath = ApiPath::from_static("auth");
const LOGIN: ApiPath = ApiPath::from_static("login");

/// `auth/{mount}/login`.
pub(super) fn login_path(mount: &ApiPath) -> ApiPath {
    AUTH.join(mount).join(&LOGIN)
}
