//! The example of a Rust gateway, run as in its README: it serves while Vault is stopped, and uses
//! a rotated key without a restart.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::routing::post;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use testkit::{Server, secret};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

use crate::product::{environment, until};

/// A provider that accepts every key and records the last one.
struct Provider {
    address: String,
    shown: Arc<Mutex<String>>,
    _serving: JoinSet<()>,
}

impl Provider {
    async fn start() -> Result<Self> {
        let shown = Arc::<Mutex<String>>::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = format!("http://{}", listener.local_addr()?);
        let routes = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(Arc::clone(&shown));
        let mut serving = JoinSet::new();
        // Ends with the test.
        serving.spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(Self { address, shown, _serving: serving })
    }

    fn shown(&self) -> String {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn answer(State(shown): State<Arc<Mutex<String>>>, headers: HeaderMap) -> String {
    let key = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let key = key.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
    key.clone_into(&mut shown.lock().unwrap_or_else(PoisonError::into_inner));
    json!({ "choices": [{ "message": { "content": "hello" } }] }).to_string()
}

/// Waits until it prints its address.
async fn address_of(gateway: &mut Child) -> Result<String> {
    let stderr = gateway.stderr.take().context("its stderr is not piped")?;
    let mut lines = BufReader::new(stderr).lines();
    while let Some(line) = lines.next_line().await? {
        if let Some(address) = line.strip_prefix("listening on ") {
            return Ok(format!("http://{address}"));
        }
    }
    anyhow::bail!("the gateway has ended")
}

#[tokio::test]
async fn gateway_serves_while_vault_is_stopped_and_follows_a_rotation() -> Result<()> {
    let mut server = Server::dedicated().await?;
    let fixture = server.fixture().await?;
    let (first, second) = (secret("first"), secret("second"));
    fixture.put("OPENAI_API_KEY", json!({ "key": first })).await?;
    let provider = Provider::start().await?;
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_gateway-example"))
        .args(["127.0.0.1:0", &provider.address])
        .env_clear()
        .envs(environment(&fixture))
        .env("HCP_VAULT_REFRESH_INTERVAL", "1")
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let url = format!("{}/v1/chat/completions", address_of(&mut gateway).await?);
    let http = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let chat = async || -> Result<()> {
        let body = Full::from(r#"{"messages":[]}"#);
        let answer = http.request(Request::post(&url).body(body)?).await?;
        ensure!(answer.status() == 200, "{}", answer.status());
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(String::from_utf8_lossy(&body).contains("hello"), "another answer");
        Ok(())
    };
    chat().await?;
    assert_eq!(provider.shown(), first);

    fixture.put("OPENAI_API_KEY", json!({ "key": second })).await?;
    let rotated = async || {
        chat().await?;
        Ok(provider.shown() == second)
    };
    until("the rotated key", rotated).await?;

    server.stop().await?;
    // Well past the refresh interval, each request succeeds.
    let stopped = tokio::time::Instant::now();
    until("three seconds without Vault", async || {
        chat().await?;
        assert_eq!(provider.shown(), second);
        Ok(stopped.elapsed().as_secs() >= 3)
    })
    .await
}
