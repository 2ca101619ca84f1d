//! The origin of requests, as `reqwest` addresses it.

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Uri};
use reqwest::Url;

use super::error::invalid_request;
use crate::address::without_brackets;
use crate::error::ErrorKind;
use crate::transport::TransportError;

/// An origin and the URL under which `reqwest` connects to it.
///
/// The host of that URL becomes the server name of the TLS handshake. If another server name is
/// configured, it replaces the host, and the resolver looks up the real host.
pub(super) struct Endpoint {
    scheme: Scheme,
    authority: Authority,
    /// The URL without a path.
    url: Url,
    /// The `Host` header, if it differs from the host of the URL.
    host: Option<HeaderValue>,
}

impl Endpoint {
    /// Creates the endpoint of the origin of `uri`.
    pub(super) fn new(uri: &Uri, server_name: Option<&str>) -> Result<Self, TransportError> {
        let (scheme, authority) = scheme_and_authority(uri)?;
        let (scheme, authority) = (scheme.clone(), authority.clone());
        let port = authority.as_str().strip_prefix(authority.host()).unwrap_or_default();
        let url_host = server_name.unwrap_or(authority.host());
        let url = Url::parse(&format!("{scheme}://{url_host}{port}/"))
            .map_err(|error| invalid_request("invalid URL", error))?;
        let host = server_name.map(|_| HeaderValue::from_str(authority.as_str())).transpose();
        let host = host.map_err(|error| invalid_request("invalid Host header", error))?;
        Ok(Self { scheme, authority, url, host })
    }

    /// Returns whether `uri` has the origin of this endpoint.
    pub(super) fn serves(&self, uri: &Uri) -> bool {
        uri.scheme() == Some(&self.scheme) && uri.authority() == Some(&self.authority)
    }

    /// Returns the host of the origin, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        without_brackets(self.authority.host())
    }

    /// Converts a request to this origin into one of `reqwest`.
    pub(super) fn convert(&self, request: http::Request<Bytes>) -> reqwest::Request {
        let (head, body) = request.into_parts();
        // Parsing a whole URL is far more expensive than replacing the path of one.
        let mut url = self.url.clone();
        url.set_path(head.uri.path());
        url.set_query(head.uri.query());
        let mut converted = reqwest::Request::new(head.method, url);
        *converted.headers_mut() = head.headers;
        if let Some(host) = &self.host {
            converted.headers_mut().insert(HOST, host.clone());
        }
        if !body.is_empty() {
            *converted.body_mut() = Some(body.into());
        }
        converted
    }
}

fn scheme_and_authority(uri: &Uri) -> Result<(&Scheme, &Authority), TransportError> {
    uri.scheme()
        .zip(uri.authority())
        .ok_or_else(|| TransportError::new(ErrorKind::Rejected).with_detail("invalid URL"))
}
