//! A plain HTTP client for setup and for independent checks: no retries, no cache, no code of the
//! product.

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

use crate::certs::Pem;

/// A client of one server.
#[derive(Debug, Clone)]
pub struct Raw {
    base: String,
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Raw {
    /// Creates a client of the server at `base`, such as `http://127.0.0.1:8200`.
    ///
    /// # Errors
    /// The TLS configuration is invalid.
    pub fn new(base: &str) -> Result<Self> {
        Self::with_tls(base, None, None)
    }

    /// Creates a client that trusts only `ca` (PEM) and presents `identity`.
    ///
    /// # Errors
    /// A PEM is invalid, or the key does not match the certificate.
    pub fn with_tls(base: &str, ca: Option<&str>, identity: Option<&Pem>) -> Result<Self> {
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls(ca, identity)?)
            .https_or_http()
            .enable_http1()
            .build();
        // Each test has its own runtime, and a connection does not survive its runtime.
        let http = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
        Ok(Self { base: base.trim_end_matches('/').to_owned(), http })
    }

    /// Sends a request; `path` follows `/v1/`. Returns the status and the body (`null` if empty).
    ///
    /// # Errors
    /// There is no response, or it is not JSON. No status is an error.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: impl Into<Option<Value>>,
    ) -> Result<(u16, Value)> {
        let headers: Vec<_> = token.map(|token| ("X-Vault-Token", token)).into_iter().collect();
        self.exchange(method, path, &headers, body.into()).await
    }

    /// Like [`Raw::call`], with any headers.
    ///
    /// # Errors
    /// Like [`Raw::call`].
    pub async fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<(u16, Value)> {
        let what = format!("{method} {}/v1/{path}", self.base);
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes())?)
            .uri(format!("{}/v1/{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let request = request.body(Full::from(body)).with_context(|| what.clone())?;
        let answer = self.http.request(request).await.with_context(|| what.clone())?;
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.with_context(|| what.clone())?.to_bytes();
        if bytes.is_empty() {
            return Ok((status, Value::Null));
        }
        let json = serde_json::from_slice(&bytes);
        Ok((status, json.with_context(|| format!("{what}: {status}, no JSON"))?))
    }

    /// Logs in at `auth/{path}` and returns the token.
    ///
    /// # Errors
    /// The login is refused.
    pub async fn login(&self, path: &str, body: Value) -> Result<String> {
        self.login_at(&format!("auth/{path}"), body).await
    }

    /// Like [`Raw::login`], at a path from the root namespace, such as `teams/auth/approle/login`.
    ///
    /// # Errors
    /// Like [`Raw::login`].
    pub async fn login_at(&self, path: &str, body: Value) -> Result<String> {
        let (status, answer) = self.call("POST", path, None, body).await?;
        ensure!(status == 200, "login at {path}: {status} {answer}");
        let token = answer.pointer("/auth/client_token").and_then(Value::as_str);
        token.map(str::to_owned).context("a login without a token")
    }
}

/// Percent-encodes every byte that is not a letter or a digit, for the paths of [`Raw`].
pub fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => text.push(byte.into()),
            // Writing to a string cannot fail.
            _ => drop(write!(text, "%{byte:02X}")),
        }
        text
    })
}

fn tls(ca: Option<&str>, identity: Option<&Pem>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca.unwrap_or_default().as_bytes()) {
        roots.add(certificate?)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let Some(identity) = identity else {
        return Ok(config.with_no_client_auth());
    };
    let chain = CertificateDer::pem_slice_iter(identity.certificate.as_bytes());
    let chain = chain.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes())?;
    Ok(config.with_client_auth_cert(chain, key)?)
}
