//! What a login method is: something that turns a credential into a token.

use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Response, Token};

use crate::login::Login;
use crate::own::Own;

/// A way to log in. A program may bring its own: it is one implementation of this trait.
///
/// ```
/// use vault_auth::{Login, LoginClient, Method};
/// use vault_http::{ApiPath, Error};
///
/// /// The method of a plugin that trusts the machine it is called from.
/// #[derive(Debug)]
/// struct Machine;
///
/// #[async_trait::async_trait]
/// impl Method for Machine {
///     async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error> {
///         let body = serde_json::json!({ "role": "gateway" });
///         link.login(ApiPath::from_static("auth/machine/login"), &body).await
///     }
/// }
/// ```
#[async_trait]
pub trait Method: fmt::Debug + Send + Sync + 'static {
    /// Logs in once, with the credential as it is now. It may be dropped at any point.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] when the credential is not accepted; any other kind when nobody could
    /// be asked.
    async fn login(&self, link: &LoginClient<'_>) -> Result<Login, Error>;

    /// The files that the credential is read from. A login that can't be made is tried again when
    /// one of them changes.
    fn files(&self) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Whether a change of the files wants another token at once, while the last one still works:
    /// so for a token file, which holds the token itself.
    fn logs_in_on_file_change(&self) -> bool {
        false
    }

    /// Whether another login can be made at any time. `false` if a login uses the credential up, or
    /// if the credential is the token itself.
    fn is_repeatable(&self) -> bool {
        true
    }

    /// Whether the server locks out a role or a user after a number of failed logins. At most three
    /// are then made in 15 minutes.
    fn locks_out(&self) -> bool {
        false
    }
}

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
        let own = Own { client, namespace, deadline };
        match own.look_up(&token).await {
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
