//! A caller's own `reqwest` client whose requests carry the token of an [`Auth`].

use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Client, Request, Response, StatusCode};
use vault_http::{ApiPath, Denial, DenialOutcome, Generation, TokenSource};

use crate::auth::Auth;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// A `reqwest` client whose requests stay authenticated. Cheap to clone.
///
/// Each request carries the current token, in a header that is marked sensitive. A 403 is settled by
/// the token source: a request whose token turned out to be dead is sent once more with another one.
///
/// Build the client with `redirect(Policy::none())`: by default, `reqwest` sends the token on to
/// whatever host a redirect names. It needs a provider of cryptography, as the program in the crate's
/// README installs it, or a feature of `reqwest` that brings one.
///
/// ```no_run
/// # async fn example(auth: vault_auth::Auth) -> Result<(), Box<dyn std::error::Error>> {
/// let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
/// let vault = vault_auth::AuthenticatedClient::new(http, auth);
/// let request = vault.client().get("https://vault.example.com:8200/v1/secret/data/a").build()?;
/// let response = vault.execute(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AuthenticatedClient {
    client: Client,
    auth: Auth,
    namespace: Option<HeaderValue>,
}

impl AuthenticatedClient {
    /// A client that sends the tokens of `auth`.
    pub fn new(client: Client, auth: Auth) -> Self {
        Self { client, auth, namespace: None }
    }

    /// Sends requests to this namespace, unless they name another one.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&ApiPath>) -> Self {
        self.namespace = namespace.and_then(|path| {
            HeaderValue::from_str(&path.decoded()).or_else(|_| path.as_str().parse()).ok()
        });
        self
    }

    /// The client without a token, which builds requests.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request with the current token. Waits for a login if there is none.
    ///
    /// A request whose body can't be cloned, a stream, is sent once.
    ///
    /// # Errors
    /// [`SendError::Token`] if there is no token, or if a denial could not be settled, and
    /// [`SendError::Http`] as [`Client::execute`]. Any status is a response, 403 included: then the
    /// token lives, and its policies deny the path.
    pub async fn execute(&self, request: Request) -> Result<Response, SendError> {
        let again = request.try_clone();
        let (response, generation) = self.send(request).await?;
        let Some(again) = again.filter(|_| response.status() == StatusCode::FORBIDDEN) else {
            return Ok(response);
        };
        // The body is the caller's to read. A look-up shows whether the token is dead.
        let denial = Denial { generation, token_invalid: false };
        match self.auth.denied(denial).await.map_err(SendError::Token)? {
            DenialOutcome::PathDenied => Ok(response),
            DenialOutcome::Replaced => Ok(self.send(again).await?.0),
        }
    }

    async fn send(&self, mut request: Request) -> Result<(Response, Generation), SendError> {
        let lease = self.auth.token().await.map_err(SendError::Token)?;
        let headers = request.headers_mut();
        headers.insert(TOKEN, lease.token.header());
        if let Some(namespace) = &self.namespace {
            headers.entry(NAMESPACE).or_insert_with(|| namespace.clone());
        }
        let response = self.client.execute(request).await;
        // The URL may have a query.
        let response = response.map_err(|error| SendError::Http(error.without_url()))?;
        Ok((response, lease.generation))
    }
}

impl fmt::Debug for AuthenticatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatedClient").field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// The reasons why a request got no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no token, or it could not be found out whether it is dead.
    #[error("no token")]
    Token(#[source] vault_http::Error),
    /// The request failed.
    #[error("request failed")]
    Http(#[source] reqwest::Error),
}
