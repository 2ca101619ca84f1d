//! Requests to the native API of a sidecar.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request};
use http_body_util::Full;
use km_proxy_adapter::{ErrorKind, json};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::address::SidecarAddress;
use super::connection::Connection;
use super::{response, token_file};
use crate::error::Failure;

/// The time limit for a request, from the connection to the last byte of the response. `km serve`
/// responds within 10 s.
const TIMEOUT: Duration = Duration::from_secs(12);

const TOKEN: HeaderName = HeaderName::from_static("x-vault-token");

/// A sidecar, with the token for it. Each request has its own connection.
#[derive(Debug)]
pub(crate) struct Sidecar {
    address: SidecarAddress,
    token: Option<HeaderValue>,
}

impl Sidecar {
    /// Finds the sidecar by the option `--server` or the environment. Nothing is sent.
    ///
    /// # Errors
    ///
    /// `Usage` or `Settings` if the address or the file of the token is not valid.
    pub(crate) async fn find(server: Option<&str>) -> Result<Self, Failure> {
        let address = SidecarAddress::find(server)?;
        Ok(Self { address, token: token_file::load().await? })
    }

    /// Returns the sidecar at the address in this option. Nothing is sent.
    ///
    /// # Errors
    ///
    /// Those of [`find`](Self::find).
    pub(crate) async fn at(address: &str, option: &str) -> Result<Self, Failure> {
        let address = SidecarAddress::parse(address, option)?;
        Ok(Self { address, token: token_file::load().await? })
    }

    /// Sends a GET request to a path with an optional query, and returns the document of the
    /// response.
    ///
    /// # Errors
    ///
    /// - `Unavailable` if no sidecar responds in time, or if the response is malformed or too large.
    /// - `Denied` if this user cannot connect to the socket, or if it is another user's.
    /// - The sidecar's own error, which is `Auth` if it does not accept the token.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Sends a POST request with a JSON body, and returns the document of the response.
    ///
    /// # Errors
    ///
    /// Those of [`get`](Self::get).
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = json::to_vec(body).map_err(|_| internal("write the request as JSON"))?;
        self.send(Method::POST, path, Bytes::from_owner(body)).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<T, Failure> {
        let request = self.request(method, path, body)?;
        let exchange = async {
            let mut connection = Connection::open(&self.address).await?;
            let response = connection.send(request).await?;
            response::read(&self.address, response).await
        };
        let (status, body) = timeout(TIMEOUT, exchange).await.unwrap_or_else(|_| {
            Err(response::failed(&self.address, &format!("timed out after {TIMEOUT:?}")))
        })?;
        response::parse(&self.address, status, &body)
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, Failure> {
        let request = Request::builder().method(method).uri(path).header(HOST, self.address.host());
        let mut request = request
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|_| internal("build the request"))?;
        if let Some(token) = &self.token {
            request.headers_mut().insert(TOKEN, token.clone());
        }
        Ok(request)
    }
}

fn internal(operation: &str) -> Failure {
    Failure::new(ErrorKind::Internal, format!("internal: cannot {operation}"), "report this bug")
}
