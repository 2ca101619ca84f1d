//! A request to Vault, complete but for the token.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde::Serialize;

use crate::error::Error;
use crate::error::kind::ErrorKind;
use crate::json;
use crate::path::{self, ApiPath};
use crate::transport::TransportError;

/// The longest wait for the first byte of a response, unless another is set.
const FIRST_BYTE_LIMIT: Duration = Duration::from_secs(2);

/// One request. Its path can't hold a bad segment, its body is wiped with its last clone.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) path: ApiPath,
    pub(crate) query: String,
    pub(crate) namespace: Option<HeaderValue>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    pub(crate) idempotent: bool,
    pub(crate) once: bool,
    pub(crate) first_byte_limit: Option<Duration>,
    /// Whether a 404 with data in place of errors is an answer.
    pub(crate) not_found_data: bool,
}

impl Request {
    /// A request without a body. Vault's `LIST` is a method of its own: see [`Request::list`].
    pub fn new(method: Method, path: ApiPath) -> Self {
        let idempotent = method == Method::GET;
        Self {
            method,
            path,
            query: String::new(),
            namespace: None,
            content_type: "application/json",
            body: Bytes::new(),
            idempotent,
            once: false,
            first_byte_limit: Some(FIRST_BYTE_LIMIT),
            not_found_data: false,
        }
    }

    /// `GET path`.
    pub fn get(path: ApiPath) -> Self {
        Self::new(Method::GET, path)
    }

    /// `DELETE path`.
    pub fn delete(path: ApiPath) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// The names below `path`, as `GET path?list=true`: what every proxy lets through.
    pub fn list(path: ApiPath) -> Self {
        Self::get(path).query("list", "true")
    }

    /// `POST path` with `body` as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Rejected`] when `body` has no JSON form.
    pub fn post(path: ApiPath, body: &impl Serialize) -> Result<Self, Error> {
        Self::new(Method::POST, path).json(body)
    }

    /// `PATCH path` with `body` as a JSON merge patch.
    ///
    /// # Errors
    /// As [`Request::post`].
    pub fn patch(path: ApiPath, body: &impl Serialize) -> Result<Self, Error> {
        let mut request = Self::new(Method::PATCH, path).json(body)?;
        request.content_type = "application/merge-patch+json";
        Ok(request)
    }

    fn json(mut self, body: &impl Serialize) -> Result<Self, Error> {
        let bytes = json::to_vec(body).map_err(|_| {
            Error::of(ErrorKind::Rejected, &self.method, &self.path)
                .with_detail("the body has no JSON form")
                .mark_not_executed()
        })?;
        self.body = Bytes::from_owner(bytes);
        Ok(self)
    }

    /// Adds a parameter to the query, percent-encoded.
    #[must_use]
    pub fn query(mut self, name: &str, value: &str) -> Self {
        if !self.query.is_empty() {
            self.query.push('&');
        }
        self.query.extend(path::encode(name));
        self.query.push('=');
        self.query.extend(path::encode(value));
        self
    }

    /// Sets the `X-Vault-Namespace` header.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&ApiPath>) -> Self {
        // An `ApiPath` is visible ASCII, which every header takes. Vault decodes nothing here, so
        // the plain text is sent where it can be.
        self.namespace = namespace.and_then(|path| {
            HeaderValue::from_str(&path.decoded()).or_else(|_| path.as_str().parse()).ok()
        });
        self
    }

    /// Marks a request that changes nothing although its method could: a question in a body.
    #[must_use]
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Marks a request that is sent once, whatever it meets: its sender plans and counts the tries.
    #[must_use]
    pub fn without_retries(mut self) -> Self {
        self.once = true;
        self
    }

    /// Sets the longest wait for the first byte of the response, connecting included; `None` leaves
    /// the deadline alone. A request that takes its time at the server, or that is lost for good
    /// with its response, has none: a login, a renewal, an unwrapping. Two seconds unless set, which
    /// leaves time for a second try.
    #[must_use]
    pub fn first_byte_limit(mut self, limit: Option<Duration>) -> Self {
        self.first_byte_limit = limit;
        self
    }

    /// Has a 404 that carries data in place of errors count as an answer, which is how the KV engine
    /// answers for a deleted version. Any other request takes it for a gateway's.
    #[must_use]
    pub fn accept_not_found_data(mut self) -> Self {
        self.not_found_data = true;
        self
    }

    /// Bytes in the body.
    pub fn body_len(&self) -> usize {
        self.body.len()
    }

    /// The error of an exchange that gave no whole response.
    pub(crate) fn failed(&self, failure: TransportError) -> Error {
        let mut error = self.error(failure.kind).with_executed(failure.executed);
        if let Some(detail) = failure.detail {
            error = error.with_detail(detail);
        }
        if let Some(status) = failure.status {
            error = error.with_status(status);
        }
        match failure.source {
            Some(source) => error.with_shared_source(source),
            None => error,
        }
    }

    /// The method and the path, as they stand in errors.
    pub(crate) fn error(&self, kind: ErrorKind) -> Error {
        Error::of(kind, &self.method, &self.path)
    }
}

/// The method and the path.
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_are_percent_encoded() {
        let request = Request::get(ApiPath::from_static("sys/x"))
            .query("version", "3")
            .query("after", "a&list=true#é /?");
        assert_eq!(request.query, "version=3&after=a%26list%3Dtrue%23%C3%A9%20%2F%3F");
    }
}
