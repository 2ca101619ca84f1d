//! A `reqwest::Client` of the caller whose requests carry the current token.

use std::fmt;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Request, Response, StatusCode};
use vault_http::{ApiPath, Denial, DenialOutcome, Generation, TokenSource};

use crate::auth::Auth;

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");
const NAMESPACE: HeaderName = HeaderName::from_static("x-vault-namespace");

/// A `reqwest::Client` that adds the current token of an [`Auth`] to its requests. Cheap to clone.
///
/// The token is sent in a header that is marked sensitive. If a 403 turns out to be caused by a
/// dead token, the request is sent once more with a new one.
///
/// The client needs a cryptography provider, which the program in the crate's README installs.
///
/// ```no_run
/// # async fn example(auth: vault_auth::Auth) -> Result<(), Box<dyn std::error::Error>> {
/// let vault = vault_auth::AuthenticatedClient::build(reqwest::Client::builder(), auth)?;
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
    /// Builds a client that follows no redirects and sends the tokens of `auth`.
    ///
    /// # Errors
    /// The errors of [`ClientBuilder::build`].
    pub fn build(client: ClientBuilder, auth: Auth) -> reqwest::Result<Self> {
        Ok(Self::new(client.redirect(Policy::none()).build()?, auth))
    }

    /// Creates a client that sends the tokens of `auth` through an existing client.
    ///
    /// That client must have been built with `redirect(Policy::none())`. Otherwise `reqwest` sends
    /// the token to any host that a redirect names.
    pub fn new(client: Client, auth: Auth) -> Self {
        Self { client, auth, namespace: None }
    }

    /// Sets the namespace of requests that do not name one themselves.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&ApiPath>) -> Self {
        self.namespace = namespace.and_then(|path| {
            HeaderValue::from_str(&path.decoded()).or_else(|_| path.as_str().parse()).ok()
        });
        self
    }

    /// Returns the client that builds requests. It does not add the token.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request with the current token, and waits for a login if there is none.
    ///
    /// Any status is returned as a response. A 403 means that the token is valid and its policies
    /// deny the path. A request with a streaming body, which cannot be cloned, is sent only once.
    ///
    /// # Errors
    /// [`SendError::Token`] if there is no token, or if the token could not be looked up after a
    /// 403. [`SendError::Http`] if [`Client::execute`] fails.
    pub async fn execute(&self, request: Request) -> Result<Response, SendError> {
        let again = request.try_clone();
        let (response, generation) = self.send(request).await?;
        let Some(again) = again.filter(|_| response.status() == StatusCode::FORBIDDEN) else {
            return Ok(response);
        };
        // The body is left to the caller, so only a look-up can show whether the token is dead.
        let denial = Denial::new(generation, false);
        match self.auth.denied(denial).await.map_err(SendError::Token)? {
            DenialOutcome::Replaced => Ok(self.send(again).await?.0),
            // `PathDenied`; every other outcome leaves the response as it is, too.
            _ => Ok(response),
        }
    }

    async fn send(&self, mut request: Request) -> Result<(Response, Generation), SendError> {
        let issued = self.auth.token().await.map_err(SendError::Token)?;
        let headers = request.headers_mut();
        headers.insert(TOKEN, issued.token.header());
        if let Some(namespace) = &self.namespace {
            headers.entry(NAMESPACE).or_insert_with(|| namespace.clone());
        }
        let response = self.client.execute(request).await;
        // The query of the URL may hold a secret.
        let response = response.map_err(|error| SendError::Http(error.without_url()))?;
        Ok((response, issued.generation))
    }
}

impl fmt::Debug for AuthenticatedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticatedClient").field("auth", &self.auth).finish_non_exhaustive()
    }
}

/// An error of [`AuthenticatedClient::execute`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// There is no token, or it could not be looked up after a 403.
    #[error("no token")]
    Token(#[source] vault_http::Error),
    /// Sending the request failed.
    #[error("request failed")]
    Http(#[source] reqwest::Error),
}
