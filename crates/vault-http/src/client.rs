//! One exchange: a request goes out, an answer or an [`Error`] comes back by the deadline.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tracing::debug;

use crate::address::Address;
use crate::builder::ClientBuilder;
use crate::classify::{Notes, classify};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::kind::Kind;
use crate::request::Request;
use crate::response::Response;
use crate::tls;
use crate::token::Token;
use crate::transport::Pool;
use crate::wiped::{self, Wiped};

/// Largest answer that is read, in bytes. The largest secret that Vault stores is 1 MiB.
pub const MAX_BODY_BYTES: usize = 4 * 1024 * 1024;

/// A connection pool to one server. Cheap to clone; all clones share the pool.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    pool: Pool,
    address: Address,
    deadline: Duration,
}

impl Client {
    /// Begins a client for the server at `address`.
    pub fn builder(address: Address) -> ClientBuilder {
        ClientBuilder::new(address)
    }

    pub(crate) fn new(pool: Pool, address: Address, deadline: Duration) -> Self {
        Self(Arc::new(Inner { pool, address, deadline }))
    }

    /// The server's address.
    pub fn address(&self) -> &Address {
        &self.0.address
    }

    /// The deadline of an operation that begins now.
    pub fn deadline(&self) -> Deadline {
        Deadline::after(self.0.deadline)
    }

    /// Sends `request` with `token` and waits for the answer until `deadline`.
    ///
    /// Safe to cancel: dropping the future closes its connection. Whether a write was executed is
    /// then unknown.
    ///
    /// # Errors
    /// [`Error::kind`] names the cause, and [`Kind::class`] what may be done about it.
    pub async fn send(
        &self,
        request: &Request,
        token: Option<&Token>,
        deadline: Deadline,
    ) -> Result<Response, Error> {
        let outcome = deadline.bound(self.exchange(request, token)).await;
        let outcome = outcome.unwrap_or_else(|| Err(request.error(Kind::Timeout)));
        match &outcome {
            Ok(answer) => debug!(?request, status = answer.status(), "answered"),
            Err(error) => debug!(?request, kind = ?error.kind(), "failed"),
        }
        outcome
    }

    async fn exchange(&self, request: &Request, token: Option<&Token>) -> Result<Response, Error> {
        let outgoing = self.outgoing(request, token)?;
        let answer = self.0.pool.request(outgoing).await.map_err(|e| send_error(request, e))?;
        let (head, body) = answer.into_parts();
        let body =
            read(request, &head.headers, body).await.map_err(|e| e.with_status(head.status))?;
        settle(request, head.status, &head.headers, body)
    }

    fn outgoing(
        &self,
        request: &Request,
        token: Option<&Token>,
    ) -> Result<http::Request<Full<bytes::Bytes>>, Error> {
        let rejected =
            || request.error(Kind::Rejected).with_detail("it has no valid form").unsent();
        let uri = self.0.address.uri(&request.path, &request.query).map_err(|_| rejected())?;
        let mut outgoing = http::Request::new(Full::new(request.body.clone()));
        *outgoing.method_mut() = request.method.clone();
        *outgoing.uri_mut() = uri;
        let headers = outgoing.headers_mut();
        headers.insert("x-vault-request", HeaderValue::from_static("true"));
        if let Some(token) = token {
            headers.insert("x-vault-token", token.header().clone());
        }
        if let Some(namespace) = &request.namespace {
            headers.insert("x-vault-namespace", namespace.clone());
        }
        if !request.body.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(request.content_type));
        }
        Ok(outgoing)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("address", &self.0.address).finish_non_exhaustive()
    }
}

/// What a failure before the first byte of an answer means.
fn send_error(request: &Request, error: hyper_util::client::legacy::Error) -> Error {
    if let Some(detail) = tls::failure(&error) {
        return request.error(Kind::Tls).with_detail(detail).with_source(error);
    }
    let kind = if error.is_connect() { Kind::Unreachable } else { Kind::Interrupted };
    request.error(kind).with_source(error)
}

/// Reads the whole body, within its bound.
async fn read(request: &Request, headers: &HeaderMap, mut body: Incoming) -> Result<Wiped, Error> {
    let malformed = |detail| request.error(Kind::Malformed).with_detail(detail);
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(malformed("it is compressed, which was not asked for"));
    }
    let mut buffer = Wiped::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| request.error(Kind::Interrupted).with_source(error))?;
        let fits =
            frame.data_ref().is_none_or(|data| wiped::append(&mut buffer, data, MAX_BODY_BYTES));
        if !fits {
            return Err(malformed("it is larger than 4 MiB"));
        }
    }
    Ok(buffer)
}

/// Tells an answer from an error.
fn settle(
    request: &Request,
    status: StatusCode,
    headers: &HeaderMap,
    body: Wiped,
) -> Result<Response, Error> {
    if let Some(kind) = classify(status, &body) {
        let after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let error = request.error(kind).with_status(status);
        return Err(error.with_retry_after(after.map(Duration::from_secs)));
    }
    let response = Response::new(status, body, request);
    // 204 says nothing more; everything else is an envelope without errors.
    if status != StatusCode::NO_CONTENT && response.json::<Notes>()?.errors.is_some() {
        return Err(response.malformed("it says that it worked, and has errors"));
    }
    Ok(response)
}
