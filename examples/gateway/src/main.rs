//! A small LLM gateway: it forwards chat requests with the provider's key, which comes from Vault, is
//! in memory when it is needed, and follows a rotation without a restart.
//!
//! `gateway LISTEN UPSTREAM`, with the settings of `km` in the environment.
#![expect(clippy::print_stderr, reason = "an example for people to read")]

use std::error::Error;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use km_proxy_adapter::{Handle, KeyManager, VaultValidator};
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
    // One provider of cryptography for the whole program.
    let provider = rustls::crypto::ring::default_provider();
    provider.install_default().map_err(|_| "there is another provider already")?;

    // Everything that is wrong with the settings is reported here, at once.
    let sources = Sources { env: &ProcessEnv, yaml: None, validator: &VaultValidator };
    let keys = KeyManager::connect(Settings::from_sources(&sources)?).await?;

    // The name is resolved once; from here on the key is where it is used.
    let key = keys.handle("os.environ/OPENAI_API_KEY")?;
    let version = key.secret().await?.version();
    eprintln!("the key is version {}", version.unwrap_or_default());

    let mut background = JoinSet::new();
    background.spawn(tell_of_rotations(key.clone()));

    let gateway = Gateway { key, upstream, http: reqwest::Client::new() };
    let routes = Router::new().route("/v1/chat/completions", post(chat)).with_state(gateway);
    let listener = tokio::net::TcpListener::bind(&listen).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    axum::serve(listener, routes).await?;
    Ok(())
}

/// While somebody waits for news of a key, it is kept fresh; a rotation needs no restart.
async fn tell_of_rotations(mut key: Handle) {
    loop {
        key.changed().await;
        match key.secret().await {
            Ok(secret) => eprintln!("the key is version {}", secret.version().unwrap_or_default()),
            Err(error) => eprintln!("there is no key: {}", error.message()),
        }
    }
}

async fn chat(State(gateway): State<Gateway>, body: Bytes) -> Response {
    let key = match gateway.key.secret().await {
        Ok(key) => key,
        // What is wrong is said in the log; a client learns that it is not its fault.
        Err(error) => {
            eprintln!("no key: {}", error.message());
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
    };
    let request = gateway
        .http
        .post(format!("{}/v1/chat/completions", gateway.upstream))
        .bearer_auth(key.expose())
        .header(header::CONTENT_TYPE, "application/json")
        .body(body);
    // The value is held no longer than it is needed.
    drop(key);
    match answer(request).await {
        Ok(answer) => answer,
        Err(error) => {
            eprintln!("no answer from upstream: {error}");
            StatusCode::BAD_GATEWAY.into_response()
        }
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Response, reqwest::Error> {
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.bytes().await?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}
