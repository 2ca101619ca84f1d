//! Requests of each method, and of some paths.

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use super::{HEALTH, Request};
use crate::error::{Error, ErrorKind};
use crate::json;
use crate::path::ApiPath;

const UNWRAP: ApiPath = ApiPath::from_static("sys/wrapping/unwrap");

impl Request {
    /// Creates a `GET` request.
    pub fn get(path: ApiPath) -> Self {
        Self::new(Method::GET, path)
    }

    /// Creates a request for the health of the node, which succeeds in every state of a node, so that
    /// the state is read from the body.
    pub fn health() -> Self {
        let states = [
            "sealedcode",
            "uninitcode",
            "standbycode",
            "drsecondarycode",
            "performancestandbycode",
            // A standby of Vault that cannot reach the active node.
            "haunhealthycode",
        ];
        let request = Self::get(HEALTH).in_root_namespace();
        states.iter().fold(request, |request, state| request.query(state, "200"))
    }

    /// Creates a `DELETE` request.
    pub fn delete(path: ApiPath) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Creates a request that lists the names below `path`. It is sent as `GET path?list=true`
    /// because proxies may reject the non-standard method `LIST`.
    pub fn list(path: ApiPath) -> Self {
        Self::get(path).query("list", "true")
    }

    /// Creates a `POST` request with a JSON body.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] if `body` cannot be serialized as JSON.
    pub fn post(path: ApiPath, body: &impl Serialize) -> Result<Self, Error> {
        Self::new(Method::POST, path).json(body)
    }

    /// Creates a `PUT` request with a JSON body, which Vault treats like `POST`.
    ///
    /// # Errors
    /// As for [`Request::post`].
    pub fn put(path: ApiPath, body: &impl Serialize) -> Result<Self, Error> {
        Self::new(Method::PUT, path).json(body)
    }

    /// Creates a `PATCH` request whose body is a
    /// [JSON merge patch](https://www.rfc-editor.org/rfc/rfc7396).
    ///
    /// # Errors
    /// As for [`Request::post`].
    pub fn patch(path: ApiPath, body: &impl Serialize) -> Result<Self, Error> {
        let mut request = Self::new(Method::PATCH, path).json(body)?;
        request.content_type = "application/merge-patch+json";
        Ok(request)
    }

    /// Creates the request that unwraps the token with which it is sent
    /// ([`Response::wrap_info`](crate::Response::wrap_info)). It is sent once and waits until the
    /// deadline, because a token can be unwrapped only once.
    pub fn unwrap_token() -> Self {
        Self::new(Method::POST, UNWRAP).without_retries().first_byte_limit(None)
    }

    /// Sets a JSON body, for a request of any method.
    ///
    /// # Errors
    /// As for [`Request::post`].
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = json::to_vec(body).map_err(|_| {
            self.error(ErrorKind::Rejected)
                .with_detail("the body cannot be serialized as JSON")
                .mark_not_executed()
        })?;
        self.body = Bytes::from_owner(bytes);
        Ok(self)
    }
}
