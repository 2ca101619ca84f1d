//! A small LLM gateway that forwards chat requests with the provider's key from Vault.
//!
//! The key is cached. A rotated key is used without a restart: Vault is read again while the key is
//! in use, and at once if the provider rejects it.
//!
//! `gateway LISTEN UPSTREAM`, with the settings of `km` in the environment.
#![expect(clippy::print_stderr, reason = "an example reports to its user")]

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use km_proxy_adapter::{Handle, KeyManager, Refresh, Secret, VaultValidator};
use km_settings::{ProcessEnv, Settings, Sources};
use tokio::task::JoinSet;

#[derive(Clone)]
struct Gateway {
    key: Handle,
    upstream: String,
    http: reqwest::Client,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listen = arguments.next().ok_or("usage: gateway LISTEN UPSTREAM")?;
    let upstream = arguments.next().ok_or("usage: gateway LISTEN UPSTREAM")?;
    // rustls needs one provider of cryptography for the process.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "a provider of cryptography is installed already")?;

    // Reports all problems of the settings together.
    let sources = Sources { env: &ProcessEnv, yaml: None, validator: &VaultValidator };
    let keys = KeyManager::connect(Settings::from_sources(&sources)?).await?;

    // The name is resolved once. Requests read the key through the handle.
    let key = keys.handle("os.environ/OPENAI_API_KEY")?;
    let version = key.secret().await?.version();
    eprintln!("the key is version {}", version.unwrap_or_default());

    let mut background = JoinSet::new();
    background.spawn(log_rotations(key.clone()));

    let gateway = Gateway { key, upstream, http: reqwest::Client::new() };
    let routes = Router::new().route("/v1/chat/completions", post(chat)).with_state(gateway);
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

/// Logs each new version of the key. Waiting for a change keeps the cached key fresh.
async fn log_rotations(mut key: Handle) {
    loop {
        match key.changed().await {
            Ok(secret) => eprintln!("the key is version {}", secret.version().unwrap_or_default()),
            Err(error) => eprintln!("no key: {}", error.message()),
        }
    }
}

async fn chat(State(gateway): State<Gateway>, body: Bytes) -> Response {
    let key = match gateway.key.secret().await {
        Ok(key) => key,
        // The reason is logged; the client only learns that the gateway is not ready.
        Err(error) => {
            eprintln!("no key: {}", error.message());
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let version = key.version();
    let response = gateway.send(key, body.clone()).await;
    if response.status() == StatusCode::UNAUTHORIZED
        && let Some(newer) = gateway.newer_key(version).await
    {
        return gateway.send(newer, body).await;
    }
    response
}

impl Gateway {
    /// Sends a request to the provider.
    async fn send(&self, key: Secret, body: Bytes) -> Response {
        let request = self
            .http
            .post(format!("{}/v1/chat/completions", self.upstream))
            .bearer_auth(key.expose())
            .header(header::CONTENT_TYPE, "application/json")
            .body(body);
        // Release the value as soon as the request has it.
        drop(key);
        forward(request).await.unwrap_or_else(|error| {
            eprintln!("upstream request failed: {error}");
            StatusCode::BAD_GATEWAY.into_response()
        })
    }

    /// Returns the key that Vault has instead of the version that the provider rejected, if it has
    /// another one. Of many requests with the rejected key, one causes a read of Vault.
    async fn newer_key(&self, rejected: Option<u64>) -> Option<Secret> {
        let version = rejected?;
        if let Some(error) = self.key.refresh(Refresh::OfVersion(version)).await.error {
            eprintln!("cannot refresh the key: {}", error.message());
        }
        let key = self.key.secret().await.ok()?;
        (key.version() != rejected).then_some(key)
    }
}

async fn forward(request: reqwest::RequestBuilder) -> Result<Response, reqwest::Error> {
    let response = request.send().await?;
    let status = response.status();
    let body = response.bytes().await?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}
