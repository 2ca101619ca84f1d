//! The requests that a login method can send.

use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use vault_http::{ApiPath, Client, Deadline, Error, ErrorKind, Request, Response, Token};

use crate::login::Login;
use crate::token_self::TokenSelf;

const AUTH: ApiPath = ApiPath::from_static("auth");
const LOGIN: ApiPath = ApiPath::from_static("login");

/// The client of a single login. All its requests share one deadline.
#[derive(Debug)]
pub struct LoginClient<'a> {
    pub(crate) client: &'a Client,
    pub(crate) namespace: Option<&'a ApiPath>,
    pub(crate) deadline: Deadline,
}

impl LoginClient<'_> {
    /// Returns the namespace of the login.
    pub fn namespace(&self) -> Option<&ApiPath> {
        self.namespace
    }

    /// Makes subsequent requests use new connections, which present the current client certificate.
    pub fn reconnect(&self) {
        self.client.reconnect();
    }

    /// Sends `body` to `path` in the namespace of the login, with `token` if the request needs one.
    ///
    /// # Errors
    /// The errors of [`Client::send`], and an error for any status but 200 and 204.
    pub async fn post(
        &self,
        path: ApiPath,
        body: &(impl Serialize + Sync),
        token: Option<&Token>,
    ) -> Result<Response, Error> {
        // A secret ID can be unwrapped only once. Giving up on a slow response would lose it.
        let request = Request::post(path, body)?.namespace(self.namespace).first_byte_limit(None);
        let response = self.client.send(&request, token, self.deadline).await?;
        response.expect_status(&[200, 204])?;
        Ok(response)
    }

    /// Sends a login request, without retries, and parses the response.
    ///
    /// # Errors
    /// [`ErrorKind::NoNamespace`] if the namespace of the login does not exist,
    /// [`ErrorKind::LoginRefused`] if the server refuses the login for any other reason, and
    /// [`ErrorKind::Malformed`] if the response has no usable token.
    pub async fn login(
        &self,
        path: ApiPath,
        body: &(impl Serialize + Sync),
    ) -> Result<Login, Error> {
        let request = Request::post(path, body)?.namespace(self.namespace);
        // The server may have to query a directory or review a token first.
        let request = request.without_retries().first_byte_limit(None);
        let response = self.client.send(&request, None, self.deadline).await;
        Login::from_response(&response.map_err(into_login_refused)?)
    }

    /// Looks up `token`, which shows its kind and TTL. This takes one use of a use-limited token.
    ///
    /// If the token's policies do not allow the look-up, its expiry is taken as not known.
    ///
    /// # Errors
    /// [`ErrorKind::LoginRefused`] if the token is not valid.
    pub async fn look_up(&self, token: Token) -> Result<Login, Error> {
        let &Self { client, namespace, deadline } = self;
        let requests = TokenSelf { client, namespace, deadline };
        match requests.look_up(&token).await {
            Ok(response) => Login::from_look_up(token, &response),
            Err(error) if error.kind() == ErrorKind::Denied => Ok(Login::new(token)),
            Err(error) => Err(into_login_refused(error)),
        }
    }
}

/// Returns the path `auth/{mount}/login`.
pub(super) fn login_path(mount: &ApiPath) -> ApiPath {
    AUTH.join(mount).join(&LOGIN)
}

/// Converts every kind by which a server refuses a login: the credential, the role or the mount may
/// be wrong, or the role may be locked out. A missing namespace keeps its kind, because it says
/// nothing about the credential.
fn into_login_refused(error: Error) -> Error {
    match error.kind() {
        ErrorKind::Rejected
        | ErrorKind::TokenInvalid
        | ErrorKind::Denied
        | ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::NoMount => error.into_kind(ErrorKind::LoginRefused),
        _ => error,
    }
}

/// A secret in a request body.
#[derive(Serialize)]
pub(super) struct Exposed(#[serde(serialize_with = "expose")] pub(super) SecretString);

/// Serializes a secret into a request body.
pub(super) fn expose<S: serde::Serializer>(
    secret: &SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}
